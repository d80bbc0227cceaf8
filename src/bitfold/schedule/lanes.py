"""Lanes of words: reading and changing one, and loops over all lanes as operations on whole words."""

from __future__ import annotations

from dataclasses import replace

from bitfold.ir import build
from bitfold.ir.nodes import (
    Apply,
    Binary,
    Cast,
    Const,
    Expr,
    Fn,
    For,
    Function,
    If,
    Load,
    Local,
    LoopVar,
    Op,
    Select,
    Stmt,
    Store,
    walk_expr,
)
from bitfold.ir.rewrite import Body, map_body
from bitfold.lang.types import ArrayType, IntType, UInt, bit
from bitfold.schedule.lookup import arrays_of

_BITWISE = (Op.AND, Op.OR, Op.XOR)


def get_lane(word: Expr, lane: Expr, part: IntType) -> Expr:
    """Element `lane`, of type `part`, of a word."""
    if word.type.width <= part.width:
        value = word
    elif part == bit:
        return build.apply(Fn.GET_BIT, (word, lane), word.span)
    else:
        moved = build.binary(Op.SHR, word, _offset(lane, part), word.span)
        value = build.binary(Op.AND, moved, build.const((1 << part.width) - 1), word.span)
    return build.cast(part, value, word.span) if part.signed else value


def set_lane(word: Expr, lane: Expr, value: Expr, part: IntType) -> Expr:
    """The word with element `lane` replaced by `value`, wrapped to `part`."""
    stored = UInt(part.width)
    if not (value.low >= 0 and value.high <= stored.high):
        value = build.cast(stored, value, value.span)
    if part == bit:
        return build.apply(Fn.SET_BIT, (word, lane, value), word.span)
    offset = _offset(lane, part)
    mask = build.binary(Op.SHL, build.const(stored.high), offset, word.span)
    others = build.binary(Op.AND, word, build.apply(Fn.INVERT, (mask,), word.span), word.span)
    return build.binary(Op.OR, others, build.binary(Op.SHL, value, offset, word.span), word.span)


def _offset(lane: Expr, part: IntType) -> Expr:
    return build.binary(Op.MUL, lane, build.const(part.width), lane.span)


def mentions(e: Expr, var: str) -> bool:
    return any(isinstance(part, LoopVar) and part.name == var for part in walk_expr(e))


# ---- loops over lanes


def whole_words(function: Function) -> Function:
    """Each loop that computes all lanes of words from the same lanes of others, as work on whole words.

        for c in range(64):
            y[p] = set_bit(y[p], c, get_bit(a[p], c) | get_bit(b[p], c))      ->      y[p] = a[p] | b[p]

    A lane depends on the same lane only, so all lanes may go first through one statement, then the next.
    """
    types = arrays_of(function)

    def change(s: Stmt) -> Body | None:
        if not isinstance(s, For) or s.pipeline or s.flatten or s.low != build.const(0) or s.step != 1:
            return None
        return _lifted(s.body, s, types) if s.trips else None

    return replace(function, body=map_body(function.body, change))


def _lifted(body: Body, loop: For, types: dict[str, ArrayType]) -> Body | None:
    """What the loop does in `body`, for all its iterations at once; None when it is not lane by lane."""
    found: list[Stmt] = []
    for stmt in body:
        match stmt:
            case If() if _uniform(stmt.cond, loop.var):
                then, orelse = _lifted(stmt.then, loop, types), _lifted(stmt.orelse, loop, types)
                if then is None or orelse is None:
                    return None
                found.append(replace(stmt, then=then, orelse=orelse))
            case Store():
                value = _stored(stmt, loop, types[stmt.array])
                if value is None:
                    return None
                found.append(replace(stmt, value=value))
            case _:
                return None
    return tuple(found)


def _uniform(e: Expr, var: str) -> bool:
    """Whether `e` is the same in all iterations over `var`, whatever they store."""
    return not mentions(e, var) and not any(isinstance(part, (Load, Local)) for part in walk_expr(e))


