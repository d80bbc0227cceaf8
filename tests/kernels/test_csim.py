"""The kernels' generated C++, compiled with g++, against NumPy."""

# No postponed annotations: those of a kernel inside a function use the function's variables.

from pathlib import Path

import numpy as np
import pytest
from tests.kernels.references import bits, pooled, random, signs, thresholded, windows

from bitfold import customize
from bitfold.kernels.dense import matrix_threshold, output_scores
from bitfold.kernels.first_layer import pixel_threshold
from bitfold.kernels.pool import or_pool
from bitfold.kernels.streams import duplicator, stream_reader, stream_writer, width_converter
from bitfold.kernels.window import sliding_window
from bitfold.lang import UInt, bit, int8, int16, packed, stream, uint8

IMAGES = 3


def simulate(kernel, folder: Path, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
    """Compile and run the C++ of `kernel` once for all images."""
    found = [np.ones_like(o) for o in outputs]
    customize(kernel).build(target="hls", project=folder / "project")(*inputs, *found)
    for i, (array, expected) in enumerate(zip(found, outputs, strict=True)):
        np.testing.assert_array_equal(array, expected, err_msg=f"output {i}")


def each(function, images: np.ndarray, *args) -> np.ndarray:
    return np.stack([function(image, *args) for image in images])


@pytest.mark.csim
def test_feature_maps(tmp_path: Path) -> None:
    """An image of pixels, of bits with an odd width, and of bits wider than a machine word."""
    rng = np.random.default_rng(0)
    a, b, c = random(rng, uint8, IMAGES, 6, 5, 3), bits(rng, IMAGES, 5, 7, 2), bits(rng, IMAGES, 4, 6, 70)
    plain, padded = sliding_window(uint8, 6, 5, 3), sliding_window(bit, 5, 7, 3, pad=1, pad_value=1)
    strided, sparse = sliding_window(bit, 4, 6, 2, stride=2, pad=1), sliding_window(bit, 5, 7, 1, stride=3)
    by_two, by_three = or_pool(5, 7), or_pool(4, 6, 3)

    def maps(
        a: uint8[30, 3],
        b: bit[35, 2],
        c: bit[24, 70],
        a0: uint8[12, 27],
        b0: bit[35, 18],
        b1: bit[6, 2],
        b2: bit[6, 2],
        c0: bit[12, 280],
        c1: bit[2, 70],
    ):
        plain(a, a0)
        padded(b, b0)
        sparse(b, b1)
        by_two(b, b2)
        strided(c, c0)
        by_three(c, c1)

    simulate(
        maps,
        tmp_path,
        [m.reshape(IMAGES, -1, m.shape[-1]) for m in (a, b, c)],
        [
            each(windows, a, 3),
            each(windows, b, 3, 1, 1, 1),
            each(windows, b, 1, 3),
            each(pooled, b, 2),
            each(windows, c, 2, 2, 1),
            each(pooled, c, 3),
        ],
    )


@pytest.mark.csim
def test_matrix_layers(tmp_path: Path) -> None:
    P, K, M = 4, 75, 5
    rng = np.random.default_rng(1)
    x, pixels = bits(rng, IMAGES, P, K), random(rng, uint8, IMAGES, P, K)
    w, t = bits(rng, M, K), rng.integers(30, 46, M, np.int16)
    low, bias = rng.integers(-900, 900, M, np.int16), rng.integers(-20, 20, M, np.int16)
    flat = bits(rng, IMAGES, K)

    def layers(
        x: bit[P, K],
        pixels: uint8[P, K],
        flat: bit[K],
        y: bit[P, M],
        z: bit[P, M],
        s: int16[M],
    ):
        matrix_threshold(x, w, t, y)
        pixel_threshold(pixels, w, low, z)
        output_scores(flat, w, bias, s)

    simulate(
        layers,
        tmp_path,
        [x, pixels, flat],
        [
            each(thresholded, signs(x), w, 2 * t.astype(int) - K),
            each(thresholded, pixels.astype(int) - 128, w, low),
            (signs(flat) @ signs(w).T + bias).astype(np.int16),
        ],
    )


@pytest.mark.csim
def test_streams(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    x, v = bits(rng, IMAGES, 3, 98), random(rng, int8, IMAGES, 4, 2)
    e = bits(rng, IMAGES, 2, 5)
    narrow, widen, cut, join = (
        width_converter(*sizes) for sizes in ((3, 98, 49, 16), (2, 5, 3, 4), (3, 98, 16, 8), (3, 98, 1, 64))
    )
    twice, read, write = duplicator(int8, 8), stream_reader(int8[4, 2]), stream_writer(bit[3, 98])

    def parts(
        x49: UInt(49)[3, 2] @ packed(98) @ stream,
        x16: UInt(16)[3, 7] @ packed(98) @ stream,
        x1: bit[3, 98] @ stream,
        x: bit[3, 98],
        e3: UInt(3)[2, 2] @ packed(5) @ stream,
        v: int8[4, 2] @ stream,
        u: int8[8] @ stream,
        y16: UInt(16)[3, 7] @ packed(98) @ stream,
        y8: UInt(8)[3, 13] @ packed(98) @ stream,
        y64: UInt(64)[3, 2] @ packed(98) @ stream,
        y1: bit[3, 98] @ stream,
        e4: UInt(4)[2, 2] @ packed(5) @ stream,
        v0: int8[4, 2],
        u0: int8[8] @ stream,
        u1: int8[8] @ stream,
    ):
        narrow(x49, y16)
        cut(x16, y8)
        join(x1, y64)
        write(x, y1)
        widen(e3, e4)
        read(v, v0)
        twice(u, u0, u1)

    u = v.reshape(IMAGES, 8)
    simulate(parts, tmp_path, [x, x, x, x, e, v, u], [x, x, x, x, e, v, u, u])
