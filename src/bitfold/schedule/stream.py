"""stream: a parameter of the top kernel becomes a first-in first-out channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import islpy as isl

from bitfold.diagnostics import Note, ScheduleError, Span
from bitfold.ir import build
from bitfold.ir.effects import loads, parameter_effects
from bitfold.ir.nodes import (
    Alloc,
    CallKernel,
    Cmp,
    Const,
    Expr,
    For,
    Function,
    If,
    Load,
    LoopVar,
    Program,
    Put,
    Rom,
    Stmt,
    Store,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import Body, bound_names, fresh, map_body, map_exprs
from bitfold.lang.types import ArrayType
from bitfold.schedule.affine import Guard, affine, domain, names_of
from bitfold.schedule.dependence import accesses
from bitfold.schedule.lookup import arrays_of, declared_at


def stream(program: Program, function: Function, array: str) -> Program:
    """Pass the top kernel's parameter `array` through a stream, element by element (a packed one by words).

    An input that is read again later is kept in a local buffer as it arrives:

        for m_o in range(4):                    x_buffer = empty(UInt(49)[16])
            for k_o in range(16):               for m_o in range(4):
                use(x[k_o])             ->          for k_o in range(16):
                                                        if m_o == 0:
                                                            x_buffer[k_o] = x.get()
                                                        use(x_buffer[k_o])

    An output's stores become `put`. Legal when the elements are first read, or written, each once and in
    row-major order, and none is read before it arrives; isl decides.

    Raises:
        ScheduleError: not a parameter of the top kernel, passed to several kernels, or another order.
    """
    if function.name != program.top.name or array not in {p.name for p in function.params}:
        raise ScheduleError(
            f"{array!r} is not a parameter of the top kernel {program.top.name!r}",
            span=declared_at(function, array),
            remedy=f"parameters: {', '.join(p.name for p in program.top.params)}",
        )
    if arrays_of(function)[array].streamed:
        raise ScheduleError(
            f"{array!r} of {function.name!r} is a stream already",
            span=declared_at(function, array),
            remedy="stream each parameter once",
        )
    chain = _chain(program, array)
    where, name = chain[-1]
    leaf = program.function(where)
    read, written = parameter_effects(program, leaf)[[p.name for p in leaf.params].index(name)]
    if read == written:
        raise ScheduleError(
            f"{name!r} of {where!r} is {'both read and written' if read else 'not used'}",
            span=declared_at(leaf, name),
            remedy="stream arrays that go one way",
        )
    program = program.with_function(_reader(leaf, name) if read else _writer(leaf, name))
    for owner, parameter in chain:
        target = program.function(owner)
        params = tuple(
            replace(p, type=replace(p.type, streamed=True, layout=())) if p.name == parameter else p
            for p in target.params
        )
        program = program.with_function(replace(target, params=params))
    return program


# ---- which kernel uses it


def _chain(program: Program, array: str) -> list[tuple[str, str]]:
    """The kernels that hand the parameter on, from the top to the one that uses it."""
    chain = [(program.top.name, array)]
    while True:
        owner, name = chain[-1]
        function = program.function(owner)
        users = [s for s in walk(function.body) if any(a.array == name for a in accesses(program, s))]
        users += [s for s in walk(function.body) if isinstance(s, CallKernel) and name in s.args]
        calls = [
            (s, i) for s in users if isinstance(s, CallKernel) for i, a in enumerate(s.args) if a == name
        ]
        calls = list(dict.fromkeys(calls))
        if not calls:
            return chain
        call, position = calls[0]
        others = [s for s in users if s is not call]
        if others or len(calls) > 1:
            raise ScheduleError(
                f"{name!r} of {owner!r} is used in several places; a stream has one end in a program",
                span=(others or [call])[0].span,
                notes=[Note("it is also passed here", call.span)],
                remedy="copy it to a second array in a kernel of its own",
            )
        if call not in function.body:
            raise ScheduleError(
                f"{name!r} is passed to {call.callee!r} under a loop or a condition",
                span=call.span,
                remedy="a stream's kernel is called once: move the loop into it",
            )
        chain.append((call.callee, program.function(call.callee).params[position].name))


@dataclass(frozen=True)
class _Site:
    """One access with the loops and conditions around it, outermost first.

    `guards` pairs each condition with the number of loops around it.
    """

    loops: tuple[For, ...]
    guards: tuple[tuple[int, Guard], ...]
    indices: tuple[Expr, ...]
    span: Span

    def within(self, depth: int) -> tuple[Guard, ...]:
        """The conditions that stand around the `depth` outermost loops' bodies or outside them."""
        return tuple(guard for at, guard in self.guards if at < depth)


