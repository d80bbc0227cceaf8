"""Trained parameters of a binarized network: integer weights and popcount thresholds in an .npz file.

Layout (arrays of the file):
    dims           int64 (L+1,): layer widths, input first
    w{k}           uint8 (out, ceil(in/8)): weight bits packed little-endian; 1 means +1, 0 means -1
    t{k}           int16 (out,), for every layer but the last: hidden bit = popcount(XNOR(w, x)) >= t
    note           str: this layout in words
    test_accuracy  float64, optional: the fraction of the test set classified rightly
    test_scores    int16 (N, classes), optional: expected last-layer scores 2*popcount - in, by test image
    recipe         str, optional: JSON of how the parameters were trained
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import DataError, choices
from bitfold.networks import npz

NOTE = (
    'weights w{k}: uint8 packed with np.packbits(axis=1, bitorder="little"), shape [out, in/8 rounded up]; '
    "bit 1=+1, 0=-1; row=output neuron, bit i of row=input i. t{k}: int16 popcount thresholds; "
    "hidden bit = (popcount(XNOR(w,x)) >= t). Input bit = pixel>=128, row-major 28x28. "
    "last layer: score = 2*popcount(XNOR)-n, argmax (lowest index on tie). dims=layer widths; "
    "gamma<0 neurons already sign-flipped."
)
_REMEDY = "give a weights file written by networks/train.py, or train one: python networks/train.py --help"


@dataclass(frozen=True, eq=False)
class Weights:
    """The parameters of a network of L fully connected layers.

    Attributes:
        dims: the L+1 layer widths, input first.
        weights: L arrays uint8 (out, in) of 0 and 1; 1 means +1 and 0 means -1.
        thresholds: L-1 arrays int16 (out,), 0..in+1: hidden bit = popcount(XNOR(w, x)) >= t.
        accuracy: the recorded fraction of test images classified rightly; None when not recorded.
        scores: the recorded scores 2*popcount - in of all test images, int16 (N, classes); or None.
    """

    dims: tuple[int, ...]
    weights: tuple[NDArray[np.uint8], ...]
    thresholds: tuple[NDArray[np.int16], ...]
    accuracy: float | None = None
    scores: NDArray[np.int16] | None = None

    def infer(self, bits: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Last-layer scores 2*popcount - in, int16 (N, classes), of `bits`, uint8 (N, in) of 0 and 1.

        The class is the argmax, the lowest index on a tie. A reference in integer NumPy, not a fast path.
        """
        for w, t in zip(self.weights, self.thresholds, strict=False):
            bits = (_matches(bits, w) >= t).astype(np.uint8)
        last = self.weights[-1]
        scores: NDArray[np.int16] = (2 * _matches(bits, last) - last.shape[1]).astype(np.int16)
        return scores


def _matches(bits: NDArray[np.uint8], w: NDArray[np.uint8]) -> NDArray[np.int32]:
    """popcount(XNOR(w, x)), int32 (N, out)."""
    x, rows = _words(bits), _words(w)
    found = np.empty((len(x), len(rows)), np.int32)
    for row, word in enumerate(rows):
        found[:, row] = w.shape[1] - np.bitwise_count(x ^ word).sum(axis=1, dtype=np.int32)
    return found


