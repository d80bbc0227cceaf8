"""Fixed point in terms of integers: a value is an exact integer expression in units of 2**-fraction.

`+`, `-`, `%`, comparisons, `min`, `max` and choices bring both sides to the finer unit; `*` adds the
fractions; `//` gives an integer; `/` is known by powers of two, which moves the point. So every operation is
exact, as Python's fractions are. Only a cast and a store into an array drop bits.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from fractions import Fraction

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.floats import taken
from bitfold.frontend.scaled import Scaled, fixed_type, is_fixed, scaled
from bitfold.frontend.scope import ArrayName, ScalarName, Scope
from bitfold.frontend.source import shown, span_of
from bitfold.ir import build, floats
from bitfold.ir.nodes import Cmp, Const, Declare, Expr, Fn, Get, Load, Local, LoopVar, Op, Real
from bitfold.lang.fixed import FixedType
from bitfold.lang.types import MAX_WIDTH, ElementType, FloatType, float64


def exact_number(value: float | Fraction, span: Span) -> Scaled | None:
    """A number as a constant, or None when no power of two makes it an integer."""
    try:
        exact = Fraction(value)
    except (ValueError, OverflowError):  # nan and inf
        return None
    fraction = exact.denominator.bit_length() - 1
    if exact.denominator != 1 << fraction or fraction > MAX_WIDTH:
        return None
    return scaled(build.const(exact.numerator, span), fraction, span)


def read(value: Expr, fixed: FixedType | None, span: Span) -> Expr:
    """What is read from a place that holds `fixed`."""
    return value if fixed is None else scaled(value, fixed.fraction, span)


def require_integer(e: Expr, node: ast.expr, scope: Scope) -> Expr:
    """`e`, written as `node`. Raises LanguageError when it is fixed point."""
    if isinstance(e, Scaled):
        raise LanguageError(
            f"{shown(node)!r} is fixed point ({fixed_type(e)}), and an integer is needed here",
            code="BF-L049",
            span=span_of(node, scope.file),
            remedy=f"cut off the fraction, int({shown(node)}), or make it a float, float32({shown(node)})",
        )
    return e


# ---- operators


def _lifted(e: Expr, span: Span) -> Scaled:
    """An operand beside one of fixed point."""
    if isinstance(e, Scaled):
        return e
    if e.real is None:
        return scaled(e, 0, e.span)
    at = e.span if e.span.line else span
    if not (isinstance(e, Real) and e.of.weak):
        raise LanguageError(
            f"fixed point meets a {e.real} here, and neither holds the values of the other",
            code="BF-L052",
            span=at,
            remedy="cast the one, such as Fixed(16, 8)(x), or the other, such as float32(x)",
        )
    found = exact_number(e.value, at)
    if found is None or Fraction(repr(e.value)) != Fraction(e.value):
        raise LanguageError(
            f"{e.value} is no sum of powers of two",
            code="BF-L052",
            span=at,
            remedy=f"say how many bits of its fraction to keep: Fixed(16, 12)({e.value})",
        )
    return found


def _moved(raw: Expr, by: int, span: Span) -> Expr:
    return build.binary(Op.SHL, raw, build.const(by), span) if by else raw


def _aligned(values: Sequence[Expr], span: Span) -> tuple[list[Expr], int]:
    """The raw values in one unit, and its fraction."""
    parts = [_lifted(v, span) for v in values]
    fraction = max(p.fraction for p in parts)
    return [_moved(p.raw, fraction - p.fraction, p.span) for p in parts], fraction


def binary(op: Op, a: Expr, b: Expr, span: Span) -> Expr | None:
    """`a op b` where one of them is fixed point, else None."""
    if not is_fixed(a, b):
        return None
    match op:
        case Op.DIV:
            return _divided(_lifted(a, span), _lifted(b, span), span)
        case Op.MUL:
            x, y = _lifted(a, span), _lifted(b, span)
            return scaled(build.binary(Op.MUL, x.raw, y.raw, span), x.fraction + y.fraction, span)
        case Op.FLOORDIV:
            (left, right), _ = _aligned((a, b), span)
            return build.binary(Op.FLOORDIV, left, right, span)
        case Op.ADD | Op.SUB | Op.MOD:
            (left, right), fraction = _aligned((a, b), span)
            return scaled(build.binary(op, left, right, span), fraction, span)
    shift = op in (Op.SHL, Op.SHR)
    raise LanguageError(
        f"{'a shift' if shift else 'this operator'} takes integers, and one side is fixed point",
        code="BF-L053",
        span=span,
        remedy="multiply or divide by a power of two, such as x * 4 or x / 4"
        if shift
        else "work on the integer: int(x * 256) holds 8 bits of the fraction",
    )


def _divided(a: Scaled, b: Scaled, span: Span) -> Expr:
    by = b.raw.value if isinstance(b.raw, Const) else 0
    size = abs(by)
    if not size or size & (size - 1):
        raise LanguageError(
            "`/` of fixed point is exact only by a constant power of two",
            code="BF-L053",
            span=span,
            remedy="multiply by a reciprocal of your precision, x * Fixed(16, 14)(0.3333), or use `//`",
        )
    raw = a.raw if by > 0 else build.apply(Fn.NEG, (a.raw,), span)
    fraction = a.fraction - b.fraction + size.bit_length() - 1
    return scaled(_moved(raw, max(0, -fraction), span), max(0, fraction), span)


def compare(op: Cmp, a: Expr, b: Expr, span: Span) -> Expr:
    """`a op b` as 0 or 1, of any numbers."""
    if is_fixed(a, b):
        (a, b), _ = _aligned((a, b), span)
    return build.compare(op, a, b, span)


def truth(e: Expr) -> Expr:
    """`e != 0` as 0 or 1."""
    return build.truth(e.raw if isinstance(e, Scaled) else e)


def select(cond: Expr, then: Expr, other: Expr, span: Span) -> Expr:
    """`then if cond else other`, of any numbers."""
    if not is_fixed(then, other):
        return build.select(cond, then, other, span)
    (then, other), fraction = _aligned((then, other), span)
    return scaled(build.select(cond, then, other, span), fraction, span)


def apply(fn: Fn, args: tuple[Expr, ...], span: Span) -> Expr | None:
    """An intrinsic where an argument is fixed point; None where none is, or the intrinsic takes integers."""
    if not is_fixed(*args) or fn not in (Fn.NEG, Fn.ABS, Fn.MIN, Fn.MAX):
        return None
    raws, fraction = _aligned(args, span)
    return scaled(build.apply(fn, tuple(raws), span), fraction, span)


# ---- conversions


def cast(to: FixedType, value: Expr, span: Span) -> Expr:
    """`Fixed(w, f)(value)`: drops what is below the last bit, and wraps."""
    if isinstance(value, Real):
        return scaled(build.const(to.raw.wrap(_units(value.value, to)), span), to.fraction, span)
    if value.real is not None:
        by = floats.real(2.0**to.fraction, float64)
        units = build.binary(Op.MUL, build.cast(float64, value, span), by, span)
        value = build.apply(Fn.FLOOR, (units,), span)
        return scaled(build.cast(to.raw, value, span), to.fraction, span)
    return scaled(build.cast(to.raw, quantized(to, value, span), span), to.fraction, span)


def _units(value: float, to: FixedType) -> int:
    return math.floor(Fraction(value) * (1 << to.fraction)) if math.isfinite(value) else 0


def to_float(to: FloatType, value: Scaled, span: Span) -> Expr:
    """`float32(value)`, rounded by way of float64. Raises LanguageError above 64 bits."""
    if value.raw.type.width > 64 or value.fraction > 1000:
        raise LanguageError(
            f"fixed point of {value.raw.type.width} bits ({fixed_type(value)}) has too many to become a {to}",
            code="BF-L051",
            span=span,
            remedy=f"drop some first: {to}(Fixed(53, {min(value.fraction, 40)})(x))",
        )
    by = floats.real(2.0**-value.fraction, float64)
    return build.cast(to, build.binary(Op.MUL, build.cast(float64, value.raw, span), by, span), span)


def quantized(to: FixedType, value: Expr, span: Span) -> Expr:
    """The raw integer of `value`, no float, in units of `to`, rounded down; it may be wider than `to`."""
    part = value if isinstance(value, Scaled) else scaled(value, 0, span)
    if part.fraction <= to.fraction:
        return _moved(part.raw, to.fraction - part.fraction, span)
    return build.binary(Op.SHR, part.raw, build.const(part.fraction - to.fraction), span)


def integer(value: Expr, scope: Scope, span: Span) -> Expr:
    """`int(value)`: without its fraction, towards 0."""
    if not isinstance(value, Scaled):
        return value
    raw, unit = value.raw, build.const(value.fraction)
    if value.fraction == 0 or raw.low >= 0:
        return build.binary(Op.SHR, raw, unit, span)
    if scope.lifted is not None and not isinstance(raw, (Const, LoopVar, Local, Load)):
        name = scope.unique("fraction")
        scope.lifted.append(Declare(name, raw.type, raw, span=span))
        raw = build.local(name, raw.type, span)
    below = build.compare(Cmp.LT, raw, build.const(0), span)
    rest = build.binary(Op.MUL, below, build.const((1 << value.fraction) - 1), span)
    return build.binary(Op.SHR, build.binary(Op.ADD, raw, rest, span), unit, span)


def stored(place: str, of: ArrayName, value: Expr, node: ast.expr, scope: Scope) -> Expr:
    """What an element of the array or stream `of`, written as `place`, gets; it wraps integers by itself.

    Raises LanguageError for a float or fixed point that would lose its fraction in an integer, and for a
    float whose bits would be cut by fixed point.
    """
    span = span_of(node, scope.file)
    if of.fixed is not None:
        return _fixed_stored(place, of.fixed, value, node, scope)
    if not isinstance(value, Scaled):
        return taken(place, of.type.elem, value, node, scope)
    if isinstance(of.type.elem, FloatType):
        return to_float(of.type.elem, value, span)
    raise LanguageError(
        f"{place!r} holds {of.type.elem}, and {shown(node)} is fixed point ({fixed_type(value)})",
        code="BF-L049",
        span=span,
        remedy=f"write int({shown(node)}), which cuts off the fraction",
    )


def _fixed_stored(place: str, to: FixedType, value: Expr, node: ast.expr, scope: Scope) -> Expr:
    span = span_of(node, scope.file)
    if isinstance(value, Real) and value.of.weak:
        return build.const(_units(value.value, to), span)
    if value.real is not None:
        raise LanguageError(
            f"{place!r} holds {to}, and {shown(node)} is a {value.real}",
            code="BF-L052",
            span=span,
            remedy=f"cast it: {to}({shown(node)})",
        )
    if isinstance(value, Scaled) and value.fraction == to.fraction:
        return value.raw
    if isinstance(value, Scaled) and isinstance(value.raw, Get):
        if scope.lifted is None:
            raise LanguageError(
                f"this get() gives another fixed-point type than {to}",
                code="BF-L042",
                span=value.span,
                remedy="take it into a scalar on a line of its own first",
            )
        name = scope.unique(f"{value.raw.stream}_value")
        scope.lifted.append(Declare(name, value.raw.type, value.raw, span=span))
        value = scaled(build.local(name, value.raw.type, span), value.fraction, span)
    return quantized(to, value, span)


def scalar_value(name: str, type: ElementType, fixed: FixedType | None, value: Expr, span: Span) -> Expr:
    """What a scalar gets. In plain Python it takes any value, so one that would be cut is refused."""
    at = value.span if value.span.line else span
    if fixed is None:
        if isinstance(value, Scaled):
            raise LanguageError(
                f"{name!r} is declared {type}, but plain Python would make it a fraction here",
                code="BF-L054",
                span=at,
                remedy=f"cast the value, {type}(...), or declare it {fixed_type(value)}",
            )
        return value
    part = _lifted(value, span)
    if part.fraction > fixed.fraction:
        raise LanguageError(
            f"{name!r} is {fixed} and would lose bits of this value, whose fraction has {part.fraction}",
            code="BF-L054",
            span=at,
            remedy=f"drop them, {fixed}(...), or declare {name!r} with {part.fraction} bits of fraction",
        )
    raw = quantized(fixed, part, span)
    if isinstance(raw, Const) and not fixed.raw.low <= raw.value <= fixed.raw.high:
        raise LanguageError(
            f"{float(Fraction(raw.value, 1 << fixed.fraction))} is outside {fixed}, the type of {name!r}, "
            f"which holds {float(fixed.low)}..{float(fixed.high)}",
            code="BF-L010",
            span=at,
            remedy=f"declare {name!r} wider, or write {fixed}(...) to wrap it",
        )
    return raw


def described(found: ArrayName | ScalarName) -> str:
    """The type of a name as its author wrote it."""
    return str(found.fixed or found.type)
