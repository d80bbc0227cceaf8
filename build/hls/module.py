"""Reading the MLIR module: types, attributes, source lines, and which memories an operation touches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bitfold.diagnostics import BuildError
from bitfold.lang.layouts import Partition, PartitionSpec
from bitfold.lang.types import ElementType, FloatType, IntType
from bitfold.lowering.dialect import Stream, Streams, bits, is_float, streams_shape
from bitfold.lowering.mlir import ir
from bitfold.lowering.to_mlir import short_path


def int_type(type: ir.Type) -> IntType:
    """The language's type behind `ui7` or `si12`. Signless integers do not reach this back end."""
    found = ir.IntegerType(type)
    if found.is_signless:
        raise BuildError(
            f"the module has a signless integer type {type}",
            code="BF-B011",
            remedy="write HLS C++ from the module before bf is lowered to arith",
        )
    return IntType(found.width, found.is_signed)


def scalar_type(type: ir.Type) -> ElementType:
    """The language's type behind an integer or float type."""
    return FloatType(bits(type)) if is_float(type) else int_type(type)


def is_stream(type: ir.Type) -> bool:
    """Whether it is the type of a stream or of an array of streams."""
    return isinstance(type, (Stream, Streams))


def element_type(type: ir.Type) -> ElementType:
    """The type of an element of a memref or stream."""
    if is_stream(type):
        return scalar_type(ir.TypeAttr(type.element).value)
    return scalar_type(ir.MemRefType(type).element_type)


def shape(type: ir.Type) -> tuple[int, ...]:
    """The dimensions of a memref; none for a stream; how many there are for an array of streams."""
    if isinstance(type, Streams):
        return (math.prod(streams_shape(type)),)
    return () if is_stream(type) else tuple(ir.MemRefType(type).shape)


def text(attributes: Any, key: str, default: str = "") -> str:
    """A string attribute's or a symbol reference's value."""
    return str(attributes[key].value) if key in attributes else default


def number(attributes: Any, key: str) -> int:
    """An integer attribute's value; 0 when there is none."""
    return int(attributes[key].value) if key in attributes else 0


def trips(attributes: Any) -> dict[str, int]:
    """What is known of a loop's iterations: some of min, max and avg."""
    if "bf.trips" not in attributes:
        return {}
    return {each.name: int(each.attr.value) for each in ir.DictAttr(attributes["bf.trips"])}


def partitions(attributes: Any) -> tuple[PartitionSpec, ...]:
    """How the array with these attributes is spread over memories."""
    if "bf.partition" not in attributes:
        return ()
    return tuple(
        PartitionSpec(Partition(p["kind"].value), int(p["dim"].value), int(p["factor"].value))
        for p in attributes["bf.partition"]
    )


def source(op: ir.Operation) -> str:
    """`file.py:12` for the Python behind an operation, or "" when it has none."""
    location = op.location
    if not getattr(location, "filename", ""):
        return ""
    return f"{short_path(location.filename)}:{location.start_line}"


def functions(module: ir.Module) -> list[ir.Operation]:
    """The kernels, callees first and the top one last."""
    return [op.operation for op in module.body.operations if op.operation.name == "func.func"]


def body(function: ir.Operation) -> ir.Block:
    return function.regions[0].blocks[0]


def argument_attributes(function: ir.Operation) -> list[Any]:
    """One dictionary for each argument."""
    if "arg_attrs" not in function.attributes:
        return [{} for _ in body(function).arguments]
    return list(function.attributes["arg_attrs"])


def nested(op: ir.Operation) -> Iterator[ir.Operation]:
    """`op` and every operation inside it, in program order."""
    yield op
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                yield from nested(inner.operation)


def channel(stream: ir.Value) -> ir.Value:
    """The array of streams that `stream` is one of, or `stream` itself."""
    owner = stream.owner
    return owner.operands[0] if not isinstance(owner, ir.Block) and owner.name == "bf.at" else stream


@dataclass
class Effects:
    """Which memories and streams operations read and write.

    The end of a stream that gets reads it and may ask whether it is empty; the other writes it and may ask
    whether it is full.
    """

    parameters: dict[str, list[tuple[bool, bool]]] = field(default_factory=dict)
    # Which parameters of each function are numbers.
    scalars: dict[str, list[bool]] = field(default_factory=dict)

    @staticmethod
    def of(module: ir.Module) -> Effects:
        found = Effects()
        for function in functions(module):
            read, written = found.touched(function)
            symbol = text(function.attributes, "sym_name")
            found.parameters[symbol] = [(a in read, a in written) for a in body(function).arguments]
            found.scalars[symbol] = ["bf.scalar" in about for about in argument_attributes(function)]
        return found

    def is_number(self, memref: ir.Value) -> bool:
        """Whether a local array of one element is only what calls take as numbers or return."""
        calls = 0
        for use in memref.uses:
            owner = use.owner
            if owner.name == "func.call":
                if not self.scalars[text(owner.attributes, "callee")][use.operand_number]:
                    return False
                calls += 1
            elif owner.name not in ("memref.load", "memref.store"):
                return False
        return calls > 0

    def touched(self, op: ir.Operation) -> tuple[set[ir.Value], set[ir.Value]]:
        """The memrefs and streams that `op`, with all that is inside it, reads and writes."""
        read: set[ir.Value] = set()
        written: set[ir.Value] = set()
        for each in nested(op):
            match each.name:
                case "memref.load":
                    read.add(each.operands[0])
                case "bf.get" | "bf.empty":
                    read.add(channel(each.operands[0]))
                case "memref.store":
                    written.add(each.operands[1])
                case "bf.put" | "bf.full":
                    written.add(channel(each.operands[0]))
                case "func.call":
                    effects = self.parameters[text(each.attributes, "callee")]
                    for arg, (reads, writes) in zip(each.operands, effects, strict=True):
                        if reads:
                            read.add(arg)
                        if writes:
                            written.add(arg)
        return read, written
