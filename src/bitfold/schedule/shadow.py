"""Pass shadow-words: a kernel that sets lanes of its output's words keeps the words in an array of its own.

    y[m // 16] = set_bit(y[m // 16], m % 16, v)
    ->
    y_word[m // 16] = set_bit(y_word[m // 16], m % 16, v)
    y[m // 16] = y_word[m // 16]

An array between two dataflow processes may have one writer and one reader. So the writer must not read it
back, as changing a lane of a word does. A kernel that may leave a lane unset keeps the words as they are.
"""

from __future__ import annotations

from dataclasses import replace

import islpy as isl

from bitfold.ir import build
from bitfold.ir.effects import loads
from bitfold.ir.nodes import (
    Alloc,
    CallKernel,
    Expr,
    For,
    Function,
    Load,
    LoopVar,
    Program,
    Rom,
    Stmt,
    Store,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import Body, bound_names, fresh, map_body
from bitfold.lang.layouts import Partition, PartitionSpec
from bitfold.lang.types import ArrayType, bit
from bitfold.schedule.affine import affine, domain
from bitfold.schedule.dependence import instances
from bitfold.schedule.lanes import changed_lane, set_lane


def shadow_words(program: Program) -> Program:
    """The same program, in which no called kernel reads back a packed parameter only to set bits of it.

    Lanes of several bits are kept so only in processes of dataflow kernels, which must not read them back.
    """
    processes = _processes(program)
    called = (_function(program, f, f.name in processes) for f in program.functions[:-1])
    return replace(program, functions=(*called, program.top))


def _processes(program: Program) -> frozenset[str]:
    """The names of all kernels that run inside a process of a dataflow kernel."""
    found: set[str] = set()
    for function in reversed(program.functions):  # callers first
        if function.dataflow or function.name in found:
            found.update(s.callee for s in walk(function.body) if isinstance(s, CallKernel))
    return frozenset(found)


def _function(program: Program, function: Function, process: bool) -> Function:
    for name, type in ((p.name, p.type) for p in function.params if p.type.lanes_of):
        wanted = process or type.part == bit
        if (
            wanted
            and _only_sets_lanes(function, name, type)
            and _sets_every_lane(program, function, name, type)
        ):
            function = _shadowed(function, name, type)
    return function


def _only_sets_lanes(function: Function, array: str, type: ArrayType) -> bool:
    """Whether the kernel reads `array`, and only where it changes a lane of the word it then stores."""
    reads = [e for s in walk(function.body) for e in loads(s) if e.array == array]
    changes = [s for s in walk(function.body) if _lane_of(s, array, type)]
    return bool(reads) and len(reads) == len(changes)


def _sets_every_lane(program: Program, function: Function, array: str, type: ArrayType) -> bool:
    """Whether every lane of `array` is set in any call; isl decides."""
    rank = len(type.dims)
    missing = isl.Set(f"{{ [{_listed(rank)}, p] : {_limits(type)} }}")
    for instance in instances(program, function):
        changed = _lane_of(instance.stmt, array, type)
        if not changed:
            continue
        assert isinstance(instance.stmt, Store)
        place = [affine(i, instance.names) for i in (*instance.stmt.indices, changed[0])]
        runs = domain(instance.loops, instance.guards, instance.names)
        if None in place or not runs.exact:
            continue
        target = ", ".join(map(str, place))
        missing = missing.subtract(isl.Map(f"{{ {instance.head} -> [{target}] : {runs.text} }}").range())
    return bool(missing.is_empty())


def _listed(rank: int) -> str:
    return ", ".join(f"e{d}" for d in range(rank))


def _limits(type: ArrayType) -> str:
    """The words e0, e1 ... of the array and the lanes p in them that hold an element."""
    last = len(type.dims) - 1
    parts = [f"0 <= e{d} < {size}" for d, size in enumerate(type.dims)]
    parts.append(f"0 <= p < {type.lanes} and {type.lanes}*e{last} + p < {type.lanes_of}")
    return " and ".join(parts)


def _lane_of(stmt: Stmt, array: str, type: ArrayType) -> tuple[Expr, Expr] | None:
    """The lane that `stmt` changes in a word of `array`, and its new value."""
    return changed_lane(stmt, type) if isinstance(stmt, Store) and stmt.array == array else None


def _copy_once(loop: Stmt, name: str) -> Body | None:
    """A loop that only sets lanes of one word and copies it each time, with the copy after the loop."""
    if not (isinstance(loop, For) and loop.trips and len(loop.body) == 2):
        return None
    change, copy = loop.body
    if not (isinstance(change, Store) and isinstance(copy, Store)):
        return None
    if change.array != name or copy.value != Load(name, copy.indices, low=0, high=0):
        return None
    if any(isinstance(e, LoopVar) and e.name == loop.var for i in copy.indices for e in walk_expr(i)):
        return None
    return replace(loop, body=(change,)), copy


def _shadowed(function: Function, array: str, type: ArrayType) -> Function:
    taken = bound_names(function)
    name = fresh(f"{array}_word", taken)
    every = tuple(PartitionSpec(Partition.COMPLETE, d + 1) for d in range(len(type.dims)))
    layout = every if type.part == bit else ()
    # The lanes of a last word that hold no element are never set, and are 0 on every back end.
    fill = 0 if (type.lanes_of or 0) % type.lanes else None
    local = Alloc(name, ArrayType(type.elem, type.shape, layout), fill, span=function.span)

    def statement(s: Stmt) -> Body | None:
        changed = _lane_of(s, array, type)
        if not changed:
            return None
        assert isinstance(s, Store)
        word = build.load(name, s.indices, type.elem, s.span)
        value = set_lane(word, *changed, type.part)
        return (Store(name, s.indices, value, span=s.span), replace(s, value=word))

    body = map_body(map_body(function.body, statement), lambda s: _copy_once(s, name))
    roms = sum(isinstance(s, Rom) for s in body)
    return replace(function, body=(*body[:roms], local, *body[roms:]))
