"""A binary convolution in HeteroCL's flavour: 32 channels of +1 and -1 packed into a word, xnor and popcount.

A set bit is +1. In each cycle the 3 x 3 window of one output pixel meets the weights of one filter: nine
words of 32 bits, 288 products. The window moves along in a line buffer and in registers.
"""

import numpy as np

from bitfold import customize
from bitfold.lang import int16, popcount, uint32, xnor

H, W, C, F = 32, 32, 32, 16


def binary_conv(x: uint32[H, W], w: uint32[F, 3, 3], y: int16[H - 2, W - 2, F]):
    for r in range(H - 2):
        for c in range(W - 2):
            for f in range(F):
                ones: int16 = 0
                for i in range(3):
                    for j in range(3):
                        ones += popcount(xnor(x[r + i, c + j], w[f, i, j], C))
                y[r, c, f] = 2 * ones - 9 * C


def schedule(s):
    rows = s.reuse_at("x", "r")
    window = s.reuse_at(rows, "c")
    s.partition(rows, dim=1)
    s.partition(window)
    s.partition("w", dim=2)
    s.partition("w", dim=3)
    s.pipeline("f")


def inputs(rng):
    return rng.integers(0, 1 << 32, (H, W), np.uint32), rng.integers(0, 1 << 32, (F, 3, 3), np.uint32)


def reference(x, w):
    a, b = (2 * ((v[..., None] >> np.arange(C)) & 1).astype(int) - 1 for v in (x, w))
    windows = np.lib.stride_tricks.sliding_window_view(a, (3, 3), axis=(0, 1))
    return (np.einsum("rckij,fijk->rcf", windows, b).astype(np.int16),)


def main():
    s = customize(binary_conv)
    schedule(s)
    module = s.build(target="llvm")
    given = inputs(np.random.default_rng(0))
    y = np.zeros((H - 2, W - 2, F), np.int16)
    module(*given, y)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (y,), reference(*given))))


if __name__ == "__main__":
    main()
