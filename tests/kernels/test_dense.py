"""The layers of a fully connected network against independent NumPy, in plain Python and compiled."""

from __future__ import annotations

import numpy as np
import pytest

from bitfold import customize
from bitfold.kernels.classify import binarize, label_select
from bitfold.kernels.dense import binary_dense, output_scores

SHAPES = [(1, 1), (3, 7), (16, 64), (5, 130)]


def dense_case(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(rows * 1000 + columns)
    x = rng.integers(0, 2, columns, np.uint8)
    w = rng.integers(0, 2, (rows, columns), np.uint8)
    t = rng.integers(0, columns + 2, rows).astype(np.int16)
    # As a dot product of -1 and +1, which is how the paper defines the layer.
    dot = (2 * w.astype(np.int64) - 1) @ (2 * x.astype(np.int64) - 1)
    return x, w, t, dot


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_binary_dense_thresholds_the_number_of_agreeing_inputs(rows: int, columns: int) -> None:
    x, w, t, dot = dense_case(rows, columns)
    expected = (dot + columns) // 2 >= t
    plain, compiled = np.zeros(rows, np.uint8), np.zeros(rows, np.uint8)
    binary_dense(x, w, t, plain)
    customize(binary_dense, M=rows, K=columns).build()(x, w, t, compiled)
    assert (plain == expected).all()
    assert (compiled == expected).all()


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_output_scores_are_dot_products_of_signs(rows: int, columns: int) -> None:
    x, w, _, dot = dense_case(rows, columns)
    b = np.arange(rows, dtype=np.int16) - 3
    plain, compiled = np.zeros(rows, np.int16), np.zeros(rows, np.int16)
    output_scores(x, w, b, plain)
    customize(output_scores, M=rows, K=columns).build()(x, w, b, compiled)
    assert (plain == dot + b).all()
    assert (compiled == dot + b).all()


def test_binarize_is_at_least_half_of_full_scale() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    plain, compiled = np.zeros(256, np.uint8), np.zeros(256, np.uint8)
    binarize(pixels, plain)
    customize(binarize, N=256).build()(pixels, compiled)
    assert (plain == (pixels > 127)).all()
    assert (compiled == plain).all()


@pytest.mark.parametrize(
    "scores", [[3, 9, -4], [-5, -5, -7], [0, 0, 0], [-32768, 32767, 32767], [-32768, -32768, -32768]]
)
def test_label_select_takes_the_lowest_index_of_the_highest_score(scores: list[int]) -> None:
    s = np.array(scores, np.int16)
    for run in (label_select, customize(label_select, N=3).build()):
        passed, label = np.zeros(3, np.int16), np.full(1, 77, np.uint8)
        run(s, passed, label)
        assert (passed == s).all()
        assert label[0] == np.argmax(s)
