"""A process network on the CPU: the memory it needs, and its entry into compiled code."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from bitfold.build.llvm import turns
from bitfold.build.llvm.views import array_bytes, block_view, byte_address, element_bytes, memref_at
from bitfold.diagnostics import BuildError
from bitfold.ir.network import Link, Network, network
from bitfold.ir.nodes import Alloc, CallKernel, Declare, Function, Program, Real, walk
from bitfold.lang.stream import StreamType
from bitfold.lang.types import ArrayType
from bitfold.lowering.bf_to_arith import held_type
from bitfold.lowering.channel_memory import CONSUMER, LIMIT, PASS, PRODUCER, RING, WAIT, WORDS, read, word
from bitfold.lowering.channel_memory import field as record_field
from bitfold.lowering.channels import room, runs_in_order
from bitfold.lowering.hoist import STACK_BITS
from bitfold.lowering.mlir import arith, func, ir, memref, scf
from bitfold.lowering.to_mlir import Lowered

_SPARE_STACK = 256 * 1024  # bytes, for what is no array: calls, spilled registers, a signal handler
_ALIGN = 64


@dataclass
class Layout:
    """Where everything lies in the workspace of a network: offsets in bytes from its start.

    `groups` are the processes: where kernels can run one after the other, all calls are one process.
    """

    program: Program
    net: Network
    groups: tuple[tuple[CallKernel, ...], ...]
    limits: dict[str, int]
    offsets: dict[str, int] = field(default_factory=dict)
    size: int = 0

    @staticmethod
    def of(program: Program) -> Layout:
        net = network(program)
        in_order = runs_in_order(program)
        groups = (net.calls,) if in_order else tuple((call,) for call in net.calls)
        limits = room(program)
        if not in_order:  # a stream that can never be full needs no more room than what it gets
            limits = {k.name: min(k.type.depth, limits[k.name] + 1) for k in net.links}
        made = Layout(program, net, groups, limits)
        made._place_all()
        return made

    @property
    def lanes(self) -> dict[str, tuple[Link, int]]:
        """For each stream or array of streams, the position of its (first) record."""
        found, position = {}, 0
        for link in self.net.links:
            found[link.name] = link, position
            position += prod(link.type.dims)
        return found

    def ring_bytes(self, link: Link) -> int:
        return self.limits[link.name] * element_bytes(link.type)

    def stack_bytes(self, group: Sequence[CallKernel]) -> int:
        return _SPARE_STACK + max(_frames(self.program, self.program.function(c.callee)) for c in group)

    def arrays(self) -> list[Alloc]:
        """The arrays that the top kernel declares."""
        body = self.program.top.body
        return [s for s in body if isinstance(s, Alloc) and not isinstance(s.type, StreamType)]

    def _place_all(self) -> None:
        lanes = sum(prod(link.type.dims) for link in self.net.links)
        earlier = len(self.net.calls) ** 2
        self._place("words", 8 * (turns.PARAMS + len(self.program.top.params)))
        self._place("main", turns.CONTEXT_BYTES)
        self._place("processes", 8 * turns.PROCESS_WORDS * len(self.groups))
        self._place("earlier", 8 * earlier)
        self._place("channels", 8 * WORDS * lanes)
        for number, group in enumerate(self.groups):
            self._place(f"context {number}", turns.CONTEXT_BYTES)
            self._place(f"stack {number}", self.stack_bytes(group))
        for link in self.net.links:
            self._place(f"ring {link.name}", prod(link.type.dims) * self.ring_bytes(link))
        for alloc in self.arrays():
            self._place(f"array {alloc.name}", array_bytes(alloc.type))

    def _place(self, what: str, size: int) -> None:
        self.offsets[what] = self.size
        self.size += -(-size // _ALIGN) * _ALIGN


def _frames(program: Program, function: Function) -> int:
    """The most bytes of arrays and scalars that a call has on its stack."""
    own, deepest = 0, 0
    for stmt in walk(function.body):
        match stmt:
            case Alloc():
                size = array_bytes(stmt.type)
                own += size if size * 8 <= STACK_BITS else 0
            case Declare():
                own += 16 + stmt.type.width // 8
            case CallKernel():
                deepest = max(deepest, _frames(program, program.function(stmt.callee)))
    return own + deepest


class Workspace:
    """The memory of one call of a compiled network. `failed` is the first image without a proper end."""

    def __init__(self, layout: Layout) -> None:
        self._memory = np.zeros(layout.size + _ALIGN, np.uint8)
        start = -self._memory.ctypes.data % _ALIGN
        self.address = self._memory.ctypes.data + start
        self.words = self._memory[start : start + layout.size].view(np.int64)
        self._fill(layout)

    @property
    def failed(self) -> int | None:
        found = int(self.words[turns.FAILED])
        return None if found < 0 else found

    def _fill(self, layout: Layout) -> None:
        at = {what: self.address + offset for what, offset in layout.offsets.items()}
        lanes = layout.lanes
        header = {
            turns.MAIN: at["main"],
            turns.PROCESSES: at["processes"],
            turns.PROCESS_COUNT: len(layout.groups),
            turns.CHANNELS: at["channels"],
            turns.CHANNEL_COUNT: sum(prod(link.type.dims) for link, _ in lanes.values()),
            turns.FAILED: -1,
        }
        for number, value in header.items():
            self.words[number] = value
        in_turns = len(layout.groups) > 1
        for number, group in enumerate(layout.groups):
            earlier = sorted(layout.net.after[number]) if in_turns else []
            row = number * len(layout.net.calls)
            for i, other in enumerate(earlier):
                self.words[layout.offsets["earlier"] // 8 + row + i] = _process(at, other)
            first = layout.offsets["processes"] // 8 + number * turns.PROCESS_WORDS
            self.words[first : first + turns.EARLIER_COUNT + 1] = [
                at[f"context {number}"],
                self.address,
                number,
                at[f"stack {number}"],
                layout.stack_bytes(group),
                at["earlier"] + 8 * row,
                len(earlier),
            ]
        for link, position in lanes.values():
            for lane in range(prod(link.type.dims)):
                first = layout.offsets["channels"] // 8 + (position + lane) * WORDS
                self.words[first + RING] = at[f"ring {link.name}"] + lane * layout.ring_bytes(link)
                self.words[first + LIMIT] = layout.limits[link.name]
                self.words[first + PRODUCER] = _process(at, link.producer if in_turns else 0)
                self.words[first + CONSUMER] = _process(at, link.consumer if in_turns else 0)


def _process(at: dict[str, int], number: int) -> int:
    return at["processes"] + 8 * turns.PROCESS_WORDS * number


def check_platform() -> None:
    """Raise BuildError where libc cannot switch stacks."""
    libc = ctypes.CDLL(None)
    if missing := [name for name in turns.LIBC if not hasattr(libc, name)]:
        raise BuildError(
            f"kernels that talk by streams take turns by {missing[0]}, which this system's C library lacks",
            code="BF-B014",
            remedy="use Linux with glibc, or run the program as Python with bitfold.ir.run.run_python",
        )


def add_network_entry(lowered: Lowered, name: str) -> None:
    """Add `name(images, workspace, pointers...)`, which runs the network once for each image of a batch."""
    layout = Layout.of(lowered.program)
    with lowered.context, ir.Location.unknown():
        _add_scheduler(lowered)
        with ir.InsertionPoint(lowered.module.body):
            pointer, i64 = ir.Type.parse("!llvm.ptr"), ir.IntegerType.get_signless(64)
            params = lowered.program.top.params
            entry = func.FuncOp(name, ir.FunctionType.get([i64, pointer, *[pointer] * len(params)], []))
            with ir.InsertionPoint(entry.add_entry_block()):
                images, workspace, *bases = entry.arguments
                for number, base in enumerate(bases):
                    place = byte_address(workspace, word(8 * (turns.PARAMS + number)))
                    ir.Operation.create("llvm.store", operands=[base, place])
                func.CallOp([], "bitfold_images", [workspace, images])
                func.ReturnOp([])
            _add_fill(layout, pointer)
            _add_process(layout, pointer, i64)
        lowered.module.operation.verify()


def _add_scheduler(lowered: Lowered) -> None:
    """Add the scheduler, but for what is the program's own."""
    body = lowered.module.body
    for op in list(body.operations):
        if _symbol(op) in (WAIT, PASS):  # declared only
            op.operation.erase()
    for op in ir.Module.parse(turns.SCHEDULER).body.operations:
        if _symbol(op) not in ("bitfold_process", "bitfold_fill"):
            op.operation.clone(ir.InsertionPoint(body))


