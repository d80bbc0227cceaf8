"""Compare the cycle model with the paper: the rates and latencies of its six designs on the ZC706.

    python benchmarks/paper.py

`bitfold paper` shows the same with LUTs, block RAMs and accuracies. All of the paper's figures but those of
its abstract are recalled (src/bitfold/report/published.py).
"""

from __future__ import annotations

import sys

from table import Row, show

from bitfold.paper.compare import WITHIN, compare
from bitfold.paper.show import HEADS, deviation, shown


def main() -> int:
    rows = [
        Row(
            f"{design.title}, {HEADS[f.name]}",
            f"{shown(f.name, f.theirs)} +- {WITHIN:.0%}",
            f"{shown(f.name, f.ours)} ({deviation(f)})",
            f.met,
            f"{design.schedule}; the paper's: {f.source}",
        )
        for design in compare(accuracy=False)
        for f in design.figures
        if f.met is not None
    ]
    return show("rates and latencies against the paper", rows)


if __name__ == "__main__":
    sys.exit(main())
