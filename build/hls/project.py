"""An HLS project: planned as a set of files in memory, then written as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2

from bitfold.build.folder import HLS, MANIFEST, check_folder, read_manifest, write_files
from bitfold.build.hls.ccode import ap
from bitfold.build.hls.emit import Source, emit
from bitfold.build.hls.roms import rom_texts
from bitfold.build.hls.vectors import Port, Vectors, vector_text
from bitfold.build.zc706.device import ZC706, Device
from bitfold.diagnostics import UsageError
from bitfold.ir.network import cyclic
from bitfold.ir.nodes import Param
from bitfold.lang.fixed import FixedType
from bitfold.lowering.to_mlir import Lowered

__all__ = ["MANIFEST", "Plan", "Vectors", "check_folder", "plan", "read_manifest", "write"]

_TAKEN = ("bitfold", "tb", "weights")


@dataclass(frozen=True)
class Plan:
    """The files of a project and a digest of them all. The same program and vectors give the same bytes."""

    name: str
    top: str
    device: Device
    ports: tuple[Port, ...]
    images: int
    files: Mapping[str, bytes]
    digest: str


def plan(
    lowered: Lowered,
    vectors: Vectors,
    name: str,
    device: Device = ZC706,
    notes: Mapping[str, str] | None = None,
) -> Plan:
    """The project of a lowered program, with the golden vectors of its test bench. Touches no disk.

    `notes` are further texts that go into its folder, by the names of their files.

    Raises:
        UsageError: the vectors do not fit the top kernel's parameters, or `name` is no identifier.
        BuildError: the module holds something that HLS C++ cannot say.
    """
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) or name in _TAKEN:
        raise UsageError(
            f"{name!r} cannot name an HLS project",
            code="BF-U011",
            remedy=f"use letters, digits and _, and none of: {', '.join(_TAKEN)}",
        )
    source = emit(lowered)
    params = lowered.program.top.params
    ports = tuple(
        Port(
            p.name,
            c.name,
            p.type,
            c.read,
            c.written,
            p.name in vectors.inputs and not p.type.streamed,
            c.scalar,
        )
        for p, c in zip(params, source.parameters, strict=True)
    )
    golden, images = vector_text(ports, vectors)
    texts = {**(notes or {}), **_sources(lowered, source, name, device, ports), "vectors.txt": golden}
    files = {n: texts[n].encode() for n in sorted(texts)}
    digests = {n: sha256(data).hexdigest() for n, data in files.items()}
    digest = sha256("".join(f"{d}  {n}\n" for n, d in digests.items()).encode()).hexdigest()
    manifest = {
        "generator": HLS,
        "format": 1,
        "name": name,
        "top": source.top,
        "device": {**asdict(device), "clock_ns": device.clock_ns},
        "images": images,
        "ports": [p.as_json() for p in ports],
        "files": digests,
        "digest": digest,
    }
    if cyclic(lowered.program):
        manifest["csim"] = "its streams form a cycle of kernels"
    files[MANIFEST] = (json.dumps(manifest, indent=2) + "\n").encode()
    return Plan(name, source.top, device, ports, images, files, digest)


def _notes(params: Sequence[Param], source: Source) -> list[str]:
    """What the bits of the ports mean, where their C++ types do not say it."""
    notes = []
    for param, port in zip(params, source.parameters, strict=True):
        if (member := param.member) is not None:
            notes.append(f"{port.name} is the field {member.field} of {member.argument}: {member.struct}.")
        if param.fixed is not None:
            notes.append(f"{port.name} holds {param.fixed}: its bits are those of {_ap_fixed(param.fixed)}.")
    return notes


def _ap_fixed(type: FixedType) -> str:
    """The C++ type of the same bits, which counts them before the binary point."""
    return f"ap_{'' if type.signed else 'u'}fixed<{type.width}, {type.width - type.fraction}>"


@cache
def _templates() -> jinja2.Environment:
    loader = jinja2.ChoiceLoader([jinja2.PackageLoader(f"bitfold.build.{p}") for p in ("hls", "zc706")])
    return jinja2.Environment(
        loader=loader,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def _sources(
    lowered: Lowered, source: Source, name: str, device: Device, ports: tuple[Port, ...]
) -> dict[str, str]:
    roms = rom_texts(lowered.roms, source.roms)
    context: dict[str, Any] = {
        "name": name,
        "top": source.top,
        "device": device,
        "guard": f"{name.upper()}_H",
        "prototype": source.prototype,
        "notes": _notes(lowered.program.top.params, source),
        "text": source.text.rstrip("\n"),
        "weights": bool(roms),
        "roms": roms,
        "floats": source.floats,
        "math": source.math,
        "max_width": -(-(source.widest + 256) // 1024) * 1024,
        "ports": [_bench_port(p) for p in ports],
        "calls": [_argument(p) for p in ports],
    }
    made = {
        "bitfold.h": "bitfold.h",
        f"{name}.h": "kernel.h",
        f"{name}.cpp": "kernel.cpp",
        "tb.cpp": "tb.cpp",
        "run_vitis.tcl": "run_vitis.tcl",
        "run_vivado.tcl": "run_vivado.tcl",
    }
    if roms:
        made["weights.h"] = "weights.h"
    return {file: _templates().get_template(template).render(context) for file, template in made.items()}


def _bench_port(port: Port) -> dict[str, Any]:
    return {
        "name": port.name,
        "cname": port.cname,
        "ctype": str(ap(port.type.elem)),
        "words": port.words,
        "streamed": port.type.streamed,
        "driven": port.driven,
        "written": port.written,
    }


def _argument(port: Port) -> str:
    """The argument of the top's call in the test bench: its memories are flat."""
    if port.type.streamed:
        return f"{port.cname}_stream"
    inner = "".join(f"[{d}]" for d in port.type.dims[1:])
    flat = f"{port.cname}_port.at"
    if port.scalar:
        return f"{flat}[0]"
    return f"reinterpret_cast<{ap(port.type.elem)}(*){inner}>({flat})" if inner else flat


def write(plan: Plan, out: Path) -> Path:
    """Write the project as the folder `out` and return it; see `bitfold.build.folder.write_files`."""
    return write_files(plan.files, out)
