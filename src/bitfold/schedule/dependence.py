"""Dependences between statement instances, by isl, and whether a new order of execution keeps them.

An instance is a statement together with the values of the loops around it. Two instances depend on each other
when both touch one memory location and at least one writes it. A reordering is legal when every dependent
pair still runs in its order. Updates of one reduction commute, wrapping included, so pairs of them may swap.

What is not affine (an index read from memory, a called kernel's accesses) counts as touching the whole array.
A `while` counts as a loop of any number of iterations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count

import islpy as isl

from bitfold.diagnostics import Span
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    CallKernel,
    Declare,
    Expr,
    For,
    Function,
    Get,
    If,
    Load,
    Local,
    Logic,
    Program,
    Put,
    Rom,
    Select,
    Stmt,
    Store,
    While,
    own_exprs,
    walk_expr,
)
from bitfold.ir.rewrite import Body
from bitfold.lang.types import ElementType
from bitfold.schedule.affine import Guard, affine, counted, domain, names_of
from bitfold.schedule.lookup import arrays_of
from bitfold.schedule.reduction import Update, any_update


@dataclass(frozen=True, slots=True)
class Access:
    """One touch of memory: the element, or the whole of `array` where `indices` is None."""

    array: str
    indices: tuple[Expr, ...] | None
    write: bool
    sure: bool = True  # not under a condition inside its statement


@dataclass(frozen=True)
class Instance:
    """A statement with the loops around it, outermost first, and where it stands among its siblings.

    `times` holds, for each loop level from the outermost, the position of the statement (or of the loop that
    holds it) in the body at that level.
    """

    stmt: Stmt
    loops: tuple[For, ...]
    guards: tuple[Guard, ...]
    times: tuple[int, ...]
    accesses: tuple[Access, ...]
    update: Update | None

    @cached_property
    def names(self) -> dict[str, str]:
        return names_of(self.loops)

    @cached_property
    def head(self) -> str:
        """The tuple of the instances in isl's syntax."""
        return f"S[{', '.join(self.names.values())}]"

    @cached_property
    def domain(self) -> str:
        return domain(self.loops, self.guards, self.names).text

    @property
    def exact(self) -> bool:
        """Whether `domain` is just what runs."""
        return domain(self.loops, self.guards, self.names).exact

    def time(self, order: Instance, depth: int) -> isl.Map:
        """From these instances to the times, of `depth` numbers, at which `order` runs the same statement."""
        parts: list[str] = []
        for position, loop in zip(order.times, order.loops, strict=False):
            parts += [str(position), self.names[loop.var]]
        parts.append(str(order.times[-1]))
        parts += ["0"] * (depth - len(parts))
        return isl.Map(f"{{ {self.head} -> [{', '.join(parts)}] : {self.domain} }}")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a name lives: a local is a new one for each iteration of the loops around its declaration."""

    loops: tuple[str, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two dependent accesses that a reordering would swap."""

    array: str
    first: Span
    first_at: str
    second: Span
    second_at: str
    rounding: bool = False  # it is a sum of floats, which rounds otherwise in another order


_TRUSTED: ContextVar[bool] = ContextVar("trusted", default=False)


@contextmanager
def trusted() -> Iterator[None]:
    """Within, orders are not proved and programs not verified: for trials that are never run.

    What is tried here for its cost alone is proved when it is applied to the program that is built.
    """
    token = _TRUSTED.set(True)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def is_trusted() -> bool:
    """Whether this is within `trusted`."""
    return _TRUSTED.get()


def find_conflict(
    program: Program, before: Function, after: Function, proved: bool = False
) -> Conflict | None:
    """A dependence of `before` that `after` breaks, or None when the reordering is legal.

    Both hold the same statements in the same textual order, under loops of the same names. What stands the
    same in both, around the part that differs, keeps its order to that part and is left out: so the cost
    follows the nest that changes, not the kernel. With `proved`, only dependences that are known to exist
    count, between affine accesses under affine conditions, and not the order of floats that are added up.
    """
    if is_trusted():
        return None
    where = places(before)
    elems = {name: type.elem for name, type in (arrays_of(before) | arrays_of(after)).items()}
    old_body, new_body = _differing(before.body, after.body)
    old_part, new_part = _instances(program, old_body, elems), _instances(program, new_body, elems)
    pairs = list(zip(old_part, new_part, strict=True))
    depth = max((2 * len(i.loops) + 1 for pair in pairs for i in pair), default=0)
    timed = [_Timed(old, old.time(old, depth), old.time(new, depth)) for old, new in pairs]
    for array in sorted({a.array for t in timed for a in t.instance.accesses}):
        conflict = _array_conflict(array, where[array], timed, proved)
        if conflict:
            return conflict
    return None


