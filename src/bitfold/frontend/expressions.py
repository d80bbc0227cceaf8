"""Python expressions to IR expressions."""

from __future__ import annotations

import ast
from dataclasses import replace
from fractions import Fraction

import numpy as np

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend import fixed, structs
from bitfold.frontend.arrays import is_reduction
from bitfold.frontend.calls import call
from bitfold.frontend.conditions import compare, condition, either, if_else, is_conditional
from bitfold.frontend.elements import element
from bitfold.frontend.floats import float_constant, operand
from bitfold.frontend.nonzero import divisor
from bitfold.frontend.scope import ArrayName, ScalarName, Scope, kind
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_int, static_or_none
from bitfold.frontend.streams import stream_call, stream_value
from bitfold.frontend.words import OPERATOR_REMEDIES, REFUSED_EXPRESSIONS
from bitfold.ir import build
from bitfold.ir.nodes import Expr, Fn, Op

_BINARY: dict[type[ast.operator], Op] = {
    ast.Add: Op.ADD,
    ast.Sub: Op.SUB,
    ast.Mult: Op.MUL,
    ast.Div: Op.DIV,
    ast.FloorDiv: Op.FLOORDIV,
    ast.Mod: Op.MOD,
    ast.LShift: Op.SHL,
    ast.RShift: Op.SHR,
    ast.BitAnd: Op.AND,
    ast.BitOr: Op.OR,
    ast.BitXor: Op.XOR,
}


def parse_expr(node: ast.expr, scope: Scope) -> Expr:
    """The IR of a scalar expression. Raises LanguageError that points at what the language lacks."""
    if is_conditional(node) and scope.lifted is not None:
        with scope.lifting(None):
            return parse_expr(node, scope)
    span = span_of(node, scope.file)
    structs.refuse_whole(node, scope)
    match node:
        case ast.Constant():
            return _literal(node, span)
        case ast.Name():
            return _name(node, scope, span)
        case ast.Attribute() if (field := structs.member(node, scope)) is not None:
            return parse_expr(field, scope)
        case ast.Attribute():
            return _attribute(node, scope, span)
        case ast.Subscript():
            return _subscript(node, scope, span)
        case ast.BinOp():
            return _binary(node, scope, span)
        case ast.UnaryOp(op=ast.Not()):
            return build.apply(Fn.NOT, (parse_condition(node.operand, scope),), span)
        case ast.UnaryOp():
            return _signed(node, scope, span)
        case ast.BoolOp():
            return either(node, scope, parse_expr, span)
        case ast.Compare():
            return compare(node, scope, parse_expr, span)
        case ast.IfExp():
            return if_else(node, scope, parse_expr, span)
        case ast.Call():
            return _call(node, scope, span)
    construct, remedy = REFUSED_EXPRESSIONS.get(
        type(node), ("this expression", "use arithmetic and comparisons")
    )
    raise LanguageError(
        f"{construct} is not part of the kernel language", code="BF-L001", span=span, remedy=remedy
    )


def parse_condition(node: ast.expr, scope: Scope) -> Expr:
    """Whether `node` is true, as 0 or 1."""
    return condition(node, scope, parse_expr)


def parse_value(node: ast.expr, scope: Scope) -> Expr:
    """The right side of an assignment: an expression, or one `stream.get()`. It may be a comparison."""
    stream = stream_call(node, scope, parse_expr)
    if stream is None or stream.method != "get":
        return parse_expr(node, scope)
    return fixed.read(stream.get(), stream.stream.fixed, stream.span)


def _literal(node: ast.Constant, span: Span) -> Expr:
    if isinstance(node.value, int):
        return build.const(int(node.value), span)
    if (constant := float_constant(node.value, span)) is not None:
        return constant
    if node.value is None or node.value is Ellipsis:
        described = f"`{shown(node)}`"
    else:
        described = f"{shown(node)} is {kind(node.value)}: it"
    raise LanguageError(
        f"{described} is no value in a kernel, which computes with integers and floats",
        code="BF-L015",
        span=span,
        remedy="use an integer or a float",
    )


