"""Schedules around `while` loops: what holds whatever the data say is done, all else is refused."""

from __future__ import annotations

import pytest
from tests.schedule.ladder import check_rewritten

from bitfold import customize
from bitfold.diagnostics import ScheduleError
from bitfold.lang import grid, int32, uint8, zeros
from bitfold.model.cycles import model


def halvings(x: int32[8], y: int32[8]):
    for i in range(8):
        n: int32 = x[i]
        for j in range(4):
            while n > j:
                n = n // 2
                y[i] += 1
        y[i] += n


def mixing(x: uint8[8], y: int32[8]):
    n: int32 = 0
    while n < 3:
        for i in range(8):
            y[i] += x[i]
            for j in range(8):
                y[j] = y[j] + n * i
        n += 1


def chasing(x: uint8[8], y: int32[8]):
    for i in range(8):
        for j in range(8):
            while y[j] > x[i]:
                y[i] = y[j] // 2
                y[j] -= 1


def table(x: uint8[8], y: int32[8]):
    for i, k in grid(8, 4):
        t: int32 = x[i]
        while t > k:
            t -= 3
        y[i] += t


def test_loops_around_a_while_are_split_and_unrolled():
    s = customize(halvings)
    before = s.program
    _, inner = s.split("i", 4)
    s.unroll(inner)
    check_rewritten(before, s.program)


def test_loops_around_a_while_change_places_when_nothing_depends_on_their_order():
    s = customize(table)
    before = s.program
    s.reorder("k", "i")
    check_rewritten(before, s.program)


def test_a_loop_is_cut_inside_a_while():
    s = customize(mixing)
    before = s.program
    s.split("j", 2)
    s.unroll("j_i")
    check_rewritten(before, s.program)


def test_a_scalar_that_a_while_changes_becomes_an_array_where_loops_change_places():
    s = customize(halvings)
    before = s.program
    s.reorder("j", "i")
    check_rewritten(before, s.program)


def test_loops_that_a_while_makes_depend_on_each_other_do_not_change_places():
    with pytest.raises(ScheduleError) as caught:
        customize(chasing).reorder("j", "i")
    assert "'y'" in str(caught.value)
    assert "while" in str(caught.value)


def test_a_pipeline_around_a_while_is_refused():
    with pytest.raises(ScheduleError, match="holds a `while`") as caught:
        customize(halvings).pipeline("i")
    assert "for loop of constant range" in str(caught.value)
    assert caught.value.span.line == halvings.__code__.co_firstlineno + 4


def test_what_a_while_reads_or_writes_again_and_again_is_no_stream():
    s = customize(mixing)
    for array in ("x", "y"):
        with pytest.raises(ScheduleError):
            s.stream(array)


def again(x: int32[4], y: int32[4]):
    t = zeros(int32[4])
    go: int32 = x[0]
    while go > 0:
        for i in range(4):
            t[i] = x[i]
            y[i] += t[i] * go
        go -= 1


def test_the_cycle_model_reports_a_while_and_does_not_guess():
    found = model(customize(again).program, 100)
    (span,) = found.data_dependent
    assert span.line == again.__code__.co_firstlineno + 3
    assert found.interval_cycles == 4
    assert model(customize(table).program, 100).data_dependent
