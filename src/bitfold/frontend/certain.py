"""Accesses outside an array that happen whenever the kernel runs: no condition stands around them.

    for i in range(4):
        y[i] = x[i - 1]        # x[-1] when i = 0: the last element to Python, other memory to hardware

Where loops of constant range stand alone around an access, each combination of their variables happens; so an
index that is a sum of multiples of different variables takes the least and the greatest value there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bitfold.diagnostics import LanguageError
from bitfold.ir.nodes import (
    Alloc,
    Binary,
    Const,
    Expr,
    For,
    Function,
    Get,
    Load,
    Logic,
    LoopVar,
    Op,
    Put,
    Rom,
    Select,
    Stmt,
    Store,
    operands,
    own_exprs,
    walk,
)

Ranges = dict[str, range]
"""What each loop variable runs through."""


def check_indices(function: Function) -> None:
    """Raise LanguageError for an index that leaves its array in some iteration, whatever the data."""
    sizes = {p.name: p.type.dims for p in function.params}
    sizes |= {s.name: s.type.dims for s in walk(function.body) if isinstance(s, (Alloc, Rom))}
    for array, index, at, ranges in _accesses(function.body, {}):
        _check(array, sizes.get(array, ())[at:][:1], index, ranges)


Access = tuple[str, Expr, int, Ranges]
"""An array, an index of it, the dimension and the loops around."""


def _accesses(body: tuple[Stmt, ...], ranges: Ranges) -> Iterator[Access]:
    for stmt in body:
        for expr in own_exprs(stmt):
            yield from _read(expr, ranges)
        if isinstance(stmt, Store):
            yield from _indices(stmt.array, stmt.indices, ranges)
        elif isinstance(stmt, Put):
            yield from _indices(stmt.stream, stmt.indices, ranges)
        elif isinstance(stmt, For) and (runs := _runs(stmt)):
            yield from _accesses(stmt.body, {**ranges, stmt.var: runs})


def _runs(loop: For) -> range | None:
    """What the variable of a loop of constant range runs through."""
    low, high = loop.low, loop.high
    return (
        range(low.value, high.value, loop.step)
        if isinstance(low, Const) and isinstance(high, Const)
        else None
    )


def _read(expr: Expr, ranges: Ranges) -> Iterator[Access]:
    if isinstance(expr, Load):
        yield from _indices(expr.array, expr.indices, ranges)
    elif isinstance(expr, Get):
        yield from _indices(expr.stream, expr.indices, ranges)
    always = operands(expr)
    if isinstance(expr, (Select, Logic)):
        always = always[:1]  # the rest is evaluated where the first says so
    for part in always:
        yield from _read(part, ranges)


def _indices(array: str, indices: tuple[Expr, ...], ranges: Ranges) -> Iterator[Access]:
    for at, index in enumerate(indices):
        yield array, index, at, ranges


def _check(array: str, size: tuple[int, ...], index: Expr, ranges: Ranges) -> None:
    if not size or (index.low >= 0 and index.high < size[0]):
        return
    found = _linear(index, ranges)
    if found is None:
        return
    factors, constant = found
    for pick in (max, min):
        at = {v: pick((ranges[v][0], ranges[v][-1]), key=f.__mul__) for v, f in factors.items() if f}
        value = constant + sum(factors[v] * n for v, n in at.items())
        if not 0 <= value < size[0]:
            when = f" when {', '.join(f'{v} = {n}' for v, n in at.items())}" if at else ""
            raise LanguageError(
                f"an index of {array!r} is {value}{when}, outside of the {size[0]} elements there",
                code="BF-L019",
                span=index.span,
                remedy=f"keep it in 0..{size[0] - 1}: change the range, or use the element under an `if`",
            )


def _linear(expr: Expr, ranges: Ranges) -> tuple[Mapping[str, int], int] | None:
    """The factor of each loop variable in `expr`, and the rest; None where it is anything else."""
    match expr:
        case Const():
            return {}, expr.value
        case LoopVar() if expr.name in ranges:
            return {expr.name: 1}, 0
        case Binary(op=Op.ADD | Op.SUB | Op.MUL):
            left, right = _linear(expr.lhs, ranges), _linear(expr.rhs, ranges)
            if left is None or right is None:
                return None
            if expr.op is Op.MUL:
                if left[0] and right[0]:
                    return None
                (factors, rest), by = (left, right[1]) if left[0] else (right, left[1])
                return {v: f * by for v, f in factors.items()}, rest * by
            sign = -1 if expr.op is Op.SUB else 1
            names = {**left[0], **right[0]}
            return {v: left[0].get(v, 0) + sign * right[0].get(v, 0) for v in names}, left[1] + sign * right[
                1
            ]
    return None
