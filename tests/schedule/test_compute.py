"""compute_at: a nest inside a later one that uses it, with no more delay than isl proves it needs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.schedule import kernels_used as k
from tests.schedule.ladder import check_python, check_rewritten, inputs, python_result
from tests.strategies import KernelCase

from bitfold.diagnostics import ScheduleError
from bitfold.schedule import customize


def test_a_later_loop_lags_by_what_it_needs() -> None:
    s = customize(k.blur)
    before = s.program
    s.compute_at("p", "i")
    assert [loop.name for loop in s.get_loops()] == ["i"]
    assert s.trips("i") == 8
    assert "y[i - 2] = h[i - 2] + h[i]" in str(s)
    check_rewritten(before, s.program)


@pytest.mark.parametrize(("target", "trips"), [("i", [6]), ("j", [6, 8])])
def test_nests_are_merged_down_to_the_loop_that_is_named(target: str, trips: list[int]) -> None:
    s = customize(k.blur_twice)
    before = s.program
    s.compute_at("p", target)
    assert [s.trips(loop) for loop in ("i", "j")][: len(trips)] == trips
    check_rewritten(before, s.program)


def test_updates_of_one_accumulator_need_not_wait_for_each_other() -> None:
    s = customize(k.summed)
    before = s.program
    s.compute_at("p", "i")
    assert s.trips("i") == 8
    check_rewritten(before, s.program)


def test_a_use_of_the_last_iteration_first_is_refused_with_both_accesses() -> None:
    with pytest.raises(ScheduleError, match="must be over before loop 'i' starts") as caught:
        customize(k.reversed_use).compute_at("p", "i")
    text = caught.value.render()
    assert "note: first, at (p=7)" in text
    assert "note: then, at (i=0)" in text


def test_unsafe_trusts_an_index_that_is_read() -> None:
    s = customize(k.looked_up)
    with pytest.raises(ScheduleError, match="unsafe=True"):
        s.compute_at("k", "i")
    s.compute_at("k", "i", unsafe=True)
    assert s.trips("i") == 8
    assert s.trace[0].unsafe


@st.composite
def pairs(draw: Any) -> KernelCase:
    """A nest and a later one that reads what it writes, with steps, starts, offsets, and things in common."""
    depth = draw(st.integers(1, 2))
    low, step = draw(st.integers(0, 2)), draw(st.integers(1, 2))
    q, j = ("q", "j") if depth == 2 else ("0", "0")
    row = draw(st.sampled_from(["p", "p", "7 - p", "(p + 1) % 8"]))
    lines = [f"    for p in range({low}, 8, {step}):"]
    pad = "        "
    if depth == 2:
        lines.append(f"{pad}for q in range(4):")
    lines.append(f"{pad}{'    ' * (depth - 1)}h[{row}, {q}] = x[p, {q}] + {draw(st.integers(0, 9))}")
    if draw(st.booleans()):
        lines.append(f"{pad}{'    ' * (depth - 1)}s[0] {draw(st.sampled_from(['+=', '=', '^=']))} x[p, {q}]")
    lines.append(f"    for i in range({draw(st.integers(0, 2))}, {draw(st.integers(4, 8))}):")
    if depth == 2:
        lines.append(f"{pad}for j in range({draw(st.integers(1, 4))}):")
    for _ in range(draw(st.integers(1, 2))):
        r = draw(st.sampled_from(["i", "i // 2", "(i + 1) % 8", "7 - i", "s[0] % 8"]))
        c = draw(st.sampled_from([j, f"({j} + 1) % 4", f"3 - {j}"]))
        lines.append(f"{pad}{'    ' * (depth - 1)}y[i, {j}] += h[{r}, {c}]")
    if draw(st.booleans()):
        lines.append(f"{pad}{'    ' * (depth - 1)}s[0] {draw(st.sampled_from(['+=', '^=']))} y[i, {j}]")
    if draw(st.booleans()):
        lines.append(f"{pad}{'    ' * (depth - 1)}x[{draw(st.sampled_from(['i', '0', '7 - i']))}, {j}] = 3")
    head = "from bitfold.lang import *\n\n"
    head += "def kernel(x: uint8[8, 4], h: uint8[8, 4], y: uint16[8, 4], s: uint8[1]):\n"
    return KernelCase(head + "\n".join(lines) + "\n", {"depth": depth})


@given(pairs())
def test_any_pair_of_nests_gives_the_same_bits(case: KernelCase) -> None:
    s = customize(case.function)
    before = s.program
    for target in ("j", "i")[2 - case.dims["depth"] :]:
        with suppress(ScheduleError):
            s.compute_at("p", target)
            break
    args = inputs(before, 0)
    check_python(s.program, args, python_result(before, args))


@pytest.mark.parametrize("kernel", [k.blur, k.blur_twice])
def test_the_merged_nest_is_one_pipeline(kernel: Callable[..., None]) -> None:
    s = customize(kernel)
    before = s.program
    inner = s.get_loops()[-1]
    s.compute_at("p", inner)
    s.pipeline(inner)
    check_rewritten(before, s.program)
