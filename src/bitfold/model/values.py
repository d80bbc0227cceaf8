"""The values of expressions that are known from the loops around them, in all iterations at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import ScheduleError
from bitfold.ir.nodes import (
    Apply,
    Binary,
    Cast,
    Cmp,
    Compare,
    Const,
    Expr,
    Fn,
    Get,
    Load,
    Local,
    Logic,
    LoopVar,
    Op,
    Select,
    Stmt,
    walk_expr,
)

Ints = NDArray[np.int64]
Env = Mapping[str, Ints]
"""The value of each loop variable in each iteration."""

_ARITHMETIC = {
    Op.ADD: np.add,
    Op.SUB: np.subtract,
    Op.MUL: np.multiply,
    Op.FLOORDIV: np.floor_divide,
    Op.MOD: np.mod,
    Op.SHL: np.left_shift,
    Op.SHR: np.right_shift,
    Op.AND: np.bitwise_and,
    Op.OR: np.bitwise_or,
    Op.XOR: np.bitwise_xor,
}
_COMPARE = {
    Cmp.EQ: np.equal,
    Cmp.NE: np.not_equal,
    Cmp.LT: np.less,
    Cmp.LE: np.less_equal,
    Cmp.GT: np.greater,
    Cmp.GE: np.greater_equal,
}


def reads_data(expr: Expr) -> bool:
    """Whether its value depends on more than loops."""
    return any(isinstance(e, Load | Local | Get) for e in walk_expr(expr))


def value(stmt: Stmt, expr: Expr, env: Env, like: Ints) -> Ints:
    """The value of `expr` in each instance.

    Raises:
        ScheduleError: it depends on data.
    """

    def of(e: Expr) -> Ints:
        if e.real is not None:
            raise refused(stmt, "computes with floats")
        match e:
            case Const():
                return np.full(len(like), e.value, np.int64)
            case LoopVar():
                return env[e.name]
            case Binary():
                # The side that a condition does not choose may divide by 0 or shift by less than 0.
                with np.errstate(all="ignore"):
                    return np.asarray(_ARITHMETIC[e.op](of(e.lhs), of(e.rhs)), np.int64)
            case Compare():
                return np.asarray(_COMPARE[e.op](of(e.lhs), of(e.rhs)), np.int64)
            case Logic():
                left, right = of(e.lhs) != 0, of(e.rhs) != 0
                return np.asarray(left & right if e.is_and else left | right).astype(np.int64)
            case Select():
                return np.where(of(e.cond) != 0, of(e.then), of(e.other))
            case Cast():
                value = of(e.value) & ((1 << e.to.width) - 1) if e.to.width < 63 else of(e.value)
                return np.where(value > e.to.high, value - (1 << e.to.width), value) if e.to.signed else value
            case Apply(fn=Fn.MIN | Fn.MAX):
                pick = np.minimum if e.fn is Fn.MIN else np.maximum
                found = of(e.args[0])
                for other in e.args[1:]:
                    found = pick(found, of(other))
                return found
            case Apply(fn=Fn.NEG):
                return -of(e.args[0])
            case Apply(fn=Fn.ABS):
                return np.abs(of(e.args[0]))
            case Apply(fn=Fn.NOT):
                return np.asarray(of(e.args[0]) == 0, np.int64)
        raise refused(stmt, "depends on data")

    return of(expr)


def refused(stmt: Stmt, what: str) -> ScheduleError:
    """The error for a process that does `what`, so that its turns are not known."""
    return ScheduleError(
        f"when this process gets and puts is not known from its loops: it {what}",
        code="BF-S032",
        span=stmt.span,
        remedy="the simulation takes networks whose conditions on gets and puts use loop variables only",
    )
