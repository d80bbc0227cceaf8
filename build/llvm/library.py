"""A program as code for a C or C++ program: a header, LLVM IR as text, and an object file for this CPU."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

from bitfold.build.folder import LLVM, MANIFEST, write_files
from bitfold.build.hls.names import Names, identifier
from bitfold.build.llvm.jit import add_entry, c_function, llvm_ir, runtime_library
from bitfold.build.llvm.network import Layout, check_platform
from bitfold.build.llvm.network_c import network_source
from bitfold.build.llvm.views import element_bytes
from bitfold.ir.effects import parameter_effects
from bitfold.ir.floats import MATH
from bitfold.ir.network import is_network
from bitfold.ir.nodes import Apply, Param, Program, Stmt, own_exprs, walk, walk_expr
from bitfold.lang.types import ArrayType, FloatType
from bitfold.lowering.floats import use_c_names
from bitfold.lowering.mlir import ExecutionEngine, ir
from bitfold.lowering.pipeline import Trace, lower_to_llvm
from bitfold.lowering.to_mlir import Lowered, short_path

__all__ = ["Library", "library", "write"]


@dataclass(frozen=True)
class Library:
    """The files of a library, `MANIFEST` included; the functions it has are in `header`."""

    name: str
    header: str
    files: Mapping[str, bytes]


def library(program: Program, trace: Trace | None = None) -> Library:
    """`NAME.h`, `NAME.ll` and `NAME.o` of a program whose top kernel is NAME. Writes nothing.

    The object file is for the CPU of this machine, the LLVM IR for any 64-bit little-endian one.
    Kernels that take turns need the memory that `NAME.c` sets up, so there is that file too.

    Raises:
        BuildError: the kernels take turns, and the C library of this system cannot switch stacks.
    """
    name = identifier(program.top.name)
    layouts: list[Layout] = []

    def add(lowered: Lowered) -> None:
        if is_network(lowered.program):
            check_platform()
            layouts.append(Layout.of(lowered.program))
        add_entry(lowered, f"{name}_network" if layouts else f"{name}_batch")

    lowered = lower_to_llvm(program, add, trace)
    entry = f"{name}_network" if layouts else f"{name}_batch"
    with lowered.context:
        functions = use_c_names(lowered.module)
        for op in lowered.module.body.operations:
            function = op.operation
            own = function.name == "llvm.func" and len(function.regions[0].blocks)
            if own and function.attributes["sym_name"].value != entry:
                function.attributes["linkage"] = ir.Attribute.parse("#llvm.linkage<internal>")
    signature = _signature(program)
    header = _header(program, name, signature, bool(layouts))
    files = {
        f"{name}.h": header.encode(),
        f"{name}.ll": llvm_ir(lowered).encode(),
        f"{name}.o": _object(lowered, entry, functions),
    }
    for layout in layouts:
        source = network_source(name, layout, ", ".join(signature.batch), ", ".join(signature.names))
        files[f"{name}.c"] = source.encode()
    manifest = {
        "generator": LLVM,
        "format": 1,
        "name": name,
        "top": f"{name}_batch",
        "machine": f"{platform.system()} {platform.machine()}",
        "ports": [_port(p, r, w) for p, (r, w) in _parameters(program)],
        "files": {file: sha256(data).hexdigest() for file, data in files.items()},
    }
    return Library(name, header, {**files, MANIFEST: (json.dumps(manifest, indent=2) + "\n").encode()})


def write(made: Library, out: Path) -> Path:
    """Write the library as the folder `out`; see `bitfold.build.folder.write_files`."""
    return write_files(made.files, out)


def _object(lowered: Lowered, entry: str, functions: list[str]) -> bytes:
    with lowered.context, tempfile.TemporaryDirectory(prefix="bitfold-") as folder:
        runtime_library()
        engine = ExecutionEngine(lowered.module, opt_level=3)
        for name in functions:
            engine.raw_register_runtime(name, c_function(name))
        if not engine.raw_lookup(entry):
            raise RuntimeError(f"LLVM could not compile {entry!r}; it printed why")
        file = Path(folder) / "code.o"
        engine.dump_to_object_file(str(file))
        return file.read_bytes()


def _parameters(program: Program) -> list[tuple[Param, tuple[bool, bool]]]:
    """Each parameter of the top kernel, and whether it is read and written."""
    return list(zip(program.top.params, parameter_effects(program, program.top), strict=True))


def _port(param: Param, read: bool, written: bool) -> dict[str, Any]:
    return {
        "name": param.name,
        "type": str(param.type),
        "c_type": _c_type(param.type),
        "elements": prod(param.type.dims),
        "bytes": prod(param.type.dims) * element_bytes(param.type),
        "read": read,
        "written": written,
    }


def _c_type(type: ArrayType) -> str:
    """The C type of an element; wider than 64 bits it is one of the header's own. C has no 16-bit float."""
    if isinstance(type.elem, FloatType):
        return {16: "uint16_t", 32: "float", 64: "double"}[type.elem.width]
    width, size = type.elem.width, element_bytes(type)
    if width > 64:
        return f"bitfold_int{8 * size}"
    return f"{'' if type.elem.signed and width == 8 * size else 'u'}int{8 * size}_t"


