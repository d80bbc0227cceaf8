"""The schedule object: every primitive as a method that applies it and records the step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from bitfold.diagnostics import ScheduleError
from bitfold.frontend import parse
from bitfold.ir.nodes import Program
from bitfold.schedule.dataflow import dataflow
from bitfold.schedule.inline import inline
from bitfold.schedule.on_arrays import ArrayPrimitives
from bitfold.schedule.on_loops import LoopPrimitives
from bitfold.schedule.reference import complete
from bitfold.schedule.view import Loop, Step

Part: TypeAlias = "Schedule | Callable[..., object]"

__all__ = ["Loop", "Schedule", "Step", "customize"]


class Schedule(LoopPrimitives, ArrayPrimitives):
    """Applies primitives to one kernel of a program.

    `str(s)` is the scheduled program as Python that runs; `s.trace` lists the steps, and each prints as the
    Python that applies it. A loop is named by its variable, by a handle, or, from another kernel's view, as
    "kernel:loop"; likewise an array. A request that is refused leaves the schedule as it was.
    """

    def dataflow(self) -> None:
        """Run the called kernels at the same time; see `bitfold.schedule.dataflow`."""
        self._apply(lambda: dataflow(self.program, self.function), "dataflow", ())

    def inline(self, kernel: str) -> None:
        """Put a called kernel's body where it is called; see `bitfold.schedule.inline`.

        The name of a kernel that has several instances, `f` of `f_0` and `f_1`, stands for all of them.
        """
        instances = [f.name for f in self.program.functions if f.kernel == kernel != f.name]
        if kernel in {f.name for f in self.program.functions}:
            instances = [kernel]
        views = [self.at(name) for name in instances or [kernel]]

        def change() -> Program:
            program = self.program
            for view in views:
                program = inline(program, program.function(view.name))
            return program

        self._apply(change, "inline", (kernel,))

    def compose(self, *parts: Part | Sequence[Part], at: str | None = None, **parameters: Any) -> None:
        """Apply other schedules to the kernels of this program that they were made for, all of them or none.

        A part is a schedule made by `customize(kernel, M=64, K=784)`: its steps are applied to the instance
        of that kernel. Where there are several, it is the one with the same shapes, or the one named by `at`.
        Or a part is a function of a schedule, such as `def fold(s, pe, simd)`: it is called with the view of
        `at` (without: of this kernel) and `parameters`.

        Raises:
            ScheduleError: no instance or several, parameters without a function to take them, or a step that
                is illegal here.
        """
        before = self._state.program, self._state.trace
        listed = [p for part in parts for p in (part if isinstance(part, Sequence) else (part,))]
        if parameters and all(isinstance(part, Schedule) for part in listed):
            raise ScheduleError(
                f"the schedules to compose take no parameters, but {', '.join(parameters)} is given",
                code="BF-S034",
                span=self.function.span,
                remedy="give a function of a schedule, such as def fold(s, pe): ..., with its parameters",
            )
        try:
            for part in listed:
                if isinstance(part, Schedule):
                    self._replay(part, at)
                else:
                    self._call(part, self.at(at) if at is not None else self, parameters)
        except BaseException:
            self._state.program, self._state.trace = before
            raise

    def _call(self, part: Callable[..., object], view: Schedule, parameters: dict[str, Any]) -> None:
        """Apply a function of a schedule, which must take these parameters."""
        name, why = getattr(part, "__name__", repr(part)), ""
        try:
            inspect.signature(part).bind(view, **parameters)
        except TypeError as error:
            why = f"cannot be called: {error}" if callable(part) else "is no schedule and no function of one"
        except ValueError:  # a builtin, which tells nothing of its parameters
            pass
        if why:
            raise ScheduleError(
                f"{name} {why}",
                code="BF-S034",
                span=self.function.span,
                remedy="give customize(...), or a function of the schedule, with its parameters by name: "
                "compose(fold, pe=4) of def fold(s, pe): ...",
            )
        part(view, **parameters)

    def _replay(self, part: Schedule, at: str | None) -> None:
        top = part.program.top
        target = self.at(self._instance(part, at))
        for step in part.trace:
            view = target if step.function == top.name else self.at(step.function)
            method: Callable[..., Any] = getattr(view, step.primitive)
            method(*step.args, **dict(step.keywords))

    def _instance(self, part: Schedule, at: str | None) -> str:
        """The instance of this program that `part` is to be applied to."""
        top = part._state.origin.top
        same = [f.name for f in self.program.functions if f.kernel == top.kernel]
        if at is not None and at in same:
            return at
        shaped = [
            f.name
            for f in self._state.origin.functions
            if f.name in same and [p.type for p in f.params] == [p.type for p in top.params]
        ]
        found = same if len(same) == 1 else shaped
        if at is None and len(found) == 1:
            return found[0]
        have = f"{len(same) or 'no'} instance{'s' if len(same) != 1 else ''} of {top.kernel!r}"
        listed = f"known: {', '.join(f.name for f in self.program.functions)}"
        raise ScheduleError(
            f"{self.program.top.name!r} has {have}" + (f", and {at!r} is none" if at is not None else ""),
            code="BF-S003",
            span=self.program.top.span,
            remedy=f"name one: compose(schedule, at={same[0]!r}); {listed}" if same else listed,
        )


complete(Schedule)


def customize(kernel: Any, /, **dims: Any) -> Schedule:
    """A schedule of `kernel` with the names in its annotations resolved: `customize(dense, M=256, K=784)`.

    Raises:
        LanguageError: the kernel is not in the language.
        UsageError: a dimension or a type is missing or unknown.
    """
    return Schedule(parse(kernel, **dims))
