"""unroll_jam: copies of an outer loop's body, side by side in one copy of the loops inside it."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import For, Function, Program
from bitfold.ir.rewrite import Body, bound_names, freshen, replace_loop, substitute
from bitfold.schedule.lookup import constant_trips, divisors, is_count, loops_of, plain_loop
from bitfold.schedule.reorder import reorder
from bitfold.schedule.split import split


def unroll_jam(
    program: Program, function: Function, axis: str, factor: int, unsafe: bool = False
) -> tuple[Function, str]:
    """Run `factor` iterations of `axis` in each pass of the loops nested in it; returns the outer loop.

        for i in range(8):               for i_o in range(4):
            for j in range(16):    ->        for j in range(16):
                body(i, j)                       body(i_o * 2, j)
                                                 body(i_o * 2 + 1, j)

    The jam goes down to the innermost loop, as long as each body holds a single loop. Statements around a
    loop stay around it, and locals become arrays with an element per copy. Legal when the copies may run in
    step: as for `reorder`, of which it is a case.

    Raises:
        ScheduleError: no single loop inside, a factor that does not divide the iteration count, or two
            dependent accesses would swap (both are shown).
    """
    loop = plain_loop(function, axis, "jam first, then pipeline or unroll the result")
    nest = _inside(loop)
    if not nest:
        raise ScheduleError(
            f"the body of loop {axis!r} of {function.name!r} holds not one loop to jam its copies into",
            code="BF-S014",
            span=loop.span,
            remedy="name a loop whose body has one loop; for an innermost loop, use unroll(loop, factor)",
        )
    trips = constant_trips(loop)
    if not is_count(factor, 1, trips) or trips % factor:
        raise ScheduleError(
            f"loop {axis!r} of {function.name!r} cannot be jammed by {factor!r}",
            code="BF-S012",
            span=loop.span,
            remedy=f"it runs {trips} times: use one of {divisors(max(trips, 1))}",
        )
    name = function.name
    function, outer, copy = split(function, axis, factor)
    known = set(loops_of(function))
    try:
        function = reorder(program, function, (*nest, copy), unsafe)
    except ScheduleError as error:
        if error.code == "BF-S013":  # it speaks of loops that the author never saw
            both = error.message.partition(": ")[2]
            error.message = f"iterations of loop {axis!r} of {name!r} cannot run in step: {both}"
            error.remedy = f"unroll({axis!r}, {factor}), which keeps their order"
        raise
    copies = [copy, *(name for name in loops_of(function) if name not in known)]
    for each in copies:
        function = _laid_out(function, each, factor)
    return function, outer


def _inside(loop: For) -> list[str]:
    """The loops in `loop`, from the outside, as long as a body holds a single one."""
    found: list[str] = []
    while True:
        loops = [s for s in loop.body if isinstance(s, For)]
        if len(loops) != 1:
            return found
        loop = loops[0]
        found.append(loop.var)


def _laid_out(function: Function, axis: str, trips: int) -> Function:
    """`function` with the loop `axis` replaced by a copy of its body per iteration."""
    taken = bound_names(function)

    def change(loop: For) -> Body:
        bodies = [substitute(loop.body, {axis: build.const(i)}) for i in range(trips)]
        return (*bodies[0], *(s for body in bodies[1:] for s in freshen(body, taken)))

    return replace(function, body=replace_loop(function.body, axis, change))
