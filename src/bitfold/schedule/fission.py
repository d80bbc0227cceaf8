"""fission: one loop into two, each with a part of the body."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import ScheduleError
from bitfold.ir.nodes import Alloc, For, Function, Program
from bitfold.ir.rewrite import bound_names, fresh, rename, replace_loop
from bitfold.schedule.legality import check_order
from bitfold.schedule.lookup import check_range, find_loop, is_count, plain_loop
from bitfold.schedule.privatize import privatize


def fission(
    program: Program, function: Function, axis: str, after: str | int, unsafe: bool = False
) -> tuple[Function, str]:
    """Run the body of `axis` up to `after` in one loop and the rest in a second; returns the second's name.

    `after` is a loop directly in the body, or the number of statements that stay. What an iteration keeps in
    a local for the second part becomes an array with an element per iteration:

        for i in range(8):                v = empty(uint8[8])
            v: uint8 = a[i] + 1           for i in range(8):
            b[i] = v              ->          v[i] = a[i] + 1
                                          for i_1 in range(8):
                                              b[i_1] = v[i_1]

    Legal when no iteration's second part is needed by a later iteration's first part, which isl decides;
    updates of one accumulator commute. With `unsafe`, what isl cannot decide is taken on trust.

    Raises:
        ScheduleError: there is nothing before or after that place, the range is read from memory, or two
            dependent accesses would swap (both are shown).
    """
    loop = plain_loop(function, axis, "fission first, then pipeline or unroll the parts")
    check_range(loop)
    count = _count(function, loop, after)
    function = privatize(program, function, axis, (count,), "the cut", "whole")
    arrays = len(loop.body) - len(find_loop(function, axis).body)  # that moved out of the first part
    loop = find_loop(function, axis)
    halves = [replace(loop, body=part) for part in (loop.body[: count - arrays], loop.body[count - arrays :])]

    def placed(*loops: For) -> Function:
        return replace(function, body=replace_loop(function.body, axis, lambda _: loops))

    check_order(
        program,
        function,
        placed(*halves),
        unsafe,
        f"loop {axis!r} of {function.name!r} cannot be cut here",
        "keep the two in one loop: cut before the first or after the second",
    )
    second = fresh(axis, bound_names(function))
    (renamed,) = rename((halves[1],), {axis: second})
    assert isinstance(renamed, For)
    return placed(halves[0], renamed), second


def _count(function: Function, loop: For, after: str | int) -> int:
    """How many statements of the body come before the cut."""
    if isinstance(after, str):
        at = [i for i, s in enumerate(loop.body) if isinstance(s, For) and s.var == after]
        count = at[0] + 1 if at else 0
    else:
        count = after if is_count(after, 1) else 0
    first, rest = loop.body[:count], loop.body[count:]
    if not rest or all(isinstance(s, Alloc) for s in first):
        inside = [s.var for s in loop.body if isinstance(s, For)]
        loops = f" or one of its loops {', '.join(inside)}" if inside else ""
        raise ScheduleError(
            f"loop {loop.var!r} of {function.name!r} cannot be cut after {after!r}",
            code="BF-S017",
            span=loop.span,
            remedy=f"its body has {len(loop.body)} statements: name a number below that{loops}, so that both "
            "loops have something to do",
        )
    return count
