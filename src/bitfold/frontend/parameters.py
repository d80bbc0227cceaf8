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

    def __init__(self, parameter: str, message: str, where: Span) -> None:
        super().__init__(message)
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
