"""Train a fully binarized network.

    python networks/train.py sfc --data mnist.npz --out sfc.npz
    python networks/train.py cnv --data cifar10.npz --out cnv.npz --checkpoint cnv.pt

Needs PyTorch (`pip install 'bitfold[train]'`). `recipes.py` has the numbers, `ste.py` and `ste_cnv.py` the
models, `tasks.py` what else differs between them, `thresholds.py` folds to integers. What is written has been
verified by integer inference alone. One thread and a seed give the same bytes; CNV is trained with two.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bitfold.diagnostics import BitfoldError, DataError, UsageError
from bitfold.networks import npz
from bitfold.networks.datasets import Dataset, Split, load
from bitfold.networks.recipes import LABELS, RECIPES, Recipe, check
from bitfold.networks.ste import pytorch
from bitfold.networks.tasks import Task, task
from bitfold.networks.weights_io import Weights, save_weights

_VERIFIED_AT_A_TIME = 500

Progressed = Callable[[int, float, float], None]
"""Called after each epoch: the epochs done, the mean training loss, and the held-out accuracy (0 of none)."""


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
    check(recipe, data)
    torch = pytorch()
    training = task(torch, recipe, data)
    held, kept = training.split()
    state = _State(torch, recipe, training, data)
    if checkpoint is not None and checkpoint.exists():
        state.load(checkpoint)
    for epoch in range(state.epoch, recipe.epochs):
        loss = _epoch(state, kept[torch.randperm(len(kept), generator=training.generator)])
        correct = _correct(torch, training, held)
        if correct >= state.best_correct:
            state.best_correct, state.best = correct, training.model.snapshot()
        state.epoch = epoch + 1
        if checkpoint is not None:
            state.save(checkpoint)
        if progressed is not None:
            progressed(state.epoch, loss, correct / max(1, len(held)))
    return training.folded(state.best, kept)


class _State:
    """Everything that a resumed training needs."""

    def __init__(self, torch: Any, recipe: Recipe, training: Task, data: Dataset) -> None:
        self.torch, self.recipe, self.task = torch, recipe, training
        self.belongs_to = json.dumps([asdict(recipe), len(data), zlib.crc32(recipe.inputs(data).tobytes())])
        per_epoch = -(-(len(data) - recipe.held_out) // recipe.batch)
        self.optimizer, self.schedule = training.optimizer(per_epoch)
        self.epoch, self.best_correct, self.best = 0, -1, training.model.snapshot()

    def save(self, path: Path) -> None:
        buffer = io.BytesIO()
        content = {
            "belongs_to": self.belongs_to,
            "epoch": self.epoch,
            "model": self.task.model.snapshot(),
            "best": self.best,
            "best_correct": self.best_correct,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self.task.generator.get_state(),
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
                self.task.model.restore(content["model"])
                self.optimizer.load_state_dict(content["optimizer"])
                self.schedule.load_state_dict(content["schedule"])
                self.task.generator.set_state(content["generator"])
                self.epoch, self.best = content["epoch"], content["best"]
                self.best_correct = content["best_correct"]
        except Exception:  # the unpickler raises whatever a damaged file provokes
            message = f"{path}: is no checkpoint of networks/train.py, or is damaged"
            raise DataError(message, code="BF-D014", remedy=remedy) from None
        if belongs_to != self.belongs_to:
            raise DataError(
                f"{path}: is a checkpoint of another recipe or other data ({belongs_to})",
                code="BF-D014",
                remedy=remedy,
            )


def _epoch(state: _State, order: Any) -> float:
    """One pass over the images `order`; the mean loss."""
    training, total = state.task, 0.0
    for chosen in order.split(state.recipe.batch):
        if len(chosen) < 2:  # batch norm has no variance of one image
            continue
        logits = training.logits(training.augmented(chosen), training=True)
        loss = state.torch.nn.functional.cross_entropy(logits, training.y[chosen])
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        state.schedule.step()
        training.model.clip()
        total += loss.item() * len(chosen)
    return total / len(order)


def _correct(torch: Any, training: Task, held: Any) -> int:
    """How many of the images held out are classified rightly, with running statistics."""
    found = 0
    with torch.no_grad():
        for chosen in held.split(training.test_batch):
            logits = training.logits(training.plain(chosen), training=False)
            found += int((logits.argmax(1) == training.y[chosen]).sum())
    return found


def verified(
    recipe: Recipe, weights: Weights, test: Dataset, progressed: Callable[[int], None] | None = None
) -> Weights:
    """`weights` with the scores of all test images, by integer inference, and their accuracy.

    Args:
        progressed: called now and then with the images done.
    """
    if test.labels is None:
        raise DataError(f"{test.name}: has no labels to verify against", code="BF-D008", remedy=LABELS)
    inputs = recipe.inputs(test)
    scores = np.empty((len(inputs), weights.classes), np.int16)
    for start in range(0, len(inputs), _VERIFIED_AT_A_TIME):
        part = slice(start, start + _VERIFIED_AT_A_TIME)
        scores[part] = weights.infer(inputs[part])
        if progressed is not None:
            progressed(min(part.stop, len(inputs)))
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
    try:
        recipe = _recipe(options)
        pytorch()
        _check_out(options.out)
        train_set, test_set = _both_splits(recipe, options.data)
        weights = _train_with_bar(recipe, train_set, test_set, options.checkpoint)
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


def _recipe(options: argparse.Namespace) -> Recipe:
    """The network's recipe, with what the command line changes."""
    recipe = RECIPES[options.network]
    numbers = {name for known in RECIPES.values() for name in asdict(known)} - {"network", "dims"}
    given = {name: value for name, value in vars(options).items() if name in numbers and value is not None}
    for name in given:
        if not hasattr(recipe, name):
            option = name.replace("_", "-")
            raise UsageError(
                f"{recipe.network} has no --{option}", code="BF-U002", remedy="leave it out: it is for cnv"
            )
    return replace(recipe, **given)


