"""A run's result as a table of at most 100 columns, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bitfold.autofold import Chosen, schedule_file
from bitfold.model.resources import SHELL, Resources
from bitfold.networks.run import Result


def show(result: Result, console: Console) -> None:
    """Print the per-layer table and the summary."""
    device, model = result.device, result.model
    title = f"{result.network.title}, {result.schedule}, {device.name} at {device.clock_mhz:g} MHz"
    console.print(Text(title, "bold"))  # a table would break its title where its columns end
    table = Table(box=SIMPLE_HEAD)
    kernels = result.resources.kernels()
    for name in ("layer", "PE", "SIMD", "folds", "cycles", "weight memory", "LUT", "BRAM"):
        table.add_column(name, justify="left" if name == "layer" else "right", no_wrap=True)
    for layer in model.layers:
        table.add_row(
            layer.name,
            str(layer.pe) if layer.folds else "",
            str(layer.simd) if layer.folds else "",
            f"{layer.folds[0]} x {layer.folds[1]}" if layer.folds else "",
            f"{layer.cycles:,}",
            str(layer.weights) if layer.weights else "",
            *_cells(kernels.pop(layer.name)),
        )
    for rest in kernels.values():
        table.add_row("channels, ports", "", "", "", "", "", *_cells(rest))
    console.print(table)
    if result.folding is not None:
        _show_folding(result.folding, console)
    lines = [
        (
            "cycle model",
            f"a new image every {model.interval_cycles:,} cycles = {model.fps:,.0f} FPS; "
            f"latency {model.latency_cycles:,} cycles = {model.latency_us:,.2f} us",
        ),
        ("", "(loop iterations at the clock, as FINN counts; filling a pipeline is not counted)"),
        ("resources", _resources(result)),
        ("", _SHELL),
        *_simulated(result),
        ("accuracy", _accuracy(result)),
        (
            "CPU",
            f"{result.cpu_images_per_s:,.0f} images/s, one thread (compiled in {result.compile_s:.2f} s)",
        ),
        ("HLS project", f"{result.hls_dir} (written in {result.hls_s:.2f} s)"),
    ]
    if result.folding is not None:
        file = result.hls_dir / f"{schedule_file.NAME}.py"
        lines.insert(
            0, ("schedule", f"{file}, found in {result.folding.seconds:.1f} s; runs as --schedule {file}")
        )
    if result.csim is not None:
        lines.append(("C++ simulation", _csim(result)))
    for name, text in lines:
        console.print(Text.assemble((f"{name + ':' if name else '':<16}", "bold"), text), soft_wrap=True)


def _show_folding(chosen: Chosen, console: Console) -> None:
    """Why each layer has its folding."""
    title = f"why this folding, for {chosen.requirement} on the {chosen.device.name}"
    console.print(Text(title, "bold"))
    table = Table(box=SIMPLE_HEAD)
    table.add_column("layer", no_wrap=True)
    table.add_column("PE x SIMD", justify="right", no_wrap=True)
    table.add_column("why")
    for layer in chosen.layers:
        table.add_row(layer.name, f"{layer.pe} x {layer.simd}", layer.reason)
    for name, count in chosen.others:
        table.add_row(name, f"{count} at once", "the network would be slower with one at a time, or dearer")
    table.add_row("whole", "", chosen.why)
    console.print(table)


_SHELL = f"(a model; DMA and AXI interconnect take about {SHELL.lut:,} LUT and {SHELL.bram36:g} BRAM36 more)"


def _cells(cost: Resources) -> tuple[str, str]:
    """LUTs and block RAMs of 36 kbit."""
    return f"{cost.lut:,}", _number(cost.bram36) if cost.bram18 else ""


def _number(count: float) -> str:
    return f"{count:,.1f}".removesuffix(".0")


def _resources(result: Result) -> str:
    total, used = result.resources.total, result.resources.utilization(result.device)
    counts = (
        ("LUT", "lut", total.lut),
        ("BRAM36", "bram36", total.bram36),
        ("FF", "ff", total.ff),
        ("URAM", "uram", total.uram),
        ("DSP", "dsp", total.dsp),
    )
    parts = [
        f"{_number(count)} {name} ({used[key]:.1%})" if isfinite(used[key]) else f"{count:,} {name} (of none)"
        for name, key, count in counts
        if count or key not in ("uram", "dsp")
    ]
    return f"{', '.join(parts)} of the {result.device.name}"


def _simulated(result: Result) -> list[tuple[str, str]]:
    found = result.simulated
    if found is None:
        return []
    text = f"interval {found.interval_cycles:,.0f}, first image after {found.latency_cycles:,} cycles"
    lines = [("simulated", text)]
    if found.interval_cycles > 1.01 * result.model.interval_cycles:
        lines.append(
            ("", "(streams are too shallow for the cycle model's interval; --fifo auto deepens them)")
        )
    return lines


_NAMED = 20
"""Up to so many images without labels, the classes found are printed."""


def _accuracy(result: Result) -> str:
    if result.accuracy is None:
        text = f"unknown: {result.data} has no labels ({result.images:,} images classified)"
        if result.images <= _NAMED:
            names = result.network.classes
            found = [names[k] if k < len(names) else str(k) for k in result.labels.tolist()]
            text += f"; found: {', '.join(found)}"
        return text
    return f"{result.accuracy:.2%} of {result.images:,} images ({result.data})"


def _csim(result: Result) -> str:
    assert result.csim is not None
    count, wrong = result.csim.images, result.csim.mismatches
    if not wrong:
        return f"{count:,} images, all scores and classes equal to the CPU's, bit for bit"
    return f"{wrong:,} output words of {count:,} images DIFFER from the CPU's; {result.csim.detail}"


def as_json(result: Result) -> dict[str, Any]:
    """The result as JSON values. Rates are per second, latencies in cycles and microseconds."""
    model, kernels = result.model, result.resources.kernels()
    found = result.csim
    return {
        "network": result.network.name,
        "schedule": result.schedule,
        "device": result.device.name,
        "clock_mhz": result.device.clock_mhz,
        "data": result.data,
        "images": result.images,
        "accuracy": result.accuracy,
        "interval_cycles": model.interval_cycles,
        "latency_cycles": model.latency_cycles,
        "fps": model.fps,
        "latency_us": model.latency_us,
        "cpu_images_per_s": result.cpu_images_per_s,
        "compile_s": result.compile_s,
        "hls_s": result.hls_s,
        "hls_dir": str(result.hls_dir),
        "folding": None if result.folding is None else asdict(result.folding),
        "simulated": None if result.simulated is None else result.simulated.as_json(),
        "csim": None if found is None else {"images": found.images, "mismatches": found.mismatches},
        "resources": {
            "total": _counts(result.resources.total),
            "shell": _counts(SHELL),
            "utilization": {
                name: used if isfinite(used) else None
                for name, used in result.resources.utilization(result.device).items()
            },
            "kernels": {name: _counts(cost) for name, cost in kernels.items()},
            "items": [
                {
                    "kernel": item.kernel,
                    "file": item.span.file,
                    "line": item.span.line,
                    "what": item.what,
                    **_counts(item.cost),
                }
                for item in result.resources.items
            ],
        },
        "layers": [
            {
                "name": layer.name,
                "kernel": layer.kernel,
                "pe": layer.pe,
                "simd": layer.simd,
                "folds": list(layer.folds) if layer.folds else None,
                "cycles": layer.cycles,
                "weights": None
                if layer.weights is None
                else {
                    "banks": layer.weights.banks,
                    "depth": layer.weights.depth,
                    "width": layer.weights.width,
                },
            }
            for layer in model.layers
        ],
    }


def _counts(cost: Resources) -> dict[str, float]:
    """Resources as JSON; the shell, DMA and AXI interconnect, is not in a total."""
    return {
        "lut": cost.lut,
        "ff": cost.ff,
        "bram36": cost.bram36,
        "uram": cost.uram,
        "dsp": cost.dsp,
    }
