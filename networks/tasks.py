"""What training differs in from network to network; `train.py` has what is common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from bitfold.networks import augment, ste, ste_cnv, topology
from bitfold.networks.datasets import Dataset
from bitfold.networks.recipes import CnvRecipe, Recipe
from bitfold.networks.ste import Latent, Layer
from bitfold.networks.weights_io import Weights


class Task(ABC):
    """A network being trained.

    Attributes:
        x, y: inputs and classes of all training images, as tensors.
        model: what is trained.
        generator: of image order and augmentation.
    """

    x: Any
    y: Any
    model: Latent
    generator: Any
    test_batch: int = 1 << 20
    """Images at a time where nothing is trained."""

    @abstractmethod
    def split(self) -> tuple[Any, Any]:
        """Indices of the images held out, and of those trained on. Called once, before all else."""

    @abstractmethod
    def optimizer(self, per_epoch: int) -> tuple[Any, Any]:
        """The optimizer, and the schedule of its learning rate with so many steps in an epoch."""

    @abstractmethod
    def augmented(self, chosen: Any) -> Any:
        """The images `chosen`, each changed at random, as `logits` takes them."""

    @abstractmethod
    def plain(self, chosen: Any) -> Any:
        """The images `chosen` as they are, as `logits` takes them."""

    @abstractmethod
    def logits(self, images: Any, *, training: bool) -> Any:
        """What goes into the softmax, (N, classes); with running statistics unless `training`."""

    @abstractmethod
    def folded(self, snapshot: Sequence[Layer], kept: Any) -> Weights:
        """The integers of a snapshot of the model, trained on the images `kept`."""


class DenseTask(Task):
    """A fully connected network on bits."""

    def __init__(self, torch: Any, recipe: Recipe, data: Dataset) -> None:
        self.torch, self.recipe = torch, recipe
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.dense = self.model = ste.Model(torch, recipe.dims, self.generator)
        self.x = torch.from_numpy(recipe.inputs(data))
        self.y = torch.from_numpy(np.array(data.labels, np.int64))

    def split(self) -> tuple[Any, Any]:
        order = self.torch.randperm(len(self.x), generator=self.generator)
        return order[: self.recipe.held_out], order[self.recipe.held_out :]

    def optimizer(self, per_epoch: int) -> tuple[Any, Any]:
        steps = self.recipe.epochs * per_epoch
        optimizer = self.torch.optim.Adam(self.model.parameters(), lr=self.recipe.lr)
        return optimizer, self.torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def augmented(self, chosen: Any) -> Any:
        moved = augment.shifted(self.torch, self.x[chosen], self.recipe.shift, self.generator)
        return moved.float() * 2 - 1

    def plain(self, chosen: Any) -> Any:
        return self.x[chosen].float() * 2 - 1

    def logits(self, images: Any, *, training: bool) -> Any:
        return self.dense.scores(images, training=training) * self.recipe.score_scale

    def folded(self, snapshot: Sequence[Layer], kept: Any) -> Weights:
        return ste.folded(snapshot)


class CnvTask(Task):
    """CNV on pixels."""

    test_batch = 500

    def __init__(self, torch: Any, recipe: CnvRecipe, data: Dataset) -> None:
        self.torch, self.recipe = torch, recipe
        torch.set_num_threads(recipe.threads)
        self._first = torch.Generator().manual_seed(recipe.seed)
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.cnv = self.model = ste_cnv.CnvModel(torch, recipe.dims, recipe.score_scale, self._first)
        pixels = topology.centred(recipe.inputs(data)).reshape(-1, *topology.CNV_IMAGE)
        self.x = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
        self.y = torch.from_numpy(np.array(data.labels, np.int64))

    def split(self) -> tuple[Any, Any]:
        order = self.torch.randperm(len(self.x), generator=self._first)
        return order[: self.recipe.held_out], order[self.recipe.held_out :].sort().values

    def optimizer(self, per_epoch: int) -> tuple[Any, Any]:
        def factor(step: int) -> float:
            return self.recipe.learning_rate(step, per_epoch)

        optimizer = self.torch.optim.Adam(self.model.parameters(), lr=self.recipe.lr, foreach=True)
        return optimizer, self.torch.optim.lr_scheduler.LambdaLR(optimizer, factor)

    def augmented(self, chosen: Any) -> Any:
        found = augment.shifted_and_flipped(self.torch, self.x[chosen], self.recipe.shift, self.generator)
        return found / topology.INPUT_ZERO

    def plain(self, chosen: Any) -> Any:
        return self.x[chosen].float() / topology.INPUT_ZERO

    def logits(self, images: Any, *, training: bool) -> Any:
        return self.cnv.logits(images, training=training)

    def folded(self, snapshot: Sequence[Layer], kept: Any) -> Weights:
        images = self.x[kept[: self.recipe.norm_images]]
        return ste_cnv.folded(ste_cnv.with_exact_norms(self.torch, snapshot, images))


def task(torch: Any, recipe: Recipe, data: Dataset) -> Task:
    """Of the kind that `recipe` is for."""
    if isinstance(recipe, CnvRecipe):
        return CnvTask(torch, recipe, data)
    return DenseTask(torch, recipe, data)
