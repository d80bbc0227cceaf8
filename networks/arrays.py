"""Arrays of images and labels as users store them, checked and brought into the form of a `Dataset`."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import DataError
from bitfold.networks import npz

CLASSES = 10
"""Labels are 0..CLASSES-1 unless said otherwise, for MNIST, CIFAR-10 and SVHN alike."""


def images(
    stored: npz.Array, where: str, shape: tuple[int, ...]
) -> tuple[NDArray[np.uint8] | None, NDArray[np.uint8] | None]:
    """(pixels, None) or (None, bits), each uint8 (N, P), P the product of `shape`.

    Args:
        stored: see `datasets.load` for the dtypes and shapes taken.
        where: what to call the array in an error.
        shape: of one image.

    Raises:
        DataError: no images, another size or dtype, pixels outside 0..255, or bits stored as pixels.
    """
    size = math.prod(shape)
    extent, full = " x ".join(map(str, shape)), ", ".join(map(str, ("N", *shape)))
    if stored.ndim and not len(stored):
        raise DataError(
            f"{where}: holds no images", code="BF-D009", remedy="give a file with at least one image"
        )
    packed = stored.dtype == np.uint8 and stored.shape[1:] == (-(-size // 8),) and size > 8
    if packed:
        return None, np.unpackbits(stored.view(np.uint8), axis=1, count=size, bitorder="little")
    if stored.shape[1:] not in {shape, (size,), (*shape, 1), (1, *shape)}:
        raise DataError(
            f"{where}: holds {describe(stored)}; expected images of {extent} pixels, ({full})",
            code="BF-D006",
            remedy=_reordered(stored, shape) or f"resize or reshape the images to {extent}",
        )
    flat = stored.reshape(len(stored), size)
    if stored.dtype == np.bool_:
        return None, flat.astype(np.uint8)
    if not np.issubdtype(stored.dtype, np.integer):
        raise DataError(
            f"{where}: holds {describe(stored)}; expected uint8 pixels 0..255",
            code="BF-D006",
            remedy="convert them first: (x * 255).round().astype(np.uint8) for floats in 0..1",
        )
    low, high = int(flat.min()), int(flat.max())
    if low < 0 or high > 255:
        raise DataError(
            f"{where}: pixels range from {low} to {high}; expected 0..255",
            code="BF-D006",
            remedy="scale the pixels to 0..255",
        )
    if high == 1:
        raise DataError(
            f"{where}: holds only 0 and 1, so as pixels 0..255 every image is black",
            code="BF-D006",
            remedy="store bits as a bool array, x.astype(bool), or scale them to pixels, x * 255",
        )
    return np.ascontiguousarray(flat, np.uint8), None


def _reordered(stored: npz.Array, shape: tuple[int, ...]) -> str | None:
    """What to do with images whose channels come first, which `reshape` would scramble."""
    if len(shape) == 3 and stored.shape[1:] == (shape[2], *shape[:2]):
        return "put the channels last: x.transpose(0, 2, 3, 1)"
    return None


def labels(
    stored: npz.Array, path: Path, count: int, images: Path, classes: int = CLASSES
) -> NDArray[np.uint8]:
    """uint8 (count,) of classes 0..classes-1.

    Args:
        stored: integers (count,) or (count, 1).
        path: of the labels, for errors.
        count: how many images there are.
        images: where those came from, for errors.
        classes: how many there are, at most 256.

    Raises:
        DataError: another dtype, shape or count, or a value that is no class.
    """
    last = min(classes, 256) - 1
    flat = stored[:, 0] if stored.ndim == 2 and stored.shape[1] == 1 else stored
    if flat.ndim != 1 or not np.issubdtype(flat.dtype, np.integer):
        raise DataError(
            f"{path}: labels are {describe(stored)}; expected one integer class per image, uint8 ({count},)",
            code="BF-D007",
            remedy=f"store class numbers 0..{last}; from one-hot rows: y.argmax(axis=1).astype(np.uint8)",
        )
    if len(flat) != count:
        raise DataError(
            f"{path}: has {len(flat)} labels for {count} images of {images}",
            code="BF-D007",
            remedy="give the images and labels of the same set (both t10k or both train)",
        )
    low, high = int(flat.min()), int(flat.max())
    if low < 0 or high > last:
        bad = next(i for i, label in enumerate(flat.tolist()) if not 0 <= label <= last)
        raise DataError(
            f"{path}: label {int(flat[bad])} of image {bad} is no class; expected 0..{last}",
            code="BF-D007",
            remedy=f"store class numbers 0..{last}",
        )
    return np.ascontiguousarray(flat, np.uint8)


def describe(array: npz.Array) -> str:
    """Dtype and shape, as in "uint8 (10000, 784)"."""
    return f"{array.dtype} {array.shape}"
