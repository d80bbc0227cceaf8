"""Calls inside expressions: casts, intrinsics and kernels; `parse` is the parser of their arguments."""

from __future__ import annotations

import ast
import builtins
from types import BuiltinFunctionType, FunctionType

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend import fixed, numpy_words
from bitfold.frontend.bits import bit_function
from bitfold.frontend.conditions import condition
from bitfold.frontend.floats import CASTS, check_one_type, operand
from bitfold.frontend.scaled import Scaled, is_fixed
from bitfold.frontend.scope import ParseExpr, Scope, is_kernel
from bitfold.frontend.source import shown
from bitfold.frontend.static import static_int, static_or_none
from bitfold.frontend.words import INTRINSICS, call_remedy
from bitfold.ir import build, floats
from bitfold.ir.nodes import Expr, Fn
from bitfold.lang import mathematics
from bitfold.lang.fixed import FixedType
from bitfold.lang.types import PYTHON_FLOAT, FloatType, IntType


def call(node: ast.Call, scope: Scope, parse: ParseExpr, span: Span) -> Expr:
    """The value of a cast, an intrinsic or a kernel, with what Python knows by itself, such as `len(x)`."""
    callee = static_or_none(node.func, scope)
    if isinstance(callee, type) and callee in CASTS:
        callee = CASTS[callee]
    if isinstance(callee, (IntType, FloatType)) or callee is int or callee is bool:
        return _cast(callee, node, scope, parse, span)
    if callee is builtins.round:
        return _round(node, scope, parse, span)
    if isinstance(callee, (FunctionType, BuiltinFunctionType)) and callee in INTRINSICS:
        if (value := static_int(node, scope)) is not None:
            return build.const(value, span)
        fn, names = INTRINSICS[callee]
        args = _arguments(node, fn, names, scope, parse, span)
        if callee is mathematics.fabs and args[0].real is None:
            fixed.require_integer(args[0], node.args[0], scope)
            args = (floats.convert(PYTHON_FLOAT, args[0], span),)
        return fixed.apply(fn, args, span) or build.apply(fn, args, span)
    if isinstance(callee, FixedType):
        return _cast(callee, node, scope, parse, span)
    if (bits := bit_function(callee, node, scope, _integers(parse))) is not None:
        return bits
    if (value := static_int(node, scope)) is not None:
        return build.const(value, span)
    if is_kernel(callee) and scope.call is not None:
        return scope.call(node)
    raise LanguageError(
        f"{shown(node.func)!r} cannot be called inside an expression of a kernel",
        code="BF-L020",
        span=span,
        remedy=numpy_words.remedy(callee, node.func) or call_remedy(callee),
    )


def _cast(to: object, node: ast.Call, scope: Scope, parse: ParseExpr, span: Span) -> Expr:
    """`uint8(x)` wraps, `float32(x)` rounds, `int(x)` cuts off a fraction; `bool(x)` asks whether x is 0."""
    if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
        raise LanguageError(
            f"a cast to {shown(node.func)} takes one value",
            code="BF-L021",
            span=span,
            remedy=f"write {shown(node.func)}(x)",
        )
    if to is bool:
        return condition(node.args[0], scope, parse)
    text = node.args[0]
    if isinstance(to, FloatType) and isinstance(text, ast.Constant) and isinstance(text.value, str):
        return _float_text(text.value, to, node, span)
    scope.converted.append(text)
    value = parse(text, scope)
    if isinstance(to, FixedType):
        return fixed.cast(to, value, span)
    if isinstance(value, Scaled):
        if isinstance(to, FloatType):
            return fixed.to_float(to, value, span)
        value = fixed.integer(value, scope, span)
    return (
        build.cast(to, value, span)
        if isinstance(to, (IntType, FloatType))
        else build.apply(Fn.TRUNC, (value,), span)
    )


def _float_text(text: str, to: FloatType, node: ast.Call, span: Span) -> Expr:
    """`float32("inf")`, for what has no literal."""
    try:
        return floats.real(float(text), to, span)
    except ValueError:
        raise LanguageError(
            f"{text!r} is no float",
            code="BF-L035",
            span=span,
            remedy=f'write {shown(node.func)}("inf") or ("nan"), or a number',
        ) from None


def _round(node: ast.Call, scope: Scope, parse: ParseExpr, span: Span) -> Expr:
    """Python's `round(x)`: the nearest integer, of two the even one."""
    if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
        raise LanguageError(
            "round takes one value in a kernel, and gives an integer",
            code="BF-L021",
            span=span,
            remedy="scale the value before and after: rint(x * 100.0) / 100.0",
        )
    value = fixed.require_integer(parse(node.args[0], scope), node.args[0], scope)
    return (
        value if value.real is None else build.apply(Fn.TRUNC, (build.apply(Fn.RINT, (value,), span),), span)
    )


def _arguments(
    node: ast.Call, fn: Fn, names: tuple[str, ...], scope: Scope, parse: ParseExpr, span: Span
) -> tuple[Expr, ...]:
    """The arguments of an intrinsic in order; `names` is empty when it takes any number."""
    given: dict[str, ast.expr] = dict(zip(names, node.args, strict=False))
    given.update((str(k.arg), k.value) for k in node.keywords)
    optional = {"lanes"} & set(names)
    fits = set(names) - optional <= set(given) <= set(names)
    fits = fits and len(node.args) + len(node.keywords) == len(given)
    if not names:
        given = {str(i): a for i, a in enumerate(node.args)}
        fits = len(given) >= 2 and not node.keywords
    if not fits or any(isinstance(a, ast.Starred) for a in node.args):
        usage = ", ".join(names) if names else "a, b, ..."
        if len(node.args) == 1 and fn in (Fn.MIN, Fn.MAX):
            usage += f"), or of an array {shown(node.args[0])}.{fn.value}("
        raise LanguageError(
            f"{fn.value} does not take these arguments",
            code="BF-L021",
            span=span,
            remedy=f"write {fn.value}({usage})",
        )
    nodes = [given[n] for n in names or given if n in given]
    parsed = parse if fn in (Fn.MIN, Fn.MAX, Fn.ABS) else _integers(parse)
    args = [operand(n, parsed(n, scope), scope) for n in nodes]
    if fn in (Fn.MIN, Fn.MAX) and not is_fixed(*args):
        check_one_type(node, nodes, args, scope)
    return tuple(args if fn is not Fn.XNOR or len(args) == 3 else [*args, build.const(1, span)])


def _integers(parse: ParseExpr) -> ParseExpr:
    """`parse` where an integer or a float is needed."""
    return lambda node, scope: fixed.require_integer(parse(node, scope), node, scope)
