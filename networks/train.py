"""Train a fully binarized network on MNIST: `python networks/train.py sfc --data mnist.npz --out sfc.npz`.

Needs PyTorch (`pip install 'bitfold[train]'`). The model is in `ste.py`, folding to integers in
`thresholds.py`. What is written has been verified by integer inference alone. One thread and a seed give the
same bytes.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bitfold.diagnostics import BitfoldError, DataError, UsageError
from bitfold.networks import npz
from bitfold.networks.datasets import Dataset, Split, load
from bitfold.networks.ste import Model, folded, pytorch
from bitfold.networks.weights_io import Weights, save_weights

SIDE = 28
_LABELS = "put the labels file beside the images"


@dataclass(frozen=True)
class Recipe:
    """All that decides the trained parameters, besides the data and PyTorch's version.

    Attributes:
        network: its name.
        dims: layer widths, input first.
        seed: of initial weights, held-out images, image order and shifts.
        epochs: passes over the training images that are not held out.
        batch: images per step.
        lr: Adam's first learning rate; it falls to 0 along a cosine.
        shift: each training image is moved by up to this many pixels in both directions.
        held_out: training images kept for choosing the best epoch.
        score_scale: the integer scores are multiplied by this before the softmax.
    """

    network: str
    dims: tuple[int, ...]
    seed: int = 1
    epochs: int = 160
    batch: int = 250
    lr: float = 3e-3
    shift: int = 1
    held_out: int = 5000
    score_scale: float = 0.03


RECIPES = {
    "sfc": Recipe("sfc", (784, 256, 256, 256, 10)),
    "lfc": Recipe("lfc", (784, 1024, 1024, 1024, 10)),
}

Progressed = Callable[[int, float, float], None]
"""Called after each epoch with the epochs done, the mean training loss, and the held-out accuracy."""


def train(
    recipe: Recipe, data: Dataset, *, checkpoint: Path | None = None, progressed: Progressed | None = None
) -> Weights:
    """Train by `recipe` on `data`, and fold the epoch that is best on the held-out images.

    Args:
        data: training images with labels.
        checkpoint: written after each epoch; where it exists, training goes on from it to the same result.

    Returns:
        The integers, without recorded accuracy and scores.

    Raises:
        BuildError: PyTorch is not installed.
        UsageError: a number in the recipe that makes no sense.
        DataError: too few images, no labels, images of another size, or a checkpoint that does not belong.
    """
    _check(recipe, data)
    torch = pytorch()
    generator = torch.Generator().manual_seed(recipe.seed)
    model = Model(torch, recipe.dims, generator)
    order = torch.randperm(len(data), generator=generator)
    x = torch.from_numpy(data.as_bits())
    y = torch.from_numpy(np.array(data.labels, np.int64))
    held, kept = order[: recipe.held_out], order[recipe.held_out :]
    state = _State(torch, recipe, model, generator, data=data)
    if checkpoint is not None and checkpoint.exists():
        state.load(checkpoint)
    for epoch in range(state.epoch, recipe.epochs):
        loss = _epoch(state, x, y, kept[torch.randperm(len(kept), generator=generator)])
        correct = _correct(model, x[held], y[held])
        if correct >= state.best_correct:
            state.best_correct, state.best = correct, model.snapshot()
        state.epoch = epoch + 1
        if checkpoint is not None:
            state.save(checkpoint)
        if progressed is not None:
            progressed(state.epoch, loss, correct / max(1, len(held)))
    return folded(state.best)


def _check(recipe: Recipe, data: Dataset) -> None:
    bounds = {
        "seed": (0, 2**63 - 1),
        "epochs": (1, math.inf),
        "batch": (2, math.inf),
        "lr": (1e-9, 10),
        "shift": (0, SIDE - 1),
        "held_out": (0, math.inf),
        "score_scale": (1e-9, 1e9),
    }
    for name, (low, high) in bounds.items():
        value = getattr(recipe, name)
        if not low <= value <= high:
            limits = f"at least {low}" if high == math.inf else f"{low}..{high}"
            option = name.replace("_", "-")
            raise UsageError(f"{name} is {value}", remedy=f"give {limits} with --{option}")
    if data.labels is None:
        raise DataError(f"{data.name}: has no labels to train on", remedy=_LABELS)
    if data.n_pixels != recipe.dims[0]:
        raise DataError(
            f"{data.name}: has {data.n_pixels} pixels per image; {recipe.network} takes {recipe.dims[0]}",
            remedy="give MNIST's images of 28 x 28 pixels",
        )
    if len(data) < recipe.held_out + 2:
        raise DataError(
            f"{data.name}: has {len(data)} images; {recipe.held_out} are held out to choose the best epoch",
            remedy="give more images, or hold out fewer with --held-out",
        )


class _State:
    """Everything that a resumed training needs."""

    def __init__(self, torch: Any, recipe: Recipe, model: Model, generator: Any, data: Dataset) -> None:
        self.torch, self.recipe, self.model, self.generator = torch, recipe, model, generator
        self.belongs_to = json.dumps([asdict(recipe), len(data), zlib.crc32(data.as_bits().tobytes())])
        steps = recipe.epochs * -(-(len(data) - recipe.held_out) // recipe.batch)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, steps)
        self.epoch, self.best_correct, self.best = 0, -1, model.snapshot()

    def save(self, path: Path) -> None:
        buffer = io.BytesIO()
        content = {
            "belongs_to": self.belongs_to,
            "epoch": self.epoch,
            "model": self.model.snapshot(),
            "best": self.best,
            "best_correct": self.best_correct,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
        }
        self.torch.save(content, buffer)
        npz.write_bytes(path, buffer.getvalue())

    def load(self, path: Path) -> None:
        remedy = "delete the checkpoint to start afresh, or name another with --checkpoint"
        raw = npz.read_bytes(path, what="a checkpoint of networks/train.py", remedy=remedy)
        try:
            content = self.torch.load(io.BytesIO(raw), weights_only=True)
            belongs_to = content["belongs_to"]
            if belongs_to == self.belongs_to:
                self.model.restore(content["model"])
                self.optimizer.load_state_dict(content["optimizer"])
                self.schedule.load_state_dict(content["schedule"])
                self.generator.set_state(content["generator"])
                self.epoch, self.best = content["epoch"], content["best"]
                self.best_correct = content["best_correct"]
        except Exception:  # the unpickler raises whatever a damaged file provokes
            message = f"{path}: is no checkpoint of networks/train.py, or is damaged"
            raise DataError(message, remedy=remedy) from None
        if belongs_to != self.belongs_to:
            raise DataError(
                f"{path}: is a checkpoint of another recipe or other data ({belongs_to})",
                remedy=remedy,
            )


def _epoch(state: _State, x: Any, y: Any, order: Any) -> float:
    """One pass over the images `order`; the mean loss."""
    torch, recipe, model = state.torch, state.recipe, state.model
    total = 0.0
    for chosen in order.split(recipe.batch):
        if len(chosen) < 2:  # batch norm has no variance of one image
            continue
        images = _shifted(torch, x[chosen], recipe.shift, state.generator).float() * 2 - 1
        scores = model.scores(images, training=True) * recipe.score_scale
        loss = torch.nn.functional.cross_entropy(scores, y[chosen])
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        state.schedule.step()
        model.clip()
        total += loss.item() * len(chosen)
    return total / len(order)


def _shifted(torch: Any, x: Any, reach: int, generator: Any) -> Any:
    """Each image of `x` (N, 784) moved by its own -reach..reach rows and columns; 0 comes in at the edge."""
    if not reach:
        return x
    wide = SIDE + 2 * reach
    padded = torch.nn.functional.pad(x.view(-1, SIDE, SIDE), (reach,) * 4).view(len(x), wide * wide)
    grid = (torch.arange(SIDE)[:, None] * wide + torch.arange(SIDE)).view(1, -1)
    move = torch.randint(0, 2 * reach + 1, (2, len(x), 1), generator=generator)
    return padded.gather(1, grid + move[0] * wide + move[1])


def _correct(model: Model, x: Any, y: Any) -> int:
    """How many images are classified rightly, with running statistics."""
    with model.torch.no_grad():
        return int((model.scores(x.float() * 2 - 1, training=False).argmax(1) == y).sum())


def verified(weights: Weights, test: Dataset) -> Weights:
    """`weights` with the scores of all test images, by integer inference, and their accuracy."""
    if test.labels is None:
        raise DataError(f"{test.name}: has no labels to verify against", remedy=_LABELS)
    scores = weights.infer(test.as_bits())
    accuracy = float((scores.argmax(axis=1) == test.labels).mean())
    return replace(weights, accuracy=accuracy, scores=scores)


def describe(recipe: Recipe, data: Path, out: Path) -> str:
    """JSON of the recipe, PyTorch's version and the command that repeats it."""
    torch = pytorch()
    content = asdict(recipe)
    command = f"python networks/train.py {recipe.network} --data {data.name} --out {out.name}"
    for name, value in content.items():
        if name not in ("network", "dims"):
            command += f" --{name.replace('_', '-')} {value}"
    return json.dumps({**content, "torch": torch.__version__, "command": command})


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status: 0, 2 after a user's error, 130 when interrupted."""
    options = _parser().parse_args(argv)
    given = {name: value for name, value in vars(options).items() if value is not None}
    recipe = RECIPES[options.network]
    recipe = replace(recipe, **{name: given[name] for name in asdict(recipe) if name in given})
    try:
        pytorch()
        _check_out(options.out)
        train_set, test_set = _both_splits(options.data)
        weights = _train_with_bar(recipe, train_set, options.checkpoint)
        weights = verified(weights, test_set)
        save_weights(options.out, weights, recipe=describe(recipe, options.data, options.out))
    except BitfoldError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        again = f"; the same command goes on from {options.checkpoint}" if options.checkpoint else ""
        print(f"interrupted{again}", file=sys.stderr)
        return 130
    print(f"{options.out}: {weights.accuracy:.2%} of {len(test_set)} test images, by integer inference")
    return 0


