"""Inference in integer NumPy: the independent reference for everything that Bitfold compiles.

Nothing here uses the language, the kernels or a back end. Bits are packed into 64-bit words, and images come
last, so that one NumPy call works on a whole batch for one weight word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bitfold.diagnostics import DataError
from bitfold.networks import topology

if TYPE_CHECKING:
    from bitfold.networks.weights_io import Weights

_BATCH_BITS = 2048
"""Images of a fully connected network at a time: bounds memory to a few MB."""

_BATCH_PIXELS = 64
"""Images of a convolutional network at a time: about 30 MB of windows."""

Bits = NDArray[np.uint8] | NDArray[np.bool_]
Words = NDArray[np.uint64]


def infer(weights: Weights, images: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Last-layer scores 2 * popcount - in (+ bias), int16 (N, classes).

    Args:
        images: of a fully connected network bits, uint8 (N, in) of 0 and 1; of CNV pixels 0..255, uint8
            (N, 32, 32, 3) or (N, 3072), ordered row, column, channel.

    Raises:
        DataError: images of another shape or dtype.
    """
    batch, layers = (_BATCH_BITS, _dense) if weights.network is None else (_BATCH_PIXELS, _cnv)
    images = _flat(weights, images)
    scores = np.empty((len(images), weights.classes), np.int16)
    for start in range(0, len(images), batch):
        part = slice(start, start + batch)
        scores[part] = layers(weights, images[part])
    return scores


def _flat(weights: Weights, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    shapes = [(weights.inputs,)] + ([topology.CNV_IMAGE] if weights.network == topology.CNV else [])
    if images.dtype != np.uint8 or images.shape[1:] not in shapes:
        wanted = " or ".join(str(("N", *shape)).replace("'", "") for shape in shapes)
        raise DataError(
            f"images are {images.dtype} {images.shape}; this network takes uint8 {wanted}",
            code="BF-D006",
            remedy="give pixels 0..255" if weights.network else "give bits, one per input: Dataset.as_bits()",
        )
    return images.reshape(len(images), weights.inputs)


def _dense(weights: Weights, bits: Bits, first: int = 0) -> NDArray[np.int16]:
    """The scores that the layers from `first` on make of bits (N, in)."""
    for w, t in zip(weights.weights[first:], weights.thresholds[first:], strict=False):
        bits = np.greater_equal(_matches(_words(bits).T, _words(w), w.shape[1]).T, t)
    return _scores(weights, bits)


def _scores(weights: Weights, bits: Bits) -> NDArray[np.int16]:
    last = weights.weights[-1]
    fan_in = last.shape[1]
    scores = 2 * _matches(_words(bits).T, _words(last), fan_in).T.astype(np.int32) - fan_in
    if weights.biases is not None:
        scores += weights.biases
    found: NDArray[np.int16] = scores.astype(np.int16)
    return found


def _cnv(weights: Weights, pixels: NDArray[np.uint8]) -> NDArray[np.int16]:
    bits: Bits = _first_layer(weights, pixels.reshape(-1, *topology.CNV_IMAGE))
    for k in range(1, topology.CONVOLUTIONS):
        bits = np.greater_equal(_convolution(bits, weights.weights[k]), weights.thresholds[k])
        if k in topology.POOLED:
            n, rows, columns, channels = bits.shape
            squares = bits.reshape(n, rows // 2, 2, columns // 2, 2, channels)
            bits = np.logical_or.reduce(squares, axis=(2, 4))
    return _dense(weights, bits.reshape(len(bits), -1), topology.CONVOLUTIONS)


def _first_layer(weights: Weights, pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Bits (N, 30, 30, 64): sum of +-(pixel - 128) over a window >= threshold.

    The sums are products of float32 matrices, which are exact: no partial sum exceeds 27 * 128 < 2**24.
    """
    signs = weights.weights[0].astype(np.float32) * 2 - 1
    windows = _windows(topology.centred(pixels).astype(np.float32))
    found: NDArray[np.bool_] = windows @ signs.T >= weights.thresholds[0]
    return found


def _windows(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, rows, columns, channels) -> (N, rows - 2, columns - 2, 9 * channels): row, column, channel."""
    size = topology.KERNEL
    views = sliding_window_view(images, (size, size), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    return np.ascontiguousarray(views).reshape(*views.shape[:3], -1)


def _convolution(bits: Bits, w: Bits) -> NDArray[np.uint16]:
    """Popcounts (N, rows - 2, columns - 2, out) of bits (N, rows, columns, channels).

    Channels are packed into words first, so that a window is made of whole words.
    """
    size = topology.KERNEL
    n, rows, columns, channels = bits.shape
    words = _words(bits.reshape(-1, channels)).reshape(n, rows, columns, -1)
    views = sliding_window_view(words, (size, size), axis=(1, 2)).transpose(4, 5, 3, 0, 1, 2)
    x = np.ascontiguousarray(views).reshape(size * size * words.shape[-1], -1)
    weight_words = _words(w.reshape(-1, channels)).reshape(len(w), -1)
    found = _matches(x, weight_words, w.shape[1]).T
    return found.reshape(n, rows - size + 1, columns - size + 1, len(w))


def _matches(x: Words, w: Words, fan_in: int) -> NDArray[np.uint16]:
    """popcount(XNOR(w, x)), (out, M), of words x (K, M) and w (out, K) that hold `fan_in` bits.

    Unused bits of the words are 0 on both sides and so never differ.
    """
    x = np.ascontiguousarray(x)
    found = np.full((len(w), x.shape[1]), fan_in, np.uint16 if fan_in < 1 << 16 else np.uint32)
    for row, counts in zip(w, found, strict=True):
        for word, values in zip(row, x, strict=True):
            counts -= np.bitwise_count(word ^ values)
    return found


def _words(bits: Bits) -> Words:
    """Rows of bits (M, n) packed into 64-bit words (M, ceil(n / 64)), padded with 0."""
    padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 64)))
    packed = np.packbits(np.ascontiguousarray(padded), axis=1, bitorder="little")
    return packed.view(np.uint64)
