"""Measure LFC and CNV: accuracy, equality on every rung under three foldings, rates and times.

    python benchmarks/networks.py lfc
    python benchmarks/networks.py cnv --cifar10 cifar10.npz --bnn-pynq FOLDER --golden cnv_cifar10_golden.npz

FOLDER holds BNN-PYNQ's parameter folders mnist-lfcW1A1 and cifar10-cnvW1A1. What a file is missing for is
said, and counts as not met.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from table import Row, show, timed

from bitfold.build.hls.csim import csim
from bitfold.build.hls.project import Vectors, write
from bitfold.build.llvm.jit import CpuModule
from bitfold.build.zc706.device import ZC706
from bitfold.model.cycles import Model, model
from bitfold.networks import bnn_pynq, datasets
from bitfold.networks.catalog import Network, find_network, find_schedule
from bitfold.networks.datasets import Dataset
from bitfold.networks.run import hls_plan
from bitfold.networks.weights_io import Weights
from bitfold.schedule import Schedule, customize

FOLDINGS = ("fold_a", "finn_max", "finn_fix")


@dataclass(frozen=True)
class Promise:
    """What one network must reach. Accuracies are percentages of its whole test set."""

    own: float
    imported: float
    csim_images: int
    images_per_s: int
    interval: int
    latency: tuple[float, float]
    folder: str


PROMISES = {
    "lfc": Promise(98.3, 98.34, 200, 60_000, 128, (488 * 0.95, 488 * 1.05), "mnist-lfcW1A1"),
    "cnv": Promise(79.0, 79.37, 20, 2_000, 9_130, (0, float("inf")), "cifar10-cnvW1A1"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure LFC or CNV.")
    parser.add_argument("network", choices=sorted(PROMISES))
    parser.add_argument("--cifar10", type=Path, help="CIFAR-10's whole test set, for CNV")
    parser.add_argument("--bnn-pynq", type=Path, help="the folder of BNN-PYNQ's parameter folders")
    parser.add_argument("--golden", type=Path, help="popcount scores of CIFAR-10's first 1,000 test images")
    options = parser.parse_args()
    network, promise = find_network(options.network), PROMISES[options.network]
    weights = network.load_weights(None)
    whole = options.cifar10 if network.dims is None else None
    data = network.test_set() if whole is None else datasets.load(whole, shape=network.image)
    rows = [
        accuracy("accuracy, own weights", f">= {promise.own}%", network, weights, data, promise.own, 100),
        *imported(network, promise, data, options.bnn_pynq, options.golden),
        *equality(network, weights, data, promise),
        *rates(network, weights, promise),
        speed(network, weights, data, promise),
    ]
    return show(f"{network.title} benchmark", rows)


def scheduled(network: Network, weights: Weights, name: str) -> Schedule:
    s = customize(network.build(weights))
    find_schedule(name)(s)
    return s


def scores(network: Network, weights: Weights, data: Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Scores and classes of all images, compiled for the CPU under a schedule."""
    images = network.inputs(data)
    found, labels = np.zeros((len(data), weights.classes), np.int16), np.zeros((len(data), 1), np.uint8)
    CpuModule(scheduled(network, weights, name).program)(images, found, labels)
    return found, labels[:, 0]


def accuracy(
    what: str, limit: str, network: Network, weights: Weights, data: Dataset, least: float, most: float
) -> Row:
    _, labels = scores(network, weights, data, "cpu")
    percent = round(float((labels == data.labels).mean()) * 100, 2)
    how = f"{len(data):,} test images, schedule cpu"
    return Row(what, limit, f"{percent:.2f}%", least <= percent <= most and len(data) == 10_000, how)


def imported(
    network: Network, promise: Promise, data: Dataset, folder: Path | None, golden: Path | None
) -> Iterator[Row]:
    """The same with BNN-PYNQ's parameters, and their published scores."""
    if folder is None:
        yield Row("accuracy, BNN-PYNQ's weights", f"{promise.imported}%", "not measured", False, "--bnn-pynq")
        return
    weights = bnn_pynq.read(folder / promise.folder, network.name).weights
    exact = promise.imported
    yield accuracy("accuracy, BNN-PYNQ's weights", f"{exact}%", network, weights, data, exact, exact)
    if network.name != "cnv":
        return
    if golden is None:
        yield Row("scores, BNN-PYNQ's weights", "identical", "not measured", False, "--golden")
        return
    expected = np.load(golden)["scores"]
    found, _ = scores(network, weights, data.take(len(expected)), "finn_max")
    wrong = int((found != 2 * expected - 512).any(axis=1).sum())
    what = f"{len(expected):,} images, {wrong} differ"
    yield Row("scores, BNN-PYNQ's weights", "identical", what, wrong == 0, "LLVM, finn_max, golden popcounts")


