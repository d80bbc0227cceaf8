"""Compile-time evaluation: shapes, types, layouts and integer constants inside a kernel."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.scope import ArrayName, Known, Scope, StructName
from bitfold.frontend.source import shown, span_of
from bitfold.lang import fixed, layouts, types
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.generics import as_type
from bitfold.lang.stream import Stream, StreamType
from bitfold.lang.structs import StructArrayType, StructType
from bitfold.lang.types import MAX_WIDTH, ArrayType, ElementType, FloatType, IntType


class NotStatic(Exception):
    """The expression has no compile-time value."""


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.Pow: operator.pow,
}
_MAKERS = (
    *(types.Int, types.UInt, types.packed, layouts.complete, layouts.cyclic, layouts.block, layouts.stream),
    *(layouts.memory, fixed.Fixed, fixed.UFixed, len, min, max),
)


def static(node: ast.expr, scope: Scope) -> Any:
    """The compile-time value of `node`.

    Raises:
        NotStatic: it has none.
        LanguageError: a name in it is not defined, or evaluating it fails.
    """
    match node:
        case ast.Constant(value=bool() | int() as value):
            return int(value)
        case ast.Constant(value=str() as value):
            return value
        case ast.Name():
            return _name(node, scope)
        case ast.Attribute():
            return _attribute(node, scope)
        case ast.Tuple():
            return tuple(static(e, scope) for e in node.elts)
        case ast.UnaryOp(op=ast.USub()):
            return -_integer(static(node.operand, scope))
        case ast.BinOp():
            return _binary(node, scope)
        case ast.Subscript():
            owner, key = static(node.value, scope), static(node.slice, scope)
            if owner is Stream:
                return _try(node, scope, lambda: Stream.__class_getitem__(key))
            types_ = (IntType, FloatType, FixedType, FixedArrayType, StructType, StreamType, tuple, list)
            if owner is bool or isinstance(owner, types_):
                owner = as_type(owner)
                return _plain(_try(node, scope, lambda: owner[key]))
        case ast.Call():
            return _call(node, scope)
    raise NotStatic


def _plain(value: Any) -> Any:
    if type(value).__name__ == "TypeAliasType":
        return as_type(value)
    return int(value) if isinstance(value, (int, np.integer, np.bool_)) else value


def _integer(value: Any) -> int:
    if not isinstance(value, int):
        raise NotStatic
    return value


def _try(node: ast.expr, scope: Scope, compute: Callable[[], Any]) -> Any:
    """What `compute` gives; a fault in the values it works on becomes a LanguageError at `node`."""
    try:
        return compute()
    except (TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise LanguageError(
            f"{shown(node)!r} cannot be evaluated: {error}",
            code="BF-L035",
            span=span_of(node, scope.file),
            remedy="correct the constants in it",
        ) from None


def _name(node: ast.Name, scope: Scope) -> Any:
    if node.id in scope.names and not isinstance(scope.names[node.id], Known):
        raise NotStatic
    found = scope.lookup(node.id, span_of(node, scope.file))
    if isinstance(found, ArrayName):  # a state
        raise NotStatic
    return _plain(found)


def _array_behind(name: str, span: Span, scope: Scope) -> Any:
    """What a name means; for an array of structs, the array of its first field."""
    found = scope.lookup(name, span)
    if isinstance(found, StructName) and found.rank:
        return scope.lookup(f"{name}.{found.struct.names[0]}", span)
    return found


def _attribute(node: ast.Attribute, scope: Scope) -> Any:
    if isinstance(node.value, ast.Name):
        owner = _array_behind(node.value.id, span_of(node.value, scope.file), scope)
        if isinstance(owner, (ArrayName, np.ndarray)):
            shape = owner.type.shape if isinstance(owner, ArrayName) else owner.shape
            if node.attr in ("shape", "ndim"):
                return shape if node.attr == "shape" else len(shape)
            if node.attr == "elem" and isinstance(owner, ArrayName):
                return owner.fixed or owner.type.elem
            raise NotStatic
    owner = static(node.value, scope)
    try:
        return _plain(getattr(owner, node.attr))
    except Exception:  # a property of the user's own class may raise anything
        raise NotStatic from None


def _binary(node: ast.BinOp, scope: Scope) -> Any:
    left, right = static(node.left, scope), static(node.right, scope)
    if isinstance(left, (ArrayType, FixedArrayType, StructArrayType)) and isinstance(node.op, ast.MatMult):
        return _try(node, scope, lambda: left @ right)
    if type(node.op) not in _OPERATORS or not (isinstance(left, int) and isinstance(right, int)):
        raise NotStatic
    if isinstance(node.op, ast.Pow) and right < 0:
        raise NotStatic
    value = None
    if not _too_wide(node.op, left, right):
        value = _try(node, scope, lambda: _OPERATORS[type(node.op)](left, right))
    if value is None or value.bit_length() > MAX_WIDTH:
        raise LanguageError(
            f"{shown(node)!r} has more than {MAX_WIDTH} bits",
            code="BF-L045",
            span=span_of(node, scope.file),
            remedy="use a smaller constant",
        )
    return value


def _too_wide(op: ast.operator, left: int, right: int) -> bool:
    """Whether the result is so wide that it had better not be computed."""
    if isinstance(op, ast.Pow):
        return (abs(left).bit_length() - 1) * right > MAX_WIDTH
    return isinstance(op, ast.LShift) and left != 0 and right > MAX_WIDTH


def _call(node: ast.Call, scope: Scope) -> Any:
    maker = static(node.func, scope)
    if not any(maker is m for m in _MAKERS):
        raise NotStatic
    if maker is len and len(node.args) == 1 and isinstance(node.args[0], ast.Name):
        owner = _array_behind(node.args[0].id, span_of(node.args[0], scope.file), scope)
        if isinstance(owner, ArrayName):
            return owner.type.shape[0]
    if any(k.arg is None for k in node.keywords):
        raise NotStatic
    args = [static(a, scope) for a in node.args]
    keywords = {str(k.arg): static(k.value, scope) for k in node.keywords}
    return _try(node, scope, lambda: maker(*args, **keywords))


def static_int(node: ast.expr, scope: Scope) -> int | None:
    """The compile-time integer `node` stands for, or None."""
    value = static_or_none(node, scope)
    return value if isinstance(value, int) else None


def static_or_none(node: ast.expr, scope: Scope) -> Any:
    """The compile-time value of `node`, or None when it has none."""
    try:
        return static(node, scope)
    except NotStatic:
        return None


def declared_type(node: ast.expr, scope: Scope) -> ElementType | FixedType | ArrayType | FixedArrayType:
    """The type that an annotation names. Raises LanguageError for anything else."""
    found = as_type(static_or_none(node, scope))
    array = found.raw if isinstance(found, FixedArrayType) else found
    if isinstance(array, ArrayType):
        _try(node, scope, lambda: array.dims)
        if fault := array.fault():
            raise LanguageError(
                fault, code="BF-L034", span=span_of(node, scope.file), remedy="correct the type"
            )
    types_ = (IntType, FloatType, FixedType, ArrayType, FixedArrayType)
    if isinstance(found, types_) and found != types.PYTHON_FLOAT:
        return found
    raise LanguageError(
        f"{shown(node)!r} is not a type of the language",
        code="BF-L034",
        span=span_of(node, scope.file),
        remedy="use bit, int8..int512, uint8..uint512, Int(n), UInt(n), Fixed(w, f), float16, float32 or "
        "float64, or an array of one, such as bit[64]"
        if "Stream" not in shown(node)
        else "a stream has a constant depth, such as Stream[int8, 4], and Stream[int8, 4][3] is three",
    )
