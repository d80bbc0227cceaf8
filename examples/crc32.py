"""CRC-32 as in Ethernet and zip: eight shifts of the register per byte, all in one cycle.

The register is carried from byte to byte, but eight exclusive-ors in a row are few gates: one byte per cycle.
"""

import zlib

import numpy as np

from bitfold import customize
from bitfold.lang import uint8, uint32

BYTES = 1024
POLYNOMIAL = 0xEDB88320


def crc32(x: uint8[BYTES], y: uint32[1]):
    crc: uint32 = 0xFFFFFFFF
    for i in range(BYTES):
        crc = crc ^ x[i]
        for bit in range(8):
            crc = (crc >> 1) ^ (POLYNOMIAL if crc & 1 else 0)
    y[0] = crc ^ 0xFFFFFFFF


def schedule(s):
    s.pipeline("i")


def inputs(rng):
    return (rng.integers(0, 256, BYTES, np.uint8),)


def reference(x):
    return (np.array([zlib.crc32(x.tobytes())], np.uint32),)


def main():
    s = customize(crc32)
    schedule(s)
    module = s.build(target="llvm")
    given = inputs(np.random.default_rng(0))
    y = np.zeros(1, np.uint32)
    module(*given, y)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (y,), reference(*given))))


if __name__ == "__main__":
    main()
