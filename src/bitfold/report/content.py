"""All that a report says, as JSON values. report.schema.json, beside this file, describes them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from math import isfinite, prod
from pathlib import Path
from typing import Any

from bitfold.devices import Device
from bitfold.diagnostics import Span
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import Alloc, CallKernel, Program, walk
from bitfold.ir.printer import function_text
from bitfold.lang.types import DEPTH
from bitfold.model.cycles import Layer, Model
from bitfold.model.operations import operations, port_bytes
from bitfold.model.resources import SHELL, Estimate, Resources
from bitfold.model.simulate import Simulation
from bitfold.report.folding import Folding
from bitfold.report.roofline import roofline

SCHEMA = "bitfold-report"
SCHEMA_VERSION = 1
"""Goes up when a reader of the JSON would have to change; new fields alone do not count."""


@dataclass(frozen=True)
class Measured:
    """What was measured on this machine: by classifying `images` images of the data set called `data`.

    `csim` is (images, words that differ) of the C++ simulation; `found` names the classes of a few images
    without labels.
    """

    data: str
    images: int
    accuracy: float | None
    cpu_images_per_s: float
    compile_s: float
    hls_s: float
    csim: tuple[int, int] | None = None
    found: tuple[str, ...] = ()


@dataclass(frozen=True)
class Build:
    """A scheduled program with what its models say; what has not been done is None.

    `project` is the folder of its HLS project, `cpp` the name and the text of the C++ in it.
    """

    network: str
    title: str
    schedule: str
    program: Program
    device: Device
    model: Model
    resources: Estimate
    simulated: Simulation | None = None
    folding: Folding | None = None
    measured: Measured | None = None
    project: Path | None = None
    cpp: tuple[str, str] | None = None


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `content` returns."""
    text = (files("bitfold.report") / "report.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def content(build: Build) -> dict[str, Any]:
    """The report as JSON values. Rates are per second, latencies in cycles and microseconds."""
    closed = build.model
    counted = operations(build.program)
    measured = build.measured
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "network": build.network,
        "title": build.title,
        "schedule": build.schedule,
        "device": build.device.name,
        "board": asdict(build.device),
        "clock_mhz": closed.clock_mhz,
        "dataflow": closed.dataflow,
        "data": measured.data if measured else None,
        "images": measured.images if measured else 0,
        "accuracy": measured.accuracy if measured else None,
        "classes_found": list(measured.found) if measured else [],
        "interval_cycles": closed.interval_cycles,
        "latency_cycles": closed.latency_cycles,
        "fps": closed.fps,
        "latency_us": closed.latency_us,
        "operations": sum(counted.values()),
        "port_bytes": port_bytes(build.program),
        "roofline": roofline(build.device, sum(counted.values()), port_bytes(build.program), closed.fps),
        "cpu_images_per_s": measured.cpu_images_per_s if measured else None,
        "compile_s": measured.compile_s if measured else None,
        "hls_s": measured.hls_s if measured else None,
        "hls_dir": str(build.project) if build.project else None,
        "hls_file": build.cpp[0] if build.cpp else None,
        "simulated": None if build.simulated is None else build.simulated.as_json(),
        "csim": {"images": measured.csim[0], "mismatches": measured.csim[1]}
        if measured and measured.csim
        else None,
        "resources": _resources(build),
        "streams": _streams(build.program),
        "layers": [_layer(build, layer, counted.get(layer.name, 0)) for layer in closed.layers],
        "folding": build.folding.as_json() if build.folding else None,
        "how": dict(_HOW),
    }


_HOW = {
    "measured": ["accuracy", "cpu_images_per_s", "compile_s", "hls_s", "csim"],
    "modelled": [
        "interval_cycles",
        "latency_cycles",
        "fps",
        "latency_us",
        "resources",
        "simulated",
        "folding",
    ],
}
"""Which numbers were measured on this machine, and which come from models of the device."""


def _resources(build: Build) -> dict[str, Any]:
    used = build.resources.utilization(build.device)
    return {
        "total": counts(build.resources.total),
        "shell": counts(SHELL),
        "utilization": {name: part if isfinite(part) else None for name, part in used.items()},
        "kernels": {name: counts(cost) for name, cost in build.resources.kernels().items()},
        "items": [
            {
                "kernel": item.kernel,
                "file": item.span.file,
                "line": item.span.line,
                "what": item.what,
                **counts(item.cost),
            }
            for item in build.resources.items
        ],
    }


def counts(cost: Resources) -> dict[str, float]:
    """Resources as JSON; the shell, DMA and AXI interconnect, is not in a total."""
    return {
        "lut": cost.lut,
        "ff": cost.ff,
        "bram36": cost.bram36,
        "uram": cost.uram,
        "dsp": cost.dsp,
    }


def _layer(build: Build, layer: Layer, operations: int) -> dict[str, Any]:
    program = build.program
    function = program.function(layer.name)
    call = next(
        (s for s in walk(program.top.body) if isinstance(s, CallKernel) and s.callee == layer.name), None
    )
    cost = build.resources.kernels().get(layer.name, Resources())
    weights = layer.weights
    return {
        "name": layer.name,
        "kernel": layer.kernel,
        "pe": layer.pe,
        "simd": layer.simd,
        "folds": list(layer.folds) if layer.folds else None,
        "cycles": layer.cycles,
        "busy": layer.cycles / build.model.interval_cycles,
        "operations": operations,
        "weights": {"banks": weights.banks, "depth": weights.depth, "width": weights.width}
        if weights
        else None,
        "resources": counts(cost),
        "source": _place(function.span),
        "called": _place(call.span) if call else None,
        "cpp_line": _cpp_line(build, layer.name),
        "python": function_text(function),
    }


def _place(span: Span) -> dict[str, Any] | None:
    return {"file": span.file, "line": span.line} if span.line else None


def _cpp_line(build: Build, name: str) -> int | None:
    """The line of the C++ at which a kernel's function begins, when it has one of the same name."""
    return _functions(build.cpp[1]).get(name) if build.cpp else None


@cache
def _functions(text: str) -> Mapping[str, int]:
    lines = enumerate(text.splitlines(), 1)
    found = ((re.match(r"(?:static )?void (\w+)\(", line), number) for number, line in lines)
    return {match[1]: number for match, number in found if match}


def _streams(program: Program) -> list[dict[str, Any]]:
    """What joins the kernels that the top calls, and its own parameters, in order of declaration.

    `from` and `to` name kernels; a parameter comes from outside, or goes there: an empty list.
    """
    top = program.top
    calls = [s for s in top.body if isinstance(s, CallKernel)]
    ends: dict[str, tuple[list[str], list[str]]] = {}
    for call in calls:
        effects = parameter_effects(program, program.function(call.callee))
        for name, (read, written) in zip(call.args, effects, strict=True):
            writers, readers = ends.setdefault(name, ([], []))
            if written and call.callee not in writers:
                writers.append(call.callee)
            if read and call.callee not in readers:
                readers.append(call.callee)
    params = [(p.name, p.type, True) for p in top.params]
    local = [(s.name, s.type, False) for s in top.body if isinstance(s, Alloc)]
    found = []
    for name, type, port in params + local:
        if name not in ends:
            continue
        writers, readers = ends[name]
        found.append(
            {
                "name": name,
                "port": port,
                "streamed": type.streamed,
                "width": type.elem.width,
                "words": prod(type.dims),
                "depth": (type.depth or DEPTH) if type.streamed and not port else None,
                "from": writers,
                "to": [r for r in readers if writers != [r]],  # it reads back what it writes
            }
        )
    return found
