"""reorder: put nested loops in another order, giving each iteration its own accumulator where needed."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir.nodes import (
    For,
    Function,
    If,
    LoopVar,
    Program,
    While,
    walk_expr,
)
from bitfold.ir.rewrite import Body, bound_names, fresh, rename, replace_loop
from bitfold.schedule.legality import check_order
from bitfold.schedule.lookup import check_range, find_loop, path_to
from bitfold.schedule.privatize import privatize


def reorder(program: Program, function: Function, axes: tuple[str, ...], unsafe: bool = False) -> Function:
    """Nest the loops `axes` in the given order, outermost first.

    Where statements stand between two loops that change places, the outer loop is distributed over them, and
    what its iterations keep in a local is expanded to an array with an element per iteration:

        for m in range(4):                 acc = empty(uint16[4])
            acc: uint16 = 0                for m_1 in range(4):
            for k in range(8):                 acc[m_1] = 0
                acc += f(m, k)       ->    for k in range(8):
            y[m] = acc                         for m in range(4):
                                                   acc[m] += f(m, k)
                                           for m_2 in range(4):
                                               y[m_2] = acc[m_2]

    Legal when every dependence keeps its direction, which isl decides; updates of one accumulator commute.
    With `unsafe`, what isl cannot decide (an index or a condition is not affine) is taken on trust.

    Raises:
        ScheduleError: the loops are no nest, or two dependent accesses would swap (both are shown).
    """
    if len(set(axes)) != len(axes) or len(axes) < 2:
        raise ScheduleError(
            f"reorder needs two or more different loops, not {', '.join(axes) or 'none'}",
            code="BF-S015",
            span=function.span,
            remedy="name each loop once, outermost first",
        )
    nest = _nest(function, axes)
    for position, axis in enumerate(axes):
        current = nest.index(axis)
        while current > position:
            function = _interchange(program, function, nest[current - 1], axis, unsafe)
            nest[current - 1], nest[current] = nest[current], nest[current - 1]
            current -= 1
    return function


def _nest(function: Function, axes: tuple[str, ...]) -> list[str]:
    """The loops `axes` from the outermost to the innermost, checked to be one uninterrupted nest."""
    paths = {axis: path_to(function, axis) for axis in axes}
    deepest = max(paths.values(), key=len)
    names = [p.var if isinstance(p, For) else None for p in deepest]
    outside = [a for a in axes if a not in names]
    if outside:
        loop = paths[outside[0]][-1]
        raise ScheduleError(
            f"loops {outside[0]!r} and {names[-1]!r} of {function.name!r} are not nested in each other",
            code="BF-S014",
            span=loop.span,
            remedy="reorder loops of one nest",
            notes=[Note(f"loop {names[-1]!r} is here", deepest[-1].span)],
        )
    first = min(names.index(a) for a in axes)
    between = deepest[first:]
    for part in between:
        _check_between(part, axes, [n for n in names[first:] if n is not None])
    return [n for n in names[first:] if n is not None]


def _check_between(part: For | While | If, axes: tuple[str, ...], nest: list[str]) -> None:
    if isinstance(part, If):
        raise ScheduleError(
            "an `if` stands between the loops to reorder",
            code="BF-S014",
            span=part.span,
            remedy="move the condition into the innermost loop",
        )
    if isinstance(part, While):
        raise ScheduleError(
            "a `while` stands between the loops to reorder",
            code="BF-S014",
            span=part.span,
            remedy="reorder the loops outside it, or those inside it; how often it runs depends on data",
        )
    if part.var not in axes:
        raise ScheduleError(
            f"loop {part.var!r} stands between the loops to reorder",
            code="BF-S014",
            span=part.span,
            remedy=f"name it as well; the nest is {', '.join(nest)}",
        )
    if part.pipeline or part.flatten or part.parallel:
        raise ScheduleError(
            f"loop {part.var!r} is already {'parallel' if part.parallel else 'pipelined'}",
            code="BF-S010",
            span=part.span,
            remedy="reorder before you say how the loops run",
        )


def _interchange(program: Program, function: Function, outer: str, inner: str, unsafe: bool) -> Function:
    """Swap `outer` with `inner`, a loop directly in its body."""
    _check_ranges(*_pair(function, outer, inner)[:2])
    at = len(_pair(function, outer, inner)[2][0])
    function = privatize(program, function, outer, (at, at + 1), f"loop {inner!r}", f"outside {inner!r}")
    loop, inner_loop, (before, _, after) = _pair(function, outer, inner)
    swapped = replace(inner_loop, body=(replace(loop, body=inner_loop.body),))
    copies = [(replace(loop, body=group),) if group else () for group in (before, after)]

    def placed(first: Body, last: Body) -> Function:
        return replace(function, body=replace_loop(function.body, outer, lambda _: (*first, swapped, *last)))

    check_order(
        program,
        function,
        placed(*copies),
        unsafe,
        f"loops {outer!r} and {inner!r} of {function.name!r} cannot change places",
        f"keep {outer!r} outside {inner!r}, or write each iteration's result to a place of its own",
    )
    taken = bound_names(function)
    return placed(*(rename(copy, {outer: fresh(outer, taken)}) if copy else () for copy in copies))


def _pair(function: Function, outer: str, inner: str) -> tuple[For, For, tuple[Body, Body, Body]]:
    """The loops `outer` and `inner`, and the body of `outer` up to, at and after `inner`."""
    loop = find_loop(function, outer)
    at = next(i for i, s in enumerate(loop.body) if isinstance(s, For) and s.var == inner)
    inner_loop = loop.body[at]
    assert isinstance(inner_loop, For)
    return loop, inner_loop, (loop.body[:at], (inner_loop,), loop.body[at + 1 :])


def _check_ranges(outer: For, inner: For) -> None:
    """Refuse ranges that depend on the other loop, or on memory that the loops may write."""
    for loop in (outer, inner):
        check_range(loop)
        for e in (*walk_expr(loop.low), *walk_expr(loop.high)):
            if isinstance(e, LoopVar) and e.name == outer.var:
                raise ScheduleError(
                    f"the range of loop {inner.var!r} changes with loop {outer.var!r}",
                    code="BF-S009",
                    span=inner.span,
                    notes=[Note(f"loop {outer.var!r} is here", outer.span)],
                    remedy="give the inner loop constant bounds, and guard its body with an `if`",
                )
