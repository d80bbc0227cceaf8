"""The two ends of a stream: a kernel that gets elements in place of reading them, one that puts them."""

from __future__ import annotations

from dataclasses import replace

import islpy as isl

from bitfold.ir import build
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    Cmp,
    Const,
    Declare,
    Expr,
    Fn,
    For,
    Function,
    Get,
    If,
    Load,
    Local,
    LoopVar,
    Put,
    Rom,
    Stmt,
    Store,
    walk_expr,
)
from bitfold.ir.rewrite import Body, bound_names, fresh, map_body, map_exprs
from bitfold.lang.types import ArrayType, bit
from bitfold.schedule.affine import Guard, affine, domain, names_of
from bitfold.schedule.lanes import changed_lane, set_lane
from bitfold.schedule.lookup import arrays_of
from bitfold.schedule.order import Order, Site, listed, refused, sites


def reader(function: Function, name: str) -> Function:
    """`function` with its reads of `name` from elements that it gets, each when it is first read.

    Raises ScheduleError when the elements are not first read once each, in row-major order.
    """
    type = arrays_of(function)[name]
    found = sites(function, name, stores=False)
    site = found[0]
    for other in found[1:]:
        if other.indices != site.indices or not _same(other.loops, site.loops):
            raise refused(function, name, other, "it is read in several places", "read", site)
    used = {e.name for i in site.indices for e in walk_expr(i) if isinstance(e, LoopVar)}
    depth = max((d for d, f in enumerate(site.loops) if f.var in used), default=-1) + 1
    outer, around = site.loops[:depth], site.within(depth)
    again = [loop for loop in outer if loop.var not in used and loop.trips != 1]
    first = _first_pass(again)
    inside = _shared_guards(found, depth, names_of(outer))
    faults = []
    for guards in ((), inside) if inside else ((),):
        conditions = [*first, *(_holds(g) for g in guards)]
        reads = Order(outer, (*around, *guards), site.indices)
        arrival = Order(outer, (*around, *guards, *(Guard(c) for c in first)), site.indices)
        why = arrival.fault(type)
        if why is None:
            if not _arrives_in_time(arrival, reads):
                raise refused(function, name, site, "an element is read before it arrives", "read")
            kept = _kept_dimensions(arrival, reads, again)
            return _with_arrival(function, name, type, site, outer, kept, conditions)
        faults.append(why)
    raise refused(function, name, site, f"{faults[-1]} (when each is read first)", "read")


def _shared_guards(found: list[Site], depth: int, names: dict[str, str]) -> tuple[Guard, ...]:
    """The conditions inside the innermost of `depth` loops around all reads, if loops decide them."""
    return tuple(
        guard
        for at, guard in found[0].guards
        if at >= depth
        and all((at, guard) in other.guards for other in found)
        and all(isinstance(e, LoopVar) and e.name in names for e in _leaves(guard.cond))
    )


def _leaves(e: Expr) -> list[Expr]:
    """What the value of `e` depends on."""
    return [part for part in walk_expr(e) if isinstance(part, (LoopVar, Local, Load))]


def _holds(guard: Guard) -> Expr:
    return guard.cond if guard.holds else build.apply(Fn.NOT, (guard.cond,))


def _same(a: tuple[For, ...], b: tuple[For, ...]) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def _first_pass(loops: list[For]) -> list[Expr]:
    """The conditions that say that loops which do not select the element are in their first iteration."""
    conditions: list[Expr] = []
    for loop in loops:
        var = build.loop_var(loop.var, loop.low.low, loop.high.high - 1)
        condition = build.compare(Cmp.EQ, var, loop.low)
        if not isinstance(condition, Const):
            conditions.append(condition)
    return conditions


def _arrives_in_time(arrival: Order, reads: Order) -> bool:
    """Whether every element that is read has arrived in the same iteration or an earlier one."""
    arrives, read = arrival.access, reads.access
    assert arrives is not None
    assert read is not None
    if not read.range().is_subset(arrives.range()):
        return False
    now = isl.Map(f"{{ [{listed(arrival.loops)}] -> [{listed(arrival.loops)}] }}")
    later = now.lex_lt_map(now)
    return bool(read.apply_range(arrives.reverse()).intersect(later).is_empty())


