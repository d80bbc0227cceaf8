"""A histogram of 8-bit pixels: the bin that one pixel adds to is the one that the next may read.

That dependence is carried by the loop through memory. A block RAM gives what is read a cycle later, so a
single histogram could take a pixel every two cycles. Four lanes, each with a histogram of its own, take four
pixels in two cycles; a second loop adds the lanes up, a bin per cycle.
"""

import numpy as np

from bitfold import Partition, customize
from bitfold.lang import empty, uint8, uint16

PIXELS, BINS, LANES = 4096, 256, 4


def histogram(x: uint8[PIXELS], y: uint16[BINS]):
    bins = empty(uint16[LANES, BINS])
    for z in range(BINS):
        for each in range(LANES):
            bins[each, z] = 0
    for i in range(PIXELS // LANES):
        for lane in range(LANES):
            bins[lane, x[i * LANES + lane]] += 1
    for b in range(BINS):
        total: uint16 = 0
        for part in range(LANES):
            total += bins[part, b]
        y[b] = total


def schedule(s):
    s.pipeline("z")
    s.pipeline("i", ii=2)
    s.pipeline("b")
    s.partition("bins", dim=1)
    s.bind("bins", "bram")
    s.partition("x", Partition.Cyclic, factor=LANES)


def inputs(rng):
    return (np.minimum(rng.geometric(0.03, PIXELS), BINS - 1).astype(np.uint8),)


def reference(x):
    return (np.bincount(x, minlength=BINS).astype(np.uint16),)


def main():
    s = customize(histogram)
    schedule(s)
    module = s.build(target="llvm")
    given = inputs(np.random.default_rng(0))
    y = np.empty(BINS, np.uint16)
    module(*given, y)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (y,), reference(*given))))


if __name__ == "__main__":
    main()
