"""Run lengths there and back: two kernels that talk by a stream, one word per run of equal bytes.

How many words there are depends on the data. Each kernel takes a step per cycle, and waits only when the
stream is full or empty.
"""

from itertools import pairwise

import numpy as np

from bitfold import customize
from bitfold.lang import Stream, empty, uint8, uint16

BYTES = 1024


def encode(x: uint8[BYTES], words: Stream[uint16, 4]):
    value: uint8 = x[0]
    count: uint8 = 0
    for i in range(BYTES):
        if x[i] != value or count == 255:
            words.put((value << 8) + count)
            value = x[i]
            count = 0
        count += 1
    words.put((value << 8) + count)


def decode(words: Stream[uint16, 4], y: uint8[BYTES], runs: uint16[1]):
    word: uint16 = 0
    left: uint8 = 0
    found: uint16 = 0
    for i in range(BYTES):
        if left == 0:
            word = words.get()
            left = word & 255
            found += 1
        y[i] = word >> 8
        left -= 1
    runs[0] = found


def run_lengths(x: uint8[BYTES], y: uint8[BYTES], runs: uint16[1]):
    words = empty(Stream[uint16, 4])
    encode(x, words)
    decode(words, y, runs)


def schedule(s):
    s.pipeline("encode:i")
    s.pipeline("decode:i")


def inputs(rng):
    runs = np.minimum(rng.geometric(0.02, BYTES), 400)
    return (np.repeat(rng.integers(0, 256, BYTES, np.uint8), runs)[:BYTES],)


def reference(x):
    runs, count = 1, 1
    for before, now in pairwise(x):
        new = before != now or count == 255
        runs, count = runs + new, 1 if new else count + 1
    return x, np.array([runs], np.uint16)


def main():
    s = customize(run_lengths)
    schedule(s)
    module = s.build(target="llvm")
    (x,) = inputs(np.random.default_rng(0))
    y, runs = np.zeros(BYTES, np.uint8), np.zeros(1, np.uint16)
    module(x, y, runs)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (y, runs), reference(x))))
    print(f"{BYTES} bytes in {runs[0]} words")


if __name__ == "__main__":
    main()
