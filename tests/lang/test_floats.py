"""Floats under plain CPython: types, typed arrays, and functions that never raise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bitfold.lang import (
    FloatType,
    Stream,
    acos,
    ceil,
    constant,
    cosh,
    empty,
    exp,
    fabs,
    float16,
    float32,
    float64,
    floor,
    full,
    int8,
    log,
    log2,
    log10,
    pow,
    rint,
    sin,
    sinh,
    sqrt,
    stateful,
    tan,
    trunc,
    typed,
    uint8,
)
from bitfold.lang.array import encode_constant
from bitfold.lang.types import PYTHON_FLOAT


def test_a_cast_gives_a_scalar_of_numpy():
    assert type(float32(1)) is np.float32
    assert type(float16(2.5)) is np.float16
    assert type(float64(np.float32(0.1))) is np.float64
    assert type(PYTHON_FLOAT.wrap(np.float64(1))) is float
    assert np.isinf(float32("inf"))
    assert str(float32) == "float32"
    assert str(float16[4, "N"]) == 'float16[4, "N"]'


def test_a_cast_rounds_once_and_overflows_in_silence():
    assert float16(65519) == 65504
    assert float16(65520) == math.inf
    assert float32(1e300) == math.inf
    assert float32(2**200) == math.inf
    assert float32(-(10**400)) == -math.inf
    assert float32((1 << 53) + (1 << 29) + 1) == np.float32(float((1 << 53) + (1 << 29) + 1))


def test_the_elements_of_a_typed_array_read_as_scalars_and_stores_round():
    x = typed(np.zeros(3, np.float32), float32)
    x[0] = 0.1
    x[1] = 2**60 + 1
    x[2] = 1e300
    assert [type(v) for v in (x[0], x[1])] == [np.float32, np.float32]
    assert x[0] == np.float32(0.1)
    assert x[2] == math.inf
    with pytest.raises(TypeError, match="float32"):
        typed(np.zeros(3), float32)


def test_a_float_in_an_integer_array_is_cut_and_wraps():
    x = typed(np.zeros(5, np.int8), int8)
    for i, value in enumerate((-1.9, 300.7, math.nan, math.inf, np.float32(1e30))):
        x[i] = value
    assert x.tolist() == [-1, 44, 0, 0, 0]
    assert uint8(np.float64(-1.5)) == 255
    assert trunc(1e30) == int(1e30)
    assert trunc(-math.inf) == 0


def test_a_comparison_may_be_an_index():
    x = typed(np.array([1.5, 2.5], np.float32), float32)
    assert x[x[0] < x[1]] == 2.5


def test_arrays_and_streams_of_floats():
    assert full(float16[2], 0.1).tolist() == [np.float16(0.1)] * 2
    c = empty(Stream[float32, 4])
    c.put(0.1)
    assert c.get() == np.float32(0.1)
    state = stateful(float32[3], -0.0)
    assert np.signbit(np.asarray(state)).all()
    state[0] = 1
    state.reset()
    assert state[0] == 0


def test_a_constant_keeps_its_bits_as_text():
    values = np.array([[0.1, -0.0], [np.nan, -np.inf]], np.float16)
    assert constant(float16[2, 2], encode_constant(values, float16)).tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (log(0.0), -math.inf),
        (log(-0.0), -math.inf),
        (log(-1.0), math.nan),
        (log2(0), -math.inf),
        (log10(-2), math.nan),
        (sqrt(-1), math.nan),
        (sqrt(-0.0), -0.0),
        (exp(1000), math.inf),
        (exp(-math.inf), 0.0),
        (sin(math.inf), math.nan),
        (tan(-math.inf), math.nan),
        (acos(2), math.nan),
        (sinh(-1000), -math.inf),
        (cosh(-1000), math.inf),
        (floor(-0.5), -1.0),
        (ceil(-0.5), -0.0),
        (rint(2.5), 2.0),
        (rint(-0.2), -0.0),
        (floor(math.inf), math.inf),
        (rint(math.nan), math.nan),
        (pow(0.0, -1), math.inf),
        (pow(-0.0, -3), -math.inf),
        (pow(-0.0, -2), math.inf),
        (pow(-8, 1 / 3), math.nan),
        (pow(1e300, 2), math.inf),
        (pow(-1e300, 3), -math.inf),
        (pow(1e300, 1.5), math.inf),
        (pow(math.nan, 0), 1.0),
        (fabs(-3), 3.0),
    ],
)
def test_a_function_gives_what_ieee_says(found: float, wanted: float):
    assert type(found) is float
    assert repr(found) == repr(wanted)


def test_a_function_gives_the_type_of_its_argument():
    x = np.float32(0.3)
    assert exp(x) == np.float32(math.exp(0.30000001192092896))
    assert type(exp(x)) is np.float32
    assert type(pow(x, np.float16(2))) is np.float32
    assert type(pow(2, np.float16(2))) is np.float16
    assert type(floor(np.float64(1.5))) is np.float64


def test_a_float_type_holds_the_narrower_ones():
    assert float32.holds(float16)
    assert not float32.holds(float64)
    assert not float32.holds(int8)
    assert not int8.holds(float16)
    assert FloatType(32) == float32


def test_pow_takes_a_python_number_in_the_type_of_the_other_side() -> None:
    """As NumPy's operators do; with 0.1 of 64 bits some of these results are others."""
    values = [np.float16(v) for v in range(2, 2000)]
    found = [pow(v, 0.1) for v in values]
    assert found == [pow(v, np.float16(0.1)) for v in values]
    assert found != [np.float16(math.pow(float(v), 0.1)) for v in values]
