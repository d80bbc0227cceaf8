"""Whole-array expressions under CPython: what an operator on typed arrays gives, element by element.

The elements are those that a kernel reads, exact Python ints and NumPy's float scalars, and each operator is
Python's own on them. So nothing wraps, and the results are what compiled code gives.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

OPERATORS: dict[Any, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.true_divide: operator.truediv,
    np.floor_divide: operator.floordiv,
    np.remainder: operator.mod,
    np.left_shift: operator.lshift,
    np.right_shift: operator.rshift,
    np.bitwise_and: operator.and_,
    np.bitwise_or: operator.or_,
    np.bitwise_xor: operator.xor,
    np.invert: operator.invert,
    np.negative: operator.neg,
    np.positive: operator.pos,
    np.absolute: abs,
    np.maximum: max,
    np.minimum: min,
    np.equal: lambda a, b: int(a == b),
    np.not_equal: lambda a, b: int(a != b),
    np.less: lambda a, b: int(a < b),
    np.less_equal: lambda a, b: int(a <= b),
    np.greater: lambda a, b: int(a > b),
    np.greater_equal: lambda a, b: int(a >= b),
}
"""What NumPy's operators on arrays are on the elements of typed arrays."""


def elements(values: Any) -> np.ndarray:
    """An array, or a scalar as one without dimensions, with what a kernel reads as its elements."""
    made = np.empty(np.shape(values) if isinstance(values, np.ndarray) else (), object)
    for place in np.ndindex(made.shape):
        value = values[place] if isinstance(values, np.ndarray) else values
        made[place] = int(value) if isinstance(value, (bool, np.bool_, np.integer)) else value
    return made


def elementwise(compute: Callable[..., Any], *operands: Any) -> np.ndarray:
    """`compute` on every element; arrays of one element repeat, as NumPy has it."""
    given = np.broadcast_arrays(*(elements(o) for o in operands))
    made = np.empty(given[0].shape, object)
    for place in np.ndindex(made.shape):
        made[place] = compute(*(g[place] for g in given))
    return made


def product(a: Any, b: Any) -> np.ndarray:
    """`a @ b`, each element a sum from 0 on in the order of the indices."""
    left, right = elements(a), elements(b)
    if left.shape[-1] != right.shape[0]:
        raise ValueError(f"the shapes of a matrix product do not fit: {left.shape} and {right.shape}")
    made = np.empty((*left.shape[:-1], *right.shape[1:]), object)
    for place in np.ndindex(made.shape):
        row, column = place[: left.ndim - 1], place[left.ndim - 1 :]
        made[place] = total(left[(*row, k)] * right[(k, *column)] for k in range(left.shape[-1]))
    return made


def total(values: Any) -> Any:
    """The sum of the values in their order, from 0 on in their type."""
    found: Any = None
    for value in values:
        if found is None:
            found = 0 if isinstance(value, int) else type(value)(0)
        found = found + value
    return found


def times(values: Any) -> Any:
    """The product of the values in their order."""
    found: Any = None
    for value in values:
        found = value if found is None else found * value
    return found


def _place(better: Callable[[Any, Any], Any]) -> Callable[[Any], int]:
    """Where the first of the best values is."""

    def over(values: Any) -> int:
        best = 0
        for at, value in enumerate(values):
            if better(value, values[best]):
                best = at
        return best

    return over


def _first(compare: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    def over(values: Any) -> Any:
        found: Any = None
        for value in values:
            found = value if found is None else compare(found, value)
        return found

    return over


REDUCTIONS: dict[str, Callable[[Any], Any]] = {
    "sum": total,
    "prod": times,
    "argmax": _place(operator.gt),
    "argmin": _place(operator.lt),
    "max": _first(max),
    "min": _first(min),
    "any": lambda values: int(any(bool(v) for v in values)),
    "all": lambda values: int(all(bool(v) for v in values)),
}


def reduced(kind: str, array: Any, axis: int | None) -> Any:
    """A reduction along one axis, or over all elements in row-major order."""
    values, reduce = elements(array), REDUCTIONS[kind]
    if axis is None:
        return reduce(values.reshape(-1).tolist())
    last = np.moveaxis(values, axis, -1)
    made = np.empty(last.shape[:-1], object)
    for place in np.ndindex(made.shape):
        made[place] = reduce(list(last[place]))
    return made if made.shape else made[()]
