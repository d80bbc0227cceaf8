"""Names of what is known before a kernel runs: a scalar computed from loop variables alone is no hardware.

In `i = 7 - k` under an unrolled loop over k, each copy has a constant i. The resource model sees that in
expressions of loop variables, so it puts the expression in the place of the name.
"""

from __future__ import annotations

from dataclasses import replace

from bitfold.ir.nodes import (
    Assign,
    Declare,
    Expr,
    For,
    Function,
    Get,
    If,
    Load,
    Local,
    LoopVar,
    Stmt,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import map_body, map_exprs


def without_known_names(function: Function) -> Function:
    """The same kernel with each such scalar replaced by its value where it is used."""
    assigned = {s.name for s in walk(function.body) if isinstance(s, Assign)}
    names = [s.name for s in walk(function.body) if isinstance(s, Declare)]
    once = {n for n in names if n not in assigned and names.count(n) == 1}
    body = function.body
    while (found := _first_known(body, once)) is not None:
        value, name = found.value, found.name

        def use(expr: Expr, name: str = name, value: Expr = value) -> Expr | None:
            return value if isinstance(expr, Local) and expr.name == name else None

        def drop(stmt: Stmt, name: str = name) -> tuple[Stmt, ...] | None:
            return () if isinstance(stmt, Declare) and stmt.name == name else None

        body = map_exprs(map_body(body, drop), use)
    return replace(function, body=body)


def _first_known(body: tuple[Stmt, ...], once: set[str]) -> Declare | None:
    """A declaration that is made once, never wraps, and whose value has only constants and loop variables."""
    for stmt in body:
        match stmt:
            case For():
                inner = _first_known(stmt.body, once)
            case If():
                inner = _first_known(stmt.then, once) or _first_known(stmt.orelse, once)
            case Declare() if stmt.name in once and _known(stmt):
                return stmt
            case _:
                inner = None
        if inner is not None:
            return inner
    return None


def _known(stmt: Declare) -> bool:
    parts = list(walk_expr(stmt.value))
    used = any(isinstance(p, LoopVar) for p in parts)
    fits = stmt.value.type.width <= stmt.type.width and stmt.value.type.signed <= stmt.type.signed
    return used and fits and not any(isinstance(p, (Local, Load, Get)) for p in parts)
