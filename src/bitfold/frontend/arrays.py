"""Whole-array expressions: what an expression of arrays is, element by element, as Python's syntax.

An array-valued expression becomes a shape and a way to write any of its elements as an expression of
scalars, which the front end then parses like any other: so `a + b` means what `a[i] + b[i]` means, for every
type of element. A sum and the like is computed by loops before the statement that needs it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from bitfold.diagnostics import LanguageError
from bitfold.frontend.scope import ArrayName, Scope
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_int, static_or_none
from bitfold.ir.linear import linear

Indices = Sequence[ast.expr]

REDUCTIONS = ("sum", "max", "min", "any", "all")
_VIEWS = ("T", "reshape", "transpose", "copy")
_FUNCTIONS = {np.maximum: "max", np.minimum: "min", np.abs: "abs"}


@dataclass(frozen=True)
class Value:
    """An array-valued expression. `at(indices)` is one of its elements as syntax.

    `view` tells that its elements are those of an array itself; `reduces` that writing an element takes
    loops, whose statements come before it; `inner` lists the arrays that these loops read.
    """

    shape: tuple[int, ...]
    at: Callable[[Indices], ast.expr]
    view: bool = False
    reduces: bool = False
    inner: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reduction:
    """`kind` of the elements of `value` along `axes`, which stand last in `value`'s indices here."""

    value: Value
    kind: str
    sizes: tuple[int, ...]
    shape: tuple[int, ...]


Evaluate = Callable[[Reduction, Indices, ast.expr], ast.expr]
"""Writes the loops of a reduction; returns the name of what they find."""
Keep = Callable[[Value, ast.expr], Value]
"""Computes an array before the statement, and is a view of it."""
Once = Callable[[ast.expr], ast.expr]
"""Computes a scalar before the statement."""


