"""The cycle model: (rows / PE) * (columns / SIMD) for a matrix layer, and what it says of whole networks."""

from __future__ import annotations

import pytest
from tests.strategies import load

from bitfold.build.zc706.device import ZC706
from bitfold.kernels.dense import binary_dense, output_scores
from bitfold.model.cycles import Layer, Memory, model
from bitfold.schedule import Schedule, customize
from bitfold.schedules.folding import fold

FOLDINGS = [
    (M, K, pe, simd)
    for M, K in ((16, 48), (10, 30), (1, 7), (12, 1))
    for pe in range(1, M + 1)
    for simd in range(1, K + 1)
    if M % pe == 0 and K % simd == 0
]


def layer(s: Schedule) -> Layer:
    (found,) = model(s.program, 200.0).layers
    return found


@pytest.mark.parametrize("kernel", [binary_dense, output_scores])
def test_a_folded_layer_takes_row_folds_times_column_folds(kernel: object) -> None:
    for M, K, pe, simd in FOLDINGS if kernel is binary_dense else FOLDINGS[::5]:
        s = customize(kernel, M=M, K=K)
        fold(s, pe, simd)
        found = layer(s)
        assert found.cycles == (M // pe) * (K // simd), (M, K, pe, simd)
        assert (found.pe, found.simd) == (pe, simd), (M, K)
        assert found.folds == (M // pe, K // simd)
        assert found.weights == Memory(pe, M // pe * (K // simd), simd)


def test_a_layer_without_a_schedule_does_one_bit_at_a_time() -> None:
    found = layer(customize(binary_dense, M=4, K=6))
    assert (found.pe, found.simd, found.cycles) == (1, 1, 24)
    assert found.weights == Memory(1, 24, 1)


def test_an_initiation_interval_counts() -> None:
    s = customize(binary_dense, M=4, K=6)
    s.pipeline("m", ii=3)
    assert layer(s).cycles == 12


def test_loops_that_are_not_pipelined_run_one_after_another() -> None:
    source = """
from bitfold.lang import *

def kernel(a: uint8[6], b: uint8[6, 6]):
    for i in range(6):
        a[i] = 1
    for i in range(6):
        for j in range(i, 6):
            b[i, j] = a[i]
    for i in unroll(range(6)):
        a[i] = 2
    for i in unroll(range(6), factor=2):
        a[i] = 3
    for i in range(0):
        a[i] = 4
"""
    found = layer(customize(load(source)["kernel"]))
    assert found.cycles == 6 + 6 * 6 + 0 + 3  # what is unrolled whole shares a cycle with its neighbours
    assert (found.folds, found.weights) == (None, None)


def test_a_network_is_paced_by_its_slowest_layer() -> None:
    source = """
from bitfold.lang import *
from bitfold.kernels.dense import output_scores

def kernel(x: bit[4], w: bit[8, 4], b: int16[8], s: int16[2]):
    h = empty(int16[8])
    output_scores(x, w, b, h)
    label(h, s)

def label(h: int16[8], s: int16[2]):
    for i in range(8):
        s[0] += h[i]
"""
    s = customize(load(source)["kernel"])
    found = model(s.program, 100.0)
    assert [part.cycles for part in found.layers] == [32, 8]
    assert (found.interval_cycles, found.latency_cycles) == (40, 40), "one kernel after the other"
    s.dataflow()
    found = model(s.program, 100.0)
    assert (found.interval_cycles, found.latency_cycles) == (32, 40)
    assert found.fps == 100e6 / 32
    assert found.latency_us == 0.4


def test_the_clock_is_the_devices() -> None:
    assert ZC706.clock_mhz == 200
