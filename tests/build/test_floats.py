"""Kernels of floats compiled: the same bits as plain Python, on the CPU and as simulated HLS C++."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import KernelCase, assert_same, kernels, load, random_array

from bitfold.build.hls.simulation import HlsModule
from bitfold.build.hls.vectors import Port, Vectors, parse_outputs, vector_text
from bitfold.build.llvm.jit import CpuModule
from bitfold.build.llvm.library import library
from bitfold.frontend import parse
from bitfold.ir.nodes import Program
from bitfold.ir.printer import program_text
from bitfold.ir.run import run_python
from bitfold.lang import float16, float32, float64, int16, trunc, typed

HEAD = "import math\n\nimport numpy as np\n\nfrom bitfold.lang import *\n\n"
MIXED = f"""{HEAD}
ALPHA = 0.1
W = np.array([1.5, 2.5, -0.0, np.nan], np.float32)
H = np.array([1.5, 2.5, -0.0, np.inf], np.float16)
state = stateful(float32[4], -0.0)


def kernel(x: float32[4], h: float16[4], d: float64[4], n: int8[4], w: int64[4], u: uint64[4], y: float32[36],
           m: float16[24], e: float64[12], o: int32[12]):
    acc: float32 = 0
    tab = full(float16[3], -0.0)
    for i in range(4):
        acc += x[i] * W[i] + H[i]
        y[i] = max(x[i], 0) if n[i] > 0 else ALPHA
        e[i] = x[i] * d[i] / (h[i] + 1) - 0.5 * i + math.pi
        o[i] = trunc(x[i] * 100.0)
        o[i + 4] = int8(d[i]) + (uint8(h[i]) & 7)
        o[i + 8] = int(d[i] < x[i]) + int(not h[i])
        tab[i % 3] = -x[i] - -1.5e-3
        y[i + 4] = -tab[0] + float32("inf") * abs(x[i])
        y[i + 8] = w[i]
        y[i + 12] = u[i] * x[i]
        y[i + 16] = float32(n[i]) / 3 + i
        y[i + 20] = floor(x[i]) + ceil(d[i]) * rint(h[i])
        y[i + 24] = tanh(x[i]) if x[i] > 0 else -x[i]
        y[i + 28] = pow(x[i], d[i]) - sin(x[i])
        state[i] += x[i]
        y[i + 32] = state[i] * acc
        m[i] = h[i] * h[i] + h[i] - d[i]
        m[i + 4] = h[i] / tab[i % 3] - x[i]
        m[i + 8] = min(h[i], tab[0], tab[2])
        m[i + 12] = d[i]
        m[i + 16] = exp(h[i]) * sqrt(h[i])
        m[i + 20] = w[i]
        e[i + 4] = log(d[i]) + cos(d[i])
        e[i + 8] = u[i] - d[i]
"""
CONVERSIONS = f"""{HEAD}

def kernel(h: float16[64], d: float64[64], f: float32[64], to_d: float64[64], to_h: float16[64],
           from_f: float16[64], whole: Int(17)[64]):
    for i in range(64):
        to_d[i] = h[i]
        to_h[i] = d[i]
        from_f[i] = f[i]
        whole[i] = trunc(h[i])
"""


BITS = f"""{HEAD}

def kernel(h: float16[64], f: float32[64], d: float64[64], n: int16[64], u: uint32[64], w: int64[64],
           of_h: int16[64], of_f: uint32[64], of_d: uint64[64], to_h: float16[64], to_f: float32[64],
           to_d: float64[64], guess: float32[64], signs: int64[64]):
    for i in range(64):
        of_h[i] = bitcast(h[i], int16)
        of_f[i] = bitcast(f[i], uint32)
        of_d[i] = bitcast(d[i], uint64)
        to_h[i] = bitcast(n[i], float16)
        to_f[i] = bitcast(u[i], float32)
        to_d[i] = bitcast(w[i], float64)
        guess[i] = bitcast(0x5F3759DF - (bitcast(f[i], uint32) >> 1) & 0x7FFFFFFF, float32)
        signs[i] = (bitcast(f[i], Int(32)) >> 31) + bitcast(0.1, uint64) % 1000 + bitcast(float16(-2), int16)
    to_f[1] = bitcast(0x7FC01234, float32)
    to_d[2] = bitcast(1, float64)
    to_h[3] = bitcast(bitcast(h[3], uint16), float16)
