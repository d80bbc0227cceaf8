"""Trained parameters of a binarized network: integer weights and popcount thresholds in an .npz file.

Layout (arrays of the file):
    dims           int64 (L+1,): layer widths, input first; only of a fully connected network
    network        str: "cnv"; only of that network (topology.py describes it)
    shapes         int64 (L, 2): (out, in) of each layer; beside `network`
    w{k}           uint8 (out, ceil(in/8)): weight bits packed little-endian; 1 means +1, 0 means -1. A
                   convolution's columns are ordered (row, column, channel) of its window
    t{k}           int16 (out,), for every layer but the last: hidden bit = popcount(XNOR(w, x)) >= t; in the
                   first layer of CNV, sum(w * (pixel - 128)) >= t with w of +1 and -1
    biases         int16 (classes,), optional: added to the scores of the last layer
    note           str: this layout in words
    test_accuracy  float64, optional: the fraction of the test set classified rightly
    test_scores    int16 (N, classes), optional: expected scores 2*popcount - in (+ bias), by test image
    recipe         str, optional: JSON of how the parameters were trained
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import DataError, choices
from bitfold.networks import npz, reference, topology

NOTE = (
    'weights w{k}: uint8 packed with np.packbits(axis=1, bitorder="little"), shape [out, in/8 rounded up]; '
    "bit 1=+1, 0=-1; row=output neuron, bit i of row=input i. t{k}: int16 popcount thresholds; "
    "hidden bit = (popcount(XNOR(w,x)) >= t). Input bit = pixel>=128, row-major 28x28. "
    "last layer: score = 2*popcount(XNOR)-n, argmax (lowest index on tie). dims=layer widths; "
    "gamma<0 neurons already sign-flipped."
)
NOTE_BIASES = " biases: int16, added to the last layer's scores."
NOTE_CNV = (
    'weights w{k}: uint8 packed with np.packbits(axis=1, bitorder="little"), shape [out, in/8 rounded up]; '
    "bit 1=+1, 0=-1; row=output channel or neuron; columns of a 3x3 convolution ordered (ky, kx, channel). "
    "t{k}: int16; layer 0: bit = (sum(w*(pixel-128)) >= t), pixels 32x32x3 RGB 0..255; other hidden layers: "
    "bit = (popcount(XNOR(w,x)) >= t). OR-pool 2x2 after layers 1 and 3. last layer: "
    "score = 2*popcount(XNOR)-n, argmax (lowest index on tie). shapes=(out, in) per layer."
)
_REMEDY = "give a weights file written by networks/train.py, or train one: python networks/train.py --help"


@dataclass(frozen=True, eq=False)
class Weights:
    """The parameters of a network of L matrix layers.

    Attributes:
        dims: the L+1 layer widths of a fully connected network, input first; () of a convolutional one.
        weights: L arrays uint8 (out, in) of 0 and 1; 1 means +1 and 0 means -1.
        thresholds: L-1 arrays int16 (out,), 0..in+1: hidden bit = popcount(XNOR(w, x)) >= t. In the first
            layer of CNV, -128*in..128*in+1: hidden bit = sum(w * (pixel - 128)) >= t.
        accuracy: the recorded fraction of test images classified rightly; None when not recorded.
        scores: the recorded scores of all test images, int16 (N, classes); or None.
        biases: int16 (classes,), added to the last layer's scores 2*popcount - in; None for none.
        network: "cnv", or None for a fully connected network.
    """

    dims: tuple[int, ...]
    weights: tuple[NDArray[np.uint8], ...]
    thresholds: tuple[NDArray[np.int16], ...]
    accuracy: float | None = None
    scores: NDArray[np.int16] | None = None
    biases: NDArray[np.int16] | None = None
    network: str | None = None

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(out, in) of each layer's weights."""
        return tuple((w.shape[0], w.shape[1]) for w in self.weights)

    @property
    def inputs(self) -> int:
        """Values per image: bits of a fully connected network, pixels times channels of CNV."""
        return self.weights[0].shape[1] if self.network is None else math.prod(topology.CNV_IMAGE)

    @property
    def classes(self) -> int:
        """Rows of the last layer."""
        return len(self.weights[-1])

    @property
    def output_biases(self) -> NDArray[np.int16]:
        """The biases of the last layer, int16 (classes,): 0 where there are none."""
        return np.zeros(self.classes, np.int16) if self.biases is None else self.biases

    def infer(self, images: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Last-layer scores, int16 (N, classes): see `reference.infer`.

        The class is the argmax, the lowest index on a tie. A reference in integer NumPy, not a fast path.
        """
        return reference.infer(self, images)


def load_weights(
    path: str | Path, dims: Sequence[int | None] | None = None, *, network: str | None = None
) -> Weights:
    """Read a weights file; see the module's head for the layout.

    Args:
        path: the .npz file.
        dims: the layer widths that the network needs, None in place of a width for any:
            (784, 256, 256, 256, None) takes any number of classes. Without `dims` and `network`, the file may
            hold any network.
        network: the convolutional network that is needed, "cnv", of any number of classes.

    Raises:
        DataError: the file is missing, truncated, no weights file, made for another network, or an array in
            it has another dtype or shape, a threshold or bias out of range, or a padding bit set.
    """
    source = Path(path)
    raw = npz.read_bytes(source, what="trained weights as .npz", remedy=_REMEDY)
    archive = npz.Archive(raw, source, remedy=_REMEDY)
    named = _network(archive)
    found = () if named else _dims(archive)
    shapes = _shapes(archive) if named else [(out, fan_in) for fan_in, out in pairwise(found)]
    wanted = network or (None if dims is None else _widths(dims))
    if wanted is not None and (named != network or not _fits(found, dims)):
        holds = f"the network {named}" if named else f"a network of widths {_widths(found)}"
        raise DataError(
            f"{source}: holds {holds}; expected {wanted}",
            code="BF-D011",
            remedy="give the weights of this network, or train them with networks/train.py",
        )
    weights = [_weights(archive, f"w{k}", fan_in, out) for k, (out, fan_in) in enumerate(shapes)]
    thresholds = [
        _thresholds(archive, f"t{k}", out, topology.threshold_range(named, k, fan_in))
        for k, (out, fan_in) in enumerate(shapes[:-1])
    ]
    return Weights(
        found,
        tuple(weights),
        tuple(thresholds),
        _accuracy(archive),
        _scores(archive, shapes[-1][0]),
        _biases(archive, *shapes[-1]),
        named,
    )


def bundled(name: str) -> Weights:
    """The weights that come with Bitfold, by network name: "sfc".

    Raises:
        DataError: no weights of that name come with Bitfold.
    """
    folder = resources.files("bitfold.networks") / "weights"
    known = sorted(f.name.removesuffix(".npz") for f in folder.iterdir() if f.name.endswith(".npz"))
    if name not in known:
        raise DataError(f"no bundled weights are named {name!r}", code="BF-D011", remedy=choices(name, known))
    with resources.as_file(folder / f"{name}.npz") as path:
        return load_weights(path)


def save_weights(path: str | Path, weights: Weights, *, recipe: str | None = None) -> None:
    """Write `weights` in the layout of the module's head; the same content gives the same bytes.

    Args:
        recipe: JSON of how they were trained.

    Raises:
        DataError: the file cannot be written.
    """
    arrays: dict[str, npz.Array]
    note = NOTE if weights.network is None else NOTE_CNV
    note += NOTE_BIASES if weights.biases is not None else ""
    if weights.network is None:
        arrays = {"dims": np.array(weights.dims, np.int64), "note": np.array(note)}
    else:
        shapes = np.array(weights.shapes, np.int64)
        arrays = {"network": np.array(weights.network), "shapes": shapes, "note": np.array(note)}
    if recipe is not None:
        arrays["recipe"] = np.array(recipe)
    if weights.accuracy is not None:
        arrays["test_accuracy"] = np.array(weights.accuracy, np.float64)
    if weights.scores is not None:
        arrays["test_scores"] = weights.scores
    arrays |= {f"w{k}": np.packbits(w, axis=1, bitorder="little") for k, w in enumerate(weights.weights)}
    arrays |= {f"t{k}": t for k, t in enumerate(weights.thresholds)}
    if weights.biases is not None:
        arrays["biases"] = weights.biases
    npz.write(Path(path), arrays)


def _network(archive: npz.Archive) -> str | None:
    """The network a file names; None for a fully connected one, which has `dims` instead."""
    if "network" not in archive.keys or "dims" in archive.keys:
        return None
    array = archive.array("network")
    named = str(array) if array.ndim == 0 and array.dtype.kind == "U" else None
    if named != topology.CNV:
        shown = repr(named) if named is not None else f"{array.dtype} {array.shape}"
        raise DataError(
            f"{archive.path}: network is {shown}; the only network known by name is {topology.CNV!r}",
            code="BF-D011",
            remedy=_REMEDY,
        )
    return named


def _shapes(archive: npz.Archive) -> list[tuple[int, int]]:
    """(out, in) of CNV's layers, whatever the number of classes."""
    array = archive.array("shapes")
    layers = len(topology.cnv_shapes(1))
    good = np.issubdtype(array.dtype, np.integer) and array.shape == (layers, 2)
    if not good or int(array.astype(np.int64)[-1, 0]) < 1:
        raise DataError(
            f"{archive.path}: shapes is {array.dtype} {array.shape}; expected int64 ({layers}, 2), "
            "(out, in) of each layer",
            code="BF-D011",
            remedy=_REMEDY,
        )
    found = [(int(out), int(fan_in)) for out, fan_in in array]
    expected = topology.cnv_shapes(found[-1][0])
    for k, (ours, theirs) in enumerate(zip(expected, found, strict=True)):
        if ours != theirs:
            raise DataError(
                f"{archive.path}: layer {k} has shape {theirs}; expected {ours} in {topology.CNV}",
                code="BF-D011",
                remedy=_REMEDY,
            )
    return found


def _dims(archive: npz.Archive) -> tuple[int, ...]:
    array = archive.array("dims")
    counts = array.ndim == 1 and len(array) >= 2 and np.issubdtype(array.dtype, np.integer)
    if not counts or int(array.min()) < 1:
        raise DataError(
            f"{archive.path}: dims is {array.dtype} {array.shape}; expected two or more layer widths, int64",
            code="BF-D011",
            remedy=_REMEDY,
        )
    return tuple(int(d) for d in array)


def _expect(archive: npz.Archive, key: str, dtype: type[np.generic], shape: tuple[int, ...]) -> npz.Array:
    array = archive.array(key)
    if array.dtype != dtype or array.shape != shape:
        raise DataError(
            f"{archive.path}: {key} is {array.dtype} {array.shape}; expected {np.dtype(dtype)} {shape}",
            code="BF-D011",
            remedy=_REMEDY,
        )
    return array


def _weights(archive: npz.Archive, key: str, fan_in: int, out: int) -> NDArray[np.uint8]:
    packed = _expect(archive, key, np.uint8, (out, -(-fan_in // 8)))
    bits = np.unpackbits(packed.view(np.uint8), axis=1, bitorder="little")
    if bits[:, fan_in:].any():
        raise DataError(
            f"{archive.path}: {key} has bits set past its {fan_in} inputs; the padding must be 0",
            code="BF-D011",
            remedy='pack with np.packbits(w, axis=1, bitorder="little")',
        )
    return np.ascontiguousarray(bits[:, :fan_in])


def _thresholds(archive: npz.Archive, key: str, out: int, limits: tuple[int, int]) -> NDArray[np.int16]:
    array = _expect(archive, key, np.int16, (out,)).view(np.int16)
    low, high = limits
    outside = np.flatnonzero((array < low) | (array > high))
    if len(outside):
        row = int(outside[0])
        raise DataError(
            f"{archive.path}: {key}[{row}] is {array[row]}; expected a threshold {low}..{high}",
            code="BF-D011",
            remedy=f"clip thresholds to {low} (always on) .. {high} (never on)",
        )
    return array


def _biases(archive: npz.Archive, classes: int, fan_in: int) -> NDArray[np.int16] | None:
    """The biases, small enough for every score to be an int16."""
    if "biases" not in archive.keys:
        return None
    array = _expect(archive, "biases", np.int16, (classes,)).view(np.int16)
    limit = max_bias(fan_in)
    outside = np.flatnonzero(np.abs(array.astype(np.int32)) > limit)
    if len(outside):
        row = int(outside[0])
        raise DataError(
            f"{archive.path}: biases[{row}] is {array[row]}; expected {-limit}..{limit}, for 16-bit scores",
            code="BF-D011",
            remedy="take the same number from all biases: the class stays the same",
        )
    return array


def max_bias(fan_in: int) -> int:
    """The largest bias with which all scores 2*popcount - fan_in + bias fit int16."""
    return int(np.iinfo(np.int16).max) - fan_in


def _accuracy(archive: npz.Archive) -> float | None:
    if "test_accuracy" not in archive.keys:
        return None
    value = float(_expect(archive, "test_accuracy", np.float64, ()).astype(np.float64))
    if not 0 <= value <= 1:
        raise DataError(
            f"{archive.path}: test_accuracy is {value}; expected a fraction 0..1",
            code="BF-D011",
            remedy=_REMEDY,
        )
    return value


def _scores(archive: npz.Archive, classes: int) -> NDArray[np.int16] | None:
    if "test_scores" not in archive.keys:
        return None
    found = archive.array("test_scores")
    count = len(found) if found.ndim else 0
    return _expect(archive, "test_scores", np.int16, (count, classes)).view(np.int16)


def _fits(found: Sequence[int], wanted: Sequence[int | None] | None) -> bool:
    if wanted is None:
        return True
    return len(found) == len(wanted) and all(w in (None, f) for f, w in zip(found, wanted, strict=True))


def _widths(dims: Sequence[int | None]) -> str:
    return "-".join("any" if d is None else str(d) for d in dims)
