"""Truth, comparisons, `and`, `or` and `if else`; `parse` is the parser of the expressions in them."""

from __future__ import annotations

import ast
import itertools
from contextlib import ExitStack

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend import fixed
from bitfold.frontend.floats import check_one_type
from bitfold.frontend.nonzero import where
from bitfold.frontend.scaled import is_fixed
from bitfold.frontend.scope import ParseExpr, Scope
from bitfold.frontend.source import shown, span_of
from bitfold.ir import build
from bitfold.ir.nodes import Cmp, Expr

_COMPARE: dict[type[ast.cmpop], Cmp] = {
    ast.Eq: Cmp.EQ,
    ast.NotEq: Cmp.NE,
    ast.Lt: Cmp.LT,
    ast.LtE: Cmp.LE,
    ast.Gt: Cmp.GT,
    ast.GtE: Cmp.GE,
}


def is_conditional(node: ast.expr) -> bool:
    """Whether parts of `node` are evaluated only when other parts say so."""
    return isinstance(node, (ast.BoolOp, ast.IfExp)) or (isinstance(node, ast.Compare) and len(node.ops) > 1)


def condition(node: ast.expr, scope: Scope, parse: ParseExpr) -> Expr:
    """Whether `node` is true, as 0 or 1."""
    if not isinstance(node, ast.BoolOp):
        return fixed.truth(parse(node, scope))
    if scope.lifted is not None:
        with scope.lifting(None):
            return condition(node, scope, parse)
    is_and, span = isinstance(node.op, ast.And), span_of(node, scope.file)
    result = last = condition(node.values[0], scope, parse)
    with ExitStack() as known:
        for value in node.values[1:]:
            known.enter_context(where(last, is_and, scope))
            last = condition(value, scope, parse)
            result = build.logic(is_and, result, last, span)
    return result


def if_else(node: ast.IfExp, scope: Scope, parse: ParseExpr, span: Span) -> Expr:
    """`then if test else other`, of numbers of one type."""
    test = condition(node.test, scope, parse)
    if any(node is e for e in scope.converted):
        scope.converted += [node.body, node.orelse]
    parts, values = [node.body, node.orelse], []
    for part, holds in zip(parts, (True, False), strict=True):
        with where(test, holds, scope):
            values.append(parse(part, scope))
    if not is_fixed(*values):
        check_one_type(node, parts, values, scope)
    return fixed.select(test, values[0], values[1], span)


def either(node: ast.BoolOp, scope: Scope, parse: ParseExpr, span: Span) -> Expr:
    """`a and b` as a value is one of its operands, as in Python; between bits that is what Logic gives."""
    is_and = isinstance(node.op, ast.And)
    values = [parse(node.values[0], scope)]
    with ExitStack() as known:
        for after in node.values[1:]:
            known.enter_context(where(fixed.truth(values[-1]), is_and, scope))
            values.append(parse(after, scope))
    if all(v.low >= 0 and v.high <= 1 for v in values) and not is_fixed(*values):
        result = values[0]
        for value in values[1:]:
            result = build.logic(is_and, result, value, span)
        return result
    if not is_fixed(*values):
        check_one_type(node, node.values, values, scope)
    result = values[-1]
    for value in reversed(values[:-1]):
        then, other = (result, value) if is_and else (value, result)
        result = fixed.select(fixed.truth(value), then, other, span)
    return result


def compare(node: ast.Compare, scope: Scope, parse: ParseExpr, span: Span) -> Expr:
    """A comparison; `a < b < c` is `a < b and b < c`."""
    sides = [parse(e, scope) for e in (node.left, *node.comparators)]
    result: Expr | None = None
    for operator, (left, right) in zip(node.ops, itertools.pairwise(sides), strict=True):
        relation = _COMPARE.get(type(operator))
        if relation is None:
            raise LanguageError(
                f"`{shown(node)}` uses a comparison other than == != < <= > >=",
                code="BF-L001",
                span=span,
                remedy="compare numbers with one of those",
            )
        one = fixed.compare(relation, left, right, span)
        result = one if result is None else build.logic(True, result, one, span)
    assert result is not None
    return result
