"""Builders of expressions: they compute the exact range of values, or the float type, and fold constants.

Every operator is total: a divisor that can be 0 or a shift that can be negative is refused here, and so is a
value of more than 4096 bits. An expression's type therefore never loses a value.

What a builder makes of operands that builders made is stable: printed and parsed again it is the same.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace

from bitfold.diagnostics import LanguageError, Span
from bitfold.ir import floats
from bitfold.ir.linear import linear
from bitfold.ir.nodes import (
    NOWHERE,
    Apply,
    Binary,
    Bitcast,
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
    Probe,
    Real,
    Select,
    operands,
    walk_expr,
)
from bitfold.ir.ranges import (
    COMPARE,
    FOLD,
    Range,
    abs_range,
    avoids_zero,
    binary_range,
    bits_needed,
    decided,
    set_bit_range,
)
from bitfold.lang import intrinsics
from bitfold.lang.types import MAX_WIDTH, ElementType, FloatType, UInt


def const(value: int, span: Span = NOWHERE) -> Const:
    value = int(value)
    _check_width((value, value), span)
    return Const(value, low=value, high=value, span=span)


def loop_var(name: str, low: int, high: int, span: Span = NOWHERE) -> LoopVar:
    """A loop variable that takes values in low..high, both included."""
    return LoopVar(name, low=low, high=max(low, high), span=span)


def local(name: str, type: ElementType, span: Span = NOWHERE) -> Local:
    return Local(name, span=span, **floats.typed(type))


def load(array: str, indices: tuple[Expr, ...], elem: ElementType, span: Span = NOWHERE) -> Load:
    return Load(array, indices, span=span, **floats.typed(elem))


def get(stream: str, elem: ElementType, span: Span = NOWHERE, indices: tuple[Expr, ...] = ()) -> Get:
    return Get(stream, indices, span=span, **floats.typed(elem))


def probe(stream: str, full: bool, span: Span = NOWHERE, indices: tuple[Expr, ...] = ()) -> Probe:
    return Probe(stream, indices, full, low=0, high=1, span=span)


# ---- operators


def binary(op: Op, a: Expr, b: Expr, span: Span = NOWHERE) -> Expr:
    """`a op b`. Raises LanguageError for a zero divisor, a negative shift, or a result above 4096 bits."""
    if floats.any_real(a, b):
        return floats.binary(op, a, b, span)
    _check_operands(op, a, b, span)
    if isinstance(a, Const) and isinstance(b, Const):
        return const(FOLD[op](a.value, b.value), span)
    if (simple := _identity(op, a, b)) is not None:
        return simple
    low, high = _check_width(binary_range(op, a, b), span)
    return Binary(op, a, b, low=low, high=high, span=span)


def _check_operands(op: Op, a: Expr, b: Expr, span: Span) -> None:
    at = b.span if b.span is not NOWHERE else span
    if op is Op.DIV:
        raise LanguageError(
            "`/` between integers makes a fraction, and integers stay exact",
            code="BF-L050",
            span=span,
            remedy="use `//`, which rounds down; for a float cast one side first, such as float32(a) / b",
        )
    if op in (Op.FLOORDIV, Op.MOD) and b.low <= 0 <= b.high and not avoids_zero(b):
        raise LanguageError(
            "division by zero" if b.low == b.high else f"the divisor can be 0 (its type is {b.type})",
            code="BF-L043",
            span=at,
            remedy="divide below `if d != 0:`, by max(d, 1), or by (d if d != 0 else 1)",
        )
    if op in (Op.SHL, Op.SHR) and b.low < 0:
        raise LanguageError(
            f"the shift amount can be negative (its type is {b.type})",
            code="BF-L044",
            span=at,
            remedy="shift by an unsigned value, for example UInt(4)(n)",
        )
    if op is Op.SHL and b.high > MAX_WIDTH and not (isinstance(a, Const) and a.value == 0):
        raise LanguageError(
            f"this left shift makes a value of more than {MAX_WIDTH} bits (the amount has type {b.type})",
            code="BF-L044",
            span=at,
            remedy="cast the shift amount to a narrow unsigned type, such as UInt(4)(n)",
        )


def _check_width(found: Range, span: Span) -> Range:
    if bits_needed(*found) > MAX_WIDTH:
        raise LanguageError(
            f"the exact value of this expression needs more than {MAX_WIDTH} bits",
            code="BF-L045",
            span=span,
            remedy="cast an operand to a narrower type, such as int32(x)",
        )
    return found


def _identity(op: Op, a: Expr, b: Expr) -> Expr | None:
    """`a op b` without the operator where that changes nothing, else None."""
    if isinstance(a, Const):
        match op, a.value:
            case (Op.ADD | Op.OR | Op.XOR, 0) | (Op.MUL, 1):
                return b
            case (Op.MUL | Op.FLOORDIV | Op.MOD | Op.SHL | Op.SHR | Op.AND, 0):
                return a
    if isinstance(b, Const):
        match op, b.value:
            case (Op.ADD | Op.SUB | Op.SHL | Op.SHR | Op.OR | Op.XOR, 0) | (Op.MUL | Op.FLOORDIV, 1):
                return a
            case (Op.MUL, 0):
                return b
        if b.value > 0 and op in (Op.FLOORDIV, Op.MOD):
            return _divided(op, a, b.value)
    return None


def _divided(op: Op, a: Expr, by: int) -> Expr | None:
    """`a // by` or `a % by` without the division, where the range or the terms of `a` give it away."""
    if op is Op.FLOORDIV and a.low // by == a.high // by:
        return const(a.low // by, a.span)
    if op is Op.MOD and by == 1:
        return const(0, a.span)
    if op is Op.MOD and a.low >= 0 and a.high < by:
        return a
    if parts := _divide_sum(a, by):
        return parts[0] if op is Op.FLOORDIV else parts[1]
    return None


def _divide_sum(e: Expr, by: int) -> tuple[Expr, Expr] | None:
    """`e` as (whole, rest) with e == whole * by + rest and 0 <= rest < by, when that shows in its terms."""
    coefficients, offset = linear(e)
    if coefficients is None or by == 1:
        return None
    whole: Expr = const(offset // by, e.span)
    rest: Expr = const(offset % by, e.span)
    for term, factor in coefficients:
        if factor % by == 0:
            whole = binary(Op.ADD, whole, binary(Op.MUL, term, const(factor // by)))
        else:
            rest = binary(Op.ADD, binary(Op.MUL, term, const(factor)), rest)
    if (isinstance(whole, Const) and whole.value == 0) or rest.low < 0 or rest.high >= by:
        return None
    return whole, rest


def compare(op: Cmp, a: Expr, b: Expr, span: Span = NOWHERE) -> Expr:
    """`a op b` as 0 or 1."""
    if floats.any_real(a, b):
        return floats.compare(op, a, b, span)
    if isinstance(a, Const) and isinstance(b, Const):
        return const(COMPARE[op](a.value, b.value), span)
    if (known := decided(op, a, b)) is not None:
        return const(known, span)
    return Compare(op, a, b, low=0, high=1, span=span)


def truth(e: Expr) -> Expr:
    """`e != 0` as 0 or 1."""
    return e if e.low >= 0 and e.high <= 1 else compare(Cmp.NE, e, const(0), e.span)


def logic(is_and: bool, a: Expr, b: Expr, span: Span = NOWHERE) -> Expr:
    """`a and b`, or `a or b`, as 0 or 1."""
    a, b = truth(a), truth(b)
    for side, other in ((a, b), (b, a)):
        if isinstance(side, Const):
            decides = bool(side.value) is not is_and
            return const(not is_and, span) if decides else other
    return Logic(is_and, a, b, low=0, high=1, span=span)


def select(cond: Expr, then: Expr, other: Expr, span: Span = NOWHERE) -> Expr:
    """`then if cond else other`."""
    cond = truth(cond)
    if isinstance(cond, Const):
        return then if cond.value else other
    if floats.any_real(then, other):
        return floats.select(cond, then, other, span)
    low, high = _check_width((min(then.low, other.low), max(then.high, other.high)), span)
    return Select(cond, then, other, low=low, high=high, span=span)


def cast(to: ElementType, value: Expr, span: Span = NOWHERE) -> Expr:
    """`to(value)`: wraps an integer, cuts a float towards 0 and wraps it, rounds to a float."""
    if isinstance(to, FloatType):
        return floats.convert(to, value, span)
    if value.real is not None:
        value = apply(Fn.TRUNC, (value,), value.span)
    if isinstance(value, Const):
        return const(to.wrap(value.value), span)
    return Cast(to, value, span=span, **floats.typed(to))


def bitcast(to: ElementType, value: Expr, span: Span = NOWHERE) -> Expr:
    """The bits of `value`, which has as many as `to` or is an integer without a sign, as that type."""
    if isinstance(to, FloatType):
        if value.real is not None:
            return floats.convert(to, value, span)
        return floats.of_bits(to, cast(UInt(to.width), value, span) if value.low < 0 else value, span)
    if value.real is None:
        return cast(to, value, span)
    raw = floats.to_bits(value, span)
    return cast(to, raw, span) if to.signed else raw


def stored(value: Expr, to: ElementType) -> Expr:
    """`value` as what a place of type `to` gets, which wraps integers by itself; no float for an integer."""
    return floats.convert(to, value) if isinstance(to, FloatType) else value


def fill_value(fill: int | Real) -> Expr:
    """The elements of a filled array."""
    return fill if isinstance(fill, Real) else const(fill)


# ---- intrinsics


def apply(fn: Fn, args: tuple[Expr, ...], span: Span = NOWHERE) -> Expr:
    """An intrinsic. Raises LanguageError where an argument's range is outside what the intrinsic takes."""
    if fn is Fn.NOT:
        args = (truth(args[0]),)
    if fn in floats.MATH or fn is Fn.TRUNC or floats.any_real(*args):
        return floats.apply(fn, args, span)
    found = _check_width(_intrinsic_range(fn, args, span), span)
    values = [e.value for e in args if isinstance(e, Const)]
    if len(values) == len(args):
        return const(_FOLD_FN[fn](*values), span)
    return Apply(fn, args, low=found[0], high=found[1], span=span)


