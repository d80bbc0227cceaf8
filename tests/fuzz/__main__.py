"""Random kernels under random schedules, for as long as one likes: every rung must give the same bits.

    python -m tests.fuzz --minutes 60              # from seed 0 on, or after the last one of the log
    python -m tests.fuzz --seeds 17 18 --cpp 1     # just these, through C++ as well: reproduces a failure

Each seed stands for a batch of kernels. All of them run as plain Python, as the scheduled program at every
stage, and compiled by LLVM before and after the schedule; those of every n-th seed also as C++ compiled by
g++. A case that fails is made as small as it gets, and written to out/fuzz/. The exit status is 1 then.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import count
from pathlib import Path

from rich.console import Console
from tests.fuzz.batch import Outcome, run_batch

FOLDER = Path("out/fuzz")
LOG = FOLDER / "log.csv"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to start new batches (1)")
    parser.add_argument("--seeds", type=int, nargs="+", help="only these batches")
    parser.add_argument("--first", type=int, help="the first seed (after the last in out/fuzz/log.csv)")
    parser.add_argument("--cases", type=int, default=50, help="kernels in a batch (50)")
    parser.add_argument("--cpp", type=int, default=10, help="every n-th seed also as C++; 0: none (10)")
    parser.add_argument("--as-drawn", action="store_true", help="do not make what fails small")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    args = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    console = Console()
    seeds = iter(args.seeds) if args.seeds else count(_next() if args.first is None else args.first)
    until = time.monotonic() + args.minutes * 60
    kernels = steps = cpp = failed = 0
    for outcome in _outcomes(
        seeds, until if not args.seeds else None, args.cases, args.cpp, args.jobs, not args.as_drawn
    ):
        kernels, steps, cpp = kernels + outcome.kernels, steps + outcome.steps, cpp + outcome.cpp
        _record(outcome)
        if outcome.failure:
            failed += 1
            file = FOLDER / f"seed-{outcome.seed}.txt"
            file.write_text(outcome.failure)
            console.print(f"seed {outcome.seed} FAILED: {file}\n{outcome.failure}", markup=False)
    console.print(f"{kernels:,} kernels, {steps:,} steps granted, {cpp:,} as C++; {failed} batches failed")
    return 1 if failed else 0


def _outcomes(
    seeds: Iterator[int], until: float | None, cases: int, cpp: int, jobs: int, shrink: bool
) -> Iterator[Outcome]:
    """The batches' outcomes as they come. A process that dies takes only its own batch with it."""
    waiting: dict[Future[Outcome], int] = {}
    pools = [_pool() for _ in range(jobs)]
    free = list(range(jobs))
    where: dict[Future[Outcome], int] = {}
    exhausted = False
    while True:
        while free and not exhausted and (until is None or time.monotonic() < until):
            if (number := next(seeds, None)) is None:
                exhausted = True
                break
            slot = free.pop()
            task = pools[slot].submit(run_batch, number, cases, bool(cpp) and number % cpp == 0, shrink)
            waiting[task], where[task] = number, slot
        if not waiting:
            break
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for task in done:
            number, slot = waiting.pop(task), where.pop(task)
            free.append(slot)
            try:
                yield task.result()
            except BrokenProcessPool:
                pools[slot] = _pool()
                yield Outcome(number, 0, 0, 0, 0.0, f"the process of seed {number} died\n")
    for pool in pools:
        pool.shutdown()


def _pool() -> ProcessPoolExecutor:
    """One process, renewed now and then: compiled code stays in memory."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=20)


def _next() -> int:
    """The seed after the last one in the log."""
    if not LOG.exists():
        return 0
    with LOG.open() as file:
        return max((int(row[0]) for row in csv.reader(file)), default=-1) + 1


def _record(outcome: Outcome) -> None:
    row = [outcome.seed, outcome.kernels, outcome.steps, outcome.cpp, f"{outcome.seconds:.1f}"]
    with LOG.open("a", newline="") as file:
        csv.writer(file).writerow([*row, "failed" if outcome.failure else "passed"])


if __name__ == "__main__":
    sys.exit(main())
