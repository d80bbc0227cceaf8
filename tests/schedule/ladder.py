"""The ladder of correctness: a program gives the same bits at every stage, before and after its schedule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tests.strategies import assert_same, random_inputs

from bitfold.build.llvm.jit import CpuModule
from bitfold.ir.nodes import Program
from bitfold.ir.run import reset, run_python
from bitfold.ir.verify import verify
from bitfold.lowering.banks import bank_roms
from bitfold.lowering.flatten import flatten_pipelines
from bitfold.lowering.streams import streams_to_arrays
from bitfold.schedule.shadow import shadow_words


def inputs(program: Program, seed: int) -> list[np.ndarray]:
    """Random logical arguments for one call of the top kernel."""
    return random_inputs(program, seed)


def python_result(program: Program, args: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What one call makes of `args`, with the states at their initial values."""
    return python_results(program, [args])[0]


def python_results(program: Program, calls: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
    """What calls make of their arguments, one after the other, from the initial states on."""
    reset(program)
    found = []
    for args in calls:
        after = [a.copy() for a in args]
        run_python(program, *after)
        found.append(after)
    return found


def check_python(program: Program, args: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    """One call of the program as Python at every stage; see `check_python_calls`."""
    check_python_calls(program, [args], [expected])


def check_python_calls(
    program: Program, calls: Sequence[Sequence[np.ndarray]], expected: Sequence[Sequence[np.ndarray]]
) -> None:
    """The program as Python, after each pass towards HLS, and with its streams made arrays as for LLVM."""
    shadowed = shadow_words(program)
    banked = bank_roms(shadowed)
    for staged in (program, shadowed, banked, flatten_pipelines(banked), streams_to_arrays(program)):
        verify(staged)
        for after, wanted in zip(python_results(staged, calls), expected, strict=True):
            assert_same(after, wanted)


def check_llvm(program: Program, seeds: Sequence[int]) -> None:
    """Compiled code against the program as Python: single calls, and all of them as one batch."""
    compiled = CpuModule(program)
    calls = [inputs(program, seed) for seed in seeds]
    expected = python_results(program, calls)
    batch = [np.stack(arrays) for arrays in zip(*calls, strict=True)]
    compiled(*batch)
    assert_same(batch, [np.stack(arrays) for arrays in zip(*expected, strict=True)])
    compiled.reset()
    compiled(*calls[0])
    assert_same(calls[0], expected[0])


def check_rewritten(before: Program, after: Program) -> None:
    """A scheduled program gives what it gave before, as Python at every stage and compiled."""
    calls = [inputs(before, seed) for seed in (0, 1)]
    check_python_calls(after, calls, python_results(before, calls))
    check_llvm(after, (0, 1))
