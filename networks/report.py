"""A run's result as a table of at most 100 columns, and as JSON."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bitfold.networks.run import Result


def show(result: Result, console: Console) -> None:
    """Print the per-layer table and the summary."""
    device, model = result.device, result.model
    title = f"{result.network.title}, {result.schedule}, {device.name} at {device.clock_mhz:g} MHz"
    console.print(Text(title, "bold"))  # a table would break its title where its columns end
    table = Table(box=SIMPLE_HEAD)
    for name in ("layer", "PE", "SIMD", "folds", "cycles", "weight memory"):
        table.add_column(name, justify="left" if name == "layer" else "right", no_wrap=True)
    for layer in model.layers:
        table.add_row(
            layer.name,
            str(layer.pe) if layer.folds else "",
            str(layer.simd) if layer.folds else "",
            f"{layer.folds[0]} x {layer.folds[1]}" if layer.folds else "",
            f"{layer.cycles:,}",
            str(layer.weights) if layer.weights else "",
        )
    console.print(table)
    lines = [
        (
            "cycle model",
            f"a new image every {model.interval_cycles:,} cycles = {model.fps:,.0f} FPS; "
            f"latency {model.latency_cycles:,} cycles = {model.latency_us:,.2f} us",
        ),
        ("", "(loop iterations at the clock, as FINN counts; filling a pipeline is not counted)"),
        ("accuracy", _accuracy(result)),
        (
            "CPU",
            f"{result.cpu_images_per_s:,.0f} images/s, one thread (compiled in {result.compile_s:.2f} s)",
        ),
        ("HLS project", f"{result.hls_dir} (written in {result.hls_s:.2f} s)"),
    ]
    if result.csim is not None:
        lines.append(("C++ simulation", _csim(result)))
    for name, text in lines:
        console.print(Text.assemble((f"{name + ':' if name else '':<16}", "bold"), text), soft_wrap=True)


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
    model = result.model
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
        "csim": None if found is None else {"images": found.images, "mismatches": found.mismatches},
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
