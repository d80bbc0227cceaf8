"""Sobel edges: a 3 x 3 stencil over a picture, which is read once, pixel after pixel.

`reuse_at` keeps the last three rows in a line buffer, and of these the nine pixels under the window in
registers, so each cycle takes one new pixel and gives one result.
"""

import numpy as np

from bitfold import customize
from bitfold.lang import int16, typed, uint8

H, W = 120, 160
GX = typed(np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.int16), int16)
GY = typed(np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], np.int16), int16)


def sobel(x: uint8[H, W], y: uint8[H - 2, W - 2]):
    for r in range(H - 2):
        for c in range(W - 2):
            gx: int16 = 0
            gy: int16 = 0
            for i in range(3):
                for j in range(3):
                    gx += GX[i, j] * x[r + i, c + j]
                    gy += GY[i, j] * x[r + i, c + j]
            y[r, c] = min(abs(gx) + abs(gy), 255)


def schedule(s):
    rows = s.reuse_at("x", "r")
    window = s.reuse_at(rows, "c")
    s.pipeline("c")
    s.partition(window)
    s.partition(rows, dim=1)


def inputs(rng):
    return (rng.integers(0, 256, (H, W), np.uint8),)


def reference(x):
    p = x.astype(int)
    gx = (p[:-2, 2:] + 2 * p[1:-1, 2:] + p[2:, 2:]) - (p[:-2, :-2] + 2 * p[1:-1, :-2] + p[2:, :-2])
    gy = (p[2:, :-2] + 2 * p[2:, 1:-1] + p[2:, 2:]) - (p[:-2, :-2] + 2 * p[:-2, 1:-1] + p[:-2, 2:])
    return (np.minimum(abs(gx) + abs(gy), 255).astype(np.uint8),)


def main():
    s = customize(sobel)
    schedule(s)
    module = s.build(target="llvm")
    given = inputs(np.random.default_rng(0))
    edges = np.zeros((H - 2, W - 2), np.uint8)
    module(*given, edges)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (edges,), reference(*given))))


if __name__ == "__main__":
    main()
