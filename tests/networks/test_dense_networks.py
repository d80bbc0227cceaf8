"""SFC and LFC: the same integer scores in plain Python, by integer NumPy, and compiled under any folding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitfold import Schedule, customize
from bitfold.build.llvm.jit import CpuModule
from bitfold.ir.nodes import Program
from bitfold.ir.run import run_python
from bitfold.lowering.flatten import flatten_pipelines
from bitfold.model.cycles import model
from bitfold.networks import weights_io
from bitfold.networks.catalog import SCHEDULES, find_network, find_schedule
from bitfold.networks.datasets import mnist_test
from bitfold.schedule.shadow import shadow_words
from bitfold.schedules.folding import fold_network

IMAGES = 100
BITS = mnist_test().as_bits()[:IMAGES]
LAYERS = ("binary_dense_0", "binary_dense_1", "binary_dense_2", "output_scores")


@dataclass(frozen=True)
class Case:
    """A network with its trained weights and the scores that integer NumPy gives."""

    name: str
    weights: weights_io.Weights
    expected: np.ndarray

    def customized(self) -> Schedule:
        return customize(find_network(self.name).build(self.weights))


@cache
def case(name: str) -> Case:
    weights = weights_io.bundled(name)
    return Case(name, weights, weights.infer(BITS))


def compiled_scores(program: Program) -> np.ndarray:
    scores, labels = np.zeros((IMAGES, 10), np.int16), np.zeros((IMAGES, 1), np.uint8)
    CpuModule(program)(BITS, scores, labels)
    assert (labels[:, 0] == scores.argmax(axis=1)).all()
    return scores


@pytest.mark.parametrize(("name", "images"), [("sfc", 3), ("lfc", 1)])
def test_the_function_itself_gives_the_integer_scores(name: str, images: int) -> None:
    network = case(name)
    kernel = find_network(name).build(network.weights)
    for image, expected in zip(BITS[:images], network.expected, strict=False):
        scores, label = np.zeros(10, np.int16), np.zeros(1, np.uint8)
        kernel(image, scores, label)
        assert (scores == expected).all()
        assert label[0] == expected.argmax()


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", ["sfc", "lfc"])
def test_every_schedule_gives_the_same_scores_compiled_and_as_python(name: str, schedule: str) -> None:
    s = case(name).customized()
    find_schedule(schedule)(s)
    assert (compiled_scores(s.program) == case(name).expected).all()
    for program in (s.program, flatten_pipelines(shadow_words(s.program))):
        scores, label = np.zeros(10, np.int16), np.zeros(1, np.uint8)
        run_python(program, BITS[0], scores, label)
        assert (scores == case(name).expected[0]).all()


@pytest.mark.parametrize(
    ("name", "schedule", "interval", "latency"),
    [("sfc", "finn_max", 16, 62), ("lfc", "finn_max", 128, 512), ("lfc", "finn_fix", 22_222, 80_000)],
)
def test_the_papers_foldings_give_the_papers_cycles(
    name: str, schedule: str, interval: int, latency: int
) -> None:
    s = case(name).customized()
    find_schedule(schedule)(s)
    found = model(s.program, 200)
    assert found.interval_cycles <= interval
    assert found.latency_cycles <= latency


def fold_of(rows: int, columns: int) -> st.SearchStrategy[tuple[int, int]]:
    """PE and SIMD that divide a layer."""
    pe, simd = ([d for d in range(1, n + 1) if n % d == 0] for n in (rows, columns))
    return st.tuples(st.sampled_from(pe), st.sampled_from(simd))


@given(folds=st.tuples(fold_of(256, 784), fold_of(256, 256), fold_of(256, 256), fold_of(10, 256)))
@settings(max_examples=8)
def test_no_folding_changes_a_score(folds: tuple[tuple[int, int], ...]) -> None:
    s = case("sfc").customized()
    fold_network(s, "test", {"sfc": dict(zip(LAYERS, folds, strict=True))})
    assert (compiled_scores(s.program) == case("sfc").expected).all()
