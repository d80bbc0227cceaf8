"""Calls of kernels as statements, and what becomes of their results."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.assignments import assign, declare
from bitfold.frontend.fixed import read
from bitfold.frontend.scope import ArrayName, ScalarName, Scope, StructName
from bitfold.frontend.signatures import Declared
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.struct_statements import rewritten
from bitfold.frontend.structs import field_name
from bitfold.ir import build
from bitfold.ir.nodes import Alloc, CallKernel, Declare, Expr, Member, Stmt

Body = tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """An array that a call fills with a result, one element of which is a number where it is a `scalar`."""

    array: ArrayName
    scalar: bool
    member: Member | None = None


@dataclass(frozen=True, slots=True)
class Called:
    """A call as statements: `before` makes the arrays that it takes, and `results` are those it fills."""

    before: Body
    call: CallKernel
    results: tuple[Filled, ...]
    pure: bool

    @property
    def statements(self) -> Body:
        return (*self.before, self.call)


Each = TypeVar("Each", Filled, Declared)


def groups(results: Sequence[Each]) -> list[list[Each]]:
    """The results as their author sees them: the fields of a struct are one."""
    made: dict[str, list[Each]] = {}
    for i, result in enumerate(results):
        made.setdefault(result.member.argument if result.member else f"#{i}", []).append(result)
    return list(made.values())


def number_of(called: Called, hint: str, scope: Scope, span: Span) -> tuple[Body, Expr]:
    """The statements that put the one scalar result of a call into a scalar, and that scalar's value."""
    array = called.results[0].array
    held, declared = _taken(array, f"{hint}_value", scope, span)
    value = read(build.local(held.ir_name, held.type, span), array.fixed, span)
    return (*called.statements, declared), value


def _taken(array: ArrayName, hint: str, scope: Scope, span: Span) -> tuple[ScalarName, Declare]:
    """A scalar with the number that `array` holds, and its declaration."""
    held = ScalarName(scope.unique(hint), array.type.elem, fixed=array.fixed)
    value = build.load(array.ir_name, (build.const(0),), array.type.elem, span)
    return held, Declare(held.ir_name, held.type, value, span=span)


def struct_result(called: Called, hint: str, scope: Scope, span: Span) -> tuple[Body, StructName]:
    """The statements that put the one struct that a call returns into a variable without a name, and that."""
    held, declared = _struct(called.results, hint, scope, span)
    return (*called.statements, *declared), held


def _struct(fields: Sequence[Filled], hint: str, scope: Scope, span: Span) -> tuple[StructName, Body]:
    """A variable for the struct whose fields these are, and its declarations."""
    member = fields[0].member
    assert member is not None
    name = f"{hint}#{next(_numbers)}"
    found: list[Stmt] = []
    for filled in fields:
        assert filled.member is not None
        scalar, declared = _taken(filled.array, f"{hint}_{filled.member.field}", scope, span)
        scope.bind(field_name(name, filled.member.field), scalar)
        found.append(declared)
    made = StructName(name, member.struct, 0)
    scope.bind(name, made)
    return made, tuple(found)


_numbers = itertools.count()


def take_results(called: Called, targets: list[ast.expr], scope: Scope, span: Span) -> Body:
    """`h = dense(x, w)` and `a, b = both(x)`: names for arrays, assignments of numbers."""
    found: list[Stmt] = list(called.statements)
    results = groups(called.results)
    if len(targets) != len(results):
        raise LanguageError(
            f"{len(targets)} names but {len(results)} results",
            code="BF-L011",
            span=span,
            remedy="name each of the results",
        )
    for target, fields in zip(targets, results, strict=True):
        at, first = span_of(target, scope.file), fields[0]
        array, member = first.array, first.member
        if not first.scalar:
            if not isinstance(target, ast.Name):
                raise LanguageError(
                    f"an array that a kernel returns gets a name of its own, not {shown(target)!r}",
                    code="BF-L006",
                    span=at,
                    remedy="name it, and copy its elements in a loop",
                )
            if not isinstance(scope.names.maps[0].get(target.id), StructName if member else ArrayName):
                scope.check_free(target.id, at)
            if member is None:
                scope.bind(target.id, array)
                continue
            scope.bind(target.id, StructName(target.id, member.struct, len(array.type.dims)))
            for filled in fields:
                assert filled.member is not None
                scope.bind(field_name(target.id, filled.member.field), filled.array)
            continue
        if member is not None:
            held, declared = _struct(fields, array.ir_name, scope, span)
            found += declared
            whole = ast.copy_location(ast.Name(held.name, ast.Load()), target)
            for part in rewritten(ast.copy_location(ast.Assign([target], whole), target), scope) or ():
                if isinstance(part, ast.AnnAssign):
                    found += declare(part, scope)
                else:
                    assert isinstance(part, ast.Assign)
                    found += assign(part, scope)
            continue
        name = f"{array.ir_name}#{next(_numbers)}"
        hidden = ast.copy_location(ast.Name(name, ast.Load()), target)
        scope.names[hidden.id] = array
        zero = ast.copy_location(ast.Constant(0), target)
        element = ast.copy_location(ast.Subscript(hidden, zero, ast.Load()), target)
        found += assign(ast.copy_location(ast.Assign([target], element), target), scope)
    return tuple(found)


def renamed_results(called: Called, targets: list[ast.expr], scope: Scope) -> Called:
    """The call with the arrays of its results called after the targets that they become."""
    results = groups(called.results)
    if len(targets) != len(results):
        return called
    changed: dict[str, str] = {}
    for target, fields in zip(targets, results, strict=True):
        for filled in fields:
            if isinstance(target, ast.Name) and not filled.scalar:
                tail = f".{filled.member.field}" if filled.member else ""
                changed[filled.array.ir_name] = scope.unique(f"{target.id}{tail}")
    before = tuple(
        replace(s, name=changed.get(s.name, s.name)) if isinstance(s, Alloc) else s for s in called.before
    )
    args = tuple(changed.get(a, a) for a in called.call.args)
    filled_now = tuple(
        replace(f, array=replace(f.array, ir_name=changed.get(f.array.ir_name, f.array.ir_name)))
        for f in called.results
    )
    return replace(called, before=before, call=replace(called.call, args=args), results=filled_now)
