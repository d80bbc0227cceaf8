"""The search: cheapest ways through a chain of layers, exact although most costs are only bounded.

A network is a chain of matrix layers. What a layer costs depends on its (PE, SIMD), what lies between two
layers on the PE of the first and the SIMD of the second. All of it is made of parts, and what a part costs is
known only after a kernel has been scheduled and estimated, which takes long; before, a lower bound is known.
So the cheapest chain by bounds is found by dynamic programming, its parts are measured, and so on, until the
cheapest chain has only measured parts: no other can be cheaper. If even bounds leave none, there is none.

Labels of the dynamic programming are vectors, of which those that another dominates are dropped: so several
resources can be limited, or whole Pareto fronts be found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bitfold.autofold.pareto import front
from bitfold.autofold.parts import IMPOSSIBLE, METRICS, Part, Stage, Values, Way

NEAR = 50
"""How many ways that come after the best are measured with it where searching takes long."""


class Search:
    """The chain and what is known of its parts; what has been measured stays known from query to query."""

    def __init__(self, stages: Sequence[Stage], after: Sequence[Sequence[tuple[Part, ...]]]) -> None:
        """`after[a]` is what can follow the last layer at PE number a: one or several tails."""
        self.stages = tuple(stages)
        self.after = tuple(after)
        self.evaluated = 0
        self.distrusted: list[str] = []
        self._steps = [
            np.zeros((len(s.before), len(s.simds), len(s.pes), len(METRICS)), np.int64) for s in stages
        ]
        self._cycles = [np.zeros(step.shape[:3], np.int64) for step in self._steps]
        self._register()

    # ---- queries

    def cheapest(
        self, weights: Sequence[int], *, interval: int, limits: dict[str, int] | None = None
    ) -> Way | None:
        """The way with the least sum of weights * METRICS among those within `interval` and `limits`.

        None proves that there is none.
        """
        found = self._settled(np.array([weights], np.int64).T, interval, limits or {}, all_ways=False)
        return found[0] if found else None

    def fronts(
        self, objectives: Sequence[Sequence[int]], *, interval: int, limits: dict[str, int] | None = None
    ) -> list[Way]:
        """All ways that no other is at most as large as in every objective, a linear form of METRICS each."""
        matrix = np.array(objectives, np.int64).T
        ways = self._settled(matrix, interval, limits or {}, all_ways=True)
        sums = np.array([list(w.values.values()) for w in ways], np.int64).reshape(-1, len(METRICS))
        return [ways[i] for i in front(sums @ matrix)]  # of ways that differ in a limited metric alone, one

    def _settled(self, matrix: Values, interval: int, limits: dict[str, int], *, all_ways: bool) -> list[Way]:
        """The ways when all of their parts are measured. A metric is watched once a way exceeds its limit."""
        watched: list[str] = []
        while True:
            found = self._ways(matrix, interval, limits, watched)
            ways = found if all_ways else found[:1]
            over = {m for way in ways for m, most in limits.items() if way.values[m] > most}
            if over:
                watched += [m for m in METRICS if m in over]
                if self._stopped(watched, interval, limits):
                    return []
            elif not self._measure(p for way in ways for p in way.parts):
                return ways
            elif len(watched) > 1:  # another such search takes longer than to measure more of what is near
                self._measure(p for way in found[1 : NEAR + 1] for p in way.parts)

    def _stopped(self, watched: Sequence[str], interval: int, limits: dict[str, int]) -> bool:
        """Whether one of the watched metrics after the first exceeds its limit whatever the others take.

        A front in two metrics is small, and one in three is not: what two prove is not searched in three.
        """
        kept = {m: limits[m] for m in watched[:1]}
        for metric in watched[1:]:
            least = self.cheapest([int(m == metric) for m in METRICS], interval=interval, limits=kept)
            if least is None or least.values[metric] > limits[metric]:
                return True
        return False

    def fastest(self, weights: Sequence[int], limits: dict[str, int]) -> Way | None:
        """The way of the least interval within `limits`, and of these the cheapest. None: none fits."""
        candidates = self._candidates()
        low, high = 0, len(candidates)
        while low < high:  # by bounds alone
            middle = (low + high) // 2
            if self._possible(weights, candidates[middle], limits):
                high = middle
            else:
                low = middle + 1
        if low == len(candidates):
            return None
        interval, distrusted = candidates[low], len(self.distrusted)
        while True:
            found = self.cheapest(weights, interval=interval, limits=limits)
            if len(self.distrusted) > distrusted:  # a bound was too high, so less may be possible
                return self.fastest(weights, limits)
            if found is not None:
                return found
            later = [c for c in self._candidates() if c > interval]
            if not later:
                return None
            interval = later[0]

    def least(self, metric: str, *, interval: int = IMPOSSIBLE - 1) -> Way | None:
        """The way that has least of one metric."""
        return self.cheapest([int(m == metric) for m in METRICS], interval=interval)

    def measure(self, parts: Iterable[Part]) -> None:
        """Find out what parts cost."""
        any(self._measure(parts))

    def floor(self) -> tuple[int, str]:
        """The least interval whatever it costs, and the kernel that sets it."""
        none = {m: IMPOSSIBLE for m in METRICS}
        way = self.fastest([0] * len(METRICS), none)
        assert way is not None
        for stage, cycles in zip(self.stages, self._cycles, strict=True):
            if cycles.min() == way.cycles:
                nodes = min(node.cycles for row in stage.nodes for node in row)
                between = [parts for row in stage.before for parts in row]
                parts = min(between, key=lambda parts: max(p.cycles for p in parts))
                slowest = max(parts, key=lambda p: p.cycles)
                return way.cycles, stage.name if nodes == way.cycles else slowest.name
        ends = [parts for tails in self.after for parts in tails]
        last = min(ends, key=lambda parts: max(p.cycles for p in parts))
        slowest = max(last, key=lambda p: p.cycles)
        return way.cycles, slowest.name if slowest.cycles == way.cycles else "one of the kernels"

    # ---- what is known

    def _register(self) -> None:
        for i, stage in enumerate(self.stages):
            for a, row in enumerate(stage.before):
                for b, parts in enumerate(row):
                    for part in parts:
                        part.users.append((i, a, b))
            for b, nodes in enumerate(stage.nodes):
                for node in nodes:
                    node.users += [(i, a, b) for a in range(len(stage.before))]
                for a in range(len(stage.before)):
                    self._refresh(i, a, b)

    def _refresh(self, i: int, a: int, b: int) -> None:
        stage = self.stages[i]
        between = stage.before[a][b]
        shared = np.sum([p.values for p in between], axis=0)
        slowest = max(p.cycles for p in between)
        for p, node in enumerate(stage.nodes[b]):
            self._steps[i][a, b, p] = shared + node.values
            self._cycles[i][a, b, p] = max(slowest, node.cycles)

    def _measure(self, parts: Iterable[Part]) -> list[Part]:
        """Measure those of `parts` that are not; returns them."""
        new = [p for p in dict.fromkeys(parts) if not p.measured]
        touched: dict[tuple[int, int, int], None] = {}
        for part in new:
            bound, cycles = part.values, part.cycles
            part.values, part.cycles = part.measure()
            part.measured = True
            self.evaluated += 1
            touched.update(dict.fromkeys(part.users))
            if part.cycles < IMPOSSIBLE and ((part.values < bound).any() or part.cycles < cycles):
                touched.update(dict.fromkeys(self._distrust(part.group)))
        for place in touched:
            self._refresh(*place)
        return new

    def _distrust(self, group: str) -> list[tuple[int, int, int]]:
        """Drop the bounds of a group, of which one was too high; returns where they count."""
        self.distrusted.append(group)
        touched = []
        for part in self._parts():
            if part.group == group and not part.measured:
                part.values, part.cycles = np.zeros_like(part.values), 1
                touched += part.users
        return touched

    def _parts(self) -> Iterator[Part]:
        for stage in self.stages:
            yield from (part for row in stage.before for parts in row for part in parts)
            yield from (node for row in stage.nodes for node in row)
        yield from (part for tails in self.after for parts in tails for part in parts)

    def _candidates(self) -> list[int]:
        """All intervals that there can be, by what is known."""
        found = {int(c) for cycles in self._cycles for c in np.unique(cycles)}
        found |= {p.cycles for tails in self.after for parts in tails for p in parts}
        return sorted(c for c in found if c < IMPOSSIBLE)

    # ---- dynamic programming

    def _possible(self, weights: Sequence[int], interval: int, limits: dict[str, int]) -> bool:
        """Whether bounds leave a way."""
        matrix = np.array([weights], np.int64).T
        watched: list[str] = []
        while True:
            ways = self._ways(matrix, interval, limits, watched)[:1]
            over = {m for way in ways for m, most in limits.items() if way.values[m] > most}
            if not over:
                return bool(ways)
            watched += [m for m in METRICS if m in over]

    def _ways(
        self, matrix: Values, interval: int, limits: dict[str, int], watched: Sequence[str]
    ) -> list[Way]:
        """The Pareto front in the objectives and the `watched` metrics, these within their limits."""
        chosen = [[int(m == w) for m in METRICS] for w in watched]
        forms = np.concatenate([matrix, np.array(chosen, np.int64).reshape(-1, len(METRICS)).T], axis=1)
        most = np.array([IMPOSSIBLE] * matrix.shape[1] + [limits[w] for w in watched], np.int64)
        rest = self._completions(forms, interval)
        labels: list[Values] = [np.zeros((1, forms.shape[1]), np.int64)]
        trails: list[list[NDArray[np.int64]]] = []
        for i, stage in enumerate(self.stages):
            steps, fits = self._steps[i] @ forms, self._cycles[i] <= interval
            new, trail = [], []
            for p in range(len(stage.pes)):
                values, origins = [], []
                for a, label in enumerate(labels):
                    bs = np.flatnonzero(fits[a, :, p])
                    if not len(bs) or not len(label):
                        continue
                    bs = bs[front(steps[a, bs, p])]
                    sums = (label[:, None, :] + steps[a, bs, p][None]).reshape(-1, forms.shape[1])
                    values.append(sums)
                    grid = np.indices((len(label), len(bs)))
                    origins.append(
                        np.stack([np.full(len(sums), a), grid[0].ravel(), bs[grid[1].ravel()]], axis=1)
                    )
                joined = np.concatenate(values) if values else np.zeros((0, forms.shape[1]), np.int64)
                where = np.concatenate(origins) if origins else np.zeros((0, 3), np.int64)
                within = np.flatnonzero((joined + rest[i + 1][p] <= most).all(axis=1))
                kept = within[front(joined[within])]
                new.append(joined[kept])
                trail.append(where[kept])
            labels = new
            trails.append(trail)
        return self._ended(labels, trails, forms, most, interval)

    def _ended(
        self,
        labels: list[Values],
        trails: list[list[NDArray[np.int64]]],
        forms: Values,
        most: Values,
        interval: int,
    ) -> list[Way]:
        """The front over all ends, as ways."""
        values: list[Values] = []
        ends: list[tuple[int, int, int]] = []
        for a, tails in enumerate(self.after):
            for tail, parts in enumerate(tails):
                if max(p.cycles for p in parts) <= interval:
                    total = labels[a] + np.sum([p.values for p in parts], axis=0) @ forms
                    values.append(total)
                    ends += [(a, n, tail) for n in range(len(total))]
        if not ends:
            return []
        joined = np.concatenate(values)
        within = np.flatnonzero((joined <= most).all(axis=1))
        return [self._way(ends[k], trails) for k in within[front(joined[within])]]

    def _way(self, end: tuple[int, int, int], trails: list[list[NDArray[np.int64]]]) -> Way:
        a, n, tail = end
        parts = list(self.after[a][tail])
        folding: list[tuple[int, int]] = []
        for stage, trail in zip(reversed(self.stages), reversed(trails), strict=True):
            before, label, b = (int(v) for v in trail[a][n])
            folding.append((stage.pes[a], stage.simds[b]))
            parts = [*stage.before[before][b], stage.nodes[b][a], *parts]
            a, n = before, label
        return Way(tuple(reversed(folding)), tuple(parts), tail)

    def _completions(self, forms: Values, interval: int) -> list[Values]:
        """What each form grows by at least, after each layer and for each PE of it: arrays (PEs, forms)."""
        far = np.int64(IMPOSSIBLE)
        ends = []
        for tails in self.after:
            best = np.full(forms.shape[1], far)
            for parts in tails:
                if max(p.cycles for p in parts) <= interval:
                    best = np.minimum(best, np.sum([p.values for p in parts], axis=0) @ forms)
            ends.append(best)
        found = [np.stack(ends)]
        for steps, cycles in zip(reversed(self._steps), reversed(self._cycles), strict=True):
            sums = np.minimum(steps @ forms + found[0][None, None], far)
            sums[cycles > interval] = far
            found.insert(0, sums.min(axis=(1, 2)))
        return found