def _check_out(out: Path) -> None:
    """Find out before training, not after it, that its result has no place."""
    if out.is_dir() or not out.parent.is_dir():
        reason = "it is a folder" if out.is_dir() else f"there is no folder {out.parent}"
        raise DataError(
            f"{out}: cannot be written: {reason}",
            code="BF-D013",
            remedy="give a file in a folder that exists",
        )


def _both_splits(recipe: Recipe, path: Path) -> tuple[Dataset, Dataset]:
    """Training and test images with labels, which must not be the same images."""
    train_set, test_set = (load(path, shape=recipe.image, split=split) for split in (Split.TRAIN, Split.TEST))
    if test_set.labels is None:
        raise DataError(f"{path}: has no labels of the test images", code="BF-D008", remedy=LABELS)
    if np.array_equal(recipe.inputs(train_set), recipe.inputs(test_set)):
        raise DataError(
            f"{path}: holds one set of images, which cannot be both trained on and tested on",
            code="BF-D009",
            remedy="give an .npz with x_train, y_train, x_test and y_test, or a folder of MNIST's IDX files",
        )
    return train_set, test_set


def _train_with_bar(recipe: Recipe, data: Dataset, test: Dataset, checkpoint: Path | None) -> Weights:
    """Train and verify; where no bar can be drawn, a line for each epoch shows the progress."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task(recipe.network, total=recipe.epochs)

        def progressed(epoch: int, loss: float, accuracy: float) -> None:
            text = f"{recipe.network}: loss {loss:.4f}"
            text += f", held-out {accuracy:.2%}" if recipe.held_out else ""
            progress.update(bar, completed=epoch, description=text)
            if not progress.console.is_terminal:
                progress.console.print(f"epoch {epoch} of {recipe.epochs}: {text}")

        weights = train(recipe, data, checkpoint=checkpoint, progressed=progressed)
        bar = progress.add_task("test images", total=len(test))
        return verified(recipe, weights, test, lambda done: progress.update(bar, completed=done))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python networks/train.py", description="Train a binarized network."
    )
    parser.add_argument("network", choices=sorted(RECIPES))
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="mnist.npz or a folder of MNIST's IDX files; for cnv cifar10.npz",
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
    parser.add_argument("--warmup", type=int, help="cnv: steps in which the learning rate rises")
    parser.add_argument("--horizon", type=int, help="cnv: epochs in which the cosine reaches 0")
    parser.add_argument("--cooldown", type=int, help="cnv: last epochs, which end at learning rate 0")
    parser.add_argument("--threads", type=int, help="cnv: threads of PyTorch")
    parser.add_argument("--norm-images", type=int, help="cnv: images for batch norm's final statistics")
    return parser


if __name__ == "__main__":
    from bitfold.networks.train import main as imported_main

    raise SystemExit(imported_main())
