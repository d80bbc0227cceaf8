"""What kernels return; frontend/called.py is what their callers do with it.

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
from collections.abc import Callable
from dataclasses import dataclass, field

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.assignments import assign
from bitfold.frontend.called import groups
from bitfold.frontend.expressions import parse_value
from bitfold.frontend.floats import operand
from bitfold.frontend.flow import Jump, Leave
from bitfold.frontend.scalars import check_fits, for_scalar
from bitfold.frontend.scope import ArrayName, ScalarName, Scope
from bitfold.frontend.signatures import Declared
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.structs import needed
from bitfold.ir import build
from bitfold.ir.nodes import Alloc, Expr, For, Param, Stmt, Store
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
            name = ast.copy_location(ast.Name("returned#", ast.Store()), node)
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
