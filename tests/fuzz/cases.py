"""Random kernels under random schedules: what a case is, how a batch is drawn, and every rung's result."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.fuzz.merge import merged
from tests.schedule.chains import Chain, together
from tests.schedule.ladder import check_python_calls, inputs, python_results
from tests.schedule.nests import nests
from tests.schedule.requests import Request, apply, requests
from tests.strategies import KernelCase, assert_same, kernels

from bitfold.build.hls import Vectors, csim, plan, write
from bitfold.build.llvm.jit import CpuModule
from bitfold.ir.checks import add_checks
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import Program
from bitfold.lowering.pipeline import lower_to_hls
from bitfold.schedule import Schedule, customize

SEEDS = (0, 1)
"""Each kernel runs on so many random inputs."""


@dataclass(frozen=True)
class Folding:
    """A request that folds and streams the chain of kernels of a number."""

    number: int

    @property
    def chain(self) -> Chain:
        return Chain(Random(self.number), "0")

    def make(self, s: Schedule) -> None:
        """Schedule the chain in `s`; what is refused leaves no trace."""
        self.chain.schedule(s)


_few = st.lists(requests, min_size=2, max_size=8)
_chains = st.integers(0, 10**6).map(Folding)
CHECKED = 3
"""One kernel in so many runs with checks as well."""

CASES = st.one_of(
    st.tuples(nests(), _few),
    st.tuples(nests(), _few),
    st.tuples(kernels(max_width=100, states=True), _few),
    st.tuples(kernels(max_width=100, states=True), _few),
    st.tuples(_chains, st.lists(requests, max_size=6), st.booleans()).map(
        lambda drawn: (together([drawn[0].chain]), [*([drawn[0]] if drawn[2] else []), *drawn[1]])
    ),
)


@dataclass(frozen=True)
class Run:
    """A program, the arguments of calls one after the other, and what they are after them."""

    program: Program
    given: list[list[np.ndarray]]
    expected: list[list[np.ndarray]]

    @property
    def batch(self) -> list[np.ndarray]:
        return [np.stack(arrays) for arrays in zip(*self.given, strict=True)]

    @property
    def results(self) -> list[np.ndarray]:
        return [np.stack(arrays) for arrays in zip(*self.expected, strict=True)]


@dataclass(frozen=True)
class Case:
    """One kernel, its schedule, and what plain Python makes of its inputs."""

    kernel: KernelCase
    schedule: Schedule
    given: list[list[np.ndarray]]
    expected: list[list[np.ndarray]]
    checked: Run | None = None

    @property
    def runs(self) -> list[Run]:
        """It before and after its schedule, and perhaps with checks."""
        plain = [Run(p, self.given, self.expected) for p in (self.before, self.after)]
        return [*plain, *([self.checked] if self.checked else [])]

    @property
    def granted(self) -> int:
        """How many steps the schedule has."""
        return len(self.schedule.trace)

    @property
    def before(self) -> Program:
        return self.kernel.program

    @property
    def after(self) -> Program:
        return self.schedule.program

    def __str__(self) -> str:
        steps = "\n".join(map(str, self.schedule.trace)) or "no step"
        return f"{self.kernel!r}\n---- schedule\n{steps}\n---- scheduled\n{self.schedule}"


def run_python_rungs(kernel: KernelCase, made: list[Request]) -> Case:
    """The case, on which plain Python, the program and the scheduled one agree; AssertionError if not."""
    s = customize(kernel.function, **kernel.dims)
    apply(s, made)
    given = [inputs(kernel.program, number) for number in SEEDS]
    expected = kernel.run_calls(given)
    for after, wanted in zip(python_results(kernel.program, given), expected, strict=True):
        assert_same(after, wanted)
    check_python_calls(s.program, given, expected)
    checked = None
    if sum(map(ord, kernel.source)) % CHECKED == 0:
        checked = with_checks(kernel.program, given, expected)
    return Case(kernel, s, given, expected, checked)


def with_checks(program: Program, given: list[list[np.ndarray]], expected: list[list[np.ndarray]]) -> Run:
    """The program with checks; its records come last. No index is outside.

    Up to the first value that does not fit it gives the same; from there on it only has to come to its end.
    """
    made = add_checks(program, ("overflow", "bounds"))
    calls = [[*args, *(r[0] for r in made.new_records(1))] for args in given]
    flat = merged([made.program])  # in which the records are passed as all else is
    found = python_results(flat, calls)
    for after, wanted in zip(found, expected, strict=True):
        faults = [int(record[0]) for record in after[len(wanted) :] if record[0]]
        assert not any(made.sites[fault - 1].size for fault in faults), "an index is outside"
        if faults:
            break
        assert_same(after[: len(wanted)], wanted)
    return Run(flat, calls, found)


def run_llvm(cases: Sequence[Case]) -> None:
    """Compiled code of each kernel, before and after its schedule, against plain Python; in one module."""
    runs = [run for case in cases for run in case.runs]
    given = [a for run in runs for a in run.batch]
    CpuModule(merged([run.program for run in runs]))(*given)
    assert_same(given, [a for run in runs for a in run.results])


def run_cpp(cases: Sequence[Case]) -> None:
    """The HLS C++ of each scheduled kernel, compiled with g++, against plain Python; all in one file."""
    program = merged([case.after for case in cases])
    given = [a for case in cases for a in case.runs[1].batch]
    expected = [a for case in cases for a in case.runs[1].results]
    ports = program.arguments
    effects = parameter_effects(program, program.top)[: len(ports)]
    every = [
        (p, effect, p.encoded(before), p.encoded(after))
        for p, effect, before, after in zip(ports, effects, given, expected, strict=True)
    ]
    vectors = Vectors(
        inputs={p.name: a for p, (read, written), a, _ in every if read or not (written and p.type.streamed)},
        outputs={p.name: a for p, (_, written), _, a in every if written},
    )
    with TemporaryDirectory() as folder:
        found = csim(write(plan(lower_to_hls(program), vectors, "design"), Path(folder) / "project"))
        assert (found.images, found.mismatches, found.detail) == (len(SEEDS), 0, "")


def settings_for(shrink: bool) -> settings:
    """Two examples: Hypothesis always begins with the simplest there is."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    return settings(
        max_examples=2,
        phases=phases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )


def each_case(
    number: int, count: int, check: Callable[[KernelCase, list[Request]], None], shrink: bool
) -> None:
    """Call `check` on the `count` cases of seed `number`; `shrink` makes one that fails small first.

    Each is drawn from a seed of its own: of several from one, Hypothesis makes most by changing others.
    """
    for i in range(count):
        _one_case(number * 1000 + i, check, shrink)


def _one_case(number: int, check: Callable[[KernelCase, list[Request]], None], shrink: bool) -> None:
    calls = itertools.count()

    @seed(number)
    @settings_for(shrink)
    @given(CASES)
    def run(drawn: tuple[KernelCase, list[Request]]) -> None:
        if next(calls):
            check(*drawn)

    run()
