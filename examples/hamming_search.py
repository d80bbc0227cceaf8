"""Nearest neighbours of 128-bit codes: exclusive-or, count the bits, keep the least.

Integers have the width the problem has; a code is compared with a query in every cycle.
"""

import numpy as np

from bitfold import customize
from bitfold.lang import UInt, popcount, uint8

QUERIES, CODES, BITS = 16, 256, 128
code = UInt(BITS)


def hamming_search(
    query: code[QUERIES], codes: code[CODES], nearest: uint8[QUERIES], distance: uint8[QUERIES]
):
    for q in range(QUERIES):
        least: uint8 = 255
        place: uint8 = 0
        for c in range(CODES):
            bits: uint8 = popcount(query[q] ^ codes[c])
            if bits < least:
                least = bits
                place = c
        nearest[q] = place
        distance[q] = least


def schedule(s):
    s.pipeline("c")


def inputs(rng):
    def codes(count):
        made = np.empty(count, object)
        made[:] = [int.from_bytes(rng.bytes(BITS // 8), "little") for _ in range(count)]
        return made

    return codes(QUERIES), codes(CODES)


def reference(query, codes):
    bits = np.array([[(q ^ c).bit_count() for c in codes] for q in query])
    return bits.argmin(axis=1).astype(np.uint8), bits.min(axis=1).astype(np.uint8)


def main():
    s = customize(hamming_search)
    schedule(s)
    module = s.build(target="llvm")
    given = inputs(np.random.default_rng(0))
    found = np.zeros(QUERIES, np.uint8), np.zeros(QUERIES, np.uint8)
    module(*given, *found)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, found, reference(*given))))


if __name__ == "__main__":
    main()
