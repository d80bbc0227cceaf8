"""One seed's batch of cases through every rung, and what is said of one that fails."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.fuzz.cases import Case, each_case, run_cpp, run_llvm, run_python_rungs
from tests.schedule.requests import Request
from tests.strategies import KernelCase

GROUP = 5
"""Cases in a module for LLVM: larger ones compile slower by more than they save."""

Check = Callable[[Sequence[Case]], None]


@dataclass(frozen=True)
class Outcome:
    """What one batch did. `failure` is empty, or the smallest case found that fails, and how."""

    seed: int
    kernels: int
    steps: int
    cpp: int
    seconds: float
    failure: str = ""


def run_batch(seed: int, count: int, cpp: bool, shrink: bool = True) -> Outcome:
    """The cases of `seed` as plain Python, scheduled Python and LLVM code, and with `cpp` as C++."""
    began = time.perf_counter()
    cases: list[Case] = []
    checks: list[tuple[Check, int]] = [(run_llvm, GROUP), *([(run_cpp, count)] if cpp else [])]

    def collect(kernel: KernelCase, made: list[Request]) -> None:
        cases.append(run_python_rungs(kernel, made))

    failure = ""
    try:
        each_case(seed, count, collect, shrink=False)
    except BaseException as error:  # a crash in any stage is what this looks for
        failure = _report(seed, count, [], error, shrink)
    for check, size in checks if not failure else ():
        for group in _groups(cases, size):
            try:
                check(group)
            except BaseException as error:
                failure = failure or _report(seed, count, [check], error, shrink)
    return Outcome(
        seed,
        len(cases),
        sum(c.granted for c in cases),
        len(cases) if cpp else 0,
        time.perf_counter() - began,
        failure,
    )


def _groups(cases: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    for start in range(0, len(cases), size):
        yield cases[start : start + size]


def _report(seed: int, count: int, checks: Sequence[Check], error: BaseException, shrink: bool) -> str:
    """The failing case of a batch on its own, shrunk; or the whole batch's error when no case fails alone."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    last = ""

    def alone(kernel: KernelCase, made: list[Request]) -> None:
        nonlocal last
        shown = f"{kernel!r}\n---- requests\n{made}"
        try:
            case = run_python_rungs(kernel, made)
            shown = str(case)
            for check in checks:
                check([case])
        except BaseException:
            last = f"{shown}\n---- error\n{traceback.format_exc(limit=-8)}"
            raise

    try:
        each_case(seed, count, alone, shrink)
    except BaseException:
        return last or traceback.format_exc()
    whole = "".join(traceback.format_exception(error, limit=-8))
    return f"no case of seed {seed} fails alone; together:\n{whole}"
