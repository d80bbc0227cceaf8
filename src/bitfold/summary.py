"""A scheduled kernel, to be read: its parameters and loops, its cycles and what it takes of a device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from bitfold import markup
from bitfold.devices import Device, find_device
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import For, Function, Param, Program, Stmt, blocks
from bitfold.lowering.flatten import flatten_pipelines
from bitfold.model.cycles import call_cycles, loop_cycles
from bitfold.model.resources import Estimate, Resources, estimate
from bitfold.schedule.shadow import shadow_words

__all__ = ["LoopRow", "Parameter", "Summary", "summarize"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the top kernel as its author declared it; `stored` is how the schedule lays it out."""

    name: str
    type: str
    stored: str
    read: bool
    written: bool

    @property
    def use(self) -> str:
        return "changed" if self.read and self.written else "written" if self.written else "read"


@dataclass(frozen=True, slots=True)
class LoopRow:
    """A loop as hardware runs it: after pipelined nests became one loop. `cycles` are those of one run;
    0 of one that takes part in a cycle of the pipeline around it.
    """

    kernel: str
    depth: int
    name: str
    trips: int | None
    how: str
    cycles: int


@dataclass(frozen=True)
class Summary:
    """See the module. Cycles are those of one call, by the model; filling a pipeline is not counted."""

    name: str
    source: str
    device: Device
    parameters: tuple[Parameter, ...]
    loops: tuple[LoopRow, ...]
    cycles: int
    resources: Estimate

    @property
    def microseconds(self) -> float:
        """The time of one call at the device's clock."""
        return self.cycles / self.device.clock_mhz

    def __str__(self) -> str:
        lines = [f"{self.name}  ({self.source})", ""]
        parameters = [(p.name, p.type, p.use, p.stored) for p in self.parameters]
        lines += _aligned(("parameter", "type", "", "stored as"), parameters)
        if self.loops:
            loops = [
                (f"{'  ' * r.depth}{r.name}", _trips(r), r.how, f"{r.cycles:,}" if r.cycles else "")
                for r in self._marked_loops()
            ]
            lines += ["", *_aligned(("loop", "trips", "", "cycles"), loops, right={1, 3})]
        if len(kernels := self.resources.kernels()) > 1:
            rows = [
                (name, f"{r.lut:,}", f"{r.ff:,}", f"{r.bram36:g}", f"{r.dsp}") for name, r in kernels.items()
            ]
            lines += ["", *_aligned(("kernel", "LUT", "FF", "BRAM36", "DSP"), rows, right={1, 2, 3, 4})]
        lines += ["", f"cycles     {self._cycles_text()} (a model)", f"resources  {self._resources_text()}"]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        parameters = [(p.name, p.type, p.use, p.stored) for p in self.parameters]
        parts = [
            markup.table(f"{self.name} ({self.source})", ("parameter", "type", "", "stored as"), parameters)
        ]
        if self.loops:
            indent = "\N{NO-BREAK SPACE}" * 3
            rows = [
                (f"{indent * r.depth}{r.name}", r.trips, r.how, r.cycles or None)
                for r in self._marked_loops()
            ]
            parts.append(markup.table("loops", ("loop", "trips", "", "cycles"), rows))
        kernels = dict(self._costs())
        if len(kernels) == 2:  # of a single kernel the total says it all
            del kernels["total"]
        costs = [(name, r.lut, r.ff, r.bram36, r.uram, r.dsp) for name, r in kernels.items()]
        head = ("resources (a model)", "LUT", "FF", "BRAM36", "URAM", "DSP")
        parts.append(markup.table(f"cycles: {self._cycles_text()}, {self.device.name}", head, costs))
        return "".join(parts)

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON values; what is used of a resource is null where the device has none of it."""
        used = self.resources.utilization(self.device)
        return {
            "kernel": self.name,
            "source": self.source,
            "device": self.device.name,
            "clock_mhz": self.device.clock_mhz,
            "parameters": [
                {"name": p.name, "type": p.type, "stored": p.stored, "read": p.read, "written": p.written}
                for p in self.parameters
            ],
            "loops": [
                {"kernel": r.kernel, "loop": r.name, "trips": r.trips, "how": r.how, "cycles": r.cycles}
                for r in self.loops
            ],
            "cycles": self.cycles,
            "microseconds": self.microseconds,
            "resources": {name: _counts(cost) for name, cost in self._costs()},
            "utilization": {name: share if isfinite(share) else None for name, share in used.items()},
        }

    def _costs(self) -> Iterator[tuple[str, Resources]]:
        yield from self.resources.kernels().items()
        yield "total", self.resources.total

    def _marked_loops(self) -> Iterator[LoopRow]:
        """The loops, with the kernel in front of each kernel's first one where there are several kernels."""
        several = len({r.kernel for r in self.loops}) > 1
        before = ""
        for row in self.loops:
            first = several and row.kernel != before
            yield replace(row, name=f"{row.kernel}: {row.name}") if first else row
            before = row.kernel

    def _cycles_text(self) -> str:
        return f"{self.cycles:,} a call = {self.microseconds:,.2f} us at {self.device.clock_mhz:g} MHz"

    def _resources_text(self) -> str:
        total, used = self.resources.total, self.resources.utilization(self.device)
        counts = (
            ("LUT", "lut", f"{total.lut:,}"),
            ("FF", "ff", f"{total.ff:,}"),
            ("BRAM36", "bram36", f"{total.bram36:g}"),
            ("URAM", "uram", f"{total.uram:,}"),
            ("DSP", "dsp", f"{total.dsp:,}"),
        )
        shown = [
            f"{count} {name} ({used[key]:.1%})" if isfinite(used[key]) else f"{count} {name} (of none)"
            for name, key, count in counts
            if count != "0" or key in ("lut", "ff")
        ]
        return f"{', '.join(shown)} of the {self.device.name} (a model)"