"""


def program(source: str) -> Program:
    return parse(load(source)["kernel"])


def arguments(program: Program, images: int) -> list[np.ndarray]:
    return [
        random_array(p.type.elem, (images, *p.type.dims), 31 * i) for i, p in enumerate(program.arguments)
    ]


def expected(program: Program, args: list[np.ndarray]) -> list[np.ndarray]:
    after = [a.copy() for a in args]
    for image in range(args[0].shape[0]):
        run_python(program, *(a[image] for a in after))
    return after


def test_every_operation_gives_the_bits_of_plain_python(tmp_path: Path):
    kernel = load(MIXED)["kernel"]
    found = parse(kernel)
    args = arguments(found, 40)
    plain = [a.copy() for a in args]
    with np.errstate(all="ignore"):
        for image in range(40):
            kernel(*(typed(a[image], p.type.elem) for a, p in zip(plain, found.arguments, strict=True)))
    compiled, simulated = [a.copy() for a in args], [a.copy() for a in args]
    CpuModule(found)(*compiled)
    assert_same(compiled, plain)
    HlsModule(found, tmp_path / "kernel")(*simulated)
    assert_same(simulated, plain)


def test_every_half_is_converted_as_numpy_does(tmp_path: Path):
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    with np.errstate(all="ignore"):
        between = (halves.astype(np.float64) + np.roll(halves, -1).astype(np.float64)) / 2
        near = np.nextafter(between, np.resize([np.inf, -np.inf, 0], between.shape))
        doubles = np.where(np.arange(65536) % 2 == 0, between, near)
        singles = doubles.astype(np.float32)
        rounded, from_single = doubles.astype(np.float16), singles.astype(np.float16)
    wholes = np.array([int(v) if np.isfinite(v) else 0 for v in halves], np.int32)
    outputs = [halves.astype(np.float64), rounded, from_single, wholes]
    made = program(CONVERSIONS)
    for module in (CpuModule(made), HlsModule(made, tmp_path / "conversions")):
        given = [a.reshape(-1, 64) for a in (halves, doubles, singles)]
        got = [np.zeros((1024, 64), o.dtype) for o in outputs]
        module(*given, *got)
        assert_same([g.reshape(-1) for g in got], outputs)


def test_the_bits_of_floats_are_read_and_written_also_those_of_nans(tmp_path: Path):
    kernel = load(BITS)["kernel"]
    made = parse(kernel)
    assert parse(load(program_text(made))["kernel"]) == made
    rng = np.random.default_rng(5)
    args = [rng.integers(0, 256, (16, 64 * p.dtype.itemsize), np.uint8).view(p.dtype) for p in made.arguments]
    nans_of = ([0x7C01, 0xFE02], [0x7F812345, 0xFFC00001], [0xFFF0000000000005, 0x7FF8000000000001])
    for array, nans in zip(args[:3], nans_of, strict=True):
        array.view(f"uint{8 * array.itemsize}")[0, :2] = nans
    plain, ran, compiled, simulated = ([a.copy() for a in args] for _ in range(4))
    for image in range(16):
        kernel(*(typed(a[image], p.type.elem) for a, p in zip(plain, made.arguments, strict=True)))
        run_python(made, *(a[image] for a in ran))
    CpuModule(made)(*compiled)
    HlsModule(made, tmp_path / "bits")(*simulated)
    for other in (ran, compiled, simulated):
        for want, got in zip(plain, other, strict=True):
            assert want.tobytes() == got.tobytes()


def test_kernels_of_floats_talk_by_streams(tmp_path: Path):
    source = f"""{HEAD}

def put(x: float32[8], c: Stream[float32, 2], back: Stream[float16, 1]):
    for i in range(8):
        c.put(x[i] * 0.5)
        x[i] += back.get()


def take(c: Stream[float32, 2], back: Stream[float16, 1], y: float64[8]):
    for i in range(8):
        v: float32 = c.get()
        y[i] = v / 3
        back.put(v)


