"""The kernels under the schedules that make hardware of them: the results stay what they were."""

# No postponed annotations: those of a kernel inside a function use the function's variables.

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.kernels.references import bits, pooled, random, signs, thresholded, windows

from bitfold import customize
from bitfold.ir.run import run_python
from bitfold.kernels.dense import flatten, matrix_threshold, output_scores
from bitfold.kernels.first_layer import pixel_threshold
from bitfold.kernels.pool import or_pool
from bitfold.kernels.streams import width_converter
from bitfold.kernels.window import sliding_window
from bitfold.lang import bit, empty, int8, int16, uint8
from bitfold.model.cycles import model
from bitfold.schedule import Partition, Schedule
from bitfold.schedules.folding import fold


def by_pixels(s: Schedule, loop: str, lanes: int) -> None:
    """All channels of a pixel in a cycle; bits in words of `lanes` channels."""
    for array in s.get_arrays():
        if lanes:
            s.pack(array, lanes)
    if "c" in map(str, s.get_loops()):  # it has not become work on whole words
        s.unroll("c")
    s.pipeline(loop, ii=1)


def fold_pixels(s: Schedule, pe: int, simd: int) -> None:
    """`schedules.folding.fold` for a first layer, whose inputs are no bits."""
    m_o, m_i = s.split("m", pe)
    k_o, k_i = s.split("k", simd)
    s.reorder(m_o, k_o, m_i, k_i)
    s.unroll(m_i)
    s.unroll(k_i)
    s.pipeline(k_o, ii=1)
    s.pack("w", simd)
    s.partition("x", Partition.Cyclic, dim=2, factor=simd)
    s.partition("w", Partition.Cyclic, dim=1, factor=pe)
    s.partition("acc")


def cycles(s: Schedule) -> int:
    (layer,) = model(s.program, 200.0).layers
    return layer.cycles


def check(s: Schedule, inputs: list[np.ndarray], expected: np.ndarray) -> None:
    for run in (s.build(target="llvm"), lambda *a: run_python(s.program, *a)):
        found = np.ones_like(expected)
        run(*inputs, found)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("elem", "channels", "lanes", "stride", "pad"),
    [(bit, 6, 6, 1, 0), (bit, 6, 3, 1, 1), (bit, 70, 70, 2, 0), (bit, 5, 4, 1, 0), (int8, 3, 0, 1, 1)],
)
def test_windows(elem, channels: int, lanes: int, stride: int, pad: int) -> None:
    image = random(np.random.default_rng(lanes), elem, 6, 5, channels)
    expected = windows(image, 3, stride, pad)
    s = customize(sliding_window(elem, 6, 5, 3, stride, pad), C=channels, N=9 * channels)
    by_pixels(s, "kx", lanes)
    check(s, [image.reshape(-1, channels)], expected)
    columns = (5 + 2 * pad - 3) // stride + 1
    assert cycles(s) <= (6 + pad + 1) * columns * 9


def test_the_windows_of_a_folded_pixel() -> None:
    """Part of the channels in a cycle."""
    image = bits(np.random.default_rng(0), 5, 5, 12)
    s = customize(sliding_window(bit, 5, 5, 3), C=12, N=9 * 12)
    outer, inner = s.split("c", 4)
    for array in ("x", "lines", "y"):
        s.pack(array, 4)
    assert str(inner) not in map(str, s.get_loops()), "whole words are copied"
    s.pipeline(outer, ii=1)
    check(s, [image.reshape(25, 12)], windows(image, 3))
    assert cycles(s) == 6 * 3 * 9 * 3


def test_the_windows_of_cnv_keep_the_time() -> None:
    s = customize(sliding_window(bit, 32, 32, 3), C=64, N=9 * 64)
    by_pixels(s, "kx", 64)
    assert cycles(s) == 33 * 30 * 9


def test_windows_go_out_as_a_stream() -> None:
    image = bits(np.random.default_rng(1), 5, 6, 2)
    s = customize(sliding_window(bit, 5, 6, 3, pad=1, pad_value=1), C=2, N=18)
    s.stream("y")
    check(s, [image.reshape(30, 2)], windows(image, 3, 1, 1, 1))


@pytest.mark.parametrize(("channels", "lanes"), [(6, 6), (6, 2), (70, 70), (5, 4)])
def test_pools(channels: int, lanes: int) -> None:
    image = np.random.default_rng(lanes).binomial(1, 0.2, (5, 7, channels)).astype(np.uint8)
    s = customize(or_pool(5, 7), C=channels)
    by_pixels(s, "i", lanes)
    check(s, [image.reshape(35, channels)], pooled(image, 2))
    assert cycles(s) == 35


def test_pools_between_streams() -> None:
    image = bits(np.random.default_rng(2), 5, 7, 3)
    s = customize(or_pool(5, 7), C=3)
    s.stream("x")
    s.stream("y")
    check(s, [image.reshape(35, 3)], pooled(image, 2))