def _intrinsic_range(fn: Fn, args: tuple[Expr, ...], span: Span) -> Range:
    a = args[0]
    match fn:
        case Fn.XNOR:
            return 0, (1 << _lanes(args, span)) - 1
        case Fn.REVERSE:
            return 0, (1 << _constant_width(fn, "bits", args[1], span)) - 1
        case Fn.POPCOUNT:
            _require_unsigned(fn, a, span)
            return 0, a.high.bit_length()
        case Fn.GET_BIT:
            _require_position(args[1], span)
        case Fn.SET_BIT:
            _require_position(args[1], span)
            return set_bit_range(a, args[1])
        case Fn.MIN:
            return min(e.low for e in args), min(e.high for e in args)
        case Fn.MAX:
            return max(e.low for e in args), max(e.high for e in args)
        case Fn.ABS:
            return abs_range(a)
        case Fn.NEG:
            return -a.high, -a.low
        case Fn.INVERT:
            return ~a.high, ~a.low
    return 0, 1


def _lanes(args: tuple[Expr, ...], span: Span) -> int:
    """The number of lanes of an xnor, whose other arguments are checked."""
    lanes = _constant_width(Fn.XNOR, "lanes", args[2], span)
    for arg in args[:2]:
        _require_unsigned(Fn.XNOR, arg, span)
    return lanes