def equality(network: Network, weights: Weights, data: Dataset, promise: Promise) -> Iterator[Row]:
    """Integer scores in plain Python, LLVM and compiled HLS C++ against integer NumPy."""
    images = network.inputs(data)
    expected = weights.infer(images.reshape(len(images), -1))
    plain, label = np.zeros(weights.classes, np.int16), np.zeros(1, np.uint8)
    spent = timed(lambda: network.build(weights)(images[0], plain, label))
    same = bool((plain == expected[0]).all())
    yield Row(
        "scores, plain Python", "identical", f"1 image, {spent:.0f} s", same, "the kernel under CPython"
    )
    wrong = 0
    for name in (*FOLDINGS, "cpu"):
        found, _ = scores(network, weights, data, name)
        wrong += int((found != expected).any(axis=1).sum())
    how = f"{', '.join(FOLDINGS)}, cpu against integer NumPy"
    yield Row("scores, LLVM", "identical", f"4 x {len(data):,} images, {wrong} differ", wrong == 0, how)
    count, made, built, differ = promise.csim_images, [], [], 0
    for name in FOLDINGS:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            s = scheduled(network, weights, name)
            outputs = {"scores": expected[:count], "label": expected[:count].argmax(axis=1)[:, None]}
            outputs["label"] = outputs["label"].astype(np.uint8)
            plan = hls_plan(s.program, network.name, Vectors({"x": images[:count]}, outputs))
            project = write(plan, Path(folder) / "hls")
            made.append(time.perf_counter() - began)
            began = time.perf_counter()
            differ += csim(project).mismatches
            built.append(time.perf_counter() - began)
    what = f"3 foldings x {count} images, {differ} words differ"
    yield Row("scores, HLS C++", "identical", what, differ == 0, f"{', '.join(FOLDINGS)}, compiled with g++")
    yield Row("Python to HLS project", "< 5 s", f"{max(made):.2f} s", max(made) < 5, "the slowest folding")
    what = f"{max(built):.1f} s"
    yield Row(
        "C++ simulation", "< 120 s", what, max(built) < 120, f"g++ and {count} images, the slowest folding"
    )


def rates(network: Network, weights: Weights, promise: Promise) -> Iterator[Row]:
    """Interval, latency and FPS by the cycle model."""

    def found(name: str) -> Model:
        return model(scheduled(network, weights, name).program, ZC706.clock_mhz)

    fast, fixed = found("finn_max"), found("finn_fix")
    cycles = fast.interval_cycles
    what = f"{cycles:,} = {fast.fps:,.0f} FPS"
    yield Row(
        "interval, finn_max", f"<= {promise.interval:,} cycles", what, cycles <= promise.interval, "model"
    )
    low, high = promise.latency
    limit = f"{low:.0f} to {high:.0f} cycles" if low else "none"
    what = f"{fast.latency_cycles:,} = {fast.latency_us:,.1f} us"
    yield Row("latency, finn_max", limit, what, low <= fast.latency_cycles <= high, "model")
    yield Row("rate, finn_fix", ">= 9,000 FPS", f"{fixed.fps:,.0f}", fixed.fps >= 9000, "model at 200 MHz")


def speed(network: Network, weights: Weights, data: Dataset, promise: Promise) -> Row:
    """Images per second on one thread, input packing included."""
    images = network.inputs(data)[:2000]
    compiled = CpuModule(scheduled(network, weights, "cpu").program)
    found, labels = np.zeros((len(images), weights.classes), np.int16), np.zeros((len(images), 1), np.uint8)
    spent = [timed(lambda: compiled(images, found, labels)) for _ in range(8)]
    rate = len(images) / statistics.median(spent)
    how = f"one thread, {len(images):,} images, median of {len(spent)}"
    return Row(
        "CPU rate, schedule cpu",
        f">= {promise.images_per_s:,} images/s",
        f"{rate:,.0f}",
        rate >= promise.images_per_s,
        how,
    )


if __name__ == "__main__":
    sys.exit(main())
