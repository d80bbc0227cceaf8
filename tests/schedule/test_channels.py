"""Random chains of kernels joined by streams at random: every stage gives the same bits."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.schedule.chains import Chain, together
from tests.schedule.ladder import check_llvm, check_python, inputs
from tests.strategies import KernelCase, assert_same

from bitfold import customize
from bitfold.frontend import parse
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import Alloc, CallKernel, Program, walk
from bitfold.ir.run import as_python
from bitfold.schedule import Schedule

SEEDS = (0, 1)
EXAMPLES = settings.default.max_examples
# A seed has nothing to shrink.
UNSHRUNK = settings(phases=(Phase.explicit, Phase.reuse, Phase.generate))


def scheduled(seed: int) -> tuple[KernelCase, Schedule]:
    chain = Chain(Random(seed), "0")
    case = together([chain])
    s = customize(case.function)
    chain.schedule(s)
    return case, s


def assert_nothing_is_left(program: Program) -> None:
    """Every adapter is called, and every local array of the top kernel goes from one to another."""
    called = {s.callee for f in program.functions for s in walk(f.body) if isinstance(s, CallKernel)}
    assert {f.name for f in program.functions} - {program.top.name} == called
    uses: dict[str, list[tuple[bool, bool]]] = {s.name: [] for s in program.top.body if isinstance(s, Alloc)}
    for s in program.top.body:
        if isinstance(s, CallKernel):
            effects = parameter_effects(program, program.function(s.callee))
            for array, effect in zip(s.args, effects, strict=True):
                if array in uses:
                    uses[array].append(effect)
    assert all(len(found) == 2 for found in uses.values()), uses
    assert all(found[0][1] and not found[1][1] for found in uses.values()), uses


@settings(UNSHRUNK, max_examples=max(EXAMPLES // 2, 1))
@given(st.integers(0, 1 << 30))
def test_streams_do_not_change_the_results(seed: int) -> None:
    case, s = scheduled(seed)
    assert_nothing_is_left(s.program)
    for given_seed in SEEDS:
        args = inputs(case.program, given_seed)
        check_python(s.program, args, case.run(args))
    assert parse(as_python(s.program)) == s.program
    again = customize(case.function)
    again.compose(s)
    assert again.program == s.program
    assert str(again) == str(s)


@settings(UNSHRUNK, max_examples=max(EXAMPLES // 5, 1))
@given(st.integers(0, 1 << 30))
def test_streams_do_not_change_what_is_compiled(seed: int) -> None:
    _, s = scheduled(seed)
    check_llvm(s.program, SEEDS)


@settings(UNSHRUNK, max_examples=max(EXAMPLES // 4, 1))
@given(st.integers(0, 1 << 30), st.randoms(use_true_random=False))
def test_the_order_of_requests_does_not_matter(seed: int, rng: Random) -> None:
    case, s = scheduled(seed)
    steps = [step for step in s.trace if step.primitive == "stream"]
    others = [step for step in s.trace if step.primitive != "stream"]
    rng.shuffle(steps)
    again = customize(case.function)
    for step in (*others, *steps):
        getattr(again.at(step.function), step.primitive)(*step.args, **dict(step.keywords))
    assert str(again) == str(s)


@pytest.mark.csim
def test_streams_in_cpp(tmp_path: Path) -> None:
    """Chains side by side in one kernel, so that g++ starts once."""
    chains = [Chain(Random(seed), str(i)) for i, seed in enumerate((1, 7, 12, 23))]
    case = together(chains)
    s = customize(case.function)
    for chain in chains:
        chain.schedule(s)
    assert "def stream_width_" in str(s)
    calls = [inputs(case.program, seed) for seed in SEEDS]
    expected = [case.run(args) for args in calls]
    batch = [np.stack(arrays) for arrays in zip(*calls, strict=True)]
    s.build(target="hls", project=tmp_path / "chains")(*batch)
    assert_same(batch, [np.stack(arrays) for arrays in zip(*expected, strict=True)])
