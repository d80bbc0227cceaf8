"""The search against trying every way: random chains with random lower bounds."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bitfold.autofold.pareto import front
from bitfold.autofold.parts import METRICS, Part, Stage
from bitfold.autofold.search import Search

WEIGHTS = [3, 0, 7, 0, 0, 0]
FREE = 1 << 50


@dataclass(frozen=True)
class Instance:
    """A search, and all ways: (values in the order of METRICS, cycles)."""

    search: Search
    ways: list[tuple[np.ndarray, int]]


def instance(seed: int, *, stages: int = 3) -> Instance:
    rng = np.random.default_rng(seed)
    truth: dict[int, tuple[np.ndarray, int]] = {}

    def part() -> Part:
        values, cycles = rng.integers(0, 30, len(METRICS)), int(rng.integers(1, 12))
        below = np.minimum(values, rng.integers(0, 30, len(METRICS)))
        made = Part("part", "group", below, int(rng.integers(1, cycles + 1)), lambda: (values, cycles))
        truth[id(made)] = (values, cycles)
        return made

    made, before = [], 1
    for _ in range(stages):
        simds, pes = (1, 2, 4)[: rng.integers(1, 4)], (1, 2, 4)[: rng.integers(1, 4)]
        nodes = tuple(tuple(part() for _ in pes) for _ in simds)
        between = tuple(tuple((part(), part()) for _ in simds) for _ in range(before))
        made.append(Stage("layer", simds, pes, nodes, between))
        before = len(pes)
    after = [((part(),), (part(), part())) for _ in range(before)]
    ways = []
    choices = itertools.product(*(itertools.product(range(len(s.simds)), range(len(s.pes))) for s in made))
    for chosen in choices:
        parts: list[Part] = []
        a = 0
        for stage, (b, p) in zip(made, chosen, strict=True):
            parts += [*stage.before[a][b], stage.nodes[b][p]]
            a = p
        for tail in after[a]:
            real = [truth[id(p)] for p in (*parts, *tail)]
            ways.append((np.sum([v for v, _ in real], axis=0), max(c for _, c in real)))
    return Instance(Search(made, after), ways)


def within(found: Instance, interval: int, limits: dict[str, int]) -> list[np.ndarray]:
    index = {m: i for i, m in enumerate(METRICS)}
    return [
        v
        for v, cycles in found.ways
        if cycles <= interval and all(v[index[m]] <= most for m, most in limits.items())
    ]


some_limits = st.dictionaries(st.sampled_from(["lut", "bram18", "latency"]), st.integers(40, 200), max_size=3)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), interval=st.integers(1, 12), limits=some_limits)
def test_the_cheapest_way_is_found_or_that_there_is_none(
    seed: int, interval: int, limits: dict[str, int]
) -> None:
    found = instance(seed)
    way = found.search.cheapest(WEIGHTS, interval=interval, limits=limits)
    costs = [int(v @ np.array(WEIGHTS)) for v in within(found, interval, limits)]
    assert (way is None) == (not costs)
    if way is not None:
        assert sum(w * v for w, v in zip(WEIGHTS, way.values.values(), strict=True)) == min(costs)
        assert way.cycles <= interval
        assert all(way.values[m] <= most for m, most in limits.items())


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), limits=some_limits)
def test_the_fastest_way_is_found_with_the_least_cost(seed: int, limits: dict[str, int]) -> None:
    found = instance(seed)
    way = found.search.fastest(WEIGHTS, limits)
    possible = [c for c in range(1, 13) if within(found, c, limits)]
    assert (way is None) == (not possible)
    if way is not None:
        assert way.cycles == possible[0]
        costs = [int(v @ np.array(WEIGHTS)) for v in within(found, possible[0], limits)]
        assert sum(w * v for w, v in zip(WEIGHTS, way.values.values(), strict=True)) == min(costs)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), interval=st.integers(4, 12), limits=some_limits, count=st.integers(1, 3))
def test_fronts_hold_what_no_other_way_beats(
    seed: int, interval: int, limits: dict[str, int], count: int
) -> None:
    found = instance(seed)
    objectives = np.eye(len(METRICS), dtype=np.int64)[[0, 2, 5][:count]]
    ways = found.search.fronts(objectives.tolist(), interval=interval, limits=limits)
    mine = {tuple(objectives @ np.array(list(w.values.values()))) for w in ways}
    all_ = np.array([objectives @ v for v in within(found, interval, limits)]).reshape(-1, count)
    expected = {tuple(p) for p in all_.tolist() if not any((q <= p).all() and (q < p).any() for q in all_)}
    assert mine == expected
    assert len(ways) == len(mine)


@given(points=st.lists(st.tuples(*[st.integers(0, 6)] * 3), max_size=40), size=st.integers(1, 3))
def test_a_front_keeps_one_of_each_point_that_none_dominates(
    points: list[tuple[int, ...]], size: int
) -> None:
    given_ = np.array([p[:size] for p in points], np.int64).reshape(-1, size)
    kept = [tuple(given_[i].tolist()) for i in front(given_)]
    expected = {
        tuple(p.tolist()) for p in given_ if not any((q <= p).all() and (q < p).any() for q in given_)
    }
    assert sorted(kept) == sorted(expected)


def test_bounds_that_are_too_high_are_dropped() -> None:
    """Of three nodes the cheapest has the highest bound; measuring another shows that the rule is wrong."""

    def part(group: str, bound: int, real: int) -> Part:
        return Part("", group, np.full(6, bound), 1, lambda: (np.full(6, real), 1))

    nodes = (part("node", 50, 3), part("node", 20, 10), part("node", 30, 30))
    stage = Stage("layer", (1, 2, 4), (1,), tuple((n,) for n in nodes), (((part("", 0, 0),),) * 3,))
    search = Search([stage], [((part("", 0, 0),),)])
    way = search.cheapest(WEIGHTS, interval=FREE)
    assert way is not None
    assert way.folding == ((1, 1),)
    assert way.values["lut"] == 3
    assert search.distrusted


def test_what_was_measured_stays_known() -> None:
    found = instance(7)
    found.search.cheapest(WEIGHTS, interval=FREE)
    once = found.search.evaluated
    found.search.cheapest(WEIGHTS, interval=FREE)
    assert found.search.evaluated == once > 0
