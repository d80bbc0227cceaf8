"""reuse_at: line and window buffers give the same bits, at the edges as well, and read each element once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.schedule.kernels_used import padded, stencil, strided, tapped
from tests.schedule.ladder import check_python, check_rewritten, inputs, python_result
from tests.strategies import KernelCase

from bitfold.build.hls import emit
from bitfold.diagnostics import ScheduleError
from bitfold.ir.effects import loads
from bitfold.ir.nodes import For, Program
from bitfold.lowering.flatten import flatten_pipelines
from bitfold.lowering.pipeline import lower_to_hls
from bitfold.model.cycles import call_cycles
from bitfold.schedule import customize


def reads(program: Program, array: str) -> int:
    """How often `array` is read, when every condition holds."""

    def count(body: Any) -> int:
        total = 0
        for stmt in body:
            total += sum(e.array == array for e in loads(stmt))
            if isinstance(stmt, For):
                assert stmt.trips is not None
                total += stmt.trips * count(stmt.body)
            elif hasattr(stmt, "then"):
                total += count(stmt.then) + count(stmt.orelse)
        return total

    return count(program.top.body)


@pytest.mark.parametrize("kernel", [stencil, padded])
def test_a_line_buffer_and_a_window_buffer_for_a_stencil(kernel: Callable[..., None]) -> None:
    s = customize(kernel)
    before = s.program
    lines = s.reuse_at("x", "i")
    window = s.reuse_at(lines, "j")
    assert (s.type(lines).dims, s.type(window).dims) == ((3, 7), (3, 3))
    assert f"{window}[r, c] * (r * 3 + c)" in str(s)
    assert [loop.name for loop in s.get_loops()][:2] == ["i", "j"]
    check_rewritten(before, s.program)


def test_each_element_is_read_from_the_array_once() -> None:
    s = customize(stencil)
    assert reads(s.program, "x") == 4 * 5 * 9
    s.reuse_at("x", "i")
    assert reads(s.program, "x") == 6 * 7


@pytest.mark.parametrize(("kernel", "cycles"), [(stencil, 6 * 7), (padded, 7 * 8)])
def test_a_stencil_with_its_buffers_is_one_loop_with_a_pixel_in_each_cycle(
    kernel: Callable[..., None], cycles: int
) -> None:
    s = customize(kernel)
    before = s.program
    lines = s.reuse_at("x", "i")
    window = s.reuse_at(lines, "j")
    s.partition(lines, dim=1)
    s.partition(window)
    s.pipeline("j", ii=1)
    s.stream("x")  # isl finds that each pixel is read once, in order
    (flat,) = [f for f in flatten_pipelines(s.program).top.body if isinstance(f, For)]
    (inner,) = flat.body
    assert flat.flatten
    assert isinstance(inner, For)
    assert inner.pipeline == 1
    flattened = flatten_pipelines(s.program)
    assert call_cycles(flattened, flattened.top) == cycles
    text = emit(lower_to_hls(s.program)).text
    assert text.count("for (int step = 0") == text.count("PIPELINE II=1") == text.count("x.read()") == 1
    check_rewritten(before, s.program)


def test_direct_accumulation_into_the_output_gives_the_same_bits() -> None:
    """Where the output is the accumulator, each of its elements starts from what the caller passed."""
    s = customize(stencil)
    before = s.program
    s.reuse_at(s.reuse_at("x", "i"), "j")
    args = inputs(before, 3)
    assert args[1].any()
    check_python(s.program, args, python_result(before, args))


def test_a_window_that_moves_by_two_keeps_what_overlaps() -> None:
    s = customize(strided)
    before = s.program
    s.reuse_at("x", "i")
    assert "x_reuse[0] = x_reuse[2]" in str(s)
    check_rewritten(before, s.program)


def test_a_filter_becomes_a_shift_register() -> None:
    s = customize(tapped)
    before = s.program
    taps = s.reuse_at("x", "i")
    assert f"{taps}[4 - t] * h[t]" in str(s)
    s.partition(taps)
    s.pipeline("i")
    check_rewritten(before, s.program)


def test_a_buffer_inside_another_loop_is_filled_anew() -> None:
    s = customize(stencil)
    before = s.program
    s.reuse_at("x", "j")
    assert s.type("x_reuse").dims == (3, 3)
    check_rewritten(before, s.program)


@st.composite
def stencils(draw: Any) -> KernelCase:
    """Sums over a few neighbours, with any step and start, guarded where a neighbour is outside."""
    low, step = draw(st.integers(0, 3)), draw(st.integers(1, 2))
    scale = draw(st.sampled_from(["i", "2 * i", "i + i"]))
    lines = []
    for offset in draw(st.lists(st.integers(-4, 4), min_size=2, max_size=4)):
        index = f"{scale} + {offset}" if offset >= 0 else f"{scale} - {-offset}"
        column = draw(st.sampled_from(["j", "2 - j", "1", "(j + 1) % 3"]))
        lines.append(f"            if {index} >= 0 and {index} < 12:\n")
        lines.append(f"                y[i, j] += x[{index}, {column}] * {draw(st.integers(1, 5))}\n")
    loops = f"    for i in range({low}, 8, {step}):\n        for j in range(3):\n"
    head = "from bitfold.lang import *\n\ndef kernel(x: Int(5)[12, 3], y: uint8[8, 3]):\n"
    return KernelCase(head + loops + "".join(lines), {})


@given(stencils())
def test_any_stencil_gives_the_same_bits(case: KernelCase) -> None:
    s = customize(case.function)
    before, refused = s.program, ""
    try:
        s.reuse_at("x", "i")
    except ScheduleError as error:
        refused = error.message
    assert refused == "" or "nothing is read again" in refused
    args = inputs(before, 0)
    check_python(s.program, args, python_result(before, args))