def _words(bits: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Rows of bits packed into 64-bit words, padded with 0, which never mismatches another 0."""
    padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 64)))
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)


def load_weights(path: str | Path, dims: Sequence[int] | None = None) -> Weights:
    """Read a weights file; see the module's head for the layout.

    Args:
        path: the .npz file.
        dims: the layer widths that the network needs; None takes the file's own.

    Raises:
        DataError: the file is missing, truncated, no weights file, made for other widths, or an array in it
            has another dtype or shape, a threshold outside 0..in+1, or a padding bit set.
    """
    source = Path(path)
    raw = npz.read_bytes(source, what="trained weights as .npz", remedy=_REMEDY)
    archive = npz.Archive(raw, source, remedy=_REMEDY)
    found = _dims(archive)
    if dims is not None and found != tuple(dims):
        raise DataError(
            f"{source}: holds a network of widths {_widths(found)}; expected {_widths(dims)}",
            remedy="give the weights of this network, or train them with networks/train.py",
        )
    layers = list(enumerate(pairwise(found)))
    weights = tuple(_weights(archive, f"w{k}", fan_in, out) for k, (fan_in, out) in layers)
    thresholds = tuple(_thresholds(archive, f"t{k}", fan_in, out) for k, (fan_in, out) in layers[:-1])
    return Weights(found, weights, thresholds, _accuracy(archive), _scores(archive, found[-1]))


def bundled(name: str) -> Weights:
    """The weights that come with Bitfold, by network name: "sfc".

    Raises:
        DataError: no weights of that name come with Bitfold.
    """
    folder = resources.files("bitfold.networks") / "weights"
    known = sorted(f.name.removesuffix(".npz") for f in folder.iterdir() if f.name.endswith(".npz"))
    if name not in known:
        raise DataError(f"no bundled weights are named {name!r}", remedy=choices(name, known))
    with resources.as_file(folder / f"{name}.npz") as path:
        return load_weights(path)


def save_weights(path: str | Path, weights: Weights, *, recipe: str | None = None) -> None:
    """Write `weights` in the layout of the module's head; the same content gives the same bytes.

    Args:
        recipe: JSON of how they were trained.

    Raises:
        DataError: the file cannot be written.
    """
    arrays: dict[str, npz.Array] = {"dims": np.array(weights.dims, np.int64), "note": np.array(NOTE)}
    if recipe is not None:
        arrays["recipe"] = np.array(recipe)
    if weights.accuracy is not None:
        arrays["test_accuracy"] = np.array(weights.accuracy, np.float64)
    if weights.scores is not None:
        arrays["test_scores"] = weights.scores
    arrays |= {f"w{k}": np.packbits(w, axis=1, bitorder="little") for k, w in enumerate(weights.weights)}
    arrays |= {f"t{k}": t for k, t in enumerate(weights.thresholds)}
    npz.write(Path(path), arrays)


def _dims(archive: npz.Archive) -> tuple[int, ...]:
    array = archive.array("dims")
    counts = array.ndim == 1 and len(array) >= 2 and np.issubdtype(array.dtype, np.integer)
    if not counts or int(array.min()) < 1:
        raise DataError(
            f"{archive.path}: dims is {array.dtype} {array.shape}; expected two or more layer widths, int64",
            remedy=_REMEDY,
        )
    return tuple(int(d) for d in array)


def _expect(archive: npz.Archive, key: str, dtype: type[np.generic], shape: tuple[int, ...]) -> npz.Array:
    array = archive.array(key)
    if array.dtype != dtype or array.shape != shape:
        raise DataError(
            f"{archive.path}: {key} is {array.dtype} {array.shape}; expected {np.dtype(dtype)} {shape}",
            remedy=_REMEDY,
        )
    return array


def _weights(archive: npz.Archive, key: str, fan_in: int, out: int) -> NDArray[np.uint8]:
    packed = _expect(archive, key, np.uint8, (out, -(-fan_in // 8)))
    bits = np.unpackbits(packed.view(np.uint8), axis=1, bitorder="little")
    if bits[:, fan_in:].any():
        raise DataError(
            f"{archive.path}: {key} has bits set past its {fan_in} inputs; the padding must be 0",
            remedy='pack with np.packbits(w, axis=1, bitorder="little")',
        )
    return np.ascontiguousarray(bits[:, :fan_in])


def _thresholds(archive: npz.Archive, key: str, fan_in: int, out: int) -> NDArray[np.int16]:
    array = _expect(archive, key, np.int16, (out,)).view(np.int16)
    outside = np.flatnonzero((array < 0) | (array > fan_in + 1))
    if len(outside):
        row = int(outside[0])
        raise DataError(
            f"{archive.path}: {key}[{row}] is {array[row]}; expected a popcount threshold 0..{fan_in + 1}",
            remedy=f"clip thresholds to 0 (always on) .. {fan_in + 1} (never on)",
        )
    return array


def _accuracy(archive: npz.Archive) -> float | None:
    if "test_accuracy" not in archive.keys:
        return None
    value = float(_expect(archive, "test_accuracy", np.float64, ()).astype(np.float64))
    if not 0 <= value <= 1:
        raise DataError(f"{archive.path}: test_accuracy is {value}; expected a fraction 0..1", remedy=_REMEDY)
    return value


def _scores(archive: npz.Archive, classes: int) -> NDArray[np.int16] | None:
    if "test_scores" not in archive.keys:
        return None
    found = archive.array("test_scores")
    count = len(found) if found.ndim else 0
    return _expect(archive, "test_scores", np.int16, (count, classes)).view(np.int16)


def _widths(dims: Sequence[int]) -> str:
    return "-".join(map(str, dims))
