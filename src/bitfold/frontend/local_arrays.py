"""Arrays that a kernel makes: `empty`, `zeros`, `full` and `rom`."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import numpy as np

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend import fixed
from bitfold.frontend.expressions import parse_expr
from bitfold.frontend.floats import fill_of
from bitfold.frontend.scope import ArrayName, Scope
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import declared_type, static_int, static_or_none
from bitfold.ir import floats
from bitfold.ir.nodes import Alloc, Const, Real, Stmt
from bitfold.lang import array
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.state import is_state
from bitfold.lang.stream import StreamType
from bitfold.lang.types import ArrayType, FloatType

Statements = tuple[Stmt, ...]


def declare_array(
    name: str, type: ArrayType | FixedArrayType, value: ast.expr | None, scope: Scope, span: Span
) -> Statements:
    """`name: type = empty(type)` and the like; of a stream the declaration alone will do."""
    maker = maker_of(value, scope)
    is_stream = isinstance(_integers(type), StreamType)
    if value is None and is_stream:
        scope.check_free(name, span)
        return _new_array(name, type, None, scope, span)
    if maker is None and is_stream:
        raise LanguageError(
            f"{shown(value) if value else name!r} is no stream",
            code="BF-L012",
            span=span,
            remedy=f"{name} = empty({type})",
        )
    if maker is None:
        fill = static_int(value, scope) if value is not None else None
        form = "empty" if fill is None else "zeros" if fill == 0 else "full"
        extra = f", {fill}" if form == "full" else ""
        raise LanguageError(
            f"{name!r} would be no array here when plain Python runs the kernel",
            code="BF-L012",
            span=span,
            remedy=f"write `{name} = {form}({type}{extra})`, which runs on the CPU as well",
        )
    assert isinstance(value, ast.Call)
    made = allocate(name, maker, value, scope, span)
    meaning = scope.names[name]
    if not isinstance(meaning, ArrayName) or (meaning.type, meaning.fixed) != (_integers(type), _held(type)):
        raise LanguageError(
            f"{name!r} is declared as {type}, but {shown(value)} is not of that type",
            code="BF-L012",
            span=span,
            remedy=f"write `{name} = {maker.__name__}({type})`",
        )
    return made


def maker_of(value: ast.expr | None, scope: Scope) -> Any:
    """`empty`, `zeros`, `full` or `rom` when `value` is a call of it, else None."""
    callee = static_or_none(value.func, scope) if isinstance(value, ast.Call) else None
    return next((f for f in (array.empty, array.zeros, array.full, array.rom) if callee is f), None)


def allocate(name: str, maker: Any, call: ast.Call, scope: Scope, span: Span) -> Statements:
    """`name = call`, which calls `maker`: a new array."""
    scope.check_free(name, span)
    if maker is array.rom:
        return _rom(name, call, scope, span)
    count = 2 if maker is array.full else 1
    if len(call.args) != count or call.keywords:
        raise LanguageError(
            f"{maker.__name__} takes {'an array type and a value' if count == 2 else 'an array type'}",
            code="BF-L013",
            span=span_of(call, scope.file),
            remedy=f"{name} = {maker.__name__}(int32[16]{', 7' if count == 2 else ''})",
        )
    type = _array_type(call.args[0], scope)
    if isinstance(_integers(type), StreamType) and maker is not array.empty:
        raise LanguageError(
            f"{maker.__name__} makes an array, and {type} is a stream, which starts empty",
            code="BF-L013",
            span=span_of(call, scope.file),
            remedy=f"write {name} = empty({type})",
        )
    fill: int | Real | None = {array.empty: None, array.zeros: 0}.get(maker)
    if isinstance(type.elem, FloatType):
        if maker is not array.empty:
            fill = _float_fill(call, maker, type.elem, scope)
    elif maker is array.full:
        fill = _fill(call.args[1], type, scope)
    return _new_array(name, type, fill, scope, span)


def _fill(node: ast.expr, type: ArrayType | FixedArrayType, scope: Scope) -> int:
    """The integer that fills an array of `type`."""
    place = ArrayName("the array", _integers(type), fixed=_held(type))
    value = fixed.stored(shown(node), place, parse_expr(node, scope), node, scope)
    if not isinstance(value, Const):
        raise LanguageError(
            f"full takes a compile-time {'number' if _held(type) else 'integer'}",
            code="BF-L013",
            span=span_of(node, scope.file),
            remedy="fill the array in a loop",
        )
    return int(place.type.elem.wrap(value.value))


def _float_fill(call: ast.Call, maker: Any, elem: FloatType, scope: Scope) -> Real:
    if maker is array.zeros:
        return floats.real(0, elem)
    if (fill := fill_of(parse_expr(call.args[1], scope), elem)) is None:
        raise LanguageError(
            "full takes a compile-time number",
            code="BF-L013",
            span=span_of(call.args[1], scope.file),
            remedy="fill the array in a loop",
        )
    return fill


def _integers(type: ArrayType | FixedArrayType) -> ArrayType:
    return type.raw if isinstance(type, FixedArrayType) else type


def _held(type: ArrayType | FixedArrayType) -> FixedType | None:
    """The fixed-point type that the integers of an array stand for, if any."""
    return type.elem if isinstance(type, FixedArrayType) else None


def _new_array(
    name: str, type: ArrayType | FixedArrayType, fill: int | Real | None, scope: Scope, span: Span
) -> Statements:
    ir_name, integers = scope.unique(name), _integers(type)
    scope.bind(name, ArrayName(ir_name, integers, fixed=_held(type)))
    if isinstance(integers, StreamType) and integers.shape and name in scope.singled:
        return _single_streams(ir_name, integers, _held(type), scope, span)
    made = integers.plain if isinstance(integers, StreamType) else integers
    return (Alloc(ir_name, made, fill, span=span),)


def _single_streams(
    name: str, type: StreamType, held: FixedType | None, scope: Scope, span: Span
) -> Statements:
    """An array of streams of which kernels are passed one each: so many streams."""
    one = replace(type, shape=())
    parts = {at: scope.unique("_".join([name, *map(str, at)])) for at in np.ndindex(*type.dims)}
    scope.streams[name] = {at: ArrayName(part, one, fixed=held) for at, part in parts.items()}
    return tuple(Alloc(part, one.plain, None, span=span) for part in parts.values())


def _array_type(node: ast.expr, scope: Scope) -> ArrayType | FixedArrayType:
    type = declared_type(node, scope)
    if not isinstance(type, (ArrayType, FixedArrayType)):
        raise LanguageError(
            f"{type} is not an array type",
            code="BF-L013",
            span=span_of(node, scope.file),
            remedy=f"give a size: {type}[16]",
        )
    return type


def _rom(name: str, call: ast.Call, scope: Scope, span: Span) -> Statements:
    source = call.args[0] if call.args else None
    values = scope.outside.get(source.id) if isinstance(source, ast.Name) else None
    if len(call.args) != 2 or call.keywords or not isinstance(values, np.ndarray) or is_state(values):
        raise LanguageError(
            "rom takes a NumPy array captured from outside and its type",
            code="BF-L013",
            span=span,
            remedy=f"define W outside the kernel, then {name} = rom(W, int8[16])",
        )
    assert isinstance(source, ast.Name)
    type = _array_type(call.args[1], scope)
    held = _held(type)
    if held is not None and (fault := held.fault(values)):
        raise LanguageError(
            f"{source.id!r} {fault}",
            code="BF-L014",
            span=span,
            remedy=f"capture quantize({source.id}, {held}) instead",
        )
    scope.bind(name, scope.rom(name, source.id, values, _integers(type), span, held))
    return ()
