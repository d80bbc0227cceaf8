"""How arrays lie in the memory of compiled code."""

from __future__ import annotations

import numpy as np

from bitfold.lang.types import ArrayType
from bitfold.lowering.bf_to_arith import held_type, held_width
from bitfold.lowering.mlir import arith, ir

# What `element_bytes` relies on, and all 64-bit targets have. Without it LLVM computes constant offsets into
# arrays of more than 64 bits an element by another rule than the one it places the elements by.
DATA_LAYOUT = "e-i64:64-i128:128"


def element_bytes(type: ArrayType) -> int:
    """How many bytes LLVM gives an array element: the next power of two up to 8, else multiples of 16."""
    width = held_width(type.elem.width)
    return width // 8 if width <= 64 else 16 * (-(-width // 128))


def array_bytes(type: ArrayType) -> int:
    return int(np.prod(type.dims)) * element_bytes(type)


def block_view(base: ir.Value, i: ir.Value, type: ArrayType) -> ir.Value:
    """The i-th of the arrays of `type` that lie one after the other from `base` on, as a memref."""
    i64 = ir.IntegerType.get_signless(64)
    offset = arith.MulIOp(i, arith.constant(i64, array_bytes(type))).result
    return memref_at(byte_address(base, offset), type)


def byte_address(base: ir.Value, offset: ir.Value) -> ir.Value:
    return ir.Operation.create(
        "llvm.getelementptr",
        results=[base.type],
        operands=[base, offset],
        attributes={
            "rawConstantIndices": ir.DenseI32ArrayAttr.get([-(2**31)]),
            "elem_type": ir.TypeAttr.get(ir.IntegerType.get_signless(8)),
        },
    ).result


def memref_at(address: ir.Value, type: ArrayType) -> ir.Value:
    """A memref over `address`, by way of the descriptor that the conversion to LLVM will make of it."""
    dims = list(type.dims)
    target = ir.MemRefType.get(dims, held_type(type.elem))
    rank = len(dims)
    struct = ir.Type.parse(f"!llvm.struct<(ptr, ptr, i64, array<{rank} x i64>, array<{rank} x i64>)>")
    value = ir.Operation.create("llvm.mlir.poison", results=[struct]).result
    i64 = ir.IntegerType.get_signless(64)
    strides = [int(np.prod(dims[d + 1 :])) for d in range(rank)]
    fields = [([0], None), ([1], None), ([2], 0)]
    fields += [([3, d], dims[d]) for d in range(rank)] + [([4, d], strides[d]) for d in range(rank)]
    for position, constant in fields:
        part = address if constant is None else arith.constant(i64, constant)
        value = ir.Operation.create(
            "llvm.insertvalue",
            results=[struct],
            operands=[value, part],
            attributes={"position": ir.DenseI64ArrayAttr.get(position)},
        ).result
    return ir.Operation.create(
        "builtin.unrealized_conversion_cast", results=[target], operands=[value]
    ).result
