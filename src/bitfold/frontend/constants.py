"""Arrays from outside a kernel: their types, and the table of a program's constants."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, count

import numpy as np

from bitfold.diagnostics import LanguageError, Span
from bitfold.lang.array import Array, FixedArray
from bitfold.lang.types import ArrayType, ElementType, FloatType, IntType, bit


@dataclass(slots=True)
class ConstantTable:
    """The constants of a program under construction: logical values, copied and read-only."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def enter(self, name: str, values: np.ndarray, type: ArrayType, span: Span) -> str:
        """Enter `values` as the logical form of `type`; returns the name they got.

        Raises LanguageError when shape or values do not fit.
        """
        if fault := constant_fault(name, values, type.logical):
            raise LanguageError(
                fault, code="BF-L014", span=span, remedy="correct the array, or declare another type for it"
            )
        stored = np.array(values, type.logical.elem.storage)
        stored.flags.writeable = False
        for found in chain([name], (f"{name}_{i}" for i in count(1))):
            old = self.arrays.setdefault(found, stored)
            if old is stored or _same(old, stored):
                break
        return found


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two constants hold the same; floats are compared by their bits."""
    if a.dtype != b.dtype or a.dtype.kind != "f":
        return a.dtype == b.dtype and np.array_equal(a, b)
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def array_type(values: np.ndarray, name: str, span: Span) -> ArrayType:
    """The type of a captured NumPy array: its declared one when it is typed, else by its dtype."""
    elem: ElementType | None = None
    if isinstance(values, FixedArray):
        elem = values.elem.raw
    elif isinstance(values, Array):
        elem = values.elem
    elif values.dtype == np.bool_:
        elem = bit
    elif values.dtype.kind in "iu":
        elem = IntType(values.dtype.itemsize * 8, values.dtype.kind == "i")
    elif values.dtype.kind == "f" and values.dtype.itemsize <= 8:
        elem = FloatType(values.dtype.itemsize * 8)
    if elem is None or not values.size or not values.ndim:
        raise LanguageError(
            f"{name!r}, captured from outside, is an array of shape {values.shape} and dtype {values.dtype}",
            code="BF-L014",
            span=span,
            remedy="capture integers, floats or bools, with at least one dimension and one element",
        )
    return elem[values.shape]


def constant_fault(name: str, values: np.ndarray, type: ArrayType) -> str | None:
    """Why a constant array cannot be held as `type`, or None."""
    if values.shape != type.shape:
        return f"{name!r} has shape {values.shape}, but {type} is expected"
    if isinstance(type.elem, FloatType):
        if values.dtype != type.elem.storage:
            return (
                f"{name!r} has dtype {values.dtype}, but {type} is expected, which is np.{type.elem.storage}"
            )
        return None
    integers = values.dtype.kind in "iub"
    if values.dtype == object:
        integers = all(isinstance(v, (int, np.integer)) for v in values.flat)
    if not integers:
        return f"{name!r} has dtype {values.dtype} and not only integers, but {type} is expected"
    plain = np.asarray(values)
    least, most = int(plain.min()), int(plain.max())
    if least < type.elem.low or most > type.elem.high:
        return f"{name!r} has values {least}..{most}, outside {type.elem}'s {type.elem.low}..{type.elem.high}"
    return None