def summarize(program: Program, device: Device | None = None) -> Summary:
    """The summary of a scheduled program, for the ZC706 where no device is given."""
    top = program.top
    shadowed = shadow_words(program)  # a kernel that only sets bits of an output does not read it
    effects = parameter_effects(shadowed, shadowed.top)
    parameters = tuple(
        Parameter(p.name, _declared(p), "" if p.type == p.type.logical else str(p.type), r, w)
        for p, (r, w) in zip(program.arguments, effects, strict=False)
    )
    flat = flatten_pipelines(shadowed)
    loops = tuple(row for f in reversed(flat.functions) for row in _loops(flat, f, f.body, 0))
    return Summary(
        name=top.name,
        source=f"{top.span.file.rpartition('/')[2]}:{top.span.line}",
        device=device or find_device("zc706"),
        parameters=parameters,
        loops=loops,
        cycles=call_cycles(flat, flat.top),
        resources=estimate(program),
    )


def _declared(param: Param) -> str:
    """The type of a parameter as its author wrote it."""
    type = param.type.logical
    return f"{param.fixed}[{', '.join(map(str, type.dims))}]" if param.fixed else str(type)


def _loops(program: Program, function: Function, body: tuple[Stmt, ...], depth: int) -> Iterator[LoopRow]:
    for stmt in body:
        inner = depth
        if isinstance(stmt, For):
            yield LoopRow(function.name, depth, stmt.var, stmt.trips, _how(stmt), loop_cycles(program, stmt))
            inner = depth + 1
        for block in blocks(stmt):
            yield from _loops(program, function, block, inner)


def _how(loop: For) -> str:
    if loop.pipeline:
        return f"pipeline II={loop.pipeline}"
    if loop.flatten:
        return "one pipeline with the next"
    if loop.unroll:
        return "unrolled" if loop.unroll < 0 else f"unrolled by {loop.unroll}"
    return ""


def _trips(row: LoopRow) -> str:
    return "varies" if row.trips is None else f"{row.trips:,}"


def _counts(cost: Resources) -> dict[str, float]:
    return {"lut": cost.lut, "ff": cost.ff, "bram36": cost.bram36, "uram": cost.uram, "dsp": cost.dsp}


def _aligned(
    head: tuple[str, ...], rows: Sequence[tuple[str, ...]], right: set[int] | frozenset[int] = frozenset()
) -> list[str]:
    """Lines of a table; a column whose cells are all empty is left out."""
    kept = [i for i in range(len(head)) if any(row[i] for row in rows)]
    widths = {i: max(len(row[i]) for row in [head, *rows]) for i in kept}

    def line(row: tuple[str, ...]) -> str:
        cells = (row[i].rjust(widths[i]) if i in right else row[i].ljust(widths[i]) for i in kept)
        return "  " + "  ".join(cells)

    return [line(head), *(line(row) for row in rows)]
