"""What kernels return, and what their callers do with it.

A result is an array that the caller makes and the kernel writes: a number is an array of one element.

    def total(x: int16[8]) -> int32:          def total(x: int16[8], result: int32[1]):
        acc: int32 = 0                            acc: int32 = 0
        for i in range(8):                        for i in range(8):
            acc += x[i]              ->               acc += x[i]
        return acc                                result[0] = acc

An array that the kernel makes and returns at its end becomes that array itself. Python gives the caller the
very array, so what belongs to somebody else, a parameter or a constant, is not returned.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.assignments import assign
from bitfold.frontend.expressions import parse_value
from bitfold.frontend.fixed import read
from bitfold.frontend.floats import operand
from bitfold.frontend.flow import Jump, Leave
from bitfold.frontend.scalars import check_fits, for_scalar
from bitfold.frontend.scope import ArrayName, ScalarName, Scope
from bitfold.frontend.signatures import Declared
from bitfold.frontend.source import shown, span_of
from bitfold.ir import build
from bitfold.ir.nodes import Alloc, CallKernel, Declare, Expr, For, Param, Stmt, Store
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
        if len(parts) != len(self.results):
            raise LanguageError(
                f"{self.kernel!r} declares {len(self.results)} results, but this returns {len(parts)}",
                code="BF-L061",
                span=span_of(value, self.scope.file),
                remedy="return a value for each of them, in their order",
            )
        found: list[Stmt] = []
        for number, part in enumerate(parts):
            result = self.results[number]
            found += (
                self._number(number, result, part, span)
                if result.scalar
                else self._array(number, result, part, node is self.last, span)
            )
        return tuple(found)

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
            Param(self._name(i), r.type, r.declared.span, fixed=r.fixed, scalar=r.scalar, result=True)
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
class Called:
    """A call as statements: `before` makes the arrays that it takes, and `results` are those it fills."""

    before: Body
    call: CallKernel
    results: tuple[tuple[ArrayName, bool], ...]
    pure: bool

    @property
    def statements(self) -> Body:
        return (*self.before, self.call)


def number_of(called: Called, hint: str, scope: Scope, span: Span) -> tuple[Body, Expr]:
    """The statements that put the one scalar result of a call into a scalar, and that scalar's value."""
    array, _ = called.results[0]
    name = scope.unique(f"{hint}_value")
    value = build.load(array.ir_name, (build.const(0),), array.type.elem, span)
    declared = Declare(name, array.type.elem, value, span=span)
    return (*called.statements, declared), read(build.local(name, array.type.elem, span), array.fixed, span)


def take_results(called: Called, targets: list[ast.expr], scope: Scope, span: Span) -> Body:
    """`h = dense(x, w)` and `a, b = both(x)`: names for arrays, assignments of numbers."""
    found: list[Stmt] = list(called.statements)
    if len(targets) != len(called.results):
        raise LanguageError(
            f"{len(targets)} names but {len(called.results)} results",
            code="BF-L011",
            span=span,
            remedy="name each of the results",
        )
    for target, (array, scalar) in zip(targets, called.results, strict=True):
        at = span_of(target, scope.file)
        if not scalar:
            if not isinstance(target, ast.Name):
                raise LanguageError(
                    f"an array that a kernel returns gets a name of its own, not {shown(target)!r}",
                    code="BF-L006",
                    span=at,
                    remedy="name it, and copy its elements in a loop",
                )
            if not isinstance(scope.names.maps[0].get(target.id), ArrayName):
                scope.check_free(target.id, at)
            scope.bind(target.id, array)
            continue
        held = array
        hidden = ast.copy_location(ast.Name(scope.unique(array.ir_name), ast.Load()), target)
        scope.names[hidden.id] = held
        zero = ast.copy_location(ast.Constant(0), target)
        element = ast.copy_location(ast.Subscript(hidden, zero, ast.Load()), target)
        found += assign(ast.copy_location(ast.Assign([target], element), target), scope)
    return tuple(found)


def renamed_results(called: Called, names: list[str]) -> Called:
    """The call with its results under other names, which nothing else has."""
    changed = {a.ir_name: n for (a, scalar), n in zip(called.results, names, strict=True) if n and not scalar}
    before = tuple(
        replace(s, name=changed.get(s.name, s.name)) if isinstance(s, Alloc) else s for s in called.before
    )
    args = tuple(changed.get(a, a) for a in called.call.args)
    results = tuple(
        (replace(a, ir_name=changed.get(a.ir_name, a.ir_name)), scalar) for a, scalar in called.results
    )
    return replace(called, before=before, call=replace(called.call, args=args), results=results)
