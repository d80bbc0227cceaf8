"""A kernel's parameters in one of its instances: arrays, ROMs, parts of arrays, scalars, known values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bitfold.diagnostics import LanguageError
from bitfold.frontend.constants import constant_fault
from bitfold.frontend.parameters import Bound, MismatchError, Scalar, Source
from bitfold.frontend.scalars import for_scalar
from bitfold.frontend.scope import ArrayName, Known, ScalarName, Scope, StructName
from bitfold.frontend.signatures import Declared, Signature, concrete
from bitfold.ir import build
from bitfold.ir.nodes import Const, Declare, Param
from bitfold.lang.fixed import FixedType
from bitfold.lang.stream import StreamType
from bitfold.lang.types import ArrayType


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
        if (member := parameter.member) is not None:
            rank = 0 if parameter.scalar else len(type.dims)
            scope.bind(member.argument, StructName(member.argument, member.struct, rank))
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
            made = type.plain if isinstance(type, StreamType) else type
            param = Param(ir_name, made, parameter.span, fixed=held, member=parameter.member)
            params.append((param, passed))
            scope.bind(parameter.name, ArrayName(ir_name, type, fixed=held))
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


def _bind_scalar(
    kernel: str,
    parameter: Declared,
    type: ArrayType,
    held: FixedType | None,
    passed: Scalar | None,
    scope: Scope,
) -> list[tuple[Param, Source]]:
    """A scalar parameter: a compile-time value when its caller passes one, else a local."""
    name, span, member = parameter.name, parameter.span, parameter.member
    assigned = scope.assigned.get(member.argument if member else name)
    given = None if passed is None else for_scalar(name, type.elem, held, passed.value, span)
    if isinstance(given, Const):
        value = given.value
        if not type.elem.low <= value <= type.elem.high:
            message = f"{kernel} takes {type.elem} for {name!r}, which does not hold {value}"
            raise MismatchError(name, message, span)
        if held is None and not assigned:
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
    kept = None if assigned else ir_name
    scope.bind(name, ScalarName(local, type.elem, fixed=held, array=kept))
    source: Source = None
    if passed is not None:
        same = passed.value is given and (given.real or given.type) == type.elem
        source = passed.array if passed.array and same else given
    return [(Param(ir_name, type, span, fixed=held, member=member, scalar=True), source)]
