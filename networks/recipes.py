"""How each network is trained: every number that decides the result, and the check that it makes sense."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import DataError, UsageError
from bitfold.networks import topology
from bitfold.networks.datasets import Dataset

LABELS = "put the labels file beside the images"
"""The remedy where labels are missing."""

_BOUNDS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**63 - 1),
    "epochs": (1, math.inf),
    "batch": (2, math.inf),
    "lr": (1e-9, 10),
    "held_out": (0, math.inf),
    "score_scale": (1e-9, 1e9),
    "warmup": (0, math.inf),
    "horizon": (1, math.inf),
    "cooldown": (0, math.inf),
    "threads": (1, 1024),
    "norm_images": (2, math.inf),
}


@dataclass(frozen=True)
class Recipe:
    """All that decides a fully connected network's parameters, besides the data and PyTorch's version.

    Attributes:
        network: its name.
        dims: layer widths, input first.
        seed: of initial weights, held-out images, image order and shifts.
        epochs: passes over the training images that are not held out.
        batch: images per step.
        lr: Adam's first learning rate; it falls to 0 along a cosine.
        shift: each training image is moved by up to this many pixels in both directions.
        held_out: training images kept for choosing the best epoch; with 0 the last epoch is taken.
        score_scale: the integer scores are multiplied by this before the softmax.
    """

    image: ClassVar[tuple[int, ...]] = (28, 28)
    """The shape of an image."""

    network: str
    dims: tuple[int, ...]
    seed: int = 1
    epochs: int = 160
    batch: int = 250
    lr: float = 3e-3
    shift: int = 1
    held_out: int = 5000
    score_scale: float = 0.03

    def inputs(self, data: Dataset) -> NDArray[np.uint8]:
        """What the network takes of images, uint8 (N, inputs): bits.

        Raises:
            DataError: images of another size.
        """
        self._check_size(data)
        return data.as_bits()

    def _check_size(self, data: Dataset) -> None:
        if data.n_pixels != math.prod(self.image):
            takes = math.prod(self.image)
            raise DataError(
                f"{data.name}: has {data.n_pixels} pixels per image; {self.network} takes {takes}",
                code="BF-D006",
                remedy=f"give images of {' x '.join(map(str, self.image))}",
            )


@dataclass(frozen=True)
class CnvRecipe(Recipe):
    """The same of CNV, whose images are mirrored too, half of them in each epoch.

    Attributes:
        dims: channels of the image and of the convolutions, then the dense layers' widths.
        score_scale: where it starts; it is trained.
        warmup: steps in which the learning rate rises from 0.
        horizon: epochs in which the cosine reaches 0; where training ends earlier, it is cut.
        cooldown: last epochs, in which the learning rate is brought to 0 along a line, times the cosine.
        threads: of PyTorch. Another number adds in another order, and ends in similar, not equal, parameters.
        norm_images: training images from which batch norm's statistics are computed exactly in the end.
    """

    image: ClassVar[tuple[int, ...]] = topology.CNV_IMAGE

    epochs: int = 48
    batch: int = 100
    shift: int = 2
    held_out: int = 0
    warmup: int = 500
    horizon: int = 60
    cooldown: int = 12
    threads: int = 2
    norm_images: int = 10_000

    def inputs(self, data: Dataset) -> NDArray[np.uint8]:
        """Pixels, uint8 (N, 3072), ordered row, column, channel.

        Raises:
            DataError: images of another size, or bits.
        """
        self._check_size(data)
        if data.pixels is None:
            raise DataError(
                f"{data.name}: holds bits; {self.network} takes pixels",
                code="BF-D006",
                remedy="give pixels 0..255",
            )
        return data.pixels

    def learning_rate(self, step: int, per_epoch: int) -> float:
        """The factor on `lr` in `step` of the training, with so many steps in an epoch."""
        rising = min(1.0, step / self.warmup) if self.warmup else 1.0
        cosine = 0.5 * (1 + math.cos(math.pi * step / (self.horizon * per_epoch)))
        left = self.epochs * per_epoch - step
        return rising * cosine * (min(1.0, left / (self.cooldown * per_epoch)) if self.cooldown else 1.0)


_CNV_DIMS = (topology.CNV_IMAGE[-1], *(out for out, _ in topology.cnv_shapes(10)))

RECIPES = {
    "sfc": Recipe("sfc", (784, 256, 256, 256, 10)),
    "lfc": Recipe("lfc", (784, 1024, 1024, 1024, 10)),
    "cnv": CnvRecipe("cnv", _CNV_DIMS),
}


def check(recipe: Recipe, data: Dataset) -> None:
    """Refuse what cannot be trained.

    Raises:
        UsageError: a number in the recipe that makes no sense.
        DataError: too few images, no labels, images of another size or kind.
    """
    bounds = _BOUNDS | {"shift": (0, recipe.image[0] - 1)}
    for name, value in asdict(recipe).items():
        low, high = bounds.get(name, (None, None))
        if low is None or high is None or low <= value <= high:
            continue
        limits = f"at least {low}" if high == math.inf else f"{low}..{high}"
        option = name.replace("_", "-")
        raise UsageError(f"{name} is {value}", code="BF-U016", remedy=f"give {limits} with --{option}")
    if isinstance(recipe, CnvRecipe) and recipe.horizon < recipe.epochs:
        raise UsageError(
            f"the learning rate reaches 0 after {recipe.horizon} of {recipe.epochs} epochs",
            code="BF-U016",
            remedy=f"give --horizon {recipe.epochs} or more, or fewer epochs with --epochs",
        )
    if data.labels is None:
        raise DataError(f"{data.name}: has no labels to train on", code="BF-D008", remedy=LABELS)
    recipe.inputs(data)
    if len(data) < recipe.held_out + 2:
        use = (
            f"{recipe.held_out} are held out to choose the best epoch" if recipe.held_out else "2 are needed"
        )
        raise DataError(
            f"{data.name}: has {len(data)} images; {use}",
            code="BF-D009",
            remedy="give more images" + (", or hold out fewer with --held-out" if recipe.held_out else ""),
        )
    highest, classes = int(data.labels.max()), recipe.dims[-1]
    if highest >= classes:
        raise DataError(
            f"{data.name}: has the label {highest}; {recipe.network} has {classes} classes",
            code="BF-D007",
            remedy=f"give labels 0..{classes - 1}",
        )
