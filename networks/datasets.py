"""Labelled images for the networks: the bundled test sets, and the user's own files.

A file is recognised by its content, not by its name: IDX (the format of MNIST), .npz, a batch of CIFAR-10, or
a picture. `python -m bitfold.networks.datasets` rebuilds the bundled sets.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import BitfoldError, DataError
from bitfold.networks import arrays, cifar, npz, readers
from bitfold.networks.readers import Split

__all__ = ["Dataset", "Split", "binarize_mnist", "cifar10_test_1000", "load", "mnist_test", "take_cifar10"]

BIT_THRESHOLD = 128
"""A pixel becomes bit 1 (meaning +1) when it is at least this."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """N images of P pixels, flattened row-major, and their classes.

    Exactly one of `pixels` and `bits` is given.

    Attributes:
        name: what to call it in reports.
        pixels: uint8 (N, P), 0..255.
        bits: uint8 (N, P), 0 or 1; 1 means +1 and 0 means -1.
        labels: uint8 (N,), class numbers from 0; None when unknown.

    Raises:
        DataError: arrays of other dtypes or shapes, or not exactly one of `pixels` and `bits`.
    """

    name: str
    pixels: NDArray[np.uint8] | None = None
    bits: NDArray[np.uint8] | None = None
    labels: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        if (self.pixels is None) == (self.bits is None):
            raise DataError(
                f"data set {self.name}: needs exactly one of pixels and bits",
                code="BF-D006",
                remedy="give pixels=... or bits=...",
            )
        images = self._images
        if images.dtype != np.uint8 or images.ndim != 2:
            raise DataError(
                f"data set {self.name}: images are {arrays.describe(images)}, expected uint8 (N, pixels)",
                code="BF-D006",
                remedy="give each image as a row of pixels 0..255",
            )
        if self.labels is not None and (self.labels.dtype != np.uint8 or self.labels.shape != (len(images),)):
            raise DataError(
                f"data set {self.name}: labels are {arrays.describe(self.labels)}, "
                f"expected uint8 ({len(images)},)",
                code="BF-D007",
                remedy="give one class for each image",
            )

    def __len__(self) -> int:
        return len(self._images)

    @property
    def n_pixels(self) -> int:
        """Pixels (for colour: pixels times channels, ordered row, column, channel) per image."""
        return int(self._images.shape[1])

    def as_bits(self) -> NDArray[np.uint8]:
        """uint8 (N, P) of 0 and 1: the bits, or pixel >= 128."""
        if self.bits is not None:
            return self.bits
        return (self._images >= BIT_THRESHOLD).astype(np.uint8)

    def take(self, count: int) -> Dataset:
        """The first `count` images (all, if there are fewer) with their labels."""
        cut = slice(0, max(0, count))
        return Dataset(
            self.name,
            pixels=None if self.pixels is None else self.pixels[cut],
            bits=None if self.bits is None else self.bits[cut],
            labels=None if self.labels is None else self.labels[cut],
        )

    @property
    def _images(self) -> NDArray[np.uint8]:
        images = self.pixels if self.pixels is not None else self.bits
        assert images is not None
        return images


def mnist_test() -> Dataset:
    """The bundled MNIST test set: all 10,000 images, 784 bits each (pixel >= 128), with labels."""
    with resources.as_file(resources.files("bitfold.networks") / "data" / "mnist_test.npz") as path:
        found = load(path)
    return Dataset("MNIST test set", bits=found.bits, labels=found.labels)


def cifar10_test_1000() -> Dataset:
    """The bundled first 1,000 images of CIFAR-10's test set: 3,072 pixels each, with labels."""
    with resources.as_file(resources.files("bitfold.networks") / "data" / "cifar10_test_1000.npz") as path:
        found = load(path, shape=cifar.SHAPE)
    return Dataset("CIFAR-10 test set, first 1,000", pixels=found.pixels, labels=found.labels)


