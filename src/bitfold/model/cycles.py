"""The cycle model: how many cycles each kernel of a scheduled program takes, read off its loops.

A pipelined loop starts an iteration every `ii` cycles; unrolled iterations share a cycle; other loops run one
iteration after another. A `while` counts as one iteration, and is reported as unknown. What a pipeline needs
to fill is not counted. For a matrix layer this gives
(rows / PE) * (columns / SIMD): FINN (FPGA 2017), section 4.3. Kernels of a dataflow program run at the same
time on successive images, so the slowest one sets the interval. The latency is the sum over those that must
have all of their input before their last output, which is all but streaming kernels without weights: sliding
windows, pools and width converters pass words on while their neighbours work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from bitfold.diagnostics import Span
from bitfold.ir.nodes import (
    Apply,
    Assign,
    Binary,
    CallKernel,
    Expr,
    Fn,
    For,
    Function,
    If,
    Load,
    Local,
    LoopVar,
    Op,
    Program,
    Rom,
    Select,
    Stmt,
    Store,
    While,
    walk,
    walk_expr,
)
from bitfold.lang.layouts import Partition
from bitfold.lang.types import ArrayType
from bitfold.lowering.flatten import flatten_pipelines
from bitfold.markup import table


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
    `data_dependent` are its `while` loops, whose number of iterations nobody knows: `cycles` takes one of
    each, so it is the least where there are any.
    """

    name: str
    kernel: str
    pe: int
    simd: int
    folds: tuple[int, int] | None
    cycles: int
    weights: Memory | None
    passes_on: bool = False
    data_dependent: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Model:
    """The cycles of a network; the rates follow from the clock, in MHz.

    In a `dataflow` network the layers work at the same time; else one after another.
    """

    layers: tuple[Layer, ...]
    clock_mhz: float
    dataflow: bool

    @property
    def data_dependent(self) -> tuple[Span, ...]:
        """The loops that run as often as data say; where there are any, the cycles are at least these."""
        return tuple(span for layer in self.layers for span in layer.data_dependent)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one image to the next."""
        cycles = [layer.cycles for layer in self.layers]
        return max(cycles) if self.dataflow else sum(cycles)

    @property
    def latency_cycles(self) -> int:
        """Cycles from an image's first input to its last output; no less than its slowest kernel takes."""
        alone = [layer.cycles for layer in self.layers if not (self.dataflow and layer.passes_on)]
        return max(sum(alone), self.interval_cycles)

    @property
    def fps(self) -> float:
        return self.clock_mhz * 1e6 / self.interval_cycles

    @property
    def latency_us(self) -> float:
        return self.latency_cycles / self.clock_mhz

    def _repr_html_(self) -> str:
        caption = (
            f"an image every {self.interval_cycles:,} cycles = {self.fps:,.0f} images/s; "
            f"latency {self.latency_us:,.2f} us"
        )
        rows = [
            (x.name, *((x.pe, x.simd, f"{x.folds[0]} x {x.folds[1]}") if x.folds else ("", "", "")), x.cycles)
            for x in self.layers
        ]
        return table(caption, ("layer", "PE", "SIMD", "folds", "cycles"), rows)


def model(program: Program, clock_mhz: float) -> Model:
    """The cycle model of `program`: a layer for each kernel that its top calls, or one for the top."""
    flat = flatten_pipelines(program)
    called = [flat.function(s.callee) for s in walk(flat.top.body) if isinstance(s, CallKernel)]
    return Model(tuple(_layer(flat, f) for f in called or [flat.top]), clock_mhz, flat.top.concurrent)


def call_cycles(program: Program, function: Function) -> int:
    """Cycles of one call of a kernel; of the slowest one that it calls where they run at the same time."""
    if function.concurrent:
        calls = (program.function(s.callee) for s in walk(function.body) if isinstance(s, CallKernel))
        return max((call_cycles(program, callee) for callee in calls), default=1)
    return max(1, _cycles(program, function.body))


