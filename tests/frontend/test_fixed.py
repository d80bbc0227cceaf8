"""Fixed point: the plain function, its program, and compiled code give the same numbers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixed_writer import fixed_kernels
from tests.frontend.refusals import HEAD, check_refused
from tests.strategies import KernelCase, assert_same, load

from bitfold import customize
from bitfold.build.llvm.jit import CpuModule
from bitfold.diagnostics import UsageError
from bitfold.frontend import parse
from bitfold.ir.run import as_python, run_python
from bitfold.ir.verify import verify
from bitfold.lang import Fixed, UFixed, quantize, typed


@given(fixed_kernels(), st.integers(0, 99))
def test_a_program_gives_what_the_function_gives(case: KernelCase, seed: int):
    verify(case.program)
    assert parse(as_python(case.program)) == case.program
    args = case.make_inputs(seed)
    expected = case.run(args)
    run_python(case.program, *args)
    assert_same(args, expected)


@settings(max_examples=15)
@given(fixed_kernels(), st.integers(0, 99))
def test_compiled_code_gives_what_the_function_gives(case: KernelCase, seed: int):
    args = case.make_inputs(seed)
    expected = case.run(args)
    CpuModule(case.program)(*args)
    assert_same(args, expected)


FIR = f"""{HEAD}
W = quantize([0.5, -0.25, 0.125, 1.0], Fixed(12, 6))
gain = 0.625

def weigh(x: Fixed(16, 8)["N"], w: "T[K]", y: Fixed(24, 10)["N"]):
    N, = x.shape
    K, = w.shape
    for i in range(N):
        acc: Fixed(40, 16) = 0.0
        for k in range(K):
            if i >= k:
                acc += x[i - k] * w[k]
        y[i] = acc * gain - x[i] / 4 + 1

def kernel(x: Fixed(16, 8)[8], y: Fixed(24, 10)[8], n: int16[8], b: UFixed(60, 2)[8]):
    t = full(Fixed(7, 3)[8], -0.375)
    v: Fixed(16, 8)[8] = zeros(Fixed(16, 8)[8])
    for i in range(8):
        v[i] = x[i]
        t[i] += x[i]
    weigh(v, W, y)
    for i in range(8):
        n[i] = int(t[i] * 3)
        b[i] = max(x[i], 1.25, b[i]) if -2 < x[i] < 2.5 else b[i] + abs(x[i]) % 1.5
"""


def test_every_rung(tmp_path: Path):
    case = KernelCase(FIR, {})
    s = customize(case.function)
    s.at("weigh").pipeline("k")
    hardware = s.build(target="hls", project=tmp_path / "fir")
    for seed, run in enumerate([lambda *a: run_python(s.program, *a), s.build(), hardware]):
        args = case.make_inputs(seed)
        expected = case.run(args)
        run(*args)
        assert_same(args, expected)
    header = (tmp_path / "fir" / "kernel.h").read_text()
    assert "// x holds Fixed(16, 8): its bits are those of ap_fixed<16, 8>.\n" in header
    assert "// b holds UFixed(60, 2): its bits are those of ap_ufixed<60, 58>.\n" in header
    assert "# x holds Fixed(16, 8)" in str(s)


def test_streams_of_fixed_point():
    source = f"""{HEAD}
def give(x: Fixed(12, 4)[4], c: "Stream[T, 2]"):
    for i in range(4):
        c.put(x[i] * 0.5)

def take(c: Stream[Fixed(14, 6), 2], y: Fixed(12, 2)[4], z: Fixed(12, 6)[4]):
    for i in range(4):
        v = c.get()
        y[i] = v + 1 if v > 0 else v
        z[i] = c.get() if i < 0 else v

def top(x: Fixed(12, 4)[4], y: Fixed(12, 2)[4], z: Fixed(12, 6)[4]):
    c = empty(Stream[Fixed(14, 6), 2])
    give(x, c)
    take(c, y, z)

kernel = top
"""
    case = KernelCase(source.replace("c.get() if i < 0 else v", "v"), {})
    for run in (lambda *a: run_python(case.program, *a), CpuModule(case.program)):
        args = case.make_inputs(3)
        expected = case.run(args)
        run(*args)
        assert_same(args, expected)


def test_words_of_fixed_point():
    source = f"""{HEAD}
def kernel(x: Fixed(8, 4)[8], y: Fixed(8, 4)[8]):
    for i in range(8):
        y[i] = x[i]
