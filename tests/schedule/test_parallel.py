"""parallel, unroll by a factor and rewind: the same bits on every rung, and what the back ends are told."""

from __future__ import annotations

import pytest
from tests.schedule import kernels_used as k
from tests.schedule.ladder import check_rewritten

from bitfold.build.hls import emit
from bitfold.diagnostics import ScheduleError
from bitfold.ir.nodes import For
from bitfold.lowering.pipeline import lower_to_hls
from bitfold.lowering.unroll import unroll_loops
from bitfold.schedule import Schedule, customize


def cpp(s: Schedule) -> str:
    return emit(lower_to_hls(s.program)).text


def test_independent_iterations_are_laid_out_side_by_side() -> None:
    s = customize(k.image)
    before = s.program
    s.parallel("i")
    assert "for i in parallel(range(4)):" in str(s)
    assert "#pragma HLS UNROLL" in cpp(s)
    check_rewritten(before, s.program)


def test_what_a_loop_around_carries_does_not_make_iterations_depend() -> None:
    s = customize(k.skewed)  # b[i, j] = b[i - 1, j + 1] + 1: i carries it, j does not
    s.parallel("j")
    with pytest.raises(ScheduleError, match="not independent"):
        s.parallel("i")


def test_a_reduction_is_refused_and_shows_both_accesses() -> None:
    with pytest.raises(ScheduleError) as caught:
        customize(k.total).parallel("i")
    text = caught.value.render()
    assert "note: first, at (i=0)" in text
    assert "note: then, at (i=" in text
    assert "unroll('i')" in text


@pytest.mark.parametrize("factor", [2, 4])
def test_a_loop_unrolled_by_a_factor_is_so_on_every_back_end(factor: int) -> None:
    s = customize(k.image)
    before = s.program
    s.unroll("j", factor)
    assert f"unroll(range(8), factor={factor})" in str(s)
    assert f"#pragma HLS UNROLL factor={factor}" in cpp(s)
    lowered = unroll_loops(s.program)
    body = lowered.top.body[0].body[1].body  # type: ignore[attr-defined]
    assert len(body) == factor
    check_rewritten(before, s.program)


def test_a_factor_that_does_not_divide_leaves_a_loop_for_the_rest() -> None:
    s = customize(k.odd)
    whole, rest = unroll_loops(s.program).top.body
    assert isinstance(whole, For)
    assert isinstance(rest, For)
    assert (whole.trips, rest.trips) == (1, 2)
    check_rewritten(s.program, s.program)


def test_a_pipeline_that_rewinds_says_so_in_cpp() -> None:
    s = customize(k.image)
    before = s.program
    s.pipeline("j", rewind=True)
    assert "pipeline(range(8), ii=1, rewind=True)" in str(s)
    text = cpp(s)
    assert text.count("#pragma HLS PIPELINE II=1 rewind") == 1
    assert text.count("for (") == 1
    check_rewritten(before, s.program)


def test_a_pipeline_that_rewinds_keeps_the_loops_that_it_needs() -> None:
    s = customize(k.image)
    s.pipeline("j", rewind=True)
    before = s.program
    with pytest.raises(ScheduleError, match="after unroll, loop 'j' of 'image' cannot rewind") as caught:
        s.unroll("i", 2)
    assert "unroll first, or leave the rewind out" in caught.value.render()
    assert (s.program, len(s.trace)) == (before, 1)
    s.rename("i", "row")


def test_unsafe_is_for_what_no_proof_can_be_found_for_and_is_on_record() -> None:
    s = customize(k.permuted)
    with pytest.raises(ScheduleError, match="unsafe=True") as caught:
        s.parallel("i")
    assert "not affine" in caught.value.render()
    s.parallel("i", unsafe=True)
    (step,) = s.trace
    assert step.unsafe
    assert str(step) == "s.at('permuted').parallel('i', unsafe=True)"
    assert str(s).startswith("# Not proved: s.at('permuted').parallel('i', unsafe=True)\nfrom bitfold")


def test_unsafe_where_there_is_a_proof_is_no_different() -> None:
    s = customize(k.image)
    s.parallel("i", unsafe=True)
    assert not s.trace[0].unsafe
    assert "Not proved" not in str(s)


def test_unsafe_does_not_allow_what_is_known_to_be_wrong() -> None:
    with pytest.raises(ScheduleError) as caught:
        customize(k.skewed).reorder("j", "i", unsafe=True)
    assert "unsafe" not in caught.value.render()


def test_floats_are_added_up_in_another_order_only_where_that_is_asked_for() -> None:
    s = customize(k.float_total)
    with pytest.raises(ScheduleError, match="rounded otherwise"):
        s.reorder("j", "i")
    s.reorder("j", "i", unsafe=True)
    assert s.trace[0].unsafe
