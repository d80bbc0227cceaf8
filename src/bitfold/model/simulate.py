"""The cycle model's second grade: a whole dataflow network, word by word.

What is assumed:
- A process works on one iteration every II cycles, as `model.trace` says, unless one of its gets finds a
  stream empty or one of its puts finds it full: then all of its pipeline stalls.
- A word that is put in a cycle can be got in the next; room that a get makes can be used in the next.
- A process starts with the next image in the cycle after its last of this one (with a pipeline depth: after
  its pipeline is empty). Arrays between processes have two blocks that take turns.
- What comes from outside is always there, and what goes out is always taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import BuildError, UsageError
from bitfold.ir.nodes import Program
from bitfold.markup import table
from bitfold.model.events import LONGEST, UNLIMITED, Net, graph, net_of
from bitfold.model.firing import Fired, run

MOST_IMAGES = 64
SAMPLES = 200
"""Points of an occupancy timeline."""

Times = list[NDArray[np.int32]]


@dataclass(frozen=True)
class ProcessUse:
    """A process. Its cycles of work and its stalls are those of one image, the last that was simulated.

    A cycle counts as waiting for input where any word is missing, else as waiting for room. In the steady
    state the three add up to the interval.
    """

    name: str
    cycles: int
    waits_for_input: int
    waits_for_room: int
    first_start: int
    first_end: int


@dataclass(frozen=True)
class FifoUse:
    """A stream's words over time, from the cycle in which they are put to that in which they are got.

    `high_water` is the depth that would have been enough. `histogram` has (words, cycles) pairs, `timeline`
    (cycle, words) pairs, `envelope` (cycle, least, most) of the words from that cycle to before the next one;
    `block` marks an array that is handed over as a whole, whose words are blocks.
    """

    name: str
    width: int
    depth: int
    high_water: int
    histogram: tuple[tuple[int, int], ...]
    timeline: tuple[tuple[int, int], ...]
    envelope: tuple[tuple[int, int, int], ...]
    block: bool


@dataclass(frozen=True)
class Simulation:
    """What a simulation found; times in cycles.

    Attributes:
        interval_cycles: from one image to the next at the output, once that repeats itself.
        latency_cycles: until the first image is complete, its first cycle and its last included.
        completed: when each image was complete.
        steady: whether all processes have come to repeat themselves, which proves the interval; else it is
            the mean of the last images.
    """

    interval_cycles: float
    latency_cycles: int
    completed: tuple[int, ...]
    steady: bool
    processes: tuple[ProcessUse, ...]
    fifos: tuple[FifoUse, ...]

    def as_json(self) -> dict[str, Any]:
        """The result as JSON values."""
        return asdict(self)

    def _repr_html_(self) -> str:
        first = f"the first complete after {self.latency_cycles:,}"
        caption = f"an image every {self.interval_cycles:,g} cycles, {first}"
        head = ("kernel", "work", "waits for input", "waits for room")
        stalls = [(p.name, p.cycles, p.waits_for_input, p.waits_for_room) for p in self.processes]
        fifos = [(f.name, f.width, f.depth, f.high_water) for f in self.fifos]
        return table(caption, head, stalls) + table(
            "words in streams", ("stream", "bits", "depth", "held at most"), fifos
        )


def simulate(
    program: Program,
    *,
    images: int | None = None,
    depths: Mapping[str, int] | None = None,
    pipeline_depth: int | Mapping[str, int] = 0,
) -> Simulation:
    """Simulate a scheduled dataflow program.

    Args:
        images: how many images; None for as many as it takes to come to repeat itself (64 at most).
        depths: words that streams hold, by name, in place of their own depths.
        pipeline_depth: cycles that what a process puts spends in its pipeline: one number, or by process.

    Raises:
        ScheduleError: no dataflow network, or one in which what happens depends on data.
        DeadlockError: it cannot go on; StreamError: words are left in a stream.
        UsageError: a depth below 1, or of a stream that there is not.
        BuildError: it runs for too long to be simulated.
    """
    net = net_of(program, pipeline_depth)
    chosen = checked(net, depths or {})
    if images is not None and images < 1:
        raise UsageError(f"cannot simulate {images} images", code="BF-U016", remedy="images=1 or more")
    run_ = Run.of(net, chosen, images=images)
    return _summed_up(net, chosen, run_)


def checked(net: Net, depths: Mapping[str, int]) -> dict[str, int]:
    """All streams' depths, with `depths` in place of their own. Raises UsageError."""
    known = net.streams
    for name, depth in depths.items():
        if name not in known or depth < 1:
            what = (
                f"has no stream {name!r}" if name not in known else f"cannot have {name!r} of depth {depth}"
            )
            raise UsageError(
                f"{net.name!r} {what}",
                code="BF-U016",
                remedy=f"its streams: {', '.join(known)}; depth 1 or more",
            )
    return {**known, **depths}


