"""Run a program on the CPU: MLIR's LLVM dialect, compiled in this process for the machine it runs on."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from bitfold.build.llvm.network import Layout, Workspace, add_network_entry, check_platform
from bitfold.build.llvm.views import DATA_LAYOUT, array_bytes, block_view, element_bytes
from bitfold.diagnostics import BuildError
from bitfold.ir.arguments import completed
from bitfold.ir.checks import add_checks
from bitfold.ir.effects import parameter_effects
from bitfold.ir.network import is_network
from bitfold.ir.nodes import Param, Program
from bitfold.ir.run import as_batch, from_storage, run_python, to_storage
from bitfold.lang.types import ArrayType
from bitfold.lowering.floats import LIBRARY_PREFIX, library_functions
from bitfold.lowering.mlir import ExecutionEngine, arith, func, ir, llvm, scf
from bitfold.lowering.pipeline import Trace, lower_to_llvm
from bitfold.lowering.to_mlir import Lowered

ENTRY = "bitfold_batch"


@dataclass(frozen=True)
class _Port:
    """How one argument crosses into compiled code: as raw bytes, one block for each call."""

    param: Param
    read: bool
    written: bool

    @property
    def name(self) -> str:
        return self.param.name

    @property
    def type(self) -> ArrayType:
        return self.param.type

    @property
    def block(self) -> int:
        return array_bytes(self.type)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """What a caller passes for a whole batch as bytes."""
        stored = np.ascontiguousarray(to_storage(self.param.encoded(values), self.type))
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
        return self.param.decoded(from_storage(stored, self.type))


class CpuModule:
    """A compiled program. Call it with NumPy arrays as its top kernel is called; it writes outputs in place.

    Numbers are passed and results returned as the kernel does.

    Arrays are logical: bits are uint8 (or bool) 0/1 however the schedule packs them. With one more dimension
    in front of every array the whole batch runs in one call, in order. The module keeps the kernels' states
    from call to call, and as they were when a call fails. `check` is "overflow", "bounds" or both: see
    `bitfold.ir.checks`.

    Raises:
        CheckError: a check found something. Nothing is written.
        UsageError: a wrong number of arrays, a wrong shape or dtype; names the argument.
        StreamError: the kernels talk by streams and do not come to a proper end. Nothing is written. The call
            that failed runs once more as Python, which says what went wrong.
    """

    def __init__(self, program: Program, trace: Trace | None = None, check: str | Iterable[str] = ()) -> None:
        self.program = program
        self._checked = add_checks(program, check)
        compiled = self._checked.program
        lowered = lower_to_llvm(compiled, add_entry, trace)
        self._layout = Layout.of(lowered.program) if is_network(lowered.program) else None
        effects = parameter_effects(compiled, compiled.top)
        self._ports = [
            _Port(p, read, written) for p, (read, written) in zip(compiled.arguments, effects, strict=False)
        ]
        self._states = [_Port(p, True, True) for p in program.states]
        self.reset()
        if self._layout is not None:
            check_platform()
        with lowered.context:
            runtime_library()
            self._engine = ExecutionEngine(lowered.module, opt_level=3)
            for symbol in library_functions(lowered.module):
                self._engine.raw_register_runtime(symbol, c_function(symbol.removeprefix(LIBRARY_PREFIX)))
        address = self._engine.raw_lookup(ENTRY)
        if not address:
            raise RuntimeError(f"LLVM could not compile {program.top.name!r}; it printed why")
        self._lowered = lowered
        self._packed = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)

    @property
    def code(self) -> str:
        """The LLVM IR that was compiled, before LLVM's own optimization."""
        return llvm_ir(self._lowered)

    def reset(self) -> None:
        """Give the states their initial values again."""
        values = ((p.name, self.program.initial(p.state or "", p.type)) for p in self.program.states)
        ports = {port.name: port for port in self._states}
        self._live = [ports[n].encode(ports[n].param.decoded(first[None])).copy() for n, first in values]

    @property
    def states(self) -> dict[str, np.ndarray]:
        """A copy of each array that the kernels keep between calls, as the next call will find it."""
        return {
            port.name: port.decode(raw.copy(), 1)[0]
            for port, raw in zip(self._states, self._live, strict=True)
        }

    def __call__(self, *args: Any) -> Any:
        complete, results = completed(self.program, args)
        arrays = as_batch(self.program, complete)
        count = arrays[0].shape[0] if arrays else 1
        records = self._checked.new_records(count)
        raw = []
        for port, array in zip(self._ports, [*arrays, *records], strict=True):
            needed = port.read or port.written
            buffer = port.encode(array) if needed else np.zeros(0, np.uint8)
            if port.written and np.may_share_memory(buffer, array):
                buffer = buffer.copy()
            raw.append(buffer)
        live = [state.copy() for state in self._live]
        addresses = [b.ctypes.data for b in (*raw, *live)]
        workspace = None if self._layout is None else Workspace(self._layout)
        self._invoke(count, *([] if workspace is None else [workspace.address]), *addresses)
        found = zip(self._ports[len(arrays) :], raw[len(arrays) :], strict=True)
        self._checked.raise_first([port.decode(buffer, count) for port, buffer in found])
        if workspace is not None and workspace.failed is not None:
            self._report(arrays, workspace.failed)
            raise RuntimeError(f"{self.program.top.name!r} ends as Python, but not when compiled")
        for port, array, buffer in zip(self._ports, arrays, raw, strict=False):
            if port.written:
                array[...] = port.decode(buffer, count)
        self._live = live
        return results()

    def _report(self, arrays: list[np.ndarray], failed: int) -> None:
        """Run the image that failed as Python, after those before it when they change a state."""
        again = replace(self.program)
        for param in again.states:
            again.live[param.name] = to_storage(param.encoded(self.states[param.name]), param.type)
        for image in range(0 if again.states else failed, failed + 1):
            run_python(again, *(a[image].copy() for a in arrays))

    def _invoke(self, count: int, *addresses: int) -> None:
        """Call the entry by the engine's convention: one array of pointers to the arguments."""
        values = [ctypes.c_int64(count), *map(ctypes.c_void_p, addresses)]
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(v) for v in values))
        self._packed(pointers)


