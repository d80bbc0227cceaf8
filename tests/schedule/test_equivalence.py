"""Random kernels under random schedules: every stage of every scheduled program gives the same bits."""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.schedule.ladder import check_llvm, check_python_calls, inputs, python_results
from tests.schedule.nests import nests
from tests.schedule.requests import Request, apply, requests
from tests.strategies import KernelCase, assert_same, kernels

from bitfold.schedule import Partition, customize

SEEDS = (0, 1, 2)
# Shrinking would compile thousands of kernels: a failure is shown as it was found.
UNSHRUNK = settings(phases=(Phase.explicit, Phase.reuse, Phase.generate))


def check(case: KernelCase, made: list[Request], llvm: bool) -> int:
    s = customize(case.function, **case.dims)
    granted = apply(s, made)
    calls = [inputs(case.program, seed) for seed in SEEDS]
    expected = case.run_calls(calls)
    for after, wanted in zip(python_results(case.program, calls), expected, strict=True):
        assert_same(after, wanted)
    check_python_calls(s.program, calls, expected)
    if llvm:
        check_llvm(case.program, SEEDS)
        check_llvm(s.program, SEEDS)
    return granted


@given(nests(), st.lists(requests, min_size=1, max_size=6))
def test_a_scheduled_nest_gives_the_same_bits(case: KernelCase, made: list[Request]) -> None:
    check(case, made, llvm=False)


@UNSHRUNK
@given(nests(), st.lists(requests, min_size=1, max_size=6))
def test_a_scheduled_nest_gives_the_same_bits_when_compiled(case: KernelCase, made: list[Request]) -> None:
    check(case, made, llvm=True)


@UNSHRUNK
@given(kernels(max_width=200, states=True), st.lists(requests, max_size=6))
def test_any_scheduled_kernel_gives_the_same_bits_when_compiled(
    case: KernelCase, made: list[Request]
) -> None:
    check(case, made, llvm=True)


@given(nests(), st.lists(requests, min_size=1, max_size=6))
def test_a_trace_replays_to_the_same_program(case: KernelCase, made: list[Request]) -> None:
    s = customize(case.function)
    apply(s, made)
    composed = customize(case.function)
    composed.compose(s)
    assert composed.program == s.program
    assert composed.trace == s.trace
    printed = customize(case.function)
    for step in s.trace:
        exec(str(step), {"s": printed, "Partition": Partition})
    assert printed.program == s.program
