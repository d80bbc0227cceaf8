"""Measure the simulation of dataflow networks: how fast it is, and how well it agrees with the closed form.

python benchmarks/simulate.py [--depths]    with --depths, also the least stream depths and what they give
"""

from __future__ import annotations

import argparse
import sys
import time

from table import Row, show

from bitfold.diagnostics import DeadlockError
from bitfold.ir.nodes import Program
from bitfold.model.cycles import model
from bitfold.model.fifos import auto_depths
from bitfold.model.simulate import simulate
from bitfold.networks.run import Options, scheduled

SECONDS_PER_IMAGE = 2.0
IMAGES = 8


def speed(name: str, program: Program) -> Row:
    """Seconds for each of a few images, compiling included, and both intervals."""
    began = time.perf_counter()
    found = simulate(program, images=IMAGES)
    seconds = (time.perf_counter() - began) / IMAGES
    closed = model(program, 200.0)
    return Row(
        f"{name}: simulated",
        f"{SECONDS_PER_IMAGE:g} s per image",
        f"{seconds:.3f} s",
        seconds <= SECONDS_PER_IMAGE,
        f"with the schedule's depths: interval {found.interval_cycles:,.0f} (closed form "
        f"{closed.interval_cycles:,}), latency {found.latency_cycles:,} ({closed.latency_cycles:,})",
    )


def one_less(name: str, program: Program, depths: dict[str, int]) -> Row:
    """What any single depth smaller by one does."""
    closed = model(program, 200.0).interval_cycles
    deadlocks, slower, kept = 0, 0, []
    for stream in (n for n, depth in depths.items() if depth > 1):
        try:
            less = simulate(program, depths={**depths, stream: depths[stream] - 1})
        except DeadlockError:
            deadlocks += 1
            continue
        slower += less.interval_cycles > closed
        kept += [stream] if less.interval_cycles <= closed else []
    return Row(
        f"{name}: one less",
        "none keeps the interval",
        f"{len(kept)} do",
        not kept,
        f"{slower} slower, {deadlocks} stand still{': ' if kept else ''}{', '.join(kept)}",
    )


def agreement(name: str, program: Program, depths: dict[str, int], seconds: float) -> Row:
    """The interval with the least depths against the closed form's."""
    interval = simulate(program, depths=depths, images=2 * IMAGES).interval_cycles
    closed = model(program, 200.0).interval_cycles
    bigger = ", ".join(f"{n} {d}" for n, d in depths.items() if d > 2)
    return Row(
        f"{name}: least depths",
        f"interval {closed:,} +- 1 %",
        f"{interval:,.0f}",
        abs(interval - closed) <= closed / 100,
        f"found in {seconds:.1f} s; above 2: {bigger or 'none'}",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depths", action="store_true", help="find the least stream depths as well")
    args = parser.parse_args()
    rows = []
    for network in ("sfc", "lfc", "cnv"):
        for schedule in ("fold_a", "finn_max", "finn_fix"):
            program = scheduled(Options(network, schedule))[2].program
            name = f"{network} {schedule}"
            rows.append(speed(name, program))
            if args.depths:
                began = time.perf_counter()
                depths = auto_depths(program)
                rows.append(agreement(name, program, depths, time.perf_counter() - began))
                rows.append(one_less(name, program, depths))
    return show("Simulation of dataflow networks", rows)


if __name__ == "__main__":
    sys.exit(main())
