"""An MLIR module as HLS C++: one function for each kernel, the top one last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bitfold.build.hls import module as mlir
from bitfold.build.hls.body import LONGEST_LINE, Body, Memory
from bitfold.build.hls.ccode import ap
from bitfold.build.hls.control import HANDLERS
from bitfold.build.hls.names import Names, identifier
from bitfold.build.hls.pragmas import array_pragmas, is_in_registers
from bitfold.build.hls.roms import initializer
from bitfold.diagnostics import BuildError
from bitfold.lang.layouts import PartitionSpec
from bitfold.lang.types import ElementType, FloatType, IntType
from bitfold.lowering.dialect import bits, is_float
from bitfold.lowering.mlir import ir
from bitfold.lowering.to_mlir import Lowered


@dataclass(frozen=True)
class Parameter:
    """A function parameter: how it is declared and used."""

    name: str
    elem: ElementType
    dims: tuple[int, ...]
    streamed: bool
    read: bool
    written: bool
    layout: tuple[PartitionSpec, ...]
    scalar: bool = False

    @property
    def declaration(self) -> str:
        if self.streamed:
            dims = "".join(f"[{d}]" for d in self.dims)
            return f"hls::stream<{ap(self.elem)}> {f'(&{self.name}){dims}' if dims else f'&{self.name}'}"
        if self.scalar:
            return f"{ap(self.elem)} {'&' if self.written else ''}{self.name}"
        const = "" if self.written else "const "
        return f"{const}{ap(self.elem)} {self.name}{''.join(f'[{d}]' for d in self.dims)}"

    @property
    def interface(self) -> str:
        """The INTERFACE directive of a top-level port; none for an array in registers."""
        if self.scalar:
            return f"INTERFACE s_axilite port={self.name}"
        if self.streamed:
            return f"INTERFACE axis port={self.name}"
        return "" if is_in_registers(self.dims, self.layout) else f"INTERFACE ap_memory port={self.name}"


@dataclass(frozen=True)
class Source:
    """The C++ of a module. `roms` maps constants' MLIR symbols to C++ names; `widest` is in bits.

    `floats` are the widths of the floats in it, `math` the functions of floats that it calls.
    """

    top: str
    parameters: tuple[Parameter, ...]
    prototype: str
    text: str
    roms: dict[str, str]
    widest: int
    floats: tuple[int, ...] = ()
    math: tuple[str, ...] = ()


def emit(lowered: Lowered) -> Source:
    """The module as C++. Deterministic; raises BuildError for operations that belong to another back end."""
    with lowered.context:
        module = lowered.module
        effects = mlir.Effects.of(module)
        functions = mlir.functions(module)
        titles = _unique([mlir.text(f.attributes, "sym_name") for f in functions])
        roms = _unique([r.symbol for r in lowered.roms], taken=set(titles.values()))
        initials = {s.symbol: initializer(s) for s in lowered.states}
        texts = [_function(f, titles, roms, initials, effects, f == functions[-1]) for f in functions]
        top = functions[-1]
        taken = frozenset([*titles.values(), *roms.values()])
        parameters = _parameters(top, Names(taken), effects)
        types, math = _used(functions)
        numbers = set(_numbers(types))
    title = titles[mlir.text(top.attributes, "sym_name")]
    prototype = _signature(f"void {title}", parameters)
    widest = max((n.width for n in numbers), default=1)
    floats = sorted(n.width for n in numbers if isinstance(n, FloatType))
    text = "\n".join(texts)
    return Source(title, tuple(parameters), prototype, text, roms, widest, tuple(floats), tuple(sorted(math)))


def _unique(names: list[str], taken: set[str] | None = None) -> dict[str, str]:
    """A distinct C++ identifier for each global name."""
    used = Names(frozenset(taken or ()))
    return {n: used.declare(n) for n in names}


def _used(functions: list[ir.Operation]) -> tuple[set[ir.Type], set[str]]:
    """The types of all values of a module, those of elements among them, and the functions of floats."""
    types: set[ir.Type] = set()
    names: set[str] = set()
    for op in (op for f in functions for op in mlir.nested(f)):
        types.update(value.type for value in op.results)
        types.update(a.type for r in op.regions for b in r.blocks for a in b.arguments)
        if op.name == "bf.math":
            names.add(mlir.text(op.attributes, "fn"))
        elif op.name == "bf.pow":
            names.add("pow")
    return types, names


def _numbers(types: set[ir.Type]) -> Iterator[ElementType]:
    for type in types:
        if is_float(type):
            yield FloatType(bits(type))
        elif isinstance(type, ir.IntegerType):
            yield IntType(bits(type), signed=True)
        elif isinstance(type, ir.MemRefType) or mlir.is_stream(type):
            yield mlir.element_type(type)


def _parameters(function: ir.Operation, names: Names, effects: mlir.Effects) -> list[Parameter]:
    symbol = mlir.text(function.attributes, "sym_name")
    attributes = mlir.argument_attributes(function)
    found = []
    for i, (arg, about) in enumerate(zip(mlir.body(function).arguments, attributes, strict=True)):
        scalar = effects.scalars[symbol][i]
        found.append(
            Parameter(
                names.declare(mlir.text(about, "bf.name", f"arg{i}")),
                mlir.element_type(arg.type),
                () if scalar else mlir.shape(arg.type),
                mlir.is_stream(arg.type),
                *effects.parameters[symbol][i],
                () if scalar else mlir.partitions(about),
                scalar,
            )
        )
    return found


def _signature(head: str, parameters: Sequence[Parameter]) -> str:
    declarations = [p.declaration for p in parameters]
    line = f"{head}({', '.join(declarations)})"
    if len(line) + 2 <= LONGEST_LINE:
        return line
    return f"{head}(\n    " + ",\n    ".join(declarations) + ")"


def _function(
    function: ir.Operation,
    titles: dict[str, str],
    roms: dict[str, str],
    initials: dict[str, list[str]],
    effects: mlir.Effects,
    top: bool,
) -> str:
    symbol = mlir.text(function.attributes, "sym_name")
    names = Names(frozenset([*titles.values(), *roms.values()]))
    parameters = _parameters(function, names, effects)
    block = mlir.body(function)
    writer = Body(HANDLERS, names, effects, titles, roms, initials)
    for arg, p in zip(block.arguments, parameters, strict=True):
        writer.memories[arg] = Memory(p.name, p.elem, p.dims, copied=p.scalar and not p.written)
    if top:
        writer.pragmas([p.interface for p in parameters if p.interface])
        writer.pragmas([f"INTERFACE {_control(parameters)} port=return"])
    else:
        writer.pragmas(["INLINE off"])
    for p in parameters:
        writer.pragmas(array_pragmas(p.name, p.layout))
    _dataflow(function, effects, writer)
    writer.block(block)
    head = _signature(f"{'' if top else 'static '}void {titles[symbol]}", parameters)
    kernel = mlir.text(function.attributes, "bf.kernel", symbol)
    comment = f"// {kernel}: {mlir.source(function)}".rstrip(": ")
    return "\n".join([comment, f"{head} {{", *writer.lines, "}", ""])


def _control(parameters: Sequence[Parameter]) -> str:
    """How the top kernel is started: by registers, as its numbers are passed, or not at all by streams."""
    if any(p.scalar for p in parameters):
        return "s_axilite"
    return "ap_ctrl_none" if parameters and all(p.streamed for p in parameters) else "ap_ctrl_hs"


def _dataflow(function: ir.Operation, effects: mlir.Effects, writer: Body) -> None:
    """Let the kernels that a `dataflow` function calls run at the same time."""
    ops = [op.operation for op in mlir.body(function).operations]
    calls = [op for op in ops if op.name == "func.call"]
    if "bf.dataflow" in function.attributes:
        others = [op for op in ops if op.name not in _IN_DATAFLOW]
        problem = "it does more than call kernels" if others else _conflict(calls, effects, writer)
        if problem:
            raise BuildError(
                f"{_title(function)} cannot be a dataflow region: {problem}",
                code="BF-B012",
                remedy="give each array or stream one kernel that writes it and one that reads it",
            )
        writer.pragmas(["DATAFLOW"])


_IN_DATAFLOW = ("func.call", "memref.alloca", "bf.channel", "func.return")


def _title(function: ir.Operation) -> str:
    return repr(mlir.text(function.attributes, "bf.kernel", mlir.text(function.attributes, "sym_name")))


def _conflict(calls: Sequence[ir.Operation], effects: mlir.Effects, writer: Body) -> str:
    """Why the calls are no dataflow region: an array with several writers or several readers; else ""."""
    readers: dict[ir.Value, int] = {}
    writers: dict[ir.Value, int] = {}
    for call in calls:
        read, written = effects.touched(call)
        for found, count in ((read, readers), (written, writers)):
            for value in found:
                count[value] = count.get(value, 0) + 1
    for call in calls:
        for value in call.operands:
            known = writer.memories.get(value)
            title = known.name if known else identifier(mlir.text(value.owner.attributes, "bf.name", "array"))
            if readers.get(value, 0) > 1 and not (known and known.copied):
                return f"several kernels read {title}"
            if writers.get(value, 0) > 1:
                return f"several kernels write {title}"
    return ""


__all__ = ["Source", "emit"]