def _name(node: ast.Name, scope: Scope, span: Span) -> Expr:
    meaning = scope.lookup(node.id, span)
    match meaning:
        case Expr():
            return replace(meaning, span=span)
        case ScalarName():
            return fixed.read(build.local(meaning.ir_name, meaning.type, span), meaning.fixed, span)
        case ArrayName() if meaning.type.streamed:
            raise LanguageError(
                f"{node.id!r} is a stream ({meaning.type}); an expression needs one of its elements",
                code="BF-L016",
                span=span,
                remedy=f"take the next one: {node.id}.get()",
            )
        case ArrayName() | np.ndarray():
            type = fixed.described(meaning) if isinstance(meaning, ArrayName) else f"shape {meaning.shape}"
            raise LanguageError(
                f"{node.id!r} is an array ({type}); an expression needs one of its elements",
                code="BF-L016",
                span=span,
                remedy=f"index it: {node.id}[i]",
            )
        case int() | np.integer() | np.bool_():
            return build.const(int(meaning), span)
    if isinstance(meaning, Fraction) and (exact := fixed.exact_number(meaning, span)) is not None:
        return exact
    if (constant := float_constant(meaning, span)) is not None:
        return constant
    raise LanguageError(
        f"{node.id!r} is {kind(meaning)}, which a kernel cannot compute with",
        code="BF-L015",
        span=span,
        remedy="capture an int, a float or a NumPy array of integers or floats instead",
    )


def _attribute(node: ast.Attribute, scope: Scope, span: Span) -> Expr:
    found = static_or_none(node, scope)
    if isinstance(found, int):
        return build.const(found, span)
    if (constant := float_constant(found, span)) is not None:
        return constant
    what = kind(found) if found is not None else "not known"
    raise LanguageError(
        f"{shown(node)!r} is {what} in a kernel, where a number is needed",
        code="BF-L015",
        span=span,
        remedy="of an array, `x.shape[0]` and `x.ndim` are known; of a module, its integers and floats",
    )


def _binary(node: ast.BinOp, scope: Scope, span: Span) -> Expr:
    if (operator := _BINARY.get(type(node.op))) is not None:
        left, right = (operand(e, parse_expr(e, scope), scope) for e in (node.left, node.right))
        if operator in (Op.FLOORDIV, Op.MOD):
            right = divisor(right, scope)
        return fixed.binary(operator, left, right, span) or build.binary(operator, left, right, span)
    if isinstance(node.op, ast.Pow) and (value := static_int(node, scope)) is not None:
        return build.const(value, span)
    if isinstance(node.op, ast.MatMult) and (found := _reduction(node, scope)) is not None:
        return found
    described, remedy = OPERATOR_REMEDIES[type(node.op)]
    raise LanguageError(described, code="BF-L015", span=span, remedy=remedy)


def _reduction(node: ast.expr, scope: Scope) -> Expr | None:
    """A sum and the like over an array, which takes loops before the statement."""
    from bitfold.frontend.array_statements import scalar_reduction

    return scalar_reduction(node, scope)


def _signed(node: ast.UnaryOp, scope: Scope, span: Span) -> Expr:
    value = operand(node.operand, parse_expr(node.operand, scope), scope)
    if isinstance(node.op, ast.UAdd):
        return value
    if isinstance(node.op, ast.USub):
        return fixed.apply(Fn.NEG, (value,), span) or build.apply(Fn.NEG, (value,), span)
    return build.apply(Fn.INVERT, (fixed.require_integer(value, node.operand, scope),), span)


def _subscript(node: ast.Subscript, scope: Scope, span: Span) -> Expr:
    base = (
        scope.lookup(node.value.id, span_of(node.value, scope.file))
        if isinstance(node.value, ast.Name)
        else None
    )
    if not isinstance(base, (ArrayName, np.ndarray)) and (value := static_int(node, scope)) is not None:
        return build.const(value, span)
    array, indices = element(node, scope, parse_expr)
    return fixed.read(build.load(array.ir_name, indices, array.type.elem, span), array.fixed, span)


def _call(node: ast.Call, scope: Scope, span: Span) -> Expr:
    if (stream := stream_call(node, scope, parse_expr)) is not None:
        return stream_value(stream, scope)
    if is_reduction(node) and (found := _reduction(node, scope)) is not None:
        return found
    return call(node, scope, parse_expr, span)
