"""Kernels for several types and sizes: names in annotations that a caller or `customize` resolves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import Any, TypeVar

from bitfold.lang.types import IntType, bit

K = TypeVar("K", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class TypeName(IntType):
    """Stands in a declared array type for a type that is not known yet, such as T in `x: "T[N]"`."""

    name: str = ""

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


def as_type(value: Any) -> Any:
    """`value` as the language means it where a type is expected: `bool` is `bit`, an alias what it names."""
    while type(value).__name__ == "TypeAliasType":  # `type word = UInt(49)` of Python 3.12
        value = value.__value__
    return bit if value is bool else value


def specialize(kernel: K, /, **names: Any) -> K:
    """The plain Python function with type and dimension names in its body bound, to run it under CPython.

        def scale(x: "T[N]", y: "T[N]"):
            for i in range(N):
                y[i] = T(x[i] * 3)

        specialize(scale, T=int16, N=8)(x, y)

    `customize(scale, T=int16, N=8)` needs none of it: its program has the names resolved. Raises TypeError
    for anything but a Python function.
    """
    if not isinstance(kernel, FunctionType):
        raise TypeError(f"specialize takes a Python function, not a {type(kernel).__name__}")
    bound = {name: as_type(value) for name, value in names.items()}
    cells = tuple(
        CellType(bound[name]) if name in bound else cell
        for name, cell in zip(kernel.__code__.co_freevars, kernel.__closure__ or (), strict=True)
    )
    made = FunctionType(
        kernel.__code__, {**kernel.__globals__, **bound}, kernel.__name__, kernel.__defaults__, cells
    )
    made.__annotations__ = dict(kernel.__annotations__)
    made.__doc__ = kernel.__doc__
    made.__dict__.update(kernel.__dict__)
    return made  # type: ignore[return-value]
