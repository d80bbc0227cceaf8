"""What of floats is refused, with a remedy: where plain Python would do something that no type can say."""

from __future__ import annotations

import numpy as np
import pytest
from tests.frontend.refusals import check_refused
from tests.strategies import load

from bitfold.diagnostics import LanguageError
from bitfold.frontend import parse

HEAD = """\
import math

import numpy as np

from bitfold.lang import *

"""
PARAMETERS = (
    "x: float32[4], h: float16[4], d: float64[4], n: int8[4], w: int64[4], z: UInt(70)[4], y: float32[4]"
)


def in_kernel(body: str) -> str:
    return f"{HEAD}def kernel({PARAMETERS}):\n    for i in range(4):\n        {body}\n"


REFUSED = {
    "a float for an integer": ("n[i] = «x[i]»", "'n' holds int8", "int(x[i])"),
    "a float index": ("y[i] = x[«x[i]»]", "an index of 'x' is an integer", "int(x[i])"),
    "a float bound": ("for j in range(«x[i]»): y[i] = 0", "a bound of a loop is an integer"),
    "integers divided": ("y[i] = «n[i] / 2»", "use `//`", "float32(a) / b"),
    "a floor division": ("y[i] = «x[i] // 2»", "`//` is not for floats", "floor(a / b)"),
    "a remainder": ("y[i] = «x[i] % 2»", "`%` is not for floats", "a - b * floor(a / b)"),
    "a power": ("y[i] = «x[i] ** 2»", "`**`", "pow"),
    "bits of a float": ("y[i] = «x[i] & 1»", "`&` is not for floats", "int32(x)"),
    "an inverted float": ("y[i] = ~«x[i]»", "`~` takes integers", "int32(x)"),
    "popcount of a float": ("y[i] = popcount(«x[i]»)", "`popcount` takes integers"),
    "Python floats divided": ("y[i] = 1.0 / «float(i)»", "divides one of its own floats by 0", "float64(x)"),
    "an integer of 70 bits": ("y[i] = x[i] + «z[i]»", "too many bits to become a float32", "int64(x)"),
    "an inexact comparison": ("n[i] = 0.5 < «w[i]»", "no exact float", "float64(x)"),
    "a sum of comparisons": (
        "n[i] = («x[i] < 1») + 1",
        "NumPy's truth values are no numbers",
        "int(x[i] < 1)",
    ),
    "a negated comparison": ("n[i] = -(«x[i] < 1»)", "NumPy's truth values", "int(x[i] < 1)"),
    "a scalar from a comparison": ("v: bit = «x[i] < 1»", "NumPy's truth values", "int(x[i] < 1)"),
    "a choice of two types": ("v = x[i] if n[i] else «0»", "gives a float32 or an integer", "float32(0)"),
    "a maximum of two types": ("v = max(x[i], «0.0»)", "a float32 or a Python float", "float32(0.0)"),
    "a wider maximum": ("v = min(«x[i]», d[i])", "a float64 or a float32", "float64(x[i])"),
    "three of two types": ("y[i] = max(x[i], «0», h[i])", "float32(0)"),
    "an or of two types": ("v = x[i] or «1»", "a float32 or an integer"),
    "a scalar of another type": ("v: float32 = «d[i]»", "declared float32", "a float64", "float32(...)"),
    "a wider scalar": ("v: float64 = «x[i]»", "declared float64", "float64(...)"),
    "a scalar from an integer": ("v: float32 = «n[i]»", "an integer", "float32(...)"),
    "an integer scalar from a float": ("v: int8 = «x[i]»", "declared int8", "int8(...)"),
    "an inexact constant": ("v: float32 = «0.1»", "a Python float", "float32(...)"),
    "an untyped float": ("«v = 0.5 * i»", "would be a Python float", "v: float32 = float32(...)"),
    "no float": ('y[i] = «float32("one")»', "'one' is no float", 'float32("inf")'),
    "digits for round": ("y[i] = «round(x[i], 2)»", "round takes one value", "rint"),
    "a function of math": ("y[i] = «math.exp(x[i])»", "cannot be called", "from bitfold.lang import exp"),
    "a function of NumPy": ("y[i] = «np.tanh(x[i])»", "cannot be called", "from bitfold.lang import tanh"),
    "a fill that is no constant": ("t = full(float32[4], «x[0]»)", "compile-time number", "in a loop"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_it_is_refused(case: tuple[str, ...]):
    check_refused(in_kernel(case[0]), *case[1:], error=LanguageError)


def test_a_constant_of_another_float_type_is_refused():
    source = f"{HEAD}W = np.zeros(4)\n\ndef callee(w: float32[4], y: float32[4]):\n    y[0] = w[0]\n\n"
    source += "def kernel(y: float32[4]):\n    callee(«W», y)\n"
    check_refused(source, "has dtype float64, but float32[4] is expected", error=LanguageError)


def test_an_array_of_another_float_type_is_refused():
    source = f"{HEAD}def callee(w: float32[4], y: float32[4]):\n    y[0] = w[0]\n\n"
    source += "def kernel(x: float64[4], y: float32[4]):\n    callee(«x», y)\n"
    check_refused(source, "takes float32[4] for 'w', but this is float64[4]", error=LanguageError)


def test_a_constant_keeps_the_sign_of_zero_and_its_nan():
    source = (
        f"{HEAD}A = np.array([0.0])\nB = np.array([-0.0])\nC = np.array([np.nan])\nD = np.array([np.nan])\n"
    )
    source += "def kernel(y: float64[4]):\n    y[0] = A[0] + B[0] + C[0] + D[0]\n"
    found = parse(load(source)["kernel"]).constants
    assert [np.signbit(v[0]) for v in found.values()][:2] == [False, True]
