"""CNV: the same integer scores by integer NumPy, as Python, compiled, and as HLS C++, under any folding."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitfold import Schedule, customize
from bitfold.build.hls.simulation import HlsModule
from bitfold.build.llvm.jit import CpuModule
from bitfold.cli import script
from bitfold.ir.nodes import Program
from bitfold.ir.run import run_python
from bitfold.lowering.flatten import flatten_pipelines
from bitfold.model.cycles import model
from bitfold.networks import bnn_pynq, topology
from bitfold.networks.catalog import SCHEDULES, find_network, find_schedule
from bitfold.networks.datasets import cifar10_test_1000
from bitfold.networks.weights_io import Weights
from bitfold.schedule.shadow import shadow_words
from bitfold.schedules.folding import fold_network

CNV = find_network("cnv")
IMAGES = CNV.inputs(cifar10_test_1000().take(12))
LAYERS = (
    "pixel_threshold",
    *(f"matrix_threshold_{i}" for i in range(5)),
    *("binary_dense_0", "binary_dense_1", "output_scores"),
)


@cache
def case(classes: int = 10) -> tuple[Weights, np.ndarray]:
    """Random weights, thresholds about which sums fall on both sides, biases; and the scores of IMAGES."""
    rng = np.random.default_rng(classes)
    shapes = topology.cnv_shapes(classes)
    weights = tuple(rng.integers(0, 2, shape, np.uint8) for shape in shapes)
    thresholds = [rng.integers(-300, 300, 64, np.int16)]
    thresholds += [rng.integers(n // 2 - 9, n // 2 + 9, m, np.int16) for m, n in shapes[1:-1]]
    biases = rng.integers(-9, 9, classes, np.int16)
    made = Weights((), weights, tuple(thresholds), biases=biases, network="cnv")
    return made, made.infer(IMAGES.reshape(len(IMAGES), -1))


def scheduled(name: str) -> Schedule:
    s = customize(CNV.build(case()[0]))
    find_schedule(name)(s)
    return s


def compiled_scores(program: Program, images: np.ndarray, classes: int = 10) -> np.ndarray:
    scores, labels = np.zeros((len(images), classes), np.int16), np.zeros((len(images), 1), np.uint8)
    CpuModule(program)(images, scores, labels)
    assert (labels[:, 0] == scores.argmax(axis=1)).all()
    return scores


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_gives_the_integer_scores(schedule: str) -> None:
    assert (compiled_scores(scheduled(schedule).program, IMAGES) == case()[1]).all()


def test_the_scheduled_program_runs_as_python() -> None:
    s = scheduled("finn_max")
    for program in (s.program, flatten_pipelines(shadow_words(s.program))):
        scores, label = np.zeros(10, np.int16), np.zeros(1, np.uint8)
        run_python(program, IMAGES[0], scores, label)
        assert (scores == case()[1][0]).all()


def test_the_hls_cpp_gives_the_integer_scores(tmp_path: Path) -> None:
    module = HlsModule(scheduled("fold_a").program, tmp_path / "cnv")
    scores, labels = np.zeros((2, 10), np.int16), np.zeros((2, 1), np.uint8)
    module(IMAGES[:2], scores, labels)
    assert (scores == case()[1][:2]).all()


@pytest.mark.parametrize("classes", [1, 43])
def test_any_number_of_classes(classes: int) -> None:
    weights, expected = case(classes)
    s = customize(CNV.build(weights))
    find_schedule("cpu")(s)
    assert (compiled_scores(s.program, IMAGES, classes) == expected).all()


def test_imported_parameters_give_the_golden_scores(shared_data: Path) -> None:
    golden = np.load(shared_data / "cnv_cifar10_golden.npz")
    weights = bnn_pynq.read(shared_data / "bnn-pynq" / "cifar10-cnvW1A1", "cnv").weights
    s = customize(CNV.build(weights))
    find_schedule("cpu")(s)
    found = compiled_scores(s.program, CNV.inputs(cifar10_test_1000()))
    assert (found == 2 * golden["scores"] - 512).all()


@pytest.mark.parametrize(("schedule", "interval"), [("finn_max", 9_130), ("finn_fix", 22_222)])
def test_the_papers_foldings_reach_the_papers_rates(schedule: str, interval: int) -> None:
    assert model(scheduled(schedule).program, 200).interval_cycles <= interval


def test_layers_are_joined_by_streams_alone() -> None:
    for name in ("fold_a", "finn_max", "finn_fix"):
        program = scheduled(name).program
        assert program.top.dataflow
        assert all(p.type.streamed for f in program.functions for p in f.params if f is not program.top)


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


@given(st.data())
@settings(max_examples=3)
def test_no_folding_changes_a_score(data: st.DataObject) -> None:
    folding = {
        layer: (data.draw(st.sampled_from(divisors(rows))), data.draw(st.sampled_from(divisors(columns))))
        for layer, (rows, columns) in zip(LAYERS, topology.cnv_shapes(10), strict=True)
    }
    s = customize(CNV.build(case()[0]))
    fold_network(s, "test", {"cnv": folding})
    assert (compiled_scores(s.program, IMAGES[:2]) == case()[1][:2]).all()


def test_the_title_stays_on_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("cnv", ["--images", "1", "--out", str(tmp_path / "cnv")]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.rstrip() == f"{CNV.title}, fold_a, ZC706 at 200 MHz"
