"""CIFAR-10 as its author distributes it: batches of 10,000 images of 32 x 32 pixels, pickled or binary.

The Python version is a pickled dict: `data`, uint8 (N, 3072), all red, then all green, then all blue values
of an image, row by row; `labels`, a list. The binary version is records of 3073 bytes: a label, then these.

Pickles can run any code when loaded the usual way. Here the unpickler knows only stand-ins for what such a
batch is made of; they keep what they are given and call nothing.
"""

from __future__ import annotations

import io
import math
import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import DataError
from bitfold.networks import idx, npz

SHAPE = (32, 32, 3)
"""Rows, columns and channels of an image."""

PICKLE = b"\x80"
"""The first byte of a pickle of protocol 2 or later, which the Python version is."""

_PIXELS = math.prod(SHAPE)
_RECORD = 1 + _PIXELS
_CLASSES = 10
_FOLDERS = ("", "cifar-10-batches-py", "cifar-10-batches-bin")
_REMEDY = "download and unpack CIFAR-10 again (cifar-10-python.tar.gz or cifar-10-binary.tar.gz)"


def looks_like_batch(raw: bytes) -> bool:
    """Whether a file can be a batch: a pickle, or whole records that start with a class."""
    return raw.startswith(PICKLE) or (bool(raw) and not len(raw) % _RECORD and raw[0] < _CLASSES)


def batch_names(train: bool) -> tuple[str, ...]:
    """The names of a split's files in the Python version; the binary version appends ".bin"."""
    return tuple(f"data_batch_{k}" for k in range(1, 6)) if train else ("test_batch",)


def batches_in(folder: Path, *, train: bool) -> list[Path]:
    """The batch files of a split in `folder`, or in the folder that the archives unpack to; [] for none.

    Raises:
        DataError: some of them are there and some are not.
    """
    for inner in _FOLDERS:
        for suffix in ("", ".bin"):
            paths = [folder / inner / (name + suffix) for name in batch_names(train)]
            missing = [path for path in paths if not os.path.isfile(path)]
            if missing and len(missing) < len(paths):
                raise DataError(
                    f"{missing[0]}: no such file; the other batches are there", code="BF-D001", remedy=_REMEDY
                )
            if not missing:
                return paths
    return []


def read(paths: Sequence[Path]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images of one or more batches, uint8 (N, 3072) ordered row, column, channel, and their labels (N,).

    Raises:
        DataError: a file is missing, unreadable, truncated, or no batch.
    """
    parts = [parse(_content(path), path) for path in paths]
    return np.concatenate([pixels for pixels, _ in parts]), np.concatenate([labels for _, labels in parts])


def _content(path: Path) -> bytes:
    raw = npz.read_bytes(path, what="a batch of CIFAR-10", remedy=_REMEDY)
    return idx.gunzip(raw, path) if raw.startswith(idx.GZIP_MAGIC) else raw


def parse(raw: bytes, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """As `read`, of the content of one file."""
    if raw.startswith(PICKLE):
        planes, labels = _pickled(raw, path)
    else:
        count, rest = divmod(len(raw), _RECORD)
        if rest:
            raise DataError(
                f"{path}: {len(raw)} bytes are {count} images of {_RECORD} bytes and {rest} bytes more",
                code="BF-D003",
                remedy=_REMEDY,
            )
        records = np.frombuffer(raw, np.uint8).reshape(count, _RECORD)
        labels, planes = records[:, 0].astype(np.int64), records[:, 1:]
    rows, columns, channels = SHAPE
    images = planes.reshape(-1, channels, rows, columns).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images).reshape(-1, _PIXELS), labels


def _pickled(raw: bytes, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The planes (N, 3072) and the labels of a pickled batch."""
    try:
        content = _Unpickler(raw).load()
    except _Foreign as error:
        raise DataError(
            f"{path}: the pickle asks for {error}, which no batch of CIFAR-10 does; it is not loaded",
            code="BF-D004",
            remedy=_REMEDY,
        ) from None
    except Exception as error:  # the unpickler raises whatever a damaged file provokes
        raise DataError(
            f"{path}: the pickle is truncated or damaged: {type(error).__name__}: {error}",
            code="BF-D003",
            remedy=_REMEDY,
        ) from None
    try:
        named = {k.decode() if isinstance(k, bytes) else k: v for k, v in content.items()}
        planes: NDArray[np.uint8] = named["data"].value()
        labels = named["labels"]
        if not all(type(label) is int for label in labels):
            raise TypeError
        values = np.array(labels, np.int64)
        if not len(planes) or planes.shape != (len(values), _PIXELS):
            raise ValueError
    except Exception:  # a pickle can hold anything
        raise DataError(
            f"{path}: is a pickle, but not of data, uint8 (N, {_PIXELS}), and labels, a list of N numbers",
            code="BF-D002",
            remedy=_REMEDY,
        ) from None
    return planes, values


class _Foreign(pickle.UnpicklingError):
    """The pickle names something that a batch has no need of."""


class _Unpickler(pickle.Unpickler):
    """Knows the names that pickled NumPy arrays use, and gives none of the real things for them."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(io.BytesIO(raw), encoding="bytes")
        self._known = _stand_ins()

    def find_class(self, module: str, name: str) -> Any:
        found = self._known.get((module.replace("numpy.core", "numpy._core"), name))
        if found is None:
            raise _Foreign(f"{module}.{name}")
        return found


def _stand_ins() -> dict[tuple[str, str], Callable[..., object]]:
    """Made anew for each file, since a pickle can set attributes of what it gets."""

    class Dtype:
        def __init__(self, name: object = None, *_: object) -> None:
            self.name = name.decode() if isinstance(name, bytes) else name

        def __setstate__(self, state: object) -> None:
            pass

    class Array:
        state: Any = None

        def __setstate__(self, state: object) -> None:
            self.state = state

        def value(self) -> NDArray[np.uint8]:
            _, shape, dtype, fortran, data = self.state
            if dtype.name not in ("u1", "uint8") or not isinstance(data, bytes | bytearray):
                raise TypeError
            flat = np.frombuffer(data, np.uint8)
            return flat.reshape(shape, order="F" if fortran else "C")

    def reconstruct(*_: object) -> Array:
        return Array()

    def from_buffer(data: object, dtype: object, shape: object, order: object) -> Array:
        made = Array()
        made.state = (1, shape, dtype, order == "F", data)
        return made

    def encode(text: str, _: object) -> bytes:
        return text.encode("latin-1")

    return {
        ("numpy._core.multiarray", "_reconstruct"): reconstruct,
        ("numpy._core.numeric", "_frombuffer"): from_buffer,
        ("numpy", "ndarray"): Array,
        ("numpy", "dtype"): Dtype,
        ("_codecs", "encode"): encode,
    }