def _sites(function: Function, name: str, stores: bool) -> list[_Site]:
    def visit(body: Body, loops: tuple[For, ...], guards: tuple[tuple[int, Guard], ...]) -> Iterator[_Site]:
        for stmt in body:
            if stores and isinstance(stmt, Store) and stmt.array == name:
                yield _Site(loops, guards, stmt.indices, stmt.span)
            elif not stores:
                yield from (
                    _Site(loops, guards, e.indices, stmt.span) for e in loads(stmt) if e.array == name
                )
            match stmt:
                case For():
                    yield from visit(stmt.body, (*loops, stmt), guards)
                case If():
                    for block, holds in ((stmt.then, True), (stmt.orelse, False)):
                        guard = (len(loops), Guard(stmt.cond, holds))
                        yield from visit(block, loops, (*guards, guard))

    return list(visit(function.body, (), ()))


def _refused(function: Function, name: str, site: _Site, why: str, verb: str) -> ScheduleError:
    return ScheduleError(
        f"{name!r} of {function.name!r} cannot be a stream: {why}",
        span=site.span,
        notes=[Note(f"{name!r} is declared here", declared_at(function, name))],
        remedy=f"{verb} every element once, in row-major order, or leave it an array",
    )


# ---- the order of its elements


@dataclass(frozen=True)
class _Order:
    """Instances that touch one element each: when (the values of `loops`), and which."""

    loops: tuple[For, ...]
    guards: tuple[Guard, ...]
    indices: tuple[Expr, ...]

    @property
    def exact(self) -> bool:
        """Whether it is known precisely when an instance runs and what it touches."""
        return self.access is not None and domain(self.loops, self.guards, names_of(self.loops)).exact

    @property
    def access(self) -> isl.Map | None:
        """From times to elements, at least those that happen; None when an index is not affine."""
        names = names_of(self.loops)
        indices = [affine(i, names) for i in self.indices]
        if any(i is None for i in indices):
            return None
        limits = domain(self.loops, self.guards, names).text
        return isl.Map(f"{{ [{', '.join(names.values())}] -> [{', '.join(map(str, indices))}] : {limits} }}")

    def fault(self, type: ArrayType) -> str | None:
        """Why this is not one pass through an array of `type` in row-major order; None when it is."""
        access = self.access
        if access is None:
            return "its index is not affine in the loop variables"
        if not self.exact:
            return "whether it is accessed depends on data"
        elements = [f"e{d}" for d in range(len(type.dims))]
        limits = " and ".join(f"0 <= {e} < {n}" for e, n in zip(elements, type.dims, strict=True))
        if not access.range().is_equal(isl.Set(f"{{ [{', '.join(elements)}] : {limits} }}")):
            return "not every element is used"
        if not access.is_injective():
            return "an element is used more than once"
        time = isl.Map(f"{{ [{_listed(self.loops)}] -> [{_listed(self.loops)}] }}")
        earlier = time.lex_lt_map(time).intersect_domain(access.domain()).intersect_range(access.domain())
        if not earlier.intersect(access.lex_ge_map(access)).is_empty():
            return "its elements are not used in row-major order"
        return None


def _listed(loops: tuple[For, ...]) -> str:
    return ", ".join(names_of(loops).values())


# ---- inputs


