"""stream between kernels: what is written and refused, whatever the order of the requests."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
from tests.schedule.ladder import check_llvm, check_python, inputs
from tests.strategies import KernelCase, load

from bitfold.diagnostics import ScheduleError
from bitfold.frontend import parse
from bitfold.ir.run import as_python
from bitfold.schedule import Partition, Schedule, customize

LAYERS = """
def inc(x: {type}[12], y: {type}[12]):
    for i in range(12):
        y[i] = x[i] + 1


def double(x: {type}[12], y: {type}[12]):
    for i in range(12):
        y[i] = x[i] * 2
"""
TWO = """

def kernel(x: {type}[12], y: {type}[12]):
    h = {fill}({type}[12]{value})
    inc(x, h)
    double(h, y)
"""
NESTED = """

def middle(x: uint8[12], y: uint8[12]):
    h = empty(uint8[12])
    inc(x, h)
    double(h, y)


def outer(x: uint8[12], y: uint8[12]):
    middle(x, y)


def kernel(x: uint8[12], y: uint8[12]):
    h = empty(uint8[12])
    outer(x, h)
    double(h, y)
"""


def written(source: str) -> KernelCase:
    return KernelCase(f"from bitfold.lang import *\n\n{source}", {})


def two(type: str = "uint8", fill: str = "empty", value: str = "") -> KernelCase:
    return written((LAYERS + TWO).format(type=type, fill=fill, value=value))


def check(case: KernelCase, s: Schedule) -> None:
    """Same results, text that reads back as the same program, a trace that makes it again."""
    for seed in range(2):
        args = inputs(case.program, seed)
        check_python(s.program, args, case.run(args))
    check_llvm(s.program, (0, 1))
    assert parse(as_python(s.program)) == s.program
    again = customize(case.function)
    again.compose(s)
    assert str(again) == str(s)


def split(s: Schedule, inc: int, double: int) -> None:
    s.at("inc").split("i", inc)
    s.at("double").split("i", double)


@pytest.mark.parametrize("type", ["uint8", "int8", "Int(5)", "UInt(33)", "Int(1)", "bit"])
@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 0), (3, 4), (1, 12), (6, 6)])
def test_words_of_any_size_at_each_end(type: str, first: int, second: int) -> None:
    case = two(type)
    s = customize(case.function)
    split(s, first or 1, second or 1)
    s.stream("inc:y", lanes=first)
    s.stream("double:x", lanes=second)
    assert ("stream_width_h" in str(s)) == (first != second)
    check(case, s)


def test_each_end_alone_and_in_any_order() -> None:
    """The program depends on which ends were streamed, not on which was first."""
    case = written(LAYERS.format(type="uint8") + NESTED)
    ends = [("inc:y", 3), ("double_0:x", 4), ("double_0:y", 2), ("double_1:x", 0), ("inc:x", 6)]
    found = set()
    for order in permutations(ends, 5):
        s = customize(case.function)
        for kernel, lanes in (("inc", 6), ("double_0", 4)):
            s.at(kernel).split("i", lanes)
        s.at("inc").split("i_i", 3)
        s.at("double_0").split("i_i", 2)
        for end, lanes in order:
            s.stream(end, lanes=lanes)
        found.add(str(s))
    assert len(found) == 1
    check(case, s)


@pytest.mark.parametrize("array", ["h", "inc:y", "double:x"])
@pytest.mark.parametrize("fill", [("zeros", ""), ("full", ", 3")])
def test_channels_have_no_first_value(array: str, fill: tuple[str, str]) -> None:
    case = two("uint8", *fill)
    s = customize(case.function)
    s.stream(array)
    assert "h = empty(" in str(s) or array == "double:x"
    check(case, s)


def test_what_a_producer_leaves_out_keeps_its_first_value() -> None:
    case = written(
        LAYERS.format(type="uint8").replace("range(12)", "range(2, 9)", 1)
        + TWO.format(type="uint8", fill="full", value=", 7")
    )
    s = customize(case.function)
    s.stream("double:x")
    check(case, s)


def test_the_second_end_can_be_streamed_by_the_name_of_the_array() -> None:
    case = two()
    for end in ("inc:y", "double:x"):
        s = customize(case.function)
        s.stream(end)
        s.stream("h", depth=5)
        assert "h = empty(uint8[12] @ stream(5))\n" in str(s)
        assert "stream_" not in str(s)
        check(case, s)
        with pytest.raises(ScheduleError, match="a stream already"):
            s.stream("h")


def test_a_channel_has_no_memories() -> None:
    s = customize(two().function)
    s.bind("h", "bram")
    s.partition("h", Partition.Cyclic, dim=1, factor=3)
    s.stream("inc:y")
    assert "h = empty(uint8[12] @ stream(2))\n" in str(s)
    assert '    h_in = empty(uint8[12] @ cyclic(dim=1, factor=3) @ memory("bram"))\n' in str(s)
    check(two(), s)
    s.stream("double:x")
    assert "h_in" not in str(s)
    assert "memory" not in str(s)
    check(two(), s)


def test_what_is_taken_from_one_stream_can_go_into_another() -> None:
    source = """
