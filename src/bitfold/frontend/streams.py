"""Calls of a stream's methods: `c.put(v)`, `c.get()`, `c.empty()` and `c[i].full()`."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend import fixed
from bitfold.frontend.floats import require_integer
from bitfold.frontend.scope import ArrayName, ParseExpr, Scope
from bitfold.frontend.source import nodes_of, shown, span_of
from bitfold.frontend.static import static_int
from bitfold.ir import build
from bitfold.ir.nodes import Const, Declare, Expr, Get
from bitfold.lang.stream import StreamType
from bitfold.lang.structs import StructType
from bitfold.lang.types import ArrayType, ElementType


@dataclass(frozen=True, slots=True)
class StreamCall:
    """`stream[indices].method(...)`."""

    stream: ArrayName
    indices: tuple[Expr, ...]
    method: str
    args: list[ast.expr]
    span: Span

    @property
    def elem(self) -> ElementType:
        return self.stream.type.elem

    def get(self) -> Get:
        return build.get(self.stream.ir_name, self.elem, self.span, self.indices)

    def probe(self) -> Expr:
        return build.probe(self.stream.ir_name, self.method == "full", self.span, self.indices)


WORD = "bitfold_word"
"""The attribute of the syntax of a get or put of a stream of structs that is about its word."""


def struct_of(stream: ArrayName) -> StructType | None:
    """The struct type whose bits the words of a stream are, if any."""
    found = stream.type.struct if isinstance(stream.type, StreamType) else None
    return found if isinstance(found, StructType) else None


def taken_whole(call: ast.Call, stream: ast.expr, struct: object, scope: Scope) -> LanguageError:
    """The error of a call of a method of a stream of structs inside an expression."""
    return LanguageError(
        f"{shown(stream)!r} carries structs ({struct}), which are put and taken whole",
        code="BF-L042",
        span=span_of(call, scope.file),
        remedy=f"write `p = {shown(stream)}.get()` or `{shown(stream)}.put(p)` on a line of its own",
    )


def singled(node: ast.FunctionDef) -> frozenset[str]:
    """The names of which a kernel passes single elements to others: `c` in `take(c[0], y)`."""
    calls = (n for n in nodes_of(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name))
    given = (arg for call in calls for arg in (*call.args, *(k.value for k in call.keywords)))
    return frozenset(
        arg.value.id for arg in given if isinstance(arg, ast.Subscript) and isinstance(arg.value, ast.Name)
    )


def passed_stream(node: ast.expr, scope: Scope) -> ArrayName | None:
    """The stream that `node`, an argument of a call, is: `c` or `c[0]`; None when it is something else.

    Raises LanguageError for what cannot be passed of an array of streams.
    """
    base = node.value if isinstance(node, ast.Subscript) else node
    found = scope.names.get(base.id) if isinstance(base, ast.Name) else None
    if not isinstance(found, ArrayName) or not isinstance(found.type, StreamType):
        return None
    span, parts = span_of(node, scope.file), scope.streams.get(found.ir_name)
    if not isinstance(node, ast.Subscript):
        if parts is None:
            return found
        raise LanguageError(
            f"{shown(node)!r} is passed whole here, and one stream of it in another call",
            code="BF-L041",
            span=span,
            remedy="pass single streams only, or whole arrays of them only",
        )
    if parts is None:
        what = f"one stream, not an array ({found.type})" if not found.type.shape else "a parameter"
        raise LanguageError(
            f"{shown(base)!r} is {what}, of which no single stream can be passed on",
            code="BF-L041",
            span=span,
            remedy="declare the array in the top kernel, and pass single streams of it there",
        )
    at = _position(node, found.type, scope)
    if at is None:
        raise LanguageError(
            f"which stream {shown(node)!r} is has to be known before the kernel runs",
            code="BF-L041",
            span=span,
            remedy=f"index it by constants, one for each of {len(found.type.dims)} dimensions; "
            "in a loop that is written out, `for i in static(range(4))`",
        )
    return parts[at]


def _position(node: ast.Subscript, type: StreamType, scope: Scope) -> tuple[int, ...] | None:
    """Which stream `c[i, j]` is; None when that is no constant, and LanguageError when there is none."""
    given = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    found = []
    for part, size in zip(given, type.dims, strict=False):
        value = None if isinstance(part, ast.Slice) else static_int(part, scope)
        if value is None:
            return None
        if not -size <= value < size:
            raise LanguageError(
                f"index {value} is outside {shown(node.value)!r}: there are {size} streams",
                code="BF-L019",
                span=span_of(part, scope.file),
                remedy=f"keep it in 0..{size - 1}",
            )
        found.append(value % size)
    return tuple(found) if len(given) == len(type.dims) else None


def stream_call(node: ast.expr, scope: Scope, parse: ParseExpr) -> StreamCall | None:
    """The call of a stream's method that `node` is, or None. Raises LanguageError for a wrong one."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    owner = node.func.value
    base = owner.value if isinstance(owner, ast.Subscript) else owner
    found = scope.names.get(base.id) if isinstance(base, ast.Name) else None
    if not isinstance(found, ArrayName) or not found.type.streamed:
        return None
    _check_method(node, node.func.attr, found.type, scope)
    if struct_of(found) is not None and node.func.attr in ("get", "put") and not hasattr(node, WORD):
        raise taken_whole(node, owner, struct_of(found), scope)
    if found.ir_name in scope.streams and (one := passed_stream(owner, scope)) is not None:
        return StreamCall(one, (), node.func.attr, node.args, span_of(node, scope.file))
    return StreamCall(
        found, _indices(owner, found, scope, parse), node.func.attr, node.args, span_of(node, scope.file)
    )


