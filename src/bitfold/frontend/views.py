"""Parts of arrays: `x[0]`, `y[2:5]`, `A[i, ::2]`, as arguments, and under names of their own.

The IR has no views. A part is the whole array and where the part is in it: after `row = A[i]`, `row[j]` is
`A[i, j]`. A kernel that is called with a part gets the whole array as well; where in it the part is goes into
the kernel's instance when it is constant, and is passed as a number when it varies.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from itertools import combinations

import numpy as np

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.scope import ArrayName, Axis, ParseExpr, Scope
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_int
from bitfold.ir import build
from bitfold.ir.linear import linear
from bitfold.ir.nodes import Binary, Const, Declare, Expr, Get, Load, Local, Op, Stmt, walk_expr
from bitfold.lang.types import ArrayType


def view(
    node: ast.expr, scope: Scope, parse: ParseExpr, before: list[Stmt] | None = None
) -> ArrayName | None:
    """The array, or the part of one, that `node` is; None when it is an element or something else.

    What an index reads is kept in a scalar in `before`: it may change while the part is in use. Without
    `before` the part is used at once.
    """
    if isinstance(node, ast.Name):
        found = scope.names.get(node.id, scope.outside.get(node.id))
        if isinstance(found, np.ndarray) and node.id not in scope.own:
            found = scope.array(node.id, span_of(node, scope.file))
        return found if isinstance(found, ArrayName) else None
    if not isinstance(node, ast.Subscript):
        return None
    base = view(node.value, scope, parse, before)
    if base is None or base.type.streamed:
        return None
    rank = len(base.type.dims)
    parts = _expanded(node, rank)
    if len(parts) > rank or (len(parts) == rank and not any(isinstance(p, ast.Slice) for p in parts)):
        return None
    if base.type.lanes_of:
        raise LanguageError(
            f"{shown(node.value)!r} is packed, and a part of it has no words of its own",
            code="BF-L029",
            span=span_of(node, scope.file),
            remedy="pass the whole array",
        )
    return _part(base, [*parts, *[ast.Slice()] * (rank - len(parts))], node, scope, parse, before)


def _expanded(node: ast.Subscript, rank: int) -> list[ast.expr]:
    parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    dots = [i for i, p in enumerate(parts) if isinstance(p, ast.Constant) and p.value is Ellipsis]
    if len(dots) == 1 and len(parts) - 1 <= rank:
        missing = rank - (len(parts) - 1)
        parts[dots[0] : dots[0] + 1] = [ast.Slice()] * missing
    return parts


def _part(
    base: ArrayName,
    parts: list[ast.expr],
    node: ast.Subscript,
    scope: Scope,
    parse: ParseExpr,
    before: list[Stmt] | None,
) -> ArrayName:
    axes = list(base.view or (Axis(build.const(0), 1, size) for size in base.type.dims))
    kept = [i for i, axis in enumerate(axes) if axis.size is not None]
    dims = []
    for at, part, size in zip(kept, parts, base.type.dims, strict=True):
        where = part if hasattr(part, "lineno") else node
        if isinstance(part, ast.Slice):
            start, step, count = _slice(part, size, node, scope, parse)
            dims.append(count)
        else:
            start = in_range(parse(part, scope), size, shown(node.value), part, scope)
            step, count = 1, None
        start = _held(start, scope, before)
        old = axes[at]
        offset = build.binary(Op.MUL, start, build.const(old.step), span_of(where, scope.file))
        axes[at] = Axis(build.binary(Op.ADD, old.start, offset), step * old.step, count)
    type = ArrayType(base.type.elem, tuple(dims))
    return replace(base, type=type, view=tuple(axes), whole=base.whole or base.type)


def _held(e: Expr, scope: Scope, before: list[Stmt] | None) -> Expr:
    """The value of an index as it is now."""
    if before is None or not any(isinstance(p, (Load, Local, Get)) for p in walk_expr(e)):
        return e
    name = scope.unique("at")
    before.append(Declare(name, e.type, e, span=e.span))
    return build.local(name, e.type, e.span)


def in_range(index: Expr, size: int, array: str, node: ast.expr, scope: Scope) -> Expr:
    """`index`, written as `node`, in a dimension of `array`; a constant one may count from the end.

    Raises LanguageError when it is certainly outside.
    """
    if isinstance(index, Const) and -size <= index.value < 0:
        return build.const(index.value + size, index.span)
    if scope.alive and (index.low >= size or index.high < 0):
        found = index.low if index.low == index.high else f"{index.low}..{index.high}"
        raise LanguageError(
            f"index {found} is outside {array!r}, whose size there is {size}",
            code="BF-L019",
            span=span_of(node, scope.file),
            remedy=f"keep it in 0..{size - 1}",
        )
    return index


def _slice(
    node: ast.Slice, size: int, whole: ast.Subscript, scope: Scope, parse: ParseExpr
) -> tuple[Expr, int, int]:
    """The start, the step and the number of the indices of a slice."""
    span = span_of(node if hasattr(node, "lineno") else whole, scope.file)
    step = 1 if node.step is None else static_int(node.step, scope)
    if not step:
        raise _refused(f"the step of the slice {shown(whole)!r} is no constant other than 0", span)
    bounds = [None if b is None else parse(b, scope) for b in (node.lower, node.upper)]
    if all(b is None or isinstance(b, Const) for b in bounds):
        low, high = (b.value if isinstance(b, Const) else None for b in bounds)
        indices = range(*slice(low, high, step).indices(size))
        if not indices:
            raise _refused(f"the slice {shown(whole)!r} is empty: its size there is {size}", span)
        return build.const(indices[0], span), step, len(indices)
    start, stop = bounds[0] or build.const(0), bounds[1] or build.const(size)
    count = _distance(start, stop)
    if count is None or count < 1 or step != 1:
        raise _refused(f"the size of the slice {shown(whole)!r} is not known before the kernel runs", span)
    if scope.alive and (start.low + count > size or start.high < 0):
        raise _refused(f"the slice {shown(whole)!r} reaches outside: its size there is {size}", span)
    return start, 1, count


def _refused(what: str, span: Span) -> LanguageError:
    return LanguageError(
        what, code="BF-L064", span=span, remedy="write x[a:b] with constants, or x[i:i + 4] inside the array"
    )


def _distance(start: Expr, stop: Expr) -> int | None:
    """`stop - start` when that is a constant."""
    (first, low), (last, high) = _shifted(start), _shifted(stop)
    if first == last:
        return high - low
    terms, offset = linear(build.binary(Op.SUB, stop, start))
    return offset if terms is not None and not terms else None


def _shifted(e: Expr) -> tuple[Expr, int]:
    """`e` as something plus a constant."""
    if isinstance(e, Binary) and e.op in (Op.ADD, Op.SUB) and isinstance(e.rhs, Const):
        base, offset = _shifted(e.lhs)
        return base, offset + (e.rhs.value if e.op is Op.ADD else -e.rhs.value)
    return e, 0


# ---- parts as arguments


def disjoint(a: ArrayName, b: ArrayName) -> bool:
    """Whether two parts of one array certainly have no element in common."""
    if a.view is None or b.view is None:
        return False
    return any(_apart(x, y) for x, y in zip(a.view, b.view, strict=True))


def _apart(a: Axis, b: Axis) -> bool:
    gap = _distance(a.start, b.start)
    if gap is None:
        return False
    first = {a.step * i for i in range(a.size or 1)}
    return not any(gap + b.step * i in first for i in range(b.size or 1))


def overlapping(parts: list[ArrayName]) -> bool:
    """Whether two of the parts of one array may have an element in common."""
    return any(not disjoint(a, b) for a, b in combinations(parts, 2))