def _layout(type: ArrayType) -> str:
    """How the elements lie in memory, where the C type does not say it."""
    width = type.elem.width
    notes = []
    if type.lanes_of:
        of = f"{type.lanes} of {type.lanes_of} elements of {type.part}"
        notes.append(f"each word holds {of} of a row, the first in its lowest bits")
    if isinstance(type.elem, FloatType):
        return "the bits of IEEE 754's binary16" if width == 16 else ""
    if type.elem.signed and width not in (8, 16, 32) and width < 64:
        notes.append(f"two's complement in the low {width} bits, 0 in those above")
    elif width > 64:
        notes.append(f"little-endian words; bits from {width} on are 0")
    return "; ".join(notes)


_HEADER = """\
/* {name}: compiled by Bitfold from {source}.
 *
 * {name}(...) is one call of the kernel, {name}_batch(count, ...) is `count` calls, for which the arrays
 * of each parameter lie one after the other. Arrays are in row-major order; an array that is written
 * may overlap no other. Calls on different arrays may run in different threads.{ends}
 *
{arrays}
 *
 * Link {name}.o{and_source}{libm}, which is for {machine} and the CPU it was made on (with GNU ld: -no-pie),
 * or compile {name}.ll for another CPU: clang -O3 -c {name}.ll
 */
#ifndef BITFOLD_{guard}_H
#define BITFOLD_{guard}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif
{wide}
{result} {name}_batch({batch});

static inline {result} {name}({one}) {{
  {returns}{name}_batch({names});
}}

#ifdef __cplusplus
}}
#endif

#endif
"""


def _has_math(body: tuple[Stmt, ...]) -> bool:
    """Whether a kernel calls functions of floats."""
    exprs = (e for s in walk(body) for root in own_exprs(s) for e in walk_expr(root))
    return any(isinstance(e, Apply) and e.fn in MATH for e in exprs)


_ENDS = """
 * They return -1 when the kernels of all calls came to a proper end, else the first call in which one
 * waits for ever or leaves elements in a stream (its outputs mean nothing), and -2 without memory."""


@dataclass(frozen=True)
class _Signature:
    """The parameters in C: as declared for a batch and for one call, their names, notes, and own types."""

    batch: list[str]
    one: list[str]
    names: list[str]
    notes: list[str]
    wide: dict[str, int]


def _signature(program: Program) -> _Signature:
    names = Names(frozenset({"count", "workspace", "memory", "words", "i", "failed"}))
    names.push()
    made = _Signature([], [], [], [], {})
    for param, (_, written) in _parameters(program):
        c_name, c = names.declare(param.name), _c_type(param.type)
        note = _layout(param.type)
        if param.fixed is not None:
            note = f"numbers in units of 2**-{param.fixed.fraction}" + (f"; {note}" if note else "")
        if param.state is not None:
            first = "filled with its initial values" if param.state else "all zeros"
            kept = f"kept between calls: one array for all of them, at first {first}"
            note = f"{note}; {kept}" if note else kept
        made.notes.append(
            f" *   {c_name}: {param.type.elem}[{', '.join(map(str, param.type.dims))}], "
            f"{'written' if written else 'read'}" + (f"; {note}" if note else "")
        )
        const = "" if written else "const "
        made.batch.append(f"{const}{c} *{c_name}")
        made.one.append(f"{const}{c} {c_name}[{' * '.join(map(str, param.type.dims))}]")
        made.names.append(c_name)
        if param.type.elem.width > 64:
            made.wide[c] = element_bytes(param.type) // 8
    return made


def _header(program: Program, name: str, signature: _Signature, takes_turns: bool) -> str:
    top = program.top
    types = [
        f"typedef struct {{ uint64_t word[{n}]; }} __attribute__((aligned(16))) {c};"
        for c, n in signature.wide.items()
    ]
    return _HEADER.format(
        name=name,
        source=f"{short_path(top.span.file)}:{top.span.line}",
        machine=f"{platform.system()} {platform.machine()}",
        libm=" with -lm" if any(_has_math(f.body) for f in program.functions) else "",
        arrays="\n".join(signature.notes),
        guard=name.upper(),
        wide="\n" + "\n".join(types) + "\n" if types else "",
        batch=", ".join(["int64_t count", *signature.batch]),
        one=", ".join(signature.one) or "void",
        names=", ".join(["1", *signature.names]),
        ends=_ENDS if takes_turns else "",
        and_source=f" and {name}.c" if takes_turns else "",
        result="int64_t" if takes_turns else "void",
        returns="return " if takes_turns else "",
    )
