"""Matrix product of int8 on a systolic array: 8 x 8 processing elements, each with neighbours only.

In every cycle each element multiplies the two numbers it holds, adds the product to its own sum, and passes
the one to the right and the other down. Rows of `a` enter at the left and columns of `b` at the top, each a
cycle later than the one before it. No element reads memory but those at the edges.
"""

import numpy as np

from bitfold import Partition, customize
from bitfold.lang import grid, int8, int32, zeros

M, K, N = 64, 64, 64
P = 8
"""The array has P x P elements; c is computed in tiles of that size."""


def systolic_gemm(a: int8[M, K], b: int8[K, N], c: int32[M, N]):
    left = zeros(int8[P])
    top = zeros(int8[P])
    right = zeros(int8[P, P])
    down = zeros(int8[P, P])
    acc = zeros(int32[P, P])
    for it, jt in grid(M // P, N // P):
        for t in range(K + 2 * P - 2):
            for e in range(P):
                left[e] = a[it * P + e, t - e] if e <= t < K + e else 0
                top[e] = b[t - e, jt * P + e] if e <= t < K + e else 0
            for i in range(P - 1, -1, -1):  # from the far corner: neighbours hold what they had before
                for j in range(P - 1, -1, -1):
                    right[i, j] = right[i, j - 1] if j > 0 else left[i]
                    down[i, j] = down[i - 1, j] if i > 0 else top[j]
                    acc[i, j] = (acc[i, j] if t > 0 else 0) + right[i, j] * down[i, j]
        for oi, oj in grid(P, P):
            c[it * P + oi, jt * P + oj] = acc[oi, oj]


def schedule(s):
    s.pipeline("t")
    s.pipeline("oi")
    for array in ("left", "top", "right", "down", "acc"):
        s.partition(array)
    s.partition("a", Partition.Cyclic, dim=1, factor=P)
    for array in ("b", "c"):
        s.partition(array, Partition.Cyclic, dim=2, factor=P)


def inputs(rng):
    return rng.integers(-128, 128, (M, K), np.int8), rng.integers(-128, 128, (K, N), np.int8)


def reference(a, b):
    return (a.astype(np.int32) @ b.astype(np.int32),)


def main():
    s = customize(systolic_gemm)
    schedule(s)
    module = s.build(target="llvm")
    a, b = inputs(np.random.default_rng(0))
    c = np.zeros((M, N), np.int32)
    module(a, b, c)
    print(module)
    print("equal to the reference:", np.array_equal(c, *reference(a, b)))


if __name__ == "__main__":
    main()
