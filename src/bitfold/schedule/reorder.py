"""reorder: put nested loops in another order, giving each iteration its own accumulator where needed."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    CallKernel,
    Declare,
    Expr,
    For,
    Function,
    If,
    Load,
    Local,
    LoopVar,
    Op,
    Program,
    Stmt,
    Store,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import Body, bound_names, fresh, map_body, map_exprs, rename, replace_loop
from bitfold.lang.types import ArrayType
from bitfold.schedule.dependence import accesses, find_conflict
from bitfold.schedule.lookup import find_loop, path_to


def reorder(program: Program, function: Function, axes: tuple[str, ...]) -> Function:
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

    Raises:
        ScheduleError: the loops are no nest, or two dependent accesses would swap (both are shown).
    """
    if len(set(axes)) != len(axes) or len(axes) < 2:
        raise ScheduleError(
            f"reorder needs two or more different loops, not {', '.join(axes)}",
            span=function.span,
            remedy="name each loop once, outermost first",
        )
    nest = _nest(function, axes)
    for position, axis in enumerate(axes):
        current = nest.index(axis)
        while current > position:
            function = _interchange(program, function, nest[current - 1], axis)
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
            span=loop.span,
            remedy="reorder loops of one nest",
            notes=[Note(f"loop {names[-1]!r} is here", deepest[-1].span)],
        )
    first = min(names.index(a) for a in axes)
    between = deepest[first:]
    for part in between:
        _check_between(part, axes, [n for n in names[first:] if n is not None])
    return [n for n in names[first:] if n is not None]


def _check_between(part: For | If, axes: tuple[str, ...], nest: list[str]) -> None:
    if isinstance(part, If):
        raise ScheduleError(
            "an `if` stands between the loops to reorder",
            span=part.span,
            remedy="move the condition into the innermost loop",
        )
    if part.var not in axes:
        raise ScheduleError(
            f"loop {part.var!r} stands between the loops to reorder",
            span=part.span,
            remedy=f"name it as well; the nest is {', '.join(nest)}",
        )
    if part.pipeline or part.flatten:
        raise ScheduleError(
            f"loop {part.var!r} is already pipelined", span=part.span, remedy="reorder before you pipeline"
        )


def _interchange(program: Program, function: Function, outer: str, inner: str) -> Function:
    """Swap `outer` with `inner`, a loop directly in its body."""
    _check_ranges(*_pair(function, outer, inner)[:2])
    function = _privatize(program, function, outer, inner)
    loop, inner_loop, (before, _, after) = _pair(function, outer, inner)
    swapped = replace(inner_loop, body=(replace(loop, body=inner_loop.body),))
    copies = [(replace(loop, body=group),) if group else () for group in (before, after)]

    def placed(first: Body, last: Body) -> Function:
        return replace(function, body=replace_loop(function.body, outer, lambda _: (*first, swapped, *last)))

    _check_order(program, function, placed(*copies), outer, inner)
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
        for e in (*walk_expr(loop.low), *walk_expr(loop.high)):
            if isinstance(e, LoopVar) and e.name == outer.var:
                raise ScheduleError(
                    f"the range of loop {inner.var!r} changes with loop {outer.var!r}",
                    span=inner.span,
                    notes=[Note(f"loop {outer.var!r} is here", outer.span)],
                    remedy="give the inner loop constant bounds, and guard its body with an `if`",
                )
            if isinstance(e, (Load, Local)):
                source = e.array if isinstance(e, Load) else e.name
                raise ScheduleError(
                    f"the range of loop {loop.var!r} is read from {source!r}",
                    span=loop.span,
                    remedy="give it constant bounds, and guard its body with an `if`",
                )


def _check_order(program: Program, before: Function, after: Function, outer: str, inner: str) -> None:
    conflict = find_conflict(program, before, after)
    if conflict is None:
        return
    raise ScheduleError(
        f"loops {outer!r} and {inner!r} of {before.name!r} cannot change places: both iterations below touch "
        f"{conflict.array!r}, and their order would turn around",
        span=conflict.first,
        notes=[
            Note(f"first, at ({conflict.first_at})", conflict.first),
            Note(f"then, at ({conflict.second_at})", conflict.second),
        ],
        remedy=f"keep {outer!r} outside {inner!r}, or write each iteration's result to a place of its own",
    )


def _uses(program: Program, body: Body) -> set[str]:
    """The scalars and arrays that `body` names."""
    found: set[str] = set()
    for stmt in walk(body):
        found.update(a.array for a in accesses(program, stmt))
        if isinstance(stmt, CallKernel):
            found.update(stmt.args)
    return found


def _privatize(program: Program, function: Function, outer: str, inner: str) -> Function:
    """Expand each local of `outer`'s body that lives across the loop `inner` by the iterations of `outer`."""
    loop, _, groups = _pair(function, outer, inner)
    used = [_uses(program, group) for group in groups]
    shared = [
        s
        for g, group in enumerate(groups)
        for s in group
        if isinstance(s, (Declare, Alloc)) and any(s.name in used[o] for o in range(3) if o != g)
    ]
    passed = {a: s for s in walk(loop.body) if isinstance(s, CallKernel) for a in s.args}
    body = loop.body
    arrays: list[Alloc] = []
    for local in shared:
        if local.name in passed:
            raise ScheduleError(
                f"{local.name!r} lives across loop {inner!r} and is passed to {passed[local.name].callee!r}",
                span=passed[local.name].span,
                notes=[Note(f"{local.name!r} is declared here", local.span)],
                remedy=f"keep {outer!r} outside {inner!r}",
            )
        body, array = _expand(body, local, *_position(loop))
        arrays.append(array)
    return replace(
        function,
        body=replace_loop(function.body, outer, lambda old: (*arrays, replace(old, body=body))),
    )


def _position(loop: For) -> tuple[Expr, int]:
    """Which element belongs to an iteration of `loop`, and how many elements that takes."""
    low, trips = loop.low.low, loop.trips
    var = build.loop_var(loop.var, low, loop.high.high - 1)
    index = build.binary(Op.SUB, var, build.const(low))
    if trips is None:
        return index, max(1, loop.high.high - low)
    return build.binary(Op.FLOORDIV, index, build.const(loop.step)), max(1, trips)


def _expand(body: Body, local: Declare | Alloc, index: Expr, count: int) -> tuple[Body, Alloc]:
    """`body` with the scalar or array `local` as row `index` of an array with `count` rows."""
    if isinstance(local, Declare):
        made = Alloc(local.name, ArrayType(local.type, (count,)), span=local.span)
    else:
        layout = tuple(replace(p, dim=p.dim + 1) for p in local.type.layout)
        type = replace(local.type, shape=(count, *local.type.shape), layout=layout)
        made = Alloc(local.name, type, local.fill, span=local.span)
    elem = made.type.elem

    def expr(e: Expr) -> Expr | None:
        if isinstance(e, Local) and e.name == local.name:
            return build.load(local.name, (index,), elem, e.span)
        if isinstance(e, Load) and e.array == local.name and isinstance(local, Alloc):
            return build.load(local.name, (index, *e.indices), elem, e.span)
        return None

    def statement(s: Stmt) -> Body | None:
        match s:
            case Declare() | Assign() if s.name == local.name:
                return (Store(local.name, (index,), s.value, span=s.span),)
            case Store() if s.array == local.name and isinstance(local, Alloc):
                return (replace(s, indices=(index, *s.indices)),)
            case Alloc() if s.name == local.name:
                return ()
        return None

    # Statements first: a new store of a scalar must not have its index taken for an array's.
    return map_exprs(map_body(body, statement), expr), made
