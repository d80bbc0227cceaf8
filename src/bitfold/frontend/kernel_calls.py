"""Calls of kernels: what each parameter is passed, and what becomes of the results."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType

import numpy as np

from bitfold.diagnostics import LanguageError, Note, Span
from bitfold.frontend.called import (
    Called,
    groups,
    number_of,
    renamed_results,
    struct_result,
    take_results,
)
from bitfold.frontend.expressions import parse_expr
from bitfold.frontend.floats import operand
from bitfold.frontend.nested import captures, constant
from bitfold.frontend.parameters import Bound, Scalar
from bitfold.frontend.scope import ArrayName, ScalarName, Scope, StructName, described, is_kernel
from bitfold.frontend.signatures import results_of, scalars_of, signature_of
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_or_none
from bitfold.frontend.streams import passed_stream
from bitfold.frontend.structs import field_name, value_of
from bitfold.frontend.views import view
from bitfold.ir.nodes import Expr, Stmt
from bitfold.lang.generics import TypeName
from bitfold.lang.state import State
from bitfold.lang.structs import StructType


@dataclass(frozen=True, slots=True)
class Argument:
    """What a call passes for one parameter."""

    parameter: str
    value: Bound
    span: Span
    struct: StructType | None = None


Instantiate = Callable[[FunctionType, list[Argument], Span], Called]


@dataclass(slots=True)
class Calls:
    """The calls in one kernel instance; `instantiate` makes the instance behind each.

    `whole` is the value of the statement that is being parsed.
    """

    scope: Scope
    instantiate: Instantiate
    whole: ast.expr | None = None

    def __post_init__(self) -> None:
        self.scope.call = self.number
        self.scope.returned = self.struct

    def gives(self, node: ast.Call, target: ast.expr) -> bool:
        """Whether it calls a kernel that returns an array or several results, or has several targets."""
        callee = self._kernel(node)
        if callee is None:
            return False
        results = groups(results_of(callee))
        several = len(results) > 1 or (bool(results) and isinstance(target, ast.Tuple))
        return several or any(not r.scalar for (r, *_) in results)

    def named_results(self, node: ast.Call, target: ast.expr) -> tuple[Stmt, ...]:
        """`target = node`, a call that gives arrays or several results."""
        targets = target.elts if isinstance(target, ast.Tuple) else [target]
        called = renamed_results(self.called(node), targets, self.scope)
        return take_results(called, targets, self.scope, span_of(target, self.scope.file))

    def number(self, node: ast.Call) -> Expr:
        """The value of a call inside an expression: made before the statement, where that is the same."""
        callee, span = self._kernel(node), span_of(node, self.scope.file)
        assert callee is not None
        results = groups(results_of(callee))
        struct = self._gives_struct(callee, node)
        if len(results) != 1 or not results[0][0].scalar or struct:
            what = f"returns {len(results) or 'nothing'}"
            if len(results) == 1:
                what = f"returns {'a struct' if struct else 'an array'}"
            named = ", ".join("abcdefgh"[: len(results)])
            raise LanguageError(
                f"{callee.__name__!r} {what}; an expression needs one number",
                code="BF-L063",
                span=span,
                remedy=f"call it on a line of its own: `{named} = {callee.__name__}(...)`"
                if results
                else f"let it return a number: def {callee.__name__}(...) -> int32",
            )
        called, lifted = self._inside(node, callee, f"v: {results[0][0].type.elem}")
        statements, value = number_of(called, callee.__name__, self.scope, span)
        lifted.extend(statements)
        return value

    def struct(self, node: ast.Call) -> StructName | None:
        """The struct that a call returns, made before the statement; None where it returns something else."""
        callee = self._kernel(node)
        if callee is None or not self._gives_struct(callee, node):
            return None
        called, lifted = self._inside(node, callee, "v")
        statements, held = struct_result(called, callee.__name__, self.scope, span_of(node, self.scope.file))
        lifted.extend(statements)
        return held

    def _gives_struct(self, callee: FunctionType, node: ast.Call) -> bool:
        """Whether the one result is a struct, by its declaration or as its type is that of what is passed."""
        signature = signature_of(callee)
        results = groups(signature.results)
        if len(results) != 1 or not results[0][0].scalar:
            return False
        elem = results[0][0].type.elem
        if results[0][0].member or not isinstance(elem, TypeName):
            return results[0][0].member is not None
        names = callee.__code__.co_varnames[: callee.__code__.co_argcount]
        given: dict[str | None, ast.expr] = dict(zip(names, node.args, strict=False))
        given.update((k.arg, k.value) for k in node.keywords)
        same = [
            p.name for p in signature.parameters if isinstance(p.type.elem, TypeName) and p.type.elem == elem
        ]
        return any(name in given and value_of(given[name], self.scope) is not None for name in same)

    def _inside(self, node: ast.Call, callee: FunctionType, name: str) -> tuple[Called, list[Stmt]]:
        """A call inside an expression, and where it goes: before the statement. `name` is for a remedy."""
        scope, span = self.scope, span_of(node, self.scope.file)
        remedy = f"call it on a line of its own first: `{name} = {shown(node)}`"
        if scope.lifted is None or scope.probed:
            raise LanguageError(
                f"{callee.__name__!r} is called where it may not run, or after a look at a stream",
                code="BF-L063",
                span=span,
                remedy=remedy,
            )
        whole, lifted = node is self.whole, scope.lifted
        called = self.called(node)
        if not called.pure and not whole:
            raise LanguageError(
                f"{callee.__name__!r} writes arrays, so it is not called inside a larger expression",
                code="BF-L063",
                span=span,
                remedy=remedy,
            )
        return called, lifted

    def called(self, node: ast.Call) -> Called:
        """The call of a kernel, of which an instance is made."""
        scope, span = self.scope, span_of(node, self.scope.file)
        callee = static_or_none(node.func, scope)
        if not is_kernel(callee) or not (callee.__code__.co_argcount or callee.__closure__):
            raise LanguageError(
                f"{shown(node.func)!r} is not a kernel, so it cannot be called as a statement",
                code="BF-L020",
                span=span,
                remedy="call a Python function whose parameters are annotated with types of the language",
            )
        names = list(callee.__code__.co_varnames[: callee.__code__.co_argcount])
        given: dict[str | None, ast.expr] = dict(zip(names, node.args, strict=False))
        given.update((k.arg, k.value) for k in node.keywords)
        count = len(node.args) + len(node.keywords)
        if (
            set(given) != set(names)
            or count != len(names)
            or any(isinstance(a, ast.Starred) for a in node.args)
        ):
            raise LanguageError(
                f"{callee.__name__} takes {len(names)} arguments, ({', '.join(names)}), not {count}",
                code="BF-L028",
                span=span,
                remedy="pass each of them once, by position or by name",
            )
        try:
            declared = scalars_of(callee)
        except LanguageError as error:
            error.notes = (*error.notes, Note(f"{callee.__name__!r} is called here", span))
            raise
        arguments = [argument for n in names for argument in self._arguments(n, given[n], n in declared)]
        for name, value in captures(callee, scope, span).items():
            arguments.append(Argument(name, value, span))
        return self.instantiate(callee, arguments, span)

    def _kernel(self, node: ast.Call) -> FunctionType | None:
        callee = static_or_none(node.func, self.scope)
        return callee if is_kernel(callee) else None

    def _arguments(self, parameter: str, node: ast.expr, scalar: bool) -> Iterator[Argument]:
        """What is passed for a parameter: the number, or the array, of each field of structs."""
        span, found = span_of(node, self.scope.file), value_of(node, self.scope)
        if found is None or (not scalar and not found.rank):
            yield Argument(parameter, self._value(node, scalar), span)
            return
        for field, part in zip(found.struct.names, found.parts, strict=True):
            value = self._value(part, not found.rank)
            yield Argument(field_name(parameter, field), value, span, found.struct)

    def _value(self, node: ast.expr, scalar: bool) -> Bound:
        """A number, or an array. One captured from outside stays a constant, which the callee types."""
        scope, span = self.scope, span_of(node, self.scope.file)
        found = scope.lookup(node.id, span) if isinstance(node, ast.Name) else static_or_none(node, scope)
        if scalar and not isinstance(found, (ArrayName, np.ndarray)):
            held = found.array if isinstance(found, ScalarName) else None
            return Scalar(operand(node, parse_expr(node, scope), scope), held)
        if (stream := passed_stream(node, scope)) is not None:
            return stream
        if isinstance(node, ast.Subscript) and (part := view(node, scope, parse_expr, scope.lifted)):
            found = part
        if isinstance(found, State) and found.type is not None:
            return scope.state(getattr(node, "attr", "state"), found, span)
        if isinstance(found, ArrayName):
            if found.source is None or found.view is not None:
                return found
            return found.source, constant(found, scope)
        if isinstance(found, np.ndarray):
            return getattr(node, "id", getattr(node, "attr", "constant")), found
        what = described(found) if isinstance(found, Expr) else "not an array"
        raise LanguageError(
            f"{shown(node)!r} is {what}, which this parameter of the kernel takes",
            code="BF-L029",
            span=span,
            remedy="pass an array by name, or a part of one, such as x[2:6]",
        )
