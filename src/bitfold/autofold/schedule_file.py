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
        why = f"{layer.cycles:,} cycles: {layer.reason}"
        lines += wrap(why, WIDTH, initial_indent="    # ", subsequent_indent="    # ")
        lines.append(f'    "{layer.name}": ({layer.pe}, {layer.simd}),')
    for name, count in chosen.others:
        lines += [f"    # {count} elements in a cycle", f'    "{name}": (1, {count}),']
    lines.append("}")
    if chosen.depths:
        lines += ["", "# Words of channels that would otherwise keep layers waiting.", "DEPTHS = {"]
        lines += [f'    "{name}": {depth},' for name, depth in chosen.depths]
        lines.append("}")
    lines += [
        "",
        "",
        f"def {NAME}(s: Schedule) -> None:",
        '    """Apply this folding to a network."""',
        f"    fold_layers(s, FOLDING{', DEPTHS' if chosen.depths else ''})",
    ]
    return "\n".join(lines) + "\n"
