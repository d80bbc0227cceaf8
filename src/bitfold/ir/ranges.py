"""Ranges of exact integer arithmetic: what an operator can give when its operands lie in known ranges.

Interval arithmetic on Python's own operators. A range may be wider than need be, never narrower.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from bitfold.ir.nodes import Binary, Cmp, Compare, Const, Expr, Op, Select

Range = tuple[int, int]

FOLD: dict[Op, Callable[[int, int], int]] = {
    Op.ADD: operator.add,
    Op.SUB: operator.sub,
    Op.MUL: operator.mul,
    Op.FLOORDIV: operator.floordiv,
    Op.MOD: operator.mod,
    Op.SHL: operator.lshift,
    Op.SHR: operator.rshift,
    Op.AND: operator.and_,
    Op.OR: operator.or_,
    Op.XOR: operator.xor,
}
COMPARE: dict[Cmp, Callable[[float, float], bool]] = {
    Cmp.EQ: operator.eq,
    Cmp.NE: operator.ne,
    Cmp.LT: operator.lt,
    Cmp.LE: operator.le,
    Cmp.GT: operator.gt,
    Cmp.GE: operator.ge,
}


def bits_needed(low: int, high: int) -> int:
    """The width of the smallest integer type that holds low..high."""
    if low >= 0:
        return max(1, high.bit_length())
    return max((-low - 1).bit_length(), high.bit_length() if high > 0 else 0) + 1


def binary_range(op: Op, a: Expr, b: Expr) -> Range:
    """The range of `a op b`, of a divisor that is not 0, and of no shift by a negative amount."""
    match op:
        case Op.ADD | Op.SUB | Op.MUL | Op.SHL | Op.SHR | Op.FLOORDIV:
            # Each is monotone in either operand while the other stays, so extremes are at the corners.
            ends = _divisors(b) if op is Op.FLOORDIV else (b.low, b.high)
            corners = [FOLD[op](x, y) for x in (a.low, a.high) for y in ends]
            return min(corners), max(corners)
        case Op.MOD:
            return _mod(a, b)
        case Op.AND if a.low >= 0 or b.low >= 0:
            return 0, min(e.high for e in (a, b) if e.low >= 0)
    return _bitwise(a, b)


def avoids_zero(e: Expr) -> bool:
    """Whether it is `d if d != 0 else 1` or the like, or a multiple of that."""
    match e:
        case Binary(op=Op.SHL) | Binary(op=Op.MUL, rhs=Const()):
            return not e.lhs.low <= 0 <= e.lhs.high or avoids_zero(e.lhs)
        case Select(cond=Compare(op=Cmp.NE, lhs=value, rhs=Const(value=0)), then=then, other=other):
            return value == then and not other.low <= 0 <= other.high
    return False


def _divisors(b: Expr) -> list[int]:
    """The extremes of a divisor, below and above 0."""
    return [end for end in (b.low, min(b.high, -1), max(b.low, 1), b.high) if end and b.low <= end <= b.high]


def _mod(a: Expr, b: Expr) -> Range:
    high = max(b.high - 1, 0)
    return min(b.low + 1, 0), min(high, a.high) if a.low >= 0 and b.low >= 0 else high


def _bitwise(a: Expr, b: Expr) -> Range:
    """Everything of the width of the wider operand; 0 or more when neither can be negative."""
    width = max(
        bits for e in (a, b) for bits in (e.high.bit_length(), (-e.low - 1).bit_length() if e.low < 0 else 0)
    )
    return 0 if a.low >= 0 and b.low >= 0 else -(1 << width), (1 << width) - 1


def set_bit_range(word: Expr, position: Expr) -> Range:
    """Setting bit p adds at most 2**p to a value and clearing it takes at most 2**p away."""
    step = 1 << position.high
    widest = max(word.type.width - word.type.signed, position.high + 1)
    low = max(word.low - step, -(1 << widest)) if word.low < 0 else 0
    high = min(word.high + step, (1 << widest) - 1) if word.high >= 0 else -1
    return low, high


def abs_range(a: Expr) -> Range:
    low = 0 if a.low <= 0 <= a.high else min(abs(a.low), abs(a.high))
    return low, max(abs(a.low), abs(a.high))


def decided(op: Cmp, a: Expr, b: Expr) -> bool | None:
    """What the comparison always gives, when the ranges of both sides decide it."""
    below, above = a.high < b.low, a.low > b.high
    match op:
        case Cmp.EQ | Cmp.NE:
            if a.low == a.high == b.low == b.high:
                return op is Cmp.EQ
            return op is Cmp.NE if below or above else None
        case Cmp.LT:
            return True if below else False if a.low >= b.high else None
        case Cmp.GE:
            return False if below else True if a.low >= b.high else None
        case Cmp.GT:
            return True if above else False if a.high <= b.low else None
        case Cmp.LE:
            return False if above else True if a.high <= b.low else None