def _differing(before: Body, after: Body) -> tuple[Body, Body]:
    """Both bodies without what is the same at either end of them, at each level of the loops they share."""
    start = 0
    while start < min(len(before), len(after)) and before[start] is after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] is after[-1 - end]:
        end += 1
    before, after = before[start : len(before) - end], after[start : len(after) - end]
    if len(before) == len(after) == 1:
        old, new = before[0], after[0]
        if isinstance(old, For) and isinstance(new, For) and replace(old, body=()) == replace(new, body=()):
            old_body, new_body = _differing(old.body, new.body)
            return (replace(old, body=old_body),), (replace(new, body=new_body),)
    return before, after


@dataclass(frozen=True, slots=True)
class _Timed:
    instance: Instance
    old: isl.Map
    new: isl.Map


def _array_conflict(array: str, place: _Place, timed: list[_Timed], proved: bool) -> Conflict | None:
    touching = [
        (t, reads, writes)
        for t in timed
        for reads, writes in [relations(t.instance, array, place, proved)]
        if reads is not None or writes is not None
    ]
    for a, a_reads, a_writes in touching:
        for b, b_reads, b_writes in touching:
            if commute(a.instance, b.instance, array, rounding=proved):
                continue
            shared = either(meet(a_writes, b_writes), meet(a_writes, b_reads), meet(a_reads, b_writes))
            if shared is None:
                continue
            swapped = a.old.lex_lt_map(b.old).intersect(a.new.lex_ge_map(b.new))
            broken = shared.intersect(swapped)
            if not broken.is_empty():
                return described(array, a.instance, b.instance, broken)
    return None


def commute(a: Instance, b: Instance, array: str, rounding: bool = False) -> bool:
    """Whether what both do to `array` may change places; with `rounding`, floats too, which then differ."""
    if a.update is None or b.update is None or (a.update.rounds and not rounding):
        return False
    return a.update.target == array and a.update.kind == b.update.kind


def meet(first: isl.Map | None, second: isl.Map | None) -> isl.Map | None:
    """Pairs of instances that touch one location."""
    return None if first is None or second is None else first.apply_range(second.reverse())


def either(*maps: isl.Map | None) -> isl.Map | None:
    found: isl.Map | None = None
    for each in maps:
        if each is not None:
            found = each if found is None else found.union(each)
    return found


def relations(
    instance: Instance, array: str, place: _Place, proved: bool = False
) -> tuple[isl.Map | None, isl.Map | None]:
    """What `instance` reads and what it writes of `array`, from instances to locations.

    With `proved`, only what it surely touches.
    """
    mine = [a for a in instance.accesses if a.array == array]
    if proved:
        mine = [a for a in mine if _exact(instance, a)]
    reads = [relation(instance, a, place) for a in mine if not a.write]
    writes = [relation(instance, a, place) for a in mine if a.write]
    return either(*reads), either(*writes)


def _exact(instance: Instance, access: Access) -> bool:
    """Whether the instances that run, and what they touch by `access`, are known."""
    if access.indices is None:
        return isinstance(instance.stmt, Alloc) and instance.exact
    return (
        access.sure and instance.exact and all(affine(i, instance.names) is not None for i in access.indices)
    )


def relation(instance: Instance, access: Access, place: _Place) -> isl.Map:
    """From instances to the locations that they touch by `access` (at least those)."""
    targets = [instance.names[v] for v in place.loops]
    limits = [f"({instance.domain})"]
    for d, size in enumerate(place.shape):
        index = None if access.indices is None else affine(access.indices[d], instance.names)
        targets.append(index or f"e{d}")
        if index is None:
            limits.append(f"0 <= e{d} < {size}")
    return isl.Map(f"{{ {instance.head} -> A[{', '.join(targets)}] : {' and '.join(limits)} }}")


