"""Builders of float expressions; `bitfold.ir.build` comes here when an operand is a float.

An operation on floats has the type that NumPy's scalars give it: the wider of two float types; an integer,
and a Python float, take the type of the other operand. The operands are converted to that type where they are
not of it already, so both sides of an operator are of one type. Constants are folded by NumPy itself. Nothing
else is simplified: not even `x + 0.0` is `x`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from bitfold.diagnostics import LanguageError, Span
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
    Logic,
    Op,
    Real,
    Select,
)
from bitfold.ir.ranges import COMPARE
from bitfold.lang import intrinsics, mathematics
from bitfold.lang.types import PYTHON_FLOAT, ElementType, FloatType, UInt, whole

EXACT_BITS = 53
"""Integers of so many bits, and no more, are all floats of 64 bits."""

_FOLD: dict[Op, Callable[[Any, Any], Any]] = {
    Op.ADD: operator.add,
    Op.SUB: operator.sub,
    Op.MUL: operator.mul,
    Op.DIV: operator.truediv,
}
_INSTEAD = {
    Op.FLOORDIV: "write floor(a / b), or cast both to integers first",
    Op.MOD: "write a - b * floor(a / b), or cast both to integers first",
}
MATH: dict[Fn, Callable[..., Any]] = {
    Fn.SQRT: mathematics.sqrt,
    Fn.EXP: mathematics.exp,
    Fn.LOG: mathematics.log,
    Fn.LOG2: mathematics.log2,
    Fn.LOG10: mathematics.log10,
    Fn.SIN: mathematics.sin,
    Fn.COS: mathematics.cos,
    Fn.TAN: mathematics.tan,
    Fn.ASIN: mathematics.asin,
    Fn.ACOS: mathematics.acos,
    Fn.ATAN: mathematics.atan,
    Fn.SINH: mathematics.sinh,
    Fn.COSH: mathematics.cosh,
    Fn.TANH: mathematics.tanh,
    Fn.POW: mathematics.pow,
    Fn.FLOOR: mathematics.floor,
    Fn.CEIL: mathematics.ceil,
    Fn.RINT: mathematics.rint,
}
"""The functions of floats, as they are under CPython."""


def any_real(*exprs: Expr) -> bool:
    return any(e.real is not None for e in exprs)


def is_numpy_truth(e: Expr) -> bool:
    """Whether CPython may give NumPy's True or False for `e` as it is printed."""
    match e:
        case Compare():
            return e.lhs.real is not None
        case Logic():
            return is_numpy_truth(e.lhs) or is_numpy_truth(e.rhs)
        case Select():
            return is_numpy_truth(e.then) or is_numpy_truth(e.other)
    return False


def typed(type: ElementType) -> dict[str, Any]:
    """The fields `low`, `high` and `real` of an expression that is any value of `type`."""
    return {"low": type.low, "high": type.high, "real": type if isinstance(type, FloatType) else None}


def real(value: Any, type: FloatType = PYTHON_FLOAT, span: Span = NOWHERE) -> Real:
    """A constant: `value` rounded to `type`."""
    return Real(float(type.wrap(value)).hex(), type, span=span, **typed(type))


def common(*exprs: Expr) -> FloatType:
    """The type in which floats, or floats and integers, are computed with."""
    strong = [e.real.width for e in exprs if e.real is not None and not e.real.weak]
    return FloatType(max(strong)) if strong else PYTHON_FLOAT


def convert(to: FloatType, e: Expr, span: Span = NOWHERE) -> Expr:
    """`e` as a float of type `to`, rounded to nearest even; an integer goes by way of float64.

    Raises LanguageError for an integer of more than 64 bits.
    """
    if e.real == to:
        return e
    at = span if span is not NOWHERE else e.span
    if isinstance(e, Real):
        return real(e.value, to, at)
    if e.real is None and not (e.low >= -(1 << 63) and e.high < 1 << 64 and (e.low >= 0 or e.high < 1 << 63)):
        raise LanguageError(
            f"an integer of type {e.type} has too many bits to become a {to}",
            code="BF-L051",
            span=e.span if e.span is not NOWHERE else span,
            remedy="cast it to a type of at most 64 bits first, such as int64(x)",
        )
    if isinstance(e, Const):
        return real(e.value, to, at)
    return Cast(to, e, span=at, **typed(to))


def to_bits(e: Expr, span: Span) -> Expr:
    """The bits of a float as an unsigned integer."""
    assert e.real is not None
    word = UInt(e.real.width)
    if isinstance(e, Real):
        value = intrinsics.bitcast(e.of.wrap(e.value), word)
        return Const(value, low=value, high=value, span=span)
    return Bitcast(word, e, span=span, **typed(word))


