"""Types of the language: integers of any width, IEEE floats, and arrays of them.

Signedness is part of the type. An integer is exact: an operation's type is the smallest one that holds every
possible result (`covering`), so nothing wraps until it is stored into a typed place. An operation on floats
rounds to its result's type, as NumPy's scalars do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np

from bitfold.lang.layouts import Bound, Partition, PartitionSpec, Streamed

MAX_WIDTH = 4096
MOST_ELEMENTS = 1 << 31
"""Of an array; no device has memory for as many."""
DEPTH = 2
"""Elements that a channel between two kernels holds when nothing else is said."""


@dataclass(frozen=True, slots=True)
class IntType:
    """A two's complement integer of `width` bits (1..4096). `UInt(1)` is `bit`: 1 means +1, 0 means -1."""

    width: int
    signed: bool

    @property
    def low(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (self.width - self.signed)) - 1

    @property
    def storage(self) -> np.dtype[np.generic]:
        """The NumPy dtype that holds one element: the next of 8, 16, 32, 64 bits, else Python ints."""
        for bits in (8, 16, 32, 64):
            if self.width <= bits:
                return np.dtype(f"{'int' if self.signed else 'uint'}{bits}")
        return np.dtype(object)

    def wrap(self, value: Any) -> int:
        """`value` modulo 2**width, as this type reads it: what a store does. A float is truncated first."""
        kept = whole(value) & ((1 << self.width) - 1)
        return kept - (1 << self.width) if self.signed and kept > self.high else kept

    def holds(self, other: ElementType) -> bool:
        """Whether every value of `other` is a value of this type."""
        return isinstance(other, IntType) and self.low <= other.low and other.high <= self.high

    def __call__(self, value: Any) -> int:
        """A cast in a kernel: `uint8(x)` wraps, as a store would; of an array, each element."""
        return _each(self.wrap, value) if isinstance(value, np.ndarray) else self.wrap(value)

    def __getitem__(self, dims: object) -> ArrayType:
        """An array type, such as `bit[10, "K"]`. Raises TypeError for a dimension of another kind."""
        return _array_of(self, dims)

    def __str__(self) -> str:
        if self == bit:
            return "bit"
        if self.width in _ALIASED:
            return f"{'int' if self.signed else 'uint'}{self.width}"
        return f"{'Int' if self.signed else 'UInt'}({self.width})"

    __repr__ = __str__


def _each(compute: Callable[[Any], Any], values: np.ndarray) -> Any:
    """A cast of each element of an array."""
    from bitfold.lang.array import computed  # which knows of these types

    return computed(compute, values)


def whole(value: Any) -> int:
    """A number as an exact integer: a float is cut towards 0; inf and nan, which have no integer, give 0."""
    endless = isinstance(value, (float, np.floating)) and not math.isfinite(value)
    return 0 if endless else int(value)


@dataclass(frozen=True, slots=True)
class FloatType:
    """An IEEE 754 binary float of 16, 32 or 64 bits: NumPy's float16, float32 and float64.

    `weak` marks the type of Python's own floats, which have 64 bits and take the type of the other operand.
    """

    width: int
    weak: bool = False

    signed: ClassVar[bool] = True

    @property
    def low(self) -> int:
        """The least finite value."""
        return -self.high

    @property
    def high(self) -> int:
        """The greatest finite value."""
        return _LARGEST[self.width]

    @property
    def storage(self) -> np.dtype[np.generic]:
        """The NumPy dtype of an element."""
        return np.dtype(f"float{self.width}")

    def wrap(self, value: Any) -> Any:
        """`value` rounded to this type, to nearest even: what a store does. Integers go by way of float64."""
        if type(value) is self.storage.type:
            return float(value) if self.weak else value
        if not isinstance(value, (float, np.floating)):
            value = _as_double(value)
        if self.weak:
            return float(value)
        with np.errstate(all="ignore"):
            return self.storage.type(value)

    def holds(self, other: ElementType) -> bool:
        """Whether every value of `other` is a value of this type."""
        return isinstance(other, FloatType) and other.width <= self.width

    def __call__(self, value: Any) -> Any:
        """A cast in a kernel: `float32(x)` rounds, and is a NumPy scalar. `float32("inf")` is one as well."""
        if isinstance(value, np.ndarray):
            return _each(self.wrap, value)
        return self.wrap(float(value) if isinstance(value, str) else value)

    def __getitem__(self, dims: object) -> ArrayType:
        """An array type, such as `float32[10, "K"]`. Raises TypeError for a dimension of another kind."""
        return _array_of(self, dims)

    def __str__(self) -> str:
        return "float" if self.weak else f"float{self.width}"

    __repr__ = __str__


