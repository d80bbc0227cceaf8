"""Vectors of three float32 numbers brought to length 1, a vector per cycle.

Vectors do not depend on each other, so however long the square root and the divisions take, a new vector
enters in each cycle. The sum of squares is added in the order in which it is written: floats are rounded at
each step, and another order would give other bits.
"""

import numpy as np

from bitfold import customize
from bitfold.lang import float32, sqrt

VECTORS = 1024


def normalize(x: float32[VECTORS, 3], y: float32[VECTORS, 3]):
    for n in range(VECTORS):
        length: float32 = sqrt(x[n, 0] * x[n, 0] + x[n, 1] * x[n, 1] + x[n, 2] * x[n, 2])
        for d in range(3):
            y[n, d] = x[n, d] / length


def schedule(s):
    s.pipeline("n")
    s.partition("x", dim=2)
    s.partition("y", dim=2)


def inputs(rng):
    return (rng.normal(0, 100, (VECTORS, 3)).astype(np.float32),)


def reference(x):
    squares = x * x
    length = np.sqrt((squares[:, 0] + squares[:, 1]) + squares[:, 2])
    return (x / length[:, None],)


def main():
    s = customize(normalize)
    schedule(s)
    module = s.build(target="llvm")
    given = inputs(np.random.default_rng(0))
    y = np.zeros((VECTORS, 3), np.float32)
    module(*given, y)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (y,), reference(*given))))


if __name__ == "__main__":
    main()
