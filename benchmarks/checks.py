"""What check= costs: the time of checked builds over unchecked ones, on the CPU.

    python benchmarks/checks.py [--seconds 1]

Each kernel runs on random inputs that no check objects to; the time is CPU time, the least of several runs
of at least a fifth of `--seconds` each. "plain" is the kernel as written, unscheduled: what a
checked build is made from.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bitfold import customize
from bitfold.lang import int8, int16, int32, uint8


def matmul(a: int8[64, 64], b: int8[64, 64], c: int32[64, 64]):
    for i in range(64):
        for j in range(64):
            acc: int32 = 0
            for k in range(64):
                acc += a[i, k] * b[k, j]
            c[i, j] = acc


def histogram(x: uint8[4096], h: int32[256]):
    for i in range(256):
        h[i] = 0
    for j in range(4096):
        h[x[j]] += 1


def gather(x: int16[1000], at: int16[4096], y: int16[4096]):
    for i in range(4096):
        y[i] = x[at[i]] + 1


def blur(x: uint8[66, 66], y: uint8[64, 64]):
    for i in range(64):
        for j in range(64):
            total: int16 = 0
            for p in range(3):
                for q in range(3):
                    total += x[i + p, j + q]
            y[i, j] = total // 9


def inputs(kernel: Any, rng: np.random.Generator) -> list[np.ndarray]:
    """Arguments for one call, indices inside their arrays."""
    types = [p.type for p in customize(kernel).program.arguments]
    made = [rng.integers(0, 100, t.dims).astype(t.elem.storage) for t in types]
    if kernel is gather:
        made[1] = rng.integers(0, 1000, 4096).astype(np.int16)
    return made


def microseconds(run: Callable[[], None], seconds: float) -> float:
    """The least time of a call, of five series."""
    start, calls = time.process_time(), 0
    while time.process_time() - start < seconds / 10:
        run()
        calls += 1
    calls = max(1, 2 * calls)
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(calls):
            run()
        best = min(best, (time.process_time() - start) / calls)
    return best * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each number (1)")
    seconds = parser.parse_args().seconds
    rng = np.random.default_rng(0)
    table = Table(title="checked builds on the CPU, one thread, per call")
    for name in ("kernel", "plain", "overflow", "bounds", "both"):
        table.add_column(name, justify="right")
    for kernel in (matmul, histogram, gather, blur):
        args = inputs(kernel, rng)
        times = []
        for check in ((), "overflow", "bounds", ("overflow", "bounds")):
            module = customize(kernel).build(check=check)
            times.append(microseconds(lambda module=module, args=args: module(*args), seconds))
        cells = [f"{times[0]:.1f} us", *(f"{t:.1f} us ({t / times[0]:.2f}x)" for t in times[1:])]
        table.add_row(kernel.__name__, *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
