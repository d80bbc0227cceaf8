"""A dataflow network as events that take and give tokens: processes, the channels between them, and blocks.

A channel holds words: a put takes room and gives a word, a get takes a word and gives room. An array that one
process writes and another reads is handed over as a whole, in two blocks that take turns: its writer takes a
free one with its first cycle and gives it with its last, its reader frees it with its last cycle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import Note, ScheduleError, StreamError
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import Alloc, CallKernel, Program
from bitfold.lang.types import DEPTH
from bitfold.lowering.flatten import flatten_pipelines
from bitfold.model.firing import Graph
from bitfold.model.trace import Place, Trace, trace
from bitfold.model.values import Ints

BLOCKS = 2
UNLIMITED = 1 << 30
LONGEST = 1 << 29
"""Cycles that can be simulated at most."""


@dataclass(frozen=True)
class Process:
    """A kernel that the top calls. `slots` are the cycles of its events, its last cycle among them."""

    name: str
    call: CallKernel
    trace: Trace
    slots: Ints
    gives_result: bool

    @property
    def gaps(self) -> Ints:
        """Cycles from one event to the next, the first after the last of the image before."""
        return np.diff(self.slots, prepend=self.slots[-1] - self.trace.cycles)


@dataclass(frozen=True)
class Channel:
    """A stream, or an array that is handed over as a whole (`block`), from one process to another.

    `puts` and `gets` number the events of the two processes at which a word is given and taken. Of a block
    `takes_room` and `gives_room` are those at which the writer takes a free one and the reader frees it.
    """

    name: str
    which: int
    width: int
    depth: int
    producer: int
    consumer: int
    puts: Ints
    gets: Ints
    takes_room: Ints
    gives_room: Ints
    block: bool

    @property
    def label(self) -> str:
        return f"{self.name}[{self.which}]" if self.which else self.name


@dataclass(frozen=True, eq=False)
class Net:
    """A network ready to be simulated. In an `acyclic` one no kernel gets from one that is called later."""

    name: str
    processes: tuple[Process, ...]
    channels: tuple[Channel, ...]
    acyclic: bool

    def initial(self, depths: Mapping[str, int], edges: int) -> NDArray[np.int64]:
        """The tokens that the edges of its graph hold at first."""
        found = np.zeros(edges, np.int64)
        found[2 * len(self.channels)] = UNLIMITED
        for j, c in enumerate(self.channels):
            found[2 * j + 1] = c.depth if c.block else depths.get(c.name, c.depth)
        return found

    @property
    def streams(self) -> dict[str, int]:
        """The depth of each stream, in the order in which they are declared."""
        return {c.name: c.depth for c in self.channels if not c.block}


@lru_cache(maxsize=8)
def graph(net: Net, pace: int = 0) -> Graph:
    """The events of a network; edges 2j and 2j + 1 are the words of channel j and the room in it.

    With a `pace`, processes that get from no other start with an image so many cycles after the one before.
    """
    void = 2 * len(net.channels)
    moves: list[list[list[tuple[int, int]]]] = [[[] for _ in p.slots] for p in net.processes]
    counts = np.zeros(void + 2, np.int64)
    for j, c in enumerate(net.channels):
        words, room = 2 * j, 2 * j + 1
        if c.block:
            for process, events, take, give in (
                (c.producer, c.takes_room, room, void),
                (c.producer, c.puts, void, words),
                (c.consumer, c.gets, words, void),
                (c.consumer, c.gives_room, void, room),
            ):
                for e in events.tolist():
                    moves[process][e].append((take, give))
        else:
            for e in c.puts.tolist():
                moves[c.producer][e].append((room, words))
            for e in c.gets.tolist():
                moves[c.consumer][e].append((words, room))
    gaps = [p.gaps for p in net.processes]
    if pace:
        fed = {c.consumer for c in net.channels}
        free = [p for p in range(len(net.processes)) if p not in fed]
        moves.append([[(void, void + 1 + n) for n in range(len(free))]])
        gaps.append(np.array([pace]))
        counts = np.append(counts, np.zeros(len(free), np.int64))
        for n, p in enumerate(free):
            moves[p][0].append((void + 1 + n, void))
    flat = [event for process in moves for event in process]
    takes = np.array([t for event in flat for t, _ in event] or [void], np.int32)
    gives = np.array([g for event in flat for _, g in event] or [void], np.int32)
    np.add.at(counts, gives, 1)
    sizes = [len(event) for event in flat]
    return Graph(
        begin=_starts([len(p) for p in moves]),
        gap=np.concatenate(gaps).astype(np.int32),
        access=_starts(sizes),
        takes=takes,
        gives=gives,
        counts=counts.astype(np.int32),
    )


def _starts(sizes: list[int]) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def net_of(program: Program, pipeline_depth: int | Mapping[str, int] = 0) -> Net:
    """The network that `program`'s top is; see `simulate`.

    Raises:
        ScheduleError: its kernels do not run at the same time, or what they do depends on data.
        StreamError: a kernel puts more words for an image than the next one gets, or fewer.
    """
    top = program.top
    if not top.concurrent:
        raise ScheduleError(
            f"the kernels of {top.name!r} run one after another: there is no network to simulate",
            code="BF-S032",
            span=top.span,
            remedy="make it one with s.dataflow() or s.stream(array)",
        )
    flat = flatten_pipelines(program)
    calls = [s for s in top.body if isinstance(s, CallKernel)]
    names = _names(calls)
    accesses: dict[tuple[Place, bool], tuple[int, Ints]] = {}
    traces = []
    for p, (call, name) in enumerate(zip(calls, names, strict=True)):
        function = flat.function(call.callee)
        deep = pipeline_depth if isinstance(pipeline_depth, int) else pipeline_depth.get(name, 0)
        made = trace(flat, function, deep)
        args = dict(zip((q.name for q in function.params), call.args, strict=True))
        for a in made.accesses:
            accesses[(args[a.stream[0]], a.stream[1]), a.puts] = (p, a.cycles)
        traces.append(made)
    outside = {p.name for p in top.params}
    slots = [_slots(made) for made in traces]
    processes = tuple(
        Process(name, call, made, at, _writes(flat, call, outside))
        for name, call, made, at in zip(names, calls, traces, slots, strict=True)
    )
    channels = _streams(flat, processes, accesses) + _blocks(flat, processes)
    return Net(top.name, processes, tuple(channels), all(c.producer < c.consumer for c in channels))


def _names(calls: list[CallKernel]) -> list[str]:
    names: list[str] = []
    for call in calls:
        name, count = call.callee, 1
        while name in names:
            count += 1
            name = f"{call.callee} #{count}"
        names.append(name)
    return names


def _slots(made: Trace) -> Ints:
    ends = np.array([0, made.cycles - 1])
    return np.unique(np.concatenate([ends, *(a.cycles for a in made.accesses)]))


def _writes(program: Program, call: CallKernel, names: set[str]) -> bool:
    effects = parameter_effects(program, program.function(call.callee))
    return any(w and a in names for a, (_, w) in zip(call.args, effects, strict=True))


def _streams(
    program: Program,
    processes: tuple[Process, ...],
    accesses: Mapping[tuple[Place, bool], tuple[int, Ints]],
) -> list[Channel]:
    found = []
    allocs = {s.name: s for s in program.top.body if isinstance(s, Alloc) and s.type.streamed}
    places = sorted(
        {p for p, _ in accesses if p[0] in allocs}, key=lambda p: (list(allocs).index(p[0]), p[1])
    )
    for name, which in places:
        alloc = allocs[name]
        nobody = (-1, np.zeros(0, np.int64))
        (producer, puts), (consumer, gets) = (accesses.get(((name, which), b), nobody) for b in (True, False))
        if len(puts) != len(gets):
            ends = ((producer, "puts", len(puts)), (consumer, "gets", len(gets)))
            raise StreamError(
                f"{len(puts)} words of {name!r} are put for each image, but {len(gets)} are got",
                code="BF-N005",
                span=alloc.span,
                notes=[
                    Note(f"{processes[p].name!r} {does} {count}", processes[p].call.span)
                    for p, does, count in ends
                    if p >= 0
                ],
                remedy="let the one get as many as the other puts",
            )
        at_put = np.searchsorted(processes[producer].slots, puts)
        at_get = np.searchsorted(processes[consumer].slots, gets)
        depth = alloc.type.depth or DEPTH
        ends_at = (producer, consumer, at_put, at_get, at_put, at_get)
        found.append(Channel(name, which, alloc.type.elem.width, depth, *ends_at, block=False))
    return found


def _blocks(program: Program, processes: tuple[Process, ...]) -> list[Channel]:
    """A channel for each pair of calls of which the later needs an array as the earlier leaves it."""
    found: list[Channel] = []
    seen: list[dict[str, bool]] = []
    local = {s.name: s for s in program.top.body if isinstance(s, Alloc) and not s.type.streamed}
    for p, process in enumerate(processes):
        effects = parameter_effects(program, program.function(process.call.callee))
        mine = {a: w for a, (r, w) in zip(process.call.args, effects, strict=True) if a in local and (r or w)}
        for earlier, theirs in enumerate(seen):
            for name in (n for n in mine if n in theirs and (mine[n] or theirs[n])):
                first = np.array([0])
                last = np.array([len(processes[earlier].slots) - 1])
                ends = (earlier, p, last, first, first, np.array([len(process.slots) - 1]))
                found.append(Channel(name, 0, local[name].type.elem.width, BLOCKS, *ends, block=True))
        seen.append(mine)
    return found