def take(x: uint8[12] @ stream, y: uint8[12]):
    for i in range(12):
        y[i] = x.get()
"""
    s = customize(load(f"from bitfold.lang import *\n\n{source}")["take"])
    s.stream("y")
    assert "y_word: uint8 = x.get()\n        y.put(y_word)" in str(s)
    check_llvm(s.program, (0, 1))


def test_words_that_no_loop_goes_over_are_refused_with_a_remedy() -> None:
    s = customize(two().function)
    with pytest.raises(ScheduleError, match="split the loop over its elements by 4"):
        s.stream("double:x", lanes=4)


def test_a_word_of_which_one_lane_is_set_is_refused() -> None:
    s = customize(written("def kernel(x: uint8[2], y: uint8[2]):\n    y[1] = 3\n").function)
    with pytest.raises(ScheduleError, match="a store changes one of the 3 lanes of a word"):
        s.stream("y", lanes=3)


ACCUMULATES = """
def inc(x: uint8[12], y: uint8[12]):
    for r in range(3):
        for i in range(12):
            y[i] += x[i]
"""


def test_a_producer_that_reads_back_is_refused() -> None:
    source = (
        ACCUMULATES
        + LAYERS.format(type="uint8").split("\n\n\n")[1]
        + TWO.format(type="uint8", fill="zeros", value="")
    )
    s = customize(written(source).function)
    with pytest.raises(ScheduleError, match="both read and written by 'inc'"):
        s.stream("h")


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        ("double(h, y)\n    inc(x, h)", "'h', which is read before it is written"),
        ("inc(x, y)\n    double(y, x)", "'y', which is a parameter"),
        ("inc(x, h)\n    double(h, x)", "'x', which is a parameter"),
    ],
)
def test_processes_hand_on_local_arrays_in_order(calls: str, message: str) -> None:
    source = LAYERS.format(type="uint8") + TWO.format(type="uint8", fill="zeros", value="")
    s = customize(written(source.replace("inc(x, h)\n    double(h, y)", calls)).function)
    with pytest.raises(ScheduleError, match=message):
        s.dataflow()


@pytest.mark.parametrize("order", [(1, "a"), (2.0, 1.0), (1, 1), (1,), (True, 2), (0, 1)])
def test_transpose_wants_an_order_of_the_dimensions(order: tuple[object, ...]) -> None:
    transpose: Callable[..., None] = customize(
        load(
            "from bitfold.lang import *\n\ndef f(x: bit[2]):\n    t = zeros(bit[2, 3])\n    x[0] = t[1, 2]\n"
        )["f"]
    ).transpose
    with pytest.raises(ScheduleError, match="is no order of the 2 dimensions"):
        transpose("t", *order)


def test_a_parameter_that_its_kernel_does_not_use_is_no_stream() -> None:
    source = (
        LAYERS.format(type="uint8")
        + """

def idle(h: uint8[12], z: uint8[1]):
    z[0] = 1


def kernel(x: uint8[12], y: uint8[12], z: uint8[1]):
    h = empty(uint8[12])
    inc(x, h)
    double(h, y)
    idle(h, z)
"""
    )
    s = customize(written(source).function)
    with pytest.raises(ScheduleError, match="'h' of 'idle' is neither read nor written"):
        s.stream("idle:h")
