"""Pass shadow-words: a kernel that sets bits of its output's words keeps the words in registers of its own.

    y[m // 16] = set_bit(y[m // 16], m % 16, v)
    ->
    y_word[m // 16] = set_bit(y_word[m // 16], m % 16, v)
    y[m // 16] = y_word[m // 16]

An array between two dataflow processes may have one writer and one reader. So the writer must not read it
back, as changing a bit of a word does. A kernel that may leave a bit unset keeps the words as they are.
"""

from __future__ import annotations

from dataclasses import replace

import islpy as isl

from bitfold.ir import build
from bitfold.ir.effects import loads
from bitfold.ir.nodes import (
    Alloc,
    Apply,
    Fn,
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
from bitfold.lang.types import ArrayType
from bitfold.schedule.affine import affine, domain
from bitfold.schedule.dependence import instances


def shadow_words(program: Program) -> Program:
    """The same program, in which no called kernel reads back a packed parameter only to set bits of it."""
    called = (_function(program, f) for f in program.functions[:-1])
    return replace(program, functions=(*called, program.top))


def _function(program: Program, function: Function) -> Function:
    for name, type in ((p.name, p.type) for p in function.params if p.type.lanes_of):
        if _only_sets_bits(function, name) and _sets_every_bit(program, function, name, type):
            function = _shadowed(function, name, type)
    return function


def _only_sets_bits(function: Function, array: str) -> bool:
    """Whether the kernel reads `array` at all, and only where it changes a bit of the word it then stores."""
    reads = [e for s in walk(function.body) for e in loads(s) if e.array == array]
    changes = [s for s in walk(function.body) if _changes_bit(s, array)]
    return bool(reads) and len(reads) == len(changes)


def _sets_every_bit(program: Program, function: Function, array: str, type: ArrayType) -> bool:
    """Whether every bit of `array` is set in any call; isl decides."""
    rank = len(type.dims)
    missing = isl.Set(f"{{ [{_listed(rank)}, p] : {_limits(type)} }}")
    for instance in instances(program, function):
        if not _changes_bit(instance.stmt, array):
            continue
        assert isinstance(instance.stmt, Store)
        assert isinstance(instance.stmt.value, Apply)
        place = [affine(i, instance.names) for i in (*instance.stmt.indices, instance.stmt.value.args[1])]
        runs = domain(instance.loops, instance.guards, instance.names)
        if None in place or not runs.exact:
            continue
        target = ", ".join(map(str, place))
        missing = missing.subtract(isl.Map(f"{{ {instance.head} -> [{target}] : {runs.text} }}").range())
    return bool(missing.is_empty())


def _listed(rank: int) -> str:
    return ", ".join(f"e{d}" for d in range(rank))


def _limits(type: ArrayType) -> str:
    """The words e0, e1 ... of the array and the positions p in them that hold a bit."""
    last = len(type.dims) - 1
    parts = [f"0 <= e{d} < {size}" for d, size in enumerate(type.dims)]
    parts.append(f"0 <= p < {type.lanes} and {type.lanes}*e{last} + p < {type.lanes_of}")
    return " and ".join(parts)


def _changes_bit(stmt: Stmt, array: str) -> bool:
    if not (isinstance(stmt, Store) and stmt.array == array and isinstance(stmt.value, Apply)):
        return False
    word = stmt.value.args[0]
    return stmt.value.fn is Fn.SET_BIT and word == Load(array, stmt.indices, low=0, high=0)


def _copy_once(loop: Stmt, name: str) -> Body | None:
    """A loop that only sets bits of one word and copies it each time, with the copy after the loop."""
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
    layout = tuple(PartitionSpec(Partition.COMPLETE, d + 1) for d in range(len(type.dims)))
    # The bits of a last word that hold no element are never set, and are 0 on every back end.
    fill = 0 if (type.lanes_of or 0) % type.lanes else None
    local = Alloc(name, ArrayType(type.elem, type.shape, layout), fill, span=function.span)

    def statement(s: Stmt) -> Body | None:
        if not _changes_bit(s, array):
            return None
        assert isinstance(s, Store)
        assert isinstance(s.value, Apply)
        word = build.load(name, s.indices, type.elem, s.span)
        value = build.apply(Fn.SET_BIT, (word, *s.value.args[1:]), s.span)
        return (Store(name, s.indices, value, span=s.span), replace(s, value=word))

    body = map_body(map_body(function.body, statement), lambda s: _copy_once(s, name))
    roms = sum(isinstance(s, Rom) for s in body)
    return replace(function, body=(*body[:roms], local, *body[roms:]))
