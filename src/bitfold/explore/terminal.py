"""An exploration in the terminal: a progress bar, and the front as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bitfold.explore.explore import Explored
from bitfold.explore.points import Job

SHOWN = 20
"""Designs in the table at most; the files have all."""


@contextmanager
def progress(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar while an exploration runs, if `console` is a terminal; gives what `explore` calls `progress`."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("exploring", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def show(job: Job, found: Explored, console: Console) -> None:
    """Print the front, thinned out evenly where it is long, and where it is written."""
    points = found.points
    title = f"{job.network.upper()} on the {job.device.name} at {job.device.clock_mhz:g} MHz: "
    console.print(Text(f"{title}{len(points):,} designs that no other beats in {', '.join(job.objectives)}"))
    table = Table(box=SIMPLE_HEAD)
    for name in ("FPS", "latency us", "LUT", "BRAM36", "FF", "PE x SIMD of the layers"):
        table.add_column(name, justify="left" if name.startswith("PE") else "right")
    count = min(SHOWN, len(points))
    for k in range(count):
        p = points[k * (len(points) - 1) // max(1, count - 1)]
        folding = " ".join(f"{pe}x{simd}" for _, pe, simd in p.folding)
        cells = (f"{p.fps:,.0f}", f"{p.latency_us:,.2f}", f"{p.lut:,}", f"{p.bram36:g}", f"{p.ff:,}")
        table.add_row(*cells, folding)
    console.print(table)
    if found.resumed:
        console.print(f"{found.resumed} of {found.tasks} parts were solved before")
    console.print(f"written: {', '.join(map(str, found.files))}", soft_wrap=True)
