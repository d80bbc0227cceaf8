"""What the search goes through: parts with their values, stages of alternatives, and ways through them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bitfold.model.costs import Resources

METRICS = ("lut", "ff", "bram18", "uram", "dsp", "latency")
IMPOSSIBLE = 1 << 60
"""Cycles of a part that cannot be scheduled."""

Values = NDArray[np.int64]


def vector(cost: Resources, latency: int) -> Values:
    """A cost and a latency in the order of METRICS."""
    return np.array([cost.lut, cost.ff, cost.bram18, cost.uram, cost.dsp, latency], np.int64)


@dataclass(eq=False)
class Part:
    """A kernel or a link under one folding: its values and cycles, lower bounds until `measure` is called.

    Bounds of the same `group` come from one rule: when one is found to be too high, all are dropped.
    """

    name: str
    group: str
    values: Values
    cycles: int
    measure: Callable[[], tuple[Values, int]]
    measured: bool = False
    users: list[tuple[int, int, int]] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.values.tolist()}, {self.cycles} cycles>"


@dataclass(frozen=True)
class Stage:
    """A matrix layer: `nodes[b][p]` is the layer at SIMD number b and PE number p, `before[a][b]` what leads
    to it when the layer before has PE number a."""

    name: str
    simds: tuple[int, ...]
    pes: tuple[int, ...]
    nodes: tuple[tuple[Part, ...], ...]
    before: tuple[tuple[tuple[Part, ...], ...], ...]


@dataclass(frozen=True)
class Way:
    """A way through the chain: (PE, SIMD) of each layer, the parts, and their sums; `tail` is how it ends."""

    folding: tuple[tuple[int, int], ...]
    parts: tuple[Part, ...]
    tail: int = 0

    @property
    def values(self) -> dict[str, int]:
        total = np.sum([p.values for p in self.parts], axis=0)
        return dict(zip(METRICS, total.tolist(), strict=True))

    @property
    def cycles(self) -> int:
        return max(p.cycles for p in self.parts)

    @property
    def latency(self) -> int:
        """Cycles that an image takes: those of its layers, and no less than its slowest kernel's."""
        return max(self.values["latency"], self.cycles)
