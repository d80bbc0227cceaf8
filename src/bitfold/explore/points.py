"""What is explored, cut into tasks that any process can solve, and the points that come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import exp, log
from typing import Any

import numpy as np

from bitfold.autofold.chain import Chain
from bitfold.autofold.pareto import front
from bitfold.autofold.parts import IMPOSSIBLE, METRICS, Way
from bitfold.autofold.requirement import limits
from bitfold.autofold.result import Requirement
from bitfold.devices import Device
from bitfold.diagnostics import ScheduleError, UsageError, choices
from bitfold.networks.catalog import find_network
from bitfold.networks.weights_io import Weights
from bitfold.schedule import customize

OBJECTIVES = ("fps", "latency", "lut", "bram", "ff", "uram", "dsp")
_METRIC = {"bram": "bram18"}
TASKS = 32
Task = tuple[int, int]
"""Intervals from the first to the last, in cycles."""


@dataclass(frozen=True, eq=False)
class Job:
    """A network and its weights (None: the bundled ones), a device, a budget, and what to make best.

    `objectives` are of OBJECTIVES: images per second are to be many, all else is to be little.
    """

    network: str
    weights: Weights | None
    device: Device
    objectives: tuple[str, ...]
    budget: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Point:
    """A design by the models; `bram36` in 36-kbit block RAMs, `folding` the (PE, SIMD) of each layer."""

    interval_cycles: int
    latency_cycles: int
    fps: float
    latency_us: float
    lut: int
    ff: int
    bram36: float
    uram: int
    dsp: int
    folding: tuple[tuple[str, int, int], ...]

    def goal(self, objective: str) -> float:
        """What is to be little."""
        match objective:
            case "fps":
                return self.interval_cycles
            case "latency":
                return self.latency_cycles
            case "bram":
                return self.bram36
        value: float = getattr(self, objective)
        return value


def point_of(values: dict[str, Any]) -> Point:
    """A point from its JSON form. Raises KeyError, TypeError or ValueError for another."""
    folding = tuple((str(n), int(pe), int(simd)) for n, pe, simd in values["folding"])
    return Point(**{**values, "folding": folding})


def parse_objectives(text: str) -> tuple[str, ...]:
    """`fps,lut` as names. Raises UsageError for an unknown one, one named twice, or a single one."""
    names = tuple(part.strip().lower() for part in text.split(","))
    for name in names:
        if name not in OBJECTIVES:
            raise UsageError(
                f"there is no objective {name!r}", code="BF-U003", remedy=choices(name, OBJECTIVES)
            )
    if len(set(names)) != len(names):
        raise UsageError(f"objectives {text!r} name one twice", code="BF-U031", remedy="name each once")
    if len(names) < 2:
        raise UsageError(
            f"one objective, {names[0]}, has one best design and no front",
            code="BF-U031",
            remedy="name two or more, such as fps,lut; for one design: bitfold run NETWORK --max",
        )
    return names


@lru_cache(maxsize=2)
def chain_of(job: Job) -> Chain:
    """The network's chain; kept, as what one task measures is known to the next."""
    network = find_network(job.network)
    return Chain(customize(network.build(job.weights or network.load_weights(None))))


def tasks_of(job: Job) -> tuple[Task, ...]:
    """The tasks of a job, each a range of intervals; one task of all where the rate is no objective.

    Raises:
        ScheduleError: no design fits.
    """
    chain, most = chain_of(job), _limits(job)
    fastest = chain.search.fastest([int(m == "lut") for m in METRICS], most)
    if fastest is None:
        raise ScheduleError(
            f"no design of {job.network!r} fits on the {job.device.name}",
            code="BF-S051",
            remedy="take a larger device" + (" or budget" if job.budget else ""),
        )
    if not _by_interval(job):
        return ((1, IMPOSSIBLE - 1),)
    low = fastest.cycles
    slow = chain.search.fronts(_forms(job), interval=IMPOSSIBLE - 1, limits=most)
    high = max(max(way.cycles for way in slow), low)
    edges = [low]
    for k in range(1, TASKS + 1):  # as many times as slow, each
        edges.append(max(edges[-1], round(exp(log(low) + (log(high) - log(low)) * k / TASKS))))
    edges[-1] = IMPOSSIBLE - 1
    spans = [(a + (n > 0), b) for n, (a, b) in enumerate(pairwise(edges))]
    return tuple((a, b) for a, b in spans if a <= b)


def solve(job: Job, task: Task) -> list[Point]:
    """The points of a task: for each interval in its range the front of the other objectives.

    From one interval to the next nothing changes until the slowest design of the front is too slow.
    """
    chain, most, forms = chain_of(job), _limits(job), _forms(job)
    low, interval = task
    found: list[Way] = []
    while interval >= low:
        ways = chain.search.fronts(forms, interval=interval, limits=most)
        if not ways:
            break
        found += ways
        interval = max(way.cycles for way in ways) - 1
        if not _by_interval(job):
            break
    points = dict.fromkeys(_point(job, chain, way) for way in found)
    return best(list(points), job.objectives)


def _by_interval(job: Job) -> bool:
    """Whether designs of one front differ in their interval; a latency is no less than the interval."""
    return "fps" in job.objectives or "latency" in job.objectives


def best(points: Sequence[Point], objectives: Sequence[str]) -> list[Point]:
    """Those points that no other is as good as in every objective, the best in the first one first."""
    goals = np.array([[2 * p.goal(o) for o in objectives] for p in points], np.int64)  # halves of block RAMs
    return [points[i] for i in front(goals.reshape(len(points), len(objectives)))]


def _limits(job: Job) -> dict[str, int]:
    return limits(Requirement(budget=job.budget), job.device)


def _forms(job: Job) -> list[list[int]]:
    names = [_METRIC.get(o, o) for o in job.objectives if o != "fps"]
    return [[int(m == name) for m in METRICS] for name in names]


def _point(job: Job, chain: Chain, way: Way) -> Point:
    values, clock = way.values, job.device.clock_mhz
    return Point(
        interval_cycles=way.cycles,
        latency_cycles=way.latency,
        fps=clock * 1e6 / way.cycles,
        latency_us=way.latency / clock,
        lut=values["lut"],
        ff=values["ff"],
        bram36=values["bram18"] / 2,
        uram=values["uram"],
        dsp=values["dsp"],
        folding=tuple((name, pe, simd) for name, (pe, simd) in chain.folding(way).items()),
    )
