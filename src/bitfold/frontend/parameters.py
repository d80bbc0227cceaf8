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
from bitfold.frontend.scalars import for_scalar
from bitfold.frontend.scope import ArrayName, Known, ScalarName, Scope, StructName
from bitfold.frontend.source import captured, definition, shown, span_of
from bitfold.frontend.static import static_or_none
from bitfold.frontend.structs import field_name
from bitfold.ir import build
from bitfold.ir.nodes import Const, Declare, Expr, Member, Param
from bitfold.lang.array import FixedArray
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.generics import TypeName, as_type
from bitfold.lang.stream import StreamType
from bitfold.lang.structs import StructArrayType
from bitfold.lang.types import ArrayType, ElementType, FloatType, IntType


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number that a caller passes; `array` is the scalar parameter of the caller that holds it, if any."""

    value: Expr
    array: str | None = None


Bound = ArrayName | Scalar | tuple[str, np.ndarray]
"""What a caller passes: an array, a number, or a constant array as (what it is called, its values)."""

Source = ArrayName | Expr | str | None
"""What the caller passes for a parameter of an instance: an array, a value, or an array by its name."""

_Given = ArrayType | FixedArrayType | tuple[str, np.ndarray]


def passed_as(value: ArrayName | tuple[str, np.ndarray]) -> _Given:
    """What passing `value` binds a parameter to."""
    if not isinstance(value, ArrayName):
        return value
    return FixedArrayType(value.fixed, value.type) if value.fixed else value.type


_RESULTS = (ArrayType, FixedArrayType, IntType, FloatType, FixedType)


class MismatchError(Exception):
    """What a caller passes for `parameter` does not fit its declaration."""

    def __init__(self, parameter: str, message: str, where: Span) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.message = message
        self.where = where


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter as its author declared it; dimensions may be names. `fixed` as in `ArrayName`.

    A scalar is an array of one element.
    """

    name: str
    type: ArrayType
    span: Span
    fixed: FixedType | None = None
    member: Member | None = None
    scalar: bool = False

    def __str__(self) -> str:
        return str(FixedArrayType(self.fixed, self.type) if self.fixed else self.type)


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters and results of a kernel, and the names of types and sizes in their annotations."""

    parameters: list[Declared]
    results: list[Declared]
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
    returns = _unquoted(node.returns) if node.returns is not None else None
    results = [] if returns is None else declared_results(returns, evaluated.get("return"), scope)
    return Signature(declared, results, generic)


def declared_results(node: ast.expr, evaluated: Any, scope: Scope) -> list[Declared]:
    """The results that the annotation after `->` declares: none, one, or those of a tuple of types."""
    parts = [node]
    values: list[Any] = [evaluated]
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "tuple":
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        values = list(getattr(evaluated, "__args__", ()))
    elif isinstance(node, ast.Tuple):
        parts, values = node.elts, list(evaluated) if isinstance(evaluated, tuple) else []
    elif isinstance(node, ast.Constant) and node.value is None:
        return []
    if len(values) != len(parts):
        values = [None] * len(parts)
    found = []
    for i, (part, value) in enumerate(zip(parts, values, strict=True)):
        type = as_type(value)
        if not isinstance(type, _RESULTS):
            type = as_type(static_or_none(_unquoted(part), scope))
        if not isinstance(type, _RESULTS) or isinstance(type, StreamType):
            raise LanguageError(
                f"{shown(part)!r} is no type of a result",
                code="BF-L033",
                span=span_of(part, scope.file),
                remedy="a kernel returns scalars and arrays: `-> int32`, `-> int16[10]`, `-> (int32, int32)`",
            )
        scalar = not isinstance(type, (ArrayType, FixedArrayType))
        array = type[1] if isinstance(type, (IntType, FloatType, FixedType)) else type
        fixed = array.elem if isinstance(array, FixedArrayType) else None
        integers = array.raw if isinstance(array, FixedArrayType) else array
        name = "result" if len(parts) == 1 else f"result_{i}"
        found.append(Declared(name, integers, span_of(part, scope.file), fixed, scalar=scalar))
    return found


def _of(callee: FunctionType) -> Signature:
    return declared_parameters(callee, definition(callee), callee.__code__.co_filename)


def results_of(callee: FunctionType) -> list[Declared]:
    """The results that a kernel declares."""
    return _of(callee).results


def scalars_of(callee: FunctionType) -> frozenset[str]:
    """The names of a kernel's parameters that are numbers."""
    return frozenset(p.name for p in _of(callee).parameters if p.scalar)


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
    if isinstance(type, FixedType):
        return Declared(arg.arg, type[1].raw, span, type, scalar=True)
    if isinstance(type, (IntType, FloatType)):
        return Declared(arg.arg, type[1], span, scalar=True)
    found = "it has no annotation" if arg.annotation is None else f"not {shown(arg.annotation)}"
    remedy = f'annotate it: `{arg.arg}: bit["N"]`, `{arg.arg}: int16[10]`, or `{arg.arg}: int32` for a number'
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
    declared = (*signature.parameters, *signature.results)
    sizes = {d for p in declared for d in p.type.shape if isinstance(d, str)}
    generic = signature.generic
    check_given(kernel, generic, sizes, given, span)
    resolved = {name: as_type(v) if name in generic.types else int(v) for name, v in given.items()}
    origin = dict.fromkeys(resolved, "customize")
    if bound:
        _check_structs(kernel, signature, bound)
    for parameter in signature.parameters:
        given_here = bound.get(parameter.name)
        if isinstance(given_here, Scalar) is not parameter.scalar and given_here is not None:
            what = "one number" if parameter.scalar else "an array"
            message = f"{kernel} takes {what} for {parameter.name!r}"
            raise MismatchError(parameter.name, message, parameter.span)
        if given_here is not None and not isinstance(given_here, Scalar):
            _unify(kernel, parameter, passed_as(given_here), resolved, origin, generic)
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
    given: _Given,
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


