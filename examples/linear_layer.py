"""A layer of a neural network as NumPy would say it, y = x @ w + b: 64 products side by side in each cycle.

The expression becomes loops that are called after the array that it fills: `y_0` and `y_1` over its rows and
columns, `y_2` over what is added up. The schedule names them like any others.
"""

import numpy as np

from bitfold import customize
from bitfold.lang import int8, int32

ROWS, INPUTS, OUTPUTS = 16, 64, 32


def linear_layer(x: int8[ROWS, INPUTS], w: int8[INPUTS, OUTPUTS], b: int32[OUTPUTS], y: int32[ROWS, OUTPUTS]):
    y[:] = x @ w + b


def schedule(s):
    s.pipeline("y_1")
    s.partition("x", dim=2)
    s.partition("w", dim=1)


def inputs(rng):
    x, w = (
        rng.integers(-128, 128, (ROWS, INPUTS), np.int8),
        rng.integers(-128, 128, (INPUTS, OUTPUTS), np.int8),
    )
    return x, w, rng.integers(-10000, 10000, OUTPUTS, np.int32)


def reference(x, w, b):
    return (x.astype(np.int32) @ w.astype(np.int32) + b,)


def main():
    s = customize(linear_layer)
    schedule(s)
    module = s.build(target="llvm")
    given = inputs(np.random.default_rng(0))
    y = np.zeros((ROWS, OUTPUTS), np.int32)
    module(*given, y)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (y,), reference(*given))))


if __name__ == "__main__":
    main()
