"""A kernel's parameters: their declared types, and the dimension names in them resolved."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

import numpy as np

from bitfold.diagnostics import LanguageError, Span, UsageError, choices
from bitfold.frontend.constants import ConstantTable, constant_fault
from bitfold.frontend.scope import ArrayName, Scope
from bitfold.frontend.source import captured, shown, span_of
from bitfold.frontend.static import static_or_none
from bitfold.ir.nodes import Param
from bitfold.lang.stream import StreamType
from bitfold.lang.types import ArrayType, IntType

Bound = ArrayType | tuple[str, np.ndarray]
"""What a caller passes: an array of a type, or a constant as (what it is called, its values)."""


class MismatchError(Exception):
    """What a caller passes for `parameter` does not fit its declaration."""

    def __init__(self, parameter: str, message: str, where: Span) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.message = message
        self.where = where


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter as its author declared it; dimensions may be names."""

    name: str
    type: ArrayType
    span: Span


def declared_parameters(fn: FunctionType, node: ast.FunctionDef, file: str) -> list[Declared]:
    """The parameters of `fn`, each with an array type. Raises LanguageError for any other parameter."""
    args = node.args
    refused = [*filter(None, (args.vararg, args.kwarg)), *args.kwonlyargs, *args.defaults]
    if refused:
        raise LanguageError(
            f"{node.name!r} has starred, keyword-only or default parameters",
            span=span_of(refused[0], file),
            remedy="use ordinary parameters",
        )
    if node.returns is not None and not (
        isinstance(node.returns, ast.Constant) and node.returns.value is None
    ):
        raise LanguageError(
            f"{node.name!r} declares a result, but a kernel returns nothing",
            span=span_of(node.returns, file),
            remedy="write results into an array argument",
        )
    try:
        evaluated: Mapping[str, Any] = dict(fn.__annotations__)
    except Exception:  # where annotations are evaluated late, they can fail in any way
        evaluated = {}
    scope = Scope(file, captured(fn), ConstantTable())
    return [_declared(arg, evaluated.get(arg.arg), scope) for arg in (*args.posonlyargs, *args.args)]


def _declared(arg: ast.arg, evaluated: Any, scope: Scope) -> Declared:
    type, span = evaluated, span_of(arg, scope.file)
    if arg.annotation is not None and (evaluated is None or isinstance(evaluated, str)):
        type = static_or_none(_unquoted(arg.annotation), scope)
    if isinstance(type, ArrayType):
        return Declared(arg.arg, type, span)
    found = "it has no annotation" if arg.annotation is None else f"not {shown(arg.annotation)}"
    if isinstance(type, IntType):
        remedy = f"pass an array of one element, `{arg.arg}: {type}[1]`, and read {arg.arg}[0]"
    else:
        remedy = f'annotate it, for example `{arg.arg}: bit["N"]` or `{arg.arg}: int16[10]`'
    raise LanguageError(f"parameter {arg.arg!r} needs an array type; {found}", span=span, remedy=remedy)


def _unquoted(node: ast.expr) -> ast.expr:
    """The expression that a quoted annotation holds, located where the quotes are."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return node
    try:
        inner = ast.parse(node.value.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return node
    for part in ast.walk(inner):
        ast.copy_location(part, node)
    return inner


# ---- dimensions


def resolve(
    kernel: str, declared: list[Declared], bound: Mapping[str, Bound], given: Mapping[str, Any], span: Span
) -> dict[str, int]:
    """The size of every dimension name: from `given` by customize, and from what a caller binds.

    Raises:
        UsageError: a size is missing, unknown or no positive integer.
        MismatchError: a bound array does not fit.
    """
    names = sorted({d for p in declared for d in p.type.shape if isinstance(d, str)})
    for name, size in given.items():
        if name not in names:
            raise UsageError(
                f"{kernel!r} has no dimension named {name}",
                span=span,
                remedy=choices(name, names) if names else "its dimensions are all fixed",
            )
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise UsageError(
                f"dimension {name} of {kernel!r} must be a positive integer, not {size!r}",
                span=span,
                remedy=f"customize({kernel}, {name}=256)",
            )
    dims = {name: int(size) for name, size in given.items()}
    origin = dict.fromkeys(dims, "customize")
    for parameter in declared:
        if parameter.name in bound:
            _unify(kernel, parameter, bound[parameter.name], dims, origin)
    if missing := [name for name in names if name not in dims]:
        raise UsageError(
            f"the size of {', '.join(missing)} in {kernel!r} is not known",
            span=span,
            remedy=f"give it: customize({kernel}, {', '.join(f'{m}=256' for m in missing)})",
        )
    return dims


def _unify(
    kernel: str, parameter: Declared, given: Bound, dims: dict[str, int], origin: dict[str, str]
) -> None:
    """Enter into `dims` the sizes that what is passed gives to the dimension names of a parameter."""
    type, takes = parameter.type, f"{kernel} takes {parameter.type} for {parameter.name!r}"

    def mismatch(message: str) -> MismatchError:
        return MismatchError(parameter.name, message, parameter.span)

    if isinstance(given, ArrayType):
        shape: tuple[int, ...] = given.dims
        if replace(given, shape=type.shape).crossing != type.crossing:
            raise mismatch(f"{takes}, but this is {given}")
    else:
        shape = given[1].shape
        if type.lanes_of and shape:
            shape = (*shape[:-1], -(-shape[-1] // type.lanes))
    if len(shape) != len(type.shape):
        raise mismatch(f"{takes}, but this has {len(shape)} dimensions: shape {shape}")
    for declared, actual in zip(type.shape, shape, strict=True):
        wanted = dims.setdefault(declared, actual) if isinstance(declared, str) else declared
        if wanted != actual:
            source = f" ({declared} = {wanted} from {origin[declared]!r})" if declared in origin else ""
            raise mismatch(f"{takes}{source}, but this has shape {shape}")
        if isinstance(declared, str):
            origin.setdefault(declared, parameter.name)


def bind(
    kernel: str, declared: list[Declared], bound: Mapping[str, Bound], dims: Mapping[str, int], scope: Scope
) -> tuple[Param, ...]:
    """Enter the parameters into `scope`; a constant becomes a ROM in place of its parameter."""
    params = []
    for parameter in declared:
        shape = tuple(dims[d] if isinstance(d, str) else d for d in parameter.type.shape)
        type = replace(parameter.type, shape=shape)
        passed = bound.get(parameter.name)
        if isinstance(passed, StreamType) and type.fault() is None:
            type = passed  # the depth is that of the stream passed
        if fault := type.fault():
            raise LanguageError(
                f"parameter {parameter.name!r}: {fault}", span=parameter.span, remedy="correct its annotation"
            )
        given = bound.get(parameter.name)
        if isinstance(given, tuple):
            source, values = given
            if fault := constant_fault(source, values, type.logical):
                raise MismatchError(parameter.name, f"{kernel}: {fault}", parameter.span)
            scope.bind(parameter.name, scope.rom(parameter.name, source, values, type, parameter.span))
        else:
            ir_name = scope.unique(parameter.name)
            params.append(Param(ir_name, type, parameter.span))
            scope.bind(parameter.name, ArrayName(ir_name, type))
    return tuple(params)
