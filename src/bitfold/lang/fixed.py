"""Fixed point: `Fixed(16, 8)` is a two's complement integer of 16 bits that counts units of 2**-8.

As in Allo, the second number is the bits of the fraction; C++'s `ap_fixed<16, 8>` counts those before the
point instead, so `Fixed(w, f)` is `ap_fixed<w, w - f>`, which truncates and wraps as well. Arithmetic is
exact, as that of integers is. A store or cast drops bits below the last one of the fraction (towards minus
infinity) and wraps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from bitfold.lang.types import MAX_WIDTH, ArrayType, IntType


class Exact(Fraction):
    """What an element of fixed point reads as under CPython: a fraction that stays one beside a float."""

    __slots__ = ()


def _binary(name: str) -> Callable[[Any, Any], Any]:
    operation = getattr(Fraction, name)

    def method(self: Exact, other: Any) -> Any:
        found = operation(self, Fraction(other) if isinstance(other, float) else other)
        return Exact(found) if isinstance(found, Fraction) else found

    return method


def _unary(name: str) -> Callable[[Any], Any]:
    operation = getattr(Fraction, name)
    return lambda self: Exact(operation(self))


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod"):
    setattr(Exact, f"__{_name}__", _binary(f"__{_name}__"))
    setattr(Exact, f"__r{_name}__", _binary(f"__r{_name}__"))
for _name in ("__neg__", "__pos__", "__abs__"):
    setattr(Exact, _name, _unary(_name))


@dataclass(frozen=True, slots=True)
class FixedType:
    """A number of `width` bits, `fraction` of them after the binary point."""

    width: int
    fraction: int
    signed: bool

    @property
    def raw(self) -> IntType:
        """The integer that holds it, in units of 2**-fraction."""
        return IntType(self.width, self.signed)

    @property
    def low(self) -> Exact:
        return Exact(self.raw.low, 1 << self.fraction)

    @property
    def high(self) -> Exact:
        return Exact(self.raw.high, 1 << self.fraction)

    @property
    def storage(self) -> np.dtype[np.generic]:
        """The NumPy dtype that holds one element exactly: float64 up to 53 bits, else Python objects."""
        exact = self.width <= 53 and self.fraction <= 1000
        return np.dtype(np.float64 if exact else object)

    def wrap(self, value: Any) -> Exact:
        """`value` without what is below the last bit, wrapped: what a store does. Of inf and nan, 0."""
        number = value if isinstance(value, (int, Fraction)) else _fraction(value)
        return Exact(self.raw.wrap(math.floor(number * (1 << self.fraction))), 1 << self.fraction)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """The integers that hold an array of values; 0 for a value that this type does not hold."""
        if not self.storage.hasobject:
            scaled, held = self._scaled(values)
            return np.where(held, scaled, 0).astype(self.raw.storage)
        made = np.empty(values.size, self.raw.storage)
        made[:] = [int(v * (1 << self.fraction)) if self.holds(v) else 0 for v in values.flat]
        return made.reshape(values.shape)

    def _scaled(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Numbers in units of the last bit, and which of them this type holds; for 53 bits or fewer."""
        with np.errstate(all="ignore"):
            scaled = np.ldexp(values.astype(np.float64), self.fraction)
        return scaled, (scaled >= self.raw.low) & (scaled <= self.raw.high) & (np.floor(scaled) == scaled)

    def holds(self, value: Any) -> bool:
        """Whether `value` is a number that this type holds exactly."""
        try:
            return bool(self.wrap(value) == value)
        except (TypeError, ValueError, OverflowError):
            return False

    def decode(self, raw: np.ndarray) -> np.ndarray:
        """The inverse of `encode`, in the dtype `storage`."""
        if not self.storage.hasobject:
            return np.ldexp(raw.astype(np.float64), -self.fraction)
        made = np.empty(raw.size, object)
        made[:] = [Exact(int(v), 1 << self.fraction) for v in raw.flat]
        return made.reshape(raw.shape)

    def fault(self, values: np.ndarray) -> str | None:
        """What this type does not hold in an array of numbers, in words, or None."""
        if not self.storage.hasobject and values.dtype != object:
            values = values[~self._scaled(values)[1]][:1]
        for value in values.flat:
            if not self.holds(value):
                return f"holds {value}; {self} counts from {self.low} to {self.high} in units of {self.unit}"
        return None

    @property
    def unit(self) -> Exact:
        """The value of the last bit."""
        return Exact(1, 1 << self.fraction)

    def __call__(self, value: Any) -> Exact:
        """A cast in a kernel, which truncates and wraps as a store does."""
        return self.wrap(value)

    def __getitem__(self, dims: object) -> FixedArrayType:
        """An array type, such as `Fixed(16, 8)[10, "K"]`. Raises TypeError for another kind of dimension."""
        return FixedArrayType(self, self.raw[dims])

    def __str__(self) -> str:
        return f"{'' if self.signed else 'U'}Fixed({self.width}, {self.fraction})"

    __repr__ = __str__


def _fraction(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if isinstance(value, (int, np.integer, np.bool_)):
        return Fraction(int(value))
    return Fraction(float(value)) if math.isfinite(value) else Fraction(0)


@lru_cache(maxsize=None, typed=True)
def _fixed(width: int, fraction: int, signed: bool) -> FixedType:
    for number, least, what in ((width, 1, "bits"), (fraction, 0, "bits of fraction")):
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= MAX_WIDTH:
            raise ValueError(f"a fixed-point type has {least} to {MAX_WIDTH} {what}, not {number!r}")
    return FixedType(width, fraction, signed)


def Fixed(width: int, fraction: int) -> FixedType:  # noqa: N802 - a type, named as Allo names it
    """The signed fixed-point type of `width` bits in all, `fraction` of them after the binary point."""
    return _fixed(width, fraction, True)


def UFixed(width: int, fraction: int) -> FixedType:  # noqa: N802
    """The unsigned fixed-point type of `width` bits in all, `fraction` of them after the binary point."""
    return _fixed(width, fraction, False)


@dataclass(frozen=True, slots=True)
class FixedArrayType:
    """An array of fixed point, or a stream of it: `raw` is the array of the integers that hold it."""

    elem: FixedType
    raw: ArrayType

    @property
    def dims(self) -> tuple[int, ...]:
        return self.raw.dims

    @property
    def streamed(self) -> bool:
        return self.raw.streamed

    def __getitem__(self, dims: object) -> FixedArrayType:
        """An array of streams. Raises TypeError where this is no stream."""
        made = getattr(self.raw, "__getitem__", None)
        if made is None:
            raise TypeError(f"{self} is an array already; give all its dimensions at once")
        return replace(self, raw=made(dims))

    def __matmul__(self, spec: Any) -> FixedArrayType:
        return replace(self, raw=self.raw @ spec)

    def __str__(self) -> str:
        return str(self.raw).replace(str(self.raw.logical.elem), str(self.elem), 1)

    __repr__ = __str__
