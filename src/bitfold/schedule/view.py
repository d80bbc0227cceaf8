"""A view of one kernel of a program: what its loops and arrays are called, and the steps applied so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from bitfold.diagnostics import LanguageError, ScheduleError, choices
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import CallKernel, For, Function, Program, walk
from bitfold.ir.printer import program_text
from bitfold.ir.verify import verify
from bitfold.lang.layouts import Partition
from bitfold.lang.types import ArrayType
from bitfold.schedule.dataflow import check_processes
from bitfold.schedule.dependence import is_trusted
from bitfold.schedule.directives import check_rewind
from bitfold.schedule.lookup import arrays_of, constant_trips, find_array, find_loop, loops_of, path_to

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loop:
    """A handle to a loop. It stays valid while the loop exists; afterwards its use says what became of it.

    `born` counts the steps before it was made: a loop that got the same name later is another one.
    """

    function: str
    name: str
    born: int = field(default=0, compare=False, repr=False)

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

    @property
    def unsafe(self) -> bool:
        """Whether it was taken on trust: isl found no proof, and the user asked for it with `unsafe=True`."""
        return ("unsafe", True) in self.keywords

    def __str__(self) -> str:
        parts = [_shown(a) for a in self.args] + [f"{k}={_shown(v)}" for k, v in self.keywords]
        return f"s.at({self.function!r}).{self.primitive}({', '.join(parts)})"


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Partition) else repr(value)


@dataclass
class _State:
    program: Program
    origin: Program  # before the first step
    trace: tuple[Step, ...] = ()


class View:
    """One kernel of a program that is being scheduled; the views of a program share its steps."""

    def __init__(
        self, program: Program, function: str | None = None, *, _state: _State | None = None
    ) -> None:
        self._state = _state or _State(program, program)
        self.name = function or program.top.name

    @property
    def program(self) -> Program:
        return self._state.program

    @property
    def origin(self) -> Program:
        """The program before the first step."""
        return self._state.origin

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
        trusted = [f"# Not proved: {step}\n" for step in self.trace if step.unsafe]
        return "".join(trusted) + program_text(self.program)

    def __repr__(self) -> str:
        return f"<Schedule of {self.name}: {len(self.trace)} steps>"

    def at(self, kernel: str) -> Self:
        """A view that schedules another kernel of the same program.

        Raises ScheduleError that lists the kernels when there is none of that name.
        """
        names = [f.name for f in self.program.functions]
        if kernel not in names:
            raise ScheduleError(
                f"{self.program.top.name!r} has no kernel {kernel!r}",
                code="BF-S003",
                span=self.program.top.span,
                remedy=choices(kernel, names),
            )
        return type(self)(self.program, kernel, _state=self._state)

    def adopt(self, other: Self) -> None:
        """Take over the steps of another schedule, which was made of this one's program as it is now."""
        self._state.program = other.program
        self._state.trace += other.trace

    def get_loops(self) -> tuple[Loop, ...]:
        """Handles of the kernel's loops, outer before inner."""
        return tuple(self._handle(n) for n in loops_of(self.function))

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

    def _handle(self, name: str) -> Loop:
        """A handle to a loop that is there now."""
        return Loop(self.name, name, len(self.trace))

    def _trusting(
        self, change: Callable[[bool], T], unsafe: bool, keywords: dict[str, Any]
    ) -> Callable[[], T]:
        """`change(False)`; where that is refused, and `unsafe`, `change(True)`, noted in `keywords`."""

        def made() -> T:
            try:
                return change(False)
            except ScheduleError:
                if not unsafe:
                    raise
            keywords["unsafe"] = True
            return change(True)

        return made

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
                code="BF-S007",
                span=error.span or self.function.span,
                remedy=error.remedy,
            ) from error
        program = self.program.with_function(changed) if isinstance(changed, Function) else changed
        if not is_trusted():
            verify(program, self.program)
        self._check_rewinding(program, primitive)
        self._check_processes(program, primitive)
        gone = tuple(sorted(_gone(self.program, program)))
        self._state.trace += (Step(primitive, self.name, args, tuple((keywords or {}).items()), gone),)
        self._state.program = program

    def _check_rewinding(self, program: Program, primitive: str) -> None:
        """Raise ScheduleError when a loop that rewinds, by an earlier step, no longer can in `program`."""
        for function in program.functions:
            if any(function is f for f in self.program.functions):
                continue
            for loop in walk(function.body):
                if isinstance(loop, For) and loop.rewind:
                    try:
                        check_rewind(program, function, loop.var)
                    except ScheduleError as error:
                        if primitive != "pipeline":
                            error.message = f"after {primitive}, {error.message}"
                            error.remedy = f"{primitive} first, or leave the rewind out"
                        raise

    def _check_processes(self, program: Program, primitive: str) -> None:
        """Raise ScheduleError when kernels that ran at the same time no longer can in `program`."""
        if not any(f.concurrent for f in self.program.functions):
            return
        known = {f.name: f for f in self.program.functions}
        changed = [f for f in program.functions if f is not known.get(f.name)]
        if not any(_acts_otherwise(self.program, known.get(f.name), program, f) for f in changed):
            return
        kept = {f.name for f in program.functions}
        for name in (f.name for f in self.program.functions if f.concurrent and f.name in kept):
            error = _conflict(program, name)
            if error and not _conflict(self.program, name):
                error.message = f"after {primitive}, {error.message}"
                error.remedy = f"{error.remedy}; or leave {primitive} out"
                raise error

    def _loop(self, axis: str | Loop) -> tuple[Self, str]:
        """The view of the kernel that has the loop, and the loop's name; ScheduleError when there is none."""
        if isinstance(axis, Loop):
            self._check_alive(axis.function, axis.name, self.trace[axis.born :])
            return self.at(axis.function), axis.name
        view, name = self._named(axis, "loop")
        if name not in loops_of(view.function):
            self._check_alive(view.name, name, self.trace)
        path_to(view.function, name)
        return view, name

    def _check_alive(self, kernel: str, name: str, steps: tuple[Step, ...]) -> None:
        """Raise ScheduleError when one of `steps` removed the loop; it names the step."""
        for step in steps:
            if (kernel, name) in step.gone:
                there = [f for f in self.program.functions if f.name == kernel]
                left = loops_of(there[0]) if there else []
                raise ScheduleError(
                    f"loop {name!r} of {kernel!r} is no more: {step} replaced it",
                    code="BF-S004",
                    span=(there[0] if there else self.function).span,
                    remedy=f"its loops now are {', '.join(left) or 'none'}"
                    if there
                    else f"{kernel!r} is no more either; loops here: {', '.join(loops_of(self.function))}",
                )

    def _axes(self, primitive: str, axes: tuple[str | Loop, ...]) -> tuple[Self, tuple[str, ...]]:
        """The view of the one kernel that has the loops `axes`, and their names."""
        found = [self._loop(a) for a in axes]
        if len({v.name for v, _ in found}) > 1:
            raise ScheduleError(
                f"the loops to {primitive} are in different kernels: {', '.join(v.name for v, _ in found)}",
                code="BF-S005",
                span=found[0][0].function.span,
                remedy=f"{primitive} loops of one kernel",
            )
        return found[0][0] if found else self, tuple(n for _, n in found)

    def _array(self, array: str) -> tuple[Self, str]:
        view, name = self._named(array, "array")
        find_array(view.function, name)
        return view, name

    def _named(self, given: object, kind: str) -> tuple[Self, str]:
        """Take "kernel:name" apart."""
        if not isinstance(given, str):
            raise ScheduleError(
                f"{given!r} names no {kind}",
                code="BF-S006",
                span=self.function.span,
                remedy=f"give the {kind}'s name" + (" or its handle" if kind == "loop" else ""),
            )
        kernel, _, name = given.rpartition(":")
        return (self.at(kernel) if kernel else self), name


def _acts_otherwise(before: Program, old: Function | None, after: Program, new: Function) -> bool:
    """Whether a kernel became a network or another one, or reads and writes other parameters than it did."""
    if old is None or old.concurrent:
        return True
    return parameter_effects(before, old) != parameter_effects(after, new)


def _conflict(program: Program, name: str) -> ScheduleError | None:
    """Why the kernels that `name` calls cannot run at the same time."""
    try:
        check_processes(program, program.function(name))
    except ScheduleError as error:
        return error
    return None


def _gone(before: Program, after: Program) -> set[tuple[str, str]]:
    """The loops of `before`, as (kernel, loop), that `after` does not have."""
    kept = {f.name: f for f in after.functions}
    return {
        (f.name, loop)
        for f in before.functions
        if (new := kept.get(f.name)) is not f
        for loop in set(loops_of(f)) - set(loops_of(new) if new else ())
    }
