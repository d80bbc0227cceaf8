"""Folding batch norm to integer thresholds gives the same bits as the floats."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bitfold.networks.thresholds import BatchNorm, fold, fold_norm, fold_pixel_norm

N = 37


def norm(gamma: float, beta: float, mean: float, variance: float = 4.0) -> BatchNorm:
    return BatchNorm(np.array([gamma]), np.array([beta]), np.array([mean]), np.array([variance]), epsilon=0.0)


@pytest.mark.parametrize("gamma", [1.5, 0.01, -1.5, -0.01, 0.0])
@pytest.mark.parametrize("beta", [0.0, 0.3, -2.0, 100.0, -100.0])
@pytest.mark.parametrize("mean", [0.0, 3.0, -4.25])
def test_threshold_decides_like_batch_norm_for_every_popcount(gamma: float, beta: float, mean: float) -> None:
    (t,) = fold_norm(norm(gamma, beta, mean), N)
    assert 0 <= t <= N + 1
    for p in range(N + 1):
        bit = gamma * (2 * p - N - mean) / 2.0 + beta >= 0
        matches = N - p if gamma < 0 else p
        assert (matches >= t) == bit


def test_a_sum_exactly_at_the_threshold_is_on() -> None:
    (t,) = fold_norm(norm(1.0, 0.0, 5.0), N)
    assert 2 * t - N == 5


def test_folded_network_gives_the_float_network_s_scores() -> None:
    rng = np.random.default_rng(7)
    dims = (N, 20, 12, 10)
    latent = [rng.normal(size=(out, fan_in)) for fan_in, out in pairwise(dims)]
    norms = [
        BatchNorm(rng.normal(size=out), rng.normal(size=out), rng.normal(size=out), rng.random(out) * 30)
        for out in dims[1:-1]
    ]
    bits = rng.integers(0, 2, (200, N), dtype=np.uint8)

    x = bits * 2.0 - 1
    for values, layer in zip(latent, norms, strict=False):
        a = x @ np.where(values >= 0, 1.0, -1.0).T
        normed = layer.gamma * (a - layer.mean) / np.sqrt(layer.variance + layer.epsilon) + layer.beta
        x = np.where(normed >= 0, 1.0, -1.0)
    expected = x @ np.where(latent[-1] >= 0, 1.0, -1.0).T

    folded = fold(latent, norms)
    assert folded.dims == dims
    assert min(norms[0].gamma) < 0 < max(norms[0].gamma)
    np.testing.assert_array_equal(folded.infer(bits), expected)


@pytest.mark.parametrize("beta", [0.0, 0.3, -2.0, 1000.0, -1000.0])
@pytest.mark.parametrize("mean", [0.0, 3.01, -4.25])
def test_pixel_threshold_decides_like_batch_norm_for_every_sum(beta: float, mean: float) -> None:
    one = np.ones(1)
    (t,) = fold_pixel_norm(BatchNorm(one, one * beta, one * mean, one * 4.0, epsilon=0.0), 27)
    sums = np.arange(-128 * 27, 128 * 27 + 1)
    np.testing.assert_array_equal(sums >= t, (sums / 128 - mean) / 2.0 + beta >= 0)
    assert -128 * 27 <= t <= 128 * 27 + 1


def test_columns_are_ordered_row_column_channel() -> None:
    latent = [-np.ones((10, 8, 3, 3))]
    latent[0][4, 7, 1, 2] = 0.5
    (w,) = fold(latent, [], "cnv").weights
    assert np.argwhere(w).tolist() == [[4, (1 * 3 + 2) * 8 + 7]]