def kernel(x: float32[8], y: float64[8]):
    c = empty(Stream[float32, 2])
    back = empty(Stream[float16, 1])
    put(x, c, back)
    take(c, back, y)
"""
    made = program(source)
    args = arguments(made, 5)
    wanted = expected(made, args)
    CpuModule(made)(*args)
    assert_same(args, wanted)
    one_way = program(
        source.replace("        x[i] += back.get()\n", "")
        .replace("        back.put(v)\n", "")
        .replace(", back: Stream[float16, 1]", "")
        .replace("    back = empty(Stream[float16, 1])\n", "")
        .replace(", back", "")
    )
    args = arguments(one_way, 5)
    wanted = expected(one_way, args)
    HlsModule(one_way, tmp_path / "streams")(*args)
    assert_same(args, wanted)


@settings(max_examples=15)
@given(kernels(max_width=64), st.integers(0, 99))
def test_random_kernels_give_the_same_bits_compiled(case: KernelCase, seed: int):
    args = case.make_inputs(seed)
    wanted = case.run(args)
    CpuModule(case.program)(*args)
    assert_same(args, wanted)


def test_a_constant_of_floats_keeps_its_bits_in_cpp(tmp_path: Path):
    values = random_array(float64, (3, 5), 4)
    source = f"{HEAD}W = np.frombuffer(bytes.fromhex('{values.tobytes().hex()}'), np.float64).reshape(3, 5)\n"
    source += "\n\ndef kernel(y: float64[3, 5]):\n    for i, j in grid(3, 5):\n        y[i, j] = W[i, j]\n"
    made = program(source)
    got = np.zeros((3, 5))
    HlsModule(made, tmp_path / "rom")(got)
    assert_same([got], [values])


def test_golden_vectors_hold_the_bits_of_floats():
    for elem in (float16, float32, float64):
        port = Port("y", "y", elem[6], True, True)
        values = random_array(elem, (3, 6), 2)
        text, images = vector_text([port], Vectors({"y": values}, {"y": values}))
        lines = [line for line in text.splitlines() if not line.startswith("#")][1:]
        assert images == 3
        assert parse_outputs([port], lines[1::2], 3)["y"].tobytes() == values.tobytes()
        assert Port.from_json(port.as_json()).type == port.type


def test_integers_have_no_trace_of_floats_in_cpp(tmp_path: Path):
    made = program(
        f"{HEAD}\n\ndef kernel(x: int8[4], y: int8[4]):\n    for i in range(4):\n        y[i] = x[i] + 1\n"
    )
    HlsModule(made, tmp_path / "integers")
    files = "".join(f.read_text() for f in (tmp_path / "integers").iterdir())
    assert "cmath" not in files
    assert "half" not in files.replace("half of", "")


def test_a_library_of_floats_has_floats_in_its_header():
    source = "def kernel(x: float32[4], h: float16[4], y: float64[4]):\n    y[0] = exp(x[0] + h[0])\n"
    made = library(program(HEAD + source))
    assert "const float *x, const uint16_t *h, double *y" in made.header
    assert "the bits of IEEE 754's binary16" in made.header
    assert "Link kernel.o with -lm" in made.header
    assert "declare double @exp(double)" in made.files["kernel.ll"].decode()


def test_the_integers_of_nan_and_infinity_are_0_but_for_python_itself():
    def kernel(x: float32[3], y: int16[9]):
        for i in range(3):
            y[i] = int16(x[i])
            y[i + 3] = trunc(x[i])

    def python(x: float32[3], y: int16[9]):
        for i in range(3):
            y[i] = int(x[i])

    x, compiled, plain = (
        np.array([np.nan, np.inf, -3.75], np.float32),
        np.ones(9, np.int16),
        np.ones(9, np.int16),
    )
    CpuModule(parse(kernel))(x, compiled)
    kernel(typed(x, float32), typed(plain, int16))
    assert compiled.tolist() == plain.tolist() == [0, 0, -3, 0, 0, -3, 1, 1, 1]
    CpuModule(parse(python))(x, compiled)
    assert compiled[:3].tolist() == [0, 0, -3]
    with pytest.raises(ValueError, match="NaN"):
        python(typed(x, float32), typed(plain, int16))
