"""FINN's folding of layers, and whole networks as chains of processes joined by streams."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

from bitfold.diagnostics import ScheduleError
from bitfold.lang.types import DEPTH
from bitfold.schedule import Partition, Schedule

Folding = Mapping[str, Mapping[str, tuple[int, int]]]


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
    layer.stream("x", lanes=simd, depth=max(DEPTH, layer.type("x").logical.dims[-1] // simd))
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
    depth = 0
    if "lines" in layer.get_arrays():
        _, width, channels = layer.type("lines").logical.dims
        depth = max(DEPTH, width * channels // lanes)
    c_o, _ = layer.split("c", lanes)
    for array in layer.get_arrays():
        if array not in ("x", "y"):
            layer.pack(array, lanes)
    layer.stream("x", lanes=lanes, depth=depth)
    layer.stream("y", lanes=lanes)
    layer.pipeline(c_o, ii=1)


def fold_network(s: Schedule, name: str, foldings: Folding) -> None:
    """Fold every matrix layer of a network by `foldings[network][layer] = (PE, SIMD)`, and make it dataflow.

    A sliding window gives as many channels at a time as the matrix layer after it takes; pools work on whole
    pixels.

    Raises:
        ScheduleError: there is no folding for this network, or one that does not divide a layer.
    """
    if s.name not in foldings:
        raise ScheduleError(
            f"schedule {name!r} has no folding for {s.name!r}",
            code="BF-S003",
            remedy=f"it knows: {', '.join(sorted(foldings))}; copy schedules/{name}.py and add yours",
        )
    folding = foldings[s.name]
    lanes = 0
    for kernel in reversed(s.kernels):
        layer = s.at(kernel)
        channels = layer.trips("c") if "c" in map(str, layer.get_loops()) else 0
        if kernel in folding:
            fold(layer, *folding[kernel])
            lanes = folding[kernel][1]
        elif layer.function.kernel == "pool":
            lane_by_lane(layer, channels)
        elif channels:
            lane_by_lane(layer, gcd(lanes, channels))
        else:
            layer.pipeline("i", ii=1)
            layer.stream("s")
    for port in ("scores", "label"):
        s.stream(port)
    s.dataflow()
