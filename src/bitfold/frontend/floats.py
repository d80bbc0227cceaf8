"""Where plain Python's floats behave as no static type can say, the kernel has to be explicit.

NumPy's comparisons give NumPy's own truth values, whose arithmetic is not that of 0 and 1. Python's `min`,
`max`, `and`, `or` and `if else` give one of their operands with the type that it has. A scalar's annotation
converts nothing.
"""

from __future__ import annotations

import ast

import numpy as np

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.scaled import Scaled, fixed_type
from bitfold.frontend.scope import Scope
from bitfold.frontend.source import of_whole_arrays, shown, span_of
from bitfold.ir import build, floats
from bitfold.ir.nodes import Const, Expr, Real
from bitfold.lang.types import PYTHON_FLOAT, ElementType, FloatType, IntType

CASTS: dict[object, FloatType] = {
    float: PYTHON_FLOAT,
    np.float16: FloatType(16),
    np.float32: FloatType(32),
    np.float64: FloatType(64),
}
"""What casts to a float beside the types of the language."""


def float_constant(value: object, span: Span) -> Real | None:
    """A float of Python or NumPy as a constant, or None when it is neither."""
    if isinstance(value, (np.float16, np.float32, np.float64)):
        return floats.real(value, FloatType(value.dtype.itemsize * 8), span)
    return floats.real(value, PYTHON_FLOAT, span) if type(value) is float else None


def require_integer(e: Expr, what: str, scope: Scope, node: ast.expr) -> None:
    """Raise LanguageError when `e` is a float or fixed point."""
    if e.real is not None or isinstance(e, Scaled):
        found = f"fixed point ({fixed_type(e)})" if isinstance(e, Scaled) else f"a {e.real}"
        raise LanguageError(
            f"{what} is an integer; {shown(node)!r} is {found}",
            code="BF-L049",
            span=span_of(node, scope.file),
            remedy=f"cast it: int({shown(node)}) cuts off the fraction",
        )


def operand(node: ast.expr, e: Expr, scope: Scope) -> Expr:
    """`e`, written as `node`, for a place where 0 and 1 are numbers.

    Raises LanguageError when NumPy has a truth value there.
    """
    if _has_comparison(node) and floats.is_numpy_truth(e):
        raise LanguageError(
            f"{shown(node)!r} compares floats, and NumPy's truth values are no numbers",
            code="BF-L049",
            span=span_of(node, scope.file),
            remedy=f"write {'uint8' if of_whole_arrays(node) else 'int'}({shown(node)})",
        )
    return e


def _has_comparison(node: ast.expr) -> bool:
    """Whether the value of `node` may be that of a comparison in it."""
    match node:
        case ast.Compare():
            return True
        case ast.BoolOp(values=values):
            return any(map(_has_comparison, values))
        case ast.IfExp():
            return _has_comparison(node.body) or _has_comparison(node.orelse)
    return False


def check_one_type(node: ast.expr, parts: list[ast.expr], values: list[Expr], scope: Scope) -> None:
    """Refuse an expression that gives one of `values`, when it matters which: floats of different types."""
    types = [v.real for v in values]
    if len(set(types)) == 1 or (len(values) == 2 and any(node is c for c in scope.converted)):
        return
    type = floats.common(*values)
    odd = next(i for i, t in enumerate(types) if t != type or t is None)
    raise LanguageError(
        f"{shown(node)!r} gives a {type} or {_named(values[odd])}, and Python goes on with either",
        code="BF-L048",
        span=span_of(parts[odd], scope.file),
        remedy=f"make them of one type: {type}({shown(parts[odd])})",
    )


def _named(e: Expr) -> str:
    if e.real is None:
        return "an integer"
    return "a Python float" if e.real.weak else f"a {e.real}"


def taken(place: str, elem: ElementType, value: Expr, node: ast.expr, scope: Scope) -> Expr:
    """What an element of `place` gets. Raises LanguageError for a float that would lose its fraction."""
    if isinstance(elem, IntType) and value.real is not None:
        cast = elem if of_whole_arrays(node) else "int"
        raise LanguageError(
            f"{place!r} holds {elem}, and {shown(node)} is {_named(value)}",
            code="BF-L048",
            span=span_of(node, scope.file),
            remedy=f"write {cast}({shown(node)}), which cuts off the fraction",
        )
    return build.stored(value, elem)


def check_scalar(name: str, type: ElementType, value: Expr, span: Span) -> Expr:
    """The value that a scalar of `type` gets.

    Plain Python converts nothing here, so a value of another kind is refused; constants that are of `type`
    exactly are taken, since they are written everywhere.
    """
    at = value.span if value.span.line else span
    if isinstance(type, IntType):
        if value.real is None:
            return value
        raise LanguageError(
            f"{name!r} is declared {type}, but plain Python would make it a {value.real} here",
            code="BF-L048",
            span=at,
            remedy=f"cast the value: {type}(...) cuts off the fraction",
        )
    if value.real == type:
        return value
    if isinstance(value, (Const, Real)) and (value.real is None or value.real.weak):
        made = floats.convert(type, value, at)
        if isinstance(made, Real) and (made.value == value.value or made.value != made.value):
            return made
    raise LanguageError(
        f"{name!r} is declared {type}, but plain Python would make it {_named(value)} here",
        code="BF-L048",
        span=at,
        remedy=f"cast the value: {type}(...)",
    )


def fill_of(value: Expr, elem: FloatType) -> Real | None:
    """The value that fills an array of floats, or None when it is no constant."""
    made = build.stored(value, elem)
    return made if isinstance(made, Real) else None