def _check_out(out: Path) -> None:
    """Find out before training, not after it, that its result has no place."""
    if out.is_dir() or not out.parent.is_dir():
        reason = "it is a folder" if out.is_dir() else f"there is no folder {out.parent}"
        raise DataError(f"{out}: cannot be written: {reason}", remedy="give a file in a folder that exists")


def _both_splits(path: Path) -> tuple[Dataset, Dataset]:
    """Training and test images with labels, which must not be the same images."""
    train_set, test_set = load(path, split=Split.TRAIN), load(path, split=Split.TEST)
    if test_set.labels is None:
        raise DataError(f"{path}: has no labels of the test images", remedy=_LABELS)
    if np.array_equal(train_set.as_bits(), test_set.as_bits()):
        raise DataError(
            f"{path}: holds one set of images, which cannot be both trained on and tested on",
            remedy="give an .npz with x_train, y_train, x_test and y_test, or a folder of MNIST's IDX files",
        )
    return train_set, test_set


def _train_with_bar(recipe: Recipe, data: Dataset, checkpoint: Path | None) -> Weights:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task(recipe.network, total=recipe.epochs)

        def progressed(epoch: int, loss: float, accuracy: float) -> None:
            text = f"{recipe.network}: loss {loss:.4f}, held-out {accuracy:.2%}"
            progress.update(task, completed=epoch, description=text)

        return train(recipe, data, checkpoint=checkpoint, progressed=progressed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python networks/train.py", description="Train a binarized network on MNIST."
    )
    parser.add_argument("network", choices=sorted(RECIPES))
    parser.add_argument(
        "--data", type=Path, required=True, help="mnist.npz, or a folder of MNIST's IDX files"
    )
    parser.add_argument("--out", type=Path, required=True, help="the weights file (.npz) to write")
    parser.add_argument("--checkpoint", type=Path, help="written after each epoch; training resumes from it")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int, help="images per step")
    parser.add_argument("--lr", type=float, help="first learning rate")
    parser.add_argument("--shift", type=int, help="move training images by up to this many pixels")
    parser.add_argument("--held-out", type=int, help="training images kept for choosing the best epoch")
    parser.add_argument("--score-scale", type=float, help="factor on the scores before the softmax")
    return parser


if __name__ == "__main__":
    from bitfold.networks.train import main as imported_main

    raise SystemExit(imported_main())
