"""The six designs of the paper's result table: what we find for each, and how far that is from the paper.

Rates are those of the word-by-word simulation, in which layers wait for each other as they do in the measured
designs; latencies are the closed form's, FINN's own sum over the layers. Both are at the paper's clock. LUTs
and block RAMs are the resource model's with the shell around the kernels, as published designs have one.
Accuracies are measured by running the scheduled program of each design on the CPU, with our own weights: the
paper's are not published.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bitfold.build.llvm.jit import CpuModule
from bitfold.devices import find_device
from bitfold.diagnostics import DataError, UsageError
from bitfold.model.cycles import model
from bitfold.model.resources import SHELL, estimate
from bitfold.model.simulate import simulate
from bitfold.networks import datasets
from bitfold.networks.catalog import Network, find_network, find_schedule
from bitfold.networks.datasets import Dataset
from bitfold.report.published import DESIGNS, Published
from bitfold.schedule import customize

WITHIN = 0.05
"""Rates and latencies are to be as close to the paper's."""

JUDGED = ("fps", "latency_us")

SIMULATED = 8
"""Images in a simulation: enough for the interval to settle."""

Source = Literal["abstract", "recalled"]


@dataclass(frozen=True)
class Figure:
    """One number of a design, ours beside the paper's.

    `how` says where ours comes from; `source` whether the paper's abstract states theirs or it is recalled
    from the table. `deviation` is a fraction of theirs, for an accuracy the difference of the fractions.
    `met` tells whether a judged figure is within WITHIN; None of one that is not judged.
    """

    name: str
    ours: float
    theirs: float
    how: Literal["measured", "modelled"]
    source: Source
    deviation: float
    met: bool | None


@dataclass(frozen=True)
class Design:
    """A design's figures, and what its accuracy was measured on; `images` 0 when it was not."""

    title: str
    network: str
    schedule: str
    data: str | None
    images: int
    figures: tuple[Figure, ...]

    def figure(self, name: str) -> Figure | None:
        return next((f for f in self.figures if f.name == name), None)


@dataclass(frozen=True)
class Comparison:
    """All designs. `met` when each rate and latency is close enough."""

    device: str
    clock_mhz: float
    designs: tuple[Design, ...]

    @property
    def missed(self) -> tuple[tuple[Design, Figure], ...]:
        return tuple((d, f) for d in self.designs for f in d.figures if f.met is False)

    @property
    def met(self) -> bool:
        return not self.missed

    def as_json(self) -> dict[str, Any]:
        """The comparison as JSON values; accuracies and deviations are fractions, latencies in us."""
        return {
            "schema": "bitfold-paper",
            "schema_version": 1,
            "device": self.device,
            "clock_mhz": self.clock_mhz,
            "within": WITHIN,
            "met": self.met,
            "designs": [
                {
                    "title": d.title,
                    "network": d.network,
                    "schedule": d.schedule,
                    "data": d.data,
                    "images": d.images,
                    "figures": {
                        f.name: {
                            "ours": f.ours,
                            "how": f.how,
                            "published": f.theirs,
                            "source": f.source,
                            "ratio": f.ours / f.theirs,
                            "deviation": f.deviation,
                            "met": f.met,
                        }
                        for f in d.figures
                    },
                }
                for d in self.designs
            ],
        }


def compare(
    *, images: int | None = None, cifar10: Path | None = None, accuracy: bool = True
) -> Iterator[Design]:
    """The designs one after another, as they are found: CNV's take half a minute each.

    Args:
        images: classify only so many of each test set.
        cifar10: CIFAR-10's whole test set in place of the bundled first 1,000 images.
        accuracy: whether to classify at all.

    Raises:
        DataError, UsageError: `cifar10` cannot be used, has no labels, or there are not so many images.
    """
    sets = {name: _images(find_network(name), images, cifar10) for name in {d.network for d in DESIGNS}}
    for published in DESIGNS:
        yield _design(published, sets[published.network] if accuracy else None)


def gathered(designs: Iterator[Design]) -> Comparison:
    """All of them as one comparison."""
    device = find_device("zc706")
    return Comparison(device.name, device.clock_mhz, tuple(designs))


def _images(network: Network, images: int | None, cifar10: Path | None) -> Dataset:
    if network.dims is None and cifar10 is not None:
        data = datasets.load(cifar10, None, network.image)
    else:
        data = network.test_set()
    if data.labels is None:
        raise DataError(
            f"{data.name} has no labels, so no accuracy can be measured",
            code="BF-D008",
            remedy="give labelled images",
        )
    if images is not None and images > len(data):
        raise UsageError(
            f"{images} images are asked for, but {data.name} has {len(data)}",
            code="BF-U016",
            remedy=f"--images 1 to {len(data)}",
        )
    if not len(data):
        raise DataError(
            f"{data.name} holds no images", code="BF-D009", remedy="give a file with at least one image"
        )
    return data if images is None else data.take(images)


def _design(published: Published, data: Dataset | None) -> Design:
    network, device = find_network(published.network), find_device("zc706")
    weights = network.load_weights(None)
    s = customize(network.build(weights))
    find_schedule(published.schedule)(s)
    closed = model(s.program, device.clock_mhz)
    steady = simulate(s.program, images=SIMULATED)
    total = estimate(s.program).total + SHELL
    figures = [
        _figure(published, "fps", device.clock_mhz * 1e6 / steady.interval_cycles),
        _figure(published, "latency_us", closed.latency_us),
        _figure(published, "lut", total.lut),
        _figure(published, "bram36", total.bram36),
    ]
    if data is not None:
        given = network.inputs(data)
        scores = np.zeros((len(data), weights.classes), np.int16)
        labels = np.zeros((len(data), 1), np.uint8)
        CpuModule(s.program)(given, scores, labels)
        right = float((labels[:, 0] == data.labels).mean())
        figures.append(_figure(published, "accuracy", right))
    name, count = (data.name, len(data)) if data is not None else (None, 0)
    return Design(published.title, published.network, published.schedule, name, count, tuple(figures))


def _figure(published: Published, name: str, ours: float) -> Figure:
    theirs = getattr(published, name)
    measured = name == "accuracy"
    deviation = ours - theirs if measured else ours / theirs - 1
    return Figure(
        name,
        ours,
        theirs,
        "measured" if measured else "modelled",
        "abstract" if name in published.certain else "recalled",
        deviation,
        abs(deviation) <= WITHIN if name in JUDGED else None,
    )
