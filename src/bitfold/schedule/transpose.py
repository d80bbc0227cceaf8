"""transpose: the dimensions of a constant, or of a local array, stored in another order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bitfold.diagnostics import ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import Alloc, CallKernel, Expr, Function, Load, Program, Rom, Stmt, Store, walk
from bitfold.ir.rewrite import Body, bound_names, fresh, map_body, map_exprs
from bitfold.lang.packing import pack_words
from bitfold.lang.types import ArrayType
from bitfold.schedule.lookup import constants_used, declared_at, find_array, is_count


def transpose(program: Program, function: Function, array: str, order: tuple[int, ...]) -> Program:
    """Store the dimensions of `array` in another order: dimension `order[i]` (from 1) becomes number i.

        w = rom(W, uint64[256, 4])          w = rom(W_t, uint64[4, 256])
        for m in range(256):                for m in range(256):
            y[m] = w[m, 3]          ->          y[m] = w[3, m]

    What a loop over m reads now lies side by side, which CPUs need for vector instructions. Without an order,
    the dimensions are reversed. A packed constant becomes one of plain words.

    Raises:
        ScheduleError: a parameter, an array passed to another kernel, one that is partitioned, or an order
            that is no permutation.
    """
    type = find_array(function, array)
    where = declared_at(function, array)
    rank = len(type.shape)
    order = order or tuple(range(rank, 0, -1))
    if not all(is_count(d, 1, rank) for d in order) or len(set(order)) != rank or len(order) != rank:
        raise ScheduleError(
            f"{order} is no order of the {rank} dimensions of {array!r}",
            code="BF-S023",
            span=where,
            remedy=f"name each of 1 to {rank} once",
        )
    calls = [s for s in walk(function.body) if isinstance(s, CallKernel) and array in s.args]
    why = ""
    if array in {p.name for p in function.params}:
        why = "is a parameter, which its caller lays out"
    elif calls:
        why = f"is passed to {calls[0].callee!r}"
    elif type.layout:
        why = "is partitioned already"
    elif type.lanes_of and any(isinstance(s, Alloc) and s.name == array for s in walk(function.body)):
        why = "is packed"
    if why:
        raise ScheduleError(
            f"{array!r} of {function.name!r} {why}",
            code="BF-S023",
            span=where,
            remedy="transpose constants and local arrays, before they are partitioned",
        )
    places = tuple(d - 1 for d in order)
    shape = tuple(type.shape[d] for d in places)
    constants = dict(program.constants)

    def turned(indices: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(indices[d] for d in places)

    def read(e: Expr) -> Expr | None:
        if isinstance(e, Load) and e.array == array:
            return build.load(array, turned(e.indices), type.elem, e.span)
        return None

    def write(s: Stmt) -> Body | None:
        match s:
            case Store() if s.array == array:
                return (replace(s, indices=turned(s.indices)),)
            case Alloc() if s.name == array:
                return (replace(s, type=replace(type, shape=shape)),)
            case Rom() if s.name == array:
                values = program.constants[s.source]
                words = pack_words(values, type) if type.lanes_of else values
                taken = set(constants).union(*(bound_names(f) for f in program.functions))
                source = fresh(f"{s.source}_t", taken)
                constants[source] = np.ascontiguousarray(words.transpose(places))
                constants[source].flags.writeable = False
                return (replace(s, type=ArrayType(type.elem, shape, memory=type.memory), source=source),)
        return None

    body = map_body(map_exprs(function.body, read), write)
    changed = program.with_function(replace(function, body=body))
    used = constants_used(changed)
    return replace(changed, constants={name: v for name, v in constants.items() if name in used})
