"""fuse: nested loops into one."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import Binary, Const, Expr, For, Function, Op
from bitfold.ir.rewrite import Body, bound_names, fresh, map_exprs, replace_loop, substitute
from bitfold.schedule.lookup import check_plain, constant_trips, find_loop
from bitfold.schedule.split import counter


def fuse(function: Function, axes: tuple[str, ...]) -> tuple[Function, str]:
    """Run the nested loops `axes`, outermost first, as one; returns its name.

        for i in range(4):              for i_j in range(32):
            for j in range(8):    ->        body(i_j // 8, i_j % 8)
                body(i, j)

    The order of iterations stays, so this is always legal. Where `body` says `i * 8 + j` it becomes `i_j`.

    Raises:
        ScheduleError: a loop is not alone in the one before it, an iteration count varies, or a loop is
            pipelined or unrolled already.
    """
    if len(axes) < 2:
        raise ScheduleError(
            f"fuse needs two or more loops, not {', '.join(axes) or 'none'}",
            code="BF-S015",
            span=function.span,
            remedy="name the loops of a nest, outermost first",
        )
    name = axes[0]
    for inner in axes[1:]:
        function, name = _fuse(function, name, inner)
    return function, name


def _fuse(function: Function, outer: str, inner: str) -> tuple[Function, str]:
    loop, nested = find_loop(function, outer), find_loop(function, inner)
    if loop.body != (nested,):
        raise ScheduleError(
            f"loop {inner!r} of {function.name!r} is not all that the body of loop {outer!r} holds",
            code="BF-S014",
            span=nested.span,
            notes=[Note(f"loop {outer!r} is here", loop.span)],
            remedy="name a loop and the one directly in it; move what stands between them out with fission",
        )
    trips, inside = constant_trips(loop), constant_trips(nested)
    for each in (loop, nested):
        check_plain(function, each, "fuse first, then pipeline or unroll the result")
    name = fresh(f"{outer}_{inner}", bound_names(function))
    total, rows = counter(name, trips * inside), build.const(max(inside, 1))

    def value(each: For, index: Expr) -> Expr:
        return build.binary(Op.ADD, each.low, build.binary(Op.MUL, index, build.const(each.step)))

    values = {
        outer: value(loop, build.binary(Op.FLOORDIV, total, rows)),
        inner: value(nested, build.binary(Op.MOD, total, rows)),
    }

    def change(old: For) -> Body:
        body = map_exprs(substitute(nested.body, values), _whole)
        return (
            replace(old, var=name, low=build.const(0), high=build.const(trips * inside), step=1, body=body),
        )

    return replace(function, body=replace_loop(function.body, outer, change)), name


def _whole(e: Expr) -> Expr | None:
    """`v // n * n + v % n` is `v`."""
    match e:
        case Binary(
            op=Op.ADD,
            lhs=Binary(op=Op.MUL, lhs=Binary(op=Op.FLOORDIV, lhs=v, rhs=Const(value=n)), rhs=Const(value=m)),
            rhs=Binary(op=Op.MOD, lhs=u, rhs=Const(value=k)),
        ) if v == u and n == m == k:
            return v
    return None