"""
    case = KernelCase(source, {})
    s = customize(case.function)
    s.pack("x", 4)
    args = case.make_inputs(1)
    expected = case.run(args)
    s.build()(*args)
    assert_same(args, expected)


def test_callers_pass_and_get_numbers():
    source = f"{HEAD}def kernel(x: Fixed(8, 4)[3], y: Fixed(8, 4)[3]):\n    y[0] = x[1] / 2\n"
    program = parse(load(source)["kernel"])
    x, y = np.array([1.0, -0.125, 2.5]), np.full(3, np.nan)
    CpuModule(program)(x, y)
    assert y[0] == -0.0625
    with pytest.raises(UsageError, match=r"'x' holds 0.1; Fixed\(8, 4\) counts from -8 to 127/16") as caught:
        CpuModule(program)(np.array([0.5, 0.1, 0.0]), y)
    assert "quantize(x, Fixed(8, 4))" in str(caught.value)
    with pytest.raises(UsageError, match=r"dtype float32; Fixed\(8, 4\)\[3\] needs float64"):
        run_python(program, x.astype(np.float32), y)
    with pytest.raises(UsageError, match="holds nan"):
        run_python(program, np.full(3, np.nan), y)


def test_a_batch_of_numbers():
    body = "    for i in range(3):\n        y[i] = x[i] / 4\n"
    source = f"{HEAD}def kernel(x: Fixed(8, 4)[3], y: Fixed(12, 6)[3]):\n{body}"
    program = parse(load(source)["kernel"])
    x = quantize(np.linspace(-4, 4, 12), Fixed(8, 4)).reshape(4, 3)
    y = np.zeros((4, 3))
    CpuModule(program)(np.asarray(x), y)
    assert (y == np.asarray(x) / 4).all()


def test_types_by_name_may_be_fixed_point():
    source = f"""{HEAD}
def kernel(x: "T[N]", y: "T[N]"):
    N, = x.shape
    for i in range(N):
        t: T = x.elem(x[i] * 3)
        y[i] = t
"""
    function = load(source)["kernel"]
    x, y, z = quantize([1.5, -2.25], Fixed(9, 3)), np.zeros(2), np.zeros(2)
    function(x, typed(y, Fixed(9, 3)))
    CpuModule(parse(function, T=Fixed(9, 3), N=2))(np.asarray(x), z)
    assert y.tolist() == z.tolist() == [4.5, -6.75]


PARAMETERS = "x: Fixed(16, 8)[4], y: UFixed(9, 3)[4], n: int8[4], f: Fixed(60, 30)[4]"
W = "W = np.array([0.1, 0.5])"
REFUSED = {
    "a cut scalar": (
        "t: Fixed(16, 8) = «x[0] * x[1]»",
        "'t' is Fixed(16, 8) and would lose bits of this value, whose fraction has 16",
        "Fixed(16, 8)(...)",
    ),
    "a cut update": ("t: Fixed(16, 8) = 0\n«t += x[0] / 2»", "would lose bits", "9 bits of fraction"),
    "a scalar too small": ("t: Fixed(8, 4) = «99.5»", "99.5 is outside Fixed(8, 4)", "-8.0..7.9375"),
    "an integer scalar": ("t: int8 = «x[0]»", "would make it a fraction", "int8(...)", "Fixed(16, 8)"),
    "an inferred integer": ("t = n[0]\n«t = x[0]»", "int8 from its first value", "Fixed(16, 8)"),
    "an inferred type": ("t = x[0]\nt = «f[0]»", "would lose bits"),
    "a decimal": ("x[0] = x[1] + «0.1»", "0.1 is no sum of powers of two", "Fixed(16, 12)(0.1)"),
    "a decimal compared": ("n[0] = x[1] > «0.7»", "0.7 is no sum of powers of two"),
    "a quotient": ("x[0] = «x[1] / x[2]»", "exact only by a constant power of two", "reciprocal", "//"),
    "a third": ("x[0] = «x[1] / 3»", "exact only by a constant power of two"),
    "a quotient by 0": ("x[0] = «x[1] / 0»", "exact only by a constant power of two"),
    "a float": ("x[0] = x[1] + «float32(0.5)»", "meets a float32 here", "Fixed(16, 8)(x)", "float32(x)"),
    "a float stored": (
        "x[0] = «float32(n[0])»",
        "'x' holds Fixed(16, 8), and",
        "Fixed(16, 8)(float32(n[0]))",
    ),
    "an integer's place": ("n[0] = «x[0]»", "'n' holds int8, and x[0] is fixed point", "int(x[0])"),
    "a float scalar": ("t: Fixed(8, 4) = «float32(0.5)»", "meets a float32"),
    "a mathematical function": ("x[0] = Fixed(16, 8)(sqrt(«x[1]»))", "fixed point", "float32(x[1])"),
    "fabs": ("t: float64 = fabs(«x[1]»)", "fixed point", "float32(x[1])"),
    "a wide one for a float": (
        "t: float64 = «float64(f[0] * f[1])»",
        "fixed point of 120 bits (Fixed(120, 60))",
        "float64(Fixed(53, 40)(x))",
    ),
    "round": ("n[0] = round(«x[1]»)", "fixed point", "int(x[1])"),
    "a shift": ("x[0] = «x[1] << 2»", "a shift takes integers", "x * 4 or x / 4"),
    "a mask": ("x[0] = «x[1] & 3»", "takes integers", "int(x * 256)"),
    "an inverted one": ("x[0] = ~«x[1]»", "'x[1]' is fixed point (Fixed(16, 8))", "int(x[1])"),
    "an index": ("x[«y[0]»] = 1", "'y[0]' is fixed point (UFixed(9, 3))", "int(y[0])"),
    "a bound": ("for i in range(«y[0]»):\n    x[0] = 1", "'y[0]' is fixed point", "int(y[0])"),
    "an intrinsic": ("n[0] = popcount(«y[0]»)", "'y[0]' is fixed point", "int(y[0])"),
    "a slice of bits": ("n[0] = get_slice(«y[0]», 3, 0)", "'y[0]' is fixed point"),
    "a divisor that can be 0": ("n[0] = x[0] // «y[0]»", "the divisor can be 0"),
    "a declaration of another type": (
        "t: Fixed(8, 4) = 0\n«t: Fixed(8, 3) = 0»",
        "already declared as Fixed(8, 4)",
    ),
    "an array of another type": ("«t: Fixed(8, 4)[2] = zeros(Fixed(8, 3)[2])»", "not of that type"),
    "a type of no bits": ("t: «Fixed(0, 0)» = 0", "1 to 4096 bits, not 0"),
    "a fraction of -1": ("t: «Fixed(8, -1)» = 0", "0 to 4096 bits of fraction, not -1"),
    "a call with integers": ("scale(«n»)", "scale takes Fixed(16, 8)[\"N\"] for 'x', but this is int8[4]"),
    "a call with another type": ("scale(«y»)", "but this is UFixed(9, 3)[4]"),
    "an int parameter": ("count(«x»)", "count takes int8[4] for 'x', but this is Fixed(16, 8)[4]"),
    "a constant between": ("scale(«W»)", "'W' holds 0.1; Fixed(16, 8)"),
    "a rom between": ("«t = rom(W, Fixed(8, 4)[2])»", "'W' holds 0.1", "quantize(W, Fixed(8, 4))"),
    "a fill that varies": ("t = full(Fixed(8, 4)[2], «x[0]»)", "compile-time number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str):
    body, *words = REFUSED[name]
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    helpers = 'def scale(x: Fixed(16, 8)["N"]):\n    x[0] = 1\n\ndef count(x: int8[4]):\n    x[0] = 1\n'
    check_refused(f"{HEAD}{W}\n{helpers}\ndef kernel({PARAMETERS}):\n{lines}", *words)


def test_fixed_point_and_floats_are_cast():
    source = f"""{HEAD}
