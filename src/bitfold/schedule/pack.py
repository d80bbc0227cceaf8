"""pack: elements into words, everywhere an array is passed, and what loops over the lanes of words become."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import (
    Alloc,
    Apply,
    Assign,
    Const,
    Declare,
    Expr,
    Fn,
    For,
    Function,
    Get,
    Load,
    LoopVar,
    Op,
    Program,
    Stmt,
    Store,
)
from bitfold.ir.rewrite import Body, bound_names, fresh, map_body, map_exprs
from bitfold.lang.types import MAX_WIDTH, ArrayType, ElementType, FloatType, IntType, UInt
from bitfold.schedule.lanes import get_lane, mentions, set_lane, whole_words
from bitfold.schedule.layout import connected, retype
from bitfold.schedule.lookup import arrays_of, declared_at, divisors, find_array, is_count
from bitfold.schedule.reduction import update


def pack(program: Program, function: Function, array: str, lanes: int) -> Program:
    """Put `lanes` elements of an array's innermost dimension into one word, everywhere it is passed.

        for k_i in range(49):                                          # w and x packed by 49
            acc += xnor(w[m, k_o * 49 + k_i], x[k_o * 49 + k_i])
        ->
        acc += popcount(xnor(w[m, k_o], x[k_o], 49))

    Element e is lane e % lanes of word e // lanes, so this is legal for any access. A loop that adds the XNOR
    of the low bits of two words becomes a popcount. One that computes each lane of a word from the same lanes
    of others, by copying them or bit by bit, becomes one operation on whole words.

    Raises:
        ScheduleError: no such array, lanes out of range, packed before by another number of lanes,
            partitioned along its innermost dimension, a stream, or an array of floats.
    """
    type = find_array(function, array)
    part = type.part if type.lanes_of else type.elem
    if isinstance(part, FloatType):
        raise ScheduleError(
            f"{array!r} of {function.name!r} is {type}; words hold integers, not floats",
            code="BF-S022",
            span=declared_at(function, array),
            remedy="leave it as it is; to read several elements at once, partition it",
        )
    if not is_count(lanes, 1, MAX_WIDTH // part.width):
        raise ScheduleError(
            f"a word has 1 to {MAX_WIDTH // part.width} lanes of {part}, not {lanes!r}",
            code="BF-S022",
            span=declared_at(function, array),
            remedy=f"the divisors of its innermost dimension leave no lane unused: {divisors(type.dims[-1])}",
        )
    if type.lanes == lanes:
        return program
    places = connected(program, function.name, array)
    for owner, name in places:
        _check(function, array, program.function(owner), name, lanes)
    for owner, name in places:
        program = program.with_function(_pack_in(program.function(owner), name, lanes))
    for owner in dict.fromkeys(owner for owner, _ in places):
        program = program.with_function(whole_words(_count_words(program.function(owner))))
    return program


def _check(asked: Function, array: str, owner: Function, name: str, lanes: int) -> None:
    """Refuse what `name` of `owner`, the same memory as `array` of `asked`, does not allow."""
    type = arrays_of(owner)[name]
    why = remedy = ""
    if type.streamed:
        why, remedy = "is a stream", "pack before you stream"
    elif type.lanes_of:
        why = f"is already packed by {type.lanes}, not {lanes}"
        remedy = "use the same number of lanes wherever an array is read"
    elif type.elem.width > 64:
        why, remedy = f"is {type}; elements above 64 bits cannot be packed", "leave it as it is"
    elif any(p.dim == len(type.shape) for p in type.layout):
        why, remedy = "is partitioned along the dimension to pack", "pack first, then partition the words"
    if why:
        same = (asked.name, array) == (owner.name, name)
        notes = [] if same else [Note(f"it is {name!r} of {owner.name!r}", declared_at(owner, name))]
        raise ScheduleError(
            f"{array!r} of {asked.name!r} {why}",
            code="BF-S022",
            span=declared_at(asked, array),
            notes=notes,
            remedy=remedy,
        )


def _pack_in(function: Function, array: str, lanes: int) -> Function:
    """`function` with the bits of `array` in words: a read takes one bit of a word, a store changes one."""
    taken = bound_names(function)
    type = arrays_of(function)[array]
    part = type.elem
    assert isinstance(part, IntType), "refused by pack"
    word_type = UInt(lanes * part.width)

    def packed(t: ArrayType) -> ArrayType:
        size = t.dims[-1]
        shape = (*t.shape[:-1], -(-size // lanes))
        return replace(t, elem=word_type, shape=shape, lanes_of=size, part=part)

    def split(indices: tuple[Expr, ...]) -> tuple[tuple[Expr, ...], Expr]:
        """The indices of the word and the lane in it."""
        *outer, last = indices
        word = build.binary(Op.FLOORDIV, last, build.const(lanes), last.span)
        return (*outer, word), build.binary(Op.MOD, last, build.const(lanes), last.span)

    def read(e: Expr) -> Expr | None:
        if isinstance(e, Load) and e.array == array:
            indices, lane = split(e.indices)
            return get_lane(build.load(array, indices, word_type, e.span), lane, part)
        return None

    def write(s: Stmt) -> Body | None:
        match s:
            case Store() if s.array == array:
                indices, lane = split(s.indices)
                if word_type == part:
                    return (replace(s, indices=indices),)
                before: Body = ()
                value = s.value
                if isinstance(value, Get):  # may not stand inside an expression
                    name = fresh(f"{array}_lane", taken)
                    before = (Declare(name, part, value, span=s.span),)
                    value = build.local(name, part, s.span)
                alone = type.dims[-1] == 1  # the word holds nothing that must be kept
                word = build.const(0) if alone else build.load(array, indices, word_type, s.span)
                return (*before, replace(s, indices=indices, value=set_lane(word, lane, value, part)))
            case Alloc(fill=int() as fill) if s.name == array and fill:
                ones = sum(1 << (part.width * lane) for lane in range(lanes))
                return (replace(s, fill=UInt(part.width).wrap(fill) * ones),)
        return None

    body = map_body(map_exprs(function.body, read), write)
    return retype(replace(function, body=body), array, packed)


def _count_words(function: Function) -> Function:
    """Each loop that only adds XNORs of the low bits of two words, as one popcount."""
    elems = {name: type.elem for name, type in arrays_of(function).items()}

    def change(s: Stmt) -> Body | None:
        counted = _popcount(s, elems) if isinstance(s, For) else None
        return (counted,) if counted else None

    return replace(function, body=map_body(function.body, change))


def _popcount(loop: For, elems: dict[str, ElementType]) -> Stmt | None:
    """What the loop does, as one statement; None when it is not such a loop."""
    if loop.pipeline or loop.low != build.const(0) or loop.step != 1 or not loop.trips:
        return None
    match loop.body:
        case (Assign() | Store() as only,):
            found = update(only, elems)
        case _:
            return None
    if found is None or found.op is not Op.ADD:
        return None
    (added,) = found.rest
    words = _agreeing_words(added, loop.var, loop.trips)
    if words is None:
        return None
    if isinstance(only, Store):
        if any(mentions(e, loop.var) for e in only.indices):
            return None
        place: Expr = build.load(only.array, only.indices, elems[only.array], only.span)
    else:
        place = build.local(only.name, only.type, only.span)
    matched = build.apply(Fn.XNOR, (*words, build.const(loop.trips)), added.span)
    total = build.binary(Op.ADD, place, build.apply(Fn.POPCOUNT, (matched,), added.span), only.value.span)
    return replace(only, value=total)


def _agreeing_words(e: Expr, var: str, lanes: int) -> tuple[Expr, Expr] | None:
    """The two words of `xnor(get_bit(a, var), get_bit(b, var))` when neither depends on `var`."""
    if not (isinstance(e, Apply) and e.fn is Fn.XNOR and e.args[2] == Const(1, low=1, high=1)):
        return None
    words = []
    for side in e.args[:2]:
        if not (isinstance(side, Apply) and side.fn is Fn.GET_BIT):
            return None
        word, position = side.args
        if not (isinstance(position, LoopVar) and position.name == var) or mentions(word, var):
            return None
        if word.low < 0 or word.type.width < lanes:
            return None
        words.append(word)
    return words[0], words[1]
