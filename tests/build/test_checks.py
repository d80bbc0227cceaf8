"""check="overflow" and check="bounds": a build stops at the line, on every rung, and else changes nothing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import KernelCase, assert_same, kernels

from bitfold import customize
from bitfold.diagnostics import BitfoldError, CheckError, UsageError
from bitfold.ir.checks import add_checks
from bitfold.ir.run import run_python
from bitfold.ir.verify import verify
from bitfold.lang import (
    Fixed,
    Int,
    Stream,
    UFixed,
    bit,
    dataflow,
    empty,
    int8,
    int16,
    int32,
    stateful,
    uint8,
    uint16,
)

BOTH = ("overflow", "bounds")


def scaled(x: int8[4], k: int8[1], y: int8[4]):
    for i in range(4):
        acc: int16 = 0
        acc += x[i] * k[0]
        y[i] = acc


def points(x: Fixed(8, 4)[2], y: Fixed(8, 4)[2]):
    twice = empty(UFixed(6, 3)[2])
    for i in range(2):
        half: Fixed(6, 2) = Fixed(9, 2)(x[i] / 2)
        twice[i] = abs(x[i]) + abs(x[i])
        y[i] = x[i] * 3 + half


def gather(x: int16[5], at: uint8[3], y: int16[3]):
    for i in range(3):
        y[i] = x[at[i]]


def scatter(at: Int(4)[2], y: uint8[3, 4]):
    y[at[0], at[1]] = 1


def nested(x: uint8[4], t: uint8[4], y: uint8[4]):
    for i in range(4):
        y[i] = t[x[i]] if x[i] < 4 and t[x[i]] != 9 else 255
        if t[x[t[i]]] > 100:
            y[i] = 7


def wide(x: Int(100)[1], y: Int(90)[1]):
    y[0] = x[0] * 3


def helper(x: int32[3], y: int8[3]):
    for i in range(3):
        y[i] = x[i]


def through(x: int32[3], y: int8[3], z: int8[3]):
    h = empty(int32[3])
    for i in range(3):
        h[i] = x[i] + 1
    helper(x, y)
    helper(h, z)


def rungs(kernel: Any, check: Any, folder: Path) -> Iterator[tuple[str, Callable[..., None]]]:
    s = customize(kernel)
    yield "LLVM", s.build(check=check)
    yield "IR as Python", lambda *a: run_python(s.program, *a, check=check)
    yield "C++", s.build(target="hls", project=folder / "project", check=check)


def fault(run: Callable[..., None], *args: np.ndarray) -> CheckError:
    """The error of a call, which leaves its arguments as they are."""
    before = [a.copy() for a in args]
    with pytest.raises(CheckError) as found:
        run(*args)
    for a, b in zip(args, before, strict=True):
        np.testing.assert_array_equal(a, b)
    return found.value


def at(error: BitfoldError) -> str:
    """The source under the carets."""
    assert error.span is not None
    return error.span.source()[error.span.col : error.span.end_col]


def test_an_overflow_names_the_line_the_value_and_the_type(tmp_path: Path) -> None:
    x, y = np.array([1, 2, -3, 4], np.int8), np.zeros(4, np.int8)
    for name, run in rungs(scaled, "overflow", tmp_path):
        error = fault(run, x, np.array([50], np.int8), y)
        assert error.message == "-150 does not fit 'y', whose type int8 holds -128..127", name
        assert at(error) == "y[i] = acc"
        assert "int8(...) where the value is meant to wrap" in str(error)
        run(x, np.array([10], np.int8), y)
        assert y.tolist() == [10, 20, -30, 40], name
        y[:] = 0


def test_a_batch_names_the_call(tmp_path: Path) -> None:
    x, y = np.array([[1, 2, -3, 4]] * 3, np.int8), np.zeros((3, 4), np.int8)
    s = customize(scaled)
    for run in (s.build(check="overflow"), s.build(target="hls", project=tmp_path / "p", check=BOTH)):
        error = fault(run, x, np.array([[9], [50], [60]], np.int8), y)
        assert error.message.endswith("holds -128..127, in call 1 of the batch of 3")


def test_an_index_outside_its_array(tmp_path: Path) -> None:
    x, y = np.arange(5).astype(np.int16), np.zeros(3, np.int16)
    for name, run in rungs(gather, "bounds", tmp_path):
        error = fault(run, x, np.array([4, 5, 200], np.uint8), y)
        assert error.message == "index 5 is outside 'x', whose size there is 5", name
        assert at(error) == "at[i]"
        run(x, np.array([4, 0, 3], np.uint8), y)
        assert y.tolist() == [4, 0, 3], name
        y[:] = 0


def test_a_store_outside_says_the_dimension(tmp_path: Path) -> None:
    y = np.zeros((3, 4), np.uint8)
    for name, run in rungs(scatter, "bounds", tmp_path):
        error = fault(run, np.array([-2, 1], np.int8), y)
        assert error.message == "index -2 is outside dimension 1 of 'y', whose size there is 3", name
        assert "does not count from the end" in str(error)
        error = fault(run, np.array([2, 4], np.int8), y)
        assert "index 4 is outside dimension 2 of 'y'" in str(error)


def test_indices_under_conditions_are_checked_where_python_evaluates_them(tmp_path: Path) -> None:
    t = np.array([0, 1, 9, 3], np.uint8)
    y = np.zeros(4, np.uint8)
    for name, run in rungs(nested, "bounds", tmp_path):
        error = fault(run, np.array([0, 200, 2, 3], np.uint8), t, y)
        assert error.message == "index 200 is outside 't', whose size there is 4", name
        assert at(error) == "x[t[i]]"
        error = fault(run, np.array([0, 1, 2, 3], np.uint8), t, y)
        assert error.message == "index 9 is outside 'x', whose size there is 4", name
        good = np.array([0, 1, 0, 3], np.uint8)
        run(np.array([0, 1, 2, 3], np.uint8), good, y)
        assert y.tolist() == [0, 1, 0, 3], name
        y[:] = 0


def test_wide_values(tmp_path: Path) -> None:
    y = np.zeros(1, object)
    for name, run in rungs(wide, "overflow", tmp_path):
        error = fault(run, np.array([1 << 97], object), y)
        assert error.message.startswith(f"{3 << 97} does not fit 'y', whose type Int(90) holds"), name
        run(np.array([-5], object), y)
        assert y[0] == -15
        y[0] = 0


def test_the_first_fault_in_a_called_kernel(tmp_path: Path) -> None:
    y, z = np.zeros(3, np.int8), np.zeros(3, np.int8)
    for name, run in rungs(through, "overflow", tmp_path):
        error = fault(run, np.array([1, 127, -200], np.int32), y, z)
        assert error.message.startswith("-200 does not fit"), name
        error = fault(run, np.array([1, 127, 3], np.int32), y, z)
        assert error.message.startswith("128 does not fit"), name


@dataflow
def flow(x: int32[3], y: int8[3], z: int8[3], w: int32[3]):
    helper(x, y)
    helper(w, z)


def test_processes_have_records_of_their_own(tmp_path: Path) -> None:
    y, z = np.zeros(3, np.int8), np.zeros(3, np.int8)
    good, bad = np.zeros(3, np.int32), np.full(3, 300, np.int32)
    for _, run in rungs(flow, "overflow", tmp_path):
        assert fault(run, good, y, z, bad).message.startswith("300 does not fit")
        assert fault(run, bad, y, z, good).message.startswith("300 does not fit")
        run(good, y, z, good)


def pick(x: uint8[4], c: Stream[uint8, 2]):
    for i in range(4):
        c.put(x[x[i]] * 2)


def keep(c: Stream[uint8, 2], y: uint8[4]):
    for i in range(4):
        y[i] = c.get() + 200
    if y[0] == 244:
        y[0] = c.get()


def net(x: uint8[4], y: uint8[4]):
    c = empty(Stream[uint8, 2])
    pick(x, c)
    keep(c, y)


def test_networks_report_what_was_found_before_a_deadlock() -> None:
    s = customize(net)
    y = np.zeros(4, np.uint8)
    checked = s.build(check=BOTH)
    for run in (checked, lambda *a: run_python(s.program, *a, check=BOTH)):
        error = fault(run, np.array([0, 150, 2, 3], np.uint8), y)
        assert error.message == "index 150 is outside 'x', whose size there is 4"
        error = fault(run, np.array([1, 30, 3, 2], np.uint8), y)
        assert "index 30" in error.message
        error = fault(run, np.array([1, 22, 3, 2], np.uint8), y)  # which would also wait for ever
        assert "index 22" in error.message
        run(np.array([0, 1, 2, 3], np.uint8), y)
        assert y.tolist() == [200, 202, 204, 206]
        y[:] = 0


sum = stateful(uint8)


def counted(x: uint8[1], y: uint8[1]):
    sum[0] = sum[0] + x[0]
    y[0] = sum[0]


def test_a_fault_leaves_the_states(tmp_path: Path) -> None:
    y = np.zeros(1, np.uint8)
    for name, run in rungs(counted, "overflow", tmp_path):
        run(np.array([200], np.uint8), y)
        y[:] = 0
        assert fault(run, np.array([100], np.uint8), y).message.startswith("300 does not fit 'sum'"), name
        run(np.array([55], np.uint8), y)
        assert y[0] == 255, name
        y[:] = 0


def test_checks_are_of_what_the_author_wrote() -> None:
    s = customize(scaled)
    s.split("i", 2)
    y = np.zeros(4, np.int8)
    module = s.build(check="overflow")
    assert [f.name for f in module.program.functions] == ["scaled"]
    assert module.program == s.origin != s.program
    assert "150" in fault(module, np.full(4, 3, np.int8), np.array([50], np.int8), y).message


def test_an_unknown_check() -> None:
    for check in ("overflows", ("overflow", "range")):
        with pytest.raises(UsageError, match="there is no check"):
            customize(scaled).build(check=check)


def test_nothing_is_added_where_the_types_leave_nothing_open() -> None:
    def exact(x: int8[4], y: int16[4], z: bit[4]):
        for i in range(4):
            y[i] = x[i] * x[3 - i]
            z[i] = x[i] > 0

    program = customize(exact).program
    assert add_checks(program, BOTH).program == program


@given(kernels(), st.integers(0, 99))
def test_checked_programs_compute_the_same(case: KernelCase, seed: int) -> None:
    checked = add_checks(case.program, BOTH)
    verify(checked.program)
    args = case.make_inputs(seed)
    expected = case.run(args)
    records = [r[0] for r in checked.new_records(1)]
    run_python(checked.program, *args, *records)
    assert_same(args, expected)
    assert all(checked.sites[int(r[0]) - 1].size == 0 for r in records if r[0])  # never out of bounds


@given(kernels(), st.integers(0, 99))
def test_checked_code_computes_the_same_or_says_why_not(case: KernelCase, seed: int) -> None:
    from bitfold.build.llvm.jit import CpuModule

    args = case.make_inputs(seed)
    expected, again = case.run(args), [a.copy() for a in args]
    errors = []
    for run in (
        CpuModule(case.program, check=BOTH),
        lambda *a: run_python(case.program, *a, check=BOTH),
    ):
        given_args = [a.copy() for a in args]
        try:
            run(*given_args)
        except CheckError as error:
            errors.append(str(error))
            assert_same(given_args, again)
        else:
            errors.append("")
            assert_same(given_args, expected)
    assert errors[0] == errors[1]


def test_every_overflow_of_a_small_kernel_is_found() -> None:
    def product(x: int8[2], y: uint16[1]):
        y[0] = x[0] * x[1]

    run, y = customize(product).build(check="overflow"), np.zeros(1, np.uint16)
    for a, b in itertools.product((-128, -1, 0, 1, 127), repeat=2):
        x = np.array([a, b], np.int8)
        if a * b < 0:
            assert fault(run, x, y).message.startswith(f"{a * b} does not fit")
        else:
            run(x, y)
            assert y[0] == a * b


def chain(next: uint8[4], y: uint8[2]):
    at: uint8 = 0
    n: uint8 = 0
    while next[at] != 9:
        at = next[at]
        n += 100
    y[0] = at
    y[1] = n


def test_a_while_stops_at_a_fault_of_its_condition_or_its_body(tmp_path: Path):
    for _, run in rungs(chain, BOTH, tmp_path):
        y = np.zeros(2, np.uint8)
        run(np.array([2, 0, 3, 9], np.uint8), y)
        assert y.tolist() == [3, 200]
        outside = fault(run, np.array([2, 0, 7, 9], np.uint8), y)
        assert outside.span is not None
        assert outside.span.line == chain.__code__.co_firstlineno + 3
        endless = fault(run, np.array([1, 2, 3, 0], np.uint8), y)
        assert endless.span is not None
        assert endless.span.line == chain.__code__.co_firstlineno + 5


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ([1.5, -5.0], "10.0 does not fit 'twice', whose type UFixed(6, 3) holds 0.0..7.875"),
        ([0.0, 3.9375], "13.5625 does not fit 'y', whose type Fixed(8, 4) holds -8.0..7.9375"),
    ],
)
def test_fixed_point_is_reported_as_the_numbers_that_it_stands_for(x: list[float], said: str) -> None:
    with pytest.raises(CheckError, match=re.escape(said)) as caught:
        customize(points).build(check="overflow")(np.array(x), np.zeros(2))
    assert f"or write {said.split('type ')[1].split(' holds')[0]}(...)" in str(caught.value)
