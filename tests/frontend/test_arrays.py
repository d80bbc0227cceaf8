"""Whole-array expressions: their loops, their types, and the same results on every rung."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.frontend.refusals import check_refused

from bitfold import customize
from bitfold.diagnostics import LanguageError
from bitfold.ir.nodes import Alloc, For, walk
from bitfold.ir.printer import program_text
from bitfold.ir.run import run_python
from bitfold.lang import (
    Fixed,
    Int,
    bit,
    empty,
    float16,
    float32,
    int8,
    int16,
    int32,
    int64,
    typed,
    uint8,
    uint16,
    zeros,
)
from bitfold.lang.array import Array
from bitfold.lang.types import FloatType

W = typed(np.array([[1, -2, 3], [4, 5, -6]], np.int8), int8)


def elementwise(a: int8[5], b: int8[5], c: int16[5], d: uint8[5], e: bit[5]):
    c[:] = a * b - (a >> 1) // 3
    d[:] = abs(a) + (b & 0x55)
    e[:] = a < b
    d[...] += ~a % 7


def matrices(a: int8[4, 6], b: int8[6, 3], v: int16[3], c: int32[4, 3], y: int32[4]):
    c[:] = a @ b + v
    y[:] = a @ b @ v
    c -= 2 * c
    c[:, 1] = y - a.max(axis=1)


def parts(a: int8[4, 6], v: int8[8], y: int16[4, 4]):
    v[1:5] = v[0:4] + 1
    v[4:] = v[::-2] - v.min()
    y[:] = 0
    y[1:3, 1:] = a[2:, 3:] * a[:2, :3]
    y[0] = a[1:2, 0:4] + v[2]
    for i in range(2):
        y[3, i * 2 : i * 2 + 2] = v[i + 1 : i + 3]


def inferred(a: int8[4, 6], s: int32[3], m: int16[6]):
    e = a * a - 1
    f = e.reshape(8, 3).T.copy()
    s[0] = e.sum() + (a == 3).sum()
    s[1] = f[2].max() - e.min()
    m[:] = a.sum(axis=0)
    s[2] = (a[0] @ a[1]) + W.sum()
    s += f.any() + f.all()


def declared(a: int8[6], y: int8[2, 3]):
    t = empty(Int(5)[6])
    t[:] = a - 1
    u = t.reshape(2, -1) + W
    y[:] = u
    y[0, 0] = np.maximum(a[:3], a[3:]).sum()
    y[1] = np.minimum(y[1], 3) + np.abs(y[0])


def nested(a: int8[4, 6], m: int16[6], s: int32[3]):
    t = ((a.max(axis=0) < m) + m).all()  # what is found along an axis is kept for it
    s[0] = t
    s[1] = (a.sum(axis=1) - a.min(axis=1)).max()


def numpy_words(a: int8[3, 4], b: int8[3, 4], y: int16[3, 4], s: int64[12], n: int32[4]):
    y[:] = np.where(a > b, a, -b)
    y[0] = np.where(n[0] > 0, y[0], 7) + a[1].clip(-5, 5)
    y[2] = np.clip(np.add(a[2], b[2]), b[0], 100)
    s[0] = a[0].prod() + np.prod(b[:2, 1])
    s[1] = np.argmax(a) * 100 + a.argmin()
    s[2] = np.sum(a, axis=0).max() - np.min(b) + np.dot(a[0], b[0])
    s[3:6] = b.argmax(axis=1) + a.prod(axis=1)
    s[6:10] = a.argmin(axis=0)
    s[10] = np.any(np.equal(a, b)) + np.all(np.greater_equal(a, b)) * 2
    s[11] = np.argmax(a * b - 1)
    n[:] = int8(a[0] * b[1]) + uint8(np.subtract(a[1], b[2])) * bit(a[2])


def real_words(a: float32[3, 4], h: float16[4], y: float32[3, 4], n: int8[4], s: int32[2]):
    y[:] = np.where(a > 0, a, float32(h))
    s[0] = a.argmax() * 100 + np.argmin(h)
    y[0] = y[0].clip(float32(-1.5), float32(20)) + a.prod(axis=0)
    n[:] = int8(a[1] * 2)
    s[1] = np.prod(float32(n)) > a[0, 0]


def real(a: float32[3, 4], b: float32[4], y: float32[3], s: float32[1]):
    y[:] = a @ b * 2 + a.max(axis=1)
    s[0] = y.sum()


POINTS = (Fixed(12, 4), Fixed(10, 6), Fixed(24, 8), Fixed(32, 10))
KERNELS = (elementwise, matrices, parts, inferred, declared, nested, numpy_words, real_words)


def inputs(kernel: Any, seed: int) -> list[np.ndarray]:
    rng = random.Random(seed)
    made = []
    for p in customize(kernel).program.arguments:
        elem = p.type.elem
        if isinstance(elem, FloatType):
            values = [rng.choice([-2.5, 0.0, -0.0, 1.5, 3.25, 1e3, float(i % 7)]) for i in range(99)]
            made.append(np.array(values[: int(np.prod(p.type.dims))], elem.storage).reshape(p.type.dims))
            continue
        low, high = max(elem.low, -9 if seed % 2 else elem.low), min(elem.high, 9 if seed % 2 else elem.high)
        count = int(np.prod(p.type.dims))
        made.append(np.array([rng.randint(low, high) for _ in range(count)]).astype(elem.storage))
        made[-1] = made[-1].reshape(p.type.dims)
    return made


def plain(kernel: Any) -> Callable[..., None]:
    """The function itself on typed arrays."""
    params = customize(kernel).program.arguments

    def run(*args: np.ndarray) -> None:
        kernel(*(typed(a, p.type.elem) for a, p in zip(args, params, strict=True)))

    return run


def same(kernel: Any, rungs: dict[str, Callable[..., None]], seed: int) -> None:
    args = inputs(kernel, seed)
    expected = [a.copy() for a in args]
    plain(kernel)(*expected)
    for name, run in rungs.items():
        found = [a.copy() for a in args]
        run(*found)
        for f, e in zip(found, expected, strict=True):
            np.testing.assert_array_equal(f, e, err_msg=f"{kernel.__name__}, {name}")


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: k.__name__)
def test_it_is_what_plain_python_computes_on_typed_arrays(kernel: Any) -> None:
    s = customize(kernel)
    ways = {"IR as Python": lambda *a: run_python(s.program, *a), "LLVM": s.build()}
    for seed in range(6):
        same(kernel, ways, seed)


def test_it_is_what_the_cpp_computes(tmp_path: Path) -> None:
    for kernel in (matrices, inferred, numpy_words, real_words):
        hls = customize(kernel).build(target="hls", project=tmp_path / kernel.__name__)
        same(kernel, {"C++": hls}, 4)


def scaled(a: Fixed(12, 4)[6], b: Fixed(10, 6)[6], y: Fixed(24, 8)[6], s: Fixed(32, 10)[1]):
    y[:] = a * b + 1
    t = a - b
    s[0] = t.sum() + (a @ b) - t.max()
    y += t[::-1]


def test_fixed_point_stays_exact() -> None:
    program = customize(scaled).program
    rng = np.random.default_rng(2)
    args = [rng.integers(-100, 100, p.type.dims) / 16.0 for p in program.arguments]
    expected, found, compiled = ([a.copy() for a in args] for _ in range(3))
    scaled(*(typed(a, t) for a, t in zip(expected, POINTS, strict=True)))
    run_python(program, *found)
    customize(scaled).build()(*compiled)
    for f, c, e in zip(found, compiled, expected, strict=True):
        np.testing.assert_array_equal(f, e)
        np.testing.assert_array_equal(c, e)


def test_floats_add_up_in_order() -> None:
    s = customize(real)
    rng = np.random.default_rng(1)
    args = [rng.normal(size=p.type.dims).astype(np.float32) for p in s.program.arguments]
    expected, found = [a.copy() for a in args], [a.copy() for a in args]
    plain(real)(*expected)
    run_python(s.program, *found)
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_array_equal(f, e)


def test_the_loops_have_the_names_of_the_target() -> None:
    s = customize(matrices)
    assert [loop.name for loop in s.get_loops()][:3] == ["c_0", "c_1", "c_2"]
    s.reorder("c_0", "c_2", "c_1")  # the accumulator becomes an array
    s.unroll("c_1")
    args = inputs(matrices, 1)
    expected, found = [a.copy() for a in args], [a.copy() for a in args]
    plain(matrices)(*expected)
    s.build()(*found)
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_array_equal(f, e)


def test_a_new_array_has_the_exact_type() -> None:
    program = customize(inferred).program
    types = {x.name: str(x.type) for x in walk(program.top.body) if isinstance(x, Alloc)}
    assert types == {"e": "Int(15)[4, 6]", "f": "Int(15)[3, 8]"}


def test_no_copy_is_made_where_elements_meet_themselves() -> None:
    def f(a: int8[4], y: int16[4]):
        y += a
        y[:] = y * 2 + a

    program = customize(f).program
    assert not [x for x in walk(program.top.body) if isinstance(x, Alloc)]
    assert len([x for x in walk(program.top.body) if isinstance(x, For)]) == 2


def test_the_printed_program_parses_to_the_same(tmp_path: Path) -> None:
    from tests.build.hls_support import module_from

    program = customize(matrices).program
    again = customize(module_from(program_text(program), tmp_path, "printed").matrices).program
    assert again == program


def test_a_scalar_operand_is_computed_once() -> None:
    def f(a: int8[3], n: int8[3]):
        n[:] = a + n[0]

    args = [np.array([1, 2, 3], np.int8), np.array([10, 0, 0], np.int8)]
    customize(f).build()(*args)
    assert args[1].tolist() == [11, 12, 13]


def test_the_largest_of_sums_is_found() -> None:
    def f(a: int8[2, 3], y: int16[2]):
        y[0] = a.sum(axis=0).max()
        y[1] = (a * 2).max(axis=1).argmin() + 10

    args = [np.array([[1, 5, -3], [4, -9, 2]], np.int8), np.zeros(2, np.int16)]
    customize(f).build()(*args)
    assert args[1].tolist() == [5, 11]


# ---- typed arrays under CPython


def test_typed_arrays_compute_exactly() -> None:
    a = typed(np.array([100, -128, 127], np.int8), int8)
    assert (a + a).tolist() == [200, -256, 254]
    assert (a * a * a).sum() == 100**3 - 128**3 + 127**3
    assert (a @ a) == 100**2 + 128**2 + 127**2
    assert (a > 0).sum() == 2
    a += 1
    assert isinstance(a, Array)
    assert a.tolist() == [101, -127, -128]  # a store wraps
    w = typed(np.array([[1 << 90], [-1]], object), Int(100))
    assert (w * w).max(axis=0).tolist() == [1 << 180]
    z = zeros(uint16[2, 2])
    z[:] = w
    assert z.tolist() == [[0, 0], [65535, 65535]]


# ---- refusals

HEAD = """
import numpy as np
from bitfold.lang import *