def described(array: str, a: Instance, b: Instance, broken: isl.Map) -> Conflict:
    point = broken.sample().wrap().sample_point()
    values = [
        point.get_coordinate_val(isl.dim_type.set, d).to_python() for d in range(len(a.loops) + len(b.loops))
    ]

    def at(instance: Instance, offset: int) -> str:
        return ", ".join(f"{f.var}={values[offset + i]}" for i, f in enumerate(instance.loops))

    rounding = commute(a, b, array, rounding=True) and not commute(a, b, array)
    return Conflict(array, a.stmt.span, at(a, 0), b.stmt.span, at(b, len(a.loops)), rounding)


def places(function: Function) -> dict[str, _Place]:
    found = {p.name: _Place((), p.type.dims) for p in function.params}

    def visit(body: tuple[Stmt, ...], loops: tuple[str, ...]) -> None:
        for stmt in body:
            match stmt:
                case For():
                    visit(stmt.body, (*loops, stmt.var))
                case While():
                    visit(stmt.body, (*loops, counted(stmt, len(loops)).var))
                case If():
                    visit(stmt.then, loops)
                    visit(stmt.orelse, loops)
                case Declare():
                    found[stmt.name] = _Place(loops, ())
                case Alloc() | Rom():
                    found[stmt.name] = _Place(loops, stmt.type.dims)

    visit(function.body, ())
    return found


def instances(program: Program, function: Function) -> list[Instance]:
    """The statements of `function` that touch memory by themselves, in textual order."""
    return _instances(program, function.body, {name: type.elem for name, type in arrays_of(function).items()})


def _instances(program: Program, body: Body, elems: Mapping[str, ElementType]) -> list[Instance]:
    """The statements of `body` that touch memory; `elems` types the elements of all arrays it names."""
    found: list[Instance] = []

    def visit(
        body: tuple[Stmt, ...],
        loops: tuple[For, ...],
        guards: tuple[Guard, ...],
        times: tuple[int, ...],
        counter: Iterator[int],
    ) -> None:
        """`counter` numbers the statements of one loop level, also those under an `if`."""
        for stmt in body:
            if isinstance(stmt, While):  # its condition is the first statement of each iteration
                around, at = (*loops, counted(stmt, len(loops))), (*times, next(counter))
                found.append(Instance(stmt, around, guards, (*at, 0), accesses(program, stmt), None))
                visit(stmt.body, around, guards, at, count(1))
                continue
            here = (*times, next(counter))
            touched = accesses(program, stmt)
            if touched:
                found.append(Instance(stmt, loops, guards, here, touched, any_update(stmt, elems)))
            match stmt:
                case For():
                    inside = (*times, next(counter))
                    visit(stmt.body, (*loops, stmt), guards, inside, count())
                case If():
                    visit(stmt.then, loops, (*guards, Guard(stmt.cond)), times, counter)
                    visit(stmt.orelse, loops, (*guards, Guard(stmt.cond, False)), times, counter)

    visit(body, (), (), (), count())
    return found


def accesses(program: Program, stmt: Stmt) -> tuple[Access, ...]:
    """What `stmt` itself touches; a loop's bounds and a condition count, nested statements do not."""
    found: list[Access] = []
    for root in own_exprs(stmt):
        sure = not any(isinstance(e, (Select, Logic)) for e in walk_expr(root))
        for e in walk_expr(root):
            match e:
                case Load():
                    found.append(Access(e.array, e.indices, False, sure))
                case Local():
                    found.append(Access(e.name, (), False, sure))
                case Get():
                    found.append(Access(e.stream, None, True))
    match stmt:
        case Declare() | Assign():
            found.append(Access(stmt.name, (), True))
        case Store():
            found.append(Access(stmt.array, stmt.indices, True))
        case Put():
            found.append(Access(stmt.stream, None, True))
        case Alloc() if stmt.fill is not None:
            found.append(Access(stmt.name, None, True))
        case CallKernel():
            callee = program.function(stmt.callee)
            for arg, param, effect in zip(
                stmt.args, callee.params, parameter_effects(program, callee), strict=True
            ):
                read, written = effect
                if read and not param.type.streamed:
                    found.append(Access(arg, None, False))
                if written or param.type.streamed:
                    found.append(Access(arg, None, True))
    return tuple(found)
