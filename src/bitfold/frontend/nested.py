"""Kernels defined inside a kernel. What such a kernel uses of the one around it is passed to it as well.

    def kernel(x: int16[8], y: int16[8]):
        def put(i: int32, v: int16):           ->      def put(i: int32[1], v: int16[1], y: int16[8]):
            y[i] = v                                       y[i_value] = v_value
        put(0, x[7])                                   put(..., ..., y)

As in Python, it sees the values that names have when it is called.
"""

from __future__ import annotations

import ast
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING

import numpy as np

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.fixed import read
from bitfold.frontend.parameters import Bound, Scalar
from bitfold.frontend.scaled import Scaled, fixed_type
from bitfold.frontend.scope import ArrayName, Known, ScalarName, Scope, StructName
from bitfold.frontend.signatures import Declared
from bitfold.frontend.source import span_of
from bitfold.ir import build
from bitfold.ir.nodes import Expr
from bitfold.lang.array import typed

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = "__bitfold_nested__"


def define(node: ast.FunctionDef, outer: FunctionType, scope: Scope) -> None:
    """Let the name of a kernel defined in `outer` stand for it; one that `runs` says is defined there."""
    if node.decorator_list:
        raise LanguageError(
            f"{node.name!r} is defined inside a kernel and has a decorator",
            code="BF-L033",
            span=span_of(node.decorator_list[0], scope.file),
            remedy="define it at the top of the file, or without the decorator",
        )
    code = _code(node, outer)
    assert code is not None
    made = FunctionType(code, outer.__globals__, node.name, None, tuple(CellType() for _ in code.co_freevars))
    setattr(made, _MARK, True)
    scope.check_free(node.name, span_of(node, scope.file))
    scope.bind(node.name, Known(made))


def runs(node: ast.stmt, outer: FunctionType) -> bool:
    """Whether a statement of `outer` may run: Python drops definitions that no path leads to."""
    dropped = isinstance(node, ast.FunctionDef) and not node.decorator_list and _code(node, outer) is None
    return not dropped


def _code(node: ast.FunctionDef, outer: FunctionType) -> CodeType | None:
    return next(
        (
            c
            for c in outer.__code__.co_consts
            if isinstance(c, CodeType) and c.co_name == node.name and c.co_firstlineno == node.lineno
        ),
        None,
    )


def captures(callee: FunctionType, scope: Scope, span: Span) -> dict[str, Bound]:
    """What a call passes to a nested kernel beside its arguments; its compile-time values are set."""
    found: dict[str, Bound] = {}
    if not getattr(callee, _MARK, False):
        return found
    for name, cell in zip(callee.__code__.co_freevars, callee.__closure__ or (), strict=True):
        match scope.names.get(name):
            case Known(value=value):
                cell.cell_contents = value
            case ArrayName() as array if array.source is not None and array.view is None:
                found[name] = array.source, constant(array, scope)
            case ArrayName() as array:
                found[name] = array
            case ScalarName() as scalar:
                value = read(build.local(scalar.ir_name, scalar.type, span), scalar.fixed, span)
                found[name] = Scalar(value, scalar.array)
            case Expr() as value:
                found[name] = Scalar(value)
            case StructName():
                raise LanguageError(
                    f"{callee.__name__!r} uses the struct {name!r} of the kernel around it",
                    code="BF-L003",
                    span=span,
                    remedy="pass it as an argument",
                )
            case None if name in scope.outside:
                cell.cell_contents = scope.outside[name]
            case None:
                raise LanguageError(
                    f"{callee.__name__!r} uses {name!r}, which has no value where it is called",
                    code="BF-L003",
                    span=span,
                    remedy="assign it before the call, or pass it as an argument",
                )
    return found


def constant(array: ArrayName, scope: Scope) -> np.ndarray:
    """The values of a constant array, as its author has them."""
    assert array.source is not None
    values = scope.constants.arrays[array.source]
    if array.fixed is not None:
        return typed(array.fixed.decode(values), array.fixed)
    return typed(values, array.type.logical.elem)


def captured_parameters(fn: FunctionType, bound: Mapping[str, Bound], scope_span: Span) -> list[Declared]:
    """The parameters that a nested kernel has for what it captures."""
    found = []
    for name in fn.__code__.co_freevars if getattr(fn, _MARK, False) else ():
        match bound.get(name):
            case ArrayName() as array:
                found.append(Declared(name, array.type, scope_span, array.fixed))
            case Scalar(value=Scaled() as value):
                held = fixed_type(value)
                found.append(Declared(name, held.raw[1], scope_span, held, scalar=True))
            case Scalar(value=value):
                found.append(Declared(name, (value.real or value.type)[1], scope_span, scalar=True))
    return found
