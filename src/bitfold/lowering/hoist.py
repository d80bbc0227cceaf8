"""Pass hoist-allocas: every local of a function is allocated once, at its entry, not in each iteration."""

from __future__ import annotations

from math import prod
from typing import Any

from bitfold.lowering.dialect import bits
from bitfold.lowering.mlir import ir, memref
from bitfold.lowering.to_mlir import Lowered

STACK_BITS = 64 * 1024 * 8  # an array larger than this goes to the heap: a thread's stack may be small


def hoist_allocas(lowered: Lowered) -> None:
    """Move each memref.alloca to the start of its function, or make it a memref.alloc when it is large.

    Contents are set by stores, so nothing else moves.
    """
    with lowered.context:
        for op in lowered.module.body.operations:
            if op.operation.name == "func.func":
                entry = op.operation.regions[0].blocks[0]
                anchor = entry.operations[0].operation
                for alloca in _allocas(entry):
                    if _bits(alloca) > STACK_BITS:
                        _to_heap(alloca, entry)
                    elif alloca != anchor:
                        alloca.move_before(anchor)


def _allocas(block: Any) -> list[Any]:
    found = []
    for op in block.operations:
        if op.operation.name == "memref.alloca":
            found.append(op.operation)
        for region in op.operation.regions:
            for inner in region.blocks:
                found.extend(_allocas(inner))
    return found


def _bits(alloca: Any) -> int:
    type = ir.MemRefType(alloca.results[0].type)
    return int(prod(type.shape) * max(8, bits(type.element_type)))


def _to_heap(alloca: Any, entry: Any) -> None:
    with alloca.location:
        with ir.InsertionPoint.at_block_begin(entry):
            made = memref.AllocOp(alloca.results[0].type, [], []).result
        with ir.InsertionPoint.at_block_terminator(entry):
            memref.DeallocOp(made)
    alloca.results[0].replace_all_uses_with(made)
    alloca.erase()
