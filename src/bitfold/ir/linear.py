"""Expressions that are sums of loop variables with constant factors, such as `k_o * 49 + k_i`."""

from __future__ import annotations

from bitfold.ir.nodes import Binary, Const, Expr, LoopVar, Op


def linear(e: Expr) -> tuple[list[tuple[LoopVar, int]] | None, int]:
    """`e` as a sum of factor * loop variable plus an offset; (None, 0) when it is not one."""
    total: dict[str, tuple[LoopVar, int]] = {}

    def add(e: Expr, scale: int) -> int | None:
        """Enter scale * e into `total`; returns its constant part."""
        match e:
            case Const():
                return e.value * scale
            case LoopVar():
                old = total.get(e.name, (e, 0))[1]
                total[e.name] = (e, old + scale)
                return 0
            case Binary(op=Op.ADD | Op.SUB):
                left = add(e.lhs, scale)
                right = add(e.rhs, scale if e.op is Op.ADD else -scale)
                return None if left is None or right is None else left + right
            case Binary(op=Op.MUL, rhs=Const(value=k)):
                return add(e.lhs, scale * k)
            case Binary(op=Op.MUL, lhs=Const(value=k)):
                return add(e.rhs, scale * k)
        return None

    offset = add(e, 1)
    if offset is None:
        return None, 0
    return [pair for pair in total.values() if pair[1]], offset
