"""Divisions by what a condition says is not 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.frontend.refusals import check_refused
from tests.strategies import KernelCase, assert_same, load

from bitfold import customize
from bitfold.build.llvm.jit import CpuModule
from bitfold.frontend import parse
from bitfold.ir.run import as_python, run_python

HEAD = "from bitfold.lang import *\n\ndef kernel(x: int8[4], d: int8[4], u: uint8[4], y: int16[4]):\n"
STATE = (
    "from bitfold.lang import *\n\nstate = stateful(int8[2], 1)\n\n"
    "def zero(i: uint8):\n    state[i] = 0\n\n" + HEAD.partition("\n\n")[2]
)
BODIES = {
    "if": "for i in range(4):\n    if d[i] != 0:\n        y[i] = x[i] // d[i] + x[i] % d[i]",
    "a value": "for i in range(4):\n    if d[i]:\n        y[i] = x[i] // d[i]",
    "else": "for i in range(4):\n    if d[i] == 0:\n        y[i] = -1\n    else:\n        y[i] = x[i] % d[i]",
    "elif": (
        "for i in range(4):\n    if d[i] > 0:\n        y[i] = x[i] // d[i]\n    elif d[i] < 0:\n"
        "        y[i] = x[i] % d[i]"
    ),
    "inside an expression": (
        "for i in range(4):\n"
        "    y[i] = x[i] // d[i] if d[i] != 0 else x[i] // (d[i] - 1) if d[i] - 1 != 0 else 7"
    ),
    "other bounds": (
        "for i in range(4):\n    y[i] = x[i] % u[i] if 3 <= u[i] < 9 else x[i] // u[i] if u[i] == 9 else 0"
    ),
    "and": (
        "for i in range(4):\n    if u[i] != 0 and x[i] // u[i] > 3 and d[i] < -2:\n"
        "        y[i] = x[i] // u[i] // d[i]"
    ),
    "or": "for i in range(4):\n    if not (u[i] == 0 or x[i] % u[i] > 3):\n        y[i] = x[i] // u[i]",
    "an early end": (
        "if u[0] == 0:\n    return\ny[0] = x[0] // u[0]\nfor i in range(4):\n    if d[i] == 0:\n"
        "        continue\n    y[i] = x[i] // u[0] // d[i]"
    ),
    "gcd": (
        "for i in range(4):\n    a: int16 = x[i]\n    b: int16 = d[i]\n    while b != 0:\n"
        "        a, b = b, a % b\n    y[i] = a"
    ),
    "changed afterwards": (
        "for i in range(4):\n    if d[i] != 0:\n        d[i] = x[i] // d[i]\n        y[i] += d[i]"
    ),
    "by hand": "for i in range(4):\n    y[i] = x[i] // (d[i] if d[i] != 0 else 3)",
    "values": (
        "for i in range(4):\n    y[i] = int(u[i] == 0 or x[i] // u[i] > 3)\n"
        "    y[i] += int(u[i] and x[i] % u[i])"
    ),
    "never": "y[0] = x[0] // u[0] if u[0] < 0 else u[0]\ny[1] = int(u[1] >= 0 or x[0] // u[0] > 3)",
    "a loop whose calls use its variable": (
        "if d[0] > 0:\n    for j in range(3):\n        y[j] = ((-j) + d).any()\n"
        "    y[3] = x[0] // (d[0] if d[0] != 0 else 1)"
    ),
    "updates": "for i in range(4):\n    if d[i] != 0:\n        y[i] //= d[i]\n        y[i] %= d[i]",
}


def case(name: str) -> KernelCase:
    return KernelCase(HEAD + "".join(f"    {line}\n" for line in BODIES[name].splitlines()), {})


def arguments(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.choice(np.array([-128, 127, 5, -7, 0], np.int8), 4)
    return [
        x,
        rng.integers(-2, 3, 4).astype(np.int8),
        rng.integers(0, 11, 4).astype(np.uint8),
        np.zeros(4, np.int16),
    ]


@pytest.mark.parametrize("name", BODIES)
def test_it_means_what_python_means(name: str) -> None:
    tested = case(name)
    assert parse(as_python(tested.program)) == tested.program
    compiled = CpuModule(tested.program)
    for seed in range(20):
        args = arguments(seed)
        expected = tested.run(args)
        for run in (lambda *a: run_python(tested.program, *a), compiled):
            after = [a.copy() for a in args]
            run(*after)
            assert_same(after, expected)


@pytest.mark.csim
def test_every_rung(tmp_path: Path) -> None:
    calls = "".join(f"    part{i}(x, d, u, y{i})\n" for i in range(len(BODIES)))
    parts = "".join(
        case(name).source.replace("def kernel", f"def part{i}").partition("\n\n")[2]
        for i, name in enumerate(BODIES)
    )
    ports = "".join(f", y{i}: int16[4]" for i in range(len(BODIES)))
    whole = KernelCase(
        f"from bitfold.lang import *\n\n{parts}"
        f"def kernel(x: int8[4], d: int8[4], u: uint8[4]{ports}):\n{calls}",
        {},
    )
    args = [*arguments(3)[:3], *(np.zeros(4, np.int16) for _ in BODIES)]
    expected = whole.run(args)
    module = customize(load(whole.source)["kernel"]).build(target="hls", project=tmp_path / "divisions")
    module(*args)
    assert_same(args, expected)


REFUSED = {
    "nothing known": "y[0] = x[0] // «d[0]»",
    "0 is allowed": "if d[0] >= 0:\n    y[0] = x[0] // «d[0]»",
    "another element": "if d[0] != 0:\n    y[0] = x[0] // «d[1]»",
    "the other branch": "if d[0] != 0:\n    y[0] = 1\nelse:\n    y[0] = x[0] // «d[0]»",
    "after the block": "if d[0] != 0:\n    y[0] = 1\ny[0] = x[0] // «d[0]»",
    "one of two": "if d[0] != 0 or x[0] > 1:\n    y[0] = x[0] // «d[0]»",
    "changed before": "if d[0] != 0:\n    d[0] -= 1\n    y[0] = x[0] // «d[0]»",
    "changed in a loop": (
        "if d[0] != 0:\n    for i in range(4):\n        y[i] = x[i] // «d[0]»\n        d[0] -= 1"
    ),
    "changed by a kernel": (
        "def less(a: int8[4]):\n    a[0] -= 1\nif d[0] != 0:\n    less(d)\n    y[0] = x[0] // «d[0]»"
    ),
    "no early end": "if d[0] == 0:\n    y[1] = 1\ny[0] = x[0] // «d[0]»",
    "changed by another name": "row = d[:2]\nif d[0] != 0:\n    row[0] = 0\n    y[0] = x[0] // «d[0]»",
    "changed by another name in a loop": (
        "if d[0] != 0:\n    for i in range(2):\n        y[0] = x[0] // «d[0]»\n        row = d[:2]\n"
        "        row[0] = 0"
    ),
    "changed by a kernel inside": (
        "def clear():\n    d[0] = 0\nif d[0] != 0:\n    clear()\n    y[0] = x[0] // «d[0]»"
    ),
    "a state changed by a kernel": ("if state[0] != 0:\n    zero(u[0])\n    y[0] = x[0] // «state[0]»"),
    "an end of an inner block": "for i in range(4):\n    if d[0] == 0:\n        break\ny[0] = x[0] // «d[0]»",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_zero_is_refused(name: str) -> None:
    lines = "".join(f"    {line}\n" for line in REFUSED[name].splitlines())
    check_refused(STATE + lines, "the divisor can be 0", "below `if d != 0:`")


def test_fixed_point() -> None:
    source = """
from bitfold.lang import *

def kernel(g: Fixed(12, 4)[4], h: Fixed(14, 6)[4], d: int8[4], y: int16[4]):
    for i in range(4):
        if d[i] != 0:
            y[i] = int(g[i] // d[i])
        if h[i] != 0:
            y[i] += int(g[i] // h[i])
        y[i] += int(g[i] % (h[i] if h[i] != 0 else 3))
"""
    tested = KernelCase(source, {})
    for seed in range(20):
        rng = np.random.default_rng(seed)
        g, h = rng.integers(-2048, 2048, 4) / 16, rng.integers(-2, 3, 4) / 64
        args = [g, h, rng.integers(-2, 3, 4).astype(np.int8), np.zeros(4, np.int16)]
        expected = tested.run(args)
        CpuModule(tested.program)(*args)
        assert_same(args, expected)
