"""Bitonic sort: a network of 240 comparators sorts 32 numbers; a new row enters in every cycle.

Which numbers are compared does not depend on their values: that is what makes it fit hardware. Round (p, q)
compares numbers that lie 2^q apart, upwards or downwards by the block of 2^(p + 1) they are in; `static`
makes the 15 rounds when the kernel is read.
"""

import numpy as np

from bitfold import customize
from bitfold.lang import empty, int16, static

ROWS, N, LOG = 64, 32, 5


def bitonic_sort(x: int16[ROWS, N], y: int16[ROWS, N]):
    for row in range(ROWS):
        v = empty(int16[N])
        for i in range(N):
            v[i] = x[row, i]
        for p in static(range(LOG)):
            for q in static(range(p, -1, -1)):
                for k in range(N // 2):
                    low = ((k >> q) << (q + 1)) + k % (1 << q)
                    high = low + (1 << q)
                    least: int16 = min(v[low], v[high])
                    most: int16 = max(v[low], v[high])
                    down = (low >> (p + 1)) & 1
                    v[low] = most if down else least
                    v[high] = least if down else most
        for o in range(N):
            y[row, o] = v[o]


def schedule(s):
    s.pipeline("row")
    s.partition("v")
    s.partition("x", dim=2)
    s.partition("y", dim=2)


def inputs(rng):
    return (rng.integers(-(1 << 15), 1 << 15, (ROWS, N), np.int16),)


def reference(x):
    return (np.sort(x, axis=1),)


def main():
    s = customize(bitonic_sort)
    schedule(s)
    module = s.build(target="llvm")
    given = inputs(np.random.default_rng(0))
    y = np.zeros((ROWS, N), np.int16)
    module(*given, y)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (y,), reference(*given))))


if __name__ == "__main__":
    main()
