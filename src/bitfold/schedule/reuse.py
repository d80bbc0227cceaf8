"""reuse_at: line and window buffers, so that a stencil reads each element of its input once."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import Expr, For, Function, LoopVar, Program, Stmt, Store, walk
from bitfold.ir.rewrite import bound_names, fresh, replace_loop
from bitfold.schedule.lookup import constant_trips, declared_at, find_array, plain_loop
from bitfold.schedule.window import Buffer, Touch, Window, added, touches, windows


def reuse_at(program: Program, function: Function, array: str, axis: str) -> tuple[Function, str]:
    """Keep what iterations of `axis` read again of `array` in a buffer that moves along; returns its name.

        for i in range(6):                      x_reuse = empty(uint8[3])
            y[i] = x[i] + x[i + 1] + x[i + 2]   for x_reuse_0 in range(2):
                                                    x_reuse[x_reuse_0 + 1] = x[x_reuse_0]
                                         ->     for i in range(6):
                                                    for x_reuse_0_1 in range(2):
                                                        x_reuse[x_reuse_0_1] = x_reuse[x_reuse_0_1 + 1]
                                                    x_reuse[2] = x[i + 2]
                                                    y[i] = x_reuse[0] + x_reuse[1] + x_reuse[2]

    The buffer holds a window of the dimension that `axis` moves along and what is read of the others: applied
    to the rows of an image it is a line buffer, applied to that buffer along a row a window buffer. isl finds
    the window from all reads, conditions included, so that it covers each of them; what lies outside the
    array, which padding does not read, is not fetched. Always legal where the loop does not write the array.

    Raises:
        ScheduleError: the loop writes the array, does not read it at constant distances from `axis`, reads
            nothing twice, or runs a varying number of times; the array is packed, a stream, declared in the
            loop or passed to a kernel there; the loop is pipelined or unrolled already.
    """
    loop = plain_loop(function, axis, "make the buffer first, then pipeline or unroll")
    constant_trips(loop)
    found = touches(program, function, array, axis)
    type, taken = find_array(function, array), bound_names(function)
    inside = frozenset(s.var for s in walk(loop.body) if isinstance(s, For))
    parts = windows(found, type, inside)
    dim, step = _direction(function, array, loop, found, parts)
    buffer = Buffer(array, fresh(f"{array}_reuse", taken), type, parts, taken, keep=dim)
    kept = parts[dim].size - step
    nothing: list[Expr] = [build.const(0)] * len(parts)

    def sized(count: int) -> list[int]:
        return [count if d == dim else w.size for d, w in enumerate(parts)]

    def moved(offsets: list[Expr], by: int) -> list[Expr]:
        return [added(o, build.const(by)) if d == dim else o for d, o in enumerate(offsets)]

    def fetched(bases: list[Expr], first: int, to: int, offsets: list[Expr]) -> tuple[Stmt, list[Expr]]:
        """Element `first` of the window, and so on, into the buffer from `to` on."""
        at = [added(b, o) for b, o in zip(bases, moved(offsets, first), strict=True)]
        value = build.load(array, tuple(at), type.elem)
        return Store(buffer.name, buffer.held(moved(offsets, to)), value), at

    def shifted(offsets: list[Expr]) -> tuple[Stmt, list[Expr]]:
        value = build.load(buffer.name, buffer.held(moved(offsets, step)), type.elem)
        return Store(buffer.name, buffer.held(offsets), value), nothing

    here = [w.base for w in parts]
    start = [
        build.rebuild(b, lambda e: loop.low if isinstance(e, LoopVar) and e.name == axis else None)
        for b in here
    ]
    before = buffer.over(sized(kept), lambda o: fetched(start, 0, step, o))
    shift = buffer.over(sized(kept), shifted)
    fetch = buffer.over(sized(step), lambda o: fetched(here, kept, kept, o))

    def change(old: For) -> tuple[Stmt, ...]:
        body = (*shift, *fetch, *buffer.rewritten(old.body))
        return (buffer.alloc, *before, replace(old, body=body))

    return replace(function, body=replace_loop(function.body, axis, change)), buffer.name


def _direction(
    function: Function, array: str, loop: For, found: list[Touch], parts: list[Window]
) -> tuple[int, int]:
    """The dimension of the array that the loop moves along, and by how much in each iteration."""

    def refuse(why: str, remedy: str, at: Stmt = loop) -> ScheduleError:
        return ScheduleError(
            f"{array!r} of {function.name!r} has no reuse buffer in loop {loop.var!r}: {why}",
            span=at.span,
            notes=[Note(f"{array!r} is declared here", declared_at(function, array))],
            remedy=remedy,
        )

    for touch in found:
        if touch.write:
            stmt = touch.instance.stmt
            raise refuse("the loop writes it", "read from one array and write to another", stmt)
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
