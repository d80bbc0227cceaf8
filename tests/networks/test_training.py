"""The training script: what it refuses, and, where PyTorch is installed, what it writes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitfold.diagnostics import DataError, UsageError
from bitfold.networks import augment
from bitfold.networks import train as training
from bitfold.networks.datasets import Dataset, load
from bitfold.networks.recipes import Recipe
from bitfold.networks.ste import Model
from bitfold.networks.train import main, train
from bitfold.networks.weights_io import Weights, load_weights

TINY = Recipe("sfc", (784, 16, 16, 10), epochs=3, batch=50, held_out=100, shift=1)


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="training needs PyTorch: pip install 'bitfold[train]'")


def digits(count: int, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Images of 10 classes that are easily told apart: a noisy bar at a row that is the class's own."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count, dtype=np.uint8)
    images = rng.integers(0, 140, (count, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 4 : 2 * label + 6, 4:24] = 255
    return images, labels


def some_data(count: int = 500) -> Dataset:
    images, labels = digits(count, 1)
    return Dataset("bars", pixels=images.reshape(count, 784), labels=labels)


def archive(folder: Path) -> Path:
    (x_train, y_train), (x_test, y_test) = digits(500, 1), digits(100, 2)
    path = folder / "bars.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


def same(a: Weights, b: Weights) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.weights, b.weights, strict=True)) and all(
        np.array_equal(x, y) for x, y in zip(a.thresholds, b.thresholds, strict=True)
    )


# With PyTorch


def test_script_writes_weights_with_their_record_and_recipe(
    torch: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = archive(tmp_path), tmp_path / "w.npz"
    options = ["--epochs", "2", "--batch", "50", "--held-out", "100", "--seed", "4"]
    assert main(["sfc", "--data", str(data), "--out", str(out), *options]) == 0
    assert "of 100 test images, by integer inference" in capsys.readouterr().out
    found = load_weights(out, (784, 256, 256, 256, 10))
    test = load(data)
    np.testing.assert_array_equal(found.infer(test.as_bits()), found.scores)
    assert found.scores is not None
    assert found.accuracy == (found.scores.argmax(axis=1) == test.labels).mean()
    assert found.accuracy is not None
    assert found.accuracy > 0.5, "bars are easy"
    with np.load(out) as stored:
        recipe = json.loads(str(stored["recipe"]))
    assert recipe["seed"] == 4
    assert recipe["torch"] == torch.__version__
    assert "--data bars.npz --out w.npz --seed 4 --epochs 2 --batch 50" in recipe["command"]


def test_same_seed_gives_the_same_weights(torch: Any) -> None:
    data = some_data()
    first = train(TINY, data)
    assert same(first, train(TINY, data))
    assert not same(first, train(replace(TINY, seed=2), data))


def test_integers_classify_like_the_floats_they_were_folded_from(torch: Any) -> None:
    reported: list[float] = []
    data = some_data()
    weights = train(TINY, data, progressed=lambda epoch, loss, accuracy: reported.append(accuracy))
    assert len(reported) == TINY.epochs
    order = torch.randperm(len(data), generator=_after_weights(torch)).numpy()
    held = order[: TINY.held_out]
    assert data.labels is not None
    correct = weights.infer(data.as_bits()[held]).argmax(axis=1) == data.labels[held]
    assert correct.mean() == pytest.approx(max(reported))


def _after_weights(torch: Any) -> Any:
    """The generator as it stands when `train` chooses the held-out images."""
    generator = torch.Generator().manual_seed(TINY.seed)
    Model(torch, TINY.dims, generator)
    return generator


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


def test_checkpoint_that_does_not_belong_is_one_error(torch: Any, tmp_path: Path) -> None:
    checkpoint = tmp_path / "c.pt"
    train(replace(TINY, epochs=1), some_data(), checkpoint=checkpoint)
    with pytest.raises(DataError, match="checkpoint of another recipe or other data"):
        train(TINY, some_data(), checkpoint=checkpoint)
    with pytest.raises(DataError, match="checkpoint of another recipe or other data"):
        train(replace(TINY, epochs=1), some_data(400), checkpoint=checkpoint)
    whole = checkpoint.read_bytes()
    for content in (whole[: len(whole) // 2], b"not a checkpoint", b"\x80\x02}q\x00."):
        checkpoint.write_bytes(content)
        with pytest.raises(
            DataError, match=r"is no checkpoint of networks/train.py, or is damaged"
        ) as caught:
            train(TINY, some_data(), checkpoint=checkpoint)
        assert caught.value.remedy


def test_shift_moves_images_whole(torch: Any) -> None:
    x = torch.zeros(40, 784, dtype=torch.uint8)
    x[:, 14 * 28 + 14] = 1
    moved = augment.shifted(torch, x, 2, torch.Generator().manual_seed(0)).view(40, 28, 28)
    rows, columns = moved.nonzero()[:, 1:].T
    assert len(rows) == 40
    assert set(rows.tolist()) == set(columns.tolist()) == {12, 13, 14, 15, 16}


# Without it: errors found before training starts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"batch": 1}, "batch is 1"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"shift": 28}, "shift is 28"),
        ({"held_out": -1}, "held_out is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"score_scale": 0.0}, "score_scale is 0.0"),
    ],
)
def test_number_that_makes_no_sense_is_one_error(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        train(replace(TINY, **change), some_data())
    assert caught.value.remedy


def test_data_that_cannot_be_trained_on_is_one_error() -> None:
    data = some_data()
    with pytest.raises(DataError, match="has no labels"):
        train(TINY, replace(data, labels=None))
    with pytest.raises(DataError, match="has 50 images; 100 are held out"):
        train(TINY, data.take(50))
    with pytest.raises(DataError, match="has 4 pixels per image; sfc takes 784"):
        train(TINY, Dataset("dots", pixels=np.zeros((500, 4), np.uint8), labels=data.labels))


@pytest.fixture
def pretended_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "pytorch", lambda: None)


def test_missing_pytorch_is_one_error_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["sfc", "--data", str(archive(tmp_path)), "--out", str(tmp_path / "w.npz")]) == 2
    error = capsys.readouterr().err
    assert "training needs PyTorch, which is not installed" in error
    assert "pip install 'bitfold[train]'" in error


def no_folder(folder: Path) -> tuple[Path, Path]:
    return archive(folder), folder / "none" / "w.npz"


def folder_as_output(folder: Path) -> tuple[Path, Path]:
    return archive(folder), folder


def one_split(folder: Path) -> tuple[Path, Path]:
    images, labels = digits(20, 1)
    np.savez(folder / "one.npz", images=images, labels=labels)
    return folder / "one.npz", folder / "w.npz"


def no_test_labels(folder: Path) -> tuple[Path, Path]:
    images, labels = digits(20, 1)
    np.savez(folder / "n.npz", x_train=images, y_train=labels, x_test=images[:5])
    return folder / "n.npz", folder / "w.npz"


def no_data(folder: Path) -> tuple[Path, Path]:
    return folder / "none.npz", folder / "w.npz"


@pytest.mark.usefixtures("pretended_torch")
@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (no_folder, "cannot be written: there is no folder"),
        (folder_as_output, "cannot be written: it is a folder"),
        (one_split, "one set of images, which cannot be both trained on and tested on"),
        (no_test_labels, "has no labels of the test images"),
        (no_data, "no such file"),
    ],
)
def test_what_cannot_end_well_is_refused_before_training(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    paths: Callable[[Path], tuple[Path, Path]],
    message: str,
) -> None:
    data, out = paths(tmp_path)
    assert main(["sfc", "--data", str(data), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "help: " in error
