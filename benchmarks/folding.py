"""Measure automatic folding: the paper's designs by the model, and what is found for the same requirements.

    python benchmarks/folding.py

The paper's figures are FINN's (FPGA 2017) on the ZC706; all but the rates and latencies of the -max designs
are recalled from its table.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

from table import Row, show

from bitfold.autofold import Chosen, Requirement, choose
from bitfold.build.zc706.device import ZC706
from bitfold.model.cycles import model
from bitfold.model.resources import SHELL, estimate
from bitfold.model.simulate import simulate
from bitfold.networks.catalog import find_network, find_schedule
from bitfold.schedule import Schedule, customize

WITHIN = 0.05
SOLVE_S = 5.0
TWICE = 2.0
FIXED_FPS = 9000
NETWORKS = ("sfc", "lfc", "cnv")


@dataclass(frozen=True)
class Published:
    """A design of the paper: images per second, microseconds, LUTs and BRAM36."""

    fps: float
    latency_us: float
    lut: int
    bram36: float


PUBLISHED = {
    ("sfc", "finn_max"): Published(12_361e3, 0.31, 91_131, 4.5),
    ("lfc", "finn_max"): Published(1_561e3, 2.44, 82_988, 396),
    ("cnv", "finn_max"): Published(21_906, 283, 46_253, 186),
    ("sfc", "finn_fix"): Published(12.2e3, 240, 5_155, 16),
    ("lfc", "finn_fix"): Published(12.2e3, 282, 5_636, 114.5),
    ("cnv", "finn_fix"): Published(11.6e3, 550, 29_274, 152.5),
}


def main() -> int:
    rows = [row for (network, schedule) in PUBLISHED for row in modelled(network, schedule)]
    for network in NETWORKS:
        rows += fixed(network)
    for network in NETWORKS:
        rows += fastest(network)
    return show("automatic folding, and the paper's designs by the model", rows)


def customized(network: str) -> Schedule:
    found = find_network(network)
    return customize(found.build(found.load_weights(None)))


def scheduled(network: str, schedule: str) -> Schedule:
    s = customized(network)
    find_schedule(schedule)(s)
    return s


def modelled(network: str, schedule: str) -> list[Row]:
    """Rate and latency of a design of the paper.

    The rate is the simulation's, in which layers wait for each other as in a measured design. The latency is
    the closed form's, FINN's own sum over layers; in the simulation they overlap.
    """
    paper, s = PUBLISHED[network, schedule], scheduled(network, schedule)
    closed, simulated = model(s.program, ZC706.clock_mhz), simulate(s.program, images=8)
    name = f"{network.upper()}-{schedule.removeprefix('finn_')}"
    steady = ZC706.clock_mhz * 1e6 / simulated.interval_cycles
    first = simulated.latency_cycles / ZC706.clock_mhz
    return [
        near(f"{name}, FPS", steady, paper.fps, f"simulated; closed form {closed.fps:,.0f}"),
        near(
            f"{name}, latency us", closed.latency_us, paper.latency_us, f"closed form; simulated {first:,.4g}"
        ),
    ]


def near(what: str, ours: float, paper: float, how: str) -> Row:
    error = ours / paper - 1
    return Row(what, f"{paper:,g} +- {WITHIN:.0%}", f"{ours:,.4g} ({error:+.1%})", abs(error) <= WITHIN, how)


def fixed(network: str) -> list[Row]:
    """The folding found for the paper's fixed rate, against the paper's by this model and as published."""
    chosen, total_s, cpu_s = found(network, Requirement(fps=FIXED_FPS))
    theirs = estimate(scheduled(network, "finn_fix").program).total
    paper = PUBLISHED[network, "finn_fix"]
    name = f"{network.upper()} --fps {FIXED_FPS}"
    how = f"{chosen.fps:,.0f} FPS; finn_fix by the model"
    lut, bram = chosen.cost.lut + SHELL.lut, chosen.cost.bram36 + SHELL.bram36
    ours, published = fractions(lut, bram), fractions(paper.lut, paper.bram36)
    counts = f"{lut:,} and {bram:g} with the shell, {paper.lut:,} and {paper.bram36:g} published"
    shell = f"fractions of the device; {counts}"
    return [
        Row(f"{name}, LUT", f"<= {theirs.lut:,}", f"{chosen.cost.lut:,}", chosen.cost.lut <= theirs.lut, how),
        Row(
            f"{name}, BRAM36",
            f"<= {theirs.bram36:g}",
            f"{chosen.cost.bram36:g}",
            chosen.cost.bram36 <= theirs.bram36,
            how,
        ),
        Row(f"{name}, LUT + BRAM", f"<= {published:.1%}", f"{ours:.1%}", ours <= published, shell),
        solved(name, chosen, total_s, cpu_s),
    ]


def fractions(lut: int, bram36: float) -> float:
    """What automatic folding makes least."""
    return lut / ZC706.lut + bram36 / ZC706.bram36


def fastest(network: str) -> list[Row]:
    """The fastest folding in the usable part of the device: twice the paper's rate, or what stops it."""
    chosen, total_s, cpu_s = found(network, Requirement(fastest=True))
    paper = PUBLISHED[network, "finn_max"]
    times = chosen.fps / paper.fps
    used = (chosen.cost.lut + SHELL.lut) / ZC706.lut
    proof = "as fast as it can be" in chosen.why
    return [
        Row(
            f"{network.upper()} --max, FPS",
            f">= {TWICE * paper.fps:,.0f}, or proof",
            f"{chosen.fps:,.0f} ({times:.2f} x the paper's), {used:.1%} of the LUTs",
            (times >= TWICE or proof) and used <= ZC706.usable,
            chosen.why,
        ),
        solved(f"{network.upper()} --max", chosen, total_s, cpu_s),
    ]


def found(network: str, asked: Requirement) -> tuple[Chosen, float, float]:
    """The choice; seconds and processor seconds for it, with the schedule that it ends in and its check."""
    s = customized(network)
    began, cpu = time.perf_counter(), time.process_time()
    chosen = choose(s, ZC706, asked)
    return chosen, time.perf_counter() - began, time.process_time() - cpu


def solved(name: str, chosen: Chosen, total_s: float, cpu_s: float) -> Row:
    whole = f"{total_s:.1f} s, {cpu_s:.1f} of the processor"
    how = f"processor s; {chosen.evaluated} kernels and links measured; folded and simulated in {whole}"
    seconds = chosen.search_s
    return Row(f"{name}, search", f"< {SOLVE_S:g} s", f"{seconds:.1f} s", seconds < SOLVE_S, how)


if __name__ == "__main__":
    sys.exit(main())
