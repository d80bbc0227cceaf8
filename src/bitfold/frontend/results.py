"""What kernels return, and what their callers do with it.

A result is an array that the caller makes and the kernel writes: a number is an array of one element.

    def total(x: int16[8]) -> int32:          def total(x: int16[8], result: int32[1]):
        acc: int32 = 0                            acc: int32 = 0
        for i in range(8):                        for i in range(8):
            acc += x[i]              ->               acc += x[i]
        return acc                                result[0] = acc

A struct is a result for each field. An array that the kernel makes and returns at its end becomes that array
itself. Python gives the caller the very array, so what belongs to somebody else, a parameter or a constant,
is not returned.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.assignments import assign, declare
from bitfold.frontend.expressions import parse_value
from bitfold.frontend.fixed import read
from bitfold.frontend.floats import operand
from bitfold.frontend.flow import Jump, Leave
from bitfold.frontend.scalars import check_fits, for_scalar
from bitfold.frontend.scope import ArrayName, ScalarName, Scope, StructName
from bitfold.frontend.signatures import Declared
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.struct_statements import rewritten
from bitfold.frontend.structs import field_name, needed
from bitfold.ir import build
from bitfold.ir.nodes import Alloc, CallKernel, Declare, Expr, For, Member, Param, Stmt, Store
from bitfold.lang.fixed import FixedType
from bitfold.lang.types import ArrayType

Body = tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """A result of a kernel, and the name of its parameter once there is one."""

    declared: Declared
    type: ArrayType
    fixed: FixedType | None

    @property
    def scalar(self) -> bool:
        return self.declared.scalar


@dataclass(slots=True)
class Returns:
    """The results of one kernel instance. `last` is its only return, when that is its last statement."""

    kernel: str
    results: list[Result]
    scope: Scope
    last: ast.Return | None
    borrowed: frozenset[str]
    names: dict[int, str] = field(default_factory=dict)
    _kept: list[tuple[int, ArrayName, Span]] = field(default_factory=list)

    @staticmethod
    def of(node: ast.FunctionDef, results: list[Result], scope: Scope, borrowed: frozenset[str]) -> Returns:
        """`borrowed` are the arrays that the kernel is called with."""
        found = list(_returns(node.body))
        last = node.body[-1]
        alone = last if isinstance(last, ast.Return) and found == [last] else None
        return Returns(node.name, results, scope, alone, borrowed)

    def statements(self, node: ast.Return) -> Body:
        """`return`, with or without values."""
        span = span_of(node, self.scope.file)
        jump = Jump(Leave.RETURN, span=span)
        if node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None):
            if self.results:
                raise LanguageError(
                    f"{self.kernel!r} declares a result, but this returns nothing",
                    code="BF-L061",
                    span=span,
                    remedy="return a value of the declared type, or drop the `->`",
                )
            return (jump,)
        if not self.results:
            raise LanguageError(
                f"{self.kernel!r} returns a value, but declares no result",
                code="BF-L061",
                span=span_of(node.value, self.scope.file),
                remedy=f"declare its type: def {self.kernel}(...) -> int32",
            )
        return (*self._values(node, node.value, span), jump)

    def _values(self, node: ast.Return, value: ast.expr, span: Span) -> Body:
        parts = value.elts if isinstance(value, ast.Tuple) else [value]
        wanted = groups([r.declared for r in self.results])
        if len(parts) != len(wanted):
            raise LanguageError(
                f"{self.kernel!r} declares {len(wanted)} results, but this returns {len(parts)}",
                code="BF-L061",
                span=span_of(value, self.scope.file),
                remedy="return a value for each of them, in their order",
            )
        found: list[Stmt] = []
        numbers = itertools.count()
        for group, part in zip(wanted, parts, strict=True):
            for each in [part] if group[0].member is None else self._fields(group, part):
                number = next(numbers)
                result = self.results[number]
                found += (
                    self._number(number, result, each, span)
                    if result.scalar
                    else self._array(number, result, each, node is self.last, span)
                )
        return tuple(found)

    def _fields(self, group: list[Declared], node: ast.expr) -> tuple[ast.expr, ...]:
        """The fields of a struct, or the arrays of those of an array, that is returned."""
        member, rank = group[0].member, 0 if group[0].scalar else len(group[0].type.shape)
        assert member is not None
        value = needed(node, member.struct, self.scope, rank)
        if value.rank != rank or (rank and not isinstance(node, ast.Name)):
            raise LanguageError(
                f"{self.kernel!r} declares an array of {member.struct}, and {shown(node)!r} is none it made",
                code="BF-L061",
                span=span_of(node, self.scope.file),
                remedy="return an array that the kernel made, by its name",
            )
        return value.parts

    def _name(self, number: int) -> str:
        if number not in self.names:
            self.names[number] = self.scope.unique(self.results[number].declared.name)
        return self.names[number]

    def _number(self, number: int, result: Result, node: ast.expr, span: Span) -> Body:
        value = operand(node, parse_value(node, self.scope), self.scope)
        at = span_of(node, self.scope.file)
        value = for_scalar("the result", result.type.elem, result.fixed, value, at)
        check_fits("the result", result.type.elem, value)
        return (Store(self._name(number), (build.const(0),), value, span=span),)

    def _array(self, number: int, result: Result, node: ast.expr, last: bool, span: Span) -> Body:
        made: Body = ()
        if not isinstance(node, ast.Name):  # an expression that makes an array: as if it had a name
            name = ast.copy_location(ast.Name(self.scope.unique("returned"), ast.Store()), node)
            made = assign(ast.copy_location(ast.Assign([name], node), node), self.scope)
            node = ast.copy_location(ast.Name(name.id, ast.Load()), node)
        found = self.scope.lookup(node.id, span_of(node, self.scope.file))
        if (
            not isinstance(found, ArrayName)
            or found.type.dims != result.type.dims
            or ((found.type.elem, found.fixed) != (result.type.elem, result.fixed))
        ):
            what = f"{found.type}" if isinstance(found, (ArrayName, ScalarName)) else "no array of the kernel"
            raise LanguageError(
                f"{self.kernel!r} declares {result.type}, but {shown(node)!r} is {what}",
                code="BF-L061",
                span=span_of(node, self.scope.file),
                remedy=f"return an array of the declared type, such as one made by empty({result.type})",
            )
        if found.source is not None or found.ir_name in self.borrowed or found.view is not None:
            raise LanguageError(
                f"{self.kernel!r} did not make {shown(node)!r}, and Python would return the very array",
                code="BF-L062",
                span=span_of(node, self.scope.file),
                remedy=f"copy it into a local array, made by empty({result.type}), and return that",
            )
        if last:
            self._kept.append((number, found, span))
            return made
        return (*made, *self._copied(number, found, span))

    def _copied(self, number: int, found: ArrayName, span: Span) -> Body:
        target = self._name(number)

        def store(indices: tuple[Expr, ...]) -> Stmt:
            value = build.load(found.ir_name, indices, found.type.elem, span)
            return Store(target, indices, value, span=span)

        return _everywhere(target, found.type, store, self.scope, span)

    # ---- the end of the kernel

    def finished(self, body: Body, always: bool, span: Span) -> tuple[Body, list[Param]]:
        """The whole body, and the parameters that the results are."""
        if self.results and not always:
            raise LanguageError(
                f"{self.kernel!r} declares a result, but can end without returning one",
                code="BF-L061",
                span=span,
                remedy="let its last statement return a value",
            )
        for number, found, at in self._kept:
            alloc = next((s for s in body if isinstance(s, Alloc) and s.name == found.ir_name), None)
            taken = found.ir_name in self.names.values()
            if alloc is None or taken or alloc.type != self.results[number].type or alloc.type.streamed:
                body = (*body, *self._copied(number, found, at))
                continue
            self.names[number] = found.ir_name
            body = tuple(t for s in body for t in (self._filled(alloc) if s is alloc else (s,)))
        return body, [
            Param(
                self._name(i),
                r.type,
                r.declared.span,
                fixed=r.fixed,
                member=r.declared.member,
                scalar=r.scalar,
                result=True,
            )
            for i, r in enumerate(self.results)
        ]

    def _filled(self, alloc: Alloc) -> Body:
        """What is left of the allocation of an array that is a parameter now."""
        if alloc.fill is None:
            return ()
        value = build.fill_value(alloc.fill)
        return _everywhere(
            alloc.name,
            alloc.type,
            lambda indices: Store(alloc.name, indices, value, span=alloc.span),
            self.scope,
            alloc.span,
        )


def _returns(body: list[ast.stmt]) -> list[ast.Return]:
    """The returns of a kernel itself, not those of kernels defined in it."""
    found = []
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Return):
            found.append(node)
        if not isinstance(node, (ast.FunctionDef, ast.expr)):
            todo.extend(ast.iter_child_nodes(node))
    return found


def _everywhere(
    name: str, type: ArrayType, store: Callable[[tuple[Expr, ...]], Stmt], scope: Scope, span: Span
) -> Body:
    """Loops, named after the array, that store every element."""
    names = [scope.unique(f"{name}_{d}") for d in range(len(type.dims))]
    indices = tuple(build.loop_var(n, 0, size - 1) for n, size in zip(names, type.dims, strict=True))
    made = store(indices)
    for var, size in reversed(list(zip(names, type.dims, strict=True))):
        made = For(var, build.const(0), build.const(size), 1, (made,), span=span)
    return (made,)


# ---- callers


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
        hidden = ast.copy_location(ast.Name(scope.unique(array.ir_name), ast.Load()), target)
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
