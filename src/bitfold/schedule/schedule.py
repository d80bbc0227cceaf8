"""The schedule object: a program, the primitives applied to it so far, and what each of them was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bitfold.diagnostics import LanguageError, ScheduleError, choices
from bitfold.frontend import parse
from bitfold.ir.nodes import CallKernel, Function, Program, walk
from bitfold.ir.printer import program_text
from bitfold.ir.verify import verify
from bitfold.lang.types import ArrayType, Partition
from bitfold.schedule import directives, layout
from bitfold.schedule.dataflow import dataflow
from bitfold.schedule.lookup import arrays_of, constant_trips, find_array, find_loop, loops_of, path_to
from bitfold.schedule.pack import pack
from bitfold.schedule.reorder import reorder
from bitfold.schedule.split import split
from bitfold.schedule.stream import stream, to
from bitfold.schedule.transpose import transpose


@dataclass(frozen=True, slots=True)
class Loop:
    """A handle to a loop. It stays valid while the loop exists; afterwards its use says what became of it."""

    function: str
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Step:
    """One applied primitive: its name, the kernel it acted on, and its arguments in order.

    `str(step)` is the Python that applies it to a schedule `s` of the same program. `gone` lists the loops,
    as (kernel, loop), that it replaced.
    """

    primitive: str
    function: str
    args: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...] = ()
    gone: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        parts = [_shown(a) for a in self.args] + [f"{k}={_shown(v)}" for k, v in self.keywords]
        return f"s.at({self.function!r}).{self.primitive}({', '.join(parts)})"


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Partition) else repr(value)


@dataclass
class _State:
    program: Program
    trace: tuple[Step, ...] = ()


class Schedule:
    """Applies primitives to one kernel of a program.

    `str(s)` is the scheduled program as Python that runs; `s.trace` lists the steps, and each prints as the
    Python that applies it. A loop is named by its variable, by a handle, or, from another kernel's view, as
    "kernel:loop"; likewise an array. A request that is refused leaves the schedule as it was.
    """

    def __init__(
        self, program: Program, function: str | None = None, *, _state: _State | None = None
    ) -> None:
        self._state = _state or _State(program)
        self.name = function or program.top.name

    @property
    def program(self) -> Program:
        return self._state.program

    @property
    def trace(self) -> tuple[Step, ...]:
        """The steps applied so far, in order."""
        return self._state.trace

    @property
    def function(self) -> Function:
        """The kernel this view schedules, as it now is."""
        return self.program.function(self.name)

    @property
    def kernels(self) -> tuple[str, ...]:
        """The kernel instances called from this one, in the order of the calls."""
        calls = [s.callee for s in walk(self.function.body) if isinstance(s, CallKernel)]
        return tuple(dict.fromkeys(calls))

    def __str__(self) -> str:
        return program_text(self.program)

    def __repr__(self) -> str:
        return f"<Schedule of {self.name}: {len(self.trace)} steps>"

    def at(self, kernel: str) -> Schedule:
        """A view that schedules another kernel of the same program.

        Raises ScheduleError that lists the kernels when there is none of that name.
        """
        names = [f.name for f in self.program.functions]
        if kernel not in names:
            raise ScheduleError(
                f"{self.program.top.name!r} has no kernel {kernel!r}",
                span=self.program.top.span,
                remedy=choices(kernel, names),
            )
        return type(self)(self.program, kernel, _state=self._state)

    def get_loops(self) -> tuple[Loop, ...]:
        """Handles of the kernel's loops, outer before inner."""
        return tuple(Loop(self.name, n) for n in loops_of(self.function))

    def get_arrays(self) -> tuple[str, ...]:
        """The names of the arrays that the kernel can use."""
        return tuple(arrays_of(self.function))

    def type(self, array: str) -> ArrayType:
        """The type of an array as it now is; `.logical` is what the kernel's author declared."""
        view, name = self._array(array)
        return find_array(view.function, name)

    def trips(self, axis: str | Loop) -> int:
        """How often a loop runs. Raises ScheduleError when that varies."""
        view, loop = self._loop(axis)
        return constant_trips(find_loop(view.function, loop))

    # ---- primitives

    def split(self, axis: str | Loop, factor: int, *, cut: bool = False) -> tuple[Loop, Loop]:
        """Split a loop; see `bitfold.schedule.split`. Returns the outer and the inner loop."""
        view, loop = self._loop(axis)
        names: list[str] = []

        def change() -> Function:
            changed, *made = split(view.function, loop, factor, cut)
            names.extend(made)
            return changed

        view._apply(change, "split", (loop, factor), {"cut": True} if cut else {})
        outer, inner = names
        return Loop(view.name, outer), Loop(view.name, inner)

    def reorder(self, *axes: str | Loop) -> None:
        """Put nested loops in this order, outermost first; see `bitfold.schedule.reorder`."""
        found = [self._loop(a) for a in axes]
        if len({v.name for v, _ in found}) > 1:
            raise ScheduleError(
                f"the loops to reorder are in different kernels: {', '.join(v.name for v, _ in found)}",
                span=found[0][0].function.span,
                remedy="reorder loops of one kernel",
            )
        view = found[0][0] if found else self
        names = tuple(n for _, n in found)
        view._apply(lambda: reorder(view.program, view.function, names), "reorder", names)

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

    # ---- helpers

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

    def _apply(
        self,
        change: Callable[[], Function | Program],
        primitive: str,
        args: tuple[Any, ...],
        keywords: dict[str, Any] | None = None,
    ) -> None:
        """Run `change` and record it; when it fails nothing has changed."""
        try:
            changed = change()
        except LanguageError as error:
            raise ScheduleError(
                f"{primitive} would make a program that the language does not have: {error.message}",
                span=error.span or self.function.span,
                remedy=error.remedy,
            ) from error
        program = self.program.with_function(changed) if isinstance(changed, Function) else changed
        verify(program)
        gone = tuple(sorted(_loops(self.program) - _loops(program)))
        self._state.trace += (Step(primitive, self.name, args, tuple((keywords or {}).items()), gone),)
        self._state.program = program

    def _loop(self, axis: str | Loop) -> tuple[Schedule, str]:
        """The view of the kernel that has the loop, and the loop's name; ScheduleError when there is none."""
        if isinstance(axis, Loop):
            view, name = self.at(axis.function), axis.name
        else:
            view, name = self._named(axis, "loop")
        if name not in loops_of(view.function):
            for step in reversed(self.trace):
                if (view.name, name) in step.gone:
                    raise ScheduleError(
                        f"loop {name!r} of {view.name!r} is no more: {step} replaced it",
                        span=view.function.span,
                        remedy=f"its loops now are {', '.join(loops_of(view.function)) or 'none'}",
                    )
        path_to(view.function, name)
        return view, name

    def _array(self, array: str) -> tuple[Schedule, str]:
        view, name = self._named(array, "array")
        find_array(view.function, name)
        return view, name

    def _named(self, given: object, kind: str) -> tuple[Schedule, str]:
        """Take "kernel:name" apart."""
        if not isinstance(given, str):
            raise ScheduleError(
                f"{given!r} names no {kind}",
                span=self.function.span,
                remedy=f"give the {kind}'s name" + (" or its handle" if kind == "loop" else ""),
            )
        kernel, _, name = given.rpartition(":")
        return (self.at(kernel) if kernel else self), name


def _loops(program: Program) -> set[tuple[str, str]]:
    return {(f.name, loop) for f in program.functions for loop in loops_of(f)}


def customize(kernel: Any, /, **dims: int) -> Schedule:
    """A schedule of `kernel` with the dimension names resolved, such as `customize(dense, M=256, K=784)`.

    Raises:
        LanguageError: the kernel is not in the language.
        UsageError: a dimension is missing or unknown.
    """
    return Schedule(parse(kernel, **dims))
