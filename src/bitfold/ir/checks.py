"""Add checks to a program: stores that do not fit their place, and indices outside their array.

    y[i] = x[j] + 1        ->      x_j: UInt(8) = j
                                   if x_j >= 16:
                                       if fault[0] == 0:
                                           fault[0] = 1; fault[1] = x_j
                                   y_value: Int(9) = x[min(j, 15)] + 1
                                   if y_value < -128 or y_value > 127:
                                       if fault[0] == 0: ...
                                   y[i] = y_value

Only what the ranges of the IR leave open is checked. The record `fault` keeps the number of the first site
that found something, and the value. It is a parameter of each kernel that has sites; kernels that run at the
same time have one each. After a fault the program runs on, with its results of no use: an index is kept
inside its array, a store wraps as ever. Casts wrap because they say so, and are not checked; floats have
infinities.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from bitfold.diagnostics import CheckError, Span, UsageError, choices
from bitfold.ir import build
from bitfold.ir.nodes import (
    NOWHERE,
    Alloc,
    Assign,
    CallKernel,
    Cmp,
    Const,
    Declare,
    Expr,
    Fn,
    For,
    Function,
    If,
    Load,
    Local,
    Logic,
    LoopVar,
    Param,
    Program,
    Put,
    Rom,
    Select,
    Stmt,
    Store,
    While,
    operands,
    own_exprs,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import Body, bound_names, fresh
from bitfold.lang.fixed import FixedType
from bitfold.lang.types import MAX_WIDTH, ArrayType, ElementType, Int, IntType, bit

KINDS = ("overflow", "bounds")


def kinds_of(check: str | Iterable[str]) -> frozenset[str]:
    """What `check=` asks for: "overflow", "bounds", or several. Raises UsageError for anything else."""
    asked = [check] if isinstance(check, str) else list(check)
    for kind in asked:
        if kind not in KINDS:
            raise UsageError(
                f"there is no check {kind!r}",
                code="BF-U003",
                remedy=f"{choices(str(kind), KINDS)}; or a tuple of both",
            )
    return frozenset(asked)


@dataclass(frozen=True, slots=True)
class Site:
    """A place that is checked: a store of `type` when `size` is 0, else an index into that many elements.

    `fixed` is the fixed-point type whose integers are stored there.
    """

    name: str
    span: Span
    type: ElementType
    size: int = 0
    dim: int = 0
    fixed: FixedType | None = None


@dataclass(frozen=True)
class Checked:
    """A program with checks. `records` are the parameters that it has for them, after the others."""

    program: Program
    sites: tuple[Site, ...]
    records: tuple[Param, ...]

    def new_records(self, count: int) -> list[np.ndarray]:
        """The records of `count` calls, with nothing in them."""
        return [np.zeros((count, *p.type.dims), p.type.elem.storage) for p in self.records]

    def raise_first(self, records: Sequence[np.ndarray]) -> None:
        """Raise CheckError for the first fault in the records of a batch, when there is one."""
        count = records[0].shape[0] if records else 0
        for image in range(count):
            for record in records:
                if number := int(record[image, 0]):
                    raise _error(self.sites[number - 1], int(record[image, 1]), image, count)


def _error(site: Site, value: int, image: int, count: int) -> CheckError:
    where = f", in call {image} of the batch of {count}" if count > 1 else ""
    if site.size:
        which = f"dimension {site.dim} of " if site.dim else ""
        return CheckError(
            f"index {value} is outside {which}{site.name!r}, whose size there is {site.size}{where}",
            code="BF-C002",
            span=site.span,
            remedy=f"keep it in 0..{site.size - 1}"
            + ("; an index that varies does not count from the end" if value < 0 else ""),
        )
    type = site.fixed or site.type
    shown = value if site.fixed is None else _number(value, site.fixed)
    low, high = (
        v if site.fixed is None else _number(v, site.fixed) for v in (int(site.type.low), int(site.type.high))
    )
    return CheckError(
        f"{shown} does not fit {site.name!r}, whose type {type} holds {low}..{high}{where}",
        code="BF-C001",
        span=site.span,
        remedy=f"declare it wider, or write {type}(...) where the value is meant to wrap",
    )


def _number(raw: int, type: FixedType) -> str:
    """An integer in units of the last bit of `type` as the number that it stands for."""
    value = Fraction(raw, 1 << type.fraction)
    if raw.bit_length() <= 53 and type.fraction <= 1000:
        return str(float(value))
    return f"{raw} * 2**-{type.fraction}"


def add_checks(program: Program, check: str | Iterable[str]) -> Checked:
    """The program with the checks asked for, or itself for none; it gives the same when they find nothing.

    Raises UsageError for a check that there is none of.
    """
    kinds = kinds_of(check)
    if not kinds:
        return Checked(program, (), ())
    sites: list[Site] = []
    made: dict[str, _Checker] = {}
    type = Int(min(MAX_WIDTH, max(32, 1 + _widest(program))))[2]
    for function in program.functions:
        checker = _Checker(function, kinds, sites, made, type)
        checker.run()
        made[function.name] = checker
    functions = tuple(made[f.name].function() for f in program.functions)
    records = tuple(Param(name, type) for name in made[program.top.name].records)
    return Checked(replace(program, functions=functions), tuple(sites), records)


def _widest(program: Program) -> int:
    """The width of the widest value that a record may have to keep."""
    widths = [1]
    for function in program.functions:
        arrays = {p.name: p.type for p in function.params}
        for stmt in walk(function.body):
            if isinstance(stmt, (Alloc, Rom)):
                arrays[stmt.name] = stmt.type
            match stmt:
                case Declare() | Assign():
                    place: ElementType | None = stmt.type
                case Store(array=name) | Put(stream=name):
                    place = arrays[name].elem
                case _:
                    place = None
            for expr in own_exprs(stmt):
                if isinstance(place, IntType) and not place.holds(expr.type):
                    widths.append(expr.type.width)
                for load in (e for e in walk_expr(expr) if isinstance(e, Load)):
                    widths += [index.type.width for index in load.indices]
    return max(widths)


@dataclass
class _Checker:
    """Adds checks to one kernel. `records` are the names of its fault records, which have the type `kept`."""

    source: Function
    kinds: frozenset[str]
    sites: list[Site]
    callees: dict[str, _Checker]
    kept: ArrayType
    records: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.taken = bound_names(self.source)
        self.arrays = {p.name: p.type for p in self.source.params}
        self.points = {p.name: p.fixed for p in self.source.params if p.fixed} | dict(self.source.fixed)
        self.own: str | None = None

    def run(self) -> None:
        self.checked = self.body(self.source.body)

    def function(self) -> Function:
        """The kernel with its checks."""
        states = tuple(p for p in self.source.params if p.state is not None)
        others = tuple(p for p in self.source.params if p.state is None)
        records = tuple(Param(name, self.kept, self.source.span) for name in self.records)
        return replace(self.source, params=(*others, *records, *states), body=self.checked)

    # ---- statements

    def body(self, body: Body) -> Body:
        return tuple(made for stmt in body for made in self.statement(stmt))

    def statement(self, stmt: Stmt) -> Body:
        match stmt:
            case Alloc() | Rom():
                self.arrays[stmt.name] = stmt.type
            case For():
                before = (*self.look(stmt.low), *self.look(stmt.high))
                low, high = self.safe(stmt.low), self.safe(stmt.high)
                return (*before, replace(stmt, low=low, high=high, body=self.body(stmt.body)))
            case While():
                return self.repeated(stmt)
            case If():
                then, orelse = self.body(stmt.then), self.body(stmt.orelse)
                return (
                    *self.look(stmt.cond),
                    replace(stmt, cond=self.safe(stmt.cond), then=then, orelse=orelse),
                )
            case Declare() | Assign():
                return self.valued(stmt, stmt.name, stmt.type)
            case Store():
                return self.valued(stmt, stmt.array, self.arrays[stmt.array].elem)
            case Put():
                return self.valued(stmt, stmt.stream, self.arrays[stmt.stream].elem)
            case CallKernel():
                return (self.call(stmt),)
        return (stmt,)

    def repeated(self, stmt: While) -> Body:
        """A loop that looks at the indices of its condition each time, and ends when there was a fault."""
        looked, cond = self.look(stmt.cond), self.safe(stmt.cond)
        body = self.body(stmt.body)
        if self.own is not None:
            found = build.load(self.own, (build.const(0),), self.kept.elem)
            cond = build.logic(True, build.compare(Cmp.EQ, found, build.const(0)), cond, stmt.span)
        if not looked:
            return (replace(stmt, cond=cond, body=body),)
        going = fresh("going", self.taken)
        flag = build.local(going, bit)
        again = (Assign(going, bit, cond, span=stmt.span), If(flag, body, span=stmt.span))
        start = Declare(going, bit, build.const(1), span=stmt.span)
        return (start, replace(stmt, cond=flag, body=(*looked, *again)))

    def valued(self, stmt: Declare | Assign | Store | Put, name: str, type: ElementType) -> Body:
        """A statement that puts a value into a place of `type`."""
        made: list[Stmt] = self.look(stmt.value)
        value = self.safe(stmt.value)
        if isinstance(stmt, Store):
            for index in stmt.indices:
                made += self.look(index)
            made += self.inside(stmt.array, stmt.indices, stmt.span)
            stmt = replace(stmt, indices=self.clamped(stmt.array, stmt.indices))
        if "overflow" in self.kinds and isinstance(type, IntType) and not type.holds(value.type):
            value = self.named(f"{name}_value", value, stmt.span, made)
            outside = _outside(value, type.low, type.high)
            made.append(self.fault(outside, value, Site(name, stmt.span, type, fixed=self.points.get(name))))
        return (*made, replace(stmt, value=value))

    def call(self, stmt: CallKernel) -> CallKernel:
        """A call, with the records of the callee passed on."""
        needed = self.callees[stmt.callee].records
        if len(needed) == 1 and not self.source.concurrent:
            passed = [self.record()]
        else:
            passed = [fresh("fault", self.taken) for _ in needed]
            self.records += passed
        return replace(stmt, args=(*stmt.args, *passed))

    # ---- faults

    def record(self) -> str:
        if self.own is None:
            self.own = fresh("fault", self.taken)
            self.records.insert(0, self.own)
        return self.own

    def fault(self, outside: Expr, value: Expr, site: Site) -> Stmt:
        """Note `value` as the first fault when it is `outside`."""
        record = self.record()
        self.sites.append(site)
        number = build.const(len(self.sites))
        none = build.compare(Cmp.EQ, build.load(record, (build.const(0),), self.kept.elem), build.const(0))
        note = (
            Store(record, (build.const(0),), number, span=site.span),
            Store(record, (build.const(1),), value, span=site.span),
        )
        first = If(none, note, span=site.span)
        return first if isinstance(outside, Const) else If(outside, (first,), span=site.span)

    def named(self, name: str, value: Expr, span: Span, made: list[Stmt]) -> Expr:
        """`value`, computed once."""
        if isinstance(value, (Const, Local, LoopVar)):
            return value
        name = fresh(name, self.taken)
        made.append(Declare(name, value.type, value, span=span))
        return build.local(name, value.type, value.span)

    # ---- indices

    def look(self, e: Expr) -> list[Stmt]:
        """The checks of the indices in `e`, under the conditions under which it evaluates them."""
        if "bounds" not in self.kinds:
            return []
        match e:
            case Select():
                then, other = self.look(e.then), self.look(e.other)
                made = self.look(e.cond)
                if then or other:
                    made.append(If(self.safe(e.cond), tuple(then), tuple(other), span=e.span))
                return made
            case Logic():
                made, right = self.look(e.lhs), self.look(e.rhs)
                if right:
                    left = self.safe(e.lhs)
                    cond = left if e.is_and else build.apply(Fn.NOT, (left,))
                    made.append(If(cond, tuple(right), span=e.span))
                return made
        made = [s for part in operands(e) for s in self.look(part)]
        if isinstance(e, Load):
            made += self.inside(e.array, e.indices, e.span)
        return made

    def inside(self, array: str, indices: tuple[Expr, ...], span: Span) -> list[Stmt]:
        """Checks that an element is there; what its indices read is checked already."""
        if "bounds" not in self.kinds:
            return []
        made: list[Stmt] = []
        dims = self.arrays[array].dims
        for dim, (index, size) in enumerate(zip(indices, dims, strict=True), 1):
            if index.low >= 0 and index.high < size:
                continue
            where = index.span if index.span is not NOWHERE else span
            value = self.named(f"{array}_index", self.safe(index), where, made)
            site = Site(array, where, self.arrays[array].elem, size, dim if len(dims) > 1 else 0)
            made.append(self.fault(_outside(value, 0, size - 1), value, site))
        return made

    def safe(self, e: Expr) -> Expr:
        """`e` with every index inside its array."""
        if "bounds" not in self.kinds:
            return e

        def change(part: Expr) -> Expr | None:
            if not isinstance(part, Load):
                return None
            return replace(part, indices=self._inside(part.array, part.indices))

        return build.rebuild(e, change)

    def clamped(self, array: str, indices: tuple[Expr, ...]) -> tuple[Expr, ...]:
        if "bounds" not in self.kinds:
            return indices
        return self._inside(array, tuple(map(self.safe, indices)))

    def _inside(self, array: str, indices: tuple[Expr, ...]) -> tuple[Expr, ...]:
        made = []
        for index, size in zip(indices, self.arrays[array].dims, strict=True):
            if index.high >= size:
                index = build.apply(Fn.MIN, (index, build.const(size - 1)), index.span)
            if index.low < 0:
                index = build.apply(Fn.MAX, (index, build.const(0)), index.span)
            made.append(index)
        return tuple(made)


def _outside(value: Expr, low: int, high: int) -> Expr:
    below = build.compare(Cmp.LT, value, build.const(low))
    return build.logic(False, below, build.compare(Cmp.GT, value, build.const(high)))
