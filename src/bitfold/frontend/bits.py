"""Slices of an integer's bits, bits side by side, and bits read as another type: shifts, masks and casts."""

from __future__ import annotations

import ast
from collections import Counter
from typing import Any

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.floats import require_integer
from bitfold.frontend.scaled import Scaled, fixed_type
from bitfold.frontend.scope import ParseExpr, Scope
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_int, static_or_none
from bitfold.ir import build
from bitfold.ir.nodes import Binary, Const, Expr, Fn, Op
from bitfold.lang import intrinsics
from bitfold.lang.types import MAX_WIDTH, FloatType, IntType, UInt


def bit_function(callee: object, node: ast.Call, scope: Scope, parse: ParseExpr) -> Expr | None:
    """The value of a call of `get_slice`, `set_slice`, `concat` or `bitcast`; None for another function."""
    span = span_of(node, scope.file)
    if callee in (intrinsics.get_slice, intrinsics.set_slice, intrinsics.concat):
        parse = _of_integers(parse, node)
    if callee is intrinsics.get_slice:
        word, high, low = _arguments(node, ("word", "high", "low"), span)
        return _get_slice(parse(word, scope), *_bounds(high, low, scope, parse, span), span)
    if callee is intrinsics.set_slice:
        word, high, low, value = _arguments(node, ("word", "high", "low", "value"), span)
        width, first = _bounds(high, low, scope, parse, span)
        return _set_slice(parse(word, scope), width, first, parse(value, scope), span)
    if callee is intrinsics.concat:
        return _concat(node, scope, parse, span)
    if callee is intrinsics.bitcast:
        value, to = _arguments(node, ("value", "to"), span)
        return _bitcast(parse(value, scope), to, scope, span)
    return None


def _of_integers(parse: ParseExpr, call: ast.Call) -> ParseExpr:
    def integer(node: ast.expr, scope: Scope) -> Expr:
        value = parse(node, scope)
        require_integer(value, f"an argument of {shown(call.func)}", scope, node)
        return value

    return integer


def _arguments(node: ast.Call, names: tuple[str, ...], span: Span) -> list[ast.expr]:
    """The arguments of a call in the order of `names`."""
    given: dict[Any, ast.expr] = dict(zip(names, node.args, strict=False))
    given.update((k.arg, k.value) for k in node.keywords)
    count = len(node.args) + len(node.keywords)
    if set(given) != set(names) or count != len(names) or any(isinstance(a, ast.Starred) for a in node.args):
        raise LanguageError(
            f"{shown(node.func)} does not take these arguments",
            code="BF-L021",
            span=span,
            remedy=f"write {shown(node.func)}({', '.join(names)})",
        )
    return [given[name] for name in names]


def narrowed(value: Expr, width: int, span: Span) -> Expr:
    """The low `width` bits of a value, unsigned."""
    to = UInt(width)
    return value if value.low >= 0 and value.high <= to.high else build.cast(to, value, span)


def _bounds(high: ast.expr, low: ast.expr, scope: Scope, parse: ParseExpr, span: Span) -> tuple[int, Expr]:
    """How many bits a slice has, and the position of its lowest."""
    last, first = parse(high, scope), parse(low, scope)
    for node, position in ((high, last), (low, first)):
        if position.low < 0 or position.high >= MAX_WIDTH:
            raise LanguageError(
                f"a bit position is in 0..{MAX_WIDTH - 1}; {shown(node)} has type {position.type}",
                code="BF-L022",
                span=span_of(node, scope.file),
                remedy="cast it to a narrow unsigned type, for example UInt(4)(i)",
            )
    if (distance := _distance(last, first)) is None:
        raise LanguageError(
            f"how many bits are between {shown(high)} and {shown(low)} is not a constant",
            code="BF-L022",
            span=span,
            remedy="give both ends of the slice by one position, such as get_slice(x, i + 7, i)",
        )
    if distance < 0:
        raise LanguageError(
            f"the slice from bit {shown(high)} down to bit {shown(low)} has no bits",
            code="BF-L022",
            span=span,
            remedy="give the higher position first: get_slice(x, 7, 0) has 8 bits",
        )
    return distance + 1, first


