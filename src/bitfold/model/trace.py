"""In which cycle of its own time a process gets from a stream or puts into one, read off its loops.

The rules are those of the cycle model: an iteration of a pipelined loop takes `ii` cycles, unrolled ones
share theirs, other loops run one iteration after another, one of a loop without loops inside takes one cycle,
and what stands beside loops takes part in the cycle before it, or else in the first. Two accesses of one
stream cannot share a cycle: an iteration with more of them than it has cycles takes as many as it needs.
All instances of a statement are worked on at once, as NumPy arrays with an element for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bitfold.diagnostics import BuildError
from bitfold.ir.network import stream_uses
from bitfold.ir.nodes import (
    Alloc,
    CallKernel,
    Expr,
    For,
    Function,
    If,
    Probe,
    Program,
    Stmt,
    While,
    walk,
)
from bitfold.lang.stream import StreamType
from bitfold.model.values import Env, Ints, reads_data, refused, value

Place = tuple[str, int]
"""A stream by its name, and which one of an array of streams (0 for a single one)."""

MOST = 1 << 22
"""How many iterations of a loop are looked at, at most."""


@dataclass(frozen=True)
class Access:
    """The cycles, increasing, in which a process gets from a stream, or puts into it."""

    stream: Place
    puts: bool
    cycles: Ints


@dataclass(frozen=True)
class Trace:
    """One run of a process: it takes `cycles`, and its accesses of streams lie in 0..cycles-1."""

    cycles: int
    accesses: tuple[Access, ...]


def trace(program: Program, function: Function, depth: int = 0) -> Trace:
    """One run of `function`, whose pipelined nests are flat, with its parameters' names for the streams.

    What it puts leaves its pipeline `depth` cycles later, and the pipeline drains before the next run.

    Raises:
        ScheduleError: whether or when it gets or puts depends on data.
        BuildError: it runs for too long to be looked at as a whole.
    """
    body = _Body(program, {p.name: (p.name, p.type) for p in function.params})
    length, found = body.block(function.body, {}, np.zeros(1, np.int64))
    cycles, accesses = _apart(int(max(1, length[0])), found)
    if not depth:
        return Trace(cycles, accesses)
    late = tuple(Access(a.stream, a.puts, a.cycles + depth) if a.puts else a for a in accesses)
    return Trace(cycles + depth, late)


@dataclass(frozen=True)
class _Event:
    """Accesses by one statement: `room` is how many cycles the iteration has that they are part of."""

    stream: str
    puts: bool
    which: Ints
    owner: Ints
    cycle: Ints
    room: int

    def moved(self, owner: Ints, start: Ints) -> _Event:
        """The same of the instances that these are part of, where each starts at a cycle of them."""
        at = self.owner
        return _Event(self.stream, self.puts, self.which, owner[at], self.cycle + start[at], self.room)


@dataclass(frozen=True)
class _Body:
    """`names` says which stream, and of what type, a name stands for."""

    program: Program
    names: Mapping[str, tuple[str, object]]

    def block(self, body: tuple[Stmt, ...], env: Env, like: Ints) -> tuple[Ints, list[_Event]]:
        """How many cycles each instance of `body` takes, as many as `like` has, and what it accesses."""
        length, events = np.zeros(len(like), np.int64), []
        here = np.arange(len(like))
        for stmt in body:
            taken, inner = self._statement(stmt, env, like)
            start = np.where(taken > 0, length, np.maximum(length - 1, 0))
            events += [e.moved(here, start) for e in inner]
            length = length + taken
        return length, events

    def _statement(self, stmt: Stmt, env: Env, like: Ints) -> tuple[Ints, list[_Event]]:
        nothing = np.zeros(len(like), np.int64)
        match stmt:
            case For():
                return self._loop(stmt, env, like)
            case While():
                raise refused(stmt, "has a `while`, which runs as often as data say")
            case If():
                return self._branches(stmt, env, like)
            case CallKernel():
                return self._call(stmt, like)
            case Alloc(type=StreamType()):
                raise refused(stmt, "joins kernels by streams inside a process")
        events = []
        for name, puts, node in stream_uses(stmt):
            if isinstance(node, Probe):
                raise refused(stmt, f"asks whether {name!r} is empty or full")
            if name in self.names:
                stream, type = self.names[name]
                which = self._which(stmt, getattr(node, "indices", ()), type, env, like)
                events.append(_Event(stream, puts, which, np.arange(len(like)), nothing, 1))
        return nothing, events

    def _which(self, stmt: Stmt, indices: tuple[Expr, ...], type: object, env: Env, like: Ints) -> Ints:
        which = np.zeros(len(like), np.int64)
        if isinstance(type, StreamType):
            for index, size in zip(indices, type.dims, strict=True):
                which = which * size + value(stmt, index, env, like)
        return which

    def _loop(self, loop: For, env: Env, like: Ints) -> tuple[Ints, list[_Event]]:
        low, high = (value(loop, e, env, like) for e in (loop.low, loop.high))
        trips = np.maximum(0, -(-(high - low) // loop.step))
        if int(trips.sum()) > MOST:
            raise BuildError(
                f"a loop runs {int(trips.sum()):,} times for an image: too often to simulate",
                code="BF-B016",
                span=loop.span,
                remedy="fold it less: unroll more of it",
            )
        owner = np.repeat(np.arange(len(like)), trips)
        first = np.concatenate([[0], np.cumsum(trips)[:-1]])
        step = np.arange(len(owner)) - first[owner]
        if loop.unroll > 1:
            step = step // loop.unroll
        number = np.arange(len(owner)) - first[owner]
        within = {name: values[owner] for name, values in env.items()}
        within[loop.var] = low[owner] + number * loop.step
        inner, events = self.block(loop.body, within, owner)
        if loop.pipeline:
            flat = [_Event(e.stream, e.puts, e.which, e.owner, e.cycle * 0, loop.pipeline) for e in events]
            return trips * loop.pipeline, [e.moved(owner, number * loop.pipeline) for e in flat]
        length = np.zeros(len(like), np.int64)
        if loop.unroll < 0:
            np.maximum.at(length, owner, inner)
            return length, [e.moved(owner, number * 0) for e in events]
        each = np.zeros(len(owner), np.int64)
        taken = np.maximum(1, inner)
        if loop.unroll > 1:  # copies share their cycles: the longest says how many
            group = first[owner] + step
            np.maximum.at(each, group, taken)
        else:
            group, each = np.arange(len(owner)), taken
        before = np.cumsum(each) - each
        start = before[group] - before[first[owner]] if len(owner) else before
        np.add.at(length, owner, np.where(number == step * max(1, loop.unroll), each[group], 0))
        return length, [e.moved(owner, start) for e in events]

    def _branches(self, stmt: If, env: Env, like: Ints) -> tuple[Ints, list[_Event]]:
        if not (self._accesses(stmt.then) or self._accesses(stmt.orelse)) and reads_data(stmt.cond):
            then, orelse = (self.block(b, env, like)[0] for b in (stmt.then, stmt.orelse))
            return np.maximum(then, orelse), []  # as long as it can be, as in the closed form
        truth = value(stmt, stmt.cond, env, like) != 0
        length, events = np.zeros(len(like), np.int64), []
        for body, chosen in ((stmt.then, truth), (stmt.orelse, ~truth)):
            at = np.flatnonzero(chosen)
            taken, inner = self.block(body, {name: v[at] for name, v in env.items()}, at)
            length[at] = taken
            events += [e.moved(at, at * 0) for e in inner]
        return length, events

    def _accesses(self, body: tuple[Stmt, ...]) -> bool:
        return any(name in self.names for s in walk(body) for name, _, _ in stream_uses(s)) or any(
            isinstance(s, CallKernel) for s in walk(body)
        )

    def _call(self, call: CallKernel, like: Ints) -> tuple[Ints, list[_Event]]:
        callee = self.program.function(call.callee)
        names = {
            p.name: self.names[a] for p, a in zip(callee.params, call.args, strict=True) if a in self.names
        }
        taken, events = _Body(self.program, names).block(callee.body, {}, like)
        return np.maximum(1, taken), events


def _apart(cycles: int, events: list[_Event]) -> tuple[int, tuple[Access, ...]]:
    """The accesses of each stream in cycles of their own; cycles are put in where there are too few."""
    found: dict[tuple[str, int, bool], list[tuple[Ints, Ints]]] = {}
    for e in events:
        for which in np.unique(e.which):
            at = e.cycle[e.which == which]
            found.setdefault((e.stream, int(which), e.puts), []).append((at, np.full(len(at), e.room)))
    extra = np.zeros(cycles, np.int64)
    ranked: list[tuple[tuple[str, int, bool], Ints, Ints]] = []
    for key, parts in found.items():
        at = np.concatenate([a for a, _ in parts])
        room = np.concatenate([r for _, r in parts])
        order = np.argsort(at, kind="stable")
        at, room = at[order], room[order]
        rank = np.arange(len(at)) - np.searchsorted(at, at)
        np.maximum.at(extra, at, np.maximum(0, rank + 1 - room))
        ranked.append((key, at, rank))
    shift = np.cumsum(extra) - extra
    made = [
        Access((stream, which), puts, at + shift[at] + rank) for (stream, which, puts), at, rank in ranked
    ]
    return cycles + int(extra.sum()), tuple(made)