_LARGEST = {16: 65504, 32: (1 << 128) - (1 << 104), 64: (1 << 1024) - (1 << 971)}

ElementType: TypeAlias = IntType | FloatType
"""What a scalar or an array element is."""

float16, float32, float64 = FloatType(16), FloatType(32), FloatType(64)
PYTHON_FLOAT = FloatType(64, weak=True)
"""The type of Python's own floats, such as literals; nothing is declared to have it."""


def _as_double(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond the largest float64
        return math.inf if value > 0 else -math.inf


def _array_of(elem: ElementType, dims: object) -> ArrayType:
    shape = dims if isinstance(dims, tuple) else (dims,)
    if not shape:
        raise TypeError("an array type has at least one dimension")
    return ArrayType(elem, tuple(map(_dimension, shape)))


def _dimension(given: object) -> int | str:
    if isinstance(given, str) and given.isidentifier():
        return given
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        return int(given)
    if isinstance(given, TypeVar):  # the N of `def kernel[N](x: int8[N])`
        return given.__name__
    raise TypeError(f"an array dimension is an integer or a name in quotes, not {given!r}")


_ALIASED = frozenset((2, 4, 8, 16, 32, 64, 128, 256, 512))


@lru_cache(maxsize=None, typed=True)
def _int_type(width: int, signed: bool) -> IntType:
    if isinstance(width, bool) or not isinstance(width, int) or not 1 <= width <= MAX_WIDTH:
        raise ValueError(f"an integer type has 1 to {MAX_WIDTH} bits, not {width!r}")
    return IntType(width, signed)


def Int(width: int) -> IntType:  # noqa: N802 - a type, named as Allo names it
    """The signed integer type of `width` bits."""
    return _int_type(width, True)


def UInt(width: int) -> IntType:  # noqa: N802
    """The unsigned integer type of `width` bits."""
    return _int_type(width, False)


bit = IntType(1, False)


def covering(low: int, high: int) -> IntType:
    """The smallest integer type that holds every value in low..high."""
    if low >= 0:
        return UInt(max(1, high.bit_length()))
    return Int(max((-low - 1).bit_length(), high.bit_length() if high > 0 else 0) + 1)


@dataclass(frozen=True, slots=True)
class ArrayType:
    """An array; `shape` holds ints, or names that are resolved when the kernel is customized.

    `lanes_of` tells that an array whose innermost dimension had that many elements of type `part` was packed:
    each word `elem` holds `lanes` of them, element e in word e // lanes, its lowest bit at
    (e % lanes) * part.width; unused bits of the last word are 0.

    A `streamed` array crosses a first-in first-out channel: its elements (words, when packed) are taken with
    `get()` or given with `put(v)`, each once, in row-major order. `depth` is how many of them a channel
    between two kernels holds (0: DEPTH); a parameter has none, its channel is its caller's.

    `memory` says what holds it on the device: "bram", "lutram", "uram", or "" for the tool's choice.
    """

    elem: ElementType
    shape: tuple[int | str, ...]
    layout: tuple[PartitionSpec, ...] = ()
    lanes_of: int = 0
    streamed: bool = False
    part: IntType = bit
    depth: int = 0
    memory: str = ""

    @property
    def dims(self) -> tuple[int, ...]:
        """The shape once every name in it is resolved."""
        resolved = tuple(d for d in self.shape if isinstance(d, int))
        if len(resolved) != len(self.shape):
            raise TypeError(f"the dimensions of {self} are not all known here")
        return resolved

    @property
    def lanes(self) -> int:
        """Elements in a word; 0 when it is not packed."""
        return self.elem.width // self.part.width if self.lanes_of else 0

    @property
    def logical(self) -> ArrayType:
        """The type before packing: what a caller passes."""
        if not self.lanes_of:
            return ArrayType(self.elem, self.shape)
        return ArrayType(self.part, (*self.shape[:-1], self.lanes_of))

    @property
    def crossing(self) -> tuple[object, ...]:
        """What must be equal in a caller's array and the parameter that it is passed for."""
        return (type(self), self.elem, self.shape, self.lanes_of, self.part, self.streamed)

    def __matmul__(self, spec: PartitionSpec | Packed | Streamed | Bound) -> ArrayType:
        match spec:
            case Streamed():
                return replace(self, streamed=True, depth=spec.depth)
            case Packed():
                return replace(self, lanes_of=spec.of, part=spec.part)
            case PartitionSpec():
                return replace(self, layout=(*self.layout, spec))
            case Bound():
                return replace(self, memory=spec.memory)
        raise TypeError(
            f"{spec!r} is no layout of an array: use complete, cyclic, block, packed, stream or memory"
        )

    def fault(self) -> str | None:
        """What is wrong with a type whose dimensions are resolved, in words, or None."""
        for size in self.dims:
            if size < 1:
                return f"a dimension of {self} is {size}; it must be at least 1"
        if math.prod(self.dims) > MOST_ELEMENTS:
            return f"{self} has {math.prod(self.dims):,} elements; an array holds at most {MOST_ELEMENTS:,}"
        for part in self.layout:
            if not 1 <= part.dim <= len(self.dims):
                return f"{part} names a dimension that {self.elem}{list(self.dims)} does not have"
            if part.kind is not Partition.COMPLETE and part.factor < 1:
                return f"{part} makes {part.factor} memories; it must make at least 1"
        spare = self.dims[-1] * self.lanes - self.lanes_of
        if self.lanes_of and (
            not isinstance(self.elem, IntType)
            or self.elem.signed
            or self.elem.width % self.part.width
            or not 0 <= spare < self.lanes
        ):
            kind = "bits" if self.part == bit else f"elements of {self.part}"
            return f"{self.dims[-1]} words of {self.elem} are not what {self.lanes_of} {kind} are packed into"
        return None

    def __str__(self) -> str:
        dims = ", ".join(f'"{d}"' if isinstance(d, str) else str(d) for d in self.shape)
        part = "" if self.part == bit else f", {self.part}"
        packed = f" @ packed({self.lanes_of}{part})" if self.lanes_of else ""
        end = f" @ {Bound(self.memory)}" if self.memory else ""
        if self.streamed:
            end += f" @ {Streamed(self.depth)}"
        return f"{self.elem}[{dims}]{packed}" + "".join(f" @ {p}" for p in self.layout) + end

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Packed:
    """Marks an array of words as `of` elements of `part` along the innermost dimension; see `ArrayType`."""

    of: int
    part: IntType


def packed(of: int, part: IntType = bit) -> Packed:
    """Layout of an array type: words that hold an array whose innermost dimension has `of` elements."""
    return Packed(of, part)


class IndexType:
    """The type of a loop variable: an integer that never wraps."""

    def __str__(self) -> str:
        return "index"

    __repr__ = __str__


index = IndexType()

int2, int4, int8, int16, int32, int64, int128, int256, int512 = (
    Int(n) for n in (2, 4, 8, 16, 32, 64, 128, 256, 512)
)
uint2, uint4, uint8, uint16, uint32, uint64, uint128, uint256, uint512 = (
    UInt(n) for n in (2, 4, 8, 16, 32, 64, 128, 256, 512)
)