def _symbol(op: Any) -> str:
    attributes = op.operation.attributes
    return str(attributes["sym_name"].value) if "sym_name" in attributes else ""


def _private(name: str, inputs: list[Any]) -> Any:
    made = func.FuncOp(name, ir.FunctionType.get(inputs, []), visibility="private")
    return made, made.add_entry_block()


def _add_fill(layout: Layout, pointer: Any) -> None:
    """`bitfold_fill(workspace)`: the arrays of the top kernel as they are when an image starts."""
    _, block = _private("bitfold_fill", [pointer])
    index = ir.IndexType.get()
    with ir.InsertionPoint(block):
        for alloc in (a for a in layout.arrays() if a.fill is not None):
            flat = ArrayType(alloc.type.elem, (prod(alloc.type.dims),))
            place = byte_address(block.arguments[0], word(layout.offsets[f"array {alloc.name}"]))
            array = memref_at(place, flat)
            held = held_type(alloc.type.elem)
            filling = alloc.fill
            if isinstance(filling, Real):
                value = arith.ConstantOp(held, ir.FloatAttr.get(held, filling.value)).result
            else:
                value = arith.ConstantOp(held, ir.Attribute.parse(f"{filling} : {held}")).result
            loop = scf.ForOp(*(arith.constant(index, n) for n in (0, flat.dims[0], 1)))
            with ir.InsertionPoint(loop.body):
                memref.StoreOp(value, array, [loop.induction_variable])
                scf.YieldOp([])
        func.ReturnOp([])


