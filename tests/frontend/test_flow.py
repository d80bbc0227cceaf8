"""Loops that something leaves, loops over constants: on every rung what plain Python gives."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest
from tests.frontend.refusals import HEAD
from tests.strategies import assert_same, load

from bitfold import customize
from bitfold.frontend import parse
from bitfold.ir.nodes import For, While, walk
from bitfold.ir.run import as_python, run_python

KERNELS = {
    "search": """
        y[0] = -1
        for i in range(8):
            if x[i] == x[7]:
                y[0] = i
                break
            y[1] += 1
        else:
            y[2] = 1
    """,
    "the loop variable after the loop": """
        i: int32 = -1
        for i in range(2, 8, 2):
            if x[i] > 4:
                break
        y[0] = i
        for i in range(x[0], x[1]):
            y[1] += i
        y[2] = i
    """,
    "continue below conditions": """
        for i in range(8):
            if x[i] > 0:
                if x[i] % 2:
                    if x[i] > 4:
                        continue
                    y[i] += 1
                y[i] += 10
            y[i] += 100
    """,
    "collatz": """
        for i in range(8):
            n: int32 = x[i]
            while n > 1:
                n = n // 2 if n % 2 == 0 else 3 * n + 1
                y[i] += 1
    """,
    "a condition that must not be evaluated after break": """
        i: int32 = 0
        while x[i] < 5:
            i += 1
            if i == 8:
                break
        y[0] = i
    """,
    "return from nested loops": """
        for i in range(8):
            j: int32 = 0
            while j < 8:
                for k in range(j, 8):
                    y[k] += 1
                    if x[i] + x[j] + x[k] == 11:
                        return
                    if x[k] < 0:
                        break
                j += 1
            y[i] -= x[i]
        y[0] = 1000
    """,
    "return before everything else": """
        if x[0] > 4:
            y[0] = 1
            return
        elif x[1] > 4:
            y[0] = 2
            return
        y[0] = 3
        if x[2] > 4:
            return
        y[1] = 4
    """,
    "break leaves a whole grid": """
        for i, j in grid(4, 2):
            if x[i * 2 + j] > 5:
                break
            y[i] += j + 1
    """,
    "while True and else": """
        n: int32 = 0
        while True:
            n += 1
            if n * n > x[0]:
                break
            if n % 2:
                continue
            y[0] += n
        while n > 0:
            n -= 1
            if x[n % 8] == 3:
                break
        else:
            y[1] = 1
        y[2] = n
    """,
    "range is evaluated once": """
        n: int32 = 5
        for i in range(n, 0, -1):
            n = x[i]
            y[i] = n
        for i in range(max(n, 0)):
            n += 1
        y[0] = n
    """,
    "counting down by steps": """
        for i in range(7, -1, -3):
            y[i] = x[7 - i]
        for i in range(-1, 5, -1):
            y[i] = 99
        for i in range(x[0], x[1], -2):
            y[0] += i * i
    """,
    "a loop over constants": """
        for k, (tap, shift) in enumerate(TAPS):
            if tap < 0:
                continue
            y[k] = x[k] * tap << shift
            if y[k] > 20:
                break
        else:
            y[7] = 1
        for k in static(range(3, 0, -1)):
            y[k] += k
        for a, b in zip((1, 2), NAMES):
            if b == "two":
                y[6] = a
    """,
    "a branch chosen by captured values": """
        if MODE == "relu" and TAPS is not None:
            best: int32 = max(x[0], 0)
        elif MODE in ("abs", "none"):
            best: float = 0.5
        else:
            unknown()
        y[0] = best
    """,
    "jumps inside copies": """
        for i in range(8):
            for k in (1, 2, 3):
                if x[i] == k:
                    break
                if x[i] > 6:
                    return
                y[i] += k
            y[i] += 50
    """,
}
CAPTURED = 'TAPS = ((2, 1), (-1, 0), (3, 2))\nMODE = "relu"\nNAMES = ("one", "two")\n'


def source(name: str) -> str:
    body = textwrap.indent(textwrap.dedent(KERNELS[name]), "    ")
    return f"{HEAD}{CAPTURED}\n\ndef kernel(x: int32[8], y: int32[8]):\n{body}"


SIMULATED = ("collatz", "return from nested loops", "range is evaluated once", "counting down by steps")


@pytest.mark.parametrize("name", KERNELS)
def test_every_rung_leaves_loops_as_python_does(name: str, tmp_path):
    kernel = load(source(name))["kernel"]
    schedule = customize(kernel)
    assert parse(as_python(schedule.program)) == schedule.program
    cpu = schedule.build(target="llvm")
    hls = schedule.build(target="hls", project=tmp_path) if name in SIMULATED else cpu
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 9, (40, 8)).astype(np.int32)
    wanted = np.zeros_like(x)
    for i, row in enumerate(x):
        kernel(row.copy(), wanted[i])
        ran = np.zeros(8, np.int32)
        run_python(schedule.program, row, ran)
        assert_same([ran], [wanted[i]])
    compiled, simulated = np.zeros_like(x), np.zeros_like(x)
    cpu(x, compiled)
    hls(x, simulated)
    assert_same([compiled, simulated], [wanted, wanted])


def body_of(name: str) -> str:
    return str(customize(load(source(name))["kernel"]))


def test_a_flag_that_nobody_reads_is_not_made():
    assert "returned" not in body_of("a branch chosen by captured values")
    text = body_of("return before everything else")
    assert text.count("returned") == 0
    text = body_of("search")
    assert "if not broke:" in text
    assert "returned" not in text


def test_nan_takes_the_branch_that_it_takes_in_python():
    body = "if x[i] < float32(1):\n            continue\n        else:\n            y[i] = 1"
    text = f"{HEAD}def kernel(x: float32[3], y: int32[3]):\n    for i in range(3):\n        {body}\n"
    schedule = customize(load(text)["kernel"])
    x, compiled, ran = np.array([0.5, 1.5, np.nan], np.float32), np.zeros(3, np.int32), np.zeros(3, np.int32)
    schedule.build(target="llvm")(x, compiled)
    run_python(schedule.program, x, ran)
    assert compiled.tolist() == ran.tolist() == [0, 1, 1]


def test_a_for_loop_with_a_break_keeps_its_constant_range():
    program = parse(load(source("search"))["kernel"])
    (loop,) = (s for s in walk(program.top.body) if isinstance(s, For))
    assert loop.trips == 8
    assert not any(isinstance(s, While) for s in walk(program.top.body))


def test_a_kernel_called_after_a_return_is_no_part_of_the_program():
    helper = f"{HEAD}def helper(x: int8[4]):\n    x[0] = 1\n\n\n"
    program = parse(load(f"{helper}def kernel(x: int8[4]):\n    return\n    helper(x)\n")["kernel"])
    assert [f.name for f in program.functions] == ["kernel"]
    assert program.top.body == ()
