"""split: one loop into two."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import Cmp, Const, Expr, For, Function, If, Op
from bitfold.ir.rewrite import Body, bound_names, fresh, freshen, replace_loop, substitute
from bitfold.schedule.lookup import check_plain, constant_trips, divisors, find_loop, is_count


def split(
    function: Function, axis: str, factor: int, cut: bool = False, guard: bool = False
) -> tuple[Function, str, str]:
    """Run `axis` as an outer loop over blocks of `factor` iterations; returns both names.

        for k in range(784):            for k_o in range(16):
            body(k)             ->          for k_i in range(49):
                                                body(k_o * 49 + k_i)

    The order of iterations stays, so this is always legal. `factor` must divide the iteration count; with
    `cut` the remainder becomes a loop `k_t` of its own after the nest, and with `guard` the last block is a
    whole one whose surplus iterations do nothing:

        for k in range(10):             for k_o in range(3):
            body(k)             ->          for k_i in range(4):
                                                if k_o * 4 + k_i < 10:
                                                    body(k_o * 4 + k_i)

    Raises:
        ScheduleError: no such loop, a varying iteration count, or a factor that does not divide it.
    """
    loop = find_loop(function, axis)
    trips = constant_trips(loop)
    _check(function, loop, trips, factor, cut, guard)
    taken = bound_names(function)
    outer, inner = fresh(f"{axis}_o", taken), fresh(f"{axis}_i", taken)
    whole = -(-trips // factor) if guard else trips // factor

    def value(index: Expr) -> Expr:
        scaled = build.binary(Op.MUL, index, build.const(loop.step))
        return build.binary(Op.ADD, loop.low, scaled) if loop.low != Const(0, low=0, high=0) else scaled

    def change(old: For) -> Body:
        o, i = counter(outer, whole), counter(inner, factor)
        index = build.binary(Op.ADD, build.binary(Op.MUL, o, build.const(factor)), i)
        body = substitute(old.body, {axis: value(index)})
        if whole * factor > trips:
            body = (If(build.compare(Cmp.LT, index, build.const(trips)), body, span=old.span),)
        nest = replace(old, var=inner, low=build.const(0), high=build.const(factor), step=1, body=body)
        main = replace(nest, var=outer, high=build.const(whole), body=(nest,))
        rest = trips - whole * factor
        if rest <= 0:
            return (main,)
        tail = fresh(f"{axis}_t", taken)
        t = build.binary(Op.ADD, counter(tail, rest), build.const(whole * factor))
        left = freshen(substitute(old.body, {axis: value(t)}), taken)
        return main, replace(nest, var=tail, high=build.const(rest), body=left)

    return replace(function, body=replace_loop(function.body, axis, change)), outer, inner


def counter(name: str, trips: int) -> Expr:
    """The value of a loop's variable; the constant 0 when it takes no other."""
    return build.loop_var(name, 0, trips - 1) if trips > 1 else build.const(0)


def _check(function: Function, loop: For, trips: int, factor: int, cut: bool, guard: bool) -> None:
    known = f"it runs {trips} times: use one of {divisors(max(trips, 1))}"
    if not is_count(factor, 1, max(trips, 1)):
        raise ScheduleError(
            f"loop {loop.var!r} of {function.name!r} cannot be split by {factor!r}",
            code="BF-S012",
            span=loop.span,
            remedy=known,
        )
    if cut and guard:
        raise ScheduleError(
            f"loop {loop.var!r} of {function.name!r} is to be both cut and guarded",
            code="BF-S012",
            span=loop.span,
            remedy="cut=True leaves a remainder loop, guard=True a condition: choose one",
        )
    if trips % factor and not (cut or guard):
        raise ScheduleError(
            f"loop {loop.var!r} of {function.name!r} runs {trips} times, which {factor} does not divide",
            code="BF-S011",
            span=loop.span,
            remedy=f"{known}, split(..., cut=True) to leave a remainder loop, or "
            "split(..., guard=True) for a condition inside",
        )
    check_plain(function, loop, "split first, then pipeline or unroll the parts")