def _element(given: _Given, span: Span) -> ElementType | FixedType:
    """The type of the elements of what is passed."""
    if not isinstance(given, tuple):
        return given.elem
    if isinstance(given[1], FixedArray):
        return given[1].elem
    return array_type(given[1], given[0], span).elem


def bind(
    kernel: str, signature: Signature, bound: Mapping[str, Bound], dims: Mapping[str, Any], scope: Scope
) -> list[tuple[Param, Source]]:
    """Enter the parameters into `scope`. A constant array becomes a ROM in place of its parameter.

    Returns the parameters of the instance, each with what its caller passes for it.
    """
    params: list[tuple[Param, Source]] = []
    viewed = {p.ir_name for p in bound.values() if isinstance(p, ArrayName) and p.view is not None}
    shared: dict[str, ArrayName] = {}
    for parameter in signature.parameters:
        (type, held), passed = concrete(parameter, dims), bound.get(parameter.name)
        if isinstance(passed, ArrayName) and isinstance(passed.type, StreamType) and type.fault() is None:
            type = passed.type  # the depth is that of the stream passed
        if fault := type.fault():
            raise LanguageError(
                f"parameter {parameter.name!r}: {fault}",
                code="BF-L034",
                span=parameter.span,
                remedy="correct its annotation",
            )
        if parameter.scalar:
            assert passed is None or isinstance(passed, Scalar)
            params += _bind_scalar(kernel, parameter, type, held, passed, scope)
        elif isinstance(passed, tuple):
            source, values = passed
            if held is not None:
                if fault := held.fault(values):
                    raise MismatchError(parameter.name, f"{kernel}: {source!r} {fault}", parameter.span)
                values = held.encode(values)
            if fault := constant_fault(source, values, type.logical):
                raise MismatchError(parameter.name, f"{kernel}: {fault}", parameter.span)
            rom = scope.rom(parameter.name, source, values, type, parameter.span)
            scope.bind(parameter.name, replace(rom, fixed=held))
        else:
            assert passed is None or isinstance(passed, ArrayName)
            if passed is not None and passed.ir_name in viewed:
                params += _bind_part(parameter, type, passed, shared, scope)
                continue
            ir_name = scope.unique(parameter.name)
            param = Param(ir_name, type, parameter.span, fixed=held, member=parameter.member)
            params.append((param, passed))
            scope.bind(parameter.name, ArrayName(ir_name, type, fixed=held))
        if (member := parameter.member) is not None:
            scope.bind(member.argument, StructName(member.argument, member.struct, type.dims))
    return params


