"""Training of CNV: what it refuses, and, where PyTorch is installed, that its integers are the model's."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitfold.diagnostics import DataError, UsageError
from bitfold.networks import reference, topology
from bitfold.networks.datasets import Dataset
from bitfold.networks.recipes import CnvRecipe
from bitfold.networks.train import main, train
from bitfold.networks.weights_io import Weights, load_weights

TINY = CnvRecipe(
    "cnv",
    (3, 8, 8, 8, 8, 16, 16, 16, 16, 10),
    epochs=3,
    batch=20,
    warmup=2,
    cooldown=1,
    threads=1,
    norm_images=40,
)


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="training needs PyTorch: pip install 'bitfold[train]'")


def colours(count: int, seed: int = 1) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Noise, brighter in the channel that the label modulo 3 names."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count, dtype=np.uint8)
    images = rng.integers(0, 150, (count, 32, 32, 3), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[..., label % 3] += 105
    return images, labels


def some_data(count: int = 60) -> Dataset:
    images, labels = colours(count)
    return Dataset("colours", pixels=images.reshape(count, -1), labels=labels)


def same(a: Weights, b: Weights) -> bool:
    pairs = zip((*a.weights, *a.thresholds), (*b.weights, *b.thresholds), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def model_with_odd_norms(torch: Any) -> Any:
    """A model of TINY's widths with random batch norms, so that no bit is constant."""
    from bitfold.networks.ste_cnv import CnvModel

    model = CnvModel(torch, TINY.dims, 0.03, torch.Generator().manual_seed(5))
    rng = np.random.default_rng(3)
    with torch.no_grad():
        for k, layer in enumerate(model.layers[:-1]):
            fan_in = layer["w"][0].numel()
            for name, spread, offset in (("mean", 0.3, 0.0), ("beta", 0.3, 0.0), ("var", 0.2, 1.0)):
                unit = {"mean": math.sqrt(fan_in), "beta": 1.0, "var": fan_in}[name] * (0.5 if k == 0 else 1)
                values = unit * (offset + spread * rng.standard_normal(len(layer["beta"])).clip(-3, 3))
                layer[name].copy_(torch.from_numpy(values))
    return model


def as_input(torch: Any, images: np.ndarray[Any, Any]) -> Any:
    return torch.from_numpy(topology.centred(images)).permute(0, 3, 1, 2)


# With PyTorch


def test_integers_give_the_scores_of_the_float_model_they_were_folded_from(torch: Any) -> None:
    from bitfold.networks.ste_cnv import folded

    model = model_with_odd_norms(torch)
    images = np.random.default_rng(2).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    weights = folded(model.snapshot())
    with torch.no_grad():
        x = as_input(torch, images).float() / 128
        scores = model.scores(x, training=False, dtype=torch.float32).numpy()
    assert len(np.unique(scores, axis=0)) > 20, "the images are told apart"
    np.testing.assert_array_equal(weights.infer(images), scores)


