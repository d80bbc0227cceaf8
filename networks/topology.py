"""The shape of CNV, FINN's convolutional network (FPGA 2017, section 4.1), as plain numbers.

32x32x3 -> conv 64 -> conv 64 -> pool -> conv 128 -> conv 128 -> pool -> conv 256 -> conv 256 -> dense 512 ->
dense 512 -> dense, one row per class. Convolutions are 3x3 without padding at the edges, so the sides are
32, 30, 28, pooled 14, 12, 10, pooled 5, 3, 1.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

CNV = "cnv"
CNV_IMAGE = (32, 32, 3)
"""Rows, columns and channels of an image."""

KERNEL = 3
"""Rows and columns of a convolution's window; its weights are ordered (row, column, channel)."""

CONVOLUTIONS = 6
"""How many of the matrix layers are convolutions: the first ones."""

POOLED = (1, 3)
"""The layers after which bits are pooled: the OR of each 2x2 square (max pooling of bits)."""

_CHANNELS = (3, 64, 64, 128, 128, 256, 256)
_DENSE = (256, 512, 512)

INPUT_ZERO = 128
"""The pixel value that stands for 0: the first layer sees pixel - 128, an int8."""


def cnv_shapes(classes: int) -> tuple[tuple[int, int], ...]:
    """(rows, columns) of the weight matrices of CNV's nine layers."""
    window = KERNEL * KERNEL
    convolutions = [(out, window * channels) for channels, out in pairwise(_CHANNELS)]
    dense = [(out, fan_in) for fan_in, out in zip(_DENSE, (*_DENSE[1:], classes), strict=True)]
    return (*convolutions, *dense)


def centred(pixels: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Pixels 0..255 as CNV's first layer sees them: pixel - 128, -128..127.

    BNN-PYNQ scales a pixel p to -1..1 and rounds down to 8 bits, which is the same number for every pixel:
    clip(floor((p / 255 * 2 - 1) * 128), -128, 127).
    """
    return (pixels ^ np.uint8(INPUT_ZERO)).view(np.int8)


def threshold_range(network: str | None, layer: int, fan_in: int) -> tuple[int, int]:
    """The thresholds a hidden layer can need, from "always on" to "never on".

    CNV's first layer compares a sum of int8 values, the others compare a popcount.
    """
    if network == CNV and layer == 0:
        return -INPUT_ZERO * fan_in, INPUT_ZERO * fan_in + 1
    return 0, fan_in + 1
