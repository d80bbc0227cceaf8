"""Loop IR to MLIR: the `bf` dialect for arithmetic, scf for control, memref for arrays, func for kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bitfold.ir.nodes import (
    Alloc,
    Assign,
    CallKernel,
    Declare,
    Expr,
    For,
    Function,
    If,
    Param,
    Program,
    Put,
    Real,
    Rom,
    Stmt,
    Store,
    While,
)
from bitfold.lang.packing import pack_words
from bitfold.lang.types import DEPTH, ArrayType, ElementType, FloatType, IntType
from bitfold.lowering import dialect as bf
from bitfold.lowering.dialect import element, location, memory
from bitfold.lowering.expressions import ExpressionEmitter
from bitfold.lowering.mlir import arith, func, ir, memref, scf
from bitfold.lowering.trips import trips


@dataclass(frozen=True)
class RomData:
    """A constant of the module: its words as stored (packed if the type is) and the kernel that reads it."""

    symbol: str
    type: ArrayType
    words: np.ndarray
    function: str
    source: str


@dataclass
class Lowered:
    """An MLIR module with what is read beside it. `module` lives in `context`.

    `states` are the initial values of its static arrays, whose allocations name them by `bf.state`.
    """

    context: ir.Context
    module: ir.Module
    program: Program
    roms: tuple[RomData, ...]
    states: tuple[RomData, ...] = ()


def to_mlir(program: Program) -> Lowered:
    """A verified module with one func.func for each kernel of `program`, the top one last."""
    context = ir.Context()
    with context, ir.Location.unknown():
        bf.BF.load()
        module = ir.Module.create()
        roms: list[RomData] = []
        with ir.InsertionPoint(module.body):
            for function in program.functions:
                for stmt in function.body:
                    if isinstance(stmt, Rom):
                        roms.append(_rom(program, function, stmt))
            for function in program.functions:
                _Emitter(program, function).emit()
        module.operation.verify()
    states = [
        _data(program, f, s, s.state)
        for f in program.functions
        for s in f.body
        if isinstance(s, Alloc) and s.state
    ]
    return Lowered(context, module, program, tuple(roms), tuple(states))


def rom_symbol(function: Function, rom: Rom | Alloc) -> str:
    return f"{function.name}_{rom.name}"


def _data(program: Program, function: Function, stmt: Rom | Alloc, source: str) -> RomData:
    values = program.constants[source]
    words = pack_words(values, stmt.type) if stmt.type.lanes_of else values
    return RomData(rom_symbol(function, stmt), stmt.type, words, function.name, source)


def _rom(program: Program, function: Function, rom: Rom) -> RomData:
    data = _data(program, function, rom, rom.source)
    words = data.words
    with location(rom.span):
        made = memref.GlobalOp(
            data.symbol,
            memory(rom.type),
            sym_visibility="private",
            initial_value=elements(words, rom.type),
            constant=True,
        )
    made.operation.attributes["bf.source"] = ir.StringAttr.get(rom.source)
    return data


def elements(words: np.ndarray, type: ArrayType, signless: bool = False) -> ir.Attribute:
    """A dense attribute of any type; MLIR keeps ceil(width / 8) bytes an element, little endian."""
    octets = (type.elem.width + 7) // 8
    flat = words.reshape(-1)
    if words.dtype == object:
        mask = (1 << type.elem.width) - 1
        raw = b"".join((int(w) & mask).to_bytes(octets, "little") for w in flat)
    else:
        stored = np.ascontiguousarray(flat).astype(flat.dtype.newbyteorder("<")).view(np.uint8)
        stored = stored.reshape(flat.size, flat.dtype.itemsize)[:, :octets].copy()
        if isinstance(type.elem, IntType) and type.elem.signed and (spare := octets * 8 - type.elem.width):
            stored[:, -1] &= 0xFF >> spare
        raw = stored.tobytes()
    shape = "x".join(map(str, type.dims))
    signful = isinstance(type.elem, FloatType) or not signless
    each = element(type.elem) if signful else f"i{type.elem.width}"
    return ir.Attribute.parse(f'dense<"0x{raw.hex()}"> : tensor<{shape}x{each}>')


def array_attributes(name: str, type: ArrayType) -> dict[str, ir.Attribute]:
    """What memref types cannot say of an array: its name, packing and partition."""
    i64 = ir.IntegerType.get_signless(64)
    found: dict[str, ir.Attribute] = {"bf.name": ir.StringAttr.get(name)}
    if type.lanes_of:
        found["bf.lanes_of"] = ir.IntegerAttr.get(i64, type.lanes_of)
    if type.memory:
        found["bf.memory"] = ir.StringAttr.get(type.memory)
    if type.layout:
        found["bf.partition"] = ir.ArrayAttr.get(
            [
                ir.DictAttr.get(
                    {
                        "kind": ir.StringAttr.get(p.kind.value),
                        "dim": ir.IntegerAttr.get(i64, p.dim),
                        "factor": ir.IntegerAttr.get(i64, p.factor),
                    }
                )
                for p in type.layout
            ]
        )
    return found


def _parameter_attributes(param: Param) -> dict[str, ir.Attribute]:
    found = array_attributes(param.name, param.type)
    if param.scalar and not param.type.streamed:
        found["bf.scalar"] = ir.UnitAttr.get()
    return found


@dataclass
class _Emitter:
    program: Program
    function: Function
    exprs: ExpressionEmitter = field(default_factory=ExpressionEmitter)
    elems: dict[str, ElementType] = field(default_factory=dict)
    # The loops and conditions that the statement being written stands in, outermost first.
    around: list[Stmt] = field(default_factory=list)

    def emit(self) -> None:
        function = self.function
        with location(function.span):
            types = [memory(p.type) for p in function.params]
            op = func.FuncOp(function.name, ir.FunctionType.get(types, []))
            op.operation.attributes["bf.kernel"] = ir.StringAttr.get(function.kernel or function.name)
            if function.concurrent:
                op.operation.attributes["bf.dataflow"] = ir.UnitAttr.get()
            op.arg_attrs = ir.ArrayAttr.get(
                [ir.DictAttr.get(_parameter_attributes(p)) for p in function.params]
            )
            entry = op.add_entry_block([location(p.span) for p in function.params])
            with ir.InsertionPoint(entry):
                for param, value in zip(function.params, entry.arguments, strict=True):
                    self._array(param.name, param.type, value)
                self._body(function.body)
                func.ReturnOp([])

    def _array(self, name: str, type: ArrayType, value: Any) -> None:
        self.exprs.arrays[name] = value
        self.elems[name] = type.elem

    def _body(self, body: Sequence[Stmt]) -> None:
        for stmt in body:
            with location(stmt.span):
                self._stmt(stmt)

    def _inside(self, stmt: Stmt, block: ir.Block, body: Sequence[Stmt]) -> None:
        """A region of `stmt`."""
        self.around.append(stmt)
        self._region(block, body)
        self.around.pop()

    def _stmt(self, stmt: Stmt) -> None:
        match stmt:
            case For():
                self._for(stmt)
            case While():
                self._while(stmt)
            case If():
                condition = self.exprs.condition(stmt.cond)
                op = scf.IfOp(condition, has_else=bool(stmt.orelse))
                self._inside(stmt, op.then_block, stmt.then)
                if stmt.orelse:
                    self._inside(stmt, op.else_block, stmt.orelse)
            case Declare():
                made = memref.AllocaOp(ir.MemRefType.get([], element(stmt.type)), [], [])
                made.operation.attributes["bf.name"] = ir.StringAttr.get(stmt.name)
                self.exprs.scalars[stmt.name] = made.result
                self._write(stmt.value, made.result, [], stmt.type)
            case Assign():
                self._write(stmt.value, self.exprs.scalars[stmt.name], [], stmt.type)
            case Store():
                indices = [self.exprs.index(i) for i in stmt.indices]
                self._write(stmt.value, self.exprs.arrays[stmt.array], indices, self.elems[stmt.array])
            case Put():
                value = self.exprs.taken(stmt.value, self.elems[stmt.stream])
                bf.Put(stream=self.exprs.stream(stmt.stream, stmt.indices), value=value)
            case Alloc():
                self._alloc(stmt)
            case Rom():
                found = memref.GetGlobalOp(memory(stmt.type), rom_symbol(self.function, stmt))
                self._annotate(found, stmt.name, stmt.type)
            case CallKernel():
                func.CallOp([], stmt.callee, [self.exprs.arrays[a] for a in stmt.args])

    def _annotate(self, op: Any, name: str, type: ArrayType) -> None:
        for key, value in array_attributes(name, type).items():
            op.operation.attributes[key] = value
        self._array(name, type, op.result)

    def _alloc(self, stmt: Alloc) -> None:
        if stmt.type.streamed:
            depth = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), stmt.type.depth or DEPTH)
            self._annotate(bf.Channel(depth=depth, result=memory(stmt.type)), stmt.name, stmt.type)
            return
        op = memref.AllocaOp(memory(stmt.type), [], [])
        self._annotate(op, stmt.name, stmt.type)
        if stmt.state is not None:
            symbol = rom_symbol(self.function, stmt) if stmt.state else ""
            op.operation.attributes["bf.state"] = ir.StringAttr.get(symbol)
        if stmt.fill is None:
            return
        if isinstance(stmt.type.elem, IntType):
            assert isinstance(stmt.fill, int)
            value = self.exprs.constant(stmt.fill, stmt.type.elem)
        else:
            assert isinstance(stmt.fill, Real)
            value = self.exprs.real(stmt.fill)
        self._fill(value, op.result, stmt.name, stmt.type.dims, [])

    def _fill(self, value: Any, array: Any, name: str, sizes: tuple[int, ...], indices: list[Any]) -> None:
        """Loops that store `value` everywhere."""
        if not sizes:
            memref.StoreOp(value, array, indices)
            return
        low, high, step = (arith.constant(ir.IndexType.get(), n) for n in (0, sizes[0], 1))
        loop = scf.ForOp(low, high, step)
        loop.operation.attributes["bf.name"] = ir.StringAttr.get(f"{name}_{len(indices)}")
        with ir.InsertionPoint(loop.body):
            self._fill(value, array, name, sizes[1:], [*indices, loop.induction_variable])
            scf.YieldOp([])

    def _region(self, block: ir.Block, body: Sequence[Stmt]) -> None:
        with ir.InsertionPoint(block):
            self._body(body)
            scf.YieldOp([])

    def _for(self, stmt: For) -> None:
        step = arith.constant(ir.IndexType.get(), stmt.step)
        loop = scf.ForOp(self.exprs.index(stmt.low), self.exprs.index(stmt.high), step)
        i64 = ir.IntegerType.get_signless(64)
        attributes = loop.operation.attributes
        attributes["bf.name"] = ir.StringAttr.get(stmt.var)
        for name, value in (("pipeline", stmt.pipeline), ("unroll", stmt.unroll)):
            if value:
                attributes[f"bf.{name}"] = ir.IntegerAttr.get(i64, value)
        for name, marked in (("flatten", stmt.flatten), ("rewind", stmt.rewind)):
            if marked:
                attributes[f"bf.{name}"] = ir.UnitAttr.get()
        if (known := trips(stmt, self.around)) is not None:
            counts = {"min": known.least, "max": known.most, "avg": known.average}
            attributes["bf.trips"] = ir.DictAttr.get(
                {k: ir.IntegerAttr.get(i64, n) for k, n in counts.items() if n is not None}
            )
        self.exprs.loops[stmt.var] = loop.induction_variable
        self._inside(stmt, loop.body, stmt.body)

    def _while(self, stmt: While) -> None:
        loop = scf.WhileOp([], [])
        before, after = (region.blocks.append() for region in loop.regions)
        with ir.InsertionPoint(before):
            scf.ConditionOp(self.exprs.condition(stmt.cond), [])
        self._inside(stmt, after, stmt.body)

    def _write(self, value: Expr, target: Any, indices: list[Any], type: ElementType) -> None:
        memref.StoreOp(self.exprs.taken(value, type), target, indices)


def module_text(lowered: Lowered) -> str:
    """The module as MLIR text, locations left out and large constants shortened."""
    return str(lowered.module.operation.get_asm(large_elements_limit=16))


@cache
def short_path(file: str) -> str:
    """The name of a source file for comments: without its folders."""
    return Path(file).name
