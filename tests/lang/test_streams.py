"""Streams under plain Python: their types, and what a kernel does with them when it is called."""

from __future__ import annotations

import numpy as np
import pytest

from bitfold.diagnostics import DeadlockError
from bitfold.lang import Int, Stream, StreamType, bit, empty, int8, int16, stream, typed, uint8


def produce(x: uint8[4], c: Stream[int8, 2]):
    for i in range(4):
        c.put(x[i] + 100)


def consume(c: Stream[int8, 2], y: int16[4]):
    for i in range(4):
        y[i] = c.get() * 2


def chain(x: uint8[4], y: int16[4]):
    c = empty(Stream[int8, 2])
    produce(x, c)
    consume(c, y)


def backwards(x: uint8[4], y: int16[4]):
    c = empty(Stream[int8, 2])
    consume(c, y)
    produce(x, c)


def test_types_print_as_they_are_written():
    assert str(Stream[int8]) == "Stream[int8, 2]"
    assert str(Stream[Int(5), 7]) == "Stream[Int(5), 7]"
    assert str(Stream[bit, 3][2, 4]) == "Stream[bit, 3][2, 4]"
    assert Stream[int8] == Stream[int8, 2] != Stream[int8, 3]
    assert Stream[int8, 2] != Stream[int8, 2][1]
    assert isinstance(Stream[int8, np.int64(3)], StreamType)


@pytest.mark.parametrize("depth", [0, -1])
def test_a_depth_holds_at_least_one_element(depth: int):
    fault = Stream[int8, depth].fault()
    assert fault is not None
    assert f"the depth of Stream[int8, {depth}] is {depth}" in fault


@pytest.mark.parametrize("key", [3, "int8", (int8, 2.5), (int8, True), (int8, 2, 3), (int8, "n"), int8[4]])
def test_what_is_no_stream_type_is_refused(key: object):
    with pytest.raises(TypeError, match="stream"):
        Stream[key]


@pytest.mark.parametrize("shape", [2.5, True, "N", ()])
def test_arrays_of_streams_have_integer_dimensions(shape: object):
    with pytest.raises(TypeError, match="integer dimensions"):
        Stream[int8, 4][shape]
    with pytest.raises(TypeError, match="integer dimensions"):
        Stream[int8, 4][2][3]


def test_a_stream_has_no_layout():
    with pytest.raises(TypeError, match="a channel already"):
        Stream[int8, 4] @ stream


def test_kernels_run_one_after_the_other_as_python():
    x, y = typed(np.array([1, 2, 27, 28], np.uint8), uint8), typed(np.zeros(4, np.int16), int16)
    chain(x, y)
    assert y.tolist() == [202, 204, 254, -256]  # 128 wraps to -128 on its way through int8


def test_a_get_of_nothing_names_the_stream_and_the_way_out():
    x, y = typed(np.zeros(4, np.uint8), uint8), typed(np.zeros(4, np.int16), int16)
    with pytest.raises(DeadlockError) as caught:
        backwards(x, y)
    text = str(caught.value)
    assert "`c.get()` in 'consume' finds the stream (Stream[int8, 2]) empty" in text
    assert "test_streams.py:19:16" in text
    assert " 19 |         y[i] = c.get() * 2\n    |                ^^^^^^^\n" in text
    assert "customize(top)" in text


def test_a_stream_tells_whether_it_is_empty_or_full():
    c = empty(Stream[uint8, 2])
    assert (c.empty(), c.full()) == (1, 0)
    c.put(300)
    assert (c.empty(), c.full()) == (0, 0)
    c.put(-1)
    c.put(5)  # nothing waits: plain Python has nobody to make room
    assert (c.empty(), c.full()) == (0, 1)
    assert [c.get() for _ in range(3)] == [44, 255, 5]


def test_an_array_of_streams_has_a_stream_at_each_place():
    c = empty(Stream[int8][2, 3])
    for i in range(2):
        for j in range(3):
            c[i, j].put(10 * i + j)
    assert [[c[i, j].get() for j in range(3)] for i in range(2)] == [[0, 1, 2], [10, 11, 12]]
    assert c[1, 2].empty()
