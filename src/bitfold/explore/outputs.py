"""The front as files: CSV, a plot, and Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bitfold.diagnostics import BuildError
from bitfold.explore.plot import plot
from bitfold.explore.points import Job, Point


def rows(points: Sequence[Point]) -> list[dict[str, Any]]:
    """A row for each point; the folding as `layer=PExSIMD` with blanks between."""
    found = []
    for point in points:
        row = asdict(point)
        row["folding"] = " ".join(f"{name}={pe}x{simd}" for name, pe, simd in point.folding)
        found.append(row)
    return found


def write(job: Job, points: Sequence[Point], folder: Path) -> tuple[Path, ...]:
    """Write the files; returns their paths. Raises BuildError when one cannot be written."""
    made = [folder / "front.csv", folder / "front.svg"]
    try:
        made[0].write_text(_csv(points), encoding="utf-8", newline="")
        made[1].write_text(plot(job, points), encoding="utf-8")
        parquet = _parquet(points, folder / "front.parquet")
    except OSError as error:
        raise BuildError(
            f"the front cannot be written to {folder}: {error.strerror}",
            code="BF-B001",
            remedy="name another, writable folder with --out",
        ) from None
    return (*made, parquet) if parquet is not None else tuple(made)


def _csv(points: Sequence[Point]) -> str:
    text = io.StringIO()
    table = rows(points)
    writer = csv.DictWriter(text, list(table[0]) if table else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def _parquet(points: Sequence[Point], path: Path) -> Path | None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return None
    parquet.write_table(pyarrow.Table.from_pylist(rows(points)), path)
    return path
