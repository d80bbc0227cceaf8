"""Run a program on the CPU: MLIR's LLVM dialect, compiled in this process for the machine it runs on."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache

import numpy as np

from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import Program
from bitfold.ir.run import as_batch, from_storage, to_storage
from bitfold.lang.types import ArrayType
from bitfold.lowering.bf_to_arith import held_width
from bitfold.lowering.mlir import ExecutionEngine, arith, func, ir, scf
from bitfold.lowering.pipeline import Trace, lower_to_llvm
from bitfold.lowering.to_mlir import Lowered

ENTRY = "bitfold_batch"
# What `element_bytes` relies on, and all 64-bit targets have. Without it LLVM computes constant offsets into
# arrays of more than 64 bits an element by another rule than the one it places the elements by.
DATA_LAYOUT = "e-i64:64-i128:128"


def element_bytes(type: ArrayType) -> int:
    """How many bytes LLVM gives an array element: the next power of two up to 8, else multiples of 16."""
    width = held_width(type.elem.width)
    return width // 8 if width <= 64 else 16 * (-(-width // 128))


@dataclass(frozen=True)
class _Port:
    """How one argument crosses into compiled code: as raw bytes, one block for each call."""

    name: str
    type: ArrayType
    read: bool
    written: bool

    @property
    def block(self) -> int:
        return int(np.prod(self.type.dims)) * element_bytes(self.type)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Logical values of a whole batch as bytes."""
        stored = np.ascontiguousarray(to_storage(values, self.type))
        mask = (1 << self.type.elem.width) - 1
        if self.type.elem.width <= 64:
            words = stored.view(f"u{stored.itemsize}")
            if not self.type.lanes_of and words.dtype.itemsize * 8 > self.type.elem.width:
                words = words & mask  # LLVM takes the bits above the width for zeros
            return words.view(np.uint8).reshape(-1)
        size = element_bytes(self.type)
        return np.frombuffer(
            bytearray(b"".join((int(v) & mask).to_bytes(size, "little") for v in stored.reshape(-1))),
            np.uint8,
        )

    def decode(self, raw: np.ndarray, count: int) -> np.ndarray:
        """The inverse of `encode`."""
        elem = self.type.elem
        shape = (count, *self.type.dims)
        if elem.width <= 64:
            stored = raw.view(elem.storage).reshape(shape)
            spare = elem.storage.itemsize * 8 - elem.width
            if spare:
                stored = (stored << spare) >> spare
        else:
            size = element_bytes(self.type)
            chunks = raw.tobytes()
            flat = np.empty(int(np.prod(shape)), object)
            for i in range(flat.size):
                flat[i] = elem.wrap(int.from_bytes(chunks[i * size : (i + 1) * size], "little"))
            stored = flat.reshape(shape)
        return from_storage(stored, self.type)


class CpuModule:
    """A compiled program. Call it with NumPy arrays as its top kernel is called; it writes outputs in place.

    Arrays are logical: bits are uint8 (or bool) 0/1 however the schedule packs them. With one more dimension
    in front of every array the whole batch runs in one call.

    Raises:
        UsageError: a wrong number of arrays, a wrong shape or dtype; names the argument.
    """

    def __init__(self, program: Program, trace: Trace | None = None) -> None:
        self.program = program
        lowered = lower_to_llvm(program, add_entry, trace)
        effects = parameter_effects(program, program.top)
        self._ports = [
            _Port(p.name, p.type, read, written)
            for p, (read, written) in zip(program.top.params, effects, strict=True)
        ]
        with lowered.context:
            _runtime_library()
            self._engine = ExecutionEngine(lowered.module, opt_level=3)
        address = self._engine.raw_lookup(ENTRY)
        if not address:
            raise RuntimeError(f"LLVM could not compile {program.top.name!r}; it printed why")
        self._packed = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)

    def __call__(self, *args: np.ndarray) -> None:
        arrays = as_batch(self.program, args)
        count = arrays[0].shape[0] if arrays else 1
        raw = []
        for port, array in zip(self._ports, arrays, strict=True):
            needed = port.read or port.written
            buffer = port.encode(array) if needed else np.zeros(0, np.uint8)
            if port.written and np.may_share_memory(buffer, array):
                buffer = buffer.copy()
            raw.append(buffer)
        self._invoke(count, raw)
        for port, array, buffer in zip(self._ports, arrays, raw, strict=True):
            if port.written:
                array[...] = port.decode(buffer, count)

    def _invoke(self, count: int, buffers: list[np.ndarray]) -> None:
        """Call the entry by the engine's convention: one array of pointers to the arguments."""
        values = [ctypes.c_int64(count), *(ctypes.c_void_p(b.ctypes.data) for b in buffers)]
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(v) for v in values))
        self._packed(pointers)


