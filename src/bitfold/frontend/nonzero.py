"""What conditions say of divisors: below `if d != 0:`, and in `x // d if d > 0 else 0`, `d` is not 0.

A division by such a `d` becomes one by `d if d != 0 else 1`, which is never 0 whatever else happens.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from bitfold.diagnostics import LanguageError
from bitfold.frontend.scaled import Scaled, scaled
from bitfold.frontend.scope import Scope, is_kernel
from bitfold.frontend.static import static_or_none
from bitfold.frontend.structs import memory_of
from bitfold.ir import build
from bitfold.ir.nodes import (
    Apply,
    Assign,
    CallKernel,
    Cmp,
    Compare,
    Const,
    Expr,
    Fn,
    Load,
    Local,
    Logic,
    Stmt,
    Store,
    walk,
    walk_expr,
)
from bitfold.ir.ranges import COMPARE

_TURNED = {**{op: op for op in Cmp}, Cmp.LT: Cmp.GT, Cmp.GT: Cmp.LT, Cmp.LE: Cmp.GE, Cmp.GE: Cmp.LE}


@contextmanager
def where(cond: Expr, holds: bool, scope: Scope) -> Iterator[None]:
    """Parse what runs only where `cond` is true, or where it is false."""
    before = scope.nonzero
    learn(cond, holds, scope)
    yield
    scope.nonzero = [fact for fact in before if fact in scope.nonzero]


def learn(cond: Expr, holds: bool, scope: Scope) -> None:
    """From here on, `cond` is true, or false. Where it never is, nothing runs."""
    if isinstance(cond, Const) and bool(cond.value) is not holds:
        scope.nonzero = [*scope.nonzero, None]
    else:
        scope.nonzero = [*scope.nonzero, *_not_zero(cond, holds)]


def forget(statements: Iterable[Stmt], scope: Scope) -> None:
    """Keep nothing of what these statements may change, by the names of the memory."""
    if not scope.nonzero:
        return
    changed: set[str] = set()
    for stmt in walk(tuple(statements)):
        match stmt:
            case Store():
                changed.add(stmt.array)
            case Assign():
                changed.add(stmt.name)
            case CallKernel():
                changed.update(stmt.args)
    scope.nonzero = [value for value in scope.nonzero if value is None or changed.isdisjoint(_memory(value))]


def forget_in(loop: ast.stmt, scope: Scope) -> None:
    """Keep nothing of what the loop may change, before its body is parsed; what is not clear changes all."""
    if not scope.nonzero:
        return
    changed: set[str] = set()
    for part in ast.walk(loop):
        if isinstance(part, ast.Call) and _may_be_kernel(part.func, scope):
            scope.nonzero = []
        elif isinstance(part, (ast.Name, ast.Subscript, ast.Attribute)) and isinstance(part.ctx, ast.Store):
            root: ast.expr = part
            while isinstance(root, (ast.Subscript, ast.Attribute)):
                root = root.value
            if isinstance(root, ast.Name) and (root is part or root.id in scope.names):
                changed |= memory_of(root.id, scope)
            else:  # an array that gets its name in the loop, or a state
                scope.nonzero = []
    scope.nonzero = [value for value in scope.nonzero if value is None or changed.isdisjoint(_memory(value))]


def _may_be_kernel(func: ast.expr, scope: Scope) -> bool:
    try:
        return is_kernel(static_or_none(func, scope))
    except LanguageError:  # it has names that the loop has yet to bind
        return True


def _memory(value: Expr) -> set[str]:
    """The arrays and scalars that a value is computed from."""
    found = set()
    for part in walk_expr(value):
        match part:
            case Load():
                found.add(part.array)
            case Local():
                found.add(part.name)
    return found


def divisor(value: Expr, scope: Scope) -> Expr:
    """`value` as a divisor: where it is known not to be 0, in a form that shows it."""
    if not scope.nonzero or value.real is not None:
        return value
    if isinstance(value, Scaled):
        return scaled(divisor(value.raw, scope), value.fraction, value.span)
    if value.low <= 0 <= value.high and any(known is None or value == known for known in scope.nonzero):
        zero, one = build.const(0, value.span), build.const(1, value.span)
        return build.select(build.compare(Cmp.NE, value, zero, value.span), value, one, value.span)
    return value


def _not_zero(cond: Expr, holds: bool) -> Iterator[Expr]:
    """The values that are not 0 where `cond` is true, or where it is false."""
    match cond:
        case Logic() if cond.is_and is holds:
            yield from _not_zero(cond.lhs, holds)
            yield from _not_zero(cond.rhs, holds)
        case Apply(fn=Fn.NOT):
            yield from _not_zero(cond.args[0], not holds)
        case Compare():
            op = cond.op if holds else cond.op.opposite
            for side, other, relation in ((cond.lhs, cond.rhs, op), (cond.rhs, cond.lhs, _TURNED[op])):
                if isinstance(other, Const) and not COMPARE[relation](0, other.value):
                    yield side
        case _ if holds:
            yield cond
