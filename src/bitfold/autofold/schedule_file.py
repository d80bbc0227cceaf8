"""A chosen folding as an ordinary schedule file, to read, edit and run."""

from __future__ import annotations

from textwrap import wrap

from bitfold.autofold.result import Chosen

NAME = "folding"
"""The file is folding.py, its function folding."""

WIDTH = 108


def schedule_text(chosen: Chosen) -> str:
    """The file's Python. The same choice gives the same text."""
    device, cost = chosen.device, chosen.cost
    lines = [
        f'"""The folding of {chosen.network} for {chosen.requirement} on the {device.name}.',
        "",
        f"An image every {chosen.interval_cycles:,} cycles: {chosen.fps:,.0f} images/s at "
        f"{device.clock_mhz:g} MHz; latency {chosen.latency_us:,.2f} us;",
        f"{cost.lut:,} LUT, {cost.bram36:g} BRAM36, {cost.ff:,} FF, by the models and without the shell.",
        *wrap(f"Why no other: {chosen.why}.", WIDTH),
        "",
        f"    bitfold run {chosen.network} --schedule {NAME}.py:{NAME}",
        '"""',
        "",
        "from bitfold.schedule import Schedule",
        "from bitfold.schedules.folding import fold_layers",
        "",
        "# (PE, SIMD) of each layer.",
        "FOLDING = {",
    ]
    for layer in chosen.layers:
        lines.append(f"    # {layer.cycles:,} cycles: {layer.reason}")
        lines.append(f'    "{layer.name}": ({layer.pe}, {layer.simd}),')
    lines += [
        "}",
        "",
        "",
        f"def {NAME}(s: Schedule) -> None:",
        '    """Apply this folding to a network."""',
        "    fold_layers(s, FOLDING)",
    ]
    return "\n".join(lines) + "\n"
