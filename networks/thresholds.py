"""Batch norm folded into integer popcount thresholds (FINN, Umuroglu et al., FPGA 2017, section 4.2.2).

A hidden neuron of n binary inputs is bit = gamma * (a - mean) / sigma + beta >= 0. Here a = 2p - n is the sum
of its n products of +1 and -1, p the popcount of its matches, and sigma = sqrt(variance + epsilon). With
tau = mean - beta * sigma / gamma:

    gamma > 0:  a >= tau, thus p >= ceil((n + tau) / 2)
    gamma < 0:  a <= tau; flipping the neuron's weights negates a, thus p >= ceil((n - tau) / 2)
    gamma = 0:  the constant beta >= 0

Thresholds are clipped to 0 (always on) .. n + 1 (never on).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitfold.networks.weights_io import Weights

Floats = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BatchNorm:
    """What a trained batch norm leaves behind: one value of each per neuron, float (out,)."""

    gamma: Floats
    beta: Floats
    mean: Floats
    variance: Floats
    epsilon: float = 1e-5


def fold(latent: Sequence[Floats], norms: Sequence[BatchNorm]) -> Weights:
    """The integers of a network of L layers.

    Args:
        latent: L float arrays (out, in); a weight is +1 where its latent value is >= 0.
        norms: those of the first L-1 layers; the last layer's scores are plain sums.

    Returns:
        Weights whose `infer` gives the same bits as the floats, without recorded accuracy and scores.
    """
    weights = [(values >= 0).astype(np.uint8) for values in latent]
    thresholds = []
    for w, norm in zip(weights, norms, strict=False):
        w[norm.gamma < 0] ^= 1
        thresholds.append(fold_norm(norm, w.shape[1]))
    dims = (weights[0].shape[1], *(len(w) for w in weights))
    return Weights(dims, tuple(weights), tuple(thresholds))


def fold_norm(norm: BatchNorm, n: int) -> NDArray[np.int16]:
    """Popcount thresholds int16 (out,), 0..n+1, of neurons with `n` inputs; see the module's head.

    They hold for weights flipped where gamma < 0.
    """
    gamma, beta, mean = (np.asarray(v, np.float64) for v in (norm.gamma, norm.beta, norm.mean))
    sigma = np.sqrt(np.asarray(norm.variance, np.float64) + norm.epsilon)
    constant = gamma == 0
    tau = mean - beta * sigma / np.where(constant, 1.0, gamma)
    t = np.clip(np.ceil((n + np.where(gamma < 0, -tau, tau)) / 2), 0, n + 1)
    return np.where(constant, np.where(beta >= 0, 0, n + 1), t).astype(np.int16)
