"""Labelled images for the networks: the bundled MNIST test set, and the user's own files.

A file is recognised by its content, never by its name: IDX (the format of MNIST), gzipped or not, or .npz.
`python -m bitfold.networks.datasets binarize-mnist` rebuilds the bundled set.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import BitfoldError, DataError
from bitfold.networks import arrays, idx, npz

BIT_THRESHOLD = 128
"""A pixel becomes bit 1 (meaning +1) when it is at least this."""

_SIGNATURES = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"BM": "a BMP picture",
    b"\x93NUMPY": "a single .npy array",
    b"\x80": "a Python pickle",
}
_SAVE_NPZ = "np.savez(path, images=<uint8 pixels 0..255>, labels=<uint8 0..9>)"
_FORMATS = (
    f"give IDX files as MNIST distributes them, raw or gzipped, a folder of them, or an .npz: {_SAVE_NPZ}"
)


class Split(Enum):
    """Which part of a data set to take, where a file or folder holds both."""

    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, eq=False)
class Dataset:
    """N images of P pixels, flattened row-major, and their classes.

    Exactly one of `pixels` and `bits` is given.

    Attributes:
        name: what to call it in reports.
        pixels: uint8 (N, P), 0..255.
        bits: uint8 (N, P), 0 or 1; 1 means +1 and 0 means -1.
        labels: uint8 (N,), 0..9; None when unknown.

    Raises:
        DataError: arrays of other dtypes or shapes, or not exactly one of `pixels` and `bits`.
    """

    name: str
    pixels: NDArray[np.uint8] | None = None
    bits: NDArray[np.uint8] | None = None
    labels: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        if (self.pixels is None) == (self.bits is None):
            raise DataError(f"data set {self.name}: needs exactly one of pixels and bits")
        images = self._images
        if images.dtype != np.uint8 or images.ndim != 2:
            raise DataError(
                f"data set {self.name}: images are {arrays.describe(images)}, expected uint8 (N, pixels)"
            )
        if self.labels is not None and (self.labels.dtype != np.uint8 or self.labels.shape != (len(images),)):
            raise DataError(
                f"data set {self.name}: labels are {arrays.describe(self.labels)}, "
                f"expected uint8 ({len(images)},)"
            )

    def __len__(self) -> int:
        return len(self._images)

    @property
    def n_pixels(self) -> int:
        """Pixels (for colour: pixels times channels) per image."""
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


def load(
    path: str | Path,
    labels: str | Path | None = None,
    shape: tuple[int, ...] = (28, 28),
    *,
    split: Split = Split.TEST,
) -> Dataset:
    """Read images, and labels where there are any, from the user's own files.

    Args:
        path: one of
            - an IDX images file, gzipped or not; the labels file is found beside it by MNIST's naming
              (t10k-images-idx3-ubyte[.gz] -> t10k-labels-idx1-ubyte[.gz], also with `.idx3-ubyte`);
            - an .npz (also gzipped) with the images as x_test (for Split.TRAIN x_train), images or x, and the
              labels as y_test (y_train), labels or y. Images are uint8 pixels (N, *shape) or (N, P);
              bool arrays of these shapes are bits; uint8 (N, ceil(P/8)) are packed bits, as in the
              bundled set;
            - a folder holding MNIST's IDX files under their standard names.
        labels: an IDX or .npz file of labels, in place of those found with the images.
        shape: of one image, (rows, columns) or (rows, columns, channels); P is its product.
        split: which part, where `path` holds both.

    Returns:
        The data set, named like the file; `labels` is None when none were found.

    Raises:
        DataError: a file is missing, truncated, damaged, of another format, or its content does not fit.
    """
    source = Path(path)
    if os.path.isdir(source):  # unlike Path.is_dir, never raises
        source = _in_folder(source, split)
    raw = _read(source, "images")
    labels_path = None if labels is None else Path(labels)
    values: npz.Array | None = None
    if raw.startswith(npz.MAGIC):
        archive = npz.Archive(raw, source, remedy=_FORMATS)
        key, images = _pick(archive, split, "x", "images")
        where = f"{source}: array {key!r}"
        if labels_path is None and (label_key := _key(archive, split, "y", "labels")):
            labels_path, values = source, archive.array(label_key)
    else:
        images, where = idx.parse(raw, source, dims=len(shape) + 1), str(source)
        labels_path = labels_path or _labels_beside(source)
    pixels, bits = arrays.images(images, where, shape)
    count = len(images)
    if labels_path is None:
        return Dataset(source.name, pixels=pixels, bits=bits)
    if values is None:
        values = _read_labels(labels_path, split)
    return Dataset(
        source.name, pixels=pixels, bits=bits, labels=arrays.labels(values, labels_path, count, source)
    )


def _read(path: Path, wanted: str) -> bytes:
    """The file's content, gunzipped, if it can be IDX or .npz."""
    raw = npz.read_bytes(path, what=f"{wanted} as IDX or .npz", remedy=_FORMATS)
    if raw.startswith(idx.GZIP_MAGIC):
        raw = idx.gunzip(raw, path)
    if raw.startswith(npz.MAGIC) or idx.looks_like_idx(raw):
        return raw
    found = next((kind for magic, kind in _SIGNATURES.items() if raw.startswith(magic)), None)
    found = found or f"no known format (it starts with {raw[:4].hex(' ')})"
    raise DataError(f"{path}: is {found}; expected {wanted} as IDX or .npz", remedy=_FORMATS)


