"""Whole-array expressions: what an expression of arrays is, element by element, as Python's syntax.

An array-valued expression becomes a shape and a way to write any of its elements as an expression of
scalars, which the front end then parses like any other: so `a + b` means what `a[i] + b[i]` means, for every
type of element. A sum and the like is computed by loops before the statement that needs it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from bitfold.diagnostics import LanguageError
from bitfold.frontend.array_values import Indices, Value, element, placed, reshaped, spread, transposed
from bitfold.frontend.numpy_words import rewritten
from bitfold.frontend.scope import ArrayName, Known, Scope
from bitfold.frontend.slices import sliced
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_int, static_or_none
from bitfold.lang.fixed import FixedType
from bitfold.lang.types import FloatType, IntType

REDUCTIONS = ("sum", "prod", "max", "min", "any", "all", "argmax", "argmin")
_VIEWS = ("T", "reshape", "transpose", "copy")
_GIVES_NUMBERS = (*REDUCTIONS, "amax", "amin", "dot", "matmul")
_FUNCTIONS = {np.maximum: "max", np.minimum: "min", np.abs: "abs"}


@dataclass(frozen=True)
class Reduction:
    """`kind` ("sum", "max" ...) of the elements of `value` along its last dimensions, which have `sizes`.

    `shape` is that of what it gives.
    """

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
                array = self.named(node.value)
                return None if array is None else sliced(node, array.type.dims, self.scope)
            case ast.Attribute(attr="T") if (inner := self.value(node.value)) is not None:
                return transposed(inner)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert()):
                inner = self.value(node.operand)
                return None if inner is None else self.each(node, [inner], _unary(node))
            case ast.BinOp(op=ast.MatMult()):
                return self.product(node)
            case ast.BinOp():
                joined = lambda a, b: placed(node, ast.BinOp(a, node.op, b))  # noqa: E731
                return self.pair(node, node.left, node.right, joined)
            case ast.Compare(ops=[op]) if not isinstance(op, (ast.In, ast.NotIn, ast.Is, ast.IsNot)):
                made = lambda a, b: placed(node, ast.Compare(a, [op], [b]))  # noqa: E731
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
            return placed(node, ast.BinOp(left, ast.Mult(), b.at([k, *outer[len(rows) :]])))

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

    def is_method(self, node: ast.Call) -> bool:
        """Whether it is a method of an array, not a function of NumPy."""
        func = node.func
        if not isinstance(func, ast.Attribute) or func.attr not in (*REDUCTIONS, *_VIEWS):
            return False
        return static_or_none(func.value, self.scope) is not np

    def call(self, node: ast.Call) -> Value | None:
        """`a.sum(axis=0)`, `a.reshape(4, 2)`, `abs(a)`, `np.maximum(a, b)`."""
        function = static_or_none(node.func, self.scope) if not self.is_method(node) else None
        if (other := rewritten(node, function)) is not None:
            return self.value(other)
        if function is np.where and len(node.args) == 3:
            return self.mapped(node, lambda c, a, b: ast.IfExp(c, a, b))
        name = "abs" if function is abs else _FUNCTIONS.get(function) if callable(function) else None
        if name is not None:
            return self.mapped(node, lambda *args: _named(name, *args))
        if isinstance(function, (IntType, FloatType, FixedType)) and len(node.args) == 1:
            self.scope.names.maps[-1][f".{function}"] = Known(function)
            return self.mapped(node, lambda value: _named(str(function), value))
        if not isinstance(node.func, ast.Attribute) or node.func.attr not in (*REDUCTIONS, *_VIEWS, "clip"):
            return None
        value = self.value(node.func.value)
        if value is None:
            return None
        if node.func.attr in REDUCTIONS:
            return self.reduction(node, node.func.attr, value)
        if node.func.attr == "clip" and len(node.args) == 2:
            whole = ast.copy_location(ast.Call(node.func, [node.func.value, *node.args], node.keywords), node)
            return self.mapped(whole, lambda x, low, high: _named("min", _named("max", x, low), high))
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

    def mapped(self, node: ast.Call, write: Callable[..., ast.expr]) -> Value | None:
        """A function of the arguments' elements, of which `write` gives the syntax."""
        values = [self.value(a) for a in node.args]
        if all(v is None for v in values) or node.keywords:
            return None
        scalars = [a if v is not None else self.once(a) for a, v in zip(node.args, values, strict=True)]
        arrays = [v for v in values if v is not None]

        def made(*elements: ast.expr) -> ast.expr:
            given = iter(elements)
            args = [s if v is None else next(given) for s, v in zip(scalars, values, strict=True)]
            return placed(node, write(*args))

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
    return isinstance(node.func, ast.Attribute) and node.func.attr in _GIVES_NUMBERS


def _named(name: str, *args: ast.expr) -> ast.expr:
    """A call of a function that the writer of array statements has a name for."""
    return ast.Call(ast.Name(f".{name}", ast.Load()), list(args), [])


def _unary(node: ast.UnaryOp) -> Callable[[ast.expr], ast.expr]:
    return lambda e: placed(node, ast.UnaryOp(node.op, e))