def kernel(x: int8[4], y: int16[4, 2], z: int32[2]):
    {}
"""
REFUSED = {
    "mean": ("z[0] = «x.mean()»", "cannot be called", "x.sum() // 4"),
    "NumPy's mean": ("z[0] = «np.mean(x)»", "cannot be called", "x.sum() // 4"),
    "NumPy's zeros": ("t = «np.zeros(4)»", "cannot be called", "t = zeros(int8[4])"),
    "NumPy's ones": ("t = «np.ones(4)»", "cannot be called", "full(int8[4], 1)"),
    "NumPy's array": ("t = «np.array([1, 2])»", "cannot be called", "outside the kernel"),
    "NumPy's sqrt": ("x[:] = «np.sqrt(x)»", "cannot be called", "from bitfold.lang import sqrt"),
    "NumPy's function of numbers": ("z[0] = «np.maximum(z[0], z[1])»", "cannot be called", "max(a, b)"),
    "NumPy's cast": ("z[0] = «np.int8(z[1])»", "cannot be called", "int8(x)"),
    "astype": ("z[:] = «z.astype(np.int8)»", "cannot be called", "int32(x)"),
    "cumsum": ("x[:] = «np.cumsum(x)»", "cannot be called", "in a loop"),
    "Python's sum": ("z[0] = «sum(x)»", "cannot be called", "x.sum()"),
    "Python's max": ("z[0] = «max(x)»", "does not take these", "x.max()"),
    "a float to an integer": (
        "z[:] = «float32(z) * 2»",
        "float32(z) * 2 is a float32",
        "int32(float32(z) * 2)",
    ),
    "where of two types": ("t = np.where(z > 0, «float32(z)», float64(z))", "float64(float32(z))"),
    "a long product": (
        "w = zeros(int64[100])\n    z[0] = «w».prod()",
        "the exact product of 100 values of type int64 needs more than 4096 bits",
    ),
    "shapes": ("y[:] = «x + z»", "joins arrays of shapes (4,) and (2,)", "equal or 1"),
    "target": ("z[:] = «x»", "has the shape (4,)", "same shape"),
    "product": ("z[:] = «x @ z»", "is no product of matrices or vectors"),
    "rebinding": ("«x» = x + 1", "'x' is already an array", "x[:] = x + 1"),
    "axis": ("z[:] = «y.sum(axis=2)»", "one axis in -2..1"),
    "reshape": ("z[:] = «x.reshape(3)»", "cannot have the shape (3,)"),
    "a view": ("t = «y.T»", "another form", "y.T.copy()"),
    "a condition": ("z[0] = 1 if «x.sum()» > 0 else 2", "a line of its own"),
    "a moving length": ("for i in range(2):\n        z[:] = x[«i»:3]", "no constant length"),
    "a moving slice": ("for i in range(4):\n        z[:] = x[«i» : i + 2]", "can leave the array"),
    "an inferred type": ("t = x + 1\n    «t[0] = 300»", "got the type Int(9)"),
    "an array for a scalar": ("z[0] = «y.sum(axis=0)»", "needs a scalar"),
    "too many indices": ("z[0] = «y[0, 1, :]».sum()", "more indices than the 2 dimensions"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_it_is_refused(case: str) -> None:
    statement, *words = REFUSED[case]
    check_refused(HEAD.format(statement), *words, error=LanguageError)
