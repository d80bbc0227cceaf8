"""Random kernels under random schedules through every rung, with a short budget."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from tests.fuzz import batch, cases
from tests.fuzz.batch import run_batch
from tests.fuzz.cases import Case
from tests.schedule.nests import nests

from bitfold.ir.nodes import walk


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(900_000, 900_004))
def test_scheduled_kernels_agree_on_python_and_llvm(seed: int) -> None:
    outcome = run_batch(seed, 25, cpp=False)
    assert not outcome.failure, outcome.failure
    assert (outcome.kernels, outcome.cpp) == (25, 0)
    assert outcome.steps > 12


@pytest.mark.csim
@pytest.mark.slow
def test_scheduled_kernels_agree_on_cpp() -> None:
    outcome = run_batch(900_100, 25, cpp=True)
    assert not outcome.failure, outcome.failure
    assert outcome.cpp == 25


def test_a_wrong_rung_is_found_and_its_case_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that is wrong about every kernel with an `if` in it."""

    def wrong(group: list[Case]) -> None:
        for case in group:
            found = any(type(s).__name__ == "If" for f in case.before.functions for s in walk(f.body))
            assert not found, "this compiler is wrong"

    monkeypatch.setattr(batch, "run_llvm", wrong)
    monkeypatch.setattr(cases, "CASES", st.tuples(nests(), st.just([])))
    monkeypatch.setattr(cases, "check_python_calls", lambda *args: None)
    outcome = run_batch(7, 10, cpp=False)
    assert "this compiler is wrong" in outcome.failure
    assert "if " in outcome.failure
    shortest = outcome.failure.split("---- schedule")[0]
    assert len(shortest.splitlines()) < 20, outcome.failure


def test_a_batch_is_the_same_every_time() -> None:
    drawn: list[str] = []
    for _ in range(2):
        cases.each_case(3, 5, lambda kernel, made: drawn.append(f"{kernel!r}{made}"), shrink=False)
    assert len(drawn) == 10
    assert drawn[:5] == drawn[5:]