def llvm_ir(lowered: Lowered) -> str:
    """A module in the LLVM dialect as text of LLVM IR."""
    with lowered.context:
        text: str = llvm.translate_module_to_llvmir(lowered.module.operation)
    return text


@cache
def c_function(name: str) -> ctypes.c_void_p:
    """The address of a function of floats of the C library: the one that Python's `math` calls."""
    try:
        return ctypes.cast(getattr(ctypes.CDLL("libm.so.6"), name), ctypes.c_void_p)
    except (OSError, AttributeError):
        raise BuildError(
            f"there is no C library with the function {name}",
            code="BF-B018",
            remedy="run on Linux with the GNU C library",
        ) from None


@cache
def runtime_library() -> ctypes.CDLL | None:
    """What LLVM calls to divide 65 to 128 bits and for 16-bit floats, made visible; None if there is none."""
    try:
        return ctypes.CDLL("libgcc_s.so.1", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return None


def add_entry(lowered: Lowered, name: str = ENTRY) -> None:
    """Add the function that runs a batch: `name(count, pointers...)`, a block of bytes per call."""
    top = lowered.program.top
    with lowered.context:
        lowered.module.operation.attributes["llvm.data_layout"] = ir.StringAttr.get(DATA_LAYOUT)
    if is_network(lowered.program):
        add_network_entry(lowered, name)
        _hide_all_but_entry(lowered, name)
        return
    with lowered.context, ir.Location.unknown(), ir.InsertionPoint(lowered.module.body):
        index, i64 = ir.IndexType.get(), ir.IntegerType.get_signless(64)
        pointer = ir.Type.parse("!llvm.ptr")
        entry = func.FuncOp(name, ir.FunctionType.get([i64, *[pointer] * len(top.params)], []))
        block = entry.add_entry_block()
        with ir.InsertionPoint(block):
            _entry_body(lowered, block, index, i64)
            func.ReturnOp([])
    _hide_all_but_entry(lowered, name)


def _hide_all_but_entry(lowered: Lowered, name: str) -> None:
    with lowered.context:
        for op in lowered.module.body.operations:
            if op.operation.name == "func.func" and op.operation.attributes["sym_name"].value != name:
                op.operation.attributes["sym_visibility"] = ir.StringAttr.get("private")


def _entry_body(lowered: Lowered, block: ir.Block, index: ir.Type, i64: ir.Type) -> None:
    top = lowered.program.top
    count = arith.IndexCastOp(index, block.arguments[0]).result
    loop = scf.ForOp(arith.constant(index, 0), count, arith.constant(index, 1))
    with ir.InsertionPoint(loop.body):
        views = []
        for param, base in zip(top.params, list(block.arguments)[1:], strict=True):
            image = arith.IndexCastOp(i64, loop.induction_variable).result
            if param.state is not None:  # one for all images
                image = arith.constant(i64, 0)
            views.append(block_view(base, image, param.type))
        func.CallOp([], top.name, views)
        scf.YieldOp([])
