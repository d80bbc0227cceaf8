"""Arrays across calls, and partition: how an array is spread over memories, everywhere it is passed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bitfold.diagnostics import Note, ScheduleError, choices
from bitfold.ir.nodes import Alloc, CallKernel, Function, Program, Rom, Stmt, walk
from bitfold.ir.rewrite import Body, map_body
from bitfold.lang.layouts import MEMORIES, Partition, PartitionSpec
from bitfold.lang.types import ArrayType
from bitfold.schedule.lookup import arrays_of, declared_at, divisors, find_array, is_count

REGISTERS = "registers"

Place = tuple[str, str]  # (function, array)


def connected(program: Program, function: str, array: str) -> list[Place]:
    """The array and everything it is passed to or from by calls: one memory under several names. Sorted."""
    links: list[tuple[Place, Place]] = []
    for caller in program.functions:
        for stmt in walk(caller.body):
            if isinstance(stmt, CallKernel):
                callee = program.function(stmt.callee)
                for arg, param in zip(stmt.args, callee.params, strict=True):
                    links.append(((caller.name, arg), (callee.name, param.name)))
    found = {(function, array)}
    grown = True
    while grown:
        grown = False
        for a, b in links:
            if (a in found) != (b in found):
                found |= {a, b}
                grown = True
    return sorted(found)


def retype(function: Function, array: str, change: Callable[[ArrayType], ArrayType]) -> Function:
    """`function` with the declared type of `array` changed."""
    params = tuple(replace(p, type=change(p.type)) if p.name == array else p for p in function.params)

    def statement(s: Stmt) -> Body | None:
        if isinstance(s, (Alloc, Rom)) and s.name == array:
            return (replace(s, type=change(s.type)),)
        return None

    return replace(function, params=params, body=map_body(function.body, statement))


def partition(
    program: Program, function: Function, array: str, kind: Partition, dim: int, factor: int
) -> Program:
    """Spread dimension `dim` (from 1; 0: all) of `array` over memories that can be accessed together.

        w: bit[64, 784]   ->   w: bit[64, 784] @ cyclic(dim=1, factor=16)

    Cyclic puts element i in memory i % factor, block cuts runs, complete gives each element its own. Results
    cannot change. The layout follows the array through calls.

    Raises:
        ScheduleError: no such array or dimension, a factor that does not divide the size, a dimension
            partitioned before in another way, a factor for complete, or a stream.
    """
    type = find_array(function, array)
    rank = len(type.shape)
    where = declared_at(function, array)
    if not is_count(dim, 0, rank):
        raise ScheduleError(
            f"{array!r} of {function.name!r} has no dimension {dim!r}",
            code="BF-S020",
            span=where,
            remedy=f"dimensions count from 1 to {rank}; 0 means all",
        )
    if type.streamed:
        raise ScheduleError(
            f"{array!r} of {function.name!r} is a stream, which has no memories",
            code="BF-S020",
            span=where,
            remedy="partition the local array that buffers it",
        )
    if kind is Partition.COMPLETE and factor:
        raise ScheduleError(
            f"{array!r} of {function.name!r} is to be partitioned completely, and by a factor of {factor!r}",
            code="BF-S020",
            span=where,
            remedy="drop the factor, or name the kind: Partition.Cyclic or Partition.Block",
        )
    for d in range(1, rank + 1) if dim == 0 else (dim,):
        size = type.dims[d - 1]
        if kind is not Partition.COMPLETE and (not is_count(factor, 1) or size % factor):
            raise ScheduleError(
                f"dimension {d} of {array!r} in {function.name!r} has {size} elements, "
                + (f"which {factor!r} does not divide" if factor else "and needs a factor to spread them by"),
                code="BF-S011",
                span=where,
                remedy=f"{'use' if factor else 'factor=...'} one of {divisors(size)}",
            )
        if kind is Partition.COMPLETE or factor == size:
            program = _partition_everywhere(program, function, array, PartitionSpec(Partition.COMPLETE, d))
        elif factor > 1:
            program = _partition_everywhere(program, function, array, PartitionSpec(kind, d, factor))
    return program


def _partition_everywhere(program: Program, function: Function, array: str, spec: PartitionSpec) -> Program:
    for owner, name in connected(program, function.name, array):
        target = program.function(owner)
        old = [p for p in arrays_of(target)[name].layout if p.dim == spec.dim]
        if old and old[0] != spec:
            raise ScheduleError(
                f"dimension {spec.dim} of {array!r} in {function.name!r} is already partitioned: {old[0]}, "
                f"not {spec}",
                code="BF-S020",
                span=declared_at(function, array),
                notes=[Note(f"as {name!r} of {owner!r}", declared_at(target, name))],
                remedy="partition each dimension of an array once",
            )
        if not old:
            changed = retype(target, name, lambda t: replace(t, layout=(*t.layout, spec)))
            program = program.with_function(changed)
    return program


def bind(program: Program, function: Function, array: str, memory: str) -> Program:
    """Say what holds `array` on the device, everywhere it is passed: "bram", "lutram", "uram" or "registers".

        w: bit[64, 784]   ->   w: bit[64, 784] @ memory("bram")

    Registers are the complete partition: an element each.

        acc: int16[8]     ->   acc: int16[8] @ complete(dim=1)

    Raises:
        ScheduleError: no such array or memory, another memory before, or a stream.
    """
    type = find_array(function, array)
    where = declared_at(function, array)
    known = [*MEMORIES, REGISTERS]
    if memory not in known:
        raise ScheduleError(
            f"{memory!r} is no memory of the device",
            code="BF-S021",
            span=where,
            remedy=choices(str(memory), known),
        )
    if type.streamed or type.memory not in ("", memory):
        found = "a stream" if type.streamed else f"bound to {type.memory}"
        raise ScheduleError(
            f"{array!r} of {function.name!r} is {found} already",
            code="BF-S021",
            span=where,
            remedy="bind an array once, and not a stream",
        )
    if memory == REGISTERS:
        return partition(program, function, array, Partition.COMPLETE, 0, 0)
    for owner, name in connected(program, function.name, array):
        changed = retype(program.function(owner), name, lambda t: replace(t, memory=memory))
        program = program.with_function(changed)
    return program
