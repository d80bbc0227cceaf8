"""For the CPU: bits packed into 64-bit machine words, so that one instruction counts 64 of them."""

from __future__ import annotations

from bitfold.schedule import Schedule

WORD = 64


def cpu(s: Schedule) -> None:
    """Pack every matrix layer of a network by machine words."""
    for kernel in s.kernels:
        layer = s.at(kernel)
        if "w" not in layer.get_arrays():
            continue
        if "t" in layer.get_arrays():
            layer.split("m", WORD, cut=True)  # a word of outputs stays in a register
        layer.split("k", WORD, cut=True)
        layer.pack("x", WORD)
        layer.pack("w", WORD)