def _with_arrival(
    function: Function,
    name: str,
    type: ArrayType,
    site: Site,
    outer: tuple[For, ...],
    kept: list[int],
    conditions: list[Expr],
) -> Function:
    """`function` with `get` at the start of the innermost loop of `outer` where all of `conditions` hold.

    The elements wait in a buffer of the dimensions `kept`, or if there are none each in a place for one.
    """
    taken = bound_names(function)
    innermost = outer[-1].var if outer else None
    word = fresh(f"{name}_word", taken)
    value = build.get(name, type.elem, site.span)
    arrive: Body = (Assign(word, type.elem, value, span=site.span),)
    absent: Body = ()
    used: Expr = build.local(word, type.elem)
    start: Body = ()
    if kept:
        buffer, indices = fresh(f"{name}_buffer", taken), tuple(site.indices[d] for d in kept)
        shape = tuple(type.shape[d] for d in kept)
        lanes_of = type.lanes_of if len(type.shape) - 1 in kept else 0
        part = type.part if lanes_of else bit
        start = (Alloc(buffer, ArrayType(type.elem, shape, lanes_of=lanes_of, part=part), span=site.span),)
        held = build.load(buffer, indices, type.elem, site.span)
        if any(at >= len(outer) for at, _ in site.guards):  # out there the indices may be outside
            arrive, used = (Store(buffer, indices, value, span=site.span),), held
        else:  # not from the buffer what has just come: it would have to be written and read in one cycle
            arrive = (*arrive, Store(buffer, indices, used, span=site.span))
            absent = (Assign(word, type.elem, held, span=site.span),)
    if conditions:
        condition = conditions[0]
        for more in conditions[1:]:
            condition = build.logic(True, condition, more)
        arrive = (If(condition, arrive, absent, span=site.span),)
    if isinstance(used, Local):
        arrive = _declared(word, type, arrive, site)

    def use(e: Expr) -> Expr | None:
        return replace(used, span=e.span) if isinstance(e, Load) and e.array == name else None

    def insert(s: Stmt) -> Body | None:
        if isinstance(s, For) and s.var == innermost:
            return (replace(s, body=(*arrive, *s.body)),)
        return None

    body = map_body(map_exprs(function.body, use), insert)
    roms = sum(isinstance(s, Rom) for s in body)
    start = start if innermost else (*start, *arrive)
    return replace(function, body=(*body[:roms], *start, *body[roms:]))


def _declared(word: str, type: ArrayType, arrive: Body, site: Site) -> Body:
    """`arrive` with the declaration of the scalar that it sets."""
    first, *rest = arrive
    if isinstance(first, Assign):
        return (Declare(word, type.elem, first.value, span=site.span), *rest)
    return (Declare(word, type.elem, build.const(0), span=site.span), *arrive)


def _kept_dimensions(arrival: Order, reads: Order, again: list[For]) -> list[int]:
    """The dimensions that a buffer of what is read again needs; none when nothing is.

    Where an element is read again only while the loops outside all of `again` stand still, dimensions that
    these loops select need no place in it.
    """
    if not again:
        return []
    indices = arrival.indices
    still = [loop.var for loop in arrival.loops[: arrival.loops.index(again[0])]]
    if not _read_while_still(arrival, reads, len(still)):
        return list(range(len(indices)))
    varies = [any(e.name not in still for e in walk_expr(i) if isinstance(e, LoopVar)) for i in indices]
    return [d for d, moves in enumerate(varies) if moves] or [len(varies) - 1]


def _read_while_still(arrival: Order, reads: Order, outer: int) -> bool:
    """Whether every read is in the iteration of the `outer` outermost loops in which its element arrived."""
    arrives, read = arrival.access, reads.access
    assert arrives is not None
    assert read is not None
    names = listed(arrival.loops).split(", ")
    same = ", ".join(names[:outer] + [f"later_{n}" for n in names[outer:]])
    still = isl.Map(f"{{ [{', '.join(names)}] -> [{same}] }}")
    return bool(read.apply_range(arrives.reverse()).is_subset(still))


