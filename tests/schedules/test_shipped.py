"""The schedules that ship, on the network they ship for: rates by the model, and the same scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bitfold.build.llvm.jit import CpuModule
from bitfold.diagnostics import BitfoldError, ScheduleError
from bitfold.model.cycles import Model, model
from bitfold.networks import sfc
from bitfold.networks.catalog import SCHEDULES, find_schedule
from bitfold.networks.weights_io import Weights, bundled
from bitfold.schedule import Schedule, customize

IMAGES = 64


@pytest.fixture(scope="module")
def weights() -> Weights:
    return bundled("sfc")


@pytest.fixture(scope="module")
def scheduled(weights: Weights) -> Callable[[str], Schedule]:
    def make(name: str) -> Schedule:
        s = customize(sfc.network(weights))
        find_schedule(name)(s)
        return s

    return make


def rates(s: Schedule) -> Model:
    return model(s.program, 200.0)


def cycles(found: Model) -> list[tuple[int, int, int]]:
    return [(layer.pe, layer.simd, layer.cycles) for layer in found.layers if layer.folds]


def test_finn_max_reaches_the_papers_rate(scheduled: Callable[[str], Schedule]) -> None:
    found = rates(scheduled("finn_max"))
    assert cycles(found) == [(256, 56, 14), (64, 64, 16), (64, 64, 16), (10, 16, 16)]
    assert found.interval_cycles == 16
    assert found.latency_cycles <= 62
    assert found.fps == 12_500_000


def test_finn_fix_meets_its_requirement(scheduled: Callable[[str], Schedule]) -> None:
    found = rates(scheduled("finn_fix"))
    assert cycles(found) == [(1, 14, 14_336), (1, 4, 16_384), (1, 4, 16_384), (1, 1, 2_560)]
    assert found.interval_cycles == 16_384
    assert found.fps >= 9_000


def test_fold_a_is_balanced(scheduled: Callable[[str], Schedule]) -> None:
    found = rates(scheduled("fold_a"))
    assert cycles(found) == [(16, 49, 256), (16, 16, 256), (16, 16, 256), (2, 8, 160)]
    assert found.interval_cycles == 256


def test_cpu_packs_by_machine_words(scheduled: Callable[[str], Schedule]) -> None:
    s = scheduled("cpu")
    for kernel in s.kernels[:4]:
        assert "popcount(xnor(w[" in str(s)
        assert "uint64[" in str(s.at(kernel).function.params[0].type)


def scores(program: object, x: np.ndarray) -> np.ndarray:
    found, labels = np.zeros((len(x), 10), np.int16), np.zeros((len(x), 1), np.uint8)
    CpuModule(program)(x, found, labels)  # type: ignore[arg-type]
    assert np.array_equal(found.argmax(axis=1), labels[:, 0])
    return found


@pytest.mark.parametrize("name", SCHEDULES)
def test_no_schedule_changes_a_score(
    name: str, weights: Weights, scheduled: Callable[[str], Schedule]
) -> None:
    x = np.random.default_rng(7).integers(0, 2, (IMAGES, 784), np.uint8)
    expected = x.astype(np.int64)
    for matrix, thresholds in zip(weights.weights, (*weights.thresholds, None), strict=True):
        agreeing = (expected[:, None, :] == np.asarray(matrix)[None]).sum(axis=2)
        expected = (
            2 * agreeing - matrix.shape[1] if thresholds is None else agreeing >= np.asarray(thresholds)
        )
    assert np.array_equal(scores(scheduled(name).program, x), expected)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_repeats_from_its_trace(
    name: str, weights: Weights, scheduled: Callable[[str], Schedule]
) -> None:
    first = scheduled(name)
    again = customize(sfc.network(weights))
    again.compose(first)
    assert again.program == first.program
    assert str(again) == str(first)


def test_a_network_without_a_folding_is_refused() -> None:
    from tests.schedule.kernels_used import dense

    with pytest.raises(ScheduleError) as caught:
        find_schedule("fold_a")(customize(dense, M=4, K=8))
    assert "schedule 'fold_a' has no folding for 'dense'" in str(caught.value)
    assert "it knows: cnv, lfc, sfc" in str(caught.value)
    assert isinstance(caught.value, BitfoldError)
