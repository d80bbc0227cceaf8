"""Channels that a schedule makes of arrays: whether they are deep enough is known before anything runs."""

from __future__ import annotations

import numpy as np
import pytest
from tests.strategies import load

from bitfold import customize
from bitfold.build.llvm.jit import CpuModule
from bitfold.diagnostics import DeadlockError
from bitfold.lowering.pipeline import lower_to_hls
from bitfold.schedule import Schedule

SOURCE = """
from bitfold.lang import *

def two(x: uint8[16], a: uint8[16], b: uint8[16]):
    for i in range(16):
        a[i] = x[i]
        b[i] = x[i] + 1

def join(a: uint8[16], b: uint8[16], y: uint8[16]):
    held = empty(uint8[16])
    for i in range(16):
        held[i] = a[i]
    for i in range(16):
        y[i] = held[i] ^ b[i]

def top(x: uint8[16], y: uint8[16]):
    a = empty(uint8[16])
    b = empty(uint8[16])
    two(x, a, b)
    join(a, b, y)
"""


def joined(depth: int) -> Schedule:
    """`join` takes the whole of a before the first of b, of which `two` then has put 15 and holds one."""
    s = customize(load(SOURCE)["top"])
    s.stream("a")
    s.stream("b", depth=depth)
    return s


@pytest.mark.parametrize("depth", [15, 16, 40])
def test_a_channel_that_is_deep_enough_passes(depth: int) -> None:
    x, y = np.arange(16, dtype=np.uint8), np.zeros(16, np.uint8)
    CpuModule(joined(depth).program)(x, y)
    assert (y == (x ^ (x + 1))).all()
    lower_to_hls(joined(depth).program)


@pytest.mark.parametrize("depth", [1, 2, 14])
@pytest.mark.parametrize("lower", [lambda p: CpuModule(p), lower_to_hls])
def test_one_that_is_too_shallow_is_a_deadlock(depth: int, lower: object) -> None:
    with pytest.raises(DeadlockError) as caught:
        lower(joined(depth).program)  # type: ignore[operator]
    text = caught.value.render()
    assert f"'two' waits to put into 'b', which is full (depth {depth})" in text
    assert "'join' waits to get from 'a', which is empty" in text
    assert "b[i] = x[i] + 1" in text, "the line that waits"
    assert "with depth 15 of 'b' it runs to its end: s.stream(array, depth=...)" in text


def test_no_hardware_is_written_for_streams_that_are_too_shallow() -> None:
    source = """
from bitfold.lang import *

def two(x: uint8[8], a: Stream[uint8, 2], b: Stream[uint8, 2]):
    for i in range(8):
        a.put(x[i])
    for i in range(8):
        b.put(x[i])

def join(a: Stream[uint8, 2], b: Stream[uint8, 2], y: uint8[8]):
    for i in range(8):
        y[i] = a.get() ^ b.get()

def top(x: uint8[8], y: uint8[8]):
    a = empty(Stream[uint8, 2])
    b = empty(Stream[uint8, 2])
    two(x, a, b)
    join(a, b, y)
"""
    program = customize(load(source)["top"]).program
    with pytest.raises(DeadlockError, match="'a', which is full"):
        lower_to_hls(program)