@cache
def _runtime_library() -> ctypes.CDLL | None:
    """What LLVM calls to divide 65 to 128 bits, made visible to the JIT; None where there is none."""
    try:
        return ctypes.CDLL("libgcc_s.so.1", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return None


def add_entry(lowered: Lowered) -> None:
    """Add the function that runs a batch: `bitfold_batch(count, pointers...)`, a block of bytes per call."""
    top = lowered.program.top
    with lowered.context, ir.Location.unknown(), ir.InsertionPoint(lowered.module.body):
        lowered.module.operation.attributes["llvm.data_layout"] = ir.StringAttr.get(DATA_LAYOUT)
        index, i64 = ir.IndexType.get(), ir.IntegerType.get_signless(64)
        pointer = ir.Type.parse("!llvm.ptr")
        entry = func.FuncOp(ENTRY, ir.FunctionType.get([i64, *[pointer] * len(top.params)], []))
        block = entry.add_entry_block()
        with ir.InsertionPoint(block):
            _entry_body(lowered, block, index, i64)
            func.ReturnOp([])
        for op in lowered.module.body.operations:
            if op.operation.name == "func.func" and op.operation.attributes["sym_name"].value != ENTRY:
                op.operation.attributes["sym_visibility"] = ir.StringAttr.get("private")


def _entry_body(lowered: Lowered, block: ir.Block, index: ir.Type, i64: ir.Type) -> None:
    top = lowered.program.top
    count = arith.IndexCastOp(index, block.arguments[0]).result
    loop = scf.ForOp(arith.constant(index, 0), count, arith.constant(index, 1))
    with ir.InsertionPoint(loop.body):
        views = []
        for param, base in zip(top.params, list(block.arguments)[1:], strict=True):
            size = int(np.prod(param.type.dims)) * element_bytes(param.type)
            views.append(_view(base, loop.induction_variable, size, param.type, i64))
        func.CallOp([], top.name, views)
        scf.YieldOp([])


def _view(base: ir.Value, i: ir.Value, size: int, type: ArrayType, i64: ir.Type) -> ir.Value:
    """The i-th block of `size` bytes after `base`, as a memref of the parameter's type."""
    target = ir.MemRefType.get(list(type.dims), ir.IntegerType.get_signless(held_width(type.elem.width)))
    offset = arith.MulIOp(arith.IndexCastOp(i64, i).result, arith.constant(i64, size)).result
    address = ir.Operation.create(
        "llvm.getelementptr",
        results=[base.type],
        operands=[base, offset],
        attributes={
            "rawConstantIndices": ir.DenseI32ArrayAttr.get([-(2**31)]),
            "elem_type": ir.TypeAttr.get(ir.IntegerType.get_signless(8)),
        },
    ).result
    return _descriptor(address, target, list(type.dims))


def _descriptor(address: ir.Value, target: ir.Type, dims: list[int]) -> ir.Value:
    """A memref over `address`, by way of the descriptor that the conversion to LLVM will make of it."""
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
