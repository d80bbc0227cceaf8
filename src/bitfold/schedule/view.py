"""A view of one kernel of a program: what its loops and arrays are called, and the steps applied so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from bitfold.diagnostics import LanguageError, ScheduleError, choices
from bitfold.ir.nodes import CallKernel, Function, Program, walk
from bitfold.ir.printer import program_text
from bitfold.ir.verify import verify
from bitfold.lang.types import ArrayType, Partition
from bitfold.markup import code
from bitfold.schedule.dependence import is_trusted
from bitfold.schedule.lookup import arrays_of, constant_trips, find_array, find_loop, loops_of, path_to


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


class View:
    """One kernel of a program that is being scheduled; the views of a program share its steps."""

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

    def _repr_html_(self) -> str:
        steps = "\n".join(map(str, self.trace))
        return code(f"{self.name}, scheduled", str(self)) + code(f"{len(self.trace)} steps", steps)

    def at(self, kernel: str) -> Self:
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

    def adopt(self, other: Self) -> None:
        """Take over the steps of another schedule, which was made of this one's program as it is now."""
        self._state.program = other.program
        self._state.trace += other.trace

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
        if not is_trusted():
            verify(program)
        gone = tuple(sorted(_loops(self.program) - _loops(program)))
        self._state.trace += (Step(primitive, self.name, args, tuple((keywords or {}).items()), gone),)
        self._state.program = program

    def _loop(self, axis: str | Loop) -> tuple[Self, str]:
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

    def _axes(self, primitive: str, axes: tuple[str | Loop, ...]) -> tuple[Self, tuple[str, ...]]:
        """The view of the one kernel that has the loops `axes`, and their names."""
        found = [self._loop(a) for a in axes]
        if len({v.name for v, _ in found}) > 1:
            raise ScheduleError(
                f"the loops to {primitive} are in different kernels: {', '.join(v.name for v, _ in found)}",
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
                span=self.function.span,
                remedy=f"give the {kind}'s name" + (" or its handle" if kind == "loop" else ""),
            )
        kernel, _, name = given.rpartition(":")
        return (self.at(kernel) if kernel else self), name


def _loops(program: Program) -> set[tuple[str, str]]:
    return {(f.name, loop) for f in program.functions for loop in loops_of(f)}
