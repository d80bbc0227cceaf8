"""unroll_jam: iterations of an outer loop share the passes of the loops inside it."""

from __future__ import annotations

import pytest
from tests.schedule.kernels_used import dense, inner, nest, skewed
from tests.schedule.ladder import check_rewritten

from bitfold.diagnostics import ScheduleError
from bitfold.schedule import Loop, customize


def test_copies_share_the_inner_loop_and_have_accumulators_of_their_own() -> None:
    s = customize(dense, M=4, K=8)
    before = s.program
    assert s.unroll_jam("m", 2) == Loop("dense", "m_o")
    assert [str(loop) for loop in s.get_loops()] == ["m_o", "k"]
    assert "acc[0] += xnor(w[m_o * 2, k], x[k])" in str(s)
    assert "acc[1] += xnor(w[m_o * 2 + 1, k], x[k])" in str(s)
    check_rewritten(before, s.program)


def test_the_jam_goes_down_to_the_innermost_loop() -> None:
    s = customize(nest)
    before = s.program
    s.unroll_jam("j", 3)
    assert "for k in range(4):\n                a[i, 0, k] += 1\n                a[i, 1, k] += 1" in str(s)
    check_rewritten(before, s.program)


@pytest.mark.parametrize("factor", [1, 7])
def test_iterations_in_step_keep_a_dependence_that_points_forward(factor: int) -> None:
    s = customize(inner)
    before = s.program
    s.unroll_jam("i", factor)
    check_rewritten(before, s.program)


def test_iterations_that_need_a_later_pass_of_the_one_before_are_refused() -> None:
    s = customize(skewed)
    with pytest.raises(ScheduleError, match="both iterations below touch 'b'"):
        s.unroll_jam("i", 7)
    assert s.trace == ()
