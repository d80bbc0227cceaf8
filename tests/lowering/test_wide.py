"""Integers of up to 4,096 bits: shifts by amounts that vary, and operators that need one bit more inside."""

from __future__ import annotations

import numpy as np
import pytest
from tests.strategies import load, random_array

from bitfold import customize
from bitfold.ir.run import run_python
from bitfold.lang import Int, UInt

COUNT = 6
KERNEL = """
from bitfold.lang import *

def kernel(x: UInt({w})[{n}], z: Int({w})[{n}], k: uint16[{n}], y: UInt({w})[10, {n}], s: Int({w})[5, {n}]):
    for i in range({n}):
        y[0, i] = x[i] >> UInt({bits})(k[i]) % {w}
        y[1, i] = set_bit(x[i], UInt({bits})(k[i]) % {w}, k[i] >> 15)
        y[2, i] = get_bit(x[i], UInt({bits})(k[i]) % {w}) + 2 * get_bit(z[i], UInt({bits})(k[i]) % {w})
        y[3, i] = UInt(40)(x[i]) << UInt({bits})(k[i]) % {room}
        y[4, i] = get_slice(x[i] >> k[i], 7, 0)
        y[5, i] = (x[i] > z[i]) + 2 * (x[i] == z[i]) + 4 * (z[i] < k[i])
        y[6, i] = abs(z[i])
        y[7, i] = x[i] // max(k[i], 1)
        y[8, i] = max(x[i], k[i])
        y[9, i] = popcount(x[i]) + reverse(x[i], {w}) % 97
        s[0, i] = z[i] >> k[i]
        s[1, i] = z[i] // -7
        s[2, i] = z[i] % (k[i] + 1)
        s[3, i] = min(z[i], k[i])
        s[4, i] = z[i] >> UInt({bits})(k[i])
"""


@pytest.mark.parametrize("width", [129, 600, 4096])
def test_every_operator_computes_what_python_does(width: int) -> None:
    text = KERNEL.format(w=width, n=COUNT, bits=(width - 1).bit_length(), room=width - 40)
    program = customize(load(text)["kernel"]).program
    x, z = (random_array(t, (COUNT,), seed) for seed, t in enumerate((UInt(width), Int(width))))
    x[0], z[0], z[1] = (1 << width) - 1, -(1 << width - 1), -1
    k = np.array([0, 1, width - 1, 65535, 64, width // 2], np.uint16)
    found = [[x, z, k, np.zeros((10, COUNT), object), np.zeros((5, COUNT), object)] for _ in range(2)]
    run_python(program, *found[0])
    customize(load(text)["kernel"]).build()(*found[1])
    for expected, actual in zip(*found, strict=True):
        np.testing.assert_array_equal(actual, expected)
