"""Pass bank-roms: a constant spread cyclically over memories is written as these memories.

    w = rom(W, uint64[128, 9] @ cyclic(dim=1, factor=32))
    ... w[m_o * 32 + m_i, k] ...
    ->
    w = rom(W_banks, uint64[32, 36] @ complete(dim=1))
    ... w[m_i, m_o * 9 + k] ...

This is FINN's layout of weights and thresholds, [PE][tile]: a processing element has a memory of its own, and
a tile for each cycle of a layer (FPGA 2017, section 4.2.2). Tools need not find it out.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from bitfold.ir import build
from bitfold.ir.nodes import CallKernel, Expr, Function, Load, Op, Program, Rom, Stmt, walk
from bitfold.ir.rewrite import Body, bound_names, fresh, map_body, map_exprs
from bitfold.lang.layouts import Partition, PartitionSpec
from bitfold.lang.packing import pack_words
from bitfold.lang.types import ArrayType
from bitfold.lowering.states import sources


def bank_roms(program: Program) -> Program:
    """The same program, its constants that are cyclic along their first dimension laid out as banks."""
    constants = dict(program.constants)
    taken = set(constants).union(*(bound_names(f) for f in program.functions))
    functions = tuple(_function(program, f, constants, taken) for f in program.functions)
    used = sources(replace(program, functions=functions))
    used |= {p.state for p in program.states if p.state}
    return Program(functions, {name: values for name, values in constants.items() if name in used})


def _function(
    program: Program, function: Function, constants: dict[str, np.ndarray], taken: set[str]
) -> Function:
    passed = {a for s in walk(function.body) if isinstance(s, CallKernel) for a in s.args}
    roms = {s.name: s for s in walk(function.body) if isinstance(s, Rom) and s.name not in passed}
    roms = {name: rom for name, rom in roms.items() if _banks(rom.type)}
    if not roms:
        return function

    def read(e: Expr) -> Expr | None:
        if not (isinstance(e, Load) and e.array in roms):
            return None
        type = roms[e.array].type
        first, *rest = e.indices
        tile = build.binary(Op.FLOORDIV, first, build.const(_banks(type)), first.span)
        for size, index in zip(type.dims[1:], rest, strict=True):
            tile = build.binary(Op.ADD, build.binary(Op.MUL, tile, build.const(size)), index, index.span)
        bank = build.binary(Op.MOD, first, build.const(_banks(type)), first.span)
        return build.load(e.array, (bank, tile), type.elem, e.span)

    def declare(s: Stmt) -> Body | None:
        if not (isinstance(s, Rom) and s.name in roms):
            return None
        values = program.constants[s.source]
        words = pack_words(values, s.type) if s.type.lanes_of else values
        banks = _banks(s.type)
        turned = words.reshape(-1, banks, *words.shape[1:]).swapaxes(0, 1).reshape(banks, -1)
        source = fresh(f"{s.source}_banks", taken)
        constants[source] = np.ascontiguousarray(turned)
        shape = (banks, prod(s.type.dims) // banks)
        layout = (PartitionSpec(Partition.COMPLETE, 1),)
        return (replace(s, type=ArrayType(s.type.elem, shape, layout, memory=s.type.memory), source=source),)

    return replace(function, body=map_body(map_exprs(function.body, read), declare))


def _banks(type: ArrayType) -> int:
    """The memories of a constant that is partitioned cyclically along its first dimension alone; else 0."""
    if len(type.layout) != 1:
        return 0
    (spec,) = type.layout
    return spec.factor if spec.kind is Partition.CYCLIC and spec.dim == 1 else 0
