"""buffer_at: a local copy as large as what is written, filled first where some of it may be read or kept."""

from __future__ import annotations

import pytest
from tests.schedule.kernels_used import inner, padded, product, stencil
from tests.schedule.ladder import check_rewritten

from bitfold.schedule import Schedule, customize


def test_a_row_that_is_written_before_it_is_read_is_not_filled() -> None:
    s = customize(product)
    before = s.program
    assert s.buffer_at("c", "m") == "c_buffer"
    text = str(s)
    assert "c_buffer = empty(int16[5])" in text
    assert "c_buffer[n] += a[m, k] * b[k, n]" in text
    assert "= c[m" not in text
    assert "c[m, c_buffer_1] = c_buffer[c_buffer_1]" in text
    check_rewritten(before, s.program)


@pytest.mark.parametrize(("kernel", "array", "axis"), [(product, "c", "k"), (stencil, "y", "i")])
def test_what_is_read_before_it_is_written_is_filled_first(kernel: object, array: str, axis: str) -> None:
    s = customize(kernel)
    before = s.program
    local = s.buffer_at(array, axis)
    assert f"{local}[{local}_1] = {array}[" in str(s)
    check_rewritten(before, s.program)


def test_one_element_is_a_buffer_of_one() -> None:
    s = customize(padded)
    before = s.program
    s.buffer_at("y", "j")
    assert "y_buffer = empty(uint16[1])\n            y_buffer[0] = 0\n" in str(s)
    check_rewritten(before, s.program)


def blocks(s: Schedule) -> None:
    s.split("i", 4, guard=True)
    s.buffer_at("a", "i_o")


def test_a_block_that_passes_the_end_is_copied_as_far_as_it_goes() -> None:
    s = customize(inner)
    before = s.program
    blocks(s)
    assert "a_buffer = zeros(uint8[5, 8])" in str(s)
    assert "if i_o * 4 + a_buffer_0 < 8:" in str(s)
    check_rewritten(before, s.program)


def test_a_buffer_can_be_partitioned_and_its_loops_pipelined() -> None:
    s = customize(product)
    before = s.program
    s.partition(s.buffer_at("c", "m"))
    s.pipeline("k")
    s.pipeline("c_buffer_1")
    check_rewritten(before, s.program)
