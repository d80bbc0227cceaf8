"""Small networks to fold: chains of the shipped kernels with random weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bitfold import Schedule, customize
from bitfold.kernels.classify import label_select
from bitfold.kernels.dense import binary_dense, flatten, matrix_threshold, output_scores
from bitfold.kernels.pool import or_pool
from bitfold.kernels.window import sliding_window
from bitfold.lang import bit, empty, int16, uint8


def dense_network(seed: int = 0) -> Callable[..., None]:
    """48 -> 32 -> 16 -> 4 classes."""
    rng = np.random.default_rng(seed)
    W0, W1, W2 = (rng.integers(0, 2, s, np.uint8) for s in ((32, 48), (16, 32), (4, 16)))
    T0, T1 = rng.integers(16, 32, 32).astype(np.int16), rng.integers(10, 22, 16).astype(np.int16)
    B = rng.integers(-3, 4, 4).astype(np.int16)

    def small(x: bit[48], scores: int16[4], label: uint8[1]):
        h0 = empty(bit[32])
        h1 = empty(bit[16])
        s = empty(int16[4])
        binary_dense(x, W0, T0, h0)
        binary_dense(h0, W1, T1, h1)
        output_scores(h1, W2, B, s)
        label_select(s, scores, label)

    return small


def convolution(seed: int = 0) -> Callable[..., None]:
    """6x6 pixels of 4 bits -> 3x3 convolution of 6 channels -> pool -> dense of 4, without a classifier."""
    rng = np.random.default_rng(seed)
    W0, W1 = rng.integers(0, 2, (6, 36), np.uint8), rng.integers(0, 2, (4, 24), np.uint8)
    T0, T1 = rng.integers(10, 26, 6).astype(np.int16), rng.integers(8, 16, 4).astype(np.int16)
    window, pool = sliding_window(bit, 6, 6, 3), or_pool(4, 4)

    def picture(x: bit[36, 4], y: bit[4]):
        x0 = empty(bit[16, 36])
        h0 = empty(bit[16, 6])
        p0 = empty(bit[4, 6])
        x1 = empty(bit[24])
        window(x, x0)
        matrix_threshold(x0, W0, T0, h0)
        pool(h0, p0)
        flatten(p0, x1)
        binary_dense(x1, W1, T1, y)

    return picture


def fresh(network: Callable[..., None]) -> Schedule:
    return customize(network)
