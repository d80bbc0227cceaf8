"""stream: elements arrive in row-major order, each once, before they are read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.schedule.ladder import check_llvm, check_python, inputs
from tests.strategies import KernelCase

from bitfold.diagnostics import ScheduleError
from bitfold.lang import empty, uint8
from bitfold.schedule import Schedule, customize


def streamed(params: str, body: str, *arrays: str) -> tuple[KernelCase, Schedule]:
    lines = [f"    {line}\n" for line in body.strip("\n").splitlines()]
    case = KernelCase(f"from bitfold.lang import *\n\ndef kernel({params}):\n{''.join(lines)}", {})
    s = customize(case.function)
    for array in arrays:
        s.stream(array)
    return case, s


# Each: parameters, body, the arrays to stream, a line that the streamed kernel must have.
LEGAL = {
    "an input that is read once": (
        "x: uint8[6], y: uint8[6]",
        "for i in range(6):\n    y[i] = x[i]",
        "x y",
        "y.put(x_word)",
    ),
    "two dimensions": (
        "x: uint8[3, 4], y: uint8[3, 4]",
        "for i in range(3):\n    for j in range(4):\n        y[i, j] = x[i, j] + i",
        "x y",
        "= x.get()",
    ),
    "an input that is read again for each row": (
        "x: bit[6], w: bit[4, 6], y: uint8[4]",
        "for m in range(4):\n    s: uint8 = 0\n    for k in range(6):\n        s += xnor(w[m, k], x[k])\n"
        "    y[m] = s",
        "x y",
        "x_buffer[k] = x_word",
    ),
    "two dimensions, read again": (
        "x: uint8[2, 3], y: uint16[4, 2]",
        "for r in range(4):\n    for i in range(2):\n        for j in range(3):\n"
        "            y[r, i] += x[i, j]",
        "x",
        "x_buffer[i, j] = x_word",
    ),
    "an index made of split loops": (
        "x: uint8[12], y: uint8[12]",
        "for o in range(3):\n    for i in range(4):\n        y[o * 4 + i] = x[o * 4 + i]",
        "x y",
        "= x.get()",
    ),
    "a loop inside that does not choose the element": (
        "x: uint8[3], y: uint8[3, 4]",
        "for i in range(3):\n    for j in range(4):\n        y[i, j] = x[i]",
        "x y",
        "y.put(x_word)",
    ),
    "a read under a condition inside the loop": (
        "x: uint8[6], y: uint8[6]",
        "for i in range(6):\n    if y[i] > 9:\n        y[i] = x[i]",
        "x",
        "= x.get()",
    ),
    "the same element read twice in an iteration": (
        "x: uint8[6], y: uint8[6]",
        "for i in range(6):\n    if x[i] > 100:\n        y[i] = x[i] * x[i]",
        "x",
        "if x_word > 100:",
    ),
    "an output under conditions on the loops": (
        "x: bit[3, 4], y: uint8[3]",
        "for i in range(3):\n    s: uint8 = 0\n    for j in range(4):\n        s += x[i, j]\n"
        "        if not j != 3:\n"
        "            y[i] = s",
        "x y",
        "y.put(s)",
    ),
    "an output in an else branch": (
        "x: bit[8], y: bit[4]",
        "for i in range(8):\n    if i % 2 == 0:\n        pass\n    else:\n        y[i // 2] = x[i]",
        "x y",
        "y.put(x_word)",
    ),
    "an element that is read after the next one arrived in its place": (
        "x: uint8[2, 4], y: uint16[4, 2, 4]",
        "for p in range(4):\n    for m in range(2):\n        for k in range(4):\n"
        "            if p < 2 or m == 1:\n                y[p, m, k] += x[p % 2, k]",
        "x",
        "x_buffer[p % 2, k] = x.get()",
    ),
    "rows that are read again one after the other": (
        "x: uint8[3, 4], y: uint16[3, 2, 4]",
        "for p in range(3):\n    for m in range(2):\n        for k in range(4):\n"
        "            y[p, m, k] += x[p, k]",
        "x",
        "x_buffer[k] = x_word",
    ),
    "a loop that starts elsewhere and goes by steps": (
        "x: uint8[4], y: uint8[4]",
        "for r in range(1, 3):\n    for i in range(2, 9, 2):\n        y[i // 2 - 1] += x[i // 2 - 1]",
        "x",
        "if r == 1:",
    ),
}


@pytest.mark.parametrize("name", LEGAL)
def test_elements_in_order_can_be_streamed(name: str) -> None:
    params, body, arrays, line = LEGAL[name]
    case, s = streamed(params, body, *arrays.split())
    assert line in str(s)
    for seed in range(3):
        args = inputs(case.program, seed)
        check_python(s.program, args, case.run(args))
    check_llvm(s.program, (0, 1, 2))


ILLEGAL = {
    "backwards": "for i in range(6):\n    y[i] = x[5 - i]",
    "only a part": "for i in range(5):\n    y[i] = x[i]",
    "more than one element an iteration": "for i in range(5):\n    y[i] = x[i] + x[i + 1]",
    "an element used by two iterations": "for i in range(11):\n    y[i // 2] += x[i // 2]",
    "an index from memory": "for i in range(6):\n    y[i] = x[y[i] % 6]",
    "a condition around the loop": "if y[0] > 3:\n    for i in range(6):\n        y[i] = x[i]",
    "a loop of varying length": "for i in range(y[0] % 7):\n    y[i] = x[i]",
    "columns first": "for i in range(3):\n    for j in range(2):\n        y[0] += x[j * 3 + i]",
    "nothing but one element": "y[0] = x[2]",
    "the last pass only": "for r in range(3):\n    for i in range(2 * r + 2):\n        y[i] += x[i]",
}


@pytest.mark.parametrize("name", ILLEGAL)
def test_another_order_is_refused_for_inputs(name: str) -> None:
    with pytest.raises(ScheduleError, match="cannot be a stream"):
        streamed("x: uint8[6], y: uint8[6]", ILLEGAL[name], "x")


@pytest.mark.parametrize(
    "body",
    [
        "for i in range(6):\n    y[5 - i] = x[i]",
        "for i in range(6):\n    y[x[i] % 6] = x[i]",
        "for i in range(6):\n    if x[i] > 3:\n        y[i] = 1",
        "for i in range(6):\n    if x[i] > 3:\n        pass\n    else:\n        y[i] = 1",
        "for r in range(2):\n    for i in range(6):\n        y[i] = x[i]",
        "for i in range(6):\n    if i > 2:\n        pass\n    else:\n        y[i] = 1",
        "for i in range(x[0] % 7):\n    y[i] = 1",
    ],
)
def test_another_order_is_refused_for_outputs(body: str) -> None:
    with pytest.raises(ScheduleError, match="cannot be a stream"):
        streamed("x: uint8[6], y: uint8[6]", body, "y")


def test_words_are_streamed_when_the_array_is_packed() -> None:
    body = "for i in range(2):\n    for j in range(5):\n        a[i] += x[i * 5 + j]"
    _, s = streamed("x: bit[10], a: uint8[2]", body)
    s.pack("x", 5)
    s.stream("x")
    assert "= x.get()" in str(s)
    check_llvm(s.program, (0, 1, 2))


def test_an_input_of_one_word_arrives_before_the_loops() -> None:
    body = """
