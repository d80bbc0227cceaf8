"""Elements of arrays, `a[i, j]`; `parse` is the parser of the expressions in them."""

from __future__ import annotations

import ast

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.floats import require_integer
from bitfold.frontend.scope import ArrayName, ParseExpr, ScalarName, Scope, kind
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.views import in_range, view
from bitfold.ir.nodes import Expr
from bitfold.lang.stream import StreamType


def element(node: ast.Subscript, scope: Scope, parse: ParseExpr) -> tuple[ArrayName, tuple[Expr, ...]]:
    """The array and indices of `a[i, j]`, checked against the array's shape."""
    span = span_of(node, scope.file)
    array = _indexed(node, scope, parse, span)
    if array.type.streamed:
        name = shown(node if isinstance(array.type, StreamType) and array.type.shape else node.value)
        raise LanguageError(
            f"{name!r} is a stream and cannot be {'computed with' if '[' in name else 'indexed'}",
            code="BF-L016",
            span=span,
            remedy=f"use {name}.get() or {name}.put(v)",
        )
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    shape = array.type.dims
    for part in parts:
        if isinstance(part, (ast.Slice, ast.Starred)) or (
            isinstance(part, ast.Constant) and part.value is Ellipsis
        ):
            raise LanguageError(
                "an array slice is an array, and this needs one of its elements",
                code="BF-L001",
                span=span if isinstance(part, ast.Starred) else span_of(part, scope.file),
                remedy="loop over the elements",
            )
    if len(parts) != len(shape):
        raise LanguageError(
            f"{shown(node.value)!r} ({array.type}) takes {len(shape)} indices, not {len(parts)}",
            code="BF-L017",
            span=span,
            remedy=f"index it as {shown(node.value)}[{', '.join('ijklmnop'[: len(shape)])}]",
        )
    name = shown(node.value)
    return array, array.place(
        tuple(_index(p, name, size, scope, parse) for p, size in zip(parts, shape, strict=True))
    )


def _indexed(node: ast.Subscript, scope: Scope, parse: ParseExpr, span: Span) -> ArrayName:
    """The array that a subscript indexes."""
    if isinstance(node.value, ast.Subscript) and (part := view(node.value, scope, parse)):
        return part
    if not isinstance(node.value, ast.Name):
        raise LanguageError(
            f"{shown(node.value)!r} cannot be indexed: only an array with a name of its own can",
            code="BF-L018",
            span=span_of(node.value, scope.file),
            remedy="give all indices at once, a[i, j]; bind a captured array to a name outside the kernel",
        )
    name = node.value.id
    array = scope.array(name, span_of(node.value, scope.file))
    if isinstance(array, (ScalarName, Expr)):
        raise LanguageError(
            f"{name!r} is a scalar and cannot be indexed",
            code="BF-L018",
            span=span,
            remedy=f"for one of its bits write get_bit({name}, i), and set_bit({name}, i, v) to change one",
        )
    if not isinstance(array, ArrayName):
        raise LanguageError(
            f"{name!r} is {kind(array)}, not an array",
            code="BF-L018",
            span=span,
            remedy="index an array argument, a local array or a captured NumPy array",
        )
    return array


def _index(node: ast.expr, array: str, size: int, scope: Scope, parse: ParseExpr) -> Expr:
    index = parse(node, scope)
    require_integer(index, f"an index of {array!r}", scope, node)
    return in_range(index, size, array, node, scope)
