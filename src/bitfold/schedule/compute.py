"""compute_at: a loop nest moves into a later one that uses what it computes, as it needs it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import islpy as isl

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir import build
from bitfold.ir.linear import linear
from bitfold.ir.nodes import (
    Binary,
    Cmp,
    Const,
    Expr,
    For,
    Function,
    If,
    Op,
    Program,
    Stmt,
    While,
    blocks,
    walk,
)
from bitfold.ir.rewrite import Body, map_body, map_exprs, substitute
from bitfold.schedule.dependence import (
    Conflict,
    Instance,
    commute,
    described,
    either,
    instances,
    meet,
    places,
    relations,
)
from bitfold.schedule.legality import both, trusting
from bitfold.schedule.lookup import check_plain, constant_trips, path_to
from bitfold.schedule.split import counter
from bitfold.schedule.window import added

Pair = tuple[Instance, Instance, isl.Map, str]
"""Two instances, the pairs of their iterations that touch one place, and the array it is in."""


def compute_at(
    program: Program, function: Function, producer: str, target: str, unsafe: bool = False
) -> Function:
    """Run an iteration of the loop nest `producer` in each iteration of `target`, a loop of a later nest.

        for p in range(8):                  for i in range(8):
            h[p] = x[p] ^ 7                     h[i] = x[i] ^ 7
        for i in range(6):            ->        if i >= 2:
            y[i] = h[i] + h[i + 2]                  y[i - 2] = h[i - 2] + h[i]

    The loops of both nests are merged, from the outermost down to `target`. isl finds by how many iterations
    the later nest must lag behind so that what an iteration needs is there when it runs, at each level; where
    the nests run unequally often, conditions say which of them takes part. Nothing is computed twice. With
    `unsafe`, what isl cannot decide is taken on trust.

    Raises:
        ScheduleError: `producer` does not stand beside the nest of `target`, and before it; the loops are not
            nested one in the other, or run a varying number of times; the first iteration of `target` needs
            the last of `producer` (both accesses are shown), or what stands between the nests does; or a loop
            is pipelined or unrolled already.
    """
    plan = _plan(function, producer, target)
    lags = [0] * len(plan.produced)
    pairs = _dependent(program, function, plan, unsafe)
    for level, (made, used) in enumerate(zip(plan.produced, plan.used, strict=True)):
        found = [(pair, _distance(pair, plan, level, lags)) for pair in pairs]
        needed = max((d for _, d in found if d is not None), default=0)
        lags[level] = max(0, needed)
        if level == 0 and lags[0] >= max(1, constant_trips(made) - 1):
            pair = next(p for p, d in found if d == needed)
            conflict = described(pair[3], pair[0], pair[1], _at_distance(pair, plan, level, needed))
            sure = unsafe or bool(_dependent(program, function, plan, True))
            raise _late(function, producer, used.var, conflict, sure)
    return _merged(function, plan, lags)


@dataclass(frozen=True)
class _Plan:
    """The loops to merge, outermost first, and what stands around and between them."""

    around: tuple[For | While | If, ...]
    between: Body
    produced: tuple[For, ...]
    used: tuple[For, ...]

    @property
    def outer(self) -> int:
        """The number of loops around both nests."""
        return sum(isinstance(part, (For, While)) for part in self.around)


def _plan(function: Function, producer: str, target: str) -> _Plan:
    *around, first = path_to(function, producer)
    path = path_to(function, target)
    assert isinstance(first, For)

    def refuse(why: str, remedy: str) -> ScheduleError:
        return ScheduleError(
            f"loop {producer!r} of {function.name!r} cannot be computed at loop {target!r}: {why}",
            code="BF-S035",
            span=first.span,
            notes=[Note(f"loop {target!r} is here", path[-1].span)],
            remedy=remedy,
        )

    siblings = _block(function, around, first)
    at = next(i for i, s in enumerate(siblings) if s is first)
    root = path[len(around)] if len(path) > len(around) and path[: len(around)] == around else None
    if root is None or root is first or not any(s is root for s in siblings[at:]):
        raise refuse(
            "it does not stand beside the loops of that, before them",
            "name the outermost loop of a nest, and a loop of a nest after it in the same block",
        )
    used = path[len(around) :]
    for outer, inner in pairwise(used):
        if not isinstance(outer, For) or outer.body != (inner,):
            raise refuse(
                f"more than a loop stands in the body of {outer.var!r}"
                if isinstance(outer, For)
                else "a `while` stands around it"
                if isinstance(outer, While)
                else "a condition stands around it",
                "name a loop further out",
            )
    produced = [first]
    while len(produced) < len(used):
        body = produced[-1].body
        if len(body) != 1 or not isinstance(body[0], For):
            raise refuse(
                f"it has no loop nest of {len(used)} loops, one in the other", "name a loop further out"
            )
        produced.append(body[0])
    loops = [f for f in used if isinstance(f, For)]
    for loop in (*produced, *loops):
        constant_trips(loop)
        check_plain(function, loop, "compute first, then pipeline or unroll the result")
    end = next(i for i, s in enumerate(siblings) if s is root)
    return _Plan(tuple(around), siblings[at + 1 : end], tuple(produced), tuple(loops))


def _block(function: Function, around: list[For | While | If], stmt: Stmt) -> Body:
    """The list of statements that `stmt` stands in."""
    candidates = blocks(around[-1]) if around else (function.body,)
    return next(block for block in candidates if any(s is stmt for s in block))


def _dependent(program: Program, function: Function, plan: _Plan, proved: bool) -> list[Pair]:
    """What both nests touch, at least one of them writing, in one iteration of the loops around.

    Raises ScheduleError when what stands between them depends on the first.
    """
    groups = ((plan.produced[0],), plan.between, (plan.used[0],))
    inside = {id(s): group for group, body in enumerate(groups) for s in walk(body)}
    found = [(inside[id(i.stmt)], i) for i in instances(program, function) if id(i.stmt) in inside]
    where = places(function)
    pairs: list[Pair] = []
    for array in sorted({a.array for _, i in found for a in i.accesses}):
        touching = [(g, i, *relations(i, array, where[array], proved)) for g, i in found]
        for _, first, reads, writes in (t for t in touching if t[0] == 0):
            for group, second, later_reads, later_writes in (t for t in touching if t[0] > 0):
                shared = either(
                    meet(writes, later_writes), meet(writes, later_reads), meet(reads, later_writes)
                )
                if shared is None or commute(first, second, array, rounding=proved):
                    continue
                shared = shared.intersect(_together(first, second, plan.outer))
                if shared.is_empty():
                    continue
                if group == 1:
                    raise _between(function, plan, described(array, first, second, shared))
                pairs.append((first, second, shared, array))
    return pairs


def _variables(first: Instance, second: Instance) -> tuple[list[str], list[str], str]:
    a = [f"a{d}" for d in range(len(first.names))]
    b = [f"b{d}" for d in range(len(second.names))]
    return a, b, f"S[{', '.join(a)}] -> S[{', '.join(b)}]"


def _together(first: Instance, second: Instance, outer: int) -> isl.Map:
    """Pairs of instances in one iteration of the `outer` loops around both."""
    a, b, head = _variables(first, second)
    same = [f"{x} = {y}" for x, y in zip(a[:outer], b[:outer], strict=True)]
    return isl.Map(f"{{ {head} : {' and '.join(same) or 'true'} }}")


def _number(name: str, loop: For) -> str:
    """Which iteration of `loop` it is when its variable is `name`."""
    return f"floor(({name} - ({loop.low.low}))/{loop.step})"


def _differences(pair: Pair, plan: _Plan, level: int) -> list[str]:
    """By how many iterations of each of the first loops the producing instance is later than the other."""
    a, b, _ = _variables(pair[0], pair[1])
    return [
        f"{_number(a[plan.outer + k], plan.produced[k])} - {_number(b[plan.outer + k], plan.used[k])}"
        for k in range(level + 1)
    ]


def _distance(pair: Pair, plan: _Plan, level: int, lags: list[int]) -> int | None:
    """How many iterations the user must lag at `level`, where the loops outside it are at the same one."""
    *outer, here = _differences(pair, plan, level)
    _, _, head = _variables(pair[0], pair[1])
    limits = [f"x = {here}"] + [f"{d} = {lag}" for d, lag in zip(outer, lags, strict=False)]
    by = isl.Map(f"{{ [{head}] -> [x] : {' and '.join(limits)} }}")
    found = pair[2].wrap().apply(by)
    return None if found.is_empty() else int(found.dim_max_val(0).to_python())


def _at_distance(pair: Pair, plan: _Plan, level: int, distance: int) -> isl.Map:
    _, _, head = _variables(pair[0], pair[1])
    return pair[2].intersect(isl.Map(f"{{ {head} : {_differences(pair, plan, level)[-1]} = {distance} }}"))


def _merged(function: Function, plan: _Plan, lags: list[int]) -> Function:
    totals = [
        max(constant_trips(p), constant_trips(u) + lag)
        for p, u, lag in zip(plan.produced, plan.used, lags, strict=True)
    ]
    numbers = [counter(u.var, total) for u, total in zip(plan.used, totals, strict=True)]

    def part(nest: tuple[For, ...], starts: list[int]) -> Body:
        """The body of `nest`, its iterations counted from `starts`, where it takes part."""
        values: dict[str, Expr] = {}
        condition: Expr = build.const(1)
        for loop, number, start, total in zip(nest, numbers, starts, totals, strict=True):
            trips = constant_trips(loop)
            if start:
                condition = build.logic(True, condition, build.compare(Cmp.GE, number, build.const(start)))
            if start + trips < total:
                condition = build.logic(
                    True, condition, build.compare(Cmp.LT, number, build.const(start + trips))
                )
            at = build.binary(Op.SUB, number, build.const(start))
            scaled = build.binary(Op.MUL, at, build.const(loop.step))
            values[loop.var] = build.binary(Op.ADD, loop.low, scaled)
        return conditional(condition, map_exprs(substitute(nest[-1].body, values), folded))

    inner: Body = (*part(plan.produced, [0] * len(lags)), *part(plan.used, lags))
    for loop, total in reversed(list(zip(plan.used, totals, strict=True))):
        inner = (replace(loop, low=build.const(0), high=build.const(total), step=1, body=inner),)

    def change(stmt: Stmt) -> Body | None:
        if isinstance(stmt, For) and stmt.var == plan.produced[0].var:
            return ()
        return inner if isinstance(stmt, For) and stmt.var == plan.used[0].var else None

    return replace(function, body=map_body(function.body, change))


def folded(e: Expr) -> Expr | None:
    """`i - 2 + 2` is `i`: sums of a loop variable and constants, with one constant."""
    match e:
        case Binary(op=Op.ADD | Op.SUB, lhs=Binary(op=Op.ADD | Op.SUB, rhs=Const()), rhs=Const()):
            terms, _ = linear(e)
            return added(e, build.const(0)) if terms is not None else None
    return None


def conditional(condition: Expr, body: Body) -> Body:
    """`body` where `condition` holds; a condition that is all that the body holds is put together with it."""
    if condition == build.const(1):
        return body
    if len(body) == 1 and isinstance(body[0], If) and not body[0].orelse:
        return (replace(body[0], cond=build.logic(True, condition, body[0].cond)),)
    return (If(condition, body, span=body[0].span),)


def _late(function: Function, producer: str, used: str, conflict: Conflict, sure: bool) -> ScheduleError:
    return ScheduleError(
        f"loop {producer!r} of {function.name!r} must be over before loop {used!r} starts: both iterations "
        f"below touch {conflict.array!r}",
        code="BF-S013",
        span=conflict.second,
        notes=both(conflict),
        remedy="leave the nests one after the other" + ("" if sure else trusting(conflict)),
    )


def _between(function: Function, plan: _Plan, conflict: Conflict) -> ScheduleError:
    return ScheduleError(
        f"loop {plan.produced[0].var!r} of {function.name!r} cannot move to loop {plan.used[0].var!r}: what "
        f"stands between them touches {conflict.array!r} as well",
        code="BF-S013",
        span=conflict.second,
        notes=both(conflict),
        remedy="compute the loop at that one first, or move it out of the way",
    )
