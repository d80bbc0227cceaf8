"""Automatic folding of small networks: against trying every folding, and what it says of itself."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from tests.autofold.networks import convolution, dense_network, fresh

from bitfold.autofold import Chosen, auto_fold
from bitfold.autofold.chain import Chain
from bitfold.autofold.schedule_file import schedule_text
from bitfold.build.llvm.jit import CpuModule
from bitfold.devices import Device, find_device
from bitfold.diagnostics import ScheduleError, UsageError
from bitfold.kernels.dense import binary_dense
from bitfold.lang import bit, empty
from bitfold.model.cycles import model
from bitfold.model.resources import Estimate, estimate
from bitfold.model.simulate import simulate
from bitfold.networks.catalog import find_schedule
from bitfold.schedules.folding import fold_layers

ZC706 = find_device("zc706")
NETWORKS = {"dense": dense_network, "convolution": convolution}
Folding = tuple[tuple[int, int], ...]


@cache
def chain(name: str) -> Chain:
    return Chain(fresh(NETWORKS[name]()))


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


@cache
def sample(name: str) -> dict[Folding, tuple[Estimate, int, int]]:
    """Random foldings of a network: (resources, interval, latency) of the whole program."""
    layers = chain(name).layers
    options = [
        [(pe, simd) for pe in divisors(layer.rows) for simd in divisors(layer.columns)] for layer in layers
    ]
    every = list(itertools.product(*options))
    rng = np.random.default_rng(1)
    found = {}
    for i in rng.choice(len(every), 20, replace=False):
        s = fresh(NETWORKS[name]())
        fold_layers(s, dict(zip((layer.name for layer in layers), every[i], strict=True)))
        timed = model(s.program, 200)
        found[every[i]] = (estimate(s.program), timed.interval_cycles, timed.latency_cycles)
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_no_bound_is_above_what_is_measured(name: str) -> None:
    search = chain(name).search
    parts = {p for stage in search.stages for row in stage.nodes for p in row}
    parts |= {p for stage in search.stages for row in stage.before for ps in row for p in ps}
    for part in parts:
        bound, cycles = part.values, part.cycles
        search.measure([part])
        assert (bound <= part.values).all(), (part, bound)
        assert cycles <= part.cycles


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_no_folding_of_a_sample_is_cheaper(name: str, share: float) -> None:
    intervals = sorted(interval for _, interval, _ in sample(name).values())
    most = intervals[int(share * (len(intervals) - 1))]
    chosen = auto_fold(fresh(NETWORKS[name]()), fps=200e6 / most)
    assert chosen.interval_cycles <= most
    for found, interval, _ in sample(name).values():
        cost = found.total.lut / ZC706.lut + found.total.bram36 / ZC706.bram36
        assert interval > most or cost >= chosen.objective - 1e-12 or chosen.depths


@pytest.mark.parametrize("name", NETWORKS)
def test_no_folding_of_a_sample_with_the_latency_is_cheaper(name: str) -> None:
    latencies = sorted(latency for _, _, latency in sample(name).values())
    most = latencies[len(latencies) // 3]
    chosen = auto_fold(fresh(NETWORKS[name]()), latency_us=most / 200)
    assert chosen.latency_cycles <= most
    for found, _, latency in sample(name).values():
        cost = found.total.lut / ZC706.lut + found.total.bram36 / ZC706.bram36
        assert latency > most or cost >= chosen.objective - 1e-12 or chosen.depths


@pytest.mark.parametrize("name", NETWORKS)
def test_the_numbers_are_those_of_the_program_it_leaves(name: str) -> None:
    s = fresh(NETWORKS[name]())
    chosen = auto_fold(s, fastest=True)
    assert estimate(s.program).total == chosen.cost
    assert model(s.program, 200).interval_cycles == chosen.interval_cycles
    assert simulate(s.program).interval_cycles == chosen.interval_cycles
    kernels = estimate(s.program).kernels()
    assert [layer.cost for layer in chosen.layers] == [kernels[layer.name] for layer in chosen.layers]
    assert all(layer.reason for layer in chosen.layers)
    assert chosen.why


def written(chosen: Chosen, folder: object) -> str:
    path = f"{folder}/folding.py"
    with open(path, "w") as file:
        file.write(schedule_text(chosen))
    return path


@pytest.mark.parametrize("network", [dense_network, convolution])
def test_the_schedule_file_makes_the_identical_program(
    network: Callable[..., Callable[..., None]], tmp_path: object
) -> None:
    s, again = fresh(network()), fresh(network())
    chosen = auto_fold(s, fps=5e5)
    find_schedule(written(chosen, tmp_path))(again)
    assert again.program == s.program
    assert schedule_text(auto_fold(fresh(network()), fps=5e5)) == schedule_text(chosen)


def test_two_elements_in_a_cycle_change_no_result() -> None:
    rng = np.random.default_rng(5)
    images = rng.integers(0, 2, (50, 48), np.uint8)
    found = []
    for folding in ({}, {"label_select": (1, 2)}):
        s = fresh(dense_network())
        fold_layers(
            s, {"binary_dense_0": (4, 6), "binary_dense_1": (8, 8), "output_scores": (4, 16), **folding}
        )
        scores, labels = np.zeros((50, 4), np.int16), np.zeros((50, 1), np.uint8)
        CpuModule(s.program)(images, scores, labels)
        found.append((scores, labels, model(s.program, 200).layers[-1].cycles))
    assert (found[0][0] == found[1][0]).all()
    assert (found[0][1] == found[1][1]).all()
    assert [cycles for _, _, cycles in found] == [4, 2]
    assert "label_select" in auto_fold(fresh(dense_network()), fastest=True).folding


def test_a_budget_is_kept() -> None:
    free = auto_fold(fresh(dense_network()), fastest=True)
    budget = {"lut": free.cost.lut * 3 // 4}
    tight = auto_fold(fresh(dense_network()), budget=budget)
    assert tight.cost.lut <= budget["lut"]
    assert tight.interval_cycles > free.interval_cycles
    assert "LUT" in tight.why


@pytest.mark.parametrize(
    "asked", [{"fps": 1e-30}, {"latency_us": 1e30}, {"fps": 1e-300, "latency_us": 1e300}]
)
def test_a_requirement_that_asks_for_nothing_gives_the_smallest(asked: dict[str, float]) -> None:
    smallest = auto_fold(fresh(dense_network()), fps=1e-9)
    assert auto_fold(fresh(dense_network()), **asked).folding == smallest.folding  # type: ignore[arg-type]


def test_channels_are_deepened_where_layers_would_wait() -> None:
    s = fresh(convolution())
    chosen = auto_fold(s, fps=200e6 / 300)
    assert simulate(s.program).interval_cycles == chosen.interval_cycles


# ---- what cannot be met


def refused(**asked: object) -> str:
    s = fresh(dense_network())
    with pytest.raises((ScheduleError, UsageError)) as caught:
        auto_fold(s, **asked)  # type: ignore[arg-type]
    assert not s.trace, "a refused folding leaves the schedule as it was"
    assert caught.value.remedy
    return str(caught.value)


def test_too_high_a_rate_names_the_best_and_the_kernel_that_stops_it() -> None:
    text = refused(fps=150e6)
    assert "the best possible is 100,000,000 images/s (2 cycles)" in text
    assert "label_select takes 2 cycles however" in text


def test_a_rate_beyond_any_clock_is_refused() -> None:
    assert "the best possible is" in refused(fps=1e300)


def test_too_low_a_latency_names_the_best() -> None:
    message = refused(latency_us=0.005)
    assert "no less than" in message
    assert "however the network is folded" in message


def test_too_small_a_budget_names_what_is_needed() -> None:
    text = refused(budget={"lut": 100})
    assert "it takes at least" in text
    assert "100 LUT usable" in text


def test_a_resource_that_stops_a_rate_is_named() -> None:
    free = auto_fold(fresh(dense_network()), fastest=True)
    text = refused(fps=free.fps, budget={"lut": free.cost.lut * 0.7})
    assert "the best possible is" in text
    assert "LUT" in text


def test_a_device_without_what_is_needed_is_refused() -> None:
    tiny = Device("tiny", "none", lut=1500, ff=2000, bram36=0, dsp=0, clock_mhz=100)
    assert "on the tiny" in refused(device=tiny)


@pytest.mark.parametrize(
    "asked",
    [
        {"fps": 0},
        {"fps": -1},
        {"fps": float("nan")},
        {"fps": float("inf")},
        {"latency_us": 0},
        {"fps": 1, "fastest": True},
        {"budget": {"luts": 3}},
        {"budget": {"lut": float("nan")}},
        {"budget": {"lut": -1}},
        {"budget": {"bram": 1, "bram36": 2}},
        {"device": "zc707"},
        {"device": "no/such.toml"},
    ],
)
def test_what_makes_no_sense_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is checked below
        auto_fold(fresh(dense_network()), **asked)  # type: ignore[arg-type]
    assert type(caught.value).__name__ in ("UsageError", "DataError")


def test_a_network_that_is_no_chain_is_refused() -> None:
    W, T = np.ones((4, 4), np.uint8), np.ones(4, np.int16)

    def fork(x: bit[4], z: bit[4], y: bit[4]):
        h = empty(bit[4])
        g = empty(bit[4])
        binary_dense(x, W, T, h)
        binary_dense(z, W, T, g)
        binary_dense(h, W, T, y)

    with pytest.raises(ScheduleError, match="does not hand its result"):
        auto_fold(fresh(fork), fps=1000)


def test_a_scheduled_network_is_refused() -> None:
    s = fresh(dense_network())
    auto_fold(s, fps=1000)
    with pytest.raises(ScheduleError, match="scheduled already"):
        auto_fold(s, fps=1000)


def test_a_network_without_matrix_layers_is_refused() -> None:
    def copy(x: bit[4], y: bit[4]):
        for i in range(4):
            y[i] = x[i]

    with pytest.raises(ScheduleError, match="no matrix layer"):
        auto_fold(fresh(copy), fps=1000)
