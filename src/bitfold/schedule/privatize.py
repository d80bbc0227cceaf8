"""Give each iteration of a loop its own copy of a local, so that parts of its body can run apart."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

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
    Load,
    Local,
    Op,
    Program,
    Stmt,
    Store,
    walk,
)
from bitfold.ir.rewrite import Body, map_body, map_exprs, replace_loop
from bitfold.lang.types import ArrayType
from bitfold.schedule.dependence import accesses
from bitfold.schedule.lookup import find_loop


def _uses(program: Program, body: Body) -> set[str]:
    """The scalars and arrays that `body` names."""
    found: set[str] = set()
    for stmt in walk(body):
        found.update(a.array for a in accesses(program, stmt))
        if isinstance(stmt, CallKernel):
            found.update(stmt.args)
    return found


def privatize(
    program: Program, function: Function, outer: str, cuts: tuple[int, ...], across: str, remedy: str
) -> Function:
    """Expand each local of the loop `outer` that lives across a cut of its body, by the loop's iterations.

    `cuts` are positions in the body, in order. `across` and `remedy` are words for the message.

    Raises:
        ScheduleError: such a local is passed to a kernel.
    """
    loop = find_loop(function, outer)
    ends = (0, *cuts, len(loop.body))
    groups = [loop.body[a:b] for a, b in pairwise(ends)]
    used = [_uses(program, group) for group in groups]
    shared = [
        s
        for g, group in enumerate(groups)
        for s in group
        if isinstance(s, (Declare, Alloc)) and any(s.name in u for o, u in enumerate(used) if o != g)
    ]
    passed = {a: s for s in walk(loop.body) if isinstance(s, CallKernel) for a in s.args}
    body = loop.body
    arrays: list[Alloc] = []
    for local in shared:
        if local.name in passed:
            raise ScheduleError(
                f"{local.name!r} lives across {across} and is passed to {passed[local.name].callee!r}",
                code="BF-S024",
                span=passed[local.name].span,
                notes=[Note(f"{local.name!r} is declared here", local.span)],
                remedy=f"keep {outer!r} {remedy}",
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