@dataclass(frozen=True)
class Run:
    """Events of a number of images with their times; `interval` is None unless it is proven."""

    times: Times
    interval: float | None

    @classmethod
    def of(cls, net: Net, depths: Mapping[str, int], *, pace: int = 0, images: int | None = None) -> Run:
        """Simulate `images`, or until the network repeats itself. Raises DeadlockError, BuildError."""
        events = graph(net, pace)
        initial = net.initial(depths, len(events.counts))
        count = images or 4
        while True:
            longest = sum(p.trace.cycles for p in net.processes) + pace
            if longest * count > LONGEST:
                raise BuildError(
                    f"{net.name!r} takes {longest * count:,} cycles for {count} images: too many to simulate",
                    code="BF-B016",
                    remedy=f"fold it less, to below {LONGEST // count:,} cycles for an image",
                )
            fired = run(events, initial, count)
            if fired.times is None:
                _deadlock(net, depths, fired)
            assert fired.times is not None
            held = initial[initial < UNLIMITED]
            per = events.counts[initial < UNLIMITED]
            lag = int(np.max(-(-held // np.maximum(per, 1)), initial=1))
            interval = _period(fired.times, lag)
            over = interval is not None or images is not None or count >= MOST_IMAGES
            if over or (pace and _falls_behind(net, fired.times[: len(net.processes)], pace)):
                return cls(fired.times[: len(net.processes)], interval)
            count *= 2


def _deadlock(net: Net, depths: Mapping[str, int], fired: Fired) -> None:
    from bitfold.model.standstill import standstill

    raise standstill(net, depths, fired)


def _period(times: Times, lag: int) -> float | None:
    """Cycles per image if the last images repeat, in all that what follows can depend on; else None."""
    images = len(times[0])
    for period in range(1, 5):
        window = lag + period
        if window + period > images:
            return None
        shift = int(times[0][-1, -1]) - int(times[0][-1 - period, -1])
        if all((t[-window:] - t[-window - period : -period] == shift).all() for t in times):
            return shift / period
    return None


def _falls_behind(net: Net, times: Times, pace: int) -> bool:
    """Whether images have come to leave at a constant interval that is longer than that at which they come.

    Time lost so is only made up by images that leave faster, which a constant interval gives no sign of.
    """
    last = np.diff(_completed(net, times))[-4:]
    return len(last) == 4 and bool((last == last[0]).all() and last[0] > pace)


def _completed(net: Net, times: Times) -> NDArray[np.int64]:
    ends = [t[:, -1] for p, t in zip(net.processes, times, strict=True) if p.gives_result]
    last = np.stack(ends or [t[:, -1] for t in times])
    return np.asarray(last.max(axis=0), np.int64)


def _summed_up(net: Net, depths: Mapping[str, int], run_: Run) -> Simulation:
    completed = _completed(net, run_.times)
    images = len(completed)
    interval = run_.interval
    if interval is None:
        part = max(1, images // 2)
        interval = (
            float((completed[-1] - completed[-1 - part]) / part) if images > 1 else float(completed[0] + 1)
        )
    return Simulation(
        interval_cycles=interval,
        latency_cycles=int(completed[0]) + 1,
        completed=tuple(completed.tolist()),
        steady=run_.interval is not None,
        processes=_process_use(net, run_.times),
        fifos=tuple(fifo_use(net, j, depths, run_.times) for j in range(len(net.channels))),
    )


def _process_use(net: Net, times: Times) -> tuple[ProcessUse, ...]:
    wanted = [np.full(t.shape, -1, np.int64) for t in times]
    for c in net.channels:
        at = wanted[c.consumer]
        at[:, c.gets] = np.maximum(at[:, c.gets], times[c.producer][:, c.puts] + 1)
    found = []
    for process, t, ready in zip(net.processes, times, wanted, strict=True):
        flat = t.astype(np.int64).reshape(-1)
        free = (np.concatenate([[-1], flat[:-1]]) + np.tile(process.gaps, len(t))).reshape(t.shape)
        for_input = np.maximum(0, ready - free)
        for_room = t - free - for_input
        found.append(
            ProcessUse(
                name=process.name,
                cycles=process.trace.cycles,
                waits_for_input=int(for_input[-1].sum()),
                waits_for_room=int(for_room[-1].sum()),
                first_start=int(t[0, 0]),
                first_end=int(t[0, -1]),
            )
        )
    return tuple(found)


def held(net: Net, channel: int, times: Times) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """When each word of a channel is put, and the first cycle in which its room is free again."""
    c = net.channels[channel]
    puts = times[c.producer][:, c.takes_room].reshape(-1).astype(np.int64)
    gets = times[c.consumer][:, c.gives_room].reshape(-1).astype(np.int64)
    return puts, gets + 1


def high_water(net: Net, channel: int, times: Times) -> int:
    """The most words that a channel holds at a time."""
    puts, free = held(net, channel, times)
    return int(np.max(np.arange(1, len(puts) + 1) - np.searchsorted(free, puts, side="right")))


def fifo_use(net: Net, channel: int, depths: Mapping[str, int], times: Times) -> FifoUse:
    """A channel's words over all of the simulated time."""
    c = net.channels[channel]
    puts, free = held(net, channel, times)
    end = max(int(t[-1, -1]) for t in times) + 1
    changes = np.unique(np.concatenate([[0, end], puts, free[free < end]]))
    words = np.searchsorted(puts, changes, side="right") - np.searchsorted(free, changes, side="right")
    cycles = np.bincount(words[:-1], weights=np.diff(changes)).astype(np.int64)
    sampled = np.unique(np.linspace(0, end - 1, SAMPLES).astype(np.int64))
    there = np.searchsorted(puts, sampled, side="right") - np.searchsorted(free, sampled, side="right")
    points = np.union1d(changes[:-1], sampled)
    held_then = np.searchsorted(puts, points, side="right") - np.searchsorted(free, points, side="right")
    first = np.searchsorted(points, sampled)
    least, most = (f.reduceat(held_then, first).tolist() for f in (np.minimum, np.maximum))
    return FifoUse(
        name=c.label,
        width=c.width,
        depth=c.depth if c.block else depths[c.name],
        high_water=high_water(net, channel, times),
        histogram=tuple((n, int(k)) for n, k in enumerate(cycles) if k),
        timeline=tuple(zip(sampled.tolist(), there.tolist(), strict=True)),
        envelope=tuple(zip(sampled.tolist(), least, most, strict=True)),
        block=c.block,
    )
