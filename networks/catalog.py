"""What there is to run: the networks, the schedules that ship with bitfold, and schedules in users' files."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import DataError, UsageError, choices
from bitfold.networks import datasets
from bitfold.networks.datasets import Dataset
from bitfold.networks.weights_io import Weights, bundled, load_weights
from bitfold.schedule import Schedule
from bitfold.userfile import apply_schedule, find_function, load_file

SCHEDULES = ("fold_a", "finn_max", "finn_fix", "cpu")
AUTO = "auto"
"""The schedule that is found for a requirement; it has no function of its own."""

__all__ = [
    "SCHEDULES",
    "Network",
    "apply_schedule",
    "find_network",
    "find_schedule",
    "networks",
]

ScheduleFunction = Callable[[Schedule], object]


@dataclass(frozen=True)
class Network:
    """A network that can be run.

    Attributes:
        image: rows, columns and, of colour images, channels of what it classifies.
        dims: the layer widths of a fully connected network, which takes bits; None of one that takes pixels.
        build: makes its kernel from weights.
        classes: what the classes are called, where the bundled weights are used.
    """

    name: str
    title: str
    image: tuple[int, ...]
    dims: tuple[int, ...] | None
    build: Callable[[Weights], Callable[..., None]]
    classes: tuple[str, ...]

    def load_weights(self, path: Path | None) -> Weights:
        """Its weights from a file, or those that come with Bitfold. Raises DataError."""
        if path is None:
            return bundled(self.name)
        if self.dims is None:
            return load_weights(path, network=self.name)
        return load_weights(path, (*self.dims[:-1], None))

    def test_set(self) -> Dataset:
        """The labelled images that come with Bitfold."""
        return datasets.cifar10_test_1000() if self.dims is None else datasets.mnist_test()

    def inputs(self, data: Dataset) -> NDArray[np.uint8]:
        """The images as the kernel takes them: bits (N, inputs), or pixels (N, rows * columns, channels).

        Raises:
            DataError: images of another size, or bits where pixels are needed.
        """
        if data.n_pixels != prod(self.image):
            size = " x ".join(map(str, self.image))
            raise DataError(
                f"{data.name}: images have {data.n_pixels} pixels; {self.name} takes {prod(self.image)}",
                code="BF-D006",
                remedy=f"give images of {size}",
            )
        if self.dims is not None:
            return data.as_bits()
        if data.pixels is None:
            raise DataError(
                f"{data.name}: holds bits; {self.name} takes pixels",
                code="BF-D006",
                remedy="give pixels 0..255",
            )
        return data.pixels.reshape(len(data), -1, self.image[-1])


def networks() -> tuple[str, ...]:
    """The names of the networks."""
    return ("sfc", "lfc", "cnv")


def find_network(name: str) -> Network:
    """The network of that name. Raises UsageError that lists them when there is none."""
    if name not in networks():
        raise UsageError(
            f"there is no network named {name!r}", code="BF-U003", remedy=choices(name, networks())
        )
    module = importlib.import_module(f"bitfold.networks.{name}")
    return Network(name, module.TITLE, module.IMAGE, module.DIMS, module.network, module.CLASSES)


def find_schedule(name: str) -> ScheduleFunction:
    """A schedule by the name of one that ships, or as FILE.py:FUNCTION.

    Raises:
        UsageError: no schedule of that name (those there are get listed), or no such file or function.
    """
    file, colon, function = name.rpartition(":")
    if colon or name.endswith(".py"):
        return _from_file(file if colon else name, function if colon else Path(name).stem)
    if name not in SCHEDULES:
        raise UsageError(
            f"there is no schedule named {name!r}",
            code="BF-U003",
            remedy=f"{choices(name, (*SCHEDULES, AUTO))}; or give your own as FILE.py:FUNCTION",
        )
    module = importlib.import_module(f"bitfold.schedules.{name}")
    found: ScheduleFunction = getattr(module, name)
    return found


def _from_file(file: str, function: str) -> ScheduleFunction:
    known = f"known by name: {', '.join(SCHEDULES)}"
    return find_function(load_file(file, "schedule file", known), file, function)