def load(
    path: str | Path | Sequence[str | Path],
    labels: str | Path | None = None,
    shape: tuple[int, ...] = (28, 28),
    *,
    split: Split = Split.TEST,
    classes: int = arrays.CLASSES,
) -> Dataset:
    """Read images, and labels where there are any, from the user's own files.

    Args:
        path: one of
            - an IDX images file, gzipped or not; the labels file is found beside it by MNIST's naming
              (t10k-images-idx3-ubyte[.gz] -> t10k-labels-idx1-ubyte[.gz], also with `.idx3-ubyte`);
            - an .npz (also gzipped) with the images as x_test (for Split.TRAIN x_train), images or x, and the
              labels as y_test (y_train), labels or y. Images are uint8 pixels (N, *shape), or (N, P) in the
              same order; bool arrays of these shapes are bits; uint8 (N, ceil(P/8)) are packed bits, as in
              the bundled MNIST;
            - where `shape` is CIFAR-10's: a batch of CIFAR-10, pickled or binary (see `cifar`);
            - a picture, or a sequence of pictures (see `pictures`);
            - a folder of MNIST's IDX files or CIFAR-10's batches under their standard names, or of pictures.
        labels: an IDX or .npz file of labels, in place of those found with the images. Those of a folder of
            pictures are in the order of the pictures' names.
        shape: of one image, (rows, columns) or (rows, columns, channels); P is its product.
        split: which part, where `path` holds both.
        classes: how many there are: labels are 0..classes-1.

    Returns:
        The data set, named like the file; `labels` is None when none were found.

    Raises:
        DataError: a file is missing, truncated, damaged, of another format, or its content does not fit.
        BuildError: a picture is to be read and Pillow is not installed.
    """
    found = readers.find(path, shape, split)
    data = Dataset(found.source.name or str(found.source), pixels=found.pixels, bits=found.bits)
    file = found.labels_beside if labels is None else Path(labels)
    values = found.labels if file is None else readers.read_labels(file, split)
    if values is None:
        return data
    checked = arrays.labels(values, file or found.source, len(data), found.source, classes)
    return replace(data, labels=checked)


def binarize_mnist(data: Path, out: Path) -> Dataset:
    """Write the test set of `data` (as for `load`) to `out` as bits; the same input gives the same bytes.

    The .npz holds `images`, uint8 (N, 98), pixel i in bit i mod 8 of byte i div 8, and `labels`, uint8 (N,).

    Raises:
        DataError: `data` is unusable or has no labels, or `out` cannot be written.
    """
    found = load(data)
    if found.labels is None:
        raise DataError(
            f"{data}: has no labels", code="BF-D008", remedy="put the labels file beside the images"
        )
    packed = np.packbits(found.as_bits(), axis=1, bitorder="little")
    npz.write(out, {"images": packed, "labels": found.labels})
    return found


def take_cifar10(data: Path, out: Path, count: int) -> Dataset:
    """Write the first `count` test images of `data` (as for `load`) to `out`; the same input, the same bytes.

    The .npz holds `images`, uint8 (N, 32, 32, 3), and `labels`, uint8 (N,).

    Raises:
        DataError: `data` is unusable, has no labels or too few images, or `out` cannot be written.
    """
    found = load(data, shape=cifar.SHAPE)
    if found.labels is None or found.pixels is None:
        raise DataError(
            f"{data}: has no pixels with labels", code="BF-D008", remedy="give CIFAR-10's own test set"
        )
    if len(found) < count:
        raise DataError(
            f"{data}: has {len(found)} images, not {count}", code="BF-D009", remedy="give the whole test set"
        )
    found = found.take(count)
    assert found.pixels is not None
    assert found.labels is not None
    images = found.pixels.reshape(count, *cifar.SHAPE)
    npz.write(out, {"images": images, "labels": found.labels}, smallest=True)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status: 0, or 2 after an error that the user can mend."""
    parser = argparse.ArgumentParser(
        prog="python -m bitfold.networks.datasets", description="Prepare data sets."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    binarize = commands.add_parser("binarize-mnist", help="write the bundled 1-bit MNIST test set")
    binarize.add_argument(
        "--data", type=Path, required=True, help="mnist.npz, an IDX file, or a folder of IDX files"
    )
    take = commands.add_parser("take-cifar10", help="write the bundled part of CIFAR-10's test set")
    take.add_argument(
        "--data", type=Path, required=True, help="cifar10.npz, a batch, or a folder of the batches"
    )
    take.add_argument("--images", type=int, default=1000, metavar="N", help="how many (1000)")
    for command in (binarize, take):
        command.add_argument("--out", type=Path, required=True, help="the .npz to write")
    options = parser.parse_args(argv)
    try:
        if options.command == "binarize-mnist":
            found = binarize_mnist(options.data, options.out)
        else:
            found = take_cifar10(options.data, options.out, max(1, options.images))
    except BitfoldError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{options.out}: {len(found)} images, {options.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    from bitfold.networks.datasets import main as imported_main

    raise SystemExit(imported_main())
