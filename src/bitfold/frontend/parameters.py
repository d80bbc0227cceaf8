"""What a kernel's parameters are passed, and the sizes and types that this gives to the names in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitfold.diagnostics import Span
from bitfold.frontend.constants import array_type
from bitfold.frontend.generics import Generic, check_given, missing, type_fault
from bitfold.frontend.scope import ArrayName
from bitfold.frontend.signatures import Declared, Signature
from bitfold.ir.nodes import Expr
from bitfold.lang.array import FixedArray
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.generics import TypeName, as_type
from bitfold.lang.stream import StreamType
from bitfold.lang.structs import StructType
from bitfold.lang.types import ArrayType, ElementType


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


def _passed_as(value: ArrayName | tuple[str, np.ndarray]) -> _Given:
    """What passing `value` binds a parameter to."""
    if not isinstance(value, ArrayName):
        return value
    return FixedArrayType(value.fixed, value.type) if value.fixed else value.type


class MismatchError(Exception):
    """What a caller passes for `parameter` does not fit its declaration."""

    def __init__(
        self,
        parameter: str,
        message: str,
        where: Span,
        remedy: str = "pass an array of the declared shape and element type",
    ) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.parameter = parameter
        self.message = message
        self.where = where


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
            _unify(kernel, parameter, _passed_as(given_here), resolved, origin, generic)
    open_sizes = sorted(sizes - set(resolved))
    open_types = sorted(generic.types - set(resolved))
    if open_sizes or open_types:
        raise missing(kernel, open_sizes, open_types, span)
    return resolved


def struct_types(
    kernel: str,
    signature: Signature,
    given: Mapping[str, Any],
    passed: Mapping[str, StructType],
    span: Span,
) -> dict[str, StructType]:
    """The names of types in a signature that stand for structs, by what customize gives and a caller passes.

    Raises:
        UsageError, MismatchError: a name does not stand for structs.
    """
    generic = signature.generic
    found = {n: t for n, t in given.items() if isinstance(t, StructType) and n in generic.types}
    check_given(kernel, generic, set(), found, span)
    for parameter in signature.parameters:
        elem = parameter.type.elem
        if isinstance(elem, TypeName) and (struct := passed.get(parameter.name)) is not None:
            if fault := type_fault(elem.name, struct, generic):
                message = f"{kernel} takes {parameter} for {parameter.name!r}: {fault}"
                raise MismatchError(parameter.name, message, parameter.span)
            found.setdefault(elem.name, struct)
    return found


def _check_structs(kernel: str, signature: Signature, bound: Mapping[str, Bound]) -> None:
    """Raise MismatchError where structs meet numbers or other structs, or one struct an array of them."""
    for parameter in signature.parameters:
        member, name = parameter.member, parameter.name
        whole = member.argument if member else name
        passed = bound.get(name)
        if passed is not None and (member is None or isinstance(passed, Scalar) is parameter.scalar):
            continue
        remedy = "pass an array of the declared shape and element type"
        takes = f"one {parameter.fixed or parameter.type.elem}" if parameter.scalar else str(parameter)
        if member:
            takes = str(member.struct) if parameter.scalar else f"an array of {member.struct}"
            parts = ", ".join(f"{field}=..." for field in member.struct.names)
            remedy = f"pass one of that type, such as a new one: T({parts})" if parameter.scalar else remedy
        elif parameter.scalar:
            remedy = "pass a field of it"
        raise MismatchError(
            whole,
            f"{kernel} takes {takes} for {whole!r}, but this is {_passed(bound, whole)}",
            parameter.span,
            remedy,
        )


def _passed(bound: Mapping[str, Bound], parameter: str) -> str:
    """What is passed for a parameter, in words."""
    if (given := bound.get(parameter)) is not None:
        return "a number" if isinstance(given, Scalar) else "an array of numbers"
    fields = {n.partition(".")[2]: v for n, v in bound.items() if n.startswith(f"{parameter}.")}
    one = any(isinstance(v, Scalar) for v in fields.values())
    return f"{'a struct' if one else 'an array of structs'} with the fields {', '.join(fields)}"


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
        other = isinstance(given, StreamType) and given.struct != getattr(type, "struct", None)
        if other or replace(given, shape=type.shape).crossing != type.crossing:
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
