"""What is decided while a kernel is parsed: conditions on captured values, and loops over captured tuples."""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from bitfold.diagnostics import LanguageError
from bitfold.frontend.scope import Known, ScalarName, Scope
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import NotStatic, static, static_or_none
from bitfold.ir.nodes import Expr
from bitfold.lang import intrinsics

MOST_COPIES = 1 << 16
"""How many iterations a compile-time loop may have: each becomes statements of its own."""

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_ITERATORS = (enumerate, zip, reversed, sorted)


def known_condition(node: ast.expr, scope: Scope) -> bool | None:
    """Whether `node` is true, when compile-time values alone say so; else None."""
    try:
        found = _known(node, scope)
        return bool(found) if not isinstance(found, np.ndarray) else None
    except (NotStatic, TypeError, ValueError):
        return None


def _known(node: ast.expr, scope: Scope) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.UnaryOp(op=ast.Not()):
            return not _known(node.operand, scope)
        case ast.BoolOp():
            decides = isinstance(node.op, ast.Or)
            value: Any = None
            for part in node.values:
                value = _known(part, scope)
                if bool(value) is decides:
                    break
            return value
        case ast.Compare():
            left = _known(node.left, scope)
            for op, comparator in zip(node.ops, node.comparators, strict=True):
                right = _known(comparator, scope)
                if not _COMPARE[type(op)](left, right):
                    return False
                left = right
            return True
        case ast.Tuple() | ast.List():
            return tuple(_known(e, scope) for e in node.elts)
    return static(node, scope)


# ---- loops


def known_items(node: ast.expr, scope: Scope) -> list[Any] | None:
    """What a compile-time loop over `node` runs through, or None when `node` is no such iterable.

    It is a tuple or list, a captured 1-dimensional array, or `static(...)`, `enumerate(...)`, `zip(...)`,
    `reversed(...)` or `sorted(...)` of such. A range counts inside these.
    """
    try:
        items = _items(node, scope, False)
    except NotStatic:
        items = None
    callee = static_or_none(node.func, scope) if isinstance(node, ast.Call) else None
    if items is None and callee is intrinsics.static:
        raise LanguageError(
            f"{shown(node)!r} is not known before the kernel runs",
            code="BF-L024",
            span=span_of(node, scope.file),
            remedy="static(...) takes a tuple, a list or a range of constants; without it range is a loop",
        )
    if items is not None and len(items) > MOST_COPIES:
        raise LanguageError(
            f"a compile-time loop of {len(items)} iterations makes too many statements",
            code="BF-L024",
            span=span_of(node, scope.file),
            remedy="write an ordinary loop over range",
        )
    return items


def _items(node: ast.expr, scope: Scope, ranges: bool) -> list[Any] | None:
    if isinstance(node, (ast.Tuple, ast.List)):
        return [static(e, scope) for e in node.elts]
    if isinstance(node, ast.Call):
        return _called(node, scope, ranges)
    if isinstance(node, ast.Name) and not isinstance(scope.names.get(node.id), (Known, type(None))):
        return None
    found = static(node, scope)
    if isinstance(found, np.ndarray):
        return [int(v) for v in found] if found.ndim == 1 and found.dtype.kind in "iub" else None
    return list(found) if isinstance(found, (tuple, list)) else None


def _called(node: ast.Call, scope: Scope, ranges: bool) -> list[Any] | None:
    callee = static_or_none(node.func, scope)
    if callee is intrinsics.static and len(node.args) == 1 and not node.keywords:
        return _items(node.args[0], scope, True)
    if callee is builtins.range and ranges:
        bounds = [static(a, scope) for a in node.args]
        if not all(isinstance(b, int) for b in bounds) or node.keywords:
            return None
        made = range(*bounds)
        return list(made) if len(made) <= MOST_COPIES else [0] * (MOST_COPIES + 1)
    if not any(callee is i for i in _ITERATORS):
        return None
    parts = []
    for arg in node.args:
        part = _items(arg, scope, True)
        if part is None:
            return None
        parts.append(part)
    keywords = {str(k.arg): static(k.value, scope) for k in node.keywords}
    try:
        return list(callee(*parts, **keywords))
    except (TypeError, ValueError) as error:
        raise LanguageError(
            f"{shown(node)!r} cannot be evaluated: {error}",
            code="BF-L035",
            span=span_of(node, scope.file),
            remedy="correct the constants in it",
        ) from None


def bind_known(target: ast.expr, value: Any, scope: Scope) -> None:
    """Let the names of a loop's target stand for a compile-time value."""
    if isinstance(target, ast.Name):
        if isinstance(scope.names.get(target.id), (ScalarName, Expr)):
            scope.check_free(target.id, span_of(target, scope.file))
        plain = isinstance(value, (int, np.integer, np.bool_))
        scope.bind(target.id, Known(int(value) if plain else value))
        return
    fits = isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (tuple, list))
    if not fits or len(target.elts) != len(value):  # type: ignore[attr-defined]
        raise LanguageError(
            f"{value!r} does not give the loop variables {shown(target)!r}",
            code="BF-L011",
            span=span_of(target, scope.file),
            remedy="name each of the values",
        )
    for part, each in zip(target.elts, value, strict=True):  # type: ignore[attr-defined]
        bind_known(part, each, scope)
