"""reshape: an array with the same elements in other dimensions, everywhere it is passed."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import Expr, Function, Load, Op, Program, Rom, Stmt, Store
from bitfold.ir.rewrite import Body, bound_names, fresh, map_body, map_exprs
from bitfold.schedule.layout import Place, connected, retype
from bitfold.schedule.lookup import arrays_of, constants_used, declared_at, find_array, is_count

Shape = tuple[int, ...]


def reshape(program: Program, function: Function, array: str, shape: Shape) -> Program:
    """Give `array` the dimensions `shape`: the same elements in row-major order, everywhere it is passed.

        h = empty(uint8[4, 6])                  h = empty(uint8[2, 12])
        for i in range(4):                      for i in range(4):
            for j in range(6):                      for j in range(6):
                h[i, j] = f(i, j)       ->              h[(i * 6 + j) // 12, (i * 6 + j) % 12] = f(i, j)

    What is put side by side can then be partitioned or packed together. Constants are stored anew. Always
    legal: each element stays one of its own.

    Raises:
        ScheduleError: another number of elements, a parameter of the top kernel, whose callers pass its
            shape, or an array that is packed, partitioned or a stream.
    """
    type = find_array(function, array)
    where = declared_at(function, array)
    if not shape or not all(is_count(n, 1) for n in shape) or prod(shape) != prod(type.dims):
        raise ScheduleError(
            f"{array!r} of {function.name!r} has {prod(type.dims)} elements, not those of {list(shape)}",
            code="BF-S036",
            span=where,
            remedy=f"give dimensions whose product is {prod(type.dims)}",
        )
    places = connected(program, function.name, array)
    for owner, name in places:
        _check(program, function, array, (owner, name))
    for owner, name in places:
        program = _reshaped(program, program.function(owner), name, shape)
    return program


def _check(program: Program, asked: Function, array: str, place: Place) -> None:
    owner = program.function(place[0])
    type = arrays_of(owner)[place[1]]
    why = remedy = ""
    if owner is program.top and place[1] in {p.name for p in program.states}:
        why, remedy = "is a state, which starts in its own shape", "declare it with other dimensions"
    elif owner.name == program.top.name and place[1] in {p.name for p in owner.params}:
        why, remedy = (
            "is a parameter of the top kernel: its callers pass that shape",
            "copy it to a local array",
        )
    elif type.lanes_of or type.layout:
        why = f"is {'packed' if type.lanes_of else 'partitioned'} already"
        remedy = "reshape first, then pack or partition"
    elif type.streamed:
        why, remedy = "is a stream, which has no dimensions", "reshape before you stream"
    if why:
        same = (asked.name, array) == place
        notes = [] if same else [Note(f"it is {place[1]!r} of {owner.name!r}", declared_at(owner, place[1]))]
        raise ScheduleError(
            f"{array!r} of {asked.name!r} {why}",
            code="BF-S036",
            span=declared_at(asked, array),
            notes=notes,
            remedy=remedy,
        )


def _reshaped(program: Program, function: Function, array: str, shape: Shape) -> Program:
    """`program` with `array` of one function in the new shape."""
    old = arrays_of(function)[array]
    constants = dict(program.constants)
    taken = set(constants).union(*(bound_names(f) for f in program.functions))

    def placed(indices: tuple[Expr, ...]) -> tuple[Expr, ...]:
        flat: Expr = build.const(0)
        for size, index in zip(old.dims, indices, strict=True):
            flat = build.binary(Op.ADD, build.binary(Op.MUL, flat, build.const(size)), index, index.span)
        found: list[Expr] = []
        for d, size in enumerate(shape):
            within = build.binary(Op.FLOORDIV, flat, build.const(prod(shape[d + 1 :])), flat.span)
            found.append(within if d == 0 else build.binary(Op.MOD, within, build.const(size), flat.span))
        return tuple(found)

    def read(e: Expr) -> Expr | None:
        if isinstance(e, Load) and e.array == array:
            return replace(e, indices=placed(e.indices))
        return None

    def write(s: Stmt) -> Body | None:
        if isinstance(s, Store) and s.array == array:
            return (replace(s, indices=placed(s.indices)),)
        if isinstance(s, Rom) and s.name == array:
            source = fresh(f"{s.source}_r", taken)
            constants[source] = np.ascontiguousarray(program.constants[s.source].reshape(shape))
            constants[source].flags.writeable = False
            return (replace(s, source=source),)
        return None

    body = map_body(map_exprs(function.body, read), write)
    changed = retype(replace(function, body=body), array, lambda t: replace(t, shape=shape))
    program = program.with_function(changed)
    used = constants_used(program)
    return replace(program, constants={n: v for n, v in constants.items() if n in used})
