"""How arrays are laid out: spread over memories, crossing a stream, held in a kind of memory."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Partition(enum.Enum):
    """How an array dimension is spread over memories."""

    COMPLETE = "complete"
    CYCLIC = "cyclic"
    BLOCK = "block"

    Complete = COMPLETE
    Cyclic = CYCLIC
    Block = BLOCK


@dataclass(frozen=True, slots=True)
class PartitionSpec:
    """One dimension's partition. `dim` counts from 1; `factor` is the number of memories."""

    kind: Partition
    dim: int
    factor: int = 0

    def __str__(self) -> str:
        if self.kind is Partition.COMPLETE:
            return f"complete(dim={self.dim})"
        return f"{self.kind.value}(dim={self.dim}, factor={self.factor})"

    __repr__ = __str__


def complete(dim: int) -> PartitionSpec:
    """Layout of an array type: every element along `dim` in a memory (or register) of its own."""
    return PartitionSpec(Partition.COMPLETE, dim)


def cyclic(dim: int, factor: int) -> PartitionSpec:
    """Layout of an array type: element i along `dim` is in memory i % factor."""
    return PartitionSpec(Partition.CYCLIC, dim, factor)


def block(dim: int, factor: int) -> PartitionSpec:
    """Layout of an array type: `dim` cut into `factor` equal runs, a memory each."""
    return PartitionSpec(Partition.BLOCK, dim, factor)


@dataclass(frozen=True, slots=True)
class Streamed:
    """The layouts `stream` and `stream(depth)`; see `ArrayType`."""

    depth: int = 0

    def __call__(self, depth: int) -> Streamed:
        """A channel that holds `depth` elements. Raises ValueError for less than 1."""
        if isinstance(depth, bool) or not isinstance(depth, int) or depth < 1:
            raise ValueError(f"a stream holds at least 1 element, not {depth!r}")
        return Streamed(depth)

    def __repr__(self) -> str:
        return f"stream({self.depth})" if self.depth else "stream"


stream = Streamed()

MEMORIES = ("bram", "lutram", "uram")


@dataclass(frozen=True, slots=True)
class Bound:
    """The layout `memory("bram")`; see `ArrayType`."""

    memory: str

    def __repr__(self) -> str:
        return f'memory("{self.memory}")'


def memory(kind: str) -> Bound:
    """Layout of an array type: held in "bram", "lutram" or "uram". Raises ValueError for another."""
    if kind not in MEMORIES:
        raise ValueError(f"a memory is one of {', '.join(MEMORIES)}, not {kind!r}")
    return Bound(kind)