def kernel(x: Fixed(16, 8)[4], y: float32[4], z: Fixed(59, 3)[4], d: float64[4]):
    for i in range(4):
        y[i] = float32(x[i]) * y[i]
        d[i] = z[i] if i < 2 else x[i]
        z[i] = Fixed(59, 3)(y[i] * float32(1000.5))
        x[i] = Fixed(16, 8)(d[i]) + float(x[i]) > 0
"""
    case = KernelCase(source.replace(" + float(x[i]) > 0", ""), {})
    values = [0.1, -7.75, 1e20, math.inf, -math.inf, math.nan, 3e-30, -0.0]
    for seed, run in enumerate([lambda *a: run_python(case.program, *a)] * 4):
        args = case.make_inputs(seed)
        args[1][...] = values[seed : seed + 4]
        with np.errstate(all="ignore"):
            expected = case.run(args)
        run(*args)
        for a, b in zip(args, expected, strict=True):
            assert np.array_equal(a, b, equal_nan=a.dtype != object)


def test_numbers_and_results_of_fixed_point():
    def gain(a: Fixed(16, 8), k: Fixed(8, 4)) -> Fixed(16, 8):
        return Fixed(16, 8)(a * k)

    compiled = customize(gain).build()
    assert compiled(1.5, 2.25) == gain(Fixed(16, 8)(1.5), Fixed(8, 4)(2.25)) == 3.375
    assert compiled(-1.5, 0.0625) == -0.09375


def test_the_type_of_a_captured_array_is_its_own():
    source = f"""{HEAD}
W = quantize([[0.5, -1.5]], Fixed(4, 1))
V = quantize([3.25], UFixed(80, 40))

def kernel(y: Fixed(90, 45)[2]):
    y[0] = W[0, 1] * V[0]
    y[1] = W.elem(V[0])
"""
    case = KernelCase(source, {})
    args = case.make_inputs(0)
    expected = case.run(args)
    CpuModule(case.program)(*args)
    assert_same(args, expected)
    assert args[0].tolist() == [-0.75 * 6.5, 3]
    assert UFixed(80, 40).storage.hasobject
