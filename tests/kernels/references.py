"""What the kernels compute, in NumPy's own terms."""

from __future__ import annotations

import numpy as np


def random(rng: np.random.Generator, elem: object, *shape: int) -> np.ndarray:
    """Values over the whole range of an element type of the language."""
    return rng.integers(elem.low, elem.high, shape, elem.storage, endpoint=True)


def bits(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(0, 2, shape, np.uint8)


def signs(values: np.ndarray) -> np.ndarray:
    """Bits as -1 and +1."""
    return 2 * values.astype(np.int64) - 1


def windows(image: np.ndarray, kernel: int, stride: int = 1, pad: int = 0, value: int = 0) -> np.ndarray:
    """The windows of an image [height, width, channels] as rows, channels innermost."""
    around = ((pad, pad), (pad, pad), (0, 0))
    padded = np.pad(image, around, constant_values=value)
    view = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (0, 1))[::stride, ::stride]
    return np.moveaxis(view, 2, -1).reshape(view.shape[0] * view.shape[1], -1).copy()


def pooled(image: np.ndarray, size: int) -> np.ndarray:
    """Max pooling of an image [height, width, channels]; returns [pixels, channels]."""
    rows, columns, channels = image.shape[0] // size, image.shape[1] // size, image.shape[2]
    blocks = image[: rows * size, : columns * size].reshape(rows, size, columns, size, channels)
    return blocks.max((1, 3)).reshape(rows * columns, channels)


def thresholded(values: np.ndarray, w: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Which sums of `values` [P, K] times the signs of w [M, K] reach t [M]."""
    return (values.astype(np.int64) @ signs(w).T >= t).astype(np.uint8)