@dataclass(frozen=True)
class Reader:
    """Reads array-valued expressions; what has to be computed before is left to the three functions."""

    scope: Scope
    evaluate: Evaluate
    keep: Keep
    once: Once

    def value(self, node: ast.expr) -> Value | None:
        """The array-valued expression that `node` is, or None when it is none."""
        match node:
            case ast.Name():
                return self.whole(node)
            case ast.Subscript():
                return self.slice(node)
            case ast.Attribute(attr="T") if (inner := self.value(node.value)) is not None:
                return transposed(inner)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert()):
                inner = self.value(node.operand)
                return None if inner is None else self.each(node, [inner], _unary(node))
            case ast.BinOp(op=ast.MatMult()):
                return self.product(node)
            case ast.BinOp():
                joined = lambda a, b: _same(node, ast.BinOp(a, node.op, b))  # noqa: E731
                return self.pair(node, node.left, node.right, joined)
            case ast.Compare(ops=[op]) if not isinstance(op, (ast.In, ast.NotIn, ast.Is, ast.IsNot)):
                made = lambda a, b: _same(node, ast.Compare(a, [op], [b]))  # noqa: E731
                return self.pair(node, node.left, node.comparators[0], made)
            case ast.Call():
                return self.call(node)
        return None

    # ---- arrays and their parts

    def named(self, node: ast.expr) -> ArrayName | None:
        if not isinstance(node, ast.Name):
            return None
        found = self.scope.names.get(node.id)
        if found is None and node.id not in self.scope.own:
            outside = self.scope.outside.get(node.id)
            if isinstance(outside, np.ndarray) and outside.ndim:
                found = self.scope.array(node.id, span_of(node, self.scope.file))
        return found if isinstance(found, ArrayName) and not found.type.streamed else None

    def whole(self, node: ast.Name) -> Value | None:
        array = self.named(node)
        if array is None:
            return None
        return Value(array.type.dims, lambda indices: element(node, indices), view=True)

    def slice(self, node: ast.Subscript) -> Value | None:
        """`a[1:5]`, `a[i]` of two dimensions, `a[:, 0]`, `a[::-1]`: a part of an array."""
        array = self.named(node.value)
        if array is None:
            return None
        parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        dims = array.type.dims
        if not any(map(_is_part, parts)) and len(parts) >= len(dims):
            return None
        for i, part in enumerate(parts):
            if isinstance(part, ast.Constant) and part.value is Ellipsis:
                missing = len(dims) - sum(not _is_new(p) for p in parts) + 1
                parts[i : i + 1] = [_same(part, ast.Slice()) for _ in range(missing)]
                break
        given = sum(not _is_new(p) for p in parts)
        parts += [_same(node, ast.Slice()) for _ in range(len(dims) - given)]
        if given > len(dims) or any(isinstance(p, ast.Starred) or _is_ellipsis(p) for p in parts):
            raise LanguageError(
                f"{shown(node)!r} has more indices than the {len(dims)} dimensions of the array",
                code="BF-L018",
                span=span_of(node, self.scope.file),
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
                start, count, step = self.bounds(part, size, node)
                index.append(_affine(start, step, len(shape), node))
                shape.append(count)
            else:
                index.append(_always(part))
        return Value(
            tuple(shape),
            lambda indices: element(node.value, [one(list(indices)) for one in index]),
            view=True,
        )

    def bounds(self, part: ast.Slice, size: int, node: ast.Subscript) -> tuple[ast.expr, int, int]:
        """Start, length and step of a slice, as Python has them; what is not constant must be in place."""
        step = 1 if part.step is None else static_int(part.step, self.scope)
        ends = [e for e in (part.lower, part.upper) if e is not None]
        if step and all(static_int(e, self.scope) is not None for e in ends):
            low, high = (None if e is None else static_int(e, self.scope) for e in (part.lower, part.upper))
            taken = range(size)[slice(low, high, step)]
            if not taken:
                raise self.refused(part, node, "is empty", "take at least one element")
            return _same(node, ast.Constant(taken[0])), len(taken), step
        if step != 1 or part.lower is None or part.upper is None:
            raise self.refused(part, node, "has no constant length", "give it one, such as a[i : i + 4]")
        return self.moving(part.lower, part.upper, size, node)

    def moving(
        self, low: ast.expr, high: ast.expr, size: int, node: ast.Subscript
    ) -> tuple[ast.expr, int, int]:
        from bitfold.frontend.expressions import parse_expr

        if any(isinstance(n, (ast.Subscript, ast.Call)) for e in (low, high) for n in ast.walk(e)):
            raise self.refused(low, node, "moves with an element", "take that into a scalar before")
        with self.scope.lifting(None):
            first = parse_expr(low, self.scope)
            count = parse_expr(_same(node, ast.BinOp(high, ast.Sub(), low)), self.scope)
        terms, length = linear(count)
        if terms != [] or length < 1:
            raise self.refused(low, node, "has no constant length", "give it one, such as a[i : i + 4]")
        if first.low < 0 or first.high + length > size:
            where = (
                f"can leave the array: it starts in {first.low}..{first.high}, and the size there is {size}"
            )
            raise self.refused(low, node, where, "keep it inside; a slice does not end early in a kernel")
        return low, length, 1

    def refused(self, at: ast.expr, node: ast.Subscript, why: str, remedy: str) -> LanguageError:
        return LanguageError(
            f"the slice {shown(node)!r} {why}",
            code="BF-L019",
            span=span_of(at if hasattr(at, "lineno") else node, self.scope.file),
            remedy=remedy,
        )

    # ---- operators

    def each(self, node: ast.expr, values: list[Value], made: Callable[..., ast.expr]) -> Value:
        """An operator on arrays of shapes that fit, element by element; arrays of one element repeat."""
        try:
            shape = np.broadcast_shapes(*(v.shape for v in values))
        except ValueError:
            raise LanguageError(
                f"{shown(node)!r} joins arrays of shapes {' and '.join(str(v.shape) for v in values)}",
                code="BF-L055",
                span=span_of(node, self.scope.file),
                remedy="shapes fit when, from the last dimension on, sizes are equal or 1",
            ) from None
        values = [self.keep(v, node) if v.reduces and v.shape != shape else v for v in values]

        def at(indices: Indices) -> ast.expr:
            return made(*(v.at(spread(v.shape, indices)) for v in values))

        return Value(
            shape,
            at,
            reduces=any(v.reduces for v in values),
            inner=frozenset().union(*(v.inner for v in values)),
        )

    def pair(
        self, node: ast.expr, left: ast.expr, right: ast.expr, made: Callable[[ast.expr, ast.expr], ast.expr]
    ) -> Value | None:
        a, b = self.value(left), self.value(right)
        if a is None and b is None:
            return None
        if a is None:
            scalar = self.once(left)
            assert b is not None
            return self.each(node, [b], lambda e: made(scalar, e))
        if b is None:
            scalar = self.once(right)
            return self.each(node, [a], lambda e: made(e, scalar))
        return self.each(node, [a, b], made)

    def product(self, node: ast.BinOp) -> Value | None:
        """`a @ b`: the sums of products over the last dimension of `a` and the last but one of `b`."""
        a, b = self.value(node.left), self.value(node.right)
        if a is None or b is None:
            if a is None and b is None:
                return None
            raise self.unfit(node, "one side is no array")
        if not (1 <= len(a.shape) <= 2 and 1 <= len(b.shape) <= 2) or a.shape[-1] != b.shape[0]:
            raise self.unfit(node, f"the shapes are {a.shape} and {b.shape}")
        a, b = (self.keep(v, node) if v.reduces else v for v in (a, b))
        rows, columns = a.shape[:-1], b.shape[1:]
        shape = (*rows, *columns)

        def at(indices: Indices) -> ast.expr:
            *outer, k = indices
            left = a.at([*outer[: len(rows)], k])
            return _same(node, ast.BinOp(left, ast.Mult(), b.at([k, *outer[len(rows) :]])))

        both = Value((*shape, a.shape[-1]), at)
        return self.reduced(Reduction(both, "sum", (a.shape[-1],), shape), node)

    def unfit(self, node: ast.BinOp, why: str) -> LanguageError:
        return LanguageError(
            f"{shown(node)!r} is no product of matrices or vectors: {why}",
            code="BF-L055",
            span=span_of(node, self.scope.file),
            remedy="in a @ b, the last dimension of a is as long as the first one of b; both have 1 or 2",
        )

    def reduced(self, reduction: Reduction, node: ast.expr) -> Value:
        def at(indices: Indices) -> ast.expr:
            return self.evaluate(reduction, indices, node)

        names = [f".axis{i}" for i in range(len(reduction.value.shape))]
        sample = reduction.value.at([ast.Name(n, ast.Load()) for n in names])
        read = (self.named(n) for n in ast.walk(sample) if isinstance(n, ast.Name))
        inner = frozenset(a.ir_name for a in read if a is not None)
        return Value(reduction.shape, at, reduces=True, inner=inner)

    # ---- calls

    def call(self, node: ast.Call) -> Value | None:
        """`a.sum(axis=0)`, `a.reshape(4, 2)`, `abs(a)`, `np.maximum(a, b)`."""
        function = static_or_none(node.func, self.scope) if not _is_method(node) else None
        name = "abs" if function is abs else _FUNCTIONS.get(function) if callable(function) else None
        if name is not None:
            return self.mapped(node, name)
        if not isinstance(node.func, ast.Attribute) or node.func.attr not in (*REDUCTIONS, *_VIEWS):
            return None
        value = self.value(node.func.value)
        if value is None:
            return None
        if node.func.attr in REDUCTIONS:
            return self.reduction(node, node.func.attr, value)
        if node.func.attr == "copy":
            return Value(value.shape, value.at, reduces=value.reduces, inner=value.inner)
        if value.reduces:
            value = self.keep(value, node)
        sizes = self.integers(node, node.args)
        if node.func.attr == "transpose":
            return transposed(value, sizes or None)
        if (
            sizes.count(-1) == 1
            and (rest := prod(s for s in sizes if s != -1))
            and prod(value.shape) % rest == 0
        ):
            sizes[sizes.index(-1)] = prod(value.shape) // rest
        if prod(sizes) != prod(value.shape) or min(sizes, default=1) < 1:
            raise LanguageError(
                f"an array of shape {value.shape} cannot have the shape {tuple(sizes)}",
                code="BF-L055",
                span=span_of(node, self.scope.file),
                remedy=f"the sizes must give {prod(value.shape)} elements",
            )
        return reshaped(value, tuple(sizes))

    def mapped(self, node: ast.Call, name: str) -> Value | None:
        values = [self.value(a) for a in node.args]
        if all(v is None for v in values) or node.keywords:
            return None
        scalars = [a if v is not None else self.once(a) for a, v in zip(node.args, values, strict=True)]
        arrays = [v for v in values if v is not None]

        def made(*elements: ast.expr) -> ast.expr:
            given = iter(elements)
            args = [s if v is None else next(given) for s, v in zip(scalars, values, strict=True)]
            return _same(node, ast.Call(ast.copy_location(ast.Name(f".{name}", ast.Load()), node), args, []))

        return self.each(node, arrays, made)

    def integers(self, node: ast.Call, args: list[ast.expr]) -> list[int]:
        if len(args) == 1 and isinstance(found := static_or_none(args[0], self.scope), tuple):
            return [int(v) for v in found]
        sizes = [static_int(a, self.scope) for a in args]
        if any(s is None for s in sizes) or node.keywords:
            raise LanguageError(
                f"{shown(node)!r} needs compile-time integers",
                code="BF-L055",
                span=span_of(node, self.scope.file),
                remedy="write the sizes as constants",
            )
        return [s for s in sizes if s is not None]

    def reduction(self, node: ast.Call, kind: str, value: Value) -> Value:
        given: list[ast.expr] = [*node.args, *(k.value for k in node.keywords if k.arg == "axis")]
        axis = static_int(given[0], self.scope) if given else None
        rank = len(value.shape)
        none = len(given) == 1 and isinstance(given[0], ast.Constant) and given[0].value is None
        wrong = axis is None or not -rank <= axis < rank
        if len(given) > 1 or len(node.keywords) > (not node.args) or (given and not none and wrong):
            raise LanguageError(
                f"{shown(node)!r}: {kind} takes one axis in {-rank}..{rank - 1}, or none for all elements",
                code="BF-L055",
                span=span_of(node, self.scope.file),
                remedy=f"write {shown(node.func)}() or {shown(node.func)}(axis=0)",
            )
        if value.reduces:
            value = self.keep(value, node)
        if axis is None:
            return self.reduced(Reduction(value, kind, value.shape, ()), node)
        axis %= rank
        rest = tuple(s for d, s in enumerate(value.shape) if d != axis)

        def at(indices: Indices) -> ast.expr:
            *outer, k = indices
            return value.at([*outer[:axis], k, *outer[axis:]])

        last = Value((*rest, value.shape[axis]), at)
        return self.reduced(Reduction(last, kind, (value.shape[axis],), rest), node)


def is_reduction(node: ast.Call) -> bool:
    """Whether it may be `a.sum()` or the like."""
    return isinstance(node.func, ast.Attribute) and node.func.attr in REDUCTIONS


def _is_method(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr in (*REDUCTIONS, *_VIEWS)


def _same(node: ast.AST, made: ast.expr) -> ast.expr:
    """`made`, which stands for part of `node`, with its place."""
    for part in ast.walk(made):
        if isinstance(part, (ast.expr,)) and not hasattr(part, "lineno"):
            ast.copy_location(part, node)
    return made


def _unary(node: ast.UnaryOp) -> Callable[[ast.expr], ast.expr]:
    return lambda e: _same(node, ast.UnaryOp(node.op, e))


def _is_new(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value is None


def _is_ellipsis(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and part.value is Ellipsis


def _is_part(part: ast.expr) -> bool:
    return isinstance(part, ast.Slice) or _is_new(part) or _is_ellipsis(part)


def element(array: ast.expr, indices: Indices) -> ast.expr:
    """`array[indices]`."""
    slice = indices[0] if len(indices) == 1 else ast.Tuple(list(indices), ast.Load())
    return _same(array, ast.Subscript(array, slice, ast.Load()))


def _affine(start: ast.expr, step: int, axis: int, node: ast.expr) -> Callable[[list[ast.expr]], ast.expr]:
    def at(indices: list[ast.expr]) -> ast.expr:
        index = indices[axis]
        if step != 1:
            index = ast.BinOp(index, ast.Mult(), ast.Constant(step))
        if isinstance(start, ast.Constant) and start.value == 0:
            return _same(node, index)
        return _same(node, ast.BinOp(start, ast.Add(), index))

    return at


def spread(shape: tuple[int, ...], indices: Indices) -> list[ast.expr]:
    """The indices into an array that is repeated along its dimensions of one element."""
    last = indices[len(indices) - len(shape) :]
    return [_same(i, ast.Constant(0)) if size == 1 else i for size, i in zip(shape, last, strict=True)]


def without_leading(value: Value, rank: int) -> Value:
    """`value` with no more than `rank` dimensions, where those before are of one element."""
    spare = max(0, len(value.shape) - rank)
    if not spare or any(size != 1 for size in value.shape[:spare]):
        return value

    def at(indices: Indices) -> ast.expr:
        like = indices[0] if indices else ast.Constant(0, lineno=1, col_offset=0)
        return value.at([*(_same(like, ast.Constant(0)) for _ in range(spare)), *indices])

    return Value(value.shape[spare:], at, value.view, value.reduces, value.inner)


def _always(index: ast.expr) -> Callable[[list[ast.expr]], ast.expr]:
    return lambda _: index


def transposed(value: Value, order: list[int] | None = None) -> Value:
    rank = len(value.shape)
    axes = [a % rank for a in order] if order else list(reversed(range(rank)))

    def at(indices: Indices) -> ast.expr:
        return value.at([indices[axes.index(d)] for d in range(rank)])

    return Value(tuple(value.shape[a] for a in axes), at, value.view, value.reduces, value.inner)


def reshaped(value: Value, shape: tuple[int, ...]) -> Value:
    """The same elements in row-major order under another shape."""

    def at(indices: Indices) -> ast.expr:
        flat: ast.expr = ast.Constant(0)
        for size, index in zip(shape, indices, strict=True):
            flat = ast.BinOp(ast.BinOp(flat, ast.Mult(), ast.Constant(size)), ast.Add(), index)
        inner: list[ast.expr] = []
        for size in reversed(value.shape):
            inner.insert(0, ast.BinOp(flat, ast.Mod(), ast.Constant(size)))
            flat = ast.BinOp(flat, ast.FloorDiv(), ast.Constant(size))
        like = indices[0] if indices else ast.Constant(0, lineno=1, col_offset=0)
        return value.at([_same(like, i) for i in inner])

    return Value(shape, at, value.view, value.reduces, value.inner)
