"""split and tile: every factor gives the same bits; with `guard` and `cut` also one that does not divide."""

from __future__ import annotations

import pytest
from tests.schedule.kernels_used import dense, inner, nest
from tests.schedule.ladder import check_rewritten

from bitfold.schedule import Loop, customize


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 7])
def test_a_guarded_split_gives_the_same_bits_for_every_factor(factor: int) -> None:
    s = customize(inner)
    before = s.program
    outer, _ = s.split("i", factor, guard=True)
    assert s.trips(outer) == -(-7 // factor)
    assert ("if i_o" in str(s)) == (7 % factor != 0)
    check_rewritten(before, s.program)


def test_a_guarded_split_has_one_loop_nest_and_a_condition() -> None:
    s = customize(dense, M=3, K=10)
    before = s.program
    s.split("k", 4, guard=True)
    assert "if k_o * 4 + k_i < 10:" in str(s)
    assert [str(loop) for loop in s.get_loops()] == ["m", "k_o", "k_i"]
    s.unroll("k_i")
    s.pipeline("k_o")
    check_rewritten(before, s.program)


def test_a_guard_is_printed_in_the_trace_only_when_asked_for() -> None:
    s = customize(dense, M=3, K=10)
    s.split("k", 5)
    s.split("k_o", 2, guard=True)
    s.split("m", 2, cut=True)
    assert [str(step) for step in s.trace] == [
        "s.at('dense').split('k', 5)",
        "s.at('dense').split('k_o', 2, guard=True)",
        "s.at('dense').split('m', 2, cut=True)",
    ]


def test_tiles_of_a_matrix() -> None:
    s = customize(nest)
    before = s.program
    loops = s.tile("j", "k", 3, 2)
    assert loops == tuple(Loop("nest", n) for n in ("j_o", "k_o", "j_i", "k_i"))
    assert [s.trips(loop) for loop in loops] == [1, 2, 3, 2]
    assert str(s.trace[-1]) == "s.at('nest').tile('j', 'k', 3, 2)"
    check_rewritten(before, s.program)


def test_tiles_of_a_matrix_product_have_an_accumulator_for_each_row() -> None:
    s = customize(dense, M=4, K=12)
    before = s.program
    s.tile("m", "k", 2, 3)
    assert "acc = empty(uint16[2])" in str(s)
    check_rewritten(before, s.program)
