"""Measure the CPU seconds from Python to HLS C++, and how they grow with the kernel and its schedule.

python benchmarks/compile.py
"""

from __future__ import annotations

import linecache
import sys
import time
from collections.abc import Iterator
from typing import Any

from table import Row, show

from bitfold import Partition, Schedule, customize
from bitfold.build.hls.emit import emit
from bitfold.lowering.pipeline import lower_to_hls

SECONDS_100_LINES = 1.0
SECONDS_4096_STATEMENTS = 5.0
GROWTH = 2.5  # how many times more than ten times as long ten times as much may take
ROUNDS = 5

_STAGE = """\
    h{n} = empty(int16[32, 32])
    for i{n} in range(32):
        for j{n} in range(32):
            acc{n}: int32 = 0
            for k{n} in range(32):
                acc{n} += {a}[i{n}, k{n}] * w[k{n}, j{n}]
            if acc{n} > 100:
                h{n}[i{n}, j{n}] = acc{n} >> 3
            else:
                h{n}[i{n}, j{n}] = min(acc{n}, 7) + {a}[i{n}, j{n}]
"""


def kernel(source: str, name: str) -> Any:
    """The function `kernel` of a module with this source, which the front end can read back."""
    file = f"<{name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(source, file, "exec"), namespace)
    return namespace["kernel"]


def chain(stages: int) -> str:
    """A kernel of `stages` products of matrices one after the other, ten lines each."""
    head = "from bitfold.lang import *\ndef kernel(x: int16[32, 32], w: int16[32, 32], y: int16[32, 32]):\n"
    body = "".join(_STAGE.format(n=n, a=f"h{n - 1}" if n else "x") for n in range(stages))
    return f"{head}{body}    for a, b in grid(32, 32):\n        y[a, b] = h{stages - 1}[a, b]\n"


def fold(s: Schedule, n: int) -> Iterator[None]:
    """Five steps on stage `n`, one at a time."""
    _, inner = s.split(f"j{n}", 4)
    yield
    s.reorder(f"j{n}_o", f"k{n}", inner)
    yield
    s.unroll(inner)
    yield
    s.pipeline(f"k{n}")
    yield
    s.partition(f"h{n}", Partition.Cyclic, dim=2, factor=4)
    yield


def compiled(function: Any, steps: int = 0) -> float:
    """CPU seconds from a Python function to HLS text, `steps` of a schedule among them."""
    began = time.process_time()
    s = customize(function)
    done = 0
    while done < steps:
        for _ in fold(s, done // 5):
            done += 1
    emit(lower_to_hls(s.program))
    return time.process_time() - began


def unrolled(count: int) -> float:
    """CPU seconds to HLS text for a loop of `count` iterations unrolled whole."""
    function = kernel(
        "from bitfold.lang import *\n"
        f"def kernel(x: int16[{count}], y: int32[{count}]):\n"
        f"    for i in range({count}):\n        y[i] = x[i] * 3 + i\n",
        "unrolled",
    )
    began = time.process_time()
    s = customize(function)
    s.partition("x")
    s.partition("y")
    s.unroll("i")
    emit(lower_to_hls(s.program))
    return time.process_time() - began


def straight(count: int) -> Any:
    """A kernel of `count` statements without a loop."""
    lines = (f"    y[{i}] = x[{i}] * {i % 97 + 1} + x[{i * 7 % count}]\n" for i in range(count))
    head = f"from bitfold.lang import *\ndef kernel(x: int16[{count}], y: int32[{count}]):\n"
    return kernel(head + "".join(lines), "straight")


def main() -> int:
    compiled(kernel(chain(1), "first"))  # imports and caches
    small = min(compiled(kernel(chain(10), "small"), 15) for _ in range(ROUNDS))
    large = min(compiled(kernel(chain(100), "large"), 15) for _ in range(ROUNDS))
    both = min(compiled(kernel(chain(100), "both"), 150) for _ in range(2))
    whole = min(unrolled(4096) for _ in range(ROUNDS))
    flat = min(compiled(straight(4096)) for _ in range(2))
    limit = 10 * GROWTH * small
    rows = [
        Row(
            "100 lines, 15 steps", f"{SECONDS_100_LINES:g} s", f"{small:.2f} s", small < SECONDS_100_LINES, ""
        ),
        Row(
            "1,000 lines, 15 steps",
            f"{limit:.1f} s",
            f"{large:.2f} s",
            large < limit,
            f"{large / small:.1f} x",
        ),
        Row(
            "1,000 lines, 150 steps", f"{limit:.1f} s", f"{both:.2f} s", both < limit, f"{both / small:.1f} x"
        ),
        Row("4,096 iterations unrolled", "5 s", f"{whole:.2f} s", whole < SECONDS_4096_STATEMENTS, ""),
        Row(
            "4,096 statements", "5 s", f"{flat:.2f} s", flat < SECONDS_4096_STATEMENTS, "written out, no loop"
        ),
    ]
    return show("From Python to HLS C++ (best of some rounds; limits as multiples of the first row)", rows)


if __name__ == "__main__":
    sys.exit(main())
