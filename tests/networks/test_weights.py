"""Weights files: the bundled parameters do what they say, and one error for each bad file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.networks.test_reference import random_cnv

from bitfold.diagnostics import DataError
from bitfold.networks import npz, topology
from bitfold.networks.datasets import mnist_test
from bitfold.networks.weights_io import NOTE, Weights, bundled, load_weights, save_weights

SFC = (784, 256, 256, 256, 10)
REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "data"


def scores_by_definition(weights: Weights, bits: np.ndarray[Any, np.dtype[np.uint8]]) -> Any:
    """Last-layer scores by int32 products of +1 and -1: independent of `Weights.infer`, which counts bits."""
    x = bits.astype(np.int32) * 2 - 1
    for w, t in zip(weights.weights, weights.thresholds, strict=False):
        total = x @ (w.astype(np.int32) * 2 - 1).T
        matches = (total + w.shape[1]) // 2
        x = np.where(matches >= t, 1, -1).astype(np.int32)
    return x @ (weights.weights[-1].astype(np.int32) * 2 - 1).T


def assert_reproduces_its_record(weights: Weights) -> None:
    test = mnist_test()
    assert test.bits is not None
    found = scores_by_definition(weights, test.bits)
    np.testing.assert_array_equal(found, weights.scores)
    np.testing.assert_array_equal(weights.infer(test.bits), weights.scores)
    assert weights.accuracy == (found.argmax(axis=1) == test.labels).mean()


def test_bundled_sfc_reproduces_its_recorded_scores_and_accuracy() -> None:
    weights = bundled("sfc")
    assert weights.dims == SFC
    assert_reproduces_its_record(weights)
    assert weights.accuracy is not None
    assert weights.accuracy >= 0.973


def test_bundled_sfc_says_how_it_was_trained() -> None:
    with np.load(Path(__file__).parents[2] / "networks" / "weights" / "sfc.npz") as archive:
        recipe = json.loads(str(archive["recipe"]))
        assert str(archive["note"]) == NOTE
    assert {"seed", "epochs", "lr", "batch", "torch", "command"} <= recipe.keys()
    assert recipe["command"].startswith("python networks/train.py sfc --data mnist.npz --out sfc.npz")


def test_bundled_names_are_listed_when_one_is_wrong() -> None:
    with pytest.raises(DataError, match="no bundled weights are named 'sfcc'") as caught:
        bundled("sfcc")
    assert caught.value.remedy is not None
    assert caught.value.remedy.startswith("did you mean 'sfc'? known: ")


@pytest.mark.parametrize("name", ["sfc_trained", "lfc_trained"])
def test_weights_from_another_script_in_this_layout_reproduce_their_record(name: str) -> None:
    path = REFERENCE / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"needs {name}.npz in ../shared/data beside the checkout")
    weights = load_weights(path)
    if name == "sfc_trained":
        assert weights.dims == SFC
        assert_reproduces_its_record(weights)
    else:  # int32 products of this width are slow; a part will do
        part = mnist_test().take(500)
        assert weights.scores is not None
        np.testing.assert_array_equal(weights.infer(part.as_bits()), weights.scores[:500])


# A small file to spoil: 11-3-10

RNG = np.random.default_rng(3)
SMALL = Weights(
    (11, 3, 10),
    (RNG.integers(0, 2, (3, 11), dtype=np.uint8), RNG.integers(0, 2, (10, 3), dtype=np.uint8)),
    (np.array([0, 6, 12], np.int16),),
    accuracy=0.25,
    scores=np.zeros((4, 10), np.int16),
)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.npz"
    save_weights(path, SMALL)
    return path


def test_saved_weights_load_unchanged(small: Path) -> None:
    found = load_weights(small, (11, 3, 10))
    assert found.dims == SMALL.dims
    assert found.accuracy == 0.25
    for ours, theirs in zip(found.weights + found.thresholds, SMALL.weights + SMALL.thresholds, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(found.scores, SMALL.scores)


def test_saving_twice_gives_the_same_bytes(small: Path, tmp_path: Path) -> None:
    save_weights(tmp_path / "again.npz", load_weights(small))
    assert small.read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_record_of_the_test_set_is_optional(small: Path) -> None:
    respoil(small, lambda arrays: [arrays.pop("test_scores"), arrays.pop("test_accuracy")])
    found = load_weights(small)
    assert found.scores is None
    assert found.accuracy is None


def test_inference_counts_matches_and_compares_with_the_threshold() -> None:
    bits = RNG.integers(0, 2, (50, 11), dtype=np.uint8)
    np.testing.assert_array_equal(SMALL.infer(bits), scores_by_definition(SMALL, bits))
    assert SMALL.infer(bits[:0]).shape == (0, 10)


def respoil(path: Path, spoil: Callable[[dict[str, Any]], object]) -> None:
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive}
    spoil(arrays)
    path.unlink()
    np.savez(path, **arrays)


def replacing(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda arrays: arrays.update(changes)


def without(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda arrays: arrays.pop(key)


BAD_CONTENT: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no dims": (
        without("dims"),
        "has no array 'dims'; it holds note, test_accuracy, test_scores, w0, w1, t0",
    ),
    "no w1": (without("w1"), "has no array 'w1'"),
    "no t0": (without("t0"), "has no array 't0'"),
    "dims of one": (
        replacing(dims=np.array([11])),
        r"dims is int64 \(1,\); expected two or more layer widths",
    ),
    "dims of floats": (replacing(dims=np.array([11.0, 3, 10])), "dims is float64"),
    "dims of zero": (replacing(dims=np.array([11, 0, 10])), "dims is int64"),
    "other widths": (replacing(dims=np.array([11, 4, 10])), r"w0 is uint8 \(3, 2\); expected uint8 \(4, 2\)"),
    "unpacked weights": (replacing(w0=SMALL.weights[0]), r"w0 is uint8 \(3, 11\); expected uint8 \(3, 2\)"),
    "weights of int8": (replacing(w1=np.ones((10, 1), np.int8)), "w1 is int8"),
    "padding set": (replacing(w1=np.full((10, 1), 255, np.uint8)), "w1 has bits set past its 3 inputs"),
    "thresholds of int32": (replacing(t0=np.array([0, 6, 12])), "t0 is int64"),
    "threshold too low": (replacing(t0=np.array([0, -1, 12], np.int16)), r"t0\[1\] is -1; .* 0..12"),
    "threshold too high": (replacing(t0=np.array([0, 6, 13], np.int16)), r"t0\[2\] is 13; .* 0..12"),
    "pickled": (replacing(w0=np.array([None, {}])), "'w0' holds pickled Python objects"),
    "accuracy in percent": (replacing(test_accuracy=np.float64(97.4)), "test_accuracy is 97.4"),
    "accuracy of text": (replacing(test_accuracy=np.array("good")), "test_accuracy is <U4"),
    "scores of 9": (replacing(test_scores=np.zeros((4, 9), np.int16)), r"expected int16 \(4, 10\)"),
    "scalar scores": (replacing(test_scores=np.int16(3)), r"test_scores is int16 \(\)"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_CONTENT.values(), ids=BAD_CONTENT)
def test_bad_content_is_one_error(
    small: Path, spoil: Callable[[dict[str, Any]], object], message: str
) -> None:
    respoil(small, spoil)
    with pytest.raises(DataError, match=message) as caught:
        load_weights(small)
    assert str(small) in caught.value.message
    assert caught.value.remedy


def test_any_number_of_classes_is_taken_where_none_is_named(small: Path) -> None:
    assert load_weights(small, (11, 3, None)).classes == 10
    with pytest.raises(DataError, match="widths 11-3-10; expected 11-4-any"):
        load_weights(small, (11, 4, None))


def test_a_file_without_biases_holds_what_it_always_held(small: Path) -> None:
    with np.load(small) as archive:
        assert archive.files == ["dims", "note", "test_accuracy", "test_scores", "w0", "w1", "t0"]
        assert str(archive["note"]) == NOTE


def test_biases_are_saved_and_loaded(small: Path) -> None:
    biases = np.arange(-5, 5, dtype=np.int16)
    save_weights(small, replace(SMALL, biases=biases))
    found = load_weights(small, (11, 3, 10))
    np.testing.assert_array_equal(found.biases, biases)
    bits = RNG.integers(0, 2, (5, 11), dtype=np.uint8)
    np.testing.assert_array_equal(found.infer(bits), SMALL.infer(bits) + biases)


@pytest.mark.parametrize(
    ("biases", "message"),
    [
        (np.zeros(9, np.int16), r"biases is int16 \(9,\); expected int16 \(10,\)"),
        (np.zeros(10), "biases is float64"),
        (np.full(10, 32765, np.int16), r"biases\[0\] is 32765; expected -32764..32764"),
        (np.full(10, -32768, np.int16), r"biases\[0\] is -32768"),
    ],
    ids=["nine", "floats", "too large", "too small"],
)
def test_bad_biases_are_one_error(small: Path, biases: Any, message: str) -> None:
    respoil(small, replacing(biases=biases))
    with pytest.raises(DataError, match=message):
        load_weights(small)


# CNV


@pytest.fixture(scope="module")
def cnv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "cnv.npz"
    save_weights(path, random_cnv(12, biases=np.arange(12, dtype=np.int16)))
    return path


def test_cnv_loads_unchanged_with_any_number_of_classes(cnv: Path) -> None:
    saved, found = random_cnv(12), load_weights(cnv, network="cnv")
    assert found.network == "cnv"
    assert found.shapes == topology.cnv_shapes(12)
    for ours, theirs in zip(found.weights + found.thresholds, saved.weights + saved.thresholds, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(found.biases, np.arange(12))
    assert load_weights(cnv).network == "cnv", "also when no network is asked for"
    assert cnv.stat().st_size < 1_000_000


def test_weights_of_the_other_kind_of_network_are_one_error(cnv: Path, small: Path) -> None:
    with pytest.raises(DataError, match="holds the network cnv; expected 784-256-256-256-10"):
        load_weights(cnv, SFC)
    with pytest.raises(DataError, match="holds a network of widths 11-3-10; expected cnv"):
        load_weights(small, network="cnv")


WIDER = np.array(topology.cnv_shapes(10)) + np.array([[0, 0]] * 3 + [[128, 0]] + [[0, 0]] * 5)
BAD_CNV: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "unknown network": (replacing(network=np.array("resnet")), "network is 'resnet'; the only network"),
    "network a number": (replacing(network=np.array(3)), r"network is int64 \(\); the only network"),
    "no shapes": (without("shapes"), "has no array 'shapes'"),
    "eight layers": (replacing(shapes=WIDER[:8]), r"shapes is int64 \(8, 2\); expected int64 \(9, 2\)"),
    "no classes": (replacing(shapes=WIDER * 0), r"shapes is int64 \(9, 2\)"),
    "wider layer": (replacing(shapes=WIDER), r"layer 3 has shape \(256, 1152\); expected \(128, 1152\)"),
    "other classes": (replacing(shapes=np.array(topology.cnv_shapes(9))), r"w8 is uint8 \(12, 64\)"),
    "padding set": (replacing(w0=np.full((64, 4), 255, np.uint8)), "w0 has bits set past its 27 inputs"),
    "first threshold": (replacing(t0=np.full(64, 3458, np.int16)), r"t0\[0\] is 3458; .*-3456..3457"),
    "later threshold": (replacing(t1=np.full(64, -1, np.int16)), r"t1\[0\] is -1; .*0..577"),
    "no t7": (without("t7"), "has no array 't7'"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_CNV.values(), ids=BAD_CNV)
def test_bad_cnv_is_one_error(
    cnv: Path, tmp_path: Path, spoil: Callable[[dict[str, Any]], object], message: str
) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(cnv.read_bytes())
    respoil(path, spoil)
    with pytest.raises(DataError, match=message) as caught:
        load_weights(path)
    assert str(path) in caught.value.message


def test_weights_of_another_network_name_both_widths(small: Path) -> None:
    with pytest.raises(DataError, match="widths 11-3-10; expected 784-256-256-256-10"):
        load_weights(small, SFC)


def test_missing_file_and_folder_are_one_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file; expected trained weights"):
        load_weights(tmp_path / "none.npz")
    with pytest.raises(DataError, match="is a folder; expected trained weights"):
        load_weights(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "file is empty"), (b"weights", "is not an .npz archive"), (b"PK\x05\x06", "truncated or damaged")],
    ids=["empty", "foreign", "zip cut off"],
)
def test_bad_file_is_one_error(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_weights(tmp_path / "w.npz")


def test_every_truncation_is_one_error(small: Path) -> None:
    whole = small.read_bytes()
    for size in range(0, len(whole), 41):
        small.write_bytes(whole[:size])
        with pytest.raises(DataError):
            load_weights(small)


def test_npz_of_something_else_lists_what_it_holds(tmp_path: Path) -> None:
    npz.write(tmp_path / "mnist.npz", {"x_test": np.zeros(1), "y_test": np.zeros(1)})
    with pytest.raises(DataError, match="has no array 'dims'; it holds x_test, y_test"):
        load_weights(tmp_path / "mnist.npz")


def test_writing_into_a_missing_folder_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        save_weights(tmp_path / "none" / "w.npz", SMALL)