def _reader(function: Function, name: str) -> Function:
    type = arrays_of(function)[name]
    sites = _sites(function, name, stores=False)
    site = sites[0]
    for other in sites[1:]:
        if other.indices != site.indices or not _same(other.loops, site.loops):
            raise _refused(function, name, other, "it is read in several places", "read")
    used = {e.name for i in site.indices for e in walk_expr(i) if isinstance(e, LoopVar)}
    depth = max((d for d, f in enumerate(site.loops) if f.var in used), default=-1) + 1
    outer, guards = site.loops[:depth], site.within(depth)
    first = _first_pass(outer, used)
    arrival = _Order(outer, (*guards, *(Guard(c) for c in first)), site.indices)
    why = arrival.fault(type)
    if why:
        raise _refused(function, name, site, f"{why} (when each is read first)", "read")
    if not _arrives_in_time(arrival, _Order(outer, guards, site.indices)):
        raise _refused(function, name, site, "an element is read before it arrives", "read")
    return _with_arrival(function, name, type, site, outer[-1].var if outer else None, first)


def _same(a: tuple[For, ...], b: tuple[For, ...]) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def _first_pass(loops: tuple[For, ...], used: set[str]) -> list[Expr]:
    """The conditions that say that loops which do not select the element are in their first iteration."""
    conditions: list[Expr] = []
    for loop in loops:
        if loop.var not in used:
            var = build.loop_var(loop.var, loop.low.low, loop.high.high - 1)
            condition = build.compare(Cmp.EQ, var, loop.low)
            if not isinstance(condition, Const):
                conditions.append(condition)
    return conditions


def _arrives_in_time(arrival: _Order, reads: _Order) -> bool:
    """Whether every element that is read has arrived in the same iteration or an earlier one."""
    arrives, read = arrival.access, reads.access
    assert arrives is not None
    assert read is not None
    if not read.range().is_subset(arrives.range()):
        return False
    now = isl.Map(f"{{ [{_listed(arrival.loops)}] -> [{_listed(arrival.loops)}] }}")
    later = now.lex_lt_map(now)
    return bool(read.apply_range(arrives.reverse()).intersect(later).is_empty())


def _with_arrival(
    function: Function, name: str, type: ArrayType, site: _Site, innermost: str | None, first: list[Expr]
) -> Function:
    """`function` with `get` at the start of the loop `innermost` (or of itself) where all of `first` hold."""
    taken = bound_names(function)
    value = build.get(name, type.elem, site.span)
    if first:
        place, indices = fresh(f"{name}_buffer", taken), site.indices
        local = Alloc(place, type, span=site.span)
        condition = first[0]
        for more in first[1:]:
            condition = build.logic(True, condition, more)
        arrive: Stmt = If(condition, (Store(place, indices, value, span=site.span),), span=site.span)
    else:
        place, indices = fresh(f"{name}_word", taken), (build.const(0),)
        local = Alloc(place, ArrayType(type.elem, (1,)), span=site.span)
        arrive = Store(place, indices, value, span=site.span)

    def use(e: Expr) -> Expr | None:
        if isinstance(e, Load) and e.array == name:
            return build.load(place, indices, type.elem, e.span)
        return None

    def insert(s: Stmt) -> Body | None:
        if isinstance(s, For) and s.var == innermost:
            return (replace(s, body=(arrive, *s.body)),)
        return None

    body = map_body(map_exprs(function.body, use), insert)
    roms = sum(isinstance(s, Rom) for s in body)
    start = (local,) if innermost else (local, arrive)
    return replace(function, body=(*body[:roms], *start, *body[roms:]))


# ---- outputs


def _writer(function: Function, name: str) -> Function:
    sites = _sites(function, name, stores=True)
    if len(sites) > 1:
        raise _refused(function, name, sites[1], "it is written in several places", "write")
    (site,) = sites
    order = _Order(site.loops, site.within(len(site.loops) + 1), site.indices)
    why = order.fault(arrays_of(function)[name])
    if why:
        raise _refused(function, name, site, why, "write")

    def put(s: Stmt) -> Body | None:
        if isinstance(s, Store) and s.array == name:
            return (Put(name, s.value, span=s.span),)
        return None

    return replace(function, body=map_body(function.body, put))
