"""LFC: the large fully connected network of FINN (FPGA 2017), 784-1024-1024-1024-10 on MNIST digits.

python networks/lfc.py --schedule fold_a
"""

from __future__ import annotations

from collections.abc import Callable

from bitfold.kernels.classify import label_select
from bitfold.kernels.dense import binary_dense, output_scores
from bitfold.lang import bit, empty, int16, uint8
from bitfold.networks.weights_io import Weights

TITLE = "LFC 784-1024-1024-1024-10"
IMAGE = (28, 28)
CLASSES = tuple("0123456789")
DIMS = (784, 1024, 1024, 1024, 10)


def network(weights: Weights) -> Callable[..., None]:
    """LFC with `weights` (of widths DIMS) built in, as a kernel.

    The kernel takes x: bit[784], one image, and writes scores: int16[classes], the last layer's
    2 * popcount - 1024 + bias, and label: uint8[1], the class.
    """
    W0, W1, W2, W3 = weights.weights
    T0, T1, T2 = weights.thresholds
    B = weights.output_biases
    classes = weights.classes

    def lfc(x: bit[784], scores: int16[classes], label: uint8[1]):
        h0 = empty(bit[1024])
        h1 = empty(bit[1024])
        h2 = empty(bit[1024])
        s = empty(int16[classes])
        binary_dense(x, W0, T0, h0)
        binary_dense(h0, W1, T1, h1)
        binary_dense(h1, W2, T2, h2)
        output_scores(h2, W3, B, s)
        label_select(s, scores, label)

    return lfc


if __name__ == "__main__":
    from bitfold.cli import main_script

    main_script("lfc")
