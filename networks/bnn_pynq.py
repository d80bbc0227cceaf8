"""Importing the trained parameters of BNN-PYNQ, Xilinx's networks of binary weights and activations (W1A1).

A folder holds, for each layer L and each processing element P of it:
    L-P-weights.bin  uint64, little-endian: word nf * SF + sf has the weights of row nf * PE + P and columns
                     sf * SIMD ..., lane i in bit i; SF = padded columns / SIMD words make a row
    L-P-thres.bin    int64, little-endian: the thresholds of the same rows; the last layer may have none
    classes.txt      the classes' names, one per line (optional)

PE and SIMD are nowhere written down. PE is the number of files; SIMD follows from the number of words and
the highest lane in use. Rows are padded to a multiple of PE, columns to one of SIMD; at the network's ends
both also to one of 64. A padding column sees the input bit 0, so it is a match where its weight bit is 0.

A hidden bit is popcount > t. In CNV's first layer, where inputs are fixed-point numbers of 7 fractional bits
and thresholds have 8, it is 2 * sum > t in integers. The class is the argmax of popcount - t, or of popcount.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import DataError, UsageError, choices
from bitfold.networks import npz, topology
from bitfold.networks.weights_io import Weights, max_bias

LANES = 64
"""Bits of a word, thus the most that SIMD can be; also what BNN-PYNQ pads a network's ends to."""

_DENSE = {"lfc": (784, 1024, 1024, 1024)}
NETWORKS = (*_DENSE, topology.CNV)

# SIMD in the folders that BNN-PYNQ ships: settles what a layer's files leave open.
_SHIPPED_SIMD = {"lfc": (64, 32, 64, 8), topology.CNV: (3, 32, 32, 32, 32, 32, 4, 8, 1)}

_NAME = re.compile(r"(\d{1,3})-(\d{1,5})-(weights|thres)\.bin", re.ASCII)
_REMEDY = "give a W1A1 folder as BNN-PYNQ ships it: it holds 0-0-weights.bin, 0-0-thres.bin and so on"