def _add_process(layout: Layout, pointer: Any, i64: Any) -> None:
    """`bitfold_process(number, workspace)`: what each process calls, with its arguments."""
    _, block = _private("bitfold_process", [i64, pointer])
    number, workspace = block.arguments
    with ir.InsertionPoint(block):
        for i, group in enumerate(layout.groups):
            mine = arith.CmpIOp(arith.CmpIPredicate.eq, number, word(i)).result
            branch = scf.IfOp(mine)
            with ir.InsertionPoint(branch.then_block):
                for call in group:
                    func.CallOp([], call.callee, [_argument(layout, workspace, a) for a in call.args])
                scf.YieldOp([])
        func.ReturnOp([])


def _argument(layout: Layout, workspace: Any, name: str) -> Any:
    top = layout.program.top
    for position, param in enumerate(top.params):
        if param.name == name:
            place = byte_address(workspace, word(8 * (turns.PARAMS + position)))
            base = read(place, workspace.type)
            image = record_field(workspace, turns.IMAGE) if param.state is None else word(0)
            return block_view(base, image, param.type)
    if name in layout.lanes:
        record = layout.offsets["channels"] + 8 * WORDS * layout.lanes[name][1]
        return byte_address(workspace, word(record))
    alloc = next(a for a in layout.arrays() if a.name == name)
    return memref_at(byte_address(workspace, word(layout.offsets[f"array {name}"])), alloc.type)
