"""A cascaded integrator-comb filter that thins a signal out by 8: its registers live from call to call.

Three running sums at the full rate, three differences at the thin one: a filter without a multiplication.
A call takes 256 samples and continues where the last one ended.
"""

import numpy as np

from bitfold import customize
from bitfold.lang import Int, int16, stateful

BLOCK, DOWN, ORDER = 256, 8, 3
int25 = Int(25)  # 16 bits and 3 * log2(8) of growth
sums = stateful(int25[ORDER])
last = stateful(int25[ORDER])


def cic_filter(x: int16[BLOCK], y: int25[BLOCK // DOWN]):
    for n in range(BLOCK):
        carry: int25 = x[n]
        for i in range(ORDER):
            sums[i] += carry
            carry = sums[i]
        if n % DOWN == DOWN - 1:
            for d in range(ORDER):
                kept: int25 = last[d]
                last[d] = carry
                carry = carry - kept
            y[n // DOWN] = carry


def schedule(s):
    s.pipeline("n")
    s.partition("sums")
    s.partition("last")


def inputs(rng):
    return (rng.integers(-(1 << 15), 1 << 15, BLOCK, np.int16),)


def reference(x):
    """From the initial state: the samples convolved with three boxes of 8."""
    box = np.ones(DOWN, np.int64)
    kernel = np.convolve(np.convolve(box, box), box)
    return (np.convolve(x.astype(np.int64), kernel)[DOWN - 1 : BLOCK : DOWN].astype(np.int32),)


def main():
    s = customize(cic_filter)
    schedule(s)
    module = s.build(target="llvm")
    (x,) = inputs(np.random.default_rng(0))
    y = np.zeros(BLOCK // DOWN, np.int32)
    module(x, y)
    print(module)
    print("equal to the reference:", np.array_equal(y, *reference(x)))
    first = y.copy()
    module(x, y)
    print("the second call goes on from there:", not np.array_equal(y, first))


if __name__ == "__main__":
    main()
