"""FINN's folding of layers, and whole networks as chains of processes joined by streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

from bitfold.diagnostics import ScheduleError
from bitfold.lang.types import DEPTH
from bitfold.schedule import Partition, Schedule

Folding = Mapping[str, Mapping[str, tuple[int, int]]]


@dataclass(frozen=True)
class Work:
    """How much of its work a kernel does in a cycle.

    A matrix layer ("fold") works on `pe` rows and `lanes` inputs of each, a kernel over pixels ("lanes") on
    `lanes` channels; any other ("plain") does `lanes` iterations of its innermost loop.
    """

    kind: str
    lanes: int = 1
    pe: int = 1


def is_matrix(layer: Schedule) -> bool:
    """Whether a kernel is a matrix layer: rows m times columns k of weights w, inputs x, outputs y."""
    return {"m", "k"} <= set(map(str, layer.get_loops())) and {"w", "x", "y"} <= set(layer.get_arrays())


def channels_of(layer: Schedule) -> int:
    """The channels of a kernel whose loop over them is c, else 0."""
    return layer.trips("c") if "c" in map(str, layer.get_loops()) else 0


def work_of(
    s: Schedule, folding: Mapping[str, tuple[int, int]], kernels: Sequence[str] = ()
) -> dict[str, Work]:
    """What each kernel of a network does in a cycle when its matrix layers have this (PE, SIMD).

    A kernel over pixels gives as many channels at a time as the matrix layer after it takes; pools work on
    whole pixels. Of a network's last kernels alone, `kernels` names them.
    """
    found: dict[str, Work] = {}
    simd = 0
    for kernel in reversed(kernels or s.kernels):
        layer = s.at(kernel)
        channels = channels_of(layer)
        if kernel in folding and (channels or is_matrix(layer)):
            pe, simd = folding[kernel]
            found[kernel] = Work("fold", simd, pe)
        elif channels:
            whole = layer.function.kernel == "pool"
            found[kernel] = Work("lanes", channels if whole else gcd(simd, channels))
        else:
            found[kernel] = Work("plain", folding[kernel][1] if kernel in folding else 1)
    return found


def apply_work(layer: Schedule, work: Work) -> None:
    """Schedule a kernel to do this much in a cycle, and stream its first and last parameter."""
    if work.kind == "fold":
        fold(layer, work.pe, work.lanes)
    elif work.kind == "lanes":
        lane_by_lane(layer, work.lanes)
    else:
        one_by_one(layer, work.lanes)


def input_depth(layer: Schedule, work: Work) -> int:
    """Words that a kernel's input channel holds; `fold` and `lane_by_lane` say why."""
    if work.kind == "fold":
        return max(DEPTH, layer.type("x").logical.dims[-1] // work.lanes)
    if work.kind == "lanes" and "lines" in layer.get_arrays():
        _, width, channels = layer.type("lines").logical.dims
        return max(DEPTH, width * channels // work.lanes)
    return 0


def fold(layer: Schedule, pe: int, simd: int) -> None:
    """Work on `pe` rows and `simd` inputs of each in a cycle: (M / pe) * (K / simd) cycles for each pixel.

    The layer takes words of `simd` inputs from a stream and gives words of `pe` outputs to one. Its input
    channel holds a whole pixel: the layer reads one while it works on its first rows and none while it works
    on the others, and only what the layer before can put meanwhile keeps both at work.

    Raises:
        ScheduleError: `pe` does not divide the rows or `simd` the columns; the message lists what does.
    """
    m_o, m_i = layer.split("m", pe)
    k_o, k_i = layer.split("k", simd)
    layer.reorder(m_o, k_o, m_i, k_i)  # each of the pe rows gets an accumulator of its own
    layer.unroll(m_i)
    layer.pipeline(k_o, ii=1)
    layer.pack("w", simd)
    layer.stream("x", lanes=simd, depth=input_depth(layer, Work("fold", simd, pe)))
    if k_i.name in map(str, layer.get_loops()):  # products that are no popcount
        layer.unroll(k_i)
    layer.stream("y", lanes=pe)
    for memory in ("w", "t", "b"):
        if memory in layer.get_arrays():
            layer.partition(memory, Partition.Cyclic, dim=1, factor=pe)
    layer.partition("acc", Partition.Complete)


def lane_by_lane(layer: Schedule, lanes: int) -> None:
    """Work on `lanes` channels of a pixel in a cycle, in a layer whose loop over channels is c.

    The input channel of a sliding window holds a row of the image: the window takes a row in at once, and no
    pixel while the rest of its round goes out.

    Raises:
        ScheduleError: `lanes` does not divide the channels.
    """
    depth = input_depth(layer, Work("lanes", lanes))
    c_o, _ = layer.split("c", lanes)
    for array in layer.get_arrays():
        if array not in ("x", "y"):
            layer.pack(array, lanes)
    layer.stream("x", lanes=lanes, depth=depth)
    layer.stream("y", lanes=lanes)
    layer.pipeline(c_o, ii=1)


def one_by_one(layer: Schedule, lanes: int = 1) -> None:
    """Do `lanes` iterations of the innermost loop in a cycle, as label selection: on words of so many inputs.

    Iterations that depend on each other follow one another within the cycle: few fit.

    Raises:
        ScheduleError: `lanes` does not divide the iterations.
    """
    loop = layer.get_loops()[-1]
    first, *others = [param.name for param in layer.function.params]
    if lanes == 1:
        layer.pipeline(loop, ii=1)
        layer.stream(first)
        return
    trips = layer.trips(loop)
    outer, inner = layer.split(loop, lanes)
    layer.unroll(inner)
    layer.pipeline(outer, ii=1)
    for array in (first, *others):
        if layer.type(array).logical.dims[-1] == trips:
            layer.stream(array, lanes=lanes)


def fold_network(s: Schedule, name: str, foldings: Folding) -> None:
    """Fold every matrix layer of a network by `foldings[network][layer] = (PE, SIMD)`, and make it dataflow.

    Raises:
        ScheduleError: there is no folding for this network, or one that does not divide a layer.
    """
    if s.name not in foldings:
        raise ScheduleError(
            f"schedule {name!r} has no folding for {s.name!r}",
            code="BF-S003",
            remedy=f"it knows: {', '.join(sorted(foldings))}; copy schedules/{name}.py and add yours",
        )
    fold_layers(s, foldings[s.name])


def fold_layers(
    s: Schedule, folding: Mapping[str, tuple[int, int]], depths: Mapping[str, int] | None = None
) -> None:
    """Fold the matrix layers of a network by `folding[layer] = (PE, SIMD)`, and make it dataflow.

    `depths` are words that channels hold, by name, where `fold` and `lane_by_lane` give them too few.

    Raises:
        ScheduleError: a folding that does not divide its layer, or of a layer that there is not.
    """
    for layer in folding:
        s.at(layer)
    for kernel, work in work_of(s, folding).items():
        apply_work(s.at(kernel), work)
    for param in s.function.params:
        if not s.type(param.name).streamed:
            s.stream(param.name)
    s.dataflow()
    for channel, depth in (depths or {}).items():
        s.deepen(channel, depth)
