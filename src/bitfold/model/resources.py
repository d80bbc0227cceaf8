"""The resource model: LUTs, flip-flops and memories of a scheduled program, read off its loops.

It reads the program that HLS C++ is written from, after its passes: what an expression costs is in
model/operators.py, what a memory costs in model/costs.py. So any kernel is estimated, not only the layers
of a network. Every number is an item with its kernel, its line of Python and its reason; sums are sums of
items.

Not counted: what tools share or duplicate for timing, ports of memories that are read more than twice in a
cycle, and memories outside the kernels that parameters of the top are passed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import numpy as np

from bitfold.devices import Device
from bitfold.diagnostics import Span
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    CallKernel,
    Declare,
    Expr,
    For,
    Function,
    If,
    Load,
    Local,
    Param,
    Program,
    Put,
    Rom,
    Stmt,
    Store,
    While,
    own_exprs,
    walk,
    walk_expr,
)
from bitfold.lang.layouts import Partition
from bitfold.lang.packing import pack_words
from bitfold.lang.stream import StreamType
from bitfold.lang.types import DEPTH, ArrayType, FloatType, covering
from bitfold.lowering.banks import bank_roms
from bitfold.lowering.flatten import flatten_pipelines
from bitfold.lowering.states import own_states
from bitfold.markup import table
from bitfold.model import costs
from bitfold.model.costs import KERNEL, NOTHING, SHELL, Resources
from bitfold.model.known import without_known_names
from bitfold.model.operators import Operators, accumulated
from bitfold.schedule.shadow import shadow_words

__all__ = ["SHELL", "Estimate", "Item", "Resources", "estimate"]


@dataclass(frozen=True, slots=True)
class Item:
    """One cost: of `kernel`, for the Python at `span`, `what` in words, already times its copies."""

    kernel: str
    span: Span
    what: str
    cost: Resources


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a program costs, the shell around it (DMA, AXI interconnect) excluded."""

    items: tuple[Item, ...]

    @property
    def total(self) -> Resources:
        return _sum(self.items)

    def kernels(self) -> dict[str, Resources]:
        """The cost of each kernel; the top's are the channels between kernels and the ports."""
        grouped: dict[str, list[Item]] = {}
        for item in self.items:
            grouped.setdefault(item.kernel, []).append(item)
        return {kernel: _sum(items) for kernel, items in grouped.items()}

    def lines(self) -> dict[tuple[str, str, int], Resources]:
        """The cost of each (kernel, file, line); a file of several kernels' lines counts once for each."""
        grouped: dict[tuple[str, str, int], list[Item]] = {}
        for item in self.items:
            grouped.setdefault((item.kernel, item.span.file, item.span.line), []).append(item)
        return {line: _sum(items) for line, items in grouped.items()}

    def utilization(self, device: Device) -> dict[str, float]:
        """The fraction of each resource of `device` that the total takes, 0 of what is not used.

        A resource that the device lacks and the program needs is infinitely used.
        """
        total = self.total
        pairs = {
            "lut": (total.lut, device.lut),
            "ff": (total.ff, device.ff),
            "bram36": (total.bram36, device.bram36),
            "uram": (total.uram, device.uram),
            "dsp": (total.dsp, device.dsp),
        }
        return {name: _fraction(used, there) for name, (used, there) in pairs.items()}

    def _repr_html_(self) -> str:
        rows = [(name, c.lut, c.ff, c.bram36, c.uram, c.dsp) for name, c in self.kernels().items()]
        total = self.total
        rows.append(("total", total.lut, total.ff, total.bram36, total.uram, total.dsp))
        return table("resources, by kernel", ("kernel", "LUT", "FF", "BRAM36", "URAM", "DSP"), rows)


def estimate(program: Program) -> Estimate:
    """The resources of a scheduled program. The same program gives the same items in the same order."""
    lowered = flatten_pipelines(bank_roms(shadow_words(own_states(program))))
    items: list[Item] = []
    for function in lowered.functions:
        lowered = lowered.with_function(without_known_names(function))
    for function in lowered.functions:
        items += _Kernel(lowered, function).items()
    return Estimate(tuple(items))


def _fraction(used: float, there: int) -> float:
    return used / there if there else float("inf") if used else 0.0


def _sum(items: Iterable[Item]) -> Resources:
    return sum((item.cost for item in items), NOTHING)