# ---- outputs


def writer(function: Function, name: str) -> Function:
    """`function` with `put` in place of its stores to `name`; words of which it sets the lanes when complete.

    Raises ScheduleError when the elements are not written once each, in row-major order.
    """
    found = sites(function, name, stores=True)
    if len(found) > 1:
        raise refused(function, name, found[1], "it is written in several places", "write", found[0])
    (site,) = found
    type = arrays_of(function)[name]
    lane = changed_lane(site.store, type) if site.store else None
    if lane is not None:
        return _word_writer(function, name, type, site, *lane)
    order = Order(site.loops, site.within(len(site.loops) + 1), site.indices)
    why = order.fault(type)
    if sites(function, name, stores=False):  # of a word, and not in a way that `changed_lane` knows
        why = f"a store changes one of the {type.lanes} lanes of a word"
    if why:
        raise refused(function, name, site, why, "write")

    def put(s: Stmt) -> Body | None:
        if isinstance(s, Store) and s.array == name:
            if not isinstance(s.value, Get):
                return (Put(name, s.value, span=s.span),)
            taken = fresh(f"{name}_word", bound_names(function))  # a `get` may not stand inside a `put`
            value = build.local(taken, type.elem, s.span)
            return Declare(taken, type.elem, s.value, span=s.span), Put(name, value, span=s.span)
        return None

    return replace(function, body=map_body(function.body, put))


def _word_writer(
    function: Function, name: str, type: ArrayType, site: Site, lane: Expr, value: Expr
) -> Function:
    """`function` with the word that the innermost loops fill in a local, put after these loops."""
    used = {e.name for i in site.indices for e in walk_expr(i) if isinstance(e, LoopVar)}
    depth = max((d for d, f in enumerate(site.loops) if f.var in used), default=-1) + 1
    if depth == len(site.loops):
        why: str | None = f"no loop goes over the {type.lanes} lanes of a word; split one by {type.lanes}"
    else:
        why = Order(site.loops[:depth], site.within(depth + 1), site.indices).fault(type)
    if why is None and not _fills_words(type, site, lane):
        why = "a word is put before all its lanes are set"
    if why:
        raise refused(function, name, site, why, "write")
    word = fresh(f"{name}_word", bound_names(function))
    place = build.local(word, type.elem, site.span)

    def fill(s: Stmt) -> Body | None:
        if s is site.store:
            return (Assign(word, type.elem, set_lane(place, lane, value, type.part), span=s.span),)
        return None

    def put(s: Stmt) -> Body | None:
        if not (isinstance(s, For) and s.var == site.loops[depth].var):
            return None
        start = Declare(word, type.elem, build.const(0), span=site.span)
        return (start, replace(s, body=map_body(s.body, fill)), Put(name, place, span=site.span))

    return replace(function, body=map_body(function.body, put))


def _fills_words(type: ArrayType, site: Site, lane: Expr) -> bool:
    """Whether the stores reach every lane of every word; isl decides."""
    names = names_of(site.loops)
    target = [affine(i, names) for i in (*site.indices, lane)]
    runs = domain(site.loops, site.within(len(site.loops) + 1), names)
    if None in target or not runs.exact:
        return False
    reached = isl.Map(
        f"{{ [{listed(site.loops)}] -> [{', '.join(map(str, target))}] : {runs.text} }}"
    ).range()
    words = [f"e{d}" for d in range(len(type.dims))]
    limits = [f"0 <= {e} < {n}" for e, n in zip(words, type.dims, strict=True)]
    limits.append(f"0 <= l < {type.lanes} and {type.lanes}*{words[-1]} + l < {type.lanes_of}")
    return bool(isl.Set(f"{{ [{', '.join(words)}, l] : {' and '.join(limits)} }}").is_subset(reached))


def only_sets_lanes(function: Function, array: str) -> bool:
    """Whether the kernel stores to the array and reads it only in words of which it changes a lane."""
    type = arrays_of(function)[array]
    changes = [
        site for site in sites(function, array, stores=True) if site.store and changed_lane(site.store, type)
    ]
    return bool(changes) and len(sites(function, array, stores=False)) == len(changes)
