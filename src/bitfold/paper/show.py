"""The comparison in the terminal, as Markdown and as a page of HTML."""

from __future__ import annotations

from importlib.resources import files

from markupsafe import Markup
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bitfold.paper.compare import WITHIN, Comparison, Figure
from bitfold.report.page import environment

HEADS = {
    "fps": "images/s",
    "latency_us": "latency, us",
    "lut": "LUT",
    "bram36": "BRAM36",
    "accuracy": "accuracy",
}
"""What the figures are called, in order."""

NOTES = (
    "Ours: rates, latencies, LUTs and block RAMs are modelled, for the foldings of the schedules finn_max"
    " and finn_fix, which are derived from the paper's rates; nothing has been through Vivado. Rates are "
    "those of the word-by-word simulation, in which layers wait for each other, latencies sums over the "
    "layers. LUTs and "
    "block RAMs include the shell. Accuracies are measured on this computer's CPU with the scheduled "
    "program and weights of our own.",
    "The paper's (FPGA 2017): published figures of designs on the ZC706 at 200 MHz. Figures with a * are "
    "recalled from its table, not copied from it. Certain is only what the abstract states: 12.3 million "
    "images/s, 0.31 us and 95.8 % for SFC-max, 21,906 images/s, 283 us and 80.1 % for CNV-max; the "
    "further digits of SFC-max's are recalled. The paper gives an accuracy for each network, not for each"
    " folding.",
    f"Rates and latencies are to be within {WITHIN:.0%} of the paper's.",
)


def shown(name: str, value: float) -> str:
    """A figure as a reader expects it."""
    if name == "accuracy":
        return f"{value:.2%}"
    if name == "latency_us":
        return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
    return f"{value:,.1f}".removesuffix(".0") if name == "bram36" else f"{value:,.0f}"


def theirs(figure: Figure) -> str:
    """The paper's figure, with a * when it is recalled."""
    return shown(figure.name, figure.theirs) + ("*" if figure.source == "recalled" else "")


def deviation(figure: Figure) -> str:
    """How far ours is from theirs: in percent of theirs, of accuracies in points."""
    return (
        f"{100 * figure.deviation:+.2f} points" if figure.name == "accuracy" else f"{figure.deviation:+.1%}"
    )


def verdict(figure: Figure) -> str:
    return "" if figure.met is None else "pass" if figure.met else "FAIL"


def data_of(comparison: Comparison) -> str:
    """What the accuracies were measured on."""
    sets = {
        f"{d.network.upper()} on {d.images:,} images ({d.data})": None for d in comparison.designs if d.data
    }
    return f"Accuracies measured: {'; '.join(sets)}." if sets else "Accuracies were not measured."


def notes_of(comparison: Comparison, star: str = "with a *") -> tuple[str, ...]:
    """What a reader has to know; `star` says how recalled figures are marked."""
    return (*(n.replace("with a *", star) for n in NOTES), data_of(comparison))


def summary(comparison: Comparison) -> str:
    """Whether all rates and latencies are close enough, and which are not."""
    if comparison.met:
        return f"All rates and latencies are within {WITHIN:.0%} of the paper's."
    missed = ", ".join(f"{d.title}'s {HEADS[f.name]} ({deviation(f)})" for d, f in comparison.missed)
    return f"Not within {WITHIN:.0%} of the paper's: {missed}."


def show(comparison: Comparison, console: Console) -> None:
    """Print a table with a line for each figure."""
    title = f"FINN's designs on the {comparison.device} at {comparison.clock_mhz:g} MHz"
    console.print(Text(title, "bold"))
    table = Table(box=SIMPLE_HEAD)
    table.add_column("design", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in ("ours", "how", "paper", "deviation", "within 5 %"):
        table.add_column(name, justify="left" if name == "how" else "right", no_wrap=True)
    for design in comparison.designs:
        for n, f in enumerate(design.figures):
            style = "bold red" if f.met is False else ""
            table.add_row(
                design.title if n == 0 else "",
                HEADS[f.name],
                shown(f.name, f.ours),
                f.how,
                theirs(f),
                deviation(f),
                verdict(f),
                style=style,
                end_section=n == len(design.figures) - 1,
            )
    console.print(table)
    for note in notes_of(comparison):
        console.print(note)
    console.print(Text(summary(comparison), "bold" if comparison.met else "bold red"))


def markdown(comparison: Comparison) -> str:
    """The comparison as Markdown."""
    lines = [
        f"# FINN's designs on the {comparison.device} at {comparison.clock_mhz:g} MHz",
        "",
        "| design | figure | ours | how | paper | source | deviation | within 5 % |",
        "|---|---|---:|---|---:|---|---:|---|",
    ]
    for d in comparison.designs:
        lines += [
            f"| {d.title} | {HEADS[f.name]} | {shown(f.name, f.ours)} | {f.how} | {shown(f.name, f.theirs)} "
            f"| published, {f.source} | {deviation(f)} | {verdict(f)} |"
            for f in d.figures
        ]
    for text in (*notes_of(comparison, "marked recalled"), f"**{summary(comparison)}**"):
        lines += ["", text]
    return "\n".join(lines) + "\n"


def html(comparison: Comparison) -> str:
    """The comparison as a page that needs nothing else, in the style of a report."""
    made = environment("bitfold.paper")
    made.filters |= {"theirs": theirs, "deviation": deviation, "verdict": verdict}
    style = (files("bitfold.report") / "templates" / "style.css").read_text(encoding="utf-8")
    return made.get_template("paper.html.j2").render(
        c=comparison,
        style=Markup(style),
        heads=HEADS,
        shown=shown,
        notes=notes_of(comparison, "marked recalled"),
        summary=summary(comparison),
    )
