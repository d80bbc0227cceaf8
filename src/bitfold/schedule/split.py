"""split: one loop into two."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import Const, Expr, For, Function, Op
from bitfold.ir.rewrite import Body, bound_names, fresh, freshen, replace_loop, substitute
from bitfold.schedule.lookup import constant_trips, divisors, find_loop, is_count


def split(function: Function, axis: str, factor: int, cut: bool = False) -> tuple[Function, str, str]:
    """Run `axis` as an outer loop over blocks of `factor` iterations; returns both names.

        for k in range(784):            for k_o in range(16):
            body(k)             ->          for k_i in range(49):
                                                body(k_o * 49 + k_i)

    The order of iterations stays, so this is always legal. `factor` must divide the iteration count; with
    `cut` the remainder becomes a loop `k_t` of its own after the nest.

    Raises:
        ScheduleError: no such loop, a varying iteration count, or a factor that does not divide it.
    """
    loop = find_loop(function, axis)
    trips = constant_trips(loop)
    _check(function, loop, trips, factor, cut)
    taken = bound_names(function)
    outer, inner = fresh(f"{axis}_o", taken), fresh(f"{axis}_i", taken)
    whole = trips // factor

    def value(index: Expr) -> Expr:
        scaled = build.binary(Op.MUL, index, build.const(loop.step))
        return build.binary(Op.ADD, loop.low, scaled) if loop.low != Const(0, low=0, high=0) else scaled

    def change(old: For) -> Body:
        o, i = _counter(outer, whole), _counter(inner, factor)
        index = build.binary(Op.ADD, build.binary(Op.MUL, o, build.const(factor)), i)
        body = substitute(old.body, {axis: value(index)})
        nest = replace(old, var=inner, low=build.const(0), high=build.const(factor), step=1, body=body)
        main = replace(nest, var=outer, high=build.const(whole), body=(nest,))
        rest = trips - whole * factor
        if not rest:
            return (main,)
        tail = fresh(f"{axis}_t", taken)
        t = build.binary(Op.ADD, _counter(tail, rest), build.const(whole * factor))
        left = freshen(substitute(old.body, {axis: value(t)}), taken)
        return main, replace(nest, var=tail, high=build.const(rest), body=left)

    return replace(function, body=replace_loop(function.body, axis, change)), outer, inner


def _counter(name: str, trips: int) -> Expr:
    """The value of a loop's variable; the constant 0 when it takes no other."""
    return build.loop_var(name, 0, trips - 1) if trips > 1 else build.const(0)


def _check(function: Function, loop: For, trips: int, factor: int, cut: bool) -> None:
    known = f"it runs {trips} times: use one of {divisors(max(trips, 1))}"
    if not is_count(factor, 1, max(trips, 1)):
        raise ScheduleError(
            f"loop {loop.var!r} of {function.name!r} cannot be split by {factor!r}",
            span=loop.span,
            remedy=known,
        )
    if trips % factor and not cut:
        raise ScheduleError(
            f"loop {loop.var!r} of {function.name!r} runs {trips} times, which {factor} does not divide",
            span=loop.span,
            remedy=f"{known}, or split(..., cut=True) to leave a remainder loop",
        )
    if loop.pipeline or loop.unroll or loop.flatten:
        raise ScheduleError(
            f"loop {loop.var!r} of {function.name!r} is already pipelined or unrolled",
            span=loop.span,
            remedy="split first, then pipeline or unroll the parts",
        )
