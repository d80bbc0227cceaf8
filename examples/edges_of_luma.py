"""Two kernels that run at the same time: one makes grey pixels of colours, the other finds steps in them.

The array between them becomes a first-in first-out channel of 2 pixels: `to` proves that the second kernel
takes the pixels in the order in which the first one gives them. So no picture is stored.
"""

import numpy as np

from bitfold import customize
from bitfold.lang import bit, empty, uint8

PIXELS, THRESHOLD = 4096, 24


def luma(rgb: uint8[PIXELS, 3], grey: uint8[PIXELS]):
    for i in range(PIXELS):
        grey[i] = (77 * rgb[i, 0] + 150 * rgb[i, 1] + 29 * rgb[i, 2]) >> 8


def steps(grey: uint8[PIXELS], edge: bit[PIXELS]):
    before: uint8 = 0
    for i in range(PIXELS):
        now: uint8 = grey[i]
        edge[i] = abs(now - before) > THRESHOLD
        before = now


def edges_of_luma(rgb: uint8[PIXELS, 3], edge: bit[PIXELS]):
    grey = empty(uint8[PIXELS])
    luma(rgb, grey)
    steps(grey, edge)


def schedule(s):
    s.pipeline("luma:i")
    s.pipeline("steps:i")
    s.at("luma").partition("rgb", dim=2)
    s.to("grey", "steps", depth=2)
    s.dataflow()


def inputs(rng):
    return (np.clip(rng.normal(0, 12, (PIXELS, 3)).cumsum(axis=0) + 128, 0, 255).astype(np.uint8),)


def reference(rgb):
    grey = rgb.astype(int) @ [77, 150, 29] // 256
    return ((abs(np.diff(grey, prepend=0)) > THRESHOLD).astype(np.uint8),)


def main():
    s = customize(edges_of_luma)
    schedule(s)
    module = s.build(target="llvm")
    given = inputs(np.random.default_rng(0))
    edge = np.zeros(PIXELS, np.uint8)
    module(*given, edge)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (edge,), reference(*given))))


if __name__ == "__main__":
    main()