def _stored(stmt: Store, loop: For, type: ArrayType) -> Expr | None:
    """The whole word that a change of lane `loop.var`, in every iteration, makes."""
    if not type.lanes_of or type.lanes != loop.trips or not all(_uniform(i, loop.var) for i in stmt.indices):
        return None
    word = build.load(stmt.array, stmt.indices, type.elem)
    wanted = build.loop_var(loop.var, 0, type.lanes - 1)
    for lane, value in changed_lanes(stmt.value, type.part):
        if lane == wanted and stmt.value == set_lane(word, lane, value, type.part):
            return _lift(value, loop.var, type.lanes, type.part)
    return None


def changed_lanes(changed: Expr, part: IntType) -> list[tuple[Expr, Expr]]:
    """What may be (lane, value) in `set_lane(word, lane, value, part)`, when `changed` is that."""
    match changed:
        case Apply(fn=Fn.SET_BIT) if part == bit:
            return [(changed.args[1], changed.args[2])]
        case Binary(op=Op.OR, rhs=Binary(op=Op.SHL, lhs=value, rhs=Binary(op=Op.MUL, lhs=lane))):
            return [(lane, value)]
        case Binary(op=Op.OR, rhs=Binary(op=Op.SHL, lhs=value, rhs=lane)) if part.width == 1:
            return [(lane, value)]
        case Binary(op=Op.OR, rhs=Binary(op=Op.SHL, lhs=value, rhs=Const(value=offset))):
            return [(build.const(offset // part.width), value)]
        case Binary(op=Op.OR, rhs=value):
            return [(build.const(0), value)]
    return []


def changed_lane(store: Store, type: ArrayType) -> tuple[Expr, Expr] | None:
    """The lane of a word that the store changes, and its new value; None when it stores a whole word."""
    if type.lanes < 2:
        return None
    word = build.load(store.array, store.indices, type.elem)
    for lane, value in changed_lanes(store.value, type.part):
        if store.value == set_lane(word, lane, value, type.part):
            return lane, value
    return None


def _lift(e: Expr, var: str, lanes: int, part: IntType) -> Expr | None:
    """`e`, an element computed from lane `var` of words, for all lanes; None when it is something else."""
    match e:
        case Const():
            return build.const(
                sum((e.value & ((1 << part.width) - 1)) << (part.width * i) for i in range(lanes))
            )
        case Cast() if e.to == UInt(part.width):
            return _lift(e.value, var, lanes, part)
        case Cast() if e.to == part:
            return _lift(e.value, var, lanes, part)
        case Select() if _uniform(e.cond, var):
            then, other = (_lift(side, var, lanes, part) for side in (e.then, e.other))
            return build.select(e.cond, then, other, e.span) if then and other else None
        case Binary() if part == bit and e.op in _BITWISE:
            lhs, rhs = (_lift(side, var, lanes, part) for side in (e.lhs, e.rhs))
            return build.binary(e.op, lhs, rhs, e.span) if lhs and rhs else None
        case Apply(fn=Fn.XNOR) if part == bit and e.args[2] == build.const(1):
            lhs, rhs = (_lift(side, var, lanes, part) for side in e.args[:2])
            return build.apply(Fn.XNOR, (lhs, rhs, build.const(lanes)), e.span) if lhs and rhs else None
    return _read_word(e, var, lanes, part)


def _read_word(e: Expr, var: str, lanes: int, part: IntType) -> Expr | None:
    """The word that `e` takes lane `var` of."""
    match e:
        case Apply(fn=Fn.GET_BIT):
            word = e.args[0]
        case Binary(op=Op.AND, lhs=Binary(op=Op.SHR, lhs=word)):
            pass
        case _:
            return None
    if not isinstance(word, (Load, Local)) or word.type != UInt(lanes * part.width):
        return None
    if isinstance(word, Load) and not all(_uniform(i, var) for i in word.indices):
        return None
    lane = build.loop_var(var, 0, lanes - 1)
    plain = UInt(part.width)
    return word if e == get_lane(word, lane, plain) else None
