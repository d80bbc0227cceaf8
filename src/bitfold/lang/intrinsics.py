"""What a kernel may call, as it behaves under CPython. All take and return exact Python ints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import TypeVar

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


def grid(*extents: int) -> Iterator[tuple[int, ...]]:
    """`for i, j in grid(M, N)`: a nest of loops from 0, the last one fastest."""
    return product(*(range(n) for n in extents))


def unroll(loop: Iterable[T], factor: int = 0) -> Iterable[T]:
    """A loop whose iterations are laid out in space: all of them, or `factor` at a time."""
    return loop


def pipeline(loop: Iterable[T], ii: int = 1) -> Iterable[T]:
    """A loop that starts an iteration every `ii` cycles."""
    return loop


def dataflow(kernel: K) -> K:
    """Marks a kernel whose calls are processes that run at the same time. CPython calls them in turn."""
    setattr(kernel, DATAFLOW, True)
    return kernel