Words = NDArray[np.uint64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Packing:
    """How a layer's weights are laid out: `rows` and `columns` include the padding."""

    pe: int
    simd: int
    rows: int
    columns: int


@dataclass(frozen=True, eq=False)
class Imported:
    """What a folder holds: the parameters, and how each layer was packed."""

    weights: Weights
    packings: tuple[Packing, ...]


@dataclass(frozen=True, eq=False)
class _Memory:
    """The files of one layer: words (PE, depth), and thresholds (PE, rows of a PE) where there are any."""

    name: str
    words: Words
    thresholds: Integers | None


def read(
    folder: str | Path, network: str, *, classes: int | None = None, simd: Sequence[int] | None = None
) -> Imported:
    """The parameters in `folder`, in Bitfold's form: the same class for every image.

    Args:
        network: which network the folder holds, one of NETWORKS.
        classes: how many; None takes the lines of classes.txt, or 10 where there is none.
        simd: SIMD of every layer; None finds it out.

    Raises:
        UsageError: an unknown network, or `simd` of another number of layers.
        DataError: the folder or a file is missing, unreadable, short, too long, or does not fit the network.
    """
    if network not in NETWORKS:
        raise UsageError(
            f"BNN-PYNQ has no network {network!r}", code="BF-U003", remedy=choices(network, NETWORKS)
        )
    source = Path(folder)
    files = _files(source)
    shapes = _shapes(network, _classes(source) if classes is None else classes)
    if simd is not None and len(simd) != len(shapes):
        raise UsageError(
            f"SIMD is given for {len(simd)} layers; {network} has {len(shapes)}",
            code="BF-U016",
            remedy=f"give {len(shapes)} numbers, such as {','.join(map(str, _SHIPPED_SIMD[network]))}",
        )
    _check_layers(source, network, files)
    weights, thresholds, packings = [], [], []
    for k, (out, fan_in) in enumerate(shapes):
        memory = _memory(source, k, files, needs_thresholds=k < len(shapes) - 1)
        asked = None if simd is None else simd[k]
        packing = _packing(memory, out, fan_in, asked, _SHIPPED_SIMD[network][k])
        padded = _matrix(memory, packing)[:out]
        weights.append(np.ascontiguousarray(padded[:, :fan_in]))
        packings.append(packing)
        strict = _thresholds(memory, out)
        if network == topology.CNV and k == 0:
            strict //= 2  # 2 * sum > t is sum > floor(t / 2); a padding column's input is the number 0
        else:
            strict -= (padded[:, fan_in:] == 0).sum(axis=1)  # a padding column's input is the bit 0
        thresholds.append(strict)
    hidden = [
        np.clip(strict + 1, *topology.threshold_range(network, k, fan_in)).astype(np.int16)
        for k, (strict, (_, fan_in)) in enumerate(zip(thresholds[:-1], shapes, strict=False))
    ]
    biases = _biases(thresholds[-1], shapes[-1][1])
    dims = (*_DENSE[network], shapes[-1][0]) if network in _DENSE else ()
    named = None if network in _DENSE else network
    made = Weights(dims, tuple(weights), tuple(hidden), biases=biases, network=named)
    return Imported(made, tuple(packings))


def _shapes(network: str, classes: int) -> tuple[tuple[int, int], ...]:
    if classes < 1:
        raise UsageError(
            f"a network of {classes} classes makes no sense", code="BF-U016", remedy="give 1 or more classes"
        )
    if network == topology.CNV:
        return topology.cnv_shapes(classes)
    return tuple((out, fan_in) for fan_in, out in pairwise((*_DENSE[network], classes)))


# Files


def _files(folder: Path) -> dict[tuple[int, str], set[int]]:
    """The PEs that have a file, by layer and kind of file."""
    try:
        names = os.listdir(folder)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(
            f"{folder}: the folder cannot be read: {reason}", code="BF-D001", remedy=_REMEDY
        ) from None
    found: dict[tuple[int, str], set[int]] = {}
    for name in names:
        if match := _NAME.fullmatch(name):
            layer, pe, kind = match.groups()
            if name != f"{int(layer)}-{int(pe)}-{kind}.bin":
                raise DataError(f"{folder / name}: numbers start with no 0", code="BF-D011", remedy=_REMEDY)
            found.setdefault((int(layer), kind), set()).add(int(pe))
    if not found:
        raise DataError(
            f"{folder}: holds no parameters of BNN-PYNQ, such as 0-0-weights.bin",
            code="BF-D002",
            remedy=_REMEDY,
        )
    return found


def _classes(folder: Path) -> int:
    """The lines of classes.txt; 10 where there is none."""
    path = folder / "classes.txt"
    if not path.exists():
        return 10
    raw = npz.read_bytes(path, what="names of classes, one per line", remedy="correct or delete the file")
    names = [line for line in raw.split(b"\n") if line.strip()]
    if not names:
        raise DataError(f"{path}: names no class", code="BF-D011", remedy="correct or delete the file")
    return len(names)


def _check_layers(folder: Path, network: str, files: dict[tuple[int, str], set[int]]) -> None:
    found = {layer for layer, _ in files}
    expected = set(range(len(_SHIPPED_SIMD[network])))
    if found == expected:
        return
    other = [n for n in NETWORKS if found == set(range(len(_SHIPPED_SIMD[n])))]
    missing, extra = sorted(expected - found), sorted(found - expected)
    what = f"has no files of layer {missing[0]}" if missing else f"has files of a layer {extra[0]}"
    raise DataError(
        f"{folder}: {what}; {network} has the layers 0 to {max(expected)}",
        code="BF-D011",
        remedy=f"it looks like --network {other[0]}" if other else _REMEDY,
    )


def _memory(
    folder: Path, layer: int, files: dict[tuple[int, str], set[int]], *, needs_thresholds: bool
) -> _Memory:
    pes = files.get((layer, "weights"), set())
    with_thresholds = files.get((layer, "thres"), set())
    for found, kind in ((pes, "weights"), (with_thresholds, "thres")):
        if missing := set(range(max(pes | with_thresholds) + 1)) - found:
            if kind == "thres" and not found and not needs_thresholds:
                continue
            raise DataError(
                f"{folder / f'{layer}-{min(missing)}-{kind}.bin'}: no such file",
                code="BF-D001",
                remedy=_REMEDY,
            )
    words = np.stack(list(_contents(folder, layer, "weights", len(pes), "<u8"))).astype(np.uint64)
    thresholds = None
    if with_thresholds:
        thresholds = np.stack(list(_contents(folder, layer, "thres", len(pes), "<i8"))).astype(np.int64)
    return _Memory(f"{folder}: layer {layer}", words, thresholds)


def _contents(folder: Path, layer: int, kind: str, pes: int, dtype: str) -> Iterator[NDArray[np.generic]]:
    """The numbers in each PE's file, of one length in all files."""
    length = None
    for pe in range(pes):
        path = folder / f"{layer}-{pe}-{kind}.bin"
        raw = npz.read_bytes(path, what="parameters of BNN-PYNQ", remedy=_REMEDY)
        if len(raw) % 8:
            raise DataError(
                f"{path}: has {len(raw)} bytes, which is no multiple of 8", code="BF-D003", remedy=_REMEDY
            )
        length = length or len(raw)
        if len(raw) != length:
            raise DataError(
                f"{path}: has {len(raw)} bytes, but {layer}-0-{kind}.bin has {length}",
                code="BF-D003",
                remedy=_REMEDY,
            )
        yield np.frombuffer(raw, dtype)


# Packing


def _packing(memory: _Memory, out: int, fan_in: int, asked: int | None, shipped: int) -> Packing:
    """The packing with which the files hold `out` rows of `fan_in` columns.

    SIMD is the number of lanes in use. Only where all weights of the highest lane are 0 is it more: then it
    is the shipped one if that fits, or any when each row is one word, whose unused lanes are padding.
    """
    pe, depth = memory.words.shape
    used = _lanes(memory)
    fitting = _fitting(memory, out, fan_in)
    likely = [p for p in fitting if p.simd == (asked or used)]
    if not likely and asked is None:
        likely = [p for p in fitting if p.simd == shipped or p.simd == p.columns]
    if not likely:
        found = f"{pe} x {depth} weight words with bits in {used} lanes"
        if memory.thresholds is not None:
            found += f" and {pe} x {memory.thresholds.shape[1]} thresholds"
        simd = f" at SIMD {asked}" if asked is not None else ""
        raise DataError(
            f"{memory.name} has {found}, which cannot be {out} rows of {fan_in} weights{simd}",
            code="BF-D011",
            remedy="check that all files are whole, the network, the number of classes, and that it is W1A1",
        )
    return likely[0]


def _lanes(memory: _Memory) -> int:
    """One more than the highest bit that is set in any word."""
    return int(np.bitwise_or.reduce(memory.words, axis=None)).bit_length()


def _fitting(memory: _Memory, out: int, fan_in: int) -> list[Packing]:
    """All packings that agree with the number of words and thresholds."""
    pe, depth = memory.words.shape
    found = []
    for simd in range(max(1, _lanes(memory)), LANES + 1):
        for columns in _padded(fan_in, simd):
            rows, rest = divmod(depth * simd, columns)
            agrees = memory.thresholds is None or rows == memory.thresholds.shape[1]
            if not rest and agrees and rows * pe in _padded(out, pe):
                found.append(Packing(pe, simd, rows * pe, columns))
    return found


def _padded(size: int, multiple: int) -> tuple[int, ...]:
    """What `size` can have been padded to: a multiple, and one that covers a multiple of 64."""
    return tuple(dict.fromkeys(_up(_up(size, end), multiple) for end in (1, LANES)))


def _up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def _matrix(memory: _Memory, packing: Packing) -> NDArray[np.uint8]:
    """The weight bits (rows, columns), padding included."""
    pe, simd = packing.pe, packing.simd
    lanes = np.unpackbits(memory.words.astype("<u8").view(np.uint8), bitorder="little")
    folds = lanes.reshape(pe, packing.rows // pe, packing.columns // simd, LANES)[..., :simd]
    return folds.transpose(1, 0, 2, 3).reshape(packing.rows, packing.columns)


# Thresholds


def _thresholds(memory: _Memory, out: int) -> Integers:
    """Those of the first `out` rows, int64, as stored; 0 where the layer has none."""
    if memory.thresholds is None:
        return np.zeros(out, np.int64)
    beyond = 1 << 40  # far outside of any sum, and far from overflow
    return np.clip(memory.thresholds.T.reshape(-1)[:out], -beyond, beyond)


def _biases(thresholds: Integers, fan_in: int) -> NDArray[np.int16] | None:
    """Biases with which 2 * popcount - fan_in + bias orders the classes as popcount - threshold does.

    The score is then 2 * (popcount - threshold), unless that leaves 16 bits: then a class that can never win
    gets a threshold just high enough for that, and all scores may be moved by the same number.
    """
    if (thresholds == thresholds[0]).all():
        return None
    limit = max_bias(fan_in)
    biases = fan_in - 2 * thresholds
    if np.abs(biases).max() > limit:
        biases = np.maximum(biases, biases.max() - 2 * fan_in - 2)
    if np.abs(biases).max() > limit:
        biases -= biases.max()
    return biases.astype(np.int16)
