"""What a kernel may call, as it behaves under CPython. All take and return exact Python ints."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any, TypeVar

import numpy as np

from bitfold.lang.types import FloatType

T = TypeVar("T")
K = TypeVar("K", bound=Callable[..., object])

DATAFLOW = "__bitfold_dataflow__"
"""The attribute of a function that `dataflow` sets."""


def xnor(a: int, b: int, lanes: int = 1) -> int:
    """Bitwise XNOR of the low `lanes` bits: bit i of the result is 1 where `a` and `b` agree."""
    return ~(int(a) ^ int(b)) & ((1 << lanes) - 1)


def popcount(value: int) -> int:
    """How many bits of an unsigned value are 1."""
    return int(value).bit_count()


def get_bit(word: int, position: int) -> int:
    """Bit `position` of `word`, counting from the least significant."""
    return (int(word) >> int(position)) & 1


def set_bit(word: int, position: int, value: int) -> int:
    """`word` with bit `position` replaced by the low bit of `value`."""
    mask = 1 << int(position)
    return int(word) | mask if int(value) & 1 else int(word) & ~mask


def get_slice(word: int, high: int, low: int) -> int:
    """Bits `high` down to `low` of `word`, both included, as an unsigned value."""
    return (int(word) >> int(low)) & ((2 << (int(high) - int(low))) - 1)


def set_slice(word: int, high: int, low: int, value: int) -> int:
    """`word` with bits `high` down to `low`, both included, replaced by the low bits of `value`."""
    mask = (2 << (int(high) - int(low))) - 1
    return int(word) & ~(mask << int(low)) | (int(value) & mask) << int(low)


def reverse(value: int, width: int) -> int:
    """The low `width` bits of `value` in reverse order: bit 0 becomes bit `width - 1`."""
    bits = int(value) & ((1 << width) - 1)
    return int(format(bits, f"0{width}b")[::-1], 2)


def concat(*parts: tuple[int, int]) -> int:
    """The low bits of values side by side, the first one highest: `concat((a, 4), (b, 3))` has 7 bits."""
    joined = 0
    for value, width in parts:
        joined = joined << width | int(value) & ((1 << width) - 1)
    return joined


def bitcast(value: Any, to: Any) -> Any:
    """The bits of `value`, which has as many as the type `to`, read as that type.

    A float's are those of IEEE 754, also of a nan.
    """
    if isinstance(value, (float, np.floating)):
        raw = int.from_bytes(np.asarray(value).tobytes(), sys.byteorder)
    else:
        raw = int(value)
    if not isinstance(to, FloatType):
        return to.wrap(raw)
    word = (raw & ((1 << to.width) - 1)).to_bytes(to.width // 8, sys.byteorder)
    return np.frombuffer(word, to.storage)[0]


def grid(*extents: int) -> Iterator[tuple[int, ...]]:
    """`for i, j in grid(M, N)`: a nest of loops from 0, the last one fastest."""
    return product(*(range(n) for n in extents))


def unroll(loop: Iterable[T], factor: int = 0) -> Iterable[T]:
    """A loop whose iterations are laid out in space: all of them, or `factor` at a time."""
    return loop


def parallel(loop: Iterable[T]) -> Iterable[T]:
    """A loop whose iterations are independent of each other and laid out in space, all of them."""
    return loop


def pipeline(loop: Iterable[T], ii: int = 1, rewind: bool = False) -> Iterable[T]:
    """A loop that starts an iteration every `ii` cycles; with `rewind` also the first of the next run."""
    return loop


def static(values: Iterable[T]) -> Iterable[T]:
    """A loop over constants that is written out, its body once for each: `for k in static(range(4))`."""
    return values


def dataflow(kernel: K) -> K:
    """Marks a kernel whose calls are processes that run at the same time. CPython calls them in turn."""
    setattr(kernel, DATAFLOW, True)
    return kernel
