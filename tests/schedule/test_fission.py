"""fission: the parts of a body run in loops of their own when no dependence turns around."""

from __future__ import annotations

import pytest
from tests.schedule.kernels_used import dense, feedback, steps
from tests.schedule.ladder import check_rewritten

from bitfold.diagnostics import ScheduleError
from bitfold.schedule import Loop, customize


def test_a_local_that_both_parts_use_becomes_an_array() -> None:
    s = customize(steps)
    before = s.program
    assert s.fission("i", 2) == (Loop("steps", "i"), Loop("steps", "i_1"))
    assert "v = empty(uint8[8])" in str(s)
    assert "b[i] = v[i]" in str(s)
    assert "c[i_1] += v[i_1]" in str(s)
    check_rewritten(before, s.program)


def test_writes_of_one_element_that_would_turn_around_are_refused_with_both() -> None:
    s = customize(steps)
    with pytest.raises(ScheduleError, match="both iterations below touch 'c'") as caught:
        s.fission("i", "j")
    assert "c[i] = c[i] + v" in caught.value.render()
    assert "c[7 - i] = 3" in caught.value.render()


def test_the_place_is_named_by_a_loop_or_its_handle() -> None:
    s, t = customize(dense, M=4, K=8), customize(dense, M=4, K=8)
    before = s.program
    k = s.get_loops()[1]
    s.fission("m", k)
    t.fission("m", 2)
    assert s.program == t.program
    assert str(s.trace[-1]) == "s.at('dense').fission('m', 'k')"
    check_rewritten(before, s.program)


def test_after_fission_a_nest_is_perfect_and_fuses() -> None:
    s = customize(dense, M=4, K=8)
    before = s.program
    s.fission("m", 1)
    s.fission("m_1", "k")
    s.fuse("m_1", "k")
    assert "for m_1_k in range(32):" in str(s)
    check_rewritten(before, s.program)


def test_a_value_that_the_next_iteration_needs_keeps_the_loop_whole() -> None:
    s = customize(feedback)
    with pytest.raises(ScheduleError, match="cannot be cut here: both iterations below touch 'b'"):
        s.fission("i", 1)