def _layer(program: Program, function: Function) -> Layer:
    cycles = max(1, _cycles(program, function.body))
    unknown = _whiles(program, function)
    types = weight_types(function)
    work = max(_products(function.body, (), types), key=lambda w: w.simd, default=None)
    if work is None:
        streaming = all(p.type.streamed for p in function.params)
        return Layer(function.name, function.kernel, 1, 1, None, cycles, None, streaming, unknown)
    type = types[work.weights]
    rows, columns = type.dims[0], type.lanes_of or type.dims[-1]
    folds = (-(-rows // work.pe), -(-columns // work.simd))
    return Layer(
        function.name,
        function.kernel,
        work.pe,
        work.simd,
        folds,
        cycles,
        memory(type),
        data_dependent=unknown,
    )


def _whiles(program: Program, function: Function) -> tuple[Span, ...]:
    """Where the `while` loops of a kernel and of those that it calls stand."""
    found: tuple[Span, ...] = ()
    for stmt in walk(function.body):
        if isinstance(stmt, While):
            found += (stmt.span,)
        elif isinstance(stmt, CallKernel):
            found += _whiles(program, program.function(stmt.callee))
    return found


def weight_types(function: Function) -> dict[str, ArrayType]:
    """The matrices that a kernel may multiply by: its constants, else its parameters that are no streams."""
    types = {s.name: s.type for s in walk(function.body) if isinstance(s, Rom)}
    types = types or {p.name: p.type for p in function.params if not p.type.streamed}
    return {name: type for name, type in types.items() if len(type.shape) == 2}


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
                total += loop_cycles(program, stmt)
            case While():
                total += max(1, _cycles(program, stmt.body))
            case If():
                total += max(_cycles(program, stmt.then), _cycles(program, stmt.orelse))
            case CallKernel():
                total += max(1, _cycles(program, program.function(stmt.callee).body))
    return total


def loop_cycles(program: Program, loop: For) -> int:
    """Cycles of one run of a loop, all iterations."""
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
    """One multiply-accumulate statement: how many rows and inputs it handles in a cycle, and its weights."""

    pe: int
    simd: int
    weights: str


def _products(
    body: tuple[Stmt, ...], spread: tuple[For, ...], constants: Mapping[str, ArrayType]
) -> list[_Work]:
    """The statements in `body`, under the unrolled loops `spread`, that accumulate products of weights."""
    found: list[_Work] = []
    for stmt in body:
        match stmt:
            case For():
                found += _products(stmt.body, (*spread, stmt) if stmt.unroll else spread, constants)
            case While():
                found += _products(stmt.body, spread, constants)
            case If():
                found += _products(stmt.then, spread, constants)
                found += _products(stmt.orelse, spread, constants)
            case Assign() | Store():
                found += _work(stmt, spread, constants)
    return found


def accumulation(stmt: Assign | Store, constants: Mapping[str, ArrayType]) -> tuple[str, int] | None:
    """The weights and the number of products that `stmt` adds to what it writes; None when it adds none."""
    parts = list(walk_expr(stmt.value))
    factors = [f for e in parts if _multiplies(e) for f in walk_expr(e)]
    read = [e.array for e in factors if isinstance(e, Load) and e.array in constants]
    place = stmt.name if isinstance(stmt, Assign) else stmt.array
    adds = any(
        isinstance(e, Local | Load) and place == (e.name if isinstance(e, Local) else e.array) for e in parts
    )
    if not (read and adds):
        return None
    return read[0], max(
        (e.args[2].high for e in parts if isinstance(e, Apply) and e.fn is Fn.XNOR), default=1
    )


def _multiplies(expr: Expr) -> bool:
    """Whether an expression can be a product by a weight: of numbers, of bits, or a choice of the sign."""
    match expr:
        case Apply():
            return expr.fn is Fn.XNOR
        case Binary():
            return expr.op in (Op.MUL, Op.AND, Op.XOR)
    return isinstance(expr, Select)


def _work(stmt: Assign | Store, spread: tuple[For, ...], constants: Mapping[str, ArrayType]) -> list[_Work]:
    found = accumulation(stmt, constants)
    if found is None:
        return []
    weights, lanes = found
    target = {e.name for i in _indices(stmt) for e in walk_expr(i) if isinstance(e, LoopVar)}
    pe = prod(_copies(f) for f in spread if f.var in target)
    simd = lanes * prod(_copies(f) for f in spread if f.var not in target)
    return [_Work(pe, simd, weights)]


def _indices(stmt: Assign | Store) -> tuple[Expr, ...]:
    return stmt.indices if isinstance(stmt, Store) else ()


def _copies(loop: For) -> int:
    return (loop.trips or 1) if loop.unroll < 0 else loop.unroll