def _in_folder(folder: Path, split: Split) -> Path:
    """The IDX images file of `split` in `folder`."""
    prefix = "t10k" if split is Split.TEST else "train"
    names = [f"{prefix}-images{dot}idx3-ubyte{gz}" for gz in ("", ".gz") for dot in ("-", ".")]
    for name in names:
        if os.path.isfile(folder / name):
            return folder / name
    raise DataError(
        f"{folder}: the folder has no {split.value} images; looked for {', '.join(names)}",
        remedy="put the IDX files there under their standard names, or give the images file itself",
    )


def _labels_beside(images: Path) -> Path | None:
    """The labels file that MNIST's naming pairs with an images file, if it exists."""
    name = images.name.removesuffix(".gz")
    if "images" not in name or "idx3" not in name:
        return None
    stem = name.replace("images", "labels").replace("idx3", "idx1")
    suffixes = (".gz", "") if images.name.endswith(".gz") else ("", ".gz")
    beside = [images.with_name(stem + gz) for gz in suffixes]
    return next((path for path in beside if os.path.isfile(path)), None)


def _key(archive: npz.Archive, split: Split, letter: str, word: str) -> str | None:
    """The first of a split's usual key names that the archive has."""
    return next((k for k in (f"{letter}_{split.value}", word, letter) if k in archive.keys), None)


def _pick(archive: npz.Archive, split: Split, letter: str, word: str) -> tuple[str, npz.Array]:
    key = _key(archive, split, letter, word)
    if key is None:
        raise DataError(
            f"{archive.path}: has none of the arrays {letter}_{split.value}, {word}, {letter}; it holds "
            f"{archive.listing()}",
            remedy=f"store the arrays under these names: {_SAVE_NPZ}",
        )
    return key, archive.array(key)


def _read_labels(path: Path, split: Split) -> npz.Array:
    raw = _read(path, "labels")
    if raw.startswith(npz.MAGIC):
        return _pick(npz.Archive(raw, path, remedy=_FORMATS), split, "y", "labels")[1]
    return idx.parse(raw, path, dims=1)


def binarize_mnist(data: Path, out: Path) -> Dataset:
    """Write the test set of `data` (as for `load`) to `out` as bits; the same input gives the same bytes.

    The .npz holds `images`, uint8 (N, 98), pixel i in bit i mod 8 of byte i div 8, and `labels`, uint8 (N,).

    Raises:
        DataError: `data` is unusable or has no labels, or `out` cannot be written.
    """
    found = load(data)
    if found.labels is None:
        raise DataError(f"{data}: has no labels", remedy="put the labels file beside the images")
    packed = np.packbits(found.as_bits(), axis=1, bitorder="little")
    npz.write(out, {"images": packed, "labels": found.labels})
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
    binarize.add_argument("--out", type=Path, required=True, help="the .npz to write")
    options = parser.parse_args(argv)
    try:
        found = binarize_mnist(options.data, options.out)
    except BitfoldError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{options.out}: {len(found)} images, {options.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    from bitfold.networks.datasets import main as imported_main

    raise SystemExit(imported_main())
