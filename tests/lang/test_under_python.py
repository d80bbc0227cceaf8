"""The language when plain CPython runs a kernel: arrays, streams and intrinsics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import int_types, random_array

from bitfold import lang
from bitfold.lang import (
    Int,
    IntType,
    StreamEnd,
    UInt,
    bit,
    bitcast,
    concat,
    empty,
    full,
    get_bit,
    get_slice,
    grid,
    int8,
    packed,
    pipeline,
    popcount,
    reverse,
    rom,
    set_bit,
    set_slice,
    typed,
    uint8,
    unroll,
    xnor,
    zeros,
)


def test_everything_named_is_there():
    assert sorted(lang.__all__) == list(lang.__all__) or len(set(lang.__all__)) == len(lang.__all__)
    assert all(hasattr(lang, name) for name in lang.__all__)


@given(int_types(100), st.integers(-(1 << 110), 1 << 110))
def test_an_element_wraps_when_stored_and_is_exact_when_read(elem: IntType, value: int):
    array = zeros(elem[2, 3])
    array[1, 2] = value
    assert array[1, 2] == elem.wrap(value)
    assert type(array[1, 2]) is int
    assert array[0, 0] == 0


def test_an_update_wraps_once():
    array = full(uint8[2], 250)
    array[0] += 10
    array[1] *= -3
    assert array.tolist() == [4, (250 * -3) % 256]


def test_reads_do_not_overflow():
    array = full(int8[2], 127)
    assert array[0] + array[1] == 254
    assert array[0] * array[1] * array[0] == 127**3


def test_a_truth_value_is_an_index():
    array = typed(np.array([[1, 2], [3, 4]], np.uint8), uint8)
    assert array[True, False] == 3
    array[False, True] = 9
    row = typed(np.array([5, 6], np.uint8), uint8)
    assert row[True] == 6
    row[True] = 7
    assert (array.tolist(), row.tolist()) == ([[1, 9], [3, 4]], [5, 7])


def test_a_typed_array_is_a_view():
    memory = np.zeros(3, np.uint8)
    view = typed(memory, UInt(5))
    view[1] = 33
    assert memory.tolist() == [0, 1, 0]
    part = view[1:]
    part[1] = 34
    assert memory.tolist() == [0, 1, 2]


@pytest.mark.parametrize("values", [np.zeros(3, np.int8), np.zeros(3), np.zeros(3, bool)])
def test_a_view_has_the_dtype_of_its_type(values: np.ndarray):
    with pytest.raises(TypeError, match=r"UInt\(5\) is held as dtype uint8"):
        typed(values, UInt(5))


def test_new_arrays():
    assert zeros(int8[2, 2]).tolist() == [[0, 0], [0, 0]]
    assert full(UInt(5)[2], -1).tolist() == [31, 31]
    assert full(Int(70)[2], 1 << 69).tolist() == [-(1 << 69)] * 2
    assert empty(bit[3]).shape == (3,)
    with pytest.raises(TypeError, match="not all known"):
        zeros(bit["N"])


def test_a_rom_is_packed_when_its_type_is():
    bits = np.array([[1, 0, 1, 1, 0, 0, 0, 1, 1]], np.uint8)
    assert rom(bits, bit[1, 9]).tolist() == bits.tolist()
    assert rom(bits, UInt(4)[1, 3] @ packed(9)).tolist() == [[13, 8, 1]]


def test_a_stream_gives_and_takes_in_row_major_order():
    array = typed(np.array([[1, 2], [3, 4]], np.uint8), uint8)
    source, sink = StreamEnd(array), StreamEnd(typed(np.zeros((2, 2), np.uint8), uint8))
    taken = [source.get() for _ in range(4)]
    for value in taken:
        sink.put(value + 255)
    assert taken == [1, 2, 3, 4]
    with pytest.raises(IndexError):
        source.get()
    with pytest.raises(IndexError):
        sink.put(1)


@given(st.integers(0, 1 << 70), st.integers(0, 1 << 70), st.integers(1, 80))
def test_xnor_tells_where_bits_agree(a: int, b: int, lanes: int):
    found = xnor(a, b, lanes)
    assert [found >> i & 1 for i in range(lanes + 1)] == [
        int((a >> i & 1) == (b >> i & 1)) if i < lanes else 0 for i in range(lanes + 1)
    ]
    assert xnor(a & 1, b & 1) == xnor(a, b, 1)


@given(st.integers(0, 1 << 90))
def test_popcount_counts(value: int):
    assert popcount(value) == bin(value).count("1")


@given(st.integers(-(1 << 70), 1 << 70), st.integers(0, 80), st.integers(-5, 5))
def test_bits_are_set_and_got(word: int, position: int, value: int):
    changed = set_bit(word, position, value)
    assert get_bit(changed, position) == value & 1
    assert set_bit(changed, position, get_bit(word, position)) == word


@given(st.integers(-(1 << 70), 1 << 70), st.integers(0, 60), st.integers(0, 30), st.integers(-9, 1 << 40))
def test_slices_are_set_and_got(word: int, low: int, more: int, value: int):
    high = low + more
    bits = [get_bit(word, i) for i in range(low, high + 1)]
    assert get_slice(word, high, low) == sum(b << i for i, b in enumerate(bits))
    changed = set_slice(word, high, low, value)
    assert get_slice(changed, high, low) == value % (1 << (more + 1))
    assert set_slice(changed, high, low, get_slice(word, high, low)) == word


@given(st.integers(-(1 << 70), 1 << 70), st.integers(1, 80))
def test_reversed_bits_and_bits_side_by_side(value: int, width: int):
    assert [get_bit(reverse(value, width), i) for i in range(width)] == [
        get_bit(value, width - 1 - i) for i in range(width)
    ]
    assert reverse(reverse(value, width), width) == get_slice(value, width - 1, 0)
    assert concat((value, width), (5, 3)) == UInt(width)(value) * 8 + 5


def test_bits_are_read_as_another_type():
    assert bitcast(200, int8) == -56
    assert bitcast(-56, uint8) == 200


def test_loops():
    assert list(grid(2, 3)) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert list(grid(0, 3)) == []
    assert list(pipeline(unroll(range(3), factor=2), ii=4)) == [0, 1, 2]


@given(int_types(100), st.integers(0, 99))
def test_intrinsics_take_what_arrays_give(elem: IntType, seed: int):
    array = typed(random_array(elem, (4,), seed), elem)
    found: list[Any] = [get_bit(array[0], 3), set_bit(array[1], 2, array[2] > 0), min(array[2], array[3])]
    assert all(type(v) is int for v in found)