def of_bits(to: FloatType, e: Expr, span: Span) -> Expr:
    """The float of type `to` whose bits are those of an unsigned integer.

    A constant that is a nan stays as it is written: a Real has one nan only.
    """
    if isinstance(e, Const) and not math.isnan(value := intrinsics.bitcast(e.value, to)):
        return real(value, to, span)
    return Bitcast(to, e, span=span, **typed(to))


def binary(op: Op, a: Expr, b: Expr, span: Span) -> Expr:
    """`a op b` where one of them is a float.

    Raises:
        LanguageError: the operator is not for floats, or the quotient of Python floats may raise an error.
    """
    if op not in _FOLD:
        raise LanguageError(
            f"`{op.value}` is not for floats, and one of its sides is a {common(a, b)}",
            code="BF-L049",
            span=span,
            remedy=_INSTEAD.get(op, "cast the float to an integer first, such as int32(x)"),
        )
    type = common(a, b)
    if op is Op.DIV and type.weak and not (isinstance(b, (Real, Const)) and b.value != 0):
        raise LanguageError(
            "Python raises an error where it divides one of its own floats by 0",
            code="BF-L043",
            span=b.span if b.span is not NOWHERE else span,
            remedy="cast one side to a type of the language, such as float64(x), which then gives inf or nan",
        )
    a, b = convert(type, a), convert(type, b)
    if isinstance(a, Real) and isinstance(b, Real):
        return real(_folded(_FOLD[op], type, a, b), type, span)
    return Binary(op, a, b, span=span, **typed(type))


def _folded(compute: Callable[..., Any], type: FloatType, *args: Real) -> Any:
    with np.errstate(all="ignore"):
        return compute(*(type.storage.type(a.value) for a in args))


def compare(op: Cmp, a: Expr, b: Expr, span: Span) -> Expr:
    """`a op b` as 0 or 1 where one of them is a float.

    Raises LanguageError for a Python float with an integer that is no exact float: Python compares exactly.
    """
    type = common(a, b)
    for side in (a, b):
        if type.weak and side.real is None and max(-side.low, side.high) > 1 << EXACT_BITS:
            raise LanguageError(
                f"a Python float meets an integer of type {side.type} here, which may be no exact float",
                code="BF-L051",
                span=side.span if side.span is not NOWHERE else span,
                remedy="cast it to a float, such as float64(x)",
            )
    a, b = convert(type, a), convert(type, b)
    if isinstance(a, Real) and isinstance(b, Real):
        known = int(COMPARE[op](a.value, b.value))
        return Const(known, low=known, high=known, span=span)
    return Compare(op, a, b, low=0, high=1, span=span)


def select(cond: Expr, then: Expr, other: Expr, span: Span) -> Expr:
    """`then if cond else other`, with both as floats of one type."""
    type = common(then, other)
    return Select(cond, convert(type, then), convert(type, other), span=span, **typed(type))


def apply(fn: Fn, args: tuple[Expr, ...], span: Span) -> Expr:
    """A function of floats, or one of integers and floats when an argument is a float.

    Raises LanguageError for a function of integers.
    """
    if fn is Fn.TRUNC:
        return _trunc(args[0], span)
    if fn not in MATH and fn not in (Fn.MIN, Fn.MAX, Fn.ABS, Fn.NEG):
        raise LanguageError(
            f"`{fn.value}` takes integers, and this is a {common(*args)}",
            code="BF-L049",
            span=next((a.span for a in args if a.real and a.span is not NOWHERE), span),
            remedy="cast it to an integer first, such as int32(x)",
        )
    type = common(*args)
    args = tuple(convert(type, a) for a in args)
    constants = [a for a in args if isinstance(a, Real)]
    if len(constants) == len(args):
        compute = MATH.get(fn) or _FOLD_FN[fn]
        return real(_folded(compute, type, *constants), type, span)
    return Apply(fn, args, span=span, **typed(type))


_FOLD_FN: dict[Fn, Callable[..., Any]] = {Fn.MIN: min, Fn.MAX: max, Fn.ABS: abs, Fn.NEG: operator.neg}


def _trunc(x: Expr, span: Span) -> Expr:
    if x.real is None:
        return x
    if isinstance(x, Real):
        value = whole(x.value)
        return Const(value, low=value, high=value, span=span)
    return Apply(Fn.TRUNC, (x,), low=x.low, high=x.high, span=span)
