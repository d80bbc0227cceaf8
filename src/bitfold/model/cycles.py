"""The cycle model: how many cycles each kernel of a scheduled program takes, read off its loops.

A pipelined loop starts an iteration every `ii` cycles; unrolled iterations share a cycle; other loops run one
iteration after another. What a pipeline needs to fill is not counted. For a matrix layer this gives
(rows / PE) * (columns / SIMD): FINN (FPGA 2017), section 4.3. Kernels of a dataflow program run at the same
time on successive images, so the slowest one sets the interval and their sum is the latency.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from bitfold.ir.nodes import (
    Apply,
    Assign,
    CallKernel,
    Expr,
    Fn,
    For,
    Function,
    If,
    Load,
    LoopVar,
    Program,
    Stmt,
    Store,
    walk,
    walk_expr,
)
from bitfold.lang.types import ArrayType, Partition
from bitfold.lowering.flatten import flatten_pipelines
from bitfold.schedule.lookup import arrays_of


@dataclass(frozen=True)
class Memory:
    """A weight memory: `banks` memories of `depth` words of `width` bits."""

    banks: int
    depth: int
    width: int

    def __str__(self) -> str:
        return f"{self.banks} x {self.depth} x {self.width}b"


@dataclass(frozen=True)
class Layer:
    """What one kernel of the network costs.

    PE is the number of rows worked on together and SIMD the number of inputs per row and cycle; `folds` is
    (rows / PE, columns / SIMD). They are 1, 1 and None for a kernel that multiplies nothing.
    """

    name: str
    kernel: str
    pe: int
    simd: int
    folds: tuple[int, int] | None
    cycles: int
    weights: Memory | None


@dataclass(frozen=True)
class Model:
    """The cycles of a network; the rates follow from the clock, in MHz."""

    layers: tuple[Layer, ...]
    clock_mhz: float

    @property
    def interval_cycles(self) -> int:
        """Cycles from one image to the next."""
        return max(layer.cycles for layer in self.layers)

    @property
    def latency_cycles(self) -> int:
        """Cycles from an image's first input to its last output."""
        return sum(layer.cycles for layer in self.layers)

    @property
    def fps(self) -> float:
        return self.clock_mhz * 1e6 / self.interval_cycles

    @property
    def latency_us(self) -> float:
        return self.latency_cycles / self.clock_mhz


def model(program: Program, clock_mhz: float) -> Model:
    """The cycle model of `program`: a layer for each kernel that its top calls, or one for the top."""
    flat = flatten_pipelines(program)
    called = [flat.function(s.callee) for s in walk(flat.top.body) if isinstance(s, CallKernel)]
    return Model(tuple(_layer(flat, f) for f in called or [flat.top]), clock_mhz)


def _layer(program: Program, function: Function) -> Layer:
    cycles = max(1, _cycles(program, function.body))
    work = max(_products(function.body, ()), key=lambda w: w.simd, default=None)
    if work is None:
        return Layer(function.name, function.kernel, 1, 1, None, cycles, None)
    type = _weights(function, work.operands)
    if type is None:
        return Layer(function.name, function.kernel, work.pe, work.simd, None, cycles, None)
    rows, columns = type.dims[0], type.lanes_of or type.dims[-1]
    folds = (-(-rows // work.pe), -(-columns // work.simd))
    return Layer(function.name, function.kernel, work.pe, work.simd, folds, cycles, memory(type))


def memory(type: ArrayType) -> Memory:
    """The memories that hold an array of `type` as it is partitioned and packed."""
    banks = prod(type.dims[p.dim - 1] if p.kind is Partition.COMPLETE else p.factor for p in type.layout)
    return Memory(banks, -(-prod(type.dims) // banks), type.elem.width)


def _cycles(program: Program, body: tuple[Stmt, ...]) -> int:
    """Cycles of a statement list; 0 when it has no loops, as it then takes part in an enclosing cycle."""
    total = 0
    for stmt in body:
        match stmt:
            case For():
                total += _loop_cycles(program, stmt)
            case If():
                total += max(_cycles(program, stmt.then), _cycles(program, stmt.orelse))
            case CallKernel():
                total += max(1, _cycles(program, program.function(stmt.callee).body))
    return total


def _loop_cycles(program: Program, loop: For) -> int:
    trips = loop.trips if loop.trips is not None else max(0, -(-(loop.high.high - loop.low.low) // loop.step))
    if loop.pipeline:
        return trips * loop.pipeline
    inner = _cycles(program, loop.body)
    if loop.flatten:
        return trips * inner
    if loop.unroll < 0:
        return inner
    return -(-trips // max(1, loop.unroll)) * max(1, inner)


@dataclass(frozen=True)
class _Work:
    """One multiply-accumulate statement: how many rows and inputs it handles in a cycle."""

    pe: int
    simd: int
    operands: tuple[str, ...]


def _products(body: tuple[Stmt, ...], spread: tuple[For, ...]) -> list[_Work]:
    """The XNOR-accumulate statements in `body`, under the unrolled loops `spread`."""
    found: list[_Work] = []
    for stmt in body:
        match stmt:
            case For():
                found += _products(stmt.body, (*spread, stmt) if stmt.unroll else spread)
            case If():
                found += _products(stmt.then, spread) + _products(stmt.orelse, spread)
            case Assign() | Store():
                found += _work(stmt, spread)
    return found


def _work(stmt: Assign | Store, spread: tuple[For, ...]) -> list[_Work]:
    found = []
    target = {e.name for i in _indices(stmt) for e in walk_expr(i) if isinstance(e, LoopVar)}
    for e in walk_expr(stmt.value):
        if isinstance(e, Apply) and e.fn is Fn.XNOR:
            lanes = e.args[2].high
            pe = prod(_copies(f) for f in spread if f.var in target)
            simd = lanes * prod(_copies(f) for f in spread if f.var not in target)
            arrays = tuple(p.array for a in e.args[:2] for p in walk_expr(a) if isinstance(p, Load))
            found.append(_Work(pe, simd, arrays))
    return found


def _indices(stmt: Assign | Store) -> tuple[Expr, ...]:
    return stmt.indices if isinstance(stmt, Store) else ()


def _copies(loop: For) -> int:
    return (loop.trips or 1) if loop.unroll < 0 else loop.unroll


def _weights(function: Function, operands: tuple[str, ...]) -> ArrayType | None:
    """The operand with more than one dimension: the weights."""
    types = arrays_of(function)
    return next((types[name] for name in operands if len(types[name].shape) > 1), None)
