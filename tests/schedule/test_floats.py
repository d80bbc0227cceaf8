"""Schedules of kernels that compute with floats: an order of operations is part of a result."""

from __future__ import annotations

import numpy as np
import pytest
from tests.schedule.ladder import check_rewritten
from tests.strategies import load

from bitfold import Partition, customize
from bitfold.diagnostics import ScheduleError
from bitfold.ir.printer import program_text
from bitfold.schedule.schedule import Schedule

SOURCE = """\
import numpy as np

from bitfold.lang import *

TAPS = np.array([0.1, -0.25, 0.5, 1.5, -3.0], np.float32)


def matmul(a: float32[6, 8], b: float32[8, 4], c: float32[6, 4]):
    for i in range(6):
        for j in range(4):
            acc: float32 = 0.0
            for k in range(8):
                acc += a[i, k] * b[k, j]
            c[i, j] = acc


def total(x: float16[12], y: float16[1]):
    y[0] = 0
    for i in range(12):
        y[0] += x[i]


def fir(x: float32[32], y: float32[28]):
    for i in range(28):
        acc: float32 = 0.0
        for t in range(5):
            acc += x[i + t] * TAPS[t]
        y[i] = acc


def scaled(x: float32[16], h: float32[16]):
    for i in range(16):
        h[i] = exp(-abs(x[i]))


def summed(h: float32[16], y: float64[16]):
    for i in range(16):
        y[i] = h[i] / 3 + 1


def two(x: float32[16], y: float64[16]):
    h = empty(float32[16])
    scaled(x, h)
    summed(h, y)


def put(x: float16[16], c: Stream[float16, 2]):
    for i in range(16):
        if x[i] > 0:
            c.put(x[i] * 0.5)
    c.put(-1)


def take(c: Stream[float16, 2], y: float16[16]):
    more: bit = 1
    for i in range(16):
        if more:
            v: float16 = c.get()
            y[i] = v
            if v < 0:
                more = 0


def joined(x: float16[16], y: float16[16]):
    c = empty(Stream[float16, 2])
    put(x, c)
    take(c, y)
"""


def scheduled(name: str) -> Schedule:
    return customize(load(SOURCE)[name])


def checked(s: Schedule) -> None:
    check_rewritten(scheduled(s.program.top.kernel).program, s.program)


def test_an_accumulator_of_its_own_for_each_element_keeps_the_order_of_a_sum():
    s = scheduled("matmul")
    s.reorder("k", "j")
    s.unroll("j")
    s.pipeline("k")
    s.partition("b", Partition.Complete, dim=2)
    assert "acc = empty(float32[4])" in program_text(s.program)
    checked(s)


def test_splitting_a_sum_keeps_its_order():
    s = scheduled("matmul")
    s.split("k", 4)
    s.tile("i", "j", 3, 2)
    s.unroll("k_i")
    checked(s)


def test_a_sum_in_another_order_is_refused_without_unsafe():
    s = scheduled("total")
    outer, inner = s.split("i", 4)
    with pytest.raises(ScheduleError, match="may be rounded otherwise") as caught:
        s.reorder(inner, outer)
    assert "first, at" in str(caught.value)
    s.reorder(inner, outer, unsafe=True)
    assert "# Not proved" in str(s)


def test_a_sum_of_integers_in_another_order_stays_legal():
    s = customize(load(SOURCE.replace("float16[12], y: float16", "int16[12], y: int16"))["total"])
    outer, inner = s.split("i", 4)
    s.reorder(inner, outer)


def test_a_smallest_value_in_another_order_is_refused_too_since_there_is_nan():
    s = customize(load(SOURCE.replace("y[0] += x[i]", "y[0] = min(y[0], x[i])"))["total"])
    outer, inner = s.split("i", 4)
    with pytest.raises(ScheduleError, match="rounded otherwise"):
        s.reorder(inner, outer)


def test_floats_cannot_be_packed():
    with pytest.raises(ScheduleError, match="words hold integers") as caught:
        scheduled("fir").pack("x", 4)
    assert "partition it" in str(caught.value)


def test_a_stream_of_several_floats_is_refused():
    s = scheduled("two")
    with pytest.raises(ScheduleError, match="words hold integers"):
        s.stream("h", lanes=4)


@pytest.mark.parametrize("change", ["window", "buffer", "unroll", "jam", "fission", "fuse", "bind"])
def test_a_primitive_keeps_every_bit(change: str):
    s = scheduled("matmul" if change in ("jam", "fuse") else "fir")
    match change:
        case "window":
            s.reuse_at("x", "i")
        case "buffer":
            s.buffer_at("y", "i")
        case "unroll":
            s.unroll("t")
            s.pipeline("i")
        case "jam":
            s.unroll_jam("i", 2)
        case "fission":
            s.fission("i", "t")
        case "fuse":
            s.fuse("i", "j")
        case "bind":
            s.bind("x", "lutram")
    checked(s)


def test_a_buffer_of_floats_that_is_partly_used_starts_from_a_float():
    source = """
from bitfold.lang import *

def partly(x: float32[5], y: float32[5]):
    for i in range(3):
        for j in range(2):
            if i * 2 + j < 5:
                y[i * 2 + j] = x[i * 2 + j] * 2
"""
    s = customize(load(source)["partly"])
    s.buffer_at("y", "i")
    assert "y_buffer = zeros(float32[2])" in str(s)
    x, y = np.arange(5, dtype=np.float32), np.zeros(5, np.float32)
    s.build(target="llvm")(x, y)
    assert y.tolist() == [0, 2, 4, 6, 8]


def test_floats_cross_a_stream_between_kernels():
    s = scheduled("two")
    s.stream("h")
    s.dataflow()
    checked(s)


def test_inlined_kernels_of_floats_compute_the_same():
    s = scheduled("two")
    s.inline("scaled")
    s.inline("summed")
    checked(s)


def test_a_network_passes_floats():
    s = scheduled("joined")
    module = s.build(target="llvm")
    x = np.array([1, -2, 0.1, np.inf, *range(12)], np.float16)
    y, expected = np.zeros(16, np.float16), np.zeros(16, np.float16)
    module(x, y)
    wanted = [*(v / 2 for v in x if v > 0), -1]
    expected[: len(wanted)] = wanted
    assert y.tobytes() == expected.tobytes()