def test_exact_norms_are_the_statistics_of_what_the_folded_network_sees(torch: Any) -> None:
    from bitfold.networks.ste_cnv import folded, with_exact_norms

    images = np.random.default_rng(4).integers(0, 256, (300, 32, 32, 3), dtype=np.uint8)
    snapshot = model_with_odd_norms(torch).snapshot()
    exact = with_exact_norms(torch, snapshot, as_input(torch, images))
    kept = folded(snapshot)
    assert not np.array_equal(exact[0]["mean"], snapshot[0]["mean"])

    # The first layer's sums in int64, from windows cut by hand.
    q = topology.centred(images).astype(np.int64)
    windows = [q[:, r : r + 30, c : c + 30] for r in range(3) for c in range(3)]
    sums = np.stack(windows, axis=3).reshape(300, 30, 30, 27) @ (kept.weights[0].astype(np.int64).T * 2 - 1)
    np.testing.assert_allclose(exact[0]["mean"], sums.mean((0, 1, 2)) / 128, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(exact[0]["var"], sums.var((0, 1, 2)) / 128**2, rtol=1e-9)

    # The second layer's, pooled, from the bits of the integer reference.
    integers = folded(exact)
    bits = reference._first_layer(integers, images)
    sums = (
        2 * reference._convolution(bits, integers.weights[1]).astype(np.int64) - integers.weights[1].shape[1]
    )
    pooled = sums.reshape(300, 14, 2, 14, 2, -1).max(axis=(2, 4))
    np.testing.assert_allclose(exact[1]["mean"], pooled.mean((0, 1, 2)), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(exact[1]["var"], pooled.var((0, 1, 2)), rtol=1e-9)


def test_minus_zero_is_plus_one_in_the_model_and_in_the_integers(torch: Any) -> None:
    from bitfold.networks.ste_cnv import _signs, folded

    model = model_with_odd_norms(torch)
    with torch.no_grad():
        model.layers[0]["w"].fill_(-0.0)
    assert folded(model.snapshot()).weights[0].all()
    assert (_signs(torch)[1](model.layers[0]["w"], torch.bfloat16) == 1).all()


def test_resumed_training_ends_like_an_uninterrupted_one(torch: Any, tmp_path: Path) -> None:
    data, checkpoint = some_data(), tmp_path / "c.pt"
    whole = train(TINY, data)

    def stop(epoch: int, loss: float, accuracy: float) -> None:
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train(TINY, data, checkpoint=checkpoint, progressed=stop)
    done: list[int] = []
    resumed = train(TINY, data, checkpoint=checkpoint, progressed=lambda epoch, *_: done.append(epoch))
    assert done == [3]
    assert same(whole, resumed)
    assert not same(whole, train(replace(TINY, seed=2), data))


def test_checkpoint_belongs_to_its_pixels(torch: Any, tmp_path: Path) -> None:
    data, checkpoint = some_data(), tmp_path / "c.pt"
    short = replace(TINY, epochs=1)
    train(short, data, checkpoint=checkpoint)
    assert data.pixels is not None
    brighter = replace(data, pixels=data.pixels | 1)
    np.testing.assert_array_equal(brighter.as_bits(), data.as_bits())
    with pytest.raises(DataError, match="checkpoint of another recipe or other data"):
        train(short, brighter, checkpoint=checkpoint)


def test_images_held_out_choose_the_epoch(torch: Any) -> None:
    reported: list[float] = []
    recipe = replace(TINY, held_out=20)
    train(recipe, some_data(), progressed=lambda epoch, loss, accuracy: reported.append(accuracy))
    assert len(reported) == 3
    assert all(a * 20 == round(a * 20) for a in reported)


def test_training_lowers_the_loss(torch: Any) -> None:
    losses: list[float] = []
    recipe = replace(TINY, epochs=8, lr=0.01, cooldown=0)
    train(recipe, some_data(), progressed=lambda epoch, loss, accuracy: losses.append(loss))
    assert losses[-1] < 0.9 * losses[0]


def test_augmentation_moves_and_mirrors_images_whole(torch: Any) -> None:
    from bitfold.networks.augment import shifted_and_flipped

    images = np.random.default_rng(0).integers(-128, 128, (40, 3, 32, 32), dtype=np.int8)
    found = shifted_and_flipped(torch, torch.from_numpy(images), 2, torch.Generator().manual_seed(1)).numpy()
    assert found.shape == images.shape
    assert found.dtype == np.float32
    seen = set()
    for image, moved in zip(images, found, strict=True):
        padded = np.pad(image, ((0, 0), (2, 2), (2, 2)), mode="reflect")
        fits = [
            (row, column, flip)
            for row in range(5)
            for column in range(5)
            for flip in (1, -1)
            if np.array_equal(moved, padded[:, row : row + 32, column : column + 32][:, :, ::flip])
        ]
        assert len(fits) == 1, "each image is moved as a whole, in its own place"
        seen.add(fits[0])
    assert {row for row, _, _ in seen} == {column for _, column, _ in seen} == set(range(5))
    assert {flip for _, _, flip in seen} == {1, -1}


@pytest.mark.slow
def test_script_writes_weights_with_their_record_and_recipe(
    torch: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = archive(tmp_path), tmp_path / "w.npz"
    options = ["--epochs", "2", "--batch", "20", "--threads", "1", "--warmup", "1", "--norm-images", "40"]
    assert main(["cnv", "--data", str(data), "--out", str(out), *options]) == 0
    printed = capsys.readouterr().out
    assert "epoch 1 of 2: cnv: loss" in printed
    assert "of 12 test images, by integer inference" in printed
    found = load_weights(out, network="cnv")
    images, labels = colours(12, 2)
    np.testing.assert_array_equal(found.infer(images), found.scores)
    assert found.scores is not None
    assert found.accuracy == (found.scores.argmax(axis=1) == labels).mean()
    with np.load(out) as stored:
        recipe = json.loads(str(stored["recipe"]))
    assert (recipe["seed"], recipe["threads"], recipe["torch"]) == (1, 1, torch.__version__)
    assert "cnv --data c.npz --out w.npz --seed 1 --epochs 2 --batch 20" in recipe["command"]
    assert "--warmup 1 --horizon 60 --cooldown 12 --threads 1 --norm-images 40" in recipe["command"]


# Without it


def archive(folder: Path) -> Path:
    (x_train, y_train), (x_test, y_test) = colours(40, 1), colours(12, 2)
    path = folder / "c.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


def test_learning_rate_rises_falls_and_ends_at_0() -> None:
    recipe = replace(TINY, epochs=48, horizon=60, cooldown=12, warmup=500)
    rates = [recipe.learning_rate(step, 500) for step in range(48 * 500 + 1)]
    assert rates[0] == rates[-1] == 0
    assert rates[250] == pytest.approx(0.5, rel=1e-3)
    assert np.argmax(rates) == 500
    assert (np.diff(rates[500:]) < 0).all()
    assert rates[30 * 500] == pytest.approx(0.5), "half of the cosine's 60 epochs"
    assert rates[42 * 500] == pytest.approx(0.25 * (1 + math.cos(math.pi * 0.7)))
    straight = replace(recipe, epochs=60, cooldown=0, warmup=0)
    assert straight.learning_rate(0, 500) == 1
    assert straight.learning_rate(60 * 500, 500) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shift": 32}, "shift is 32"),
        ({"warmup": -1}, "warmup is -1"),
        ({"threads": 0}, "threads is 0"),
        ({"norm_images": 1}, "norm_images is 1"),
        ({"cooldown": -1}, "cooldown is -1"),
        ({"epochs": 61}, "the learning rate reaches 0 after 60 of 61 epochs"),
    ],
)
def test_number_that_makes_no_sense_is_one_error(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        train(replace(TINY, **change), some_data())
    assert caught.value.remedy


def test_data_that_cannot_be_trained_on_is_one_error() -> None:
    data = some_data()
    bits = Dataset("bits", bits=data.as_bits(), labels=data.labels)
    cases = [
        (TINY, replace(data, labels=None), "has no labels"),
        (TINY, data.take(1), "has 1 images; 2 are needed"),
        (replace(TINY, held_out=59), data, "has 60 images; 59 are held out"),
        (TINY, Dataset("digits", pixels=np.zeros((60, 784), np.uint8), labels=data.labels), "takes 3072"),
        (TINY, bits, "holds bits; cnv takes pixels"),
        (TINY, replace(data, labels=np.full(60, 10, np.uint8)), "has the label 10; cnv has 10 classes"),
    ]
    for recipe, bad, message in cases:
        with pytest.raises(DataError, match=message) as caught:
            train(recipe, bad)
        assert caught.value.remedy


def test_script_refuses_images_of_another_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bitfold.networks import train as training

    monkeypatch.setattr(training, "pytorch", lambda: None)
    digits = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "d.npz", x_train=digits, y_train=np.zeros(20, np.uint8), x_test=digits[:5])
    assert main(["cnv", "--data", str(tmp_path / "d.npz"), "--out", str(tmp_path / "w.npz")]) == 2
    error = capsys.readouterr().err
    assert "expected images of 32 x 32 x 3 pixels" in error
    assert "help: " in error


def test_option_of_another_network_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sfc", "--data", "m.npz", "--out", str(tmp_path / "w.npz"), "--warmup", "5"]) == 2
    assert "sfc has no --warmup" in capsys.readouterr().err
