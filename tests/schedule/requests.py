"""Hypothesis strategy for the primitives of schedules: requests, which name what there is when they are made.

A request is chosen by numbers. Most name what is likely to suit the primitive, such as an array that the
loop reads; the others name anything, and are refused more often than not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from hypothesis import strategies as st

from bitfold.diagnostics import ScheduleError
from bitfold.ir.effects import accesses, loads
from bitfold.ir.nodes import Alloc, CallKernel, For, Function, LoopVar, Rom, walk, walk_expr
from bitfold.lang import Partition
from bitfold.schedule import Schedule


@dataclass(frozen=True)
class Request:
    """One use of a primitive."""

    primitive: str
    numbers: tuple[int, ...]

    def make(self, s: Schedule) -> None:
        """Ask `s` for it. Raises whatever the primitive raises."""
        _PRIMITIVES[self.primitive](_Made(s, self.numbers))


class _Made:
    """A schedule with the things that a request's numbers choose of it."""

    def __init__(self, s: Schedule, numbers: tuple[int, ...]) -> None:
        self.s = s
        self.numbers = numbers
        self.a, self.b, self.c, self.d = numbers
        functions = s.program.functions
        looping = [f for f in functions if any(isinstance(x, For) for x in walk(f.body))]
        chosen = looping if looping and self.d % 5 else functions
        self.view: Schedule = s.at(chosen[self.a % len(chosen)].name)
        self.loops: list[Any] = list(self.view.get_loops()) or ["none"]
        self.arrays = list(self.view.get_arrays()) or ["none"]
        self.loop = self.loops[self.b % len(self.loops)]
        self.array = self.arrays[self.b % len(self.arrays)]

    @property
    def factor(self) -> int:
        """A factor for the loop; more often than not it divides the number of its iterations."""
        trips = next((n.trips or 0 for n in self.nodes if n.var == str(self.loop)), 0)
        divisors = [n for n in range(2, 6) if trips and trips % n == 0]
        return divisors[self.c % len(divisors)] if divisors and self.d % 3 else 1 + self.c % 5

    def perfect(self) -> None:
        """Let `loop` be one whose body is another loop, where there is such a one."""
        found = [n.var for n in self.nodes if len(n.body) == 1 and isinstance(n.body[0], For)]
        if found and self.d % 5:
            self.loop = found[self.b % len(found)]

    def owned(self, rank: int = 1) -> tuple[Schedule, str]:
        """An array that a kernel declares, or with which another calls it, and the view of who has it."""
        found = [
            (f.name, array)
            for f in self.s.program.functions
            for array in self.s.at(f.name).get_arrays()
            if f is not self.s.program.top or array not in {p.name for p in f.params}
            if len(self.s.at(f.name).type(array).logical.dims) >= rank
        ]
        if not found or self.d % 5 == 4:
            return self.view, self.array
        name, array = found[self.b % len(found)]
        return self.s.at(name), array

    @property
    def other(self) -> Any:
        """Another loop than `loop`, where there is one."""
        return self.loops[(self.b + 1 + self.c % 3) % len(self.loops)]

    @cached_property
    def nodes(self) -> list[For]:
        """The loops of the kernel."""
        return [s for s in walk(self.view.function.body) if isinstance(s, For)]

    @property
    def nest(self) -> list[str]:
        """Loops nested one in the other, as many of them as there are."""
        found = [n for n in self.nodes if n.var == str(self.loop)]
        while found and (inner := [s for s in found[-1].body if isinstance(s, For)]):
            found.append(inner[self.c % len(inner)])
        return [n.var for n in found] or ["none"]

    def split(self) -> None:
        self.view.split(self.loop, self.factor, cut=self.a % 3 == 0, guard=self.a % 3 == 1)

    def fuse(self) -> None:
        self.perfect()
        self.view.fuse(*_pairs(self, 2))

    def tile(self) -> None:
        self.perfect()
        outer, inner, *_ = [*self.nest, self.other]
        factor = self.factor
        self.loop = inner
        self.view.tile(outer, inner, factor, self.factor)

    def jam(self) -> None:
        self.perfect()
        self.view.unroll_jam(self.loop, self.factor)

    def fission(self) -> None:
        long = [n for n in self.nodes if len(n.body) > 1]
        if not long or self.d % 5 == 4:
            return self.view.fission(self.loop, 1 + self.c % 3)
        loop = long[self.b % len(long)]
        return self.view.fission(loop.var, 1 + self.c % (len(loop.body) - 1))

    def reshape(self) -> None:
        view, array = self.owned()
        size = prod(view.type(array).logical.dims) if array != "none" else 4
        rows = [n for n in range(1, size + 1) if size % n == 0]
        row = rows[self.c % len(rows)]
        view.reshape(array, *((size,) if self.d % 3 == 0 else (row, size // row)))

    def transpose(self) -> None:
        view, array = self.owned(2)
        view.transpose(array, *((2, 1) if self.c % 2 else ()))

    def used(self, written: bool) -> str:
        """An array that the loop reads or writes."""
        if self.d % 4 == 3:
            return self.arrays[self.d % len(self.arrays)]
        found = [n for n in self.nodes if n.var == str(self.loop)]
        reads, writes = accesses(self.s.program, tuple(found)) if found else ((), ())
        chosen = writes if written else set(reads) - set(writes) or reads
        known = sorted(a for a in chosen if a in self.arrays) or self.arrays
        return known[self.d % len(known)]

    def reused(self) -> None:
        """Put a window buffer, and perhaps another in it, in front of what a loop reads."""
        often = [(n.var, array) for n in self.nodes for array in self._windows(n)]
        array = self.used(False)
        if often and self.d % 5:
            self.loop, array = often[self.b % len(often)]
        made, inner = self.view.reuse_at(array, self.loop), self.nest[-1]
        if self.c % 2:
            with suppress(ScheduleError):
                self.view.reuse_at(made, inner)

    def _windows(self, loop: For) -> list[str]:
        """The arrays that a loop only reads, at several places that its variable moves."""
        _, writes = accesses(self.s.program, (loop,))
        places: dict[str, set[str]] = {}
        for stmt in walk(loop.body):
            for load in loads(stmt):
                if any(
                    isinstance(e, LoopVar) and e.name == loop.var for i in load.indices for e in walk_expr(i)
                ):
                    places.setdefault(load.array, set()).add(str(load.indices))
        return sorted(a for a, found in places.items() if len(found) > 1 and a not in writes)

    def partition(self) -> None:
        kind, factor = _KINDS[self.c % 3], (self.c + self.d) % 5
        if kind is Partition.COMPLETE and self.d % 7:
            factor = 0  # which is refused with one
        self.view.partition(self.array, kind, dim=self.d % 4 % 3, factor=factor)

    def later(self) -> None:
        """Move a nest into a loop of a later one, the next one more often than not."""
        rows = [self.view.function.body, *(n.body for n in self.nodes)]
        heads = [h for row in rows if len(h := [n.var for n in row if isinstance(n, For)]) > 1]
        if not heads or self.d % 5 == 4:
            return self.view.compute_at(self.loop, self.other)
        row = heads[self.a % len(heads)]
        first = self.b % (len(row) - 1)
        self.loop = row[first + 1 if self.c % 3 else -1]
        return self.view.compute_at(row[first], self.nest[self.c % 2 * (len(self.nest) > 1)])

    def callee(self) -> str:
        """A kernel that another calls."""
        below = self.s.program.functions[:-1] if self.d % 5 else ()
        names: list[Function] = [*below] or list(self.s.program.functions)
        return names[self.a % len(names)].name

    def channel(self, streamed: bool) -> tuple[Schedule, str, str]:
        """An array between two kernels: the view of who declares it, its name, and its reader.

        It is a channel already, or none yet.
        """
        found = self.channels(streamed)
        if not found or self.d % 4 == 3:
            return self.view, self.array, self.callee()
        name, array, reader = found[self.b % len(found)]
        return self.s.at(name), array, reader

    def channels(self, streamed: bool) -> list[tuple[str, str, str]]:
        """The arrays between kernels, with the names of who declares each and who reads it."""
        found: list[tuple[str, str, str]] = []
        for function in self.s.program.functions:
            made = {s.name: s.type.streamed for s in function.body if isinstance(s, Alloc)}
            calls = [c for c in function.body if isinstance(c, CallKernel)]
            for i, first in enumerate(calls):
                found += [
                    (function.name, array, second.callee)
                    for second in calls[i + 1 :]
                    for array in first.args
                    if array in second.args and made.get(array) is streamed
                ]
        return found

    def networked(self, ask: Callable[[_Made], object]) -> None:
        """Ask for something of a network, in a program that is none perhaps after making it one."""
        if self.d % 4 == 3 or self.channels(False):
            ask(self)
            return

        def both(part: Schedule) -> None:
            _Made(part, (*self.numbers[:3], 1)).processes()
            ask(_Made(part, self.numbers))

        self.s.compose(both)

    def to(self) -> None:
        view, array, reader = self.channel(False)
        view.to(array, reader, **({"depth": 1 + self.c % 5} if self.c % 2 else {}))

    def stream(self) -> None:
        view, array, _ = self.channel(False)
        if self.c % 3 == 0:
            return self.s.stream(self.array)
        lanes = (0, 0, 1, 2, 4)[self.c % 5]
        return view.stream(array, **({"lanes": lanes} if lanes else {}))

    def deepen(self) -> None:
        view, array, _ = self.channel(True)
        view.deepen(array, 1 + self.c)

    def dataflow(self) -> None:
        callers = [
            f.name
            for f in self.s.program.functions
            if f.body and all(isinstance(x, (CallKernel, Alloc, Rom)) for x in f.body)
        ]
        name = callers[self.b % len(callers)] if callers and self.d % 4 < 3 else self.view.name
        self.s.at(name).dataflow()

    def unfold(self) -> None:
        nest = self.nest[: 1 + self.c % 2]
        self.view.unfold(*nest, **({"name": "pe"} if self.d % 2 else {}))

    def processes(self) -> None:
        """Each loop of the kernel a kernel of its own, and these processes, where that is possible."""

        def outlined(part: Schedule) -> None:
            for loop in [s.var for s in part.function.body if isinstance(s, For)]:
                part.outline(loop)
            with suppress(ScheduleError):
                part.dataflow()

        self.s.compose(outlined, at=self.view.name)

    def rewind(self) -> None:
        alone = [f.name for f in self.s.program.functions if len(f.body) == 1 and isinstance(f.body[0], For)]
        if alone and self.d % 5:
            self.view = self.s.at(alone[self.a % len(alone)])
            self.loop = self.view.get_loops()[0]
            self.__dict__.pop("nodes", None)
        self.view.pipeline(self.nest[-1], ii=1 + self.c % 3, rewind=True)

    def compose(self) -> None:
        """A schedule with parameters."""

        def folded(part: Schedule, loop: Any, factor: int, ii: int) -> None:
            outer, inner = part.split(loop, factor)
            if ii:
                part.pipeline(outer, ii=ii)
            else:
                part.unroll(inner)

        self.s.compose(folded, at=self.view.name, loop=str(self.loop), factor=1 + self.c % 4, ii=self.d % 3)


def _permuted(items: list[Any], number: int) -> list[Any]:
    result = []
    while items:
        result.append(items.pop(number % len(items)))
        number //= 2
    return result


def _pairs(m: _Made, least: int) -> list[Any]:
    """Loops that stand one after the other in the text, or that are nested."""
    start = m.b % len(m.loops)
    return m.nest if m.d % 3 and len(m.nest) > 1 else m.loops[start : start + least + m.c % 2]


_KINDS = list(Partition)
_NAMES = ("n", "row", "a", "k1", "for", "bit", "helper", "range")
_PRIMITIVES: dict[str, Callable[[_Made], object]] = {
    "split": _Made.split,
    "reorder": lambda m: m.view.reorder(*_permuted(_pairs(m, 2), m.d)),
    "fuse": _Made.fuse,
    "tile": _Made.tile,
    "fission": _Made.fission,
    "unroll_jam": _Made.jam,
    "unroll": lambda m: m.view.unroll(m.loop, m.c % 3),
    "pipeline": lambda m: m.view.pipeline(m.loop, ii=m.c % 4, rewind=m.d % 3 == 0),
    "rewind": lambda m: m.networked(_Made.rewind),
    "parallel": lambda m: m.view.parallel(m.loop),
    "compute_at": _Made.later,
    "unfold": _Made.unfold,
    "outline": lambda m: m.view.outline(m.loop),
    "processes": _Made.processes,
    "reshape": _Made.reshape,
    "bind": lambda m: m.view.bind(m.array, ("bram", "uram", "lutram")[m.c % 3]),
    "transpose": _Made.transpose,
    "partition": _Made.partition,
    "buffer_at": lambda m: m.view.buffer_at(m.used(True), m.loop),
    "reuse_at": _Made.reused,
    "inline": lambda m: m.networked(lambda n: n.s.inline(n.callee())),
    "rename": lambda m: m.view.rename(m.loop, _NAMES[m.c % 8]),
    "pack": lambda m: m.view.pack(m.array, (1, 2, 3, 4, 5, 64, 100)[m.c % 7]),
    "stream": lambda m: m.networked(_Made.stream),
    "to": lambda m: m.networked(_Made.to),
    "deepen": _Made.deepen,
    "dataflow": _Made.dataflow,
    "compose": _Made.compose,
}
_OFTEN = (
    "reorder",
    "fission",
    "compute_at",
    "reuse_at",
    "pack",
    "buffer_at",
    "unfold",
    "stream",
    "to",
    "dataflow",
)

_number = st.integers(0, 63)
requests = st.builds(
    Request,
    st.sampled_from([*_PRIMITIVES, *_OFTEN]),
    st.tuples(_number, _number, _number, _number),
)


def apply(s: Schedule, made: list[Request]) -> int:
    """Make the requests; a refused one must leave the schedule unchanged. Returns how many were granted."""
    granted = 0
    for request in made:
        before = s.program, s.trace
        try:
            request.make(s)
            granted += 1
        except ScheduleError:
            assert (s.program, s.trace) == before
    return granted