class _Kernel:
    """The items of one function."""

    def __init__(self, program: Program, function: Function) -> None:
        self.program = program
        self.function = function
        self.found: list[Item] = []
        self.ops = Operators(self.emit)
        self.sources: set[str] = set()
        self.around = function.span

    def items(self) -> list[Item]:
        function = self.function
        top = function is self.program.top
        for param in function.params:
            self.ops.arrays[param.name] = param.type
            if top:
                self.port(param)
        if not top or any(isinstance(s, (For, Store, Put)) for s in function.body):
            self.emit(function.span, "state machine, pipeline control and handshake of the kernel", 1, KERNEL)
        self.body(function.body)
        return self.found

    def emit(self, span: Span, what: str, copies: int, cost: Resources) -> None:
        if cost == NOTHING or not copies:
            return
        known = span if span.line else self.around
        self.found.append(
            Item(self.function.name, known, f"{copies} x {what}" if copies > 1 else what, cost * copies)
        )

    # ---- statements

    def body(self, body: tuple[Stmt, ...]) -> None:
        for stmt in body:
            before = self.around
            self.around = stmt.span if stmt.span.line else before
            self.statement(stmt)
            self.around = before

    def statement(self, stmt: Stmt) -> None:
        match stmt:
            case For():
                self.loop(stmt)
            case While():
                self.ops.add(stmt.cond)
                self.body(stmt.body)
            case If():
                self.ops.add(stmt.cond)
                self.body(stmt.then)
                self.body(stmt.orelse)
            case Declare():
                self.ops.owners[stmt.name] = frozenset(self.ops.spread)
                what = f"register {stmt.name} of {stmt.type.width} bits"
                self.emit(stmt.span, what, prod(self.ops.spread.values()), Resources(ff=stmt.type.width))
                self.ops.add(stmt.value)
            case Assign():
                self.write(stmt, Local(stmt.name, low=0, high=0), stmt.type.width)
            case Store():
                for index in stmt.indices:
                    self.ops.add(index)
                self.store(stmt)
            case Put():
                for expr in own_exprs(stmt):
                    self.ops.add(expr)
            case Alloc():
                self.memory(stmt)
            case Rom():
                self.rom(stmt)

    def loop(self, loop: For) -> None:
        ops, trips = self.ops, loop.trips
        for bound in (loop.low, loop.high):
            ops.add(bound)
        if loop.unroll >= 0 and trips != 1 and not (loop.unroll and trips and loop.unroll >= trips):
            self.counter(loop)
        if loop.unroll:
            whole = loop.unroll < 0 or (trips is not None and loop.unroll >= trips)
            ops.spread[loop.var] = (trips or 1) if whole else loop.unroll
            if whole:
                ops.static.add(loop.var)
        elif trips == 1:
            ops.static.add(loop.var)
        self.body(loop.body)
        ops.spread.pop(loop.var, None)
        ops.static.discard(loop.var)

    def counter(self, loop: For) -> None:
        width = max(1, max(loop.high.high, 1).bit_length())
        known = loop.trips is not None
        cost = Resources(width + costs.comparator(width, known, True), width)
        what = f"counter of loop {loop.var}, {width} bits, and its end"
        self.emit(loop.span, what, prod(self.ops.spread.values()), cost)

    def store(self, stmt: Store) -> None:
        type = self.ops.arrays[stmt.array]
        place = Load(stmt.array, stmt.indices, low=0, high=0)
        self.write(stmt, place, type.elem.width)
        chosen = self.ops.place_ways(stmt.array, stmt.indices)
        if chosen > 1:
            what = f"decoder of {chosen} registers or banks of {stmt.array}"
            self.emit(stmt.span, what, self.ops.copies(*stmt.indices), Resources(chosen))

    def write(self, stmt: Assign | Store, place: Expr, width: int) -> None:
        """The value of an assignment or a store, and the multiplexer before a place with several values."""
        ops, name = self.ops, stmt.name if isinstance(stmt, Assign) else stmt.array
        added = accumulated(stmt.value, place)
        if added is not None and not ops.is_static(added):
            self.accumulate(stmt, place, added, width)
        else:
            ops.add(stmt.value)
        if ops.is_static(stmt.value):
            return  # a reset of the register
        inserted = added is None and ops.inserted(stmt.value) is not None
        if name in self.sources and not (inserted and any(p == place for p in walk_expr(stmt.value))):
            what = f"multiplexer of the values that {name} can take, {width} bits"
            self.emit(stmt.span, what, ops.copies(place), Resources(costs.mux(2, width)))
        self.sources.add(name)

    def accumulate(self, stmt: Assign | Store, place: Expr, added: Expr, width: int) -> None:
        """`place += added`: what the unrolled loops add up is a tree, then one adder with the register."""
        ops = self.ops
        ops.add(place)
        ops.add(added)
        mine = ops.depends(place)
        terms = prod(ops.spread[v] for v in ops.depends(added) - mine)
        copies = ops.copies(place)
        if terms > 1:
            bits = added.type.width
            tree = Resources(costs.adder_tree(terms, bits), costs.adder_tree_registers(terms, bits))
            self.emit(stmt.span, f"sum of {terms} values of {bits} bits: a tree of adders", copies, tree)
        self.emit(stmt.span, f"accumulator's adder of {width} bits", copies, Resources(width))

    # ---- memories and channels

    def port(self, param: Param) -> None:
        """An AXI stream port: a register slice, as HLS puts before each. Others are memories outside."""
        type = param.type
        if type.streamed:
            width = -(-type.elem.width // 8) * 8
            what = f"AXI stream port {param.name}, {width} bits: register slice"
            self.emit(param.span, what, prod(_shape(type)), Resources(width, 2 * width))

    def memory(self, stmt: Alloc) -> None:
        type, ops = stmt.type, self.ops
        ops.arrays[stmt.name] = type
        ops.owners[stmt.name] = frozenset(ops.spread)
        copies = prod(ops.spread.values())
        if type.streamed:
            depth = type.depth or DEPTH
            cost = costs.fifo(type.elem.width, depth, type.memory)
            what = f"FIFO {stmt.name} of {depth} x {type.elem.width} bits"
            self.emit(stmt.span, what, copies * prod(_shape(type)), cost)
            return
        between = self.function.concurrent and any(
            isinstance(s, CallKernel) and stmt.name in s.args for s in walk(self.function.body)
        )
        buffers = 2 if between else 1  # one is written while the other is read
        self.store_of(stmt.span, stmt.name, type, copies * buffers, type.elem.width, constant=False)

    def rom(self, stmt: Rom) -> None:
        type = stmt.type
        self.ops.arrays[stmt.name] = type
        self.ops.owners[stmt.name] = frozenset()
        self.ops.constants.add(stmt.name)
        values = self.program.constants[stmt.source]
        words = pack_words(values, type) if type.lanes_of else values
        self.store_of(stmt.span, stmt.name, type, 1, _width(words, type), constant=True)

    def store_of(
        self, span: Span, name: str, type: ArrayType, copies: int, width: int, constant: bool
    ) -> None:
        """The memories or registers that hold an array, as it is partitioned and packed."""
        banks = prod(
            type.dims[p.dim - 1] if p.kind is Partition.COMPLETE else min(p.factor, type.dims[p.dim - 1])
            for p in type.layout
        )
        depth = -(-prod(type.dims) // banks)
        size = f"{depth} x {width} bits"
        if depth == 1:
            if not constant:
                self.emit(span, f"register of {name}, {width} bits", banks * copies, Resources(ff=width))
            return
        kind = type.memory or costs.memory_kind(width, depth)
        cost = costs.memory(width, depth, constant=constant, kind=kind)
        held = {"uram": "UltraRAM", "bram": "block RAM"}.get(kind, "LUTs" if constant else "LUTs as RAM")
        why = "as the schedule says" if type.memory else f"{width * depth:,} bits each"
        self.emit(span, f"memory {name} of {size} in {held} ({why})", banks * copies, cost)


def _shape(type: ArrayType) -> tuple[int, ...]:
    """How many channels there are of a streamed type."""
    return type.dims if isinstance(type, StreamType) else ()


def _width(words: np.ndarray, type: ArrayType) -> int:
    """The bits of a constant's words that can differ: no more than the type's, nor than the values need."""
    if not words.size or isinstance(type.elem, FloatType):
        return type.elem.width
    return min(type.elem.width, covering(int(words.min()), int(words.max())).width)
