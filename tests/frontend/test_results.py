"""Numbers, results, parts of arrays and nested kernels: on every rung what plain Python gives."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pytest
from tests.frontend.refusals import HEAD, check_refused
from tests.strategies import load

from bitfold import customize
from bitfold.diagnostics import LanguageError, UsageError
from bitfold.frontend import parse
from bitfold.ir.nodes import Alloc, walk
from bitfold.ir.run import as_python, run_python
from bitfold.lang import empty, int8, typed
from bitfold.lang.types import int16

HELPERS = """
W = np.arange(12, dtype=np.int16).reshape(3, 4) - 5


def total(x: int16["N"], scale: int32) -> int32:
    acc: int32 = 0
    for i in range(x.shape[0]):
        acc += x[i]
    return acc * scale


def clipped(x: int16["N"], low: int16, high: int16) -> int16["N"]:
    y = empty(int16[8])
    for i in range(x.shape[0]):
        y[i] = min(max(x[i], low), high)
    return y


def find(x: int16["N"], key: int16) -> int32:
    for i in range(x.shape[0]):
        if x[i] == key:
            return i
    return -1


def count_up(x: int16["N"], n: int16) -> (int16, int16["N"]):
    z = zeros(int16[8])
    for i in range(x.shape[0]):
        n += 1
        z[i] = x[i] * n
        if n > 7:
            return n, z
    return n, z


def scaled(x: int16["N"], k: int16, y: int16["N"]):
    for i in range(x.shape[0]):
        y[i] = x[i] * k


def dot(a: int16["N"], b: int16["N"]) -> int32:
    acc: int32 = 0
    for i in range(a.shape[0]):
        acc += a[i] * b[i]
    return acc


def rows(a: int16["M", "N"]) -> int32:
    acc: int32 = 0
    for i in range(a.shape[0]):
        row = a[i]
        for j in range(len(row)):
            acc += row[j] * (j + 1)
    return acc
