"""A finite impulse response filter of 16 taps, one sample per cycle.

`reuse_at` keeps the last 16 samples in a shift register; all products of a sample are computed side by side
and added by a tree.
"""

import numpy as np

from bitfold import customize
from bitfold.lang import Int, int16, typed

int40 = Int(40)
SAMPLES, TAPS = 1024, 16
H = typed(np.array([3, -11, 0, 41, 28, -96, -163, 1012, 1012, -163, -96, 28, 41, 0, -11, 3], np.int16), int16)


def fir(x: int16[SAMPLES + TAPS - 1], y: int40[SAMPLES]):
    for n in range(SAMPLES):
        acc: int40 = 0
        for k in range(TAPS):
            acc += H[k] * x[n + k]
        y[n] = acc


def schedule(s):
    window = s.reuse_at("x", "n")
    s.partition(window)
    s.pipeline("n")


def inputs(rng):
    return (rng.integers(-(1 << 15), 1 << 15, SAMPLES + TAPS - 1, np.int16),)


def reference(x):
    return (np.convolve(x.astype(np.int64), np.asarray(H)[::-1].astype(np.int64), "valid"),)


def main():
    s = customize(fir)
    schedule(s)
    module = s.build(target="llvm")
    given = inputs(np.random.default_rng(0))
    y = np.zeros(SAMPLES, np.int64)
    module(*given, y)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (y,), reference(*given))))


if __name__ == "__main__":
    main()
