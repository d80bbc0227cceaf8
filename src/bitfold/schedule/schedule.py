"""The schedule object: every primitive as a method that applies it and records the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bitfold.diagnostics import ScheduleError
from bitfold.frontend import parse
from bitfold.ir.nodes import Function
from bitfold.lang.types import Partition
from bitfold.schedule import directives, layout
from bitfold.schedule.buffer import buffer_at
from bitfold.schedule.dataflow import dataflow
from bitfold.schedule.deepen import deepen
from bitfold.schedule.fission import fission
from bitfold.schedule.fuse import fuse
from bitfold.schedule.inline import inline, rename
from bitfold.schedule.jam import unroll_jam
from bitfold.schedule.pack import pack
from bitfold.schedule.reorder import reorder
from bitfold.schedule.reuse import reuse_at
from bitfold.schedule.split import split
from bitfold.schedule.stream import stream, to
from bitfold.schedule.tile import tile
from bitfold.schedule.transpose import transpose
from bitfold.schedule.view import Loop, Step, View

__all__ = ["Loop", "Schedule", "Step", "customize"]


class Schedule(View):
    """Applies primitives to one kernel of a program.

    `str(s)` is the scheduled program as Python that runs; `s.trace` lists the steps, and each prints as the
    Python that applies it. A loop is named by its variable, by a handle, or, from another kernel's view, as
    "kernel:loop"; likewise an array. A request that is refused leaves the schedule as it was.
    """

    def split(
        self, axis: str | Loop, factor: int, *, cut: bool = False, guard: bool = False
    ) -> tuple[Loop, Loop]:
        """Split a loop; see `bitfold.schedule.split`. Returns the outer and the inner loop."""
        view, loop = self._loop(axis)
        names: list[str] = []

        def change() -> Function:
            changed, *made = split(view.function, loop, factor, cut, guard)
            names.extend(made)
            return changed

        keywords = {**({"cut": True} if cut else {}), **({"guard": True} if guard else {})}
        view._apply(change, "split", (loop, factor), keywords)
        outer, inner = names
        return Loop(view.name, outer), Loop(view.name, inner)

    def reorder(self, *axes: str | Loop) -> None:
        """Put nested loops in this order, outermost first; see `bitfold.schedule.reorder`."""
        view, names = self._axes("reorder", axes)
        view._apply(lambda: reorder(view.program, view.function, names), "reorder", names)

    def fuse(self, *axes: str | Loop) -> Loop:
        """Make nested loops one; see `bitfold.schedule.fuse`. Returns it."""
        view, names = self._axes("fuse", axes)
        made: list[str] = []

        def change() -> Function:
            changed, name = fuse(view.function, names)
            made.append(name)
            return changed

        view._apply(change, "fuse", names)
        return Loop(view.name, made[0])

    def tile(
        self, outer: str | Loop, inner: str | Loop, i_factor: int, j_factor: int
    ) -> tuple[Loop, Loop, Loop, Loop]:
        """Run two loops block by block; see `bitfold.schedule.tile`. Returns the four loops."""
        view, (i, j) = self._axes("tile", (outer, inner))
        made: list[str] = []

        def change() -> Function:
            changed, names = tile(view.program, view.function, (i, j), (i_factor, j_factor))
            made.extend(names)
            return changed

        view._apply(change, "tile", (i, j, i_factor, j_factor))
        i_o, j_o, i_i, j_i = (Loop(view.name, name) for name in made)
        return i_o, j_o, i_i, j_i

    def fission(self, axis: str | Loop, after: str | Loop | int) -> tuple[Loop, Loop]:
        """Cut a loop in two; see `bitfold.schedule.fission`. Returns both; the first keeps its name."""
        view, loop = self._loop(axis)
        place = after if isinstance(after, int) else view._loop(after)[1]
        made: list[str] = []

        def change() -> Function:
            changed, name = fission(view.program, view.function, loop, place)
            made.append(name)
            return changed

        view._apply(change, "fission", (loop, place))
        return Loop(view.name, loop), Loop(view.name, made[0])

    def unroll_jam(self, axis: str | Loop, factor: int) -> Loop:
        """Run iterations of an outer loop in step; see `bitfold.schedule.jam`. Returns the outer loop."""
        view, loop = self._loop(axis)
        made: list[str] = []

        def change() -> Function:
            changed, name = unroll_jam(view.program, view.function, loop, factor)
            made.append(name)
            return changed

        view._apply(change, "unroll_jam", (loop, factor))
        return Loop(view.name, made[0])

    def unroll(self, axis: str | Loop, factor: int = 0) -> None:
        """Lay out iterations side by side; see `bitfold.schedule.directives`."""
        view, loop = self._loop(axis)
        args = (loop, factor) if factor else (loop,)
        view._apply(lambda: directives.unroll(view.function, loop, factor), "unroll", args)

    def pipeline(self, axis: str | Loop, ii: int = 1) -> None:
        """Start an iteration every `ii` cycles; see `bitfold.schedule.directives`."""
        view, loop = self._loop(axis)
        view._apply(lambda: directives.pipeline(view.function, loop, ii), "pipeline", (loop,), {"ii": ii})

    def partition(
        self, array: str, kind: Partition = Partition.COMPLETE, *, dim: int = 0, factor: int = 0
    ) -> None:
        """Spread an array over memories; see `bitfold.schedule.layout`."""
        view, name = self._array(array)
        if not isinstance(kind, Partition):
            raise ScheduleError(
                f"{kind!r} is no kind of partition",
                span=view.function.span,
                remedy="use Partition.Complete, Partition.Cyclic or Partition.Block",
            )
        view._apply(
            lambda: layout.partition(view.program, view.function, name, kind, dim, factor),
            "partition",
            (name, kind),
            {"dim": dim, **({"factor": factor} if factor else {})},
        )

    def buffer_at(self, array: str, axis: str | Loop) -> str:
        """Keep what a loop writes in a local array; see `bitfold.schedule.buffer`. Returns its name."""
        return self._copied(buffer_at, "buffer_at", array, axis)

    def reuse_at(self, array: str, axis: str | Loop) -> str:
        """Keep what a loop reads again in a local array; see `bitfold.schedule.reuse`. Returns its name."""
        return self._copied(reuse_at, "reuse_at", array, axis)

    def pack(self, array: str, lanes: int) -> None:
        """Put bits into words; see `bitfold.schedule.pack`."""
        view, name = self._array(array)
        view._apply(lambda: pack(view.program, view.function, name, lanes), "pack", (name, lanes))

    def stream(self, array: str, lanes: int = 0, depth: int = 0) -> None:
        """Pass an array through a first-in first-out channel; see `bitfold.schedule.stream`."""
        view, name = self._array(array)
        keywords = {**({"lanes": lanes} if lanes else {}), **({"depth": depth} if depth else {})}
        view._apply(
            lambda: stream(view.program, view.function, name, lanes, depth), "stream", (name,), keywords
        )

    def to(self, array: str, consumer: str, depth: int = 0) -> None:
        """Stream an array to the kernel that reads it; see `bitfold.schedule.stream`."""
        view, name = self._array(array)
        keywords = {"depth": depth} if depth else {}
        view._apply(
            lambda: to(view.program, view.function, name, consumer, depth), "to", (name, consumer), keywords
        )

    def deepen(self, array: str, depth: int) -> None:
        """Let a channel hold that many words; see `bitfold.schedule.deepen`."""
        view, name = self._array(array)
        view._apply(lambda: deepen(view.function, name, depth), "deepen", (name, depth))

    def dataflow(self) -> None:
        """Run the called kernels at the same time; see `bitfold.schedule.dataflow`."""
        self._apply(lambda: dataflow(self.program, self.function), "dataflow", ())

    def bind(self, array: str, memory: str) -> None:
        """Say what holds an array on the device: "bram", "lutram" or "uram"."""
        view, name = self._array(array)
        view._apply(lambda: layout.bind(view.program, view.function, name, memory), "bind", (name, memory))

    def transpose(self, array: str, *order: int) -> None:
        """Store an array's dimensions in another order; see `bitfold.schedule.transpose`."""
        view, name = self._array(array)
        view._apply(lambda: transpose(view.program, view.function, name, order), "transpose", (name, *order))

    def inline(self, kernel: str) -> None:
        """Put a called kernel's body where it is called; see `bitfold.schedule.inline`."""
        view = self.at(kernel)
        self._apply(lambda: inline(self.program, view.function), "inline", (kernel,))

    def rename(self, axis: str | Loop, name: str) -> Loop:
        """Call a loop by another name; see `bitfold.schedule.inline`. Returns it."""
        view, loop = self._loop(axis)
        for step in self.trace:
            if (view.name, name) in step.gone:
                raise ScheduleError(
                    f"loop {loop!r} of {view.name!r} cannot be called {name!r}: {step} replaced a loop "
                    "of that name, and a handle to it would mean this one",
                    span=view.function.span,
                    remedy="choose a name that no loop has had",
                )
        view._apply(lambda: rename(view.function, loop, name), "rename", (loop, name))
        return Loop(view.name, name)

    def compose(self, *parts: Schedule, at: str | None = None) -> None:
        """Apply the steps of other schedules to the kernels of this program that they were made for.

        A schedule made by `customize(kernel, ...)` is applied to the instance of that kernel, or to the
        instance `at` when there are several of it. Either all steps are applied or none.

        Raises:
            ScheduleError: no instance, several and no `at`, or a step that is illegal here.
        """
        before = self._state.program, self._state.trace
        try:
            for part in parts:
                self._replay(part, at)
        except BaseException:
            self._state.program, self._state.trace = before
            raise

    def _copied(
        self, primitive: Callable[..., tuple[Function, str]], name: str, array: str, axis: str | Loop
    ) -> str:
        """Apply a primitive that makes a local array for a loop; returns what it is called."""
        view, loop = self._loop(axis)
        array = view._array(array)[1]
        made: list[str] = []

        def change() -> Function:
            changed, local = primitive(view.program, view.function, array, loop)
            made.append(local)
            return changed

        view._apply(change, name, (array, loop))
        return made[0]

    def _replay(self, part: Schedule, at: str | None) -> None:
        top = part.program.top
        same = [f.name for f in self.program.functions if f.kernel == top.kernel]
        if (at is None and len(same) != 1) or (at is not None and at not in same):
            have = f"{len(same) or 'no'} instance{'s' if len(same) != 1 else ''} of {top.kernel!r}"
            listed = f"known: {', '.join(f.name for f in self.program.functions)}"
            raise ScheduleError(
                f"{self.program.top.name!r} has {have}" + (f", and {at!r} is none" if at is not None else ""),
                span=self.program.top.span,
                remedy=f"name one: compose(schedule, at={same[0]!r}); {listed}" if same else listed,
            )
        target = self.at(at if at is not None else same[0])
        for step in part.trace:
            view = target if step.function == top.name else self.at(step.function)
            method: Callable[..., Any] = getattr(view, step.primitive)
            method(*step.args, **dict(step.keywords))


def customize(kernel: Any, /, **dims: int) -> Schedule:
    """A schedule of `kernel` with the dimension names resolved, such as `customize(dense, M=256, K=784)`.

    Raises:
        LanguageError: the kernel is not in the language.
        UsageError: a dimension is missing or unknown.
    """
    return Schedule(parse(kernel, **dims))
