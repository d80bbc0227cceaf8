"""In which order a kernel reads or writes the elements of an array: what a stream needs to know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import islpy as isl

from bitfold.diagnostics import Note, ScheduleError, Span
from bitfold.ir.effects import loads
from bitfold.ir.nodes import Expr, For, Function, If, Store, While
from bitfold.ir.rewrite import Body
from bitfold.lang.types import ArrayType
from bitfold.schedule.affine import Guard, affine, counted, domain, names_of
from bitfold.schedule.lookup import declared_at


@dataclass(frozen=True)
class Site:
    """One access with the loops and conditions around it, outermost first.

    `guards` pairs each condition with the number of loops around it.
    """

    loops: tuple[For, ...]
    guards: tuple[tuple[int, Guard], ...]
    indices: tuple[Expr, ...]
    span: Span
    store: Store | None = None

    def within(self, depth: int) -> tuple[Guard, ...]:
        """The conditions that stand around the `depth` outermost loops' bodies or outside them."""
        return tuple(guard for at, guard in self.guards if at < depth)


def sites(function: Function, name: str, stores: bool) -> list[Site]:
    """Where the function stores to the array, or else where it loads from it."""

    def visit(body: Body, loops: tuple[For, ...], guards: tuple[tuple[int, Guard], ...]) -> Iterator[Site]:
        for stmt in body:
            inside = (*loops, counted(stmt, len(loops))) if isinstance(stmt, While) else loops
            if stores and isinstance(stmt, Store) and stmt.array == name:
                yield Site(loops, guards, stmt.indices, stmt.span, stmt)
            elif not stores:
                yield from (
                    Site(inside, guards, e.indices, stmt.span) for e in loads(stmt) if e.array == name
                )
            match stmt:
                case For():
                    yield from visit(stmt.body, (*loops, stmt), guards)
                case While():
                    yield from visit(stmt.body, inside, guards)
                case If():
                    for block, holds in ((stmt.then, True), (stmt.orelse, False)):
                        guard = (len(loops), Guard(stmt.cond, holds))
                        yield from visit(block, loops, (*guards, guard))

    return list(visit(function.body, (), ()))


def refused(
    function: Function, name: str, site: Site, why: str, verb: str, first: Site | None = None
) -> ScheduleError:
    """The error that says why the array cannot be a stream; `first` is another place that uses it."""
    notes = [] if first is None else [Note("the first place is here", first.span)]
    return ScheduleError(
        f"{name!r} of {function.name!r} cannot be a stream: {why}",
        code="BF-S027",
        span=site.span,
        notes=[*notes, Note(f"{name!r} is declared here", declared_at(function, name))],
        remedy="split the loop before you stream"
        if "split" in why
        else f"{verb} every element once, in row-major order, or leave it an array",
    )


@dataclass(frozen=True)
class Order:
    """Instances that touch one element each: when (the values of `loops`), and which."""

    loops: tuple[For, ...]
    guards: tuple[Guard, ...]
    indices: tuple[Expr, ...]

    @property
    def exact(self) -> bool:
        """Whether it is known precisely when an instance runs and what it touches."""
        return self.access is not None and domain(self.loops, self.guards, names_of(self.loops)).exact

    @property
    def access(self) -> isl.Map | None:
        """From times to elements, at least those that happen; None when an index is not affine."""
        names = names_of(self.loops)
        indices = [affine(i, names) for i in self.indices]
        if any(i is None for i in indices):
            return None
        limits = domain(self.loops, self.guards, names).text
        return isl.Map(f"{{ [{', '.join(names.values())}] -> [{', '.join(map(str, indices))}] : {limits} }}")

    def fault(self, type: ArrayType) -> str | None:
        """Why this is not one pass through an array of `type` in row-major order; None when it is."""
        access = self.access
        if access is None:
            return "its index is not affine in the loop variables"
        if not self.exact:
            return "whether it is accessed depends on data"
        elements = [f"e{d}" for d in range(len(type.dims))]
        limits = " and ".join(f"0 <= {e} < {n}" for e, n in zip(elements, type.dims, strict=True))
        if not access.range().is_equal(isl.Set(f"{{ [{', '.join(elements)}] : {limits} }}")):
            return "not every element is used"
        if not access.is_injective():
            if type.lanes > 1:
                return f"a word is used more than once; split the loop over its elements by {type.lanes}"
            pairs = access.apply_range(access.reverse())
            return f"an element is used more than once{self._shown(pairs.intersect(_earlier(pairs)))}"
        time = isl.Map(f"{{ [{listed(self.loops)}] -> [{listed(self.loops)}] }}")
        earlier = time.lex_lt_map(time).intersect_domain(access.domain()).intersect_range(access.domain())
        turned = earlier.intersect(access.lex_ge_map(access))
        if not turned.is_empty():
            return f"its elements are not used in row-major order{self._shown(turned)}"
        return None

    def _shown(self, pairs: isl.Map) -> str:
        """Two iterations that `pairs` holds, in words; nothing where there are no loops."""
        if not self.loops or pairs.is_empty():
            return ""
        point = pairs.sample().wrap().sample_point()
        count = len(self.loops)
        values = [point.get_coordinate_val(isl.dim_type.set, d).to_python() for d in range(2 * count)]

        def at(offset: int) -> str:
            return ", ".join(f"{loop.var}={values[offset + d]}" for d, loop in enumerate(self.loops))

        return f", first at ({at(0)}), then at ({at(count)})"


def _earlier(pairs: isl.Map) -> isl.Map:
    """Those pairs of times of which the first is earlier."""
    times = pairs.get_space().domain()
    return isl.Map.lex_lt(times)


def listed(loops: tuple[For, ...]) -> str:
    return ", ".join(names_of(loops).values())