def _distance(high: Expr, low: Expr) -> int | None:
    """high - low where that is a constant, else None. What varies is the same sum of terms in both."""
    total: Counter[Expr] = Counter()

    def add(e: Expr, scale: int) -> int:
        """Enter scale * e into `total`; returns its constant part."""
        match e:
            case Const():
                return e.value * scale
            case Binary(op=Op.ADD | Op.SUB):
                return add(e.lhs, scale) + add(e.rhs, scale if e.op is Op.ADD else -scale)
            case Binary(op=Op.MUL, rhs=Const(value=factor)):
                return add(e.lhs, scale * factor)
            case Binary(op=Op.MUL, lhs=Const(value=factor)):
                return add(e.rhs, scale * factor)
        total[e] += scale
        return 0

    distance = add(high, 1) + add(low, -1)
    return None if any(total.values()) else distance


def _get_slice(word: Expr, width: int, low: Expr, span: Span) -> Expr:
    return narrowed(build.binary(Op.SHR, word, low, span), width, span)


def _set_slice(word: Expr, width: int, low: Expr, value: Expr, span: Span) -> Expr:
    mask = build.binary(Op.SHL, build.const((1 << width) - 1), low, span)
    others = build.binary(Op.AND, word, build.apply(Fn.INVERT, (mask,), span), span)
    placed = build.binary(Op.SHL, narrowed(value, width, span), low, span)
    return build.binary(Op.OR, others, placed, span)


def _concat(node: ast.Call, scope: Scope, parse: ParseExpr, span: Span) -> Expr:
    parts = []
    for part in node.args:
        width = (
            static_int(part.elts[1], scope) if isinstance(part, ast.Tuple) and len(part.elts) == 2 else None
        )
        if not isinstance(part, ast.Tuple) or width is None or not 1 <= width <= MAX_WIDTH:
            raise LanguageError(
                f"{shown(part)} is not a value with its number of bits, a constant from 1 to {MAX_WIDTH}",
                code="BF-L022",
                span=span_of(part, scope.file),
                remedy="write concat((a, 4), (b, 3)), the highest bits first",
            )
        parts.append((narrowed(parse(part.elts[0], scope), width, span), width))
    if not parts or node.keywords:
        raise LanguageError(
            "concat takes values, each with its number of bits",
            code="BF-L021",
            span=span,
            remedy="write concat((a, 4), (b, 3)), the highest bits first",
        )
    return _joined(parts, span)[0]


def _joined(parts: list[tuple[Expr, int]], span: Span) -> tuple[Expr, int]:
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    (high, more), (low, width) = _joined(parts[:middle], span), _joined(parts[middle:], span)
    moved = build.binary(Op.SHL, high, build.const(width), span)
    return build.binary(Op.OR, moved, low, span), more + width


def _bitcast(value: Expr, node: ast.expr, scope: Scope, span: Span) -> Expr:
    """The bits of an integer or float as another type.

    A constant, or an unsigned value, may have fewer bits.
    """
    to = static_or_none(node, scope)
    if isinstance(value, Scaled):
        raise LanguageError(
            f"bitcast reads the bits of an integer or float, and this is fixed point ({fixed_type(value)})",
            code="BF-L049",
            span=span,
            remedy="scale it to an integer, such as int(x * 256) of Fixed(16, 8)",
        )
    if not isinstance(to, (IntType, FloatType)):
        raise LanguageError(
            f"{shown(node)} is not a type to read bits as",
            code="BF-L023",
            span=span_of(node, scope.file),
            remedy="write bitcast(x, int8), for example",
        )
    if value.real is not None and value.real.width != to.width:
        raise LanguageError(
            f"bitcast keeps every bit, but this value has {value.real.width} ({value.real}) and {to} has "
            f"{to.width}",
            code="BF-L023",
            span=span,
            remedy=f"read it as {UInt(value.real.width)} or Int({value.real.width})",
        )
    width = value.type.width
    fits = width == to.width or (width < to.width and (value.low >= 0 or isinstance(value, Const)))
    if not fits:
        raise LanguageError(
            f"bitcast keeps every bit, but this value has {width} ({value.type}) and {to} has {to.width}",
            code="BF-L023",
            span=span,
            remedy=f"wrap or extend it, {to}(x), or take some of its bits, get_slice(x, {to.width - 1}, 0)",
        )
    return build.bitcast(to, value, span)
