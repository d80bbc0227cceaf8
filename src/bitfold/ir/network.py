"""Process networks: a top kernel whose kernels talk by streams, and who of them puts, gets and waits.

The kernels that such a top calls are the processes of a Kahn network: they run at the same time, a `get`
waits for an element and a `put` for room. Arrays keep their meaning under plain Python: a process that
touches an array which an earlier call writes, or writes one which it touches, waits until that one is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import (
    Alloc,
    CallKernel,
    For,
    Function,
    Get,
    If,
    Probe,
    Program,
    Put,
    Stmt,
    While,
    own_exprs,
    walk,
    walk_expr,
)
from bitfold.lang.stream import StreamType

UNBOUNDED = 1 << 60
"""How many elements a `while` may put, as far as can be told."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The statements and expressions of a kernel that use a stream as the end that gets, or that puts."""

    gets: tuple[Get | Stmt, ...] = ()
    puts: tuple[Get | Stmt, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A stream, or array of streams, of a network, and the positions of its two processes."""

    alloc: Alloc
    type: StreamType
    producer: int
    consumer: int

    @property
    def name(self) -> str:
        return self.alloc.name


@dataclass(frozen=True, slots=True)
class Network:
    """The processes of a program's top, in the order of the calls.

    `after[p]` maps the processes that must be over before p starts to an array that is why.
    """

    calls: tuple[CallKernel, ...]
    links: tuple[Link, ...]
    after: tuple[dict[int, str], ...]


def streams_of(function: Function) -> dict[str, Alloc]:
    """The streams that a kernel declares itself."""
    return {s.name: s for s in walk(function.body) if isinstance(s, Alloc) and isinstance(s.type, StreamType)}


def cyclic(program: Program) -> bool:
    """Whether a kernel gets from a stream before the kernel that puts into it is called."""
    return is_network(program) and any(k.producer >= k.consumer for k in network(program).links)


def is_network(program: Program) -> bool:
    return bool(streams_of(program.top))


def stream_uses(stmt: Stmt) -> Iterator[tuple[str, bool, Get | Stmt]]:
    """(stream, whether it is the end that puts, the node) for each use of a stream in `stmt` itself."""
    if isinstance(stmt, Put):
        yield stmt.stream, True, stmt
    for root in own_exprs(stmt):
        for e in walk_expr(root):
            if isinstance(e, Get):
                yield e.stream, isinstance(e, Probe) and e.full, e


def parameter_ends(program: Program, function: Function) -> list[Ends]:
    """How `function`, and what it calls, uses each of its parameters as a stream."""
    gets: dict[str, list[Get | Stmt]] = {p.name: [] for p in function.params}
    puts: dict[str, list[Get | Stmt]] = {p.name: [] for p in function.params}
    for stmt in walk(function.body):
        for name, is_put, node in stream_uses(stmt):
            (puts if is_put else gets).setdefault(name, []).append(node)
        if isinstance(stmt, CallKernel):
            for arg, ends in zip(
                stmt.args, parameter_ends(program, program.function(stmt.callee)), strict=True
            ):
                gets.setdefault(arg, []).extend(ends.gets)
                puts.setdefault(arg, []).extend(ends.puts)
    return [Ends(tuple(gets[p.name]), tuple(puts[p.name])) for p in function.params]


def parameter_bounds(program: Program, function: Function) -> list[int]:
    """For each parameter, how many elements a call of `function` puts into it at most.

    UNBOUNDED and more where a `while` puts.
    """
    total = _bounds(program, function.body)
    return [total.get(p.name, 0) for p in function.params]


def _bounds(program: Program, body: tuple[Stmt, ...]) -> Counter[str]:
    total: Counter[str] = Counter()
    for stmt in body:
        match stmt:
            case For():
                trips = max(0, -(-(stmt.high.high - stmt.low.low) // stmt.step))
                total.update({name: trips * n for name, n in _bounds(program, stmt.body).items()})
            case While():
                total.update({name: UNBOUNDED * n for name, n in _bounds(program, stmt.body).items()})
            case If():
                total += _bounds(program, stmt.then) | _bounds(program, stmt.orelse)
            case Put():
                total[stmt.stream] += 1
            case CallKernel():
                callee = program.function(stmt.callee)
                for arg, bound in zip(stmt.args, parameter_bounds(program, callee), strict=True):
                    total[arg] += bound
    return total


def network(program: Program) -> Network:
    """The network that the top kernel is; the program has passed the front end's checks."""
    calls = tuple(s for s in program.top.body if isinstance(s, CallKernel))
    ends: dict[str, dict[bool, int]] = {}
    for position, call in enumerate(calls):
        for arg, used in zip(call.args, parameter_ends(program, program.function(call.callee)), strict=True):
            for is_put, uses in ((False, used.gets), (True, used.puts)):
                if uses:
                    ends.setdefault(arg, {})[is_put] = position
    links = []
    for name, alloc in streams_of(program.top).items():
        assert isinstance(alloc.type, StreamType)
        links.append(Link(alloc, alloc.type, ends[name][True], ends[name][False]))
    return Network(calls, tuple(links), _array_order(program, calls))


def _array_order(program: Program, calls: tuple[CallKernel, ...]) -> tuple[dict[int, str], ...]:
    """Which earlier processes each process waits for, because of an array."""
    touched: list[dict[str, bool]] = []
    after: list[dict[int, str]] = []
    for call in calls:
        callee = program.function(call.callee)
        effects = zip(call.args, callee.params, parameter_effects(program, callee), strict=True)
        mine = {a: w for a, p, (r, w) in effects if (r or w) and not isinstance(p.type, StreamType)}
        after.append(
            {
                i: name
                for i, theirs in enumerate(touched)
                for name, writes in sorted(mine.items())
                if name in theirs and (writes or theirs[name])
            }
        )
        touched.append(mine)
    return tuple(after)


def is_forest(net: Network) -> bool:
    """Whether the calls stand in the order of the streams and no two ways lead from a process to another.

    Then no depth can make the network wait for ever: a kernel can run to its end before the next one starts.
    """
    parent = list(range(len(net.calls)))

    def root(p: int) -> int:
        while parent[p] != p:
            p = parent[p]
        return p

    pairs = [(link.producer, link.consumer) for link in net.links for _ in range(_count(link.type))]
    if any(producer >= consumer for producer, consumer in pairs):
        return False
    pairs += [(before, p) for p, earlier in enumerate(net.after) for before in earlier]
    for a, b in pairs:
        if root(a) == root(b):
            return False
        parent[root(a)] = root(b)
    return True


def _count(type: StreamType) -> int:
    total = 1
    for size in type.dims:
        total *= size
    return total
