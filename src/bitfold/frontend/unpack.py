"""Assignments to several places at once: `a, b = b, a`, `x[0], n = n, 3` and `a = b = 0`.

Python computes all values, then stores them from left to right. So does this, one assignment after another: a
value that an assignment before it would change is kept in a scalar.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable

from bitfold.diagnostics import LanguageError
from bitfold.frontend.expressions import parse_expr, parse_value
from bitfold.frontend.floats import operand
from bitfold.frontend.local_arrays import maker_of
from bitfold.frontend.scaled import Scaled, fixed_type
from bitfold.frontend.scope import ScalarName, Scope
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_or_none
from bitfold.frontend.structs import find, is_whole, memory_of
from bitfold.frontend.views import view
from bitfold.ir.nodes import Declare, Stmt
from bitfold.lang import array

Assign = Callable[[ast.stmt], tuple[Stmt, ...]]


def several(node: ast.Assign, scope: Scope, assign: Assign) -> tuple[Stmt, ...] | None:
    """A tuple or chained assignment, made by `assign` place by place; None where it has one place.

    What is known before the kernel runs, as in `M, K = w.shape`, is left to the caller as well.
    """
    if len(node.targets) > 1:
        return _chained(node, scope, assign)
    target = node.targets[0]
    if not isinstance(target, (ast.Tuple, ast.List)) or not isinstance(node.value, (ast.Tuple, ast.List)):
        return None
    if any(isinstance(e, ast.Starred) for e in (*target.elts, *node.value.elts)):
        return None
    if _stays_known(target.elts, node.value, scope):
        return None
    if len(target.elts) != len(node.value.elts):
        raise LanguageError(
            f"{len(target.elts)} names but {len(node.value.elts)} values",
            code="BF-L011",
            span=span_of(node, scope.file),
            remedy="name each of the values",
        )
    return _together(target.elts, node.value.elts, scope, assign)


def _stays_known(targets: list[ast.expr], value: ast.expr, scope: Scope) -> bool:
    """Whether the names stand for compile-time values from here on."""
    fresh = all(
        isinstance(t, ast.Name)
        and scope.assigned.get(t.id) == 1
        and not isinstance(scope.names.get(t.id), ScalarName)
        for t in targets
    )
    return fresh and static_or_none(value, scope) is not None


def _together(
    targets: list[ast.expr], values: list[ast.expr], scope: Scope, assign: Assign
) -> tuple[Stmt, ...]:
    calls = any(isinstance(n, ast.Call) for v in values for n in ast.walk(v))
    kept: list[Stmt] = []
    taken: list[ast.expr] = []
    written: set[str] = set()
    for target, value in zip(targets, values, strict=True):
        if any(written & memory_of(n.id, scope) for n in ast.walk(value) if isinstance(n, ast.Name)) or (
            calls and not isinstance(value, ast.Constant)
        ):
            value = _keep(value, scope, kept, assign)
        taken.append(value)
        base = target
        while isinstance(base, (ast.Subscript, ast.Attribute)):
            base = base.value
        if isinstance(base, ast.Name):
            written |= memory_of(base.id, scope)
    for target, value in zip(targets, taken, strict=True):
        kept += assign(ast.copy_location(ast.Assign([target], value), target))
    return tuple(kept)


def _is_array(node: ast.expr, scope: Scope) -> bool:
    """Whether it is an array, of structs or of numbers, or a part of one."""
    if (place := find(node, scope)) is not None:
        return place.rank > 0
    return view(node, scope, parse_expr) is not None


def _keep(value: ast.expr, scope: Scope, kept: list[Stmt], assign: Assign) -> ast.expr:
    """A scalar, or a struct, that has the value as it is now."""
    if is_whole(value, scope):
        held = ast.copy_location(ast.Name(f"kept#{next(_numbers)}", ast.Load()), value)
        made = assign(ast.copy_location(ast.Assign([held], value), value))
        if scope.lifted:  # the calls in it come first
            kept += scope.lifted
            scope.lifted.clear()
        kept += made
        return held
    number = operand(value, parse_value(value, scope), scope)
    if scope.lifted:
        kept += scope.lifted
        scope.lifted.clear()
    point = fixed_type(number) if isinstance(number, Scaled) else None
    number = number.raw if isinstance(number, Scaled) else number
    type, ir_name, hidden = number.real or number.type, scope.unique("kept"), f"kept#{next(_numbers)}"
    kept.append(Declare(ir_name, type, number, span=span_of(value, scope.file)))
    scope.names[hidden] = ScalarName(ir_name, type, fixed=point)
    return ast.copy_location(ast.Name(hidden, ast.Load()), value)


_numbers = itertools.count()  # no author writes a name with one of these after a #


def _chained(node: ast.Assign, scope: Scope, assign: Assign) -> tuple[Stmt, ...]:
    """`a = b = value`: one value for all places, from left to right."""
    first = node.targets[0]
    if any(not isinstance(t, (ast.Name, ast.Subscript, ast.Attribute)) for t in node.targets):
        raise LanguageError(
            f"{shown(node)!r} assigns tuples to several places",
            code="BF-L001",
            span=span_of(node, scope.file),
            remedy="write an assignment for each",
        )
    value: ast.expr = node.value
    kept: list[Stmt] = []
    targets = list(node.targets)
    if maker_of(value, scope) not in (None, array.rom) and isinstance(targets[0], ast.Name):
        kept += assign(ast.copy_location(ast.Assign([targets.pop(0)], value), node))
        value = ast.copy_location(ast.Name(shown(first), ast.Load()), value)
    elif static_or_none(value, scope) is None and not _is_array(value, scope):
        value = _keep(value, scope, kept, assign)
    for target in targets:
        kept += assign(ast.copy_location(ast.Assign([target], value), target))
    return tuple(kept)
