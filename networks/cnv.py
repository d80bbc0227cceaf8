"""CNV: the convolutional network of FINN (FPGA 2017) on 32x32 colour images, CIFAR-10's.

python networks/cnv.py --schedule fold_a

Six 3x3 convolutions of 64, 64, 128, 128, 256 and 256 channels without padding, OR-pooled by 2x2 after the
second and the fourth; then fully connected layers of 512, 512 and the classes.
"""

from __future__ import annotations

from collections.abc import Callable

from bitfold.kernels.classify import label_select
from bitfold.kernels.dense import binary_dense, flatten, matrix_threshold, output_scores
from bitfold.kernels.first_layer import pixel_threshold
from bitfold.kernels.pool import or_pool
from bitfold.kernels.window import sliding_window
from bitfold.lang import bit, empty, int16, uint8
from bitfold.networks.weights_io import Weights

TITLE = "CNV 3x3 conv 64-64-128-128-256-256, dense 512-512-10"
IMAGE = (32, 32, 3)
DIMS = None
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def network(weights: Weights) -> Callable[..., None]:
    """CNV with `weights` built in, as a kernel.

    The kernel takes x: uint8[1024, 3], an image of 32 x 32 pixels row by row, red, green and blue each. It
    writes scores: int16[classes], the last layer's 2 * popcount - 512 + bias, and label: uint8[1], the class.
    """
    W0, W1, W2, W3, W4, W5, W6, W7, W8 = weights.weights
    T0, T1, T2, T3, T4, T5, T6, T7 = weights.thresholds
    B = weights.output_biases
    classes = weights.classes
    window_0 = sliding_window(uint8, 32, 32, 3)
    window_1 = sliding_window(bit, 30, 30, 3)
    window_2 = sliding_window(bit, 14, 14, 3)
    window_3 = sliding_window(bit, 12, 12, 3)
    window_4 = sliding_window(bit, 5, 5, 3)
    window_5 = sliding_window(bit, 3, 3, 3)
    pool_0 = or_pool(28, 28)
    pool_1 = or_pool(10, 10)

    def cnv(x: uint8[1024, 3], scores: int16[classes], label: uint8[1]):
        x0 = empty(uint8[900, 27])
        h0 = empty(bit[900, 64])
        x1 = empty(bit[784, 576])
        h1 = empty(bit[784, 64])
        p1 = empty(bit[196, 64])
        x2 = empty(bit[144, 576])
        h2 = empty(bit[144, 128])
        x3 = empty(bit[100, 1152])
        h3 = empty(bit[100, 128])
        p3 = empty(bit[25, 128])
        x4 = empty(bit[9, 1152])
        h4 = empty(bit[9, 256])
        x5 = empty(bit[1, 2304])
        h5 = empty(bit[1, 256])
        x6 = empty(bit[256])
        h6 = empty(bit[512])
        h7 = empty(bit[512])
        s = empty(int16[classes])
        window_0(x, x0)
        pixel_threshold(x0, W0, T0, h0)
        window_1(h0, x1)
        matrix_threshold(x1, W1, T1, h1)
        pool_0(h1, p1)
        window_2(p1, x2)
        matrix_threshold(x2, W2, T2, h2)
        window_3(h2, x3)
        matrix_threshold(x3, W3, T3, h3)
        pool_1(h3, p3)
        window_4(p3, x4)
        matrix_threshold(x4, W4, T4, h4)
        window_5(h4, x5)
        matrix_threshold(x5, W5, T5, h5)
        flatten(h5, x6)
        binary_dense(x6, W6, T6, h6)
        binary_dense(h6, W7, T7, h7)
        output_scores(h7, W8, B, s)
        label_select(s, scores, label)

    return cnv


if __name__ == "__main__":
    from bitfold.cli import main_script

    main_script("cnv")
