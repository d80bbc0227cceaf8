"""What conditions say of divisors: below `if d != 0:`, and in `x // d if d > 0 else 0`, `d` is not 0.

A division by such a `d` becomes one by `d if d != 0 else 1`, which is never 0 whatever else happens.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager

from bitfold.frontend.scaled import Scaled
from bitfold.frontend.scope import Scope, is_kernel
from bitfold.frontend.static import static_or_none
from bitfold.ir import build
from bitfold.ir.nodes import Apply, Cmp, Compare, Const, Expr, Fn, Logic
from bitfold.ir.ranges import COMPARE

_NEGATED = {
    Cmp.EQ: Cmp.NE,
    Cmp.NE: Cmp.EQ,
    Cmp.LT: Cmp.GE,
    Cmp.GE: Cmp.LT,
    Cmp.GT: Cmp.LE,
    Cmp.LE: Cmp.GT,
}
_TURNED = {**{op: op for op in Cmp}, Cmp.LT: Cmp.GT, Cmp.GT: Cmp.LT, Cmp.LE: Cmp.GE, Cmp.GE: Cmp.LE}


@contextmanager
def where(cond: Expr, node: ast.expr, holds: bool, scope: Scope) -> Iterator[None]:
    """Parse what runs only where `cond`, written as `node`, is true, or where it is false."""
    before = scope.nonzero
    learn(cond, node, holds, scope)
    yield
    scope.nonzero = [fact for fact in before if fact in scope.nonzero]


def learn(cond: Expr, node: ast.expr, holds: bool, scope: Scope) -> None:
    """From here on, `cond`, written as `node`, is true, or false. Where it never is, nothing runs."""
    names = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
    never = isinstance(cond, Const) and bool(cond.value) is not holds
    found: list[Expr | None] = [None] if never else [*_not_zero(cond, holds)]
    scope.nonzero = [*scope.nonzero, *((value, frozenset() if never else names) for value in found)]


def forget(node: ast.AST, scope: Scope) -> None:
    """Keep nothing of what `node` may change: the names that it stores to or passes to kernels."""
    if not scope.nonzero:
        return
    changed: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, (ast.Name, ast.Subscript, ast.Attribute)) and isinstance(part.ctx, ast.Store):
            changed |= _roots([part])
        elif isinstance(part, ast.Call) and is_kernel(static_or_none(part.func, scope)):
            changed |= _roots([*part.args, *(k.value for k in part.keywords)])
    scope.nonzero = [fact for fact in scope.nonzero if changed.isdisjoint(fact[1])]


def _roots(nodes: list[ast.expr]) -> set[str]:
    """The names that expressions such as `a`, `a[i].re` and `a[2:4]` are parts of."""
    found = set()
    for node in nodes:
        while isinstance(node, (ast.Subscript, ast.Attribute)):
            node = node.value
        if isinstance(node, ast.Name):
            found.add(node.id)
    return found


def divisor(value: Expr, scope: Scope) -> Expr:
    """`value` as a divisor: where it is known not to be 0, in a form that shows it."""
    if isinstance(value, Scaled) or value.real is not None or not scope.nonzero:
        return value
    if value.low <= 0 <= value.high and any(known is None or value == known for known, _ in scope.nonzero):
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
            op = cond.op if holds else _NEGATED[cond.op]
            for side, other, relation in ((cond.lhs, cond.rhs, op), (cond.rhs, cond.lhs, _TURNED[op])):
                if isinstance(other, Const) and not COMPARE[relation](0, other.value):
                    yield side
        case _ if holds:
            yield cond