for m in range(3):
    for k in range(5):
        a[m] += xnor(w[m, k], x[k])
"""
    case, s = streamed("x: bit[5], w: bit[3, 5], a: uint8[3]", body)
    s.pack("x", 5)
    s.pack("w", 5)
    s.stream("x")
    assert "    x_word: UInt(5) = x.get()\n    for m in range(3):" in str(s)
    for seed in range(3):
        args = inputs(case.program, seed)
        check_python(s.program, args, case.run(args))
    check_llvm(s.program, (0, 1, 2))


def filled(x: uint8[4], h: uint8[4]):
    for i in range(4):
        h[i] = x[3 - i] + x[i]


def stored(h: uint8[4], y: uint8[4]):
    for i in range(4):
        y[i] = h[i]


def in_place(x: uint8[4]):
    h = empty(uint8[4])
    filled(x, h)
    stored(h, x)


def with_more(x: uint8[4], y: uint8[4]):
    h = empty(uint8[4])
    filled(x, h)
    stored(h, y)
    y[0] += 1


@pytest.mark.parametrize(
    ("kernel", "why"),
    [(in_place, "writes and 'filled' reads 'x'"), (with_more, "does more than call kernels")],
)
def test_a_stream_does_not_let_kernels_run_together_that_may_not(
    kernel: Callable[..., None], why: str
) -> None:
    for ask in (
        lambda s: s.to("h", "stored", depth=4),
        lambda s: s.stream("h"),
        lambda s: s.stream("stored:h"),
    ):
        s = customize(kernel)
        before = s.program
        with pytest.raises(ScheduleError, match=why):
            ask(s)
        assert (s.program, s.trace) == (before, ())
