"""Types: ranges, wrapping, how they print, and layouts."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import int_types

from bitfold import lang
from bitfold.lang import (
    Int,
    IntType,
    Partition,
    UInt,
    bit,
    block,
    complete,
    cyclic,
    int8,
    packed,
    stream,
    uint8,
)
from bitfold.lang.layouts import PartitionSpec
from bitfold.lang.packing import pack_bits, unpack_bits
from bitfold.lang.types import MAX_WIDTH

NAMESPACE = {name: getattr(lang, name) for name in lang.__all__}


@given(int_types(MAX_WIDTH))
def test_a_type_prints_as_what_makes_it(type: IntType):
    assert eval(str(type), NAMESPACE) == type
    assert repr(type) == str(type)


@given(int_types(200), st.integers(-(1 << 210), 1 << 210))
def test_wrapping_is_two_s_complement(type: IntType, value: int):
    wrapped = type.wrap(value)
    assert type.low <= wrapped <= type.high
    assert (wrapped - value) % (1 << type.width) == 0
    assert type(value) == wrapped == type.wrap(wrapped)


@given(int_types(200), int_types(200))
def test_holding_is_by_range(a: IntType, b: IntType):
    assert a.holds(b) == (a.wrap(b.low) == b.low and a.wrap(b.high) == b.high)


@given(int_types(80))
def test_storage_holds_every_value(type: IntType):
    array = np.empty(2, type.storage)
    array[:] = [type.low, type.high]
    assert [int(v) for v in array] == [type.low, type.high]


@pytest.mark.parametrize(
    ("type", "low", "high", "text"),
    [
        (bit, 0, 1, "bit"),
        (Int(1), -1, 0, "Int(1)"),
        (int8, -128, 127, "int8"),
        (uint8, 0, 255, "uint8"),
        (UInt(5), 0, 31, "UInt(5)"),
        (Int(4096), -(1 << 4095), (1 << 4095) - 1, "Int(4096)"),
    ],
)
def test_ranges_and_names(type: IntType, low: int, high: int, text: str):
    assert (type.low, type.high, str(type)) == (low, high, text)


def test_a_type_is_one_object_and_survives_pickling():
    assert Int(7) is Int(7)
    assert pickle.loads(pickle.dumps(UInt(9)[3] @ cyclic(1, 3))) == UInt(9)[3] @ cyclic(1, 3)


@pytest.mark.parametrize("width", [0, -1, 4097, 2.0, "8", None, True])
def test_a_width_is_1_to_4096(width: Any):
    for make in (Int, UInt):
        with pytest.raises(ValueError, match="an integer type has 1 to 4096 bits, not"):
            make(width)


@pytest.mark.parametrize("dims", [(), 2.5, "not a name", "", None, True, slice(3), (3, "M N"), (int8,)])
def test_a_dimension_is_an_integer_or_a_name(dims: Any):
    with pytest.raises(TypeError, match="dimension"):
        bit[dims]


def test_dimensions_may_be_names_and_numpy_integers():
    assert str(bit["M", np.int64(3)]) == 'bit["M", 3]'
    with pytest.raises(TypeError, match="not all known"):
        _ = bit["M", 3].dims


@pytest.mark.parametrize(
    "type",
    [
        bit[3, 4],
        UInt(9)["N"],
        int8[4] @ complete(1),
        int8[4, 4] @ cyclic(1, 2) @ block(dim=2, factor=4),
        UInt(64)[4] @ packed(250) @ cyclic(1, 2) @ stream,
    ],
)
def test_an_array_type_prints_as_what_makes_it(type: Any):
    assert eval(str(type), NAMESPACE) == type


def test_packing_hides_in_the_logical_type():
    words = UInt(64)[10, 13] @ packed(784) @ cyclic(1, 2) @ stream
    assert words.logical == bit[10, 784]
    assert (words.lanes, bit[3].lanes) == (64, 0)
    assert (int8[4] @ complete(1) @ stream).logical == int8[4]


@pytest.mark.parametrize("spec", [3, "cyclic", None, cyclic, Partition.CYCLIC])
def test_a_layout_is_one_of_the_language(spec: Any):
    with pytest.raises(TypeError, match="is no layout of an array"):
        _ = bit[4] @ spec


@pytest.mark.parametrize(
    ("type", "fault"),
    [
        (bit[4], None),
        (bit[4, 0], "a dimension of bit[4, 0] is 0"),
        (bit[4] @ cyclic(1, 4), None),
        (bit[4] @ cyclic(2, 4), "dimension that bit[4] does not have"),
        (bit[4] @ complete(0), "dimension that bit[4] does not have"),
        (bit[4] @ block(1, 0), "0 memories"),
        (UInt(8)[2] @ packed(16), None),
        (UInt(8)[2] @ packed(9), None),
        (UInt(8)[2] @ packed(8), "2 words of uint8 are not what 8 bits are packed into"),
        (UInt(8)[2] @ packed(17), "17 bits"),
        (Int(8)[2] @ packed(16), "16 bits"),
    ],
)
def test_faults_of_resolved_types(type: Any, fault: str | None):
    found = type.fault()
    assert found == fault if fault is None or found is None else fault in found


def test_partitions_have_the_names_of_allo_too():
    assert Partition.Cyclic is Partition.CYCLIC
    assert Partition.Complete is Partition.COMPLETE
    assert Partition.Block is Partition.BLOCK
    assert str(PartitionSpec(Partition.BLOCK, 1, 4)) == "block(dim=1, factor=4)"


@given(st.integers(1, 130), st.integers(1, 70), st.integers(0, 99))
def test_packed_words_hold_their_bits_in_order(length: int, lanes: int, seed: int):
    values = np.random.default_rng(seed).integers(0, 2, (2, length), np.uint8)
    words = pack_bits(values, lanes)
    assert words.dtype == UInt(lanes).storage
    assert words.shape == (2, -(-length // lanes))
    for row, packed_row in zip(values, words, strict=True):
        for i, value in enumerate(row):
            assert int(packed_row[i // lanes]) >> (i % lanes) & 1 == value
        assert int(packed_row[-1]) >> (length - 1) % lanes <= 1
    assert np.array_equal(unpack_bits(words, lanes, length), values)