def _check_method(node: ast.Call, method: str, type: ArrayType, scope: Scope) -> None:
    known = {"get": 0, "put": 1} | ({"empty": 0, "full": 0} if isinstance(type, StreamType) else {})
    span, text = span_of(node, scope.file), shown(node.func)
    if method not in known:
        raise LanguageError(
            f"{text!r}: a stream ({type}) has no {method!r}",
            code="BF-L041",
            span=span,
            remedy=f"a stream has {', '.join(f'{k}(v)' if n else f'{k}()' for k, n in known.items())}",
        )
    starred = any(isinstance(a, ast.Starred) for a in node.args)
    if len(node.args) != known[method] or node.keywords or starred:
        raise LanguageError(
            f"{text!r} takes {'one value' if known[method] else 'no arguments'}",
            code="BF-L021",
            span=span,
            remedy=f"write {text}({'v' if known[method] else ''})",
        )


def _indices(owner: ast.expr, found: ArrayName, scope: Scope, parse: ParseExpr) -> tuple[Expr, ...]:
    """Which stream of an array of streams; nothing for a stream of its own."""
    shape = found.type.dims if isinstance(found.type, StreamType) else ()
    parts: list[ast.expr] = []
    if isinstance(owner, ast.Subscript):
        parts = owner.slice.elts if isinstance(owner.slice, ast.Tuple) else [owner.slice]
    if len(parts) != len(shape):
        base = shown(owner.value if isinstance(owner, ast.Subscript) else owner)
        right = f"{base}[{', '.join('ijklmnop'[: len(shape)])}]" if shape else base
        what = f"an array of streams of {len(shape)} dimensions" if shape else "one stream, not an array"
        raise LanguageError(
            f"{base!r} ({found.type}) is {what}",
            code="BF-L041",
            span=span_of(owner, scope.file),
            remedy=f"write {right}.get()",
        )
    return tuple(_index(p, size, owner, scope, parse) for p, size in zip(parts, shape, strict=True))


def _index(node: ast.expr, size: int, owner: ast.expr, scope: Scope, parse: ParseExpr) -> Expr:
    index = parse(node, scope)
    require_integer(index, f"an index of {shown(owner)!r}", scope, node)
    if isinstance(index, Const) and -size <= index.value < 0:
        return build.const(index.value + size, index.span)
    if scope.alive and (index.low < 0 or index.high >= size):
        found = index.low if index.low == index.high else f"{index.low}..{index.high}"
        raise LanguageError(
            f"index {found} can be outside {shown(owner)!r}: there are {size} streams",
            code="BF-L019",
            span=span_of(node, scope.file),
            remedy=f"keep it in 0..{size - 1}, for example by % {size}",
        )
    return index


def _inner_get(call: StreamCall, scope: Scope) -> Expr:
    """A get inside a larger expression: taken into a scalar before the statement, where that is the same.

    It is not where the get is evaluated only under a condition, again and again, or after a look at a stream.
    """
    if scope.lifted is None or scope.probed:
        why = "after a look at a stream" if scope.lifted is not None else ""
        raise LanguageError(
            f"{call.stream.ir_name}.get() stands inside a larger expression{', ' if why else ''}{why}",
            code="BF-L042",
            span=call.span,
            remedy=f"take it on a line of its own first: `v: {call.elem} = {call.stream.ir_name}.get()`",
        )
    name = scope.unique(f"{call.stream.ir_name}_value")
    scope.lifted.append(Declare(name, call.elem, call.get(), span=call.span))
    return fixed.read(build.local(name, call.elem, call.span), call.stream.fixed, call.span)


def stream_value(call: StreamCall, scope: Scope) -> Expr:
    """The value of a call of a stream's method that stands inside an expression."""
    if call.method == "get":
        return _inner_get(call, scope)
    if call.method == "put":
        raise LanguageError(
            f"{call.stream.ir_name}.put(v) gives no value",
            code="BF-L042",
            span=call.span,
            remedy="write it on a line of its own",
        )
    scope.probed = True
    return call.probe()