def _bind_part(
    parameter: Declared, type: ArrayType, passed: ArrayName, shared: dict[str, ArrayName], scope: Scope
) -> list[tuple[Param, Source]]:
    """A part of an array, or an array of which parts are passed as well: one parameter that holds the whole.

    `shared` are the arrays that have one already. Where the part is, as far as that varies, is passed too.
    """
    name, span, whole = parameter.name, parameter.span, passed.whole or passed.type
    params: list[tuple[Param, Source]] = []
    if passed.ir_name not in shared:
        if passed.source is not None:
            values = scope.constants.arrays[passed.source]
            held = scope.rom(name, passed.source, values, replace(whole, elem=type.elem), span)
            held = replace(held, fixed=passed.fixed)
        else:
            held = ArrayName(scope.unique(name), whole, fixed=passed.fixed)
            params.append((Param(held.ir_name, whole, span, fixed=passed.fixed), passed))
        shared[passed.ir_name] = held
    held = shared[passed.ir_name]
    axes = []
    for axis in passed.view or ():
        start = axis.start
        if not isinstance(start, Const):
            ir_name, local = scope.unique(f"{name}_from"), scope.unique(f"{name}_at")
            number = start.type[1]
            params.append((Param(ir_name, number, span, scalar=True), start))
            value = build.load(ir_name, (build.const(0),), start.type, span)
            scope.entry.append(Declare(local, start.type, value, span=span))
            start = build.local(local, start.type, span)
        axes.append(replace(axis, start=start))
    part = replace(held, type=type, view=tuple(axes), whole=whole) if passed.view is not None else held
    scope.bind(name, part)
    return params


def concrete(declared: Declared, dims: Mapping[str, Any]) -> tuple[ArrayType, FixedType | None]:
    """The type of a parameter or result with the names in it resolved, and the one that its integers hold."""
    shape = tuple(dims[d] if isinstance(d, str) else d for d in declared.type.shape)
    elem = declared.fixed or with_elem(declared.type, dims)
    held, elem = (elem, elem.raw) if isinstance(elem, FixedType) else (None, elem)
    return replace(declared.type, shape=shape, elem=elem), held


def _bind_scalar(
    kernel: str,
    parameter: Declared,
    type: ArrayType,
    held: FixedType | None,
    passed: Scalar | None,
    scope: Scope,
) -> list[tuple[Param, Source]]:
    """A scalar parameter: a compile-time value when its caller passes one, else a local."""
    name, span = parameter.name, parameter.span
    given = None if passed is None else for_scalar(name, type.elem, held, passed.value, span)
    if isinstance(given, Const):
        value = given.value
        if not type.elem.low <= value <= type.elem.high:
            message = f"{kernel} takes {type.elem} for {name!r}, which does not hold {value}"
            raise MismatchError(name, message, span)
        if held is None and not scope.assigned.get(name):
            scope.bind(name, Known(value))
            return []
        local = scope.unique(name)
        scope.entry.append(Declare(local, type.elem, given, span=span))
        scope.bind(name, ScalarName(local, type.elem, fixed=held))
        return []
    ir_name = scope.unique(name)
    local = scope.unique(f"{name}_value")
    first = build.load(ir_name, (build.const(0),), type.elem, span)
    scope.entry.append(Declare(local, type.elem, first, span=span))
    kept = None if scope.assigned.get(name) else ir_name
    scope.bind(name, ScalarName(local, type.elem, fixed=held, array=kept))
    source: Source = None
    if passed is not None:
        same = passed.value is given and (given.real or given.type) == type.elem
        source = passed.array if passed.array and same else given
    return [(Param(ir_name, type, span, fixed=held, scalar=True), source)]
