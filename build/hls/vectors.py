"""Golden vectors: what a test bench feeds a design and what it expects back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bitfold.diagnostics import UsageError, choices
from bitfold.ir.run import from_storage, to_storage
from bitfold.lang.types import ArrayType, FloatType, IntType


@dataclass(frozen=True)
class Vectors:
    """Logical (unpacked) values of the top kernel's parameters: arrays of shape (N, *logical shape).

    N is the number of images. `inputs` holds the parameters that the kernel reads, as they are before a run;
    `outputs` those that it writes, as they must be after it. A parameter that is both is in both. One in a
    memory that is only written may be in both as well: where the kernel leaves it alone, its contents stay.
    """

    inputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    outputs: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Port:
    """A parameter of the top function. `cname` is its C++ name; a written port is compared after each run.

    `filled` tells that the vectors say what it holds before a run although the kernel does not read it; other
    such ports start as 0. A `scalar` is a number, not an array of one.
    """

    name: str
    cname: str
    type: ArrayType
    read: bool
    written: bool
    filled: bool = False
    scalar: bool = False

    @property
    def driven(self) -> bool:
        """Whether the vectors say what it holds before a run."""
        return self.read or not self.written or self.filled

    @property
    def words(self) -> int:
        return int(np.prod(self.type.dims))

    def as_json(self) -> dict[str, Any]:
        """What is needed to read the words of the port back."""
        direction = {(True, True): "inout", (False, True): "out"}.get((self.read, self.written), "in")
        elem = self.type.elem
        real = {"float": True} if isinstance(elem, FloatType) else {}
        return {
            "name": self.name,
            "direction": direction,
            "interface": "stream" if self.type.streamed else "scalar" if self.scalar else "memory",
            "width": self.type.elem.width,
            "signed": self.type.elem.signed,
            "shape": list(self.type.dims),
            "lanes_of": self.type.lanes_of,
            "part": [self.type.part.width, self.type.part.signed],
            **real,
        }

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> Port:
        """The inverse of `as_json`, but for the C++ name."""
        width = found["width"]
        elem = FloatType(width) if found.get("float") else IntType(width, found["signed"])
        streamed = found["interface"] == "stream"
        shape, lanes_of, part = tuple(found["shape"]), found["lanes_of"], IntType(*found["part"])
        type = ArrayType(elem, shape, lanes_of=lanes_of, streamed=streamed, part=part)
        reads, writes = found["direction"] in ("in", "inout"), found["direction"] in ("out", "inout")
        return Port(found["name"], found["name"], type, reads, writes)


def vector_text(ports: Sequence[Port], vectors: Vectors) -> tuple[str, int]:
    """The vector file and its number of images.

    Raises:
        UsageError: a parameter has no values, is unknown, or has the wrong shape, range or number of images.
    """
    driven = [p for p in ports if p.driven]
    compared = [p for p in ports if p.written]
    _check_names("input", vectors.inputs, driven)
    _check_names("output", vectors.outputs, compared)
    wanted = [(p, vectors.inputs) for p in driven] + [(p, vectors.outputs) for p in compared]
    columns = [_lines(p, values[p.name]) for p, values in wanted]
    counts = sorted({len(c) for c in columns})
    if len(counts) > 1:
        raise UsageError(
            f"the vectors have different numbers of images: {', '.join(map(str, counts))}",
            code="BF-U012",
            remedy="pass arrays with one common first dimension",
        )
    images = counts[0] if counts else 0
    head = [
        "# The number of images, then a line for each port of each image, in the order below.",
        "# Words are hexadecimal, two's complement, in row-major order.",
        *(f"#   {p.name}: {p.words} words of {p.type.elem.width} bits, before the run" for p in driven),
        *(f"#   {p.name}: {p.words} words of {p.type.elem.width} bits, after the run" for p in compared),
        f"{images:x}",
    ]
    body = [line for image in zip(*columns, strict=True) for line in image]
    return "\n".join([*head, *body, ""]), images


def _check_names(kind: str, given: Mapping[str, np.ndarray], ports: Sequence[Port]) -> None:
    names = [p.name for p in ports]
    for name in given:
        if name not in names:
            raise UsageError(
                f"the top kernel has no {kind} {name!r}", code="BF-U012", remedy=choices(name, names)
            )
    missing = [n for n in names if n not in given]
    if missing:
        raise UsageError(
            f"no vectors for the {kind} {', '.join(missing)}",
            code="BF-U012",
            remedy=f"add {', '.join(repr(m) for m in missing)} to Vectors.{kind}s",
        )


def _lines(port: Port, values: np.ndarray) -> list[str]:
    """A line of hexadecimal words for each image."""
    values = np.asarray(values)
    logical = port.type.logical
    if values.shape[1:] != logical.dims or values.ndim != len(logical.dims) + 1:
        raise UsageError(
            f"the vectors of {port.name!r} have shape {values.shape}; {logical} needs "
            f"(N, {', '.join(map(str, logical.dims))})",
            code="BF-U012",
            remedy="put the images along the first dimension",
        )
    if isinstance(logical.elem, FloatType):
        raw = to_storage(values, port.type).reshape(values.shape[0], port.words)
        return [" ".join(map("%x".__mod__, row)) for row in raw.view(_words_of(logical.elem)).tolist()]
    if values.size and not logical.elem.low <= int(values.min()) <= int(values.max()) <= logical.elem.high:
        raise UsageError(
            f"the vectors of {port.name!r} go from {values.min()} to {values.max()}; "
            f"{logical.elem} holds {logical.elem.low} to {logical.elem.high}",
            code="BF-U012",
            remedy="pass values of the parameter's own type",
        )
    stored = to_storage(values, port.type).reshape(values.shape[0], port.words).tolist()
    if port.type.elem.signed:
        mask = (1 << port.type.elem.width) - 1
        stored = [[v & mask for v in row] for row in stored]
    return [" ".join(map("%x".__mod__, row)) for row in stored]


def _words_of(elem: FloatType) -> np.dtype[np.generic]:
    """The dtype that reads the bits of a float as an integer."""
    return np.dtype(f"uint{elem.width}")


def parse_outputs(ports: Sequence[Port], lines: Iterable[str], images: int) -> dict[str, np.ndarray]:
    """Logical arrays of shape (images, *logical shape) from the words that a test bench wrote.

    Raises ValueError when lines or words are missing.
    """
    compared = [p for p in ports if p.written]
    rows = [line.split() for line in lines]
    found = {}
    for i, port in enumerate(compared):
        mine = rows[i :: len(compared)][:images]
        if isinstance(port.type.elem, FloatType):
            raw = np.array([[int(w, 16) for w in row] for row in mine], _words_of(port.type.elem))
            whole = raw.reshape(images, *port.type.dims)
            found[port.name] = from_storage(whole.view(port.type.elem.storage), port.type)
            continue
        wrap = port.type.elem.wrap if port.type.elem.signed else int
        words = np.empty((images, port.words), port.type.elem.storage)
        words[...] = np.array([[wrap(int(w, 16)) for w in row] for row in mine], words.dtype)
        found[port.name] = from_storage(words.reshape(images, *port.type.dims), port.type)
    return found
