"""Width converters, duplicators, and what stands between arrays and streams."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernels.references import bits, random
from tests.kernels.rungs import check, run_plain

from bitfold.diagnostics import UsageError
from bitfold.frontend import parse
from bitfold.ir.nodes import For, walk
from bitfold.kernels.streams import duplicator, stream_reader, stream_writer, width_converter
from bitfold.lang import ArrayType, Int, UInt, bit, int8, int16, packed, uint8

PAIRS = [
    (130, 1, 64),
    (130, 64, 1),
    (12, 6, 4),
    (98, 49, 16),
    (98, 16, 49),
    (17, 5, 3),
    (17, 3, 5),
    (5, 3, 4),  # the last word fills one and begins another
    (64, 4, 32),
    (9, 3, 3),
    (9, 1, 1),
    (200, 65, 100),
    (200, 100, 65),
    (576, 192, 64),
    (600, 128, 32),
]


@pytest.mark.parametrize(("count", "lanes_in", "lanes_out"), PAIRS)
def test_a_row_keeps_its_bits_in_words_of_another_width(count: int, lanes_in: int, lanes_out: int) -> None:
    x = bits(np.random.default_rng(count), 3, count)
    check(width_converter(3, count, lanes_in, lanes_out), [x], x)


@settings(max_examples=300)
@given(st.integers(1, 20), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_any_two_widths(count: int, lanes_in: int, lanes_out: int, seed: int) -> None:
    kernel = width_converter(2, count, lanes_in, lanes_out)
    program = parse(kernel)
    x = bits(np.random.default_rng(seed), 2, count)
    y = np.zeros_like(x)
    run_plain(kernel, program, [x, y])  # every word taken is there, and every one given has a place
    assert (y == x).all()


@pytest.mark.parametrize(("count", "lanes_in", "lanes_out"), PAIRS)
def test_an_iteration_passes_a_word(count: int, lanes_in: int, lanes_out: int) -> None:
    program = parse(width_converter(3, count, lanes_in, lanes_out))
    rows, words = (s.trips for s in walk(program.top.body) if isinstance(s, For))
    most = max(-(-count // lanes_in), -(-count // lanes_out))
    assert rows == 3
    assert words == most + ((count, lanes_in, lanes_out) == (5, 3, 4))


@pytest.mark.parametrize("arguments", [(0, 8, 2, 4), (1, 0, 2, 4), (1, 8, 0, 4), (1, 8, 2, -1)])
def test_sizes_below_1_are_refused(arguments: tuple[int, int, int, int]) -> None:
    with pytest.raises(UsageError, match="cannot be passed") as caught:
        width_converter(*arguments)
    assert caught.value.remedy


def test_a_duplicate_is_the_same_twice() -> None:
    x = random(np.random.default_rng(0), Int(5), 7)
    check(duplicator(Int(5), 7), [x], x, x)


@pytest.mark.parametrize("make", [stream_reader, stream_writer])
@pytest.mark.parametrize(
    "type", [uint8[5], int16[3, 4], bit[7], UInt(5)[3, 2] @ packed(9), UInt(70)[2] @ packed(130)]
)
def test_arrays_to_streams_and_back(make, type: ArrayType) -> None:
    x = random(np.random.default_rng(1), type.logical.elem, *type.logical.dims)
    check(make(type), [x], x)


@pytest.mark.parametrize("make", [stream_reader, stream_writer])
def test_arrays_of_three_dimensions_are_refused(make) -> None:
    with pytest.raises(UsageError, match="3 dimensions"):
        make(int8[2, 3, 4])
