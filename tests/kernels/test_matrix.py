"""Matrix layers over the pixels of a feature map, and biased scores, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.kernels.references import bits, random, signs, thresholded
from tests.kernels.rungs import check

from bitfold.kernels.dense import flatten, matrix_threshold, output_scores
from bitfold.kernels.first_layer import pixel_threshold
from bitfold.lang import int16, uint8

SIZES = st.integers(1, 6)


@settings(max_examples=12)
@given(SIZES, SIZES, st.integers(1, 100), st.integers(0, 99))
@example(1, 1, 1, 0)
@example(3, 5, 130, 1)
def test_a_matrix_layer_thresholds_agreeing_inputs_of_every_pixel(P: int, M: int, K: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w, t = bits(rng, P, K), bits(rng, M, K), rng.integers(-1, K + 2, M, np.int16)
    # popcount >= t is dot >= 2 * t - K in signs.
    check(matrix_threshold, [x, w, t], thresholded(signs(x), w, 2 * t.astype(int) - K), P=P, M=M, K=K)


@settings(max_examples=12)
@given(SIZES, SIZES, st.integers(1, 60), st.integers(0, 99))
@example(2, 3, 27, 0)
def test_the_first_layer_thresholds_sums_of_centred_pixels(P: int, M: int, K: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = random(rng, uint8, P, K), bits(rng, M, K)
    centred = x.astype(int) - 128
    dot = centred @ signs(w).T
    t = rng.choice(dot.reshape(-1), M).astype(np.int16)  # some sums are exactly at the threshold
    check(pixel_threshold, [x, w, t], thresholded(centred, w, t), P=P, M=M, K=K)


def test_the_largest_sums_of_pixels_fit() -> None:
    K = 255
    x = np.array([[0] * K, [255] * K], np.uint8)
    w = np.array([[0] * K, [1] * K], np.uint8)
    t = np.array([K * 128, -K * 127], np.int16)
    check(pixel_threshold, [x, w, t], np.array([[1, 0], [0, 1]], np.uint8), P=2, M=2, K=K)


@settings(max_examples=12)
@given(SIZES, st.integers(1, 100), st.integers(0, 99))
@example(10, 130, 0)
def test_biased_scores_are_dot_products_of_signs_and_a_bias(M: int, K: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w, b = bits(rng, K), bits(rng, M, K), random(rng, int16, M) // 2
    check(output_scores, [x, w, b], (signs(w) @ signs(x) + b).astype(np.int16), M=M, K=K)


@pytest.mark.parametrize(("P", "C"), [(1, 1), (4, 3), (1, 130)])
def test_a_flat_feature_map_has_its_channels_together(P: int, C: int) -> None:
    x = bits(np.random.default_rng(0), P, C)
    check(flatten, [x], x.reshape(-1), P=P, C=C, N=P * C)
