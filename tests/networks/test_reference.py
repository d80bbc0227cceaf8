"""CNV in integer NumPy: its inputs, its layers against sums of products, and any number of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bitfold.diagnostics import DataError
from bitfold.networks import topology
from bitfold.networks.weights_io import Weights

RNG = np.random.default_rng(7)
IMAGES = RNG.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


def random_cnv(classes: int, seed: int = 1, biases: np.ndarray[Any, Any] | None = None) -> Weights:
    """CNV with random weights, and thresholds near the middle, where they decide."""
    rng = np.random.default_rng(seed)
    shapes = topology.cnv_shapes(classes)
    weights = [rng.integers(0, 2, shape, dtype=np.uint8) for shape in shapes]
    thresholds = [rng.integers(-300, 300, shapes[0][0]).astype(np.int16)]
    for out, fan_in in shapes[1:-1]:
        spread = int(fan_in**0.5)
        thresholds.append(rng.integers(fan_in // 2 - spread, fan_in // 2 + spread, out).astype(np.int16))
    return Weights((), tuple(weights), tuple(thresholds), biases=biases, network="cnv")


def scores_by_definition(weights: Weights, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Scores by products of +1 and -1, window by window: no packed bits."""
    x = images.astype(np.int64) - 128
    for k, w in enumerate(weights.weights):
        signs = w.astype(np.int64) * 2 - 1
        if k < 6:
            n, rows, columns, _ = x.shape
            sums = np.zeros((n, rows - 2, columns - 2, len(w)), np.int64)
            kernel = signs.reshape(len(w), 3, 3, -1)
            for i in range(3):
                for j in range(3):
                    sums += x[:, i : i + rows - 2, j : j + columns - 2] @ kernel[:, i, j].T
        else:
            sums = x.reshape(len(x), -1) @ signs.T
        if k == 8:
            return sums + (0 if weights.biases is None else weights.biases)
        counts = sums if k == 0 else (sums + w.shape[1]) // 2
        x = np.where(counts >= weights.thresholds[k], 1, -1)
        if k in (1, 3):
            x = np.maximum.reduce([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)])
    raise AssertionError("a last layer is the ninth")


def test_pixel_minus_128_is_what_bnn_pynq_makes_of_every_pixel() -> None:
    pixels = np.arange(256)
    theirs = np.clip(np.floor((pixels / 255 * 2 - 1) * 128), -128, 127)
    found = topology.centred(pixels.astype(np.uint8))
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, theirs)
    np.testing.assert_array_equal(found, pixels - 128)


def test_shapes_of_cnv_are_those_of_the_paper() -> None:
    assert topology.cnv_shapes(10) == (
        (64, 27),
        (64, 576),
        (128, 576),
        (128, 1152),
        (256, 1152),
        (256, 2304),
        (512, 256),
        (512, 512),
        (10, 512),
    )


def test_cnv_equals_sums_of_products_also_with_biases() -> None:
    weights = random_cnv(10)
    expected = scores_by_definition(weights, IMAGES)
    np.testing.assert_array_equal(weights.infer(IMAGES), expected)
    assert len(np.unique(expected)) > 5, "images that all look the same would prove nothing"
    biases = RNG.integers(-100, 100, 10).astype(np.int16)
    np.testing.assert_array_equal(random_cnv(10, biases=biases).infer(IMAGES), expected + biases)


@pytest.mark.parametrize("classes", [1, 43])
def test_cnv_takes_any_number_of_classes(classes: int) -> None:
    weights = random_cnv(classes)
    found = weights.infer(IMAGES[:1])
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, scores_by_definition(weights, IMAGES[:1]))
    assert (weights.classes, weights.inputs) == (classes, 3072)


def test_cnv_takes_flat_images_in_batches_and_none() -> None:
    weights = random_cnv(10)
    many = np.tile(IMAGES.reshape(3, 3072), (23, 1))  # more than are done at a time
    found = weights.infer(many)
    np.testing.assert_array_equal(found, np.tile(weights.infer(IMAGES), (23, 1)))
    assert weights.infer(many[:0]).shape == (0, 10)


def test_dense_scores_include_the_biases() -> None:
    plain = Weights((70, 4), (RNG.integers(0, 2, (4, 70), dtype=np.uint8),), ())
    biased = Weights((70, 4), plain.weights, (), biases=np.array([1, -300, 0, 70], np.int16))
    bits = RNG.integers(0, 2, (9, 70), dtype=np.uint8)
    np.testing.assert_array_equal(biased.infer(bits), plain.infer(bits) + biased.biases)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.astype(np.float32), r"float32 \(3, 32, 32, 3\); this network takes uint8"),
        (IMAGES[:, :31], r"uint8 \(3, 31, 32, 3\); this network takes uint8 \(N, 3072\) or \(N, 32, 32, 3\)"),
        (IMAGES.transpose(0, 3, 1, 2), r"uint8 \(3, 3, 32, 32\)"),
    ],
    ids=["floats", "31 rows", "channels first"],
)
def test_images_that_do_not_fit_are_one_error(images: np.ndarray[Any, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        random_cnv(10).infer(images)
