"""Windows: what of an array the accesses under a loop touch, by isl, and a local array that holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import islpy as isl

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir import build
from bitfold.ir.linear import linear
from bitfold.ir.nodes import (
    Alloc,
    Cmp,
    Expr,
    For,
    Function,
    If,
    Load,
    LoopVar,
    Op,
    Program,
    Real,
    Stmt,
    Store,
    walk,
)
from bitfold.ir.rewrite import Body, fresh, map_body, map_exprs
from bitfold.lang.types import ArrayType
from bitfold.schedule.affine import affine
from bitfold.schedule.dependence import Instance, instances
from bitfold.schedule.lookup import declared_at, find_array, find_loop

Terms = tuple[tuple[LoopVar, int], ...]


@dataclass(frozen=True)
class Touch:
    """One access under the loop: the statement, and the element."""

    instance: Instance
    indices: tuple[Expr, ...]
    write: bool


def touches(program: Program, function: Function, array: str, axis: str) -> list[Touch]:
    """How the body of loop `axis` accesses `array`.

    Raises:
        ScheduleError: the array is declared in the loop, packed, a stream, or passed to a kernel there.
    """
    loop, type = find_loop(function, axis), find_array(function, array)

    def refuse(why: str, remedy: str, at: Stmt = loop) -> ScheduleError:
        declared = Note(f"{array!r} is declared here", declared_at(function, array))
        return ScheduleError(
            f"{array!r} has no local copy in loop {axis!r}: {why}",
            code="BF-S025",
            span=at.span,
            notes=[declared],
            remedy=remedy,
        )

    if any(isinstance(s, Alloc) and s.name == array for s in walk(loop.body)):
        raise refuse("it is declared inside the loop", "name a loop inside of which it is not declared")
    if type.streamed:
        raise refuse("it is a stream", "make the copy before you stream the array")
    if type.lanes_of:
        raise refuse("it is packed", "make the copy before you pack the array")
    found: list[Touch] = []
    for instance in instances(program, function):
        if axis not in instance.names:
            continue
        for access in instance.accesses:
            if access.array == array and access.indices is None:
                raise refuse("it is passed to a kernel", "name a loop of that kernel", instance.stmt)
            if access.array == array and access.indices is not None:
                found.append(Touch(instance, access.indices, access.write))
    return found


@dataclass(frozen=True)
class Window:
    """The elements `base` up to `base + size - 1` of a dimension of `extent`, all that is touched."""

    fixed: Terms
    low: int
    size: int
    extent: int

    @property
    def base(self) -> Expr:
        return _sum(self.fixed, self.low)

    def place(self, index: Expr) -> Expr:
        """Where in the window the element `index` is."""
        terms, offset = linear(index)
        if terms is None:
            return build.binary(Op.SUB, index, build.const(self.low))
        kept = [t for t in terms if t not in self.fixed]
        return _sum(kept, offset - self.low)


def added(a: Expr, b: Expr) -> Expr:
    """`a + b`, its constants put together where it is a sum of loop variables."""
    total = build.binary(Op.ADD, a, b)
    terms, offset = linear(total)
    return total if terms is None else _sum(terms, offset)


def _sum(terms: Sequence[tuple[LoopVar, int]], offset: int) -> Expr:
    leads = offset > 0 and all(factor < 0 for _, factor in terms)
    found: Expr = build.const(offset if leads else 0)
    for var, factor in sorted(terms, key=lambda t: t[1] < 0):
        op = Op.ADD if factor > 0 or found == build.const(0) else Op.SUB
        scale = factor if op is Op.ADD else -factor
        found = build.binary(op, found, build.binary(Op.MUL, var, build.const(scale)))
    if leads:
        return found
    return build.binary(Op.ADD if offset >= 0 else Op.SUB, found, build.const(abs(offset)))


def windows(found: Sequence[Touch], type: ArrayType, inside: frozenset[str]) -> list[Window]:
    """For each dimension what the accesses touch while only the loops `inside` run on.

    What is not affine may touch the whole dimension. Accesses are taken to stay within the array.
    """
    return [_window(found, d, extent, inside) for d, extent in enumerate(type.dims)]


def _window(found: Sequence[Touch], d: int, extent: int, inside: frozenset[str]) -> Window:
    kinds = {_fixed(t.indices[d], inside) for t in found}
    fixed: Terms = kinds.pop() if len(kinds) == 1 else ()
    low, high = extent, -extent
    for touch in found:
        names = touch.instance.names
        index, base = affine(touch.indices[d], names), affine(_sum(fixed, 0), names)
        if index is None or base is None:
            return Window((), 0, extent, extent)
        offsets = isl.Set(
            f"{{ [x] : exists {', '.join(names.values())} : ({touch.instance.domain}) "
            f"and x = ({index}) - ({base}) and 0 <= {index} < {extent} }}"
        )
        if not offsets.is_empty():
            low = min(low, offsets.dim_min_val(0).to_python())
            high = max(high, offsets.dim_max_val(0).to_python())
    return Window(fixed, low, high - low + 1, extent) if low <= high else Window((), 0, extent, extent)


def _fixed(index: Expr, inside: frozenset[str]) -> Terms:
    """The terms of `index` that stay while the loops `inside` run."""
    terms, _ = linear(index)
    return tuple(sorted((t for t in terms or [] if t[0].name not in inside), key=lambda t: t[0].name))


@dataclass(frozen=True)
class Buffer:
    """A local array `name` that holds the windows of `array`; dimensions of one element are left out."""

    array: str
    name: str
    type: ArrayType
    windows: Sequence[Window]
    taken: set[str]
    keep: int = -1  # a dimension that stays whatever its size

    @property
    def dims(self) -> list[int]:
        kept = [d for d, w in enumerate(self.windows) if w.size > 1 or d == self.keep]
        return kept or [0]

    @property
    def alloc(self) -> Alloc:
        shape = tuple(self.windows[d].size for d in self.dims)
        # Elements past the array's end are never read; 0 keeps every run of the program the same.
        partial = any(not _inside(w, build.const(0), w.size) for w in self.windows)
        zero = build.stored(build.const(0), self.type.elem)
        fill = (zero if isinstance(zero, Real) else 0) if partial else None
        return Alloc(self.name, ArrayType(self.type.elem, shape), fill)

    def held(self, offsets: Sequence[Expr]) -> tuple[Expr, ...]:
        """The indices of the local array, given the place in each window."""
        return tuple(offsets[d] for d in self.dims)

    def rewritten(self, body: Body) -> Body:
        """`body` with every access of the array made to the local array instead."""

        def place(indices: tuple[Expr, ...]) -> tuple[Expr, ...]:
            return self.held([w.place(i) for w, i in zip(self.windows, indices, strict=True)])

        def expr(e: Expr) -> Expr | None:
            if isinstance(e, Load) and e.array == self.array:
                return build.load(self.name, place(e.indices), self.type.elem, e.span)
            return None

        def statement(s: Stmt) -> Body | None:
            if isinstance(s, Store) and s.array == self.array:
                return (replace(s, array=self.name, indices=place(s.indices)),)
            return None

        return map_exprs(map_body(body, statement), expr)

    def over(
        self,
        sizes: Sequence[int],
        make: Callable[[list[Expr]], tuple[Body, list[Expr]]],
        fixed: Mapping[int, Expr] | None = None,
    ) -> Body:
        """Loops over `sizes`, an index each, around the statements that `make` gives for them.

        `make` gives as well what each window's place must be for an element of the array to be there; the
        statements run only where there is one. A dimension in `fixed` has its index already.
        """
        names = {d: fresh(f"{self.name}_{d}", self.taken) for d, size in enumerate(sizes) if size > 1}
        offsets: list[Expr] = [
            build.loop_var(names[d], 0, size - 1) if d in names else (fixed or {}).get(d, build.const(0))
            for d, size in enumerate(sizes)
        ]
        body, elements = make(offsets)
        cond: Expr = build.const(1)
        for window, element in zip(self.windows, elements, strict=True):
            cond = build.logic(True, cond, build.compare(Cmp.GE, element, build.const(0)))
            cond = build.logic(True, cond, build.compare(Cmp.LT, element, build.const(window.extent)))
        body = body if cond == build.const(1) else (If(cond, body),)
        for d in reversed(names):
            body = (For(names[d], build.const(0), build.const(sizes[d]), 1, body),)
        return body if all(sizes) else ()


def _inside(window: Window, start: Expr, size: int) -> bool:
    first = build.binary(Op.ADD, window.base, start)
    return first.low >= 0 and first.high + size <= window.extent
