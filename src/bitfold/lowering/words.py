"""Pass words-in-registers: a loop that sets all lanes of one word puts them together in a local.

    for m_i in range(64):                               y_word: uint64 = 0
        y[m_o] = set_bit(y[m_o], m_i, v)         ->     for m_i in range(64):
                                                            y_word |= v << m_i
                                                        y[m_o] = y_word

For the CPU, whose compiler makes vectors of such a sum, and none of a loop that stores to one place.
"""

from __future__ import annotations

from dataclasses import replace

from bitfold.ir import build
from bitfold.ir.effects import loads
from bitfold.ir.nodes import (
    Assign,
    CallKernel,
    Declare,
    Expr,
    For,
    Function,
    Load,
    Local,
    LoopVar,
    Op,
    Program,
    Stmt,
    Store,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import Body, bound_names, fresh, map_body
from bitfold.lang.types import ArrayType
from bitfold.schedule.lanes import changed_lanes, set_lane
from bitfold.schedule.lookup import arrays_of


def words_in_registers(program: Program) -> Program:
    """The same program with such loops changed, in every kernel."""
    return replace(program, functions=tuple(_function(f) for f in program.functions))


def _function(function: Function) -> Function:
    types = {name: type for name, type in arrays_of(function).items() if type.lanes > 1}
    taken = bound_names(function)

    def change(s: Stmt) -> Body | None:
        if not isinstance(s, For) or s.low != build.const(0) or s.step != 1 or s.pipeline or s.flatten:
            return None
        start: list[Stmt] = []
        end: list[Stmt] = []
        for name, type in types.items():
            found = _word(s, name, type)
            if found is None:
                continue
            store, value = found
            word = fresh(f"{name}_word", taken)
            place = build.local(word, type.elem, store.span)
            lane = build.loop_var(s.var, 0, type.lanes - 1)
            offset = build.binary(Op.MUL, lane, build.const(type.part.width))
            total = build.binary(Op.OR, place, build.binary(Op.SHL, value, offset), store.span)
            added = Assign(word, type.elem, total, span=store.span)
            s = replace(s, body=tuple(added if each is store else each for each in s.body))
            start.append(Declare(word, type.elem, build.const(0), span=s.span))
            end.append(replace(store, value=place))
        return (*start, s, *end) if start else None

    return replace(function, body=map_body(function.body, change))


def _word(loop: For, array: str, type: ArrayType) -> tuple[Store, Expr] | None:
    """The one statement in the loop that touches `array`, and the value that it gives lane `loop.var`.

    None unless it sets every lane of a word that is the same in all iterations.
    """
    stores = [s for s in loop.body if isinstance(s, Store) and s.array == array]
    if (
        len(stores) != 1
        or loop.trips != type.lanes
        or any(isinstance(s, CallKernel) for s in walk(loop.body))
    ):
        return None
    (store,) = stores
    parts = [e for i in store.indices for e in walk_expr(i)]
    if any(isinstance(e, (Load, Local)) or (isinstance(e, LoopVar) and e.name == loop.var) for e in parts):
        return None
    touched = [s for s in walk(loop.body) if s is not store and _touches(s, array)]
    word = build.load(array, store.indices, type.elem)
    wanted = build.loop_var(loop.var, 0, type.lanes - 1)
    for lane, value in changed_lanes(store.value, type.part):
        alone = not any(isinstance(e, Load) and e.array == array for e in walk_expr(value))
        whole = lane == wanted and store.value == set_lane(word, lane, value, type.part)
        if whole and alone and not touched:
            return store, value
    return None


def _touches(s: Stmt, array: str) -> bool:
    return (isinstance(s, Store) and s.array == array) or any(e.array == array for e in loads(s))