def _constant_width(fn: Fn, what: str, width: Expr, span: Span) -> int:
    if not isinstance(width, Const) or not 1 <= width.value <= MAX_WIDTH:
        raise LanguageError(
            f"{fn.value}'s number of {what} must be a constant from 1 to {MAX_WIDTH}",
            code="BF-L022",
            span=width.span if width.span is not NOWHERE else span,
            remedy="write it as an integer or a name bound to one",
        )
    return width.value


def _require_unsigned(fn: Fn, arg: Expr, span: Span) -> None:
    if arg.low < 0:
        raise LanguageError(
            f"{fn.value} takes unsigned values; this one has type {arg.type}",
            code="BF-L046",
            span=arg.span if arg.span is not NOWHERE else span,
            remedy=f"cast it to an unsigned type, for example UInt({arg.type.width})(x)",
        )


def _require_position(position: Expr, span: Span) -> None:
    if position.low < 0 or position.high >= MAX_WIDTH:
        raise LanguageError(
            f"a bit position is in 0..{MAX_WIDTH - 1}; this one has type {position.type}",
            code="BF-L022",
            span=position.span if position.span is not NOWHERE else span,
            remedy="cast it to a narrow unsigned type, for example UInt(4)(i)",
        )


_FOLD_FN: dict[Fn, Callable[..., int]] = {
    Fn.XNOR: intrinsics.xnor,
    Fn.POPCOUNT: intrinsics.popcount,
    Fn.GET_BIT: intrinsics.get_bit,
    Fn.SET_BIT: intrinsics.set_bit,
    Fn.REVERSE: intrinsics.reverse,
    Fn.MIN: min,
    Fn.MAX: max,
    Fn.ABS: abs,
    Fn.NEG: operator.neg,
    Fn.INVERT: operator.invert,
    Fn.NOT: lambda value: int(not value),
}


# ---- rewriting


def rebuild(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """`expr` with `change` applied bottom up; where it returns None the node stays. Ranges are recomputed."""
    old = operands(expr)
    parts = tuple(rebuild(p, change) for p in old)
    if not _same(parts, old):
        expr = _with_operands(expr, parts)
        if not _same(operands(expr), parts) and any(expr is e for part in parts for e in walk_expr(part)):
            return expr  # what folding left is in an operand, and changed already
    changed = change(expr)
    return expr if changed is None else changed


def _same(a: tuple[Expr, ...], b: tuple[Expr, ...]) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def _with_operands(expr: Expr, parts: tuple[Expr, ...]) -> Expr:
    match expr:
        case Load() | Get():
            return replace(expr, indices=parts)
        case Binary():
            return binary(expr.op, parts[0], parts[1], expr.span)
        case Compare():
            return compare(expr.op, parts[0], parts[1], expr.span)
        case Logic():
            return logic(expr.is_and, parts[0], parts[1], expr.span)
        case Select():
            return select(parts[0], parts[1], parts[2], expr.span)
        case Cast():
            return cast(expr.to, parts[0], expr.span)
        case Bitcast():
            return bitcast(expr.to, parts[0], expr.span)
        case Apply():
            return apply(expr.fn, parts, expr.span)
    raise AssertionError(f"{expr} has no operands")
