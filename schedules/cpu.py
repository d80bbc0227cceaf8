"""For the CPU: bits packed into 64-bit machine words, so that one instruction counts 64 of them."""

from __future__ import annotations

from bitfold.lang import bit
from bitfold.schedule import Schedule

WORD = 64


def cpu(s: Schedule) -> None:
    """Pack every layer of a network by machine words, weights of neighbouring outputs side by side."""
    for kernel in s.kernels:
        layer = s.at(kernel)
        loops, arrays = [str(loop) for loop in layer.get_loops()], layer.get_arrays()
        if "w" in arrays:
            outputs = None
            if "t" in arrays:
                outputs = layer.split("m", WORD, cut=True)  # a word of outputs stays in a register
            if layer.type("x").logical.elem == bit:
                layer.split("k", WORD, cut=True)
                layer.pack("x", WORD)
                layer.pack("w", WORD)
            elif outputs:
                layer.reorder(outputs[0], "k", outputs[1])
            layer.transpose("w")  # vector instructions work on neighbouring outputs
        elif "c" in loops and layer.type("x").logical.elem == bit:
            layer.split("c", WORD, cut=True)
            for array in arrays:
                layer.pack(array, WORD)
