"""A kernel's parameters: their declared types, and the dimension names in them resolved."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

import numpy as np

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.constants import ConstantTable, array_type, constant_fault
from bitfold.frontend.generics import Generic, check_given, generic_names, missing, type_fault, with_elem
from bitfold.frontend.scope import ArrayName, Known, Scope, StructName
from bitfold.frontend.source import captured, shown, span_of
from bitfold.frontend.static import static_or_none
from bitfold.frontend.structs import field_name
from bitfold.ir.nodes import Member, Param
from bitfold.lang.array import FixedArray
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.generics import TypeName, as_type
from bitfold.lang.stream import StreamType
from bitfold.lang.structs import StructArrayType
from bitfold.lang.types import ArrayType, ElementType, FloatType, IntType

Bound = ArrayType | FixedArrayType | tuple[str, np.ndarray]
"""What a caller passes: an array of a type, or a constant as (what it is called, its values)."""


def passed_as(value: ArrayName | tuple[str, np.ndarray]) -> Bound:
    """What passing `value` binds a parameter to."""
    if not isinstance(value, ArrayName):
        return value
    return FixedArrayType(value.fixed, value.type) if value.fixed else value.type


class MismatchError(Exception):
    """What a caller passes for `parameter` does not fit its declaration."""

    def __init__(self, parameter: str, message: str, where: Span) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.message = message
        self.where = where


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter as its author declared it; dimensions may be names. `fixed` as in `ArrayName`."""

    name: str
    type: ArrayType
    span: Span
    fixed: FixedType | None = None
    member: Member | None = None

    def __str__(self) -> str:
        return str(FixedArrayType(self.fixed, self.type) if self.fixed else self.type)


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a kernel, and the names of types and sizes in their annotations."""

    parameters: list[Declared]
    generic: Generic


def declared_parameters(fn: FunctionType, node: ast.FunctionDef, file: str) -> Signature:
    """The parameters of `fn`, each with an array type. Raises LanguageError for any other parameter."""
    args = node.args
    refused = [*filter(None, (args.vararg, args.kwarg)), *args.kwonlyargs, *args.defaults]
    if refused:
        raise LanguageError(
            f"{node.name!r} has starred, keyword-only or default parameters",
            code="BF-L033",
            span=span_of(refused[0], file),
            remedy="use ordinary parameters",
        )
    if node.returns is not None and not (
        isinstance(node.returns, ast.Constant) and node.returns.value is None
    ):
        raise LanguageError(
            f"{node.name!r} declares a result, but a kernel returns nothing",
            code="BF-L033",
            span=span_of(node.returns, file),
            remedy="write results into an array argument",
        )
    try:
        evaluated: Mapping[str, Any] = dict(fn.__annotations__)
    except Exception:  # where annotations are evaluated late, they can fail in any way
        evaluated = {}
    scope = Scope(file, captured(fn), ConstantTable())
    parameters = (*args.posonlyargs, *args.args)
    quoted = {
        arg.arg: _unquoted(arg.annotation)
        for arg in parameters
        if arg.annotation is not None and isinstance(evaluated.get(arg.arg, ""), str)
    }
    generic = generic_names(fn, list(quoted.values()), scope.outside, file)
    for name, meaning in generic.meanings().items():
        scope.bind(name, Known(meaning))
    declared = [
        part
        for arg in parameters
        for part in _declared_parts(arg, quoted.get(arg.arg), evaluated.get(arg.arg), scope)
    ]
    return Signature(declared, generic)


def _declared_parts(
    arg: ast.arg, quoted: ast.expr | None, evaluated: Any, scope: Scope
) -> Iterator[Declared]:
    """A parameter; for an array of structs, one for each field."""
    type = as_type(evaluated) if quoted is None else as_type(static_or_none(quoted, scope))
    if not isinstance(type, StructArrayType):
        yield _declared(arg, type, scope)
        return
    for field, part in zip(type.struct.names, type.parts, strict=True):
        declared = _declared(arg, part, scope)
        member = Member(arg.arg, field, type.struct)
        yield replace(declared, name=field_name(arg.arg, field), member=member)


def _declared(arg: ast.arg, type: Any, scope: Scope) -> Declared:
    span = span_of(arg, scope.file)
    if isinstance(type, FixedArrayType):
        return Declared(arg.arg, type.raw, span, type.elem)
    if isinstance(type, ArrayType):
        return Declared(arg.arg, type, span)
    found = "it has no annotation" if arg.annotation is None else f"not {shown(arg.annotation)}"
    if isinstance(type, (IntType, FloatType, FixedType)):
        remedy = f"pass an array of one element, `{arg.arg}: {type}[1]`, and read {arg.arg}[0]"
    else:
        remedy = f'annotate it, for example `{arg.arg}: bit["N"]` or `{arg.arg}: int16[10]`'
    raise LanguageError(
        f"parameter {arg.arg!r} needs an array type; {found}", code="BF-L032", span=span, remedy=remedy
    )


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
    kernel: str, signature: Signature, bound: Mapping[str, Bound], given: Mapping[str, Any], span: Span
) -> dict[str, Any]:
    """The size or type of every name: from `given` by customize, and from what a caller binds.

    Raises:
        UsageError: a size or type is missing, unknown or no fitting value.
        MismatchError: a bound array does not fit.
    """
    sizes = {d for p in signature.parameters for d in p.type.shape if isinstance(d, str)}
    generic = signature.generic
    check_given(kernel, generic, sizes, given, span)
    resolved = {name: as_type(v) if name in generic.types else int(v) for name, v in given.items()}
    origin = dict.fromkeys(resolved, "customize")
    if bound:
        _check_structs(kernel, signature, bound)
    for parameter in signature.parameters:
        if parameter.name in bound:
            _unify(kernel, parameter, bound[parameter.name], resolved, origin, generic)
    open_sizes = sorted(sizes - set(resolved))
    open_types = sorted(generic.types - set(resolved))
    if open_sizes or open_types:
        raise missing(kernel, open_sizes, open_types, span)
    return resolved


def _check_structs(kernel: str, signature: Signature, bound: Mapping[str, Bound]) -> None:
    """Raise MismatchError where an array of structs meets another kind of array."""
    for parameter in signature.parameters:
        if parameter.name not in bound:
            member = parameter.member
            whole = member.argument if member else parameter.name
            takes = f"an array of {member.struct}" if member else str(parameter)
            fields = [n.partition(".")[2] for n in bound if n.startswith(f"{whole}.")]
            this = f"one of structs with the fields {', '.join(fields)}" if fields else "an array of numbers"
            raise MismatchError(
                whole, f"{kernel} takes {takes} for {whole!r}, but this is {this}", parameter.span
            )


def _unify(
    kernel: str,
    parameter: Declared,
    given: Bound,
    dims: dict[str, Any],
    origin: dict[str, str],
    generic: Generic,
) -> None:
    """Enter into `dims` what is passed gives to the names of types and sizes of a parameter."""
    type, takes = parameter.type, f"{kernel} takes {parameter} for {parameter.name!r}"

    def mismatch(message: str) -> MismatchError:
        return MismatchError(parameter.name, message, parameter.span)

    if isinstance(type.elem, TypeName):
        name = type.elem.name
        actual = _element(given, parameter.span)
        if name not in dims and (fault := type_fault(name, actual, generic)):
            raise mismatch(f"{takes}, but this has elements of {actual}: {fault}")
        elem = dims.setdefault(name, actual)
        if name in origin and not isinstance(given, tuple) and elem != actual:
            raise mismatch(f"{takes} ({name} = {elem} from {origin[name]!r}), but this is {given}")
        origin.setdefault(name, parameter.name)
        type = replace(type, elem=elem.raw if isinstance(elem, FixedType) else elem)
        given = given.raw if isinstance(given, FixedArrayType) else given
    elif not isinstance(given, tuple):
        if (given.elem if isinstance(given, FixedArrayType) else None) != parameter.fixed:
            raise mismatch(f"{takes}, but this is {given}")
        given = given.raw if isinstance(given, FixedArrayType) else given
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
    for declared, size in zip(type.shape, shape, strict=True):
        wanted = dims.setdefault(declared, size) if isinstance(declared, str) else declared
        if wanted != size:
            source = f" ({declared} = {wanted} from {origin[declared]!r})" if declared in origin else ""
            raise mismatch(f"{takes}{source}, but this has shape {shape}")
        if isinstance(declared, str):
            origin.setdefault(declared, parameter.name)


def _element(given: Bound, span: Span) -> ElementType | FixedType:
    """The type of the elements of what is passed."""
    if not isinstance(given, tuple):
        return given.elem
    if isinstance(given[1], FixedArray):
        return given[1].elem
    return array_type(given[1], given[0], span).elem


def bind(
    kernel: str, signature: Signature, bound: Mapping[str, Bound], dims: Mapping[str, Any], scope: Scope
) -> tuple[Param, ...]:
    """Enter the parameters into `scope`; a constant becomes a ROM in place of its parameter."""
    params = []
    for parameter in signature.parameters:
        shape = tuple(dims[d] if isinstance(d, str) else d for d in parameter.type.shape)
        elem = parameter.fixed or with_elem(parameter.type, dims)
        held, elem = (elem, elem.raw) if isinstance(elem, FixedType) else (None, elem)
        type = replace(parameter.type, shape=shape, elem=elem)
        passed = bound.get(parameter.name)
        passed = passed.raw if isinstance(passed, FixedArrayType) else passed
        if isinstance(passed, StreamType) and type.fault() is None:
            type = passed  # the depth is that of the stream passed
        if fault := type.fault():
            raise LanguageError(
                f"parameter {parameter.name!r}: {fault}",
                code="BF-L034",
                span=parameter.span,
                remedy="correct its annotation",
            )
        given = bound.get(parameter.name)
        if isinstance(given, tuple):
            source, values = given
            if held is not None:
                if fault := held.fault(values):
                    raise MismatchError(parameter.name, f"{kernel}: {source!r} {fault}", parameter.span)
                values = held.encode(values)
            if fault := constant_fault(source, values, type.logical):
                raise MismatchError(parameter.name, f"{kernel}: {fault}", parameter.span)
            rom = scope.rom(parameter.name, source, values, type, parameter.span)
            scope.bind(parameter.name, replace(rom, fixed=held))
        else:
            ir_name = scope.unique(parameter.name)
            params.append(Param(ir_name, type, parameter.span, fixed=held, member=parameter.member))
            scope.bind(parameter.name, ArrayName(ir_name, type, fixed=held))
        if (member := parameter.member) is not None:
            scope.bind(member.argument, StructName(member.argument, member.struct, type.dims))
    return tuple(params)
