"""What the benchmarks share: rows of limits and measurements, and how they are shown."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass
class Row:
    """One promise: its limit, what was measured here and now, whether that meets it, and how."""

    what: str
    limit: str
    measured: str
    met: bool
    how: str


def show(title: str, rows: Sequence[Row]) -> int:
    """Print the rows; returns the exit status, 0 when all are met."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table(title=title)
    for name in ("what", "limit", "measured", "met", "how"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(row.what, row.limit, row.measured, "yes" if row.met else "NO", row.how)
    console.print(table)
    return 0 if all(row.met for row in rows) else 1


def timed(call: Callable[[], object]) -> float:
    """Seconds that the call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
