"""Batch norm folded into integer popcount thresholds (FINN, Umuroglu et al., FPGA 2017, section 4.2.2).

A hidden neuron of n binary inputs is bit = gamma * (a - mean) / sigma + beta >= 0. Here a = 2p - n is the sum
of its n products of +1 and -1, p the popcount of its matches, and sigma = sqrt(variance + epsilon). With
tau = mean - beta * sigma / gamma:

    gamma > 0:  a >= tau, thus p >= ceil((n + tau) / 2)
    gamma < 0:  a <= tau; flipping the neuron's weights negates a, thus p >= ceil((n - tau) / 2)
    gamma = 0:  the constant beta >= 0

Thresholds are clipped to 0 (always on) .. n + 1 (never on).

The first layer of CNV sums n products of a sign and a pixel q / 128, where q = pixel - 128 is what the
hardware sees: sum(w * q) = 128 a >= ceil(128 tau), clipped to -128n .. 128n + 1. Max pooling in front of
batch norm is the OR of the bits behind it: with gamma > 0 the bit rises with a.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitfold.networks import topology
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


def fold(latent: Sequence[Floats], norms: Sequence[BatchNorm], network: str | None = None) -> Weights:
    """The integers of a network of L layers.

    Args:
        latent: L float arrays (out, in), those of convolutions (out, channel, row, column); a weight is +1
            where its latent value is >= 0.
        norms: those of the first L-1 layers; the last layer's scores are plain sums. In front of pooling,
            gamma > 0.
        network: "cnv", whose first layer takes pixels; None for a fully connected network.

    Returns:
        Weights whose `infer` gives the same bits as the floats, without recorded accuracy and scores.
    """
    weights = [_rows((values >= 0).astype(np.uint8)) for values in latent]
    thresholds = []
    for k, (w, norm) in enumerate(zip(weights, norms, strict=False)):
        w[norm.gamma < 0] ^= 1
        fold_layer = fold_pixel_norm if network == topology.CNV and k == 0 else fold_norm
        thresholds.append(fold_layer(norm, w.shape[1]))
    dims = () if network else (weights[0].shape[1], *(len(w) for w in weights))
    return Weights(dims, tuple(weights), tuple(thresholds), network=network)


def _rows(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Weight bits (out, in); a convolution's are put in the order (row, column, channel)."""
    if bits.ndim == 4:
        bits = bits.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(bits).reshape(len(bits), -1)


def fold_norm(norm: BatchNorm, n: int) -> NDArray[np.int16]:
    """Popcount thresholds int16 (out,), 0..n+1, of neurons with `n` inputs; see the module's head.

    They hold for weights flipped where gamma < 0.
    """
    return _integers(norm, np.ceil((n + _tau(norm)) / 2), 0, n + 1)


def fold_pixel_norm(norm: BatchNorm, n: int) -> NDArray[np.int16]:
    """Thresholds int16 (out,), -128n..128n+1, on sums of `n` signed pixels - 128; see the module's head.

    They hold for weights flipped where gamma < 0.
    """
    return _integers(
        norm, np.ceil(topology.INPUT_ZERO * _tau(norm)), *topology.threshold_range(topology.CNV, 0, n)
    )


def _tau(norm: BatchNorm) -> NDArray[np.float64]:
    """The sum from which a neuron is on, with weights flipped where gamma < 0; 0 where gamma = 0."""
    gamma, beta, mean = (np.asarray(v, np.float64) for v in (norm.gamma, norm.beta, norm.mean))
    sigma = np.sqrt(np.asarray(norm.variance, np.float64) + norm.epsilon)
    tau = mean - beta * sigma / np.where(gamma == 0, 1.0, gamma)
    return np.where(gamma == 0, 0.0, np.where(gamma < 0, -tau, tau))


def _integers(norm: BatchNorm, t: NDArray[np.float64], low: int, high: int) -> NDArray[np.int16]:
    """Thresholds from `low` (always on) to `high` (never on); a neuron with gamma = 0 is one of these."""
    constant = np.where(np.asarray(norm.beta, np.float64) >= 0, low, high)
    return np.where(np.asarray(norm.gamma) == 0, constant, np.clip(t, low, high)).astype(np.int16)
