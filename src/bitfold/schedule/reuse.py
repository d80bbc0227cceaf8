"""reuse_at: line and window buffers, so that a stencil reads each element of its input once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import Cmp, Const, Expr, For, Function, Load, LoopVar, Op, Program, Stmt, Store, walk
from bitfold.ir.rewrite import Body, bound_names, fresh, map_exprs, placed_at, replace_loop, substitute
from bitfold.schedule.compute import compute_at, conditional, folded
from bitfold.schedule.lookup import constant_trips, declared_at, find_array, find_loop, plain_loop
from bitfold.schedule.split import counter
from bitfold.schedule.window import Buffer, Touch, Window, added, touches, windows


def reuse_at(program: Program, function: Function, array: str, axis: str) -> tuple[Function, str]:
    """Keep what iterations of `axis` read again of `array` in a buffer that moves along; returns its name.

        for i in range(6):                      x_reuse = empty(uint8[3])
            y[i] = x[i] + x[i + 1] + x[i + 2]   for i in range(8):
                                                    for x_reuse_0 in range(2):
                                         ->             x_reuse[x_reuse_0] = x_reuse[x_reuse_0 + 1]
                                                    x_reuse[2] = x[i]
                                                    if i >= 2:
                                                        y[i - 2] = x_reuse[0] + x_reuse[1] + x_reuse[2]

    The buffer holds a window of the dimension that `axis` moves along and what is read of the others: applied
    to the rows of an image it is a line buffer, applied to that buffer along a row a window buffer. It fills
    in the first iterations, which do nothing else, so that all is one loop nest, to be pipelined as one. For
    that the loop that moves a line buffer goes into the loop over the row, once the window is made there:

        s.reuse_at("x", "i")            # x_reuse: three lines of the image
        s.reuse_at("x_reuse", "j")      # x_reuse_reuse: a window of 3 x 3
        s.pipeline("j")                 # a pixel of the image in each cycle

    isl finds the window from all reads, conditions included, so that it covers each of them; what lies
    outside the array, which padding does not read, is not fetched. Always legal where the loop does not write
    the array.

    Raises:
        ScheduleError: the loop writes the array, does not read it at constant distances from `axis`, reads
            nothing twice, or runs a varying number of times; the array is packed, a stream, declared in the
            loop or passed to a kernel there; the loop is pipelined or unrolled already.
    """
    loop = plain_loop(function, axis, "make the buffer first, then pipeline or unroll")
    trips = constant_trips(loop)
    found = touches(program, function, array, axis)
    type, taken = find_array(function, array), bound_names(function)
    inside = frozenset(s.var for s in walk(loop.body) if isinstance(s, For))
    parts = windows(found, type, inside)
    dim, step = _direction(function, array, loop, found, parts)
    buffer = Buffer(array, fresh(f"{array}_reuse", taken), type, parts, taken, keep=dim)
    early = _filling(parts[dim], loop, step)
    number = counter(axis, early + trips)
    value = _iteration(loop, number, early)
    body = placed_at(_moved(buffer, dim, step, lambda e: _at(e, axis, value)), loop.span)
    rest = map_exprs(substitute(buffer.rewritten(loop.body), {axis: value}), folded)
    body += _where(build.compare(Cmp.GE, number, build.const(early)), rest)

    def change(old: For) -> Body:
        merged = replace(old, low=build.const(0), high=build.const(early + trips), step=1, body=body)
        # What lies outside the array is moved along, but never read: it needs no value.
        return (replace(buffer.alloc, fill=None, span=old.span), merged)

    function = replace(function, body=replace_loop(function.body, axis, change))
    return _joined(program, function, array, axis), buffer.name


def _filling(window: Window, loop: For, step: int) -> int:
    """How many iterations before the first one fetch what that one reads and is in the array."""
    early = -(-(window.size - step) // step)
    while early > 0:
        start = _at(window.base, loop.var, _iteration(loop, build.const(0), early))
        if start.high + window.size > 0:
            break
        early -= 1
    return early


def _iteration(loop: For, number: Expr, early: int) -> Expr:
    """The value of the variable of `loop` in iteration `number` when `early` others come before the first."""
    at = build.binary(Op.SUB, number, build.const(early))
    return added(loop.low, build.binary(Op.MUL, at, build.const(loop.step)))


def _at(e: Expr, axis: str, value: Expr) -> Expr:
    """`e` where the loop `axis` has that value."""
    return build.rebuild(e, lambda part: value if isinstance(part, LoopVar) and part.name == axis else None)


def _moved(buffer: Buffer, dim: int, step: int, at: Callable[[Expr], Expr]) -> Body:
    """The buffer moves on by `step` elements, and fetches as many: for each place in the other dimensions."""
    size = buffer.windows[dim].size

    def along(offsets: list[Expr], by: int) -> list[Expr]:
        return [added(o, build.const(by)) if d == dim else o for d, o in enumerate(offsets)]

    def shifted(offsets: list[Expr]) -> tuple[Body, list[Expr]]:
        value = build.load(buffer.name, buffer.held(along(offsets, step)), buffer.type.elem)
        return (Store(buffer.name, buffer.held(offsets), value),), [build.const(0)] * len(offsets)

    def fetched(offsets: list[Expr]) -> tuple[Body, list[Expr]]:
        new = along(offsets, size - step)
        place = [added(at(w.base), o) for w, o in zip(buffer.windows, new, strict=True)]
        value = build.load(buffer.array, tuple(place), buffer.type.elem)
        return (Store(buffer.name, buffer.held(new), value),), place

    def both(offsets: list[Expr]) -> tuple[Body, list[Expr]]:
        fixed = {d: o for d, o in enumerate(offsets) if d != dim}
        kept = buffer.over([size - step if d == dim else 1 for d in range(len(offsets))], shifted, fixed)
        new = buffer.over([step if d == dim else 1 for d in range(len(offsets))], fetched, fixed)
        return (*kept, *new), [build.const(0)] * len(offsets)

    return buffer.over([1 if d == dim else w.size for d, w in enumerate(buffer.windows)], both)


def _where(condition: Expr, body: Body) -> Body:
    """`body` under a condition that none of its loops changes, as far inside a nest as loops stand alone."""
    if isinstance(condition, Const):
        return body
    if len(body) == 1 and isinstance(body[0], For) and body[0].trips is not None:
        return (replace(body[0], body=_where(condition, body[0].body)),)
    return conditional(condition, body)


def _joined(program: Program, function: Function, array: str, axis: str) -> Function:
    """`function` with the loop beside `axis` that moves the buffer `array` put into it, if none must wait."""
    loop = find_loop(function, axis)
    for other in walk(function.body):
        if not isinstance(other, For) or (other.trips or 0) > (loop.trips or 0):
            continue
        if not any(_shifts(s, array) for s in walk(other.body)):
            continue
        try:
            joined = compute_at(program, function, other.var, axis)
        except ScheduleError:
            continue
        if find_loop(joined, axis).trips == loop.trips:
            return joined
    return function


def _shifts(stmt: Stmt, array: str) -> bool:
    """Whether `stmt` moves an element of `array` to another place in it."""
    moved = isinstance(stmt, Store) and isinstance(stmt.value, Load) and stmt.value.array == array
    return moved and isinstance(stmt, Store) and stmt.array == array


def _direction(
    function: Function, array: str, loop: For, found: list[Touch], parts: list[Window]
) -> tuple[int, int]:
    """The dimension of the array that the loop moves along, and by how much in each iteration."""

    def refuse(why: str, remedy: str, at: Stmt = loop) -> ScheduleError:
        return ScheduleError(
            f"{array!r} of {function.name!r} has no reuse buffer in loop {loop.var!r}: {why}",
            code="BF-S025",
            span=at.span,
            notes=[Note(f"{array!r} is declared here", declared_at(function, array))],
            remedy=remedy,
        )

    for touch in found:
        if touch.write:
            stmt = touch.instance.stmt
            error = refuse("the loop writes it", "read from one array and write to another", stmt)
            reads = [Note("it is read here", t.instance.stmt.span) for t in found if not t.write]
            error.notes = (*reads[:1], *error.notes)
            raise error
    if not found:
        raise refuse("the loop does not read it", "name a loop that reads the array")
    moves = [(d, k) for d, w in enumerate(parts) for var, k in w.fixed if var.name == loop.var]
    if len(moves) != 1:
        ways = "several dimensions at once" if moves else "no dimension by constant distances"
        raise refuse(
            f"its reads move along {ways}",
            f"index one dimension by {loop.var!r} plus what does not depend on it, in every read",
            found[0].instance.stmt,
        )
    dim, step = moves[0][0], moves[0][1] * loop.step
    size = parts[dim].size
    if step < 0:
        raise refuse("its reads move backwards", "count the loop the other way", found[0].instance.stmt)
    if step >= size:
        raise refuse(
            f"it reads {size} along dimension {dim + 1} and moves on by {step}, so nothing is read again",
            "leave it as it is, or name the loop whose iterations overlap",
            found[0].instance.stmt,
        )
    return dim, step
