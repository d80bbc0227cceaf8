"""How many iterations a loop with varying bounds has, as far as that can be known: for HLS's reports.

The bounds of `for j in range(i)` depend on the loops around it, whose values are gone through where they are
few enough: that gives the least, the most and the average. Bounds that come from data have ranges, which give
the least and the most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bitfold.ir.nodes import Apply, Binary, Compare, Const, Expr, Fn, For, LoopVar, Select, Stmt, walk_expr
from bitfold.ir.ranges import COMPARE, FOLD

# More runs of a loop than this are not gone through one by one.
ENOUGH = 20_000
# A larger bound is that of the type of a number, and would make a report's latency meaningless.
MEANINGLESS = 1 << 24


@dataclass(frozen=True)
class Trips:
    """The iterations of one run of a loop: at least `least`, at most `most`, and their `average`, rounded.

    None where it is not known.
    """

    least: int
    most: int | None
    average: int | None = None


def trips(loop: For, around: Sequence[Stmt]) -> Trips | None:
    """The iterations of a loop inside the loops and conditions `around`, outermost first.

    None for a loop with constant bounds, and where nothing is known.
    """
    if loop.trips is not None:
        return None
    outer = _deciding(loop, around)
    counts = _counts(loop, [s for s in outer if isinstance(s, For)]) if outer is not None else None
    if counts:
        always = all(isinstance(s, For) for s in outer or ())
        average = (2 * sum(counts) + len(counts)) // (2 * len(counts))  # rounded to the nearest
        return Trips(min(counts), max(counts), average if always else None)
    least, most = (_iterations(loop, *ends) for ends in _extremes(loop))
    if most > MEANINGLESS:
        return Trips(least, None) if least else None
    return Trips(least, most)


def _iterations(loop: For, low: int, high: int) -> int:
    return max(0, -(-(high - low) // loop.step))


def _extremes(loop: For) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where a loop starts and ends when it is shortest, and when it is longest."""
    return (loop.low.high, loop.high.low), (loop.low.low, loop.high.high)


def _deciding(loop: For, around: Sequence[Stmt]) -> list[Stmt] | None:
    """The statements from the outermost loop on that the bounds depend on; None when they read data."""
    if not _evaluable(loop):
        return None
    asked, first = _variables(loop), len(around)
    for at in reversed(range(len(around))):
        stmt = around[at]
        if isinstance(stmt, For) and stmt.var in asked:
            if not _evaluable(stmt):
                return None
            asked, first = asked | _variables(stmt), at
    return list(around[first:])


def _variables(loop: For) -> set[str]:
    return {e.name for bound in (loop.low, loop.high) for e in walk_expr(bound) if isinstance(e, LoopVar)}


def _counts(loop: For, outer: Sequence[For]) -> list[int] | None:
    """The iterations of every run of `loop`; None when there are too many runs, or data decide them."""
    used = _variables(loop).union(*(_variables(s) for s in outer))
    environments: list[dict[str, int]] = [{}]
    for stmt in outer:
        if not _evaluable(stmt):
            return None
        if stmt.var not in used and stmt.trips:
            continue  # as many runs of all that is inside, each time
        ends = [(_value(stmt.low, env), _value(stmt.high, env)) for env in environments]
        spans = [(env, range(*span, stmt.step)) for env, span in zip(environments, ends, strict=True)]
        if sum(len(span) for _, span in spans) > ENOUGH:
            return None
        environments = [{**env, stmt.var: v} for env, span in spans for v in span]
    return [_iterations(loop, _value(loop.low, env), _value(loop.high, env)) for env in environments]


def _evaluable(loop: For) -> bool:
    parts = [part for bound in (loop.low, loop.high) for part in walk_expr(bound)]
    known = (Const, LoopVar, Binary, Compare, Select)
    return all(isinstance(p, known) or (isinstance(p, Apply) and p.fn in _FUNCTIONS) for p in parts)


_FUNCTIONS = {Fn.MIN: min, Fn.MAX: max}


def _value(e: Expr, env: Mapping[str, int]) -> int:
    """An integer of constants and loop variables."""
    match e:
        case Const():
            return e.value
        case LoopVar():
            return env[e.name]
        case Binary():
            return FOLD[e.op](_value(e.lhs, env), _value(e.rhs, env))
        case Compare():
            return int(COMPARE[e.op](_value(e.lhs, env), _value(e.rhs, env)))
        case Select():
            return _value(e.then if _value(e.cond, env) else e.other, env)
        case Apply():
            return _FUNCTIONS[e.fn](_value(a, env) for a in e.args)
    raise AssertionError(f"{e} is no such expression")
