"""Index expressions, loop bounds and conditions in the syntax of isl.

Loop variables go by `names`, never by the name their author chose: a loop may be called `mod` or `exists`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bitfold.ir.nodes import (
    Apply,
    Binary,
    Cmp,
    Compare,
    Const,
    Expr,
    Fn,
    For,
    Local,
    Logic,
    LoopVar,
    Op,
    While,
)

Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition around a statement: it runs where `cond` holds, or in an else branch where it does not."""

    cond: Expr
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Domain:
    """Constraints on loop variables. They let through at least what runs, and nothing else when `exact`."""

    text: str
    exact: bool


def names_of(loops: Sequence[For]) -> dict[str, str]:
    """Names for the variables of nested loops, outermost first: i0, i1 ..."""
    return {loop.var: f"i{depth}" for depth, loop in enumerate(loops)}


ENDLESS = 1 << 30
"""More often than any loop in a kernel runs, for isl: only whether a bound is there matters."""


def counted(loop: While, depth: int) -> For:
    """A `while` with `depth` loops around it as a loop over its iterations, of unknown number.

    Its bound is no affine expression, so nothing that depends on when it ends is ever proved.
    """
    var = f"while_{depth}"
    return For(
        var,
        Const(0, low=0, high=0),
        Local(f"{var}_ends", low=0, high=ENDLESS),
        1,
        loop.body,
        span=loop.span,
    )


def domain(loops: Sequence[For], guards: Sequence[Guard], names: Names) -> Domain:
    """Where a statement under `loops` and `guards` runs."""
    parts = [_bounds(loop, names) for loop in loops]
    parts += [_condition(guard.cond, guard.holds, names) for guard in guards]
    return _all(parts)


def _all(parts: Sequence[Domain]) -> Domain:
    return Domain(" and ".join(p.text for p in parts) or "true", all(p.exact for p in parts))


def _bounds(loop: For, names: Names) -> Domain:
    var = names[loop.var]
    low, high = affine(loop.low, names), affine(loop.high, names)
    parts = [f"{low or loop.low.low} <= {var}", f"{var} < {high or loop.high.high}"]
    if loop.step > 1 and low:
        parts.append(f"({var} - ({low})) mod {loop.step} = 0")
    return Domain(" and ".join(parts), bool(low and high))


def _condition(e: Expr, holds: bool, names: Names) -> Domain:
    """Where `e` is true (or false); what is not affine lets everything through."""
    match e:
        case Const():
            return Domain("true" if bool(e.value) is holds else "false", True)
        case Logic():
            sides = [_condition(side, holds, names) for side in (e.lhs, e.rhs)]
            if e.is_and is holds:
                return _all(sides)
            text = " or ".join(f"({s.text})" for s in sides)
            return Domain(f"({text})", all(s.exact for s in sides))
        case Apply(fn=Fn.NOT):
            return _condition(e.args[0], not holds, names)
        case Compare():
            lhs, rhs = affine(e.lhs, names), affine(e.rhs, names)
            if lhs and rhs:
                return _comparison(e.op if holds else e.op.opposite, lhs, rhs)
        case _ if value := affine(e, names):
            return _comparison(Cmp.NE if holds else Cmp.EQ, value, "0")
    return Domain("true", False)


def _comparison(op: Cmp, lhs: str, rhs: str) -> Domain:
    if op is Cmp.NE:
        return Domain(f"({lhs} < {rhs} or {lhs} > {rhs})", True)
    return Domain(f"{lhs} {'=' if op is Cmp.EQ else op.value} {rhs}", True)


def affine(e: Expr, names: Names) -> str | None:
    """`e` when it is quasi-affine in the loop variables, else None."""
    match e:
        case Const():
            return str(e.value)
        case LoopVar():
            return names[e.name]
        case Apply(fn=Fn.NEG):
            value = affine(e.args[0], names)
            return value and f"(-({value}))"
        case Binary():
            return _binary(e, names)
    return None


def _binary(e: Binary, names: Names) -> str | None:
    lhs, rhs = affine(e.lhs, names), affine(e.rhs, names)
    if lhs is None or rhs is None:
        return None
    if e.op in (Op.ADD, Op.SUB):
        return f"({lhs} {e.op.value} ({rhs}))"
    if e.op is Op.MUL and isinstance(e.rhs, Const):
        return f"({rhs}*({lhs}))"
    if e.op is Op.MUL and isinstance(e.lhs, Const):
        return f"({lhs}*({rhs}))"
    if isinstance(e.rhs, Const) and e.rhs.value > 0:
        if e.op is Op.FLOORDIV:
            return f"floor(({lhs})/{e.rhs.value})"
        if e.op is Op.MOD:
            return f"(({lhs}) mod {e.rhs.value})"
    return None
