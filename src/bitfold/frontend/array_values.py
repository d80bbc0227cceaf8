"""The value of a whole-array expression: its shape, and the syntax of any of its elements."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Indices = Sequence[ast.expr]


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


def element(array: ast.expr, indices: Indices) -> ast.expr:
    """`array[indices]`."""
    slice = indices[0] if len(indices) == 1 else ast.Tuple(list(indices), ast.Load())
    return placed(array, ast.Subscript(array, slice, ast.Load()))


def spread(shape: tuple[int, ...], indices: Indices) -> list[ast.expr]:
    """The indices into an array that is repeated along its dimensions of one element."""
    last = indices[len(indices) - len(shape) :]
    return [placed(i, ast.Constant(0)) if size == 1 else i for size, i in zip(shape, last, strict=True)]


def without_leading(value: Value, rank: int) -> Value:
    """`value` with no more than `rank` dimensions, where those before are of one element."""
    spare = max(0, len(value.shape) - rank)
    if not spare or any(size != 1 for size in value.shape[:spare]):
        return value

    def at(indices: Indices) -> ast.expr:
        like = indices[0] if indices else ast.Constant(0, lineno=1, col_offset=0)
        return value.at([*(placed(like, ast.Constant(0)) for _ in range(spare)), *indices])

    return Value(value.shape[spare:], at, value.view, value.reduces, value.inner)


def transposed(value: Value, order: list[int] | None = None) -> Value:
    """The same elements with the dimensions in `order`, or the other way round."""
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
        return value.at([placed(like, i) for i in inner])

    return Value(shape, at, value.view, value.reduces, value.inner)


def placed(node: ast.AST, made: ast.expr) -> ast.expr:
    """`made`, which stands for part of `node`, with its place."""
    for part in ast.walk(made):
        if isinstance(part, ast.expr) and not hasattr(part, "lineno"):
            ast.copy_location(part, node)
    return made
