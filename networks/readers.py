"""Finding out what a user's file or folder of images is, and reading it; `datasets.load` is the way in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import DataError
from bitfold.networks import arrays, cifar, idx, npz, pictures

_SIGNATURES = {b"\x93NUMPY": "a single .npy array", cifar.PICKLE: "a Python pickle"}
_SAVE_NPZ = "np.savez(path, images=<uint8 pixels 0..255>, labels=<uint8 0..9>)"
_FORMATS = (
    f"give IDX files as MNIST distributes them, raw or gzipped, a folder of them, an .npz "
    f"({_SAVE_NPZ}), or a picture; for colour also batches of CIFAR-10"
)


class Split(Enum):
    """Which part of a data set to take, where a file or folder holds both."""

    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, eq=False)
class Found:
    """Images as read, with unchecked labels or a file of them where there is one."""

    source: Path
    pixels: NDArray[np.uint8] | None = None
    bits: NDArray[np.uint8] | None = None
    labels: npz.Array | None = None
    labels_beside: Path | None = None


def find(path: str | Path | Sequence[str | Path], shape: tuple[int, ...], split: Split) -> Found:
    """The images at `path`, with what labels come with them: arguments and errors as of `datasets.load`."""
    if not isinstance(path, str | Path):
        if not path:
            raise DataError("no image files are given", code="BF-D009", remedy="give one or more")
        several = [Path(p) for p in path]
        source = several[0]
        if len(several) > 1:
            return Found(source.parent, pixels=pictures.read(several, shape))
    else:
        source = Path(path)
    if os.path.isdir(source):  # unlike Path.is_dir, never raises
        if shape == cifar.SHAPE and (batches := cifar.batches_in(source, train=split is Split.TRAIN)):
            pixels, batch_labels = cifar.read(batches)
            return Found(source, pixels=pixels, labels=batch_labels)
        in_folder = _in_folder(source, shape, split)
        if not isinstance(in_folder, Path):
            return Found(source, pixels=pictures.read(in_folder, shape))
        source = in_folder
    return _from_file(source, shape, split)


def _from_file(source: Path, shape: tuple[int, ...], split: Split) -> Found:
    raw = _content(source, "images")
    if pictures.kind(raw):
        return Found(source, pixels=pictures.read([source], shape))
    if shape == cifar.SHAPE and (cifar.looks_like_batch(raw) or _is_named_batch(raw, source)):
        pixels, batch_labels = cifar.parse(raw, source)
        return Found(source, pixels=pixels, labels=batch_labels)
    _check_known(raw, source, "images")
    if raw.startswith(npz.MAGIC):
        archive = npz.Archive(raw, source, remedy=_FORMATS)
        key, images = _pick(archive, split, "x", "images")
        where = f"{source}: array {key!r}"
        label_key = _key(archive, split, "y", "labels")
        beside, stored = None, archive.array(label_key) if label_key else None
    else:
        images, where = idx.parse(raw, source, dims=len(shape) + 1), str(source)
        beside, stored = _labels_beside(source), None
    found_pixels, bits = arrays.images(images, where, shape)
    return Found(source, found_pixels, bits, stored, beside)


def _is_named_batch(raw: bytes, path: Path) -> bool:
    """Whether a file of no known format has a binary batch's name: then its error can say what is wrong."""
    return path.suffix == ".bin" and not raw.startswith(npz.MAGIC) and not idx.looks_like_idx(raw)


def _content(path: Path, wanted: str) -> bytes:
    """The file's content, gunzipped."""
    raw = npz.read_bytes(path, what=f"{wanted} as IDX or .npz", remedy=_FORMATS)
    return idx.gunzip(raw, path) if raw.startswith(idx.GZIP_MAGIC) else raw


def _check_known(raw: bytes, path: Path, wanted: str) -> None:
    """Refuse what is neither IDX nor .npz, and name what it is."""
    if raw.startswith(npz.MAGIC) or idx.looks_like_idx(raw):
        return
    found = next((kind for magic, kind in _SIGNATURES.items() if raw.startswith(magic)), None)
    if picture := pictures.kind(raw):
        found = f"a {picture} picture"
    if raw[257:262] == b"ustar":
        found = "a tar archive, to be unpacked first"
    found = found or f"no known format (it starts with {raw[:4].hex(' ')})"
    raise DataError(f"{path}: is {found}; expected {wanted} as IDX or .npz", code="BF-D002", remedy=_FORMATS)


def _in_folder(folder: Path, shape: tuple[int, ...], split: Split) -> Path | list[Path]:
    """The IDX images file of `split` in `folder`, or else the pictures there."""
    prefix = "t10k" if split is Split.TEST else "train"
    names = [f"{prefix}-images{dot}idx3-ubyte{gz}" for gz in ("", ".gz") for dot in ("-", ".")]
    for name in names:
        if os.path.isfile(folder / name):
            return folder / name
    if found := pictures.in_folder(folder):
        return found
    if shape == cifar.SHAPE:
        names = [
            f"{name}{suffix}" for suffix in ("", ".bin") for name in cifar.batch_names(prefix == "train")
        ]
    raise DataError(
        f"{folder}: the folder has no {split.value} images; looked for {', '.join(names)} and for pictures",
        code="BF-D009",
        remedy="put the files there under their standard names, or give the images file itself",
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
            code="BF-D010",
            remedy=f"store the arrays under these names: {_SAVE_NPZ}",
        )
    return key, archive.array(key)


def read_labels(path: Path, split: Split) -> npz.Array:
    """The labels in an IDX or .npz file, unchecked."""
    raw = _content(path, "labels")
    _check_known(raw, path, "labels")
    if raw.startswith(npz.MAGIC):
        return _pick(npz.Archive(raw, path, remedy=_FORMATS), split, "y", "labels")[1]
    return idx.parse(raw, path, dims=1)
