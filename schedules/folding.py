"""FINN's folding of a matrix layer, and its application to a whole network."""

from __future__ import annotations

from collections.abc import Mapping

from bitfold.diagnostics import ScheduleError
from bitfold.schedule import Partition, Schedule

Folding = Mapping[str, Mapping[str, tuple[int, int]]]


def fold(layer: Schedule, pe: int, simd: int) -> None:
    """Work on `pe` rows and `simd` inputs of each in a cycle, so that a layer takes (M / pe) * (K / simd).

    Raises:
        ScheduleError: `pe` does not divide the rows or `simd` the columns; the message lists what does.
    """
    m_o, m_i = layer.split("m", pe)
    k_o, k_i = layer.split("k", simd)
    layer.reorder(m_o, k_o, m_i, k_i)  # each of the pe rows gets an accumulator of its own
    layer.unroll(m_i)
    layer.pipeline(k_o, ii=1)
    layer.pack("x", simd)
    layer.pack("w", simd)
    layer.partition("w", Partition.Cyclic, dim=1, factor=pe)
    layer.partition("acc", Partition.Complete)


def fold_network(s: Schedule, name: str, foldings: Folding) -> None:
    """Fold every matrix layer of a network by `foldings[network][layer] = (PE, SIMD)`, and stream its ends.

    Raises:
        ScheduleError: there is no folding for this network, or one that does not divide a layer.
    """
    if s.name not in foldings:
        raise ScheduleError(
            f"schedule {name!r} has no folding for {s.name!r}",
            remedy=f"it knows: {', '.join(sorted(foldings))}; copy schedules/{name}.py and add yours",
        )
    folding = foldings[s.name]
    for layer, (pe, simd) in folding.items():
        fold(s.at(layer), pe, simd)
    lanes = [simd for _, simd in folding.values()]
    for (layer, (pe, _)), width in zip(folding.items(), [*lanes[1:], 1], strict=True):
        view = s.at(layer)
        output = "y" if "t" in view.get_arrays() else "s"
        if output == "y":
            view.partition("t", Partition.Cyclic, dim=1, factor=pe)
        # Words of the next layer's SIMD bits (or scores) that a cycle can finish go to different memories.
        if pe % width == 0 and pe > width:
            view.partition(output, Partition.Cyclic, dim=1, factor=pe // width)
        elif width % pe:
            view.partition(output, Partition.Complete)
    s.at("label_select").pipeline("i", ii=1)
    for port in ("x", "scores", "label"):
        s.stream(port)
