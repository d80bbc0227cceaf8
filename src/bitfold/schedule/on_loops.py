"""The primitives of a schedule that act on loops."""

from __future__ import annotations

from typing import Any

from bitfold.diagnostics import ScheduleError
from bitfold.ir.nodes import Function
from bitfold.schedule import directives
from bitfold.schedule.compute import compute_at
from bitfold.schedule.fission import fission
from bitfold.schedule.fuse import fuse
from bitfold.schedule.inline import rename
from bitfold.schedule.jam import unroll_jam
from bitfold.schedule.parallel import parallel
from bitfold.schedule.reorder import reorder
from bitfold.schedule.split import split
from bitfold.schedule.tile import tile
from bitfold.schedule.unfold import outline, unfold
from bitfold.schedule.view import Loop, View


class LoopPrimitives(View):
    """What a schedule does to loops. With `unsafe=True`, what no proof can be found for is taken on trust."""

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
        return view._handle(outer), view._handle(inner)

    def reorder(self, *axes: str | Loop, unsafe: bool = False) -> None:
        """Put nested loops in this order, outermost first; see `bitfold.schedule.reorder`."""
        view, names = self._axes("reorder", axes)
        keywords: dict[str, Any] = {}
        change = self._trusting(
            lambda trust: reorder(view.program, view.function, names, trust), unsafe, keywords
        )
        view._apply(change, "reorder", names, keywords)

    def fuse(self, *axes: str | Loop) -> Loop:
        """Make nested loops one; see `bitfold.schedule.fuse`. Returns it."""
        view, names = self._axes("fuse", axes)
        made: list[str] = []

        def change() -> Function:
            changed, name = fuse(view.function, names)
            made.append(name)
            return changed

        view._apply(change, "fuse", names)
        return view._handle(made[0])

    def tile(
        self, outer: str | Loop, inner: str | Loop, i_factor: int, j_factor: int, *, unsafe: bool = False
    ) -> tuple[Loop, Loop, Loop, Loop]:
        """Run two loops block by block; see `bitfold.schedule.tile`. Returns the four loops."""
        view, (i, j) = self._axes("tile", (outer, inner))
        made: list[str] = []
        keywords: dict[str, Any] = {}

        def change(trust: bool) -> Function:
            changed, names = tile(view.program, view.function, (i, j), (i_factor, j_factor), trust)
            made.extend(names)
            return changed

        view._apply(self._trusting(change, unsafe, keywords), "tile", (i, j, i_factor, j_factor), keywords)
        i_o, j_o, i_i, j_i = (view._handle(name) for name in made)
        return i_o, j_o, i_i, j_i

    def fission(
        self, axis: str | Loop, after: str | Loop | int, *, unsafe: bool = False
    ) -> tuple[Loop, Loop]:
        """Cut a loop in two; see `bitfold.schedule.fission`. Returns both; the first keeps its name."""
        view, loop = self._loop(axis)
        place = after if isinstance(after, int) else view._loop(after)[1]
        made: list[str] = []
        keywords: dict[str, Any] = {}

        def change(trust: bool) -> Function:
            changed, name = fission(view.program, view.function, loop, place, trust)
            made.append(name)
            return changed

        view._apply(self._trusting(change, unsafe, keywords), "fission", (loop, place), keywords)
        return view._handle(loop), view._handle(made[0])

    def compute_at(self, producer: str | Loop, target: str | Loop, *, unsafe: bool = False) -> None:
        """Run a loop nest inside a later one that uses it; see `bitfold.schedule.compute`."""
        view, (made, used) = self._axes("compute_at", (producer, target))
        keywords: dict[str, Any] = {}
        change = self._trusting(
            lambda trust: compute_at(view.program, view.function, made, used, trust), unsafe, keywords
        )
        view._apply(change, "compute_at", (made, used), keywords)

    def unroll_jam(self, axis: str | Loop, factor: int, *, unsafe: bool = False) -> Loop:
        """Run iterations of an outer loop in step; see `bitfold.schedule.jam`. Returns the outer loop."""
        view, loop = self._loop(axis)
        made: list[str] = []
        keywords: dict[str, Any] = {}

        def change(trust: bool) -> Function:
            changed, name = unroll_jam(view.program, view.function, loop, factor, trust)
            made.append(name)
            return changed

        view._apply(self._trusting(change, unsafe, keywords), "unroll_jam", (loop, factor), keywords)
        return view._handle(made[0])

    def unroll(self, axis: str | Loop, factor: int = 0) -> None:
        """Lay out iterations side by side; see `bitfold.schedule.directives`."""
        view, loop = self._loop(axis)
        args = (loop, factor) if factor else (loop,)
        view._apply(lambda: directives.unroll(view.function, loop, factor), "unroll", args)

    def parallel(self, axis: str | Loop, *, unsafe: bool = False) -> None:
        """Lay out independent iterations side by side; see `bitfold.schedule.parallel`."""
        view, loop = self._loop(axis)
        keywords: dict[str, Any] = {}
        change = self._trusting(
            lambda trust: parallel(view.program, view.function, loop, trust), unsafe, keywords
        )
        view._apply(change, "parallel", (loop,), keywords)

    def pipeline(self, axis: str | Loop, ii: int = 1, *, rewind: bool = False) -> None:
        """Start an iteration every `ii` cycles; see `bitfold.schedule.directives`."""
        view, loop = self._loop(axis)
        view._apply(
            lambda: directives.pipeline(view.program, view.function, loop, ii, rewind),
            "pipeline",
            (loop,),
            {"ii": ii, **({"rewind": True} if rewind else {})},
        )

    def unfold(self, *axes: str | Loop, name: str = "") -> tuple[str, ...]:
        """Make each iteration a kernel; see `bitfold.schedule.unfold`. Returns the kernels' names."""
        view, names = self._axes("unfold", axes)
        before = {f.name for f in view.program.functions}
        keywords = {"name": name} if name else {}
        view._apply(lambda: unfold(view.program, view.function, names, name), "unfold", names, keywords)
        return tuple(f.name for f in view.program.functions if f.name not in before)

    def outline(self, axis: str | Loop, name: str = "") -> str:
        """Make a loop nest a kernel; see `bitfold.schedule.unfold`. Returns its name."""
        view, loop = self._loop(axis)
        before = {f.name for f in view.program.functions}
        args = (loop, name) if name else (loop,)
        view._apply(lambda: outline(view.program, view.function, loop, name), "outline", args)
        return next(f.name for f in view.program.functions if f.name not in before)

    def rename(self, axis: str | Loop, name: str) -> Loop:
        """Call a loop by another name; see `bitfold.schedule.inline`. Returns it."""
        view, loop = self._loop(axis)
        for step in self.trace:
            if (view.name, name) in step.gone:
                raise ScheduleError(
                    f"loop {loop!r} of {view.name!r} cannot be called {name!r}: {step} replaced a loop "
                    "of that name, and a handle to it would mean this one",
                    code="BF-S019",
                    span=view.function.span,
                    remedy="choose a name that no loop has had",
                )
        view._apply(lambda: rename(view.function, loop, name), "rename", (loop, name))
        return view._handle(name)