"""
# body of kernel(x: int16[8], A: int16[4, 4], n: int16) -> int32, whether to simulate its C++
KERNELS = {
    "numbers and results": (
        """
        c = clipped(x, -n, n + 3)
        t: int32 = total(c, 2) + total(x, n) * 3
        if find(x, 2) > find(x[4:], n):
            t += 100
        m, d = count_up(c, n)
        x[0], t = m, t + d[3]
        for i in range(find(x, 1)):
            t += i
        while find(x, t % 4) > 0:
            t += 1
        return t
        """,
        True,
    ),
    "parts as arguments": (
        """
        scaled(A[0], 3, A[1])
        scaled(A[n % 3], n, x[2:6])
        scaled(A[1, 0:2], 2, A[1, 2:4])
        t: int32 = 0
        for i in range(2):
            scaled(A[i + 1, 1:3], i, x[i * 4:i * 4 + 2])
            t += dot(W[i], A[i]) + dot(A[:, i], A[::-1, i + 1]) + dot(x[i:i + 4], W[n % 3])
        return t + rows(A[1:3]) + rows(A[n % 2:n % 2 + 3, 1:]) + dot(W[2], A[..., 0])
        """,
        True,
    ),
    "names for parts": (
        """
        k = n % 4
        row = A[k]
        k = 0
        row[1] += 5
        column, half = A[:, 1], x[::2]
        back = half[::-1]
        t: int32 = row[1] + column[k] * back[0] + A[2][3]
        A[1][n % 4] = t
        for i in range(3):
            below = A[i + 1]
            below[i] -= below[i + 1]
            t += below[i]
        row = A[3]
        t += row[0]
        same = x
        same[7] = t
        return x[7] + W[1][2]
        """,
        False,
    ),
    "several places at once": (
        """
        a: int16 = x[0]
        b: int16 = x[1]
        for i in range(1, 8):
            a, b = b, a
            if x[i] > a:
                a, x[i], b = x[i], a, int16(b - 1)
            x[i], x[i - 1] = x[i - 1], x[i]
            A[0, i % 4] = A[1, i % 4] = int16(a + A[2, 0] + A[3, i % 4] + A[0, 0] + A[1, 1])
        d: int16 = 0
        c = d = int16(a + n)
        d += 1
        p = q = zeros(int16[2])
        q[1] = d
        m, j = 7, 1
        m = 5
        return p[j] + c + m
        """,
        True,
    ),
    "kernels in a kernel": (
        """
        SIZE = 4
        acc: int32 = n
        buf = zeros(int16[4])

        def square(v: int16) -> int32:
            return v * v

        def add(v: int32) -> int32:
            return v + acc + SIZE

        def put(i: int32):
            buf[i % SIZE] += x[i] % 100
            A[0, i % SIZE] += square(x[i] % 16) + n

        for i in range(8):
            put(i)
            acc = add(square(x[i])) % 1000
        return acc + total(buf, 1)
        """,
        True,
    ),
    "several results of one call": (
        """
        m, first = count_up(x, n)
        m, second = count_up(first, m % 5)
        h = clipped(first, 0, 9)
        h = clipped(h, 1, 8)
        return m + second[7] + h[2]
        """,
        False,
    ),
}


def source(name: str) -> str:
    body = textwrap.indent(textwrap.dedent(KERNELS[name][0]), "    ")
    return f"{HEAD}{HELPERS}\n\ndef kernel(x: int16[8], A: int16[4, 4], n: int16) -> int32:\n{body}"


def called(run: Any, x: np.ndarray, a: np.ndarray, n: int) -> tuple[Any, list[Any], list[Any]]:
    x, a = x.copy(), a.copy()
    return run(x, a, n), x.tolist(), a.tolist()


@pytest.mark.parametrize("name", KERNELS)
def test_every_rung_gives_what_python_gives(name: str, tmp_path):
    kernel = load(source(name))["kernel"]
    schedule = customize(kernel)
    assert parse(as_python(schedule.program)) == schedule.program
    runs = [schedule.build(target="llvm"), lambda *args: run_python(schedule.program, *args)]
    if KERNELS[name][1]:
        runs.append(schedule.build(target="hls", project=tmp_path))
    rng = np.random.default_rng(0)
    for seed in range(20):
        x, a = rng.integers(-9, 10, 8).astype(np.int16), rng.integers(-9, 10, (4, 4)).astype(np.int16)
        n = int(rng.integers(0, 8))
        plain = called(lambda p, q, n: kernel(typed(p, int16), typed(q, int16), n), x, a, n)
        for run in runs[: 2 if seed else 3]:
            assert called(run, x, a, n) == plain


def clip(x: int8[4], low: int8, high: int8) -> int8[4]:
    y = empty(int8[4])
    for i in range(4):
        y[i] = min(max(x[i], low), high)
    return y


def largest(x: int8[4]) -> (int8, int8):
    best: int8 = x[0]
    at: int8 = 0
    for i in range(1, 4):
        if x[i] > best:
            best, at = x[i], i
    return best, at


def twice(n: int8) -> int16:
    return n * 2


def test_a_module_is_called_as_the_function_is():
    x = np.array([5, -3, 9, 2], np.int8)
    found = customize(largest).build()(x)
    assert found == largest(x) == (9, 2)
    assert [type(v) for v in found] == [int, int]
    doubled = customize(twice).build()
    assert doubled(-7) == -14
    assert doubled(np.int8(3)) == 6


def test_a_batch_takes_and_gives_arrays_of_numbers():
    x = np.array([[5, -3, 9, 2], [1, 2, 3, 4]], np.int8)
    best, at = customize(largest).build()(x)
    assert best.tolist() == [9, 4]
    assert at.tolist() == [2, 3]
    assert customize(twice).build()(np.array([1, -2, 3], np.int8)).tolist() == [2, -4, 6]


@pytest.mark.parametrize(
    ("given", "words"),
    [(200, "'n' is 200; int8 has -128..127"), (1.5, "'n' is a number (int8), not float"), ("1", "not str")],
)
def test_a_number_outside_its_type_is_refused(given: Any, words: str):
    with pytest.raises(UsageError) as caught:
        customize(twice).build()(given)
    assert words in str(caught.value)


def test_a_constant_argument_is_part_of_the_instance():
    text = str(customize(load(source("numbers and results"))["kernel"]))
    assert "def total_0(x: int16[8], result: int32[1]):" in text
    assert "result[0] = acc * 2" in text


def test_an_array_that_is_returned_at_the_end_is_not_copied():
    program = parse(load(source("numbers and results"))["kernel"])
    clipping = next(f for f in program.functions if f.kernel == "clipped")
    assert clipping.params[-1].name == "y"
    assert clipping.params[-1].result
    assert not any(isinstance(s, Alloc) for s in walk(clipping.body))


REFUSED = {
    "not every way returns": (
        "«def kernel»(x: int8[4]) -> int32:\n    if x[0]:\n        return 1\n",
        "can end without returning",
    ),
    "nothing for a result": ("def kernel(x: int8[4]) -> int32:\n    «return»\n", "this returns nothing"),
    "two for one": (
        "def kernel(x: int8[4]) -> int32:\n    return «1, 2»\n",
        "declares 1 results",
        "returns 2",
    ),
    "a parameter": ("def kernel(x: int8[4]) -> int8[4]:\n    return «x»\n", "did not make 'x'", "copy it"),
    "a part": (
        "def kernel(x: int8[4]) -> int8[2]:\n    y = zeros(int8[4])\n    z = y[:2]\n    return «z»\n",
        "did not make 'z'",
    ),
    "another type": (
        "def kernel(x: int8[4]) -> int8[4]:\n    y = zeros(int16[4])\n    return «y»\n",
        "declares int8[4], but 'y' is int16[4]",
    ),
    "a constant outside": ("def kernel(x: int8[4]) -> int8:\n    return «300»\n", "300 is outside int8"),
    "an array for a number": ("def kernel(x: int8[4]) -> int8:\n    return «x»\n", "'x' is an array"),
    "a call that writes in an expression": (
        "def g(x: int8[4]) -> int8:\n    x[0] = 1\n    return 2\n\n\ndef kernel(x: int8[4]):\n"
        "    x[1] = x[0] + «g(x)»\n",
        "'g' writes arrays",
        "`v: int8 = g(x)`",
    ),
    "a call that may not run": (
        "def g(x: int8[4]) -> int8:\n    return x[0]\n\n\ndef kernel(x: int8[4]):\n"
        "    x[1] = x[0] and «g(x)»\n",
        "where it may not run",
    ),
    "an array in an expression": (
        "def g(x: int8[4]) -> int8[4]:\n    y = zeros(int8[4])\n    return y\n\n\ndef kernel(x: int8[4]):\n"
        "    x[1] = «g(x)» + 1\n",
        "'g' returns an array",
        "`a = g(...)`",
    ),
    "a number for an array": (
        "def g(n: int8):\n    pass\n\n\ndef kernel(x: int8[4]):\n    g(«x»)\n",
        "g takes one number for 'n'",
    ),
    "a constant that does not fit": (
        "def g(n: int8, y: int8[4]):\n    y[0] = n\n\n\ndef kernel(x: int8[4]):\n    g(«200», x)\n",
        "g takes int8 for 'n', which does not hold 200",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str):
    text, *words = REFUSED[name]
    check_refused(f"{HEAD}{text}", *words, error=LanguageError)


def test_a_kernel_defined_where_nothing_runs_is_dropped_as_python_drops_it() -> None:
    names = load(
        "from bitfold.lang import *\n\ndef kernel(x: int8[2]):\n    x[0] = 1\n    if 4:\n        return\n"
        "    def inner(k: int8):\n        x[1] = k\n    inner(3)\n"
    )
    x = np.zeros(2, np.int8)
    customize(names["kernel"]).build()(x)
    assert x.tolist() == [1, 0]
