"""Run a process network as Python: its kernels as generators that take turns.

In each round every kernel that can go on runs, in the order of the calls, until it waits again, or finds a
stream empty or full when it asks: then the others have a turn before the answer. One thread, nothing random:
the same program takes the same turns on every rung and every day.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bitfold.ir.network import Link, Network, network, stream_uses
from bitfold.ir.nodes import Alloc, CallKernel, Function, Get, Program, Put, Real, Rom, own_exprs, walk
from bitfold.lang import array
from bitfold.lang.stream import StreamType
from bitfold.lang.types import ElementType

Site = Get | Put
Turn = Generator["Wait", None, None]


@dataclass(frozen=True, slots=True)
class Wait:
    """What a process waits for: room to put, or else an element; `site` is where in the program.

    A negative site is a look at the channel, which only lets others have a turn.
    """

    fifo: Fifo
    to_put: bool
    site: int = -1

    @property
    def over(self) -> bool:
        if self.site < 0:
            return True
        return len(self.fifo.elements) < self.fifo.limit if self.to_put else bool(self.fifo.elements)


@dataclass(slots=True)
class Fifo:
    """One channel while the network runs; `taken` counts the gets."""

    name: str
    link: Link
    elem: ElementType
    limit: int
    elements: deque[Any] = field(default_factory=deque)
    taken: int = 0

    def put(self, value: Any, site: int) -> Turn:
        while len(self.elements) >= self.limit:
            yield Wait(self, True, site)
        self.elements.append(self.elem.wrap(value))

    def get(self, site: int) -> Generator[Wait, None, Any]:
        while not self.elements:
            yield Wait(self, False, site)
        self.taken += 1
        return self.elements.popleft()

    def empty(self) -> Generator[Wait, None, int]:
        if not self.elements:
            yield Wait(self, False)
        return int(not self.elements)

    def full(self) -> Generator[Wait, None, int]:
        if len(self.elements) >= self.limit:
            yield Wait(self, True)
        return int(len(self.elements) >= self.limit)


@dataclass(slots=True)
class Process:
    """A called kernel: `turns` goes on with it, `wait` is what it waits for."""

    call: CallKernel
    turns: Turn
    after: Mapping[int, str]
    wait: Wait | None = None
    done: bool = False


@dataclass(slots=True)
class Simulation:
    """A network at work. `sites` are the gets and puts of the program, by number."""

    program: Program
    net: Network
    processes: list[Process]
    fifos: list[Fifo]
    sites: list[Site]

    def run(self) -> bool:
        """Let the processes take turns until none can go on; whether all have finished."""
        going = True
        while going:
            going = False
            for process in self.processes:
                if self._ready(process):
                    going = True
                    process.wait = next(process.turns, None)
                    process.done = process.wait is None
        return all(p.done for p in self.processes)

    def _ready(self, process: Process) -> bool:
        if process.done or self.holds_back(process) is not None:
            return False
        return process.wait is None or process.wait.over

    def holds_back(self, process: Process) -> int | None:
        """A process that must be over before this one starts."""
        return next((p for p in process.after if not self.processes[p].done), None)


def network_text(program: Program, text: str) -> tuple[ast.Module, list[Site]]:
    """The printed program with its kernels as generators, and the sites whose numbers it tells."""
    tree = ast.parse(text)
    defs = {d.name: d for d in tree.body if isinstance(d, ast.FunctionDef)}
    sites: list[Site] = []
    waiting: set[str] = set()
    for function in program.functions[:-1]:
        streams = {p.name for p in function.params if isinstance(p.type, StreamType)}
        first = len(sites)
        sites += _sites(function, streams)
        calls = {s.callee for s in walk(function.body) if isinstance(s, CallKernel)}
        used = {name for s in walk(function.body) for name, _, _ in stream_uses(s)}
        if used & streams or calls & waiting:
            _Waits(streams, frozenset(waiting), first).visit(defs[function.name])
            waiting.add(function.name)
    return ast.fix_missing_locations(tree), sites


def _sites(function: Function, streams: set[str]) -> list[Site]:
    """The gets and puts of streams, in the order in which they are printed: at most one in a statement."""
    found: list[Site] = []
    for stmt in walk(function.body):
        if isinstance(stmt, Put) and stmt.stream in streams:
            found.append(stmt)
        found += [e for e in own_exprs(stmt) if type(e) is Get and e.stream in streams]
    return found


class _Waits(ast.NodeTransformer):
    """`c.get()` becomes `(yield from c.get(site))`; likewise puts, looks and calls of kernels that wait."""

    def __init__(self, streams: set[str], waiting: frozenset[str], first: int) -> None:
        self.streams, self.waiting, self.site = streams, waiting, first

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in self.waiting:
            return ast.YieldFrom(node)
        if not isinstance(node.func, ast.Attribute):
            return node
        owner = node.func.value
        base = owner.value if isinstance(owner, ast.Subscript) else owner
        if not isinstance(base, ast.Name) or base.id not in self.streams:
            return node
        if node.func.attr in ("get", "put"):
            node.args.append(ast.Constant(self.site))
            self.site += 1
        return ast.YieldFrom(node)


def start(
    program: Program,
    namespace: Mapping[str, Any],
    sites: list[Site],
    args: tuple[Any, ...],
    after: tuple[Mapping[int, str], ...] | None = None,
) -> Simulation:
    """The network of `program` before its first turn, on the arguments of one call of its top.

    `after` says which processes wait for the end of others, where it is not what `program` says.
    """
    net = network(program)
    orders = net.after if after is None else after
    bound: dict[str, Any] = dict(zip([p.name for p in program.top.params], args, strict=True))
    fifos: list[Fifo] = []
    links = {link.name: link for link in net.links}
    for stmt in program.top.body:
        if isinstance(stmt, Alloc) and stmt.name in links:
            bound[stmt.name] = _channels(links[stmt.name], fifos)
        elif isinstance(stmt, Alloc):
            fill = stmt.fill.value if isinstance(stmt.fill, Real) else stmt.fill
            bound[stmt.name] = array.empty(stmt.type) if fill is None else array.full(stmt.type, fill)
        elif isinstance(stmt, Rom):
            bound[stmt.name] = array.rom(program.constants[stmt.source], stmt.type)
    processes = [
        Process(call, _process(namespace[call.callee], [bound[a] for a in call.args]), earlier)
        for call, earlier in zip(net.calls, orders, strict=True)
    ]
    return Simulation(program, net, processes, fifos, sites)


def _channels(link: Link, fifos: list[Fifo]) -> Any:
    type = link.type
    if not type.shape:
        fifos.append(Fifo(link.name, link, type.elem, type.depth))
        return fifos[-1]
    made = np.empty(type.dims, object)
    for place in np.ndindex(type.dims):
        fifos.append(Fifo(f"{link.name}[{', '.join(map(str, place))}]", link, type.elem, type.depth))
        made[place] = fifos[-1]
    return made


def _process(kernel: Callable[..., Any], args: list[Any]) -> Turn:
    """A kernel as a generator, also when it never waits."""
    turns = kernel(*args)
    if turns is not None:
        yield from turns
