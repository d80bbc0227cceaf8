"""Slices of arrays in whole-array expressions: `a[1:5]`, `a[:, 0]`, `a[i : i + 4]`, `a[None]`."""

from __future__ import annotations

import ast
from collections.abc import Callable

from bitfold.diagnostics import LanguageError
from bitfold.frontend.array_values import Value, element, placed
from bitfold.frontend.scope import Scope
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_int
from bitfold.ir.linear import linear


def sliced(node: ast.Subscript, dims: tuple[int, ...], scope: Scope) -> Value | None:
    """`a[1:5]`, `a[i]` of two dimensions, `a[:, 0]`, `a[::-1]`: a part of an array of shape `dims`.

    None for one of its elements.
    """
    parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if not any(map(_is_part, parts)) and len(parts) >= len(dims):
        return None
    for i, part in enumerate(parts):
        if isinstance(part, ast.Constant) and part.value is Ellipsis:
            missing = len(dims) - sum(not _is_new(p) for p in parts) + 1
            parts[i : i + 1] = [placed(part, ast.Slice()) for _ in range(missing)]
            break
    given = sum(not _is_new(p) for p in parts)
    parts += [placed(node, ast.Slice()) for _ in range(len(dims) - given)]
    if given > len(dims) or any(isinstance(p, ast.Starred) or _is_ellipsis(p) for p in parts):
        raise LanguageError(
            f"{shown(node)!r} has more indices than the {len(dims)} dimensions of the array",
            code="BF-L018",
            span=span_of(node, scope.file),
            remedy="give one index or slice for each dimension at most",
        )
    shape: list[int] = []
    index: list[Callable[[list[ast.expr]], ast.expr]] = []
    sizes = iter(dims)
    for part in parts:
        if _is_new(part):
            shape.append(1)
            continue
        size = next(sizes)
        if isinstance(part, ast.Slice):
            start, count, step = _bounds(part, size, node, scope)
            index.append(_affine(start, step, len(shape), node))
            shape.append(count)
        else:
            index.append(_always(part))
    return Value(
        tuple(shape),
        lambda indices: element(node.value, [one(list(indices)) for one in index]),
        view=True,
    )


def _bounds(part: ast.Slice, size: int, node: ast.Subscript, scope: Scope) -> tuple[ast.expr, int, int]:
    """Start, length and step of a slice, as Python has them; what is not constant must be in place."""
    step = 1 if part.step is None else static_int(part.step, scope)
    ends = [e for e in (part.lower, part.upper) if e is not None]
    if step and all(static_int(e, scope) is not None for e in ends):
        low, high = (None if e is None else static_int(e, scope) for e in (part.lower, part.upper))
        taken = range(size)[slice(low, high, step)]
        if not taken:
            raise _refused(part, node, "is empty", "take at least one element", scope)
        return placed(node, ast.Constant(taken[0])), len(taken), step
    if step != 1 or part.lower is None or part.upper is None:
        raise _refused(part, node, "has no constant length", "give it one, such as a[i : i + 4]", scope)
    return _moving(part.lower, part.upper, size, node, scope)


def _moving(
    low: ast.expr, high: ast.expr, size: int, node: ast.Subscript, scope: Scope
) -> tuple[ast.expr, int, int]:
    from bitfold.frontend.expressions import parse_expr

    if any(isinstance(n, (ast.Subscript, ast.Call)) for e in (low, high) for n in ast.walk(e)):
        raise _refused(low, node, "moves with an element", "take that into a scalar before", scope)
    with scope.lifting(None):
        first = parse_expr(low, scope)
        count = parse_expr(placed(node, ast.BinOp(high, ast.Sub(), low)), scope)
    terms, length = linear(count)
    if terms != [] or length < 1:
        raise _refused(low, node, "has no constant length", "give it one, such as a[i : i + 4]", scope)
    if first.low < 0 or first.high + length > size:
        where = f"can leave the array: it starts in {first.low}..{first.high}, and the size there is {size}"
        raise _refused(low, node, where, "keep it inside; a slice does not end early in a kernel", scope)
    return low, length, 1


def _refused(at: ast.expr, node: ast.Subscript, why: str, remedy: str, scope: Scope) -> LanguageError:
    return LanguageError(
        f"the slice {shown(node)!r} {why}",
        code="BF-L019",
        span=span_of(at if hasattr(at, "lineno") else node, scope.file),
        remedy=remedy,
    )


def _is_new(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value is None


def _is_ellipsis(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value is Ellipsis


def _is_part(part: ast.expr) -> bool:
    return isinstance(part, ast.Slice) or _is_new(part) or _is_ellipsis(part)


def _affine(start: ast.expr, step: int, axis: int, node: ast.expr) -> Callable[[list[ast.expr]], ast.expr]:
    def at(indices: list[ast.expr]) -> ast.expr:
        index = indices[axis]
        if step != 1:
            index = ast.BinOp(index, ast.Mult(), ast.Constant(step))
        if isinstance(start, ast.Constant) and start.value == 0:
            return placed(node, index)
        return placed(node, ast.BinOp(start, ast.Add(), index))

    return at


def _always(index: ast.expr) -> Callable[[list[ast.expr]], ast.expr]:
    return lambda _: index
