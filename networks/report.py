"""A run's result as a table of at most 100 columns, and as JSON."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bitfold import markup
from bitfold.autofold import Chosen, schedule_file
from bitfold.model.resources import SHELL, Resources
from bitfold.networks.run import Result
from bitfold.report import Build, Measured, content, folding_found, folding_of


def show(result: Result, console: Console) -> None:
    """Print the per-layer table and the summary."""
    model = result.model
    headline(result, console)
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
            *_cells(kernels.pop(layer.name, Resources())),
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
        *[("", f"(at least: how often the loop at {s} runs depends on data)") for s in model.data_dependent],
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


def headline(result: Result, console: Console) -> None:
    """What the result is of."""
    device = result.device
    title = f"{result.network.title}, {result.schedule}, {device.name} at {device.clock_mhz:g} MHz"
    console.print(Text(title, "bold"))  # a table would break its title where its columns end


def point(page: Path, console: Console) -> None:
    """Say where the report lies."""
    console.print(Text.assemble((f"{'report:':<16}", "bold"), str(page)), soft_wrap=True)


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
    asked = None if result.folding is None else result.folding.requirement.latency_us
    first_us = found.latency_cycles / result.device.clock_mhz
    if asked is not None and first_us > asked:
        lines.append(
            (
                "",
                f"(the first image is done after {first_us:,.4g} us, later than the {asked:g} us asked for)",
            )
        )
    return lines


_NAMED = 20
"""Up to so many images without labels, the classes found are printed."""


def _accuracy(result: Result) -> str:
    if result.accuracy is None:
        text = f"unknown: {result.data} has no labels ({result.images:,} images classified)"
        found = _classes(result)
        return f"{text}; found: {', '.join(found)}" if found else text
    return f"{result.accuracy:.2%} of {result.images:,} images ({result.data})"


def _csim(result: Result) -> str:
    assert result.csim is not None
    count, wrong = result.csim.images, result.csim.mismatches
    if not wrong:
        return f"{count:,} images, all scores and classes equal to the CPU's, bit for bit"
    return f"{wrong:,} output words of {count:,} images DIFFER from the CPU's; {result.csim.detail}"


def as_json(result: Result) -> dict[str, Any]:
    """The result as JSON values; `bitfold.report.schema()` describes them."""
    return content(build_of(result))


def build_of(result: Result) -> Build:
    """What a report of a run is made of. The reasons for its folding take a second or two to find."""
    found = result.csim
    return Build(
        network=result.network.name,
        title=result.network.title,
        schedule=result.schedule,
        program=result.program,
        device=result.device,
        model=result.model,
        resources=result.resources,
        simulated=result.simulated,
        folding=folding_of(result.unscheduled, result.model, result.resources)
        if result.folding is None
        else folding_found(result.folding, result.model),
        measured=Measured(
            data=result.data,
            images=result.images,
            accuracy=result.accuracy,
            cpu_images_per_s=result.cpu_images_per_s,
            compile_s=result.compile_s,
            hls_s=result.hls_s,
            csim=None if found is None else (found.images, found.mismatches),
            found=_classes(result) if result.accuracy is None else (),
        ),
        project=result.hls_dir,
        cpp=(f"{result.network.name}.cpp", result.cpp),
    )


def notebook(result: Result) -> str:
    """A run as a small piece of HTML."""
    model = result.model
    accuracy = "unknown" if result.accuracy is None else f"{result.accuracy:.2%} of {result.images:,} images"
    rows = [
        ("rate, modelled", f"{model.fps:,.0f} images/s"),
        ("latency, modelled", f"{model.latency_us:,.2f} us"),
        ("resources, modelled", _resources(result)),
        ("accuracy, measured", accuracy),
        ("CPU, measured", f"{result.cpu_images_per_s:,.0f} images/s"),
        ("HLS project", str(result.hls_dir)),
    ]
    title = f"{result.network.title}, {result.schedule}, {result.device.name}"
    return markup.table(title, (), rows) + model._repr_html_()


def _classes(result: Result) -> tuple[str, ...]:
    """What a few images were found to be; none of many."""
    if result.images > _NAMED:
        return ()
    names = result.network.classes
    return tuple(names[k] if k < len(names) else str(k) for k in result.labels.tolist())
