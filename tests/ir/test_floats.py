"""Float expressions: what they print as, what they parse back to, and that they compute as NumPy does."""

from __future__ import annotations

import numpy as np
import pytest
from tests.strategies import load

from bitfold.frontend import parse
from bitfold.ir.nodes import Program
from bitfold.ir.printer import program_text
from bitfold.ir.run import run_python
from bitfold.ir.verify import verify
from bitfold.lang import typed

HEAD = (
    "import math\n\nimport numpy as np\n\nfrom bitfold.lang import *\n\nALPHA = 0.1\nBETA = np.float32(0.3)\n"
)
PARAMETERS = "x: float32[4], h: float16[4], d: float64[4], n: int8[4], y: float32[4], o: int32[4]"


def program(body: str) -> Program:
    found = parse(
        load(f"{HEAD}\n\ndef kernel({PARAMETERS}):\n    for i in range(4):\n        {body}\n")["kernel"]
    )
    verify(found)
    return found


def line(body: str) -> str:
    return program_text(program(body)).splitlines()[-1].strip()


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("y[i] = x[i] + 0.1", "y[i] = x[i] + 0.1"),
        ("y[i] = x[i] * 2", "y[i] = x[i] * 2.0"),
        ("y[i] = x[i] * i", "y[i] = x[i] * float32(i)"),
        ("y[i] = ALPHA", "y[i] = 0.1"),
        ("y[i] = x[i] * BETA", "y[i] = x[i] * 0.3"),
        ("d[i] = x[i] * d[i]", "d[i] = float64(x[i]) * d[i]"),
        ("y[i] = x[i] + d[i]", "y[i] = float32(float64(x[i]) + d[i])"),
        ("y[i] = 0.5 * i + x[i]", "y[i] = float32(0.5 * float(i)) + x[i]"),
        ("y[i] = x[i] / h[i]", "y[i] = x[i] / float32(h[i])"),
        ("y[i] = max(x[i], 0)", "y[i] = max(x[i], float32(0.0))"),
        ("y[i] = x[i] if x[i] > 0 else -x[i]", "y[i] = x[i] if x[i] > 0.0 else -x[i]"),
        ("o[i] = int(x[i])", "o[i] = trunc(x[i])"),
        ("o[i] = int8(x[i])", "o[i] = int8(trunc(x[i]))"),
        ("o[i] = round(d[i])", "o[i] = trunc(rint(d[i]))"),
        ("o[i] = int(x[i] < d[i]) + 1", "o[i] = int(float64(x[i]) < d[i]) + 1"),
        ("o[i] = int(x[i] < 2) == n[i]", "o[i] = int(x[i] < 2.0) == n[i]"),
        ("o[i] = not x[i]", "o[i] = not x[i] != 0.0"),
        ("o[i] += not x[i] == 0.5 and n[i] == 1", "o[i] += not x[i] == 0.5 and n[i] == 1"),
        ("y[i] = float('nan')", 'y[i] = float32("nan")'),
        ("y[i] = -math.inf", 'y[i] = float32("-inf")'),
        ("y[i] = x[i] - -0.0", "y[i] = x[i] - -0.0"),
        ("y[i] = exp(x[i]) + sqrt(2.0)", "y[i] = exp(x[i]) + 1.4142135"),
        ("y[i] = pow(x[i], 2)", "y[i] = pow(x[i], float32(2.0))"),
        ("y[i] = np.float32(0.1)", "y[i] = 0.1"),
        ("d[i] = float32(0.1)", "d[i] = 0.10000000149011612"),
        ("h[i] = 65519", "h[i] = 65504.0"),
        ("h[i] = 65520", 'h[i] = float16("inf")'),
        ("x[i] /= 3", "x[i] /= 3.0"),
        ("t = full(float32[4], -0.0)", "t = full(float32[4], -0.0)"),
        ("t = full(float16[4], 0)", "t = zeros(float16[4])"),
    ],
)
def test_a_float_statement_prints_with_its_types(written: str, printed: str):
    assert line(written) == printed
    assert line(printed) == printed


def test_a_kernel_of_floats_computes_as_numpy_does():
    source = f"""{HEAD}
W = np.array([1.5, 2.5, -0.0, np.nan], np.float32)


def kernel({PARAMETERS}):
    acc: float32 = 0
    for i in range(4):
        acc += x[i] * W[i]
        d[i] = x[i] * d[i] / (h[i] + 1) - 0.5 * i + math.pi
        o[i] = int(x[i] * 100.0)
        h[i] = exp(h[i]) + pow(x[i], 2) - sqrt(d[i]) * float(i) / 3
        if x[i] < d[i] and not x[i]:
            o[i] += int(x[i] >= 0.1) + round(d[i]) + int8(h[i])
        v = x[i] * BETA
        y[i] = -v + h[0] + float32("inf") * abs(x[i])
        o[i] = o[i] + (uint8(x[i] / y[i]) & 7)
    y[0] = acc
"""
    kernel = load(source)["kernel"]
    found = parse(kernel)
    again = load(
        program_text(found).replace(
            "import *", "import *\nimport numpy as np\nW_rom = np.array([1.5, 2.5, -0.0, np.nan], np.float32)"
        )
    )
    assert parse(again["kernel"]).functions == found.functions
    rng = np.random.default_rng(0)
    args = [(rng.normal(size=4) * 50).astype(p.type.elem.storage) for p in found.top.params]
    expected, got = [a.copy() for a in args], [a.copy() for a in args]
    with np.errstate(all="ignore"):
        kernel(*(typed(a, p.type.elem) for a, p in zip(expected, found.top.params, strict=True)))
    run_python(found, *got)
    assert [a.tobytes() for a in got] == [a.tobytes() for a in expected]