def matrix_case(seed: int, P: int, M: int, K: int) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    x, w, t = bits(rng, P, K), bits(rng, M, K), rng.integers(K // 3, 2 * K // 3, M, np.int16)
    return [x, w, t], thresholded(signs(x), w, 2 * t.astype(int) - K)


@pytest.mark.parametrize(("pe", "simd"), [(1, 1), (3, 10), (6, 30), (2, 15)])
def test_matrix_layers(pe: int, simd: int) -> None:
    inputs, expected = matrix_case(pe, 5, 6, 30)
    s = customize(matrix_threshold, P=5, M=6, K=30)
    fold(s, pe, simd)
    check(s, inputs, expected)
    assert cycles(s) == 5 * (6 // pe) * (30 // simd)


@pytest.mark.parametrize(("pe", "simd"), [(1, 1), (3, 9), (6, 27)])
def test_first_layers(pe: int, simd: int) -> None:
    rng = np.random.default_rng(pe)
    x, w, t = random(rng, uint8, 5, 27), bits(rng, 6, 27), rng.integers(-300, 300, 6, np.int16)
    s = customize(pixel_threshold, P=5, M=6, K=27)
    fold(s, pe, simd)
    check(s, [x, w, t], thresholded(x.astype(int) - 128, w, t))
    assert cycles(s) == 5 * (6 // pe) * (27 // simd)


def test_biased_scores() -> None:
    rng = np.random.default_rng(3)
    x, w, b = bits(rng, 64), bits(rng, 10, 64), rng.integers(-9, 9, 10, np.int16)
    s = customize(output_scores, M=10, K=64)
    fold(s, 5, 16)
    check(s, [x, w, b], (signs(w) @ signs(x) + b).astype(np.int16))
    assert cycles(s) == 2 * 4


@pytest.mark.parametrize(
    ("lanes_in", "lanes_out", "steps"), [(49, 16, 7), (16, 49, 7), (1, 64, 98), (64, 1, 98), (8, 16, 13)]
)
def test_converters_pass_a_word_in_a_cycle(lanes_in: int, lanes_out: int, steps: int) -> None:
    x = bits(np.random.default_rng(4), 3, 98)
    s = customize(width_converter(3, 98, lanes_in, lanes_out))
    s.pipeline("n", ii=1)
    check(s, [x], x)
    assert cycles(s) == 3 * steps


def small_network() -> tuple[Callable[..., None], list[np.ndarray], np.ndarray]:
    """A network of all kinds of layers on 8 x 8 pixels of two colours, three images, and their scores."""
    rng = np.random.default_rng(5)
    w0, w1, w2 = bits(rng, 4, 18), bits(rng, 6, 36), bits(rng, 3, 24)
    t0, t1, b2 = (rng.integers(*r, np.int16) for r in ((-400, 400, 4), (16, 21, 6), (-5, 5, 3)))
    window0, window1, pool = sliding_window(uint8, 8, 8, 3), sliding_window(bit, 6, 6, 3), or_pool(4, 4)

    def network(image: uint8[64, 2], s: int16[3]):
        a0 = empty(uint8[36, 18])
        b0 = empty(bit[36, 4])
        a1 = empty(bit[16, 36])
        b1 = empty(bit[16, 6])
        c1 = empty(bit[4, 6])
        d1 = empty(bit[24])
        window0(image, a0)
        pixel_threshold(a0, w0, t0, b0)
        window1(b0, a1)
        matrix_threshold(a1, w1, t1, b1)
        pool(b1, c1)
        flatten(c1, d1)
        output_scores(d1, w2, b2, s)

    def scores(image: np.ndarray) -> np.ndarray:
        first = thresholded(windows(image.astype(int) - 128, 3), w0, t0)
        second = thresholded(signs(windows(first.reshape(6, 6, 4), 3)), w1, 2 * t1.astype(int) - 36)
        flat = pooled(second.reshape(4, 4, 6), 2).reshape(-1)
        return (signs(w2) @ signs(flat) + b2).astype(np.int16)

    images = random(rng, uint8, 3, 8, 8, 2)
    return network, [images.reshape(3, 64, 2)], np.stack([scores(image) for image in images])


@pytest.mark.csim
def test_a_scheduled_network_in_cpp(tmp_path: Path) -> None:
    network, inputs, expected = small_network()
    s = customize(network)
    by_pixels(s.at("window_0"), "kx", 0)
    fold_pixels(s.at("pixel_threshold"), 2, 9)
    fold(s.at("matrix_threshold"), 3, 4)
    fold(s.at("output_scores"), 3, 6)
    s.at("window_1").pack("lines", 4)
    s.at("window_1").unroll("c")
    s.at("window_1").pipeline("kx")
    s.at("pool").unroll("c")
    s.at("pool").pipeline("i")
    found = np.zeros_like(expected)
    s.build(target="llvm")(*inputs, found)
    np.testing.assert_array_equal(found, expected)
    found[:] = 0
    s.build(target="hls", project=tmp_path / "network")(*inputs, found)
    np.testing.assert_array_equal(found, expected)
