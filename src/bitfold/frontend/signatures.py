"""What a kernel's signature declares: parameters and results, whose dimensions and types may be names."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.constants import ConstantTable
from bitfold.frontend.generics import Generic, generic_names, with_elem
from bitfold.frontend.scope import Known, Scope
from bitfold.frontend.source import captured, definition, shown, span_of
from bitfold.frontend.static import static_or_none
from bitfold.frontend.structs import field_name
from bitfold.ir.nodes import Member
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.generics import as_type
from bitfold.lang.stream import StreamType
from bitfold.lang.structs import StructArrayType, StructType
from bitfold.lang.types import ArrayType, FloatType, IntType

_RESULTS = (ArrayType, FixedArrayType, IntType, FloatType, FixedType)


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


def declared_parameters(
    fn: FunctionType, node: ast.FunctionDef, file: str, structs: Mapping[str, StructType] | None = None
) -> Signature:
    """The signature of `fn`, with the names of types that `structs` gives standing for these.

    Raises LanguageError where a type of it is none of the language.
    """
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
    structs = structs or {}
    generic = replace(generic, types=generic.types - set(structs))
    for name, meaning in {**generic.meanings(), **structs}.items():
        scope.bind(name, Known(meaning))
    declared = [
        part
        for arg in parameters
        for part in _declared_parts(arg, quoted.get(arg.arg), evaluated.get(arg.arg), scope)
    ]
    returns = _unquoted(node.returns) if node.returns is not None else None
    results = [] if returns is None else _declared_results(returns, evaluated.get("return"), scope)
    return Signature(declared, results, generic)


def _declared_results(node: ast.expr, evaluated: Any, scope: Scope) -> list[Declared]:
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
        type, span = as_type(value), span_of(part, scope.file)
        if not isinstance(type, _RESULTS):
            type = as_type(static_or_none(_unquoted(part), scope))
        name = "result" if len(parts) == 1 else f"result_{i}"
        if isinstance(type, (StructType, StructArrayType)):
            for field, each in _fields(type):
                member = Member(name, field, type if isinstance(type, StructType) else type.struct)
                found.append(replace(_result(field_name(name, field), each, span), member=member))
            continue
        if not isinstance(type, _RESULTS) or isinstance(type, StreamType):
            raise LanguageError(
                f"{shown(part)!r} is no type of a result",
                code="BF-L033",
                span=span,
                remedy="a kernel returns scalars and arrays: `-> int32`, `-> int16[10]`, `-> (int32, int32)`",
            )
        found.append(_result(name, type, span))
    return found


def _result(name: str, type: Any, span: Span) -> Declared:
    scalar = not isinstance(type, (ArrayType, FixedArrayType))
    array = type[1] if scalar else type
    fixed = array.elem if isinstance(array, FixedArrayType) else None
    integers = array.raw if isinstance(array, FixedArrayType) else array
    return Declared(name, integers, span, fixed, scalar=scalar)


def _fields(type: StructType | StructArrayType) -> Iterator[tuple[str, Any]]:
    """Each field of a struct with its type, or with that of its array."""
    if isinstance(type, StructType):
        yield from type.fields
    else:
        yield from zip(type.struct.names, type.parts, strict=True)


def signature_of(callee: FunctionType) -> Signature:
    """What a kernel that is called declares."""
    return declared_parameters(callee, definition(callee), callee.__code__.co_filename)


def results_of(callee: FunctionType) -> list[Declared]:
    """The results that a kernel declares."""
    return signature_of(callee).results


def scalars_of(callee: FunctionType) -> frozenset[str]:
    """The names of a kernel's parameters that are numbers, or single structs."""
    parameters = signature_of(callee).parameters
    return frozenset(p.member.argument if p.member else p.name for p in parameters if p.scalar)


def _declared_parts(
    arg: ast.arg, quoted: ast.expr | None, evaluated: Any, scope: Scope
) -> Iterator[Declared]:
    """A parameter; for a struct or an array of them, one for each field."""
    type = as_type(evaluated) if quoted is None else as_type(static_or_none(quoted, scope))
    if not isinstance(type, (StructType, StructArrayType)):
        yield _declared(arg, type, scope)
        return
    for field, part in _fields(type):
        declared = _declared(arg, part, scope)
        member = Member(arg.arg, field, type if isinstance(type, StructType) else type.struct)
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
        f"parameter {arg.arg!r} needs a type of the language; {found}",
        code="BF-L032",
        span=span,
        remedy=remedy,
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


def concrete(declared: Declared, dims: Mapping[str, Any]) -> tuple[ArrayType, FixedType | None]:
    """The type of a parameter or result with the names in it resolved, and the one that its integers hold."""
    shape = tuple(dims[d] if isinstance(d, str) else d for d in declared.type.shape)
    elem = declared.fixed or with_elem(declared.type, dims)
    held, elem = (elem, elem.raw) if isinstance(elem, FixedType) else (None, elem)
    return replace(declared.type, shape=shape, elem=elem), held
