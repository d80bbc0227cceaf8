"""fuse: the loops become one, what the body says of both indices becomes the one index, the bits stay."""

from __future__ import annotations

import pytest
from tests.schedule.kernels_used import flat, inner, nest
from tests.schedule.ladder import check_rewritten

from bitfold.diagnostics import ScheduleError
from bitfold.schedule import Loop, customize


def test_two_loops_become_one_that_indexes_rows_and_columns() -> None:
    s = customize(flat)
    before = s.program
    assert s.fuse("i", "j") == Loop("flat", "i_j")
    assert "for i_j in range(24):\n        b[i_j] = a[i_j // 6, i_j % 6]" in str(s)
    check_rewritten(before, s.program)


def test_bounds_and_steps_are_kept() -> None:
    s = customize(inner)
    before = s.program
    s.fuse("i", "j")
    assert s.trips("i_j") == 7 * 3
    check_rewritten(before, s.program)


def test_three_loops_at_once() -> None:
    s = customize(nest)
    before = s.program
    fused = s.fuse("i", "j", "k")
    assert s.trips(fused) == 24
    assert str(s.trace[-1]) == "s.at('nest').fuse('i', 'j', 'k')"
    check_rewritten(before, s.program)


def test_a_fused_loop_can_be_split_again_and_its_parts_are_gone() -> None:
    s = customize(flat)
    before = s.program
    j = s.get_loops()[1]
    s.split(s.fuse("i", "j"), 8)
    with pytest.raises(
        ScheduleError, match=r"'j' of 'flat' is no more: s.at\('flat'\).fuse\('i', 'j'\) repl"
    ):
        s.pipeline(j)
    check_rewritten(before, s.program)
