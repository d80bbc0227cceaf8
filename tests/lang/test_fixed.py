"""Fixed point under CPython: exact fractions that truncate and wrap when they are stored."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitfold.lang import Fixed, FixedType, Stream, UFixed, complete, empty, full, int8, quantize, typed, zeros
from bitfold.lang.fixed import Exact

TYPES = st.builds(FixedType, st.integers(1, 90), st.integers(0, 100), st.booleans())


def test_a_type_counts_units_of_its_last_bit():
    t = Fixed(8, 3)
    assert (t.low, t.high, t.unit) == (-16, Fraction(127, 8), Fraction(1, 8))
    assert (UFixed(8, 3).low, UFixed(8, 3).high) == (0, Fraction(255, 8))
    assert (str(t), str(UFixed(8, 0)), str(t[2, "N"])) == (
        "Fixed(8, 3)",
        "UFixed(8, 0)",
        'Fixed(8, 3)[2, "N"]',
    )
    assert str(Stream[t, 4][2]) == "Stream[Fixed(8, 3), 4][2]"
    assert str(t[4] @ complete(1)) == "Fixed(8, 3)[4] @ complete(dim=1)"


@pytest.mark.parametrize("width", [0, 4097, True, 2.5])
def test_a_width_is_an_integer(width: Any):
    with pytest.raises(ValueError, match="1 to 4096 bits"):
        Fixed(width, 0)


@given(TYPES, st.fractions() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_store_truncates_and_wraps(t: FixedType, value: Fraction | float):
    found = t(value)
    assert t.low <= found <= t.high
    cut = math.floor(Fraction(value) / t.unit) * t.unit
    assert (found - cut) % (t.unit * 2**t.width) == 0
    assert t.holds(found)
    assert t(found) == found


def test_truncation_is_towards_minus_infinity():
    assert [float(Fixed(8, 1)(v)) for v in (0.75, -0.75, 63.5, 64, -64.25)] == [0.5, -1, 63.5, -64, 63.5]
    assert int8(Fixed(8, 2)(-1.75)) == -1


@given(TYPES, st.integers(0, 1000))
def test_numbers_are_held_by_their_integers(t: FixedType, seed: int):
    rng = random.Random(seed)
    raw = np.empty(5, t.raw.storage)
    raw[:] = [rng.randint(t.raw.low, t.raw.high) for _ in range(5)]
    values = t.decode(raw)
    assert values.dtype == t.storage
    assert t.fault(values) is None
    assert (t.encode(values) == raw).all()
    assert [Fraction(v) for v in values] == [Fraction(int(r), 1 << t.fraction) for r in raw]
    array = typed(values, t)
    assert type(array[0]) is Exact
    array[1] = array[0] + Fraction(1, 3 << t.fraction)
    assert array[1] == array[0]


@pytest.mark.parametrize("bad", [0.1, 8.0, -8.0625, math.nan, math.inf])
@pytest.mark.parametrize("t", [Fixed(8, 4), Fixed(60, 4)], ids=str)
def test_what_a_type_does_not_hold_is_found(bad: float, t: FixedType):
    wide = t.width == 60 and bad in (8.0, -8.0625)
    fault = t.fault(np.array([0.5, bad, 0.1]))
    assert fault is not None
    assert fault.startswith(f"holds {0.1 if wide else bad}")
    assert t.encode(np.array([0.5, 0.1])).tolist() == [8, 0]


def test_elements_stay_exact_beside_floats_and_integers():
    x = quantize([0.1, 2.5], Fixed(100, 90))[0]
    for found in (x + 0.5, 0.5 + x, x - 1, 3 - x, x * 0.25, 2 * x, -x, abs(x), x / 4, x % 1.5, 0.5 * x + 1):
        assert type(found) is Exact
    assert (x + 2.0**-80) - x == Fraction(1, 1 << 80)
    assert (type(x // 0.5), x // 0.03125) == (int, 3)
    assert x < 0.5 <= 0.5


def test_new_arrays():
    assert zeros(Fixed(8, 4)[2, 2]).tolist() == [[0, 0], [0, 0]]
    assert full(UFixed(4, 2)[2], 1.3)[1] == 1.25
    assert full(Fixed(70, 60)[2], 0.5).tolist() == [Fraction(1, 2)] * 2
    c = empty(Stream[Fixed(4, 1), 2])
    c.put(1.75)
    assert c.get() == 1.5
    assert empty(Fixed(4, 1)[3]).shape == (3,)


def test_numbers_are_quantized():
    found = quantize(np.linspace(-1, 1, 5).reshape(1, 5) * 0.9, Fixed(8, 2))
    assert np.asarray(found).tolist() == [[-1.0, -0.5, 0.0, 0.25, 0.75]]
    assert quantize([math.nan, math.inf], Fixed(8, 2)).tolist() == [0, 0]
