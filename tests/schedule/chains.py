"""Random chains of small kernels, and random requests that join them by streams.

    chain = Chain(random.Random(3), "0")
    case = together([chain])                  # a kernel that calls the chain's kernels one after the other
    s = customize(case.function)
    chain.schedule(s)                         # requests that are refused leave no trace

Chains are of dense layers, matrix layers, sliding windows, pools and maps over 1 or 2 dimensions, of elements
of any type up to 40 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from random import Random

from tests.strategies import KernelCase

from bitfold.diagnostics import ScheduleError
from bitfold.ir.nodes import CallKernel
from bitfold.lang import Int, IntType, UInt, bit
from bitfold.schedule import Schedule

HEAD = """
import numpy as np

from bitfold.kernels.pool import or_pool
from bitfold.kernels.window import sliding_window
from bitfold.lang import *
"""
MAPS = ("{e} + 3", "{e} * 2 - 1", "1 - {e}", "({e} if {e} > 1 else 5)", "{e}")


End = tuple[str, int, int]  # "kernel:array", lanes, depth


@dataclass
class Layer:
    """One kernel."""

    name: str
    kind: str
    source: str
    lanes: int = 0  # a map that goes over words of so many elements, the last of which may not be full


class Chain:
    """A chain of 2 to 4 kernels from `x<tag>` to `y<tag>`."""

    def __init__(self, rng: Random, tag: str) -> None:
        self.rng = rng
        self.tag = tag
        self.elem: IntType = self._type()
        self.side = rng.choice((0, 0, 3, 4))  # the side of an image of which the rows are the pixels
        rows = [self.side**2] if self.side else rng.choice(([], [], [2], [3]))
        self.shape = (*rows, rng.choice((1, 2, 4, 6, 7, 10, 12)))
        self.types = [self._array()]
        self.layers = [self._layer(f"k{tag}_{i}") for i in range(rng.randint(2, 4))]

    def _type(self) -> IntType:
        width = self.rng.choice((1, 1, 2, 5, 8, 13, 32, 40))
        return self.rng.choice((bit, UInt(width), Int(width)))

    def _array(self) -> str:
        return f"{self.elem}[{', '.join(map(str, self.shape))}]"

    # ---- source

    def _layer(self, name: str) -> Layer:
        kinds = ["map", "map", "matrix", "matrix"]
        if self.side > 1 and prod(self.shape) < 150:
            kinds += ["window"] * 4
            if self.elem == bit:
                kinds += ["pool"] * 4
        kind = self.rng.choice(kinds)
        made = {"map": self._map, "matrix": self._matrix, "window": self._window, "pool": self._pool}[kind](
            name
        )
        self.types.append(self._array())
        return made

    def _map(self, name: str) -> Layer:
        source = self._array()
        value = self.rng.choice(MAPS)
        if self.rng.random() < 0.5:
            self.elem = self._type()
        shape, index = self.shape, ("p", "c")[2 - len(self.shape) :]
        heads = [f"for {v} in range({n}):" for v, n in zip(index, shape, strict=True)]
        lanes = self.rng.choice((0, 0, 2, 3, 4, 5))
        if lanes:
            *outer, channels = shape
            heads = [
                *heads[: len(outer)],
                f"for o in range({-(-channels // lanes)}):",
                f"for i in range({lanes}):",
            ]
            index = (*index[: len(outer)], f"o * {lanes} + i")
            heads.append(f"if {index[-1]} < {channels}:")
        at = ", ".join(index)
        lines = [*heads, f"y[{at}] = {value.format(e=f'x[{at}]')}"]
        body = "".join(f"{'    ' * d}    {line}\n" for d, line in enumerate(lines))
        return Layer(name, "map", f"def {name}(x: {source}, y: {self._array()}):\n{body}", lanes)

    def _matrix(self, name: str) -> Layer:
        source, was = self._array(), self.elem
        *rows, K = self.shape
        M = self.rng.choice((1, 2, 3, 4, 6))
        self.shape = (*rows, M)
        values = [[self.rng.randint(0, 1) for _ in range(K)] for _ in range(M)]
        weights = f"W{name} = typed(np.array({values}, np.uint8), bit)"
        if self.elem == bit:
            term, last = "xnor(w[m, k], x[{p}k])", f"acc >= {K // 2}"
        else:
            term, last = "(x[{p}k] if w[m, k] > 0 else -x[{p}k])", "acc"
            self.elem = self._type()
        p, pad = ("p, ", "    ") if rows else ("", "")
        lines = [f"def {name}(x: {source}, w: bit[{M}, {K}], y: {self._array()}):"]
        lines += [f"    for p in range({n}):" for n in rows]
        lines += [
            f"{pad}    for m in range({M}):",
            f"{pad}        acc: {'uint16' if was == bit else 'int64'} = 0",
            f"{pad}        for k in range({K}):",
            f"{pad}            acc += {term.format(p=p)}",
            f"{pad}        y[{p}m] = {last}",
        ]
        return Layer(name, "matrix", weights + "\n\n\n" + "\n".join(lines) + "\n")

    def _window(self, name: str) -> Layer:
        side, channels = self.side, self.shape[1]
        size = self.rng.choice((1, 2))
        self.side = side - size + 1
        self.shape = (self.side**2, size * size * channels)
        return Layer(name, "window", f"{name} = sliding_window({self.elem}, {side}, {side}, {size})\n")

    def _pool(self, name: str) -> Layer:
        side = self.side
        self.side = side // 2
        self.shape = (self.side**2, self.shape[1])
        return Layer(name, "pool", f"{name} = or_pool({side}, {side})\n")

    @property
    def params(self) -> str:
        return f"x{self.tag}: {self.types[0]}, y{self.tag}: {self.types[-1]}"

    @property
    def body(self) -> str:
        arrays = [
            f"x{self.tag}",
            *(f"h{self.tag}_{i}" for i in range(1, len(self.layers))),
            f"y{self.tag}",
        ]
        lines = [f"    {h} = empty({t})\n" for h, t in zip(arrays[1:-1], self.types[1:-1], strict=True)]
        for layer, x, y in zip(self.layers, arrays, arrays[1:], strict=False):
            w = f"W{layer.name}, " if layer.kind == "matrix" else ""
            lines.append(f"    {layer.name}({x}, {w}{y})\n")
        return "".join(lines)

    # ---- requests

    def schedule(self, s: Schedule) -> None:
        """Fold each layer at random, then stream ends in random order."""
        ends: list[End] = []
        for layer, view in zip(self.layers, self._views(s), strict=True):
            ends += self._fold(layer, view)
        self.rng.shuffle(ends)
        for end, lanes, depth in ends:
            if self.rng.random() < 0.85:
                with suppress(ScheduleError):
                    s.stream(end, lanes=lanes, depth=depth)

    def _views(self, s: Schedule) -> list[Schedule]:
        """A view of each layer, in the order in which the chain calls them."""
        calls = [c for c in s.function.body if isinstance(c, CallKernel)]
        tags = (f"x{self.tag}", f"y{self.tag}", f"h{self.tag}_")
        return [s.at(c.callee) for c in calls if c.args[0].startswith(tags)]

    def _fold(self, layer: Layer, view: Schedule) -> list[End]:
        """Schedule one layer; its ends, with lanes that are likely to be granted, and depths."""
        rng, last = self.rng, view.type("y").dims[-1]
        columns = view.type("x").dims[-1]
        simd = rng.choice((0, 1, 2, 3, 4, 5, columns, columns + 3))
        pe = rng.choice([d for d in (1, 2, 3, 6) if last % d == 0])
        if layer.kind == "matrix":
            return self._fold_matrix(view, simd, pe)
        if layer.lanes:
            simd = rng.choice((layer.lanes, layer.lanes, simd))
        elif 0 < simd < view.trips("c"):
            with suppress(ScheduleError):
                view.split("c", simd, cut=rng.random() < 0.3)
        if layer.kind != "map" and simd:
            for array in view.get_arrays():
                if array not in ("x", "y"):
                    with suppress(ScheduleError):
                        view.pack(array, simd)
        with suppress(ScheduleError):
            if rng.random() < 0.3:
                view.pipeline(rng.choice(view.get_loops()))
            if rng.random() < 0.2:
                view.unroll(view.get_loops()[-1])
        out = rng.choice((simd, simd, simd, 0, 1))
        return [(f"{view.name}:x", simd, 3), (f"{view.name}:y", out, 3)]

    def _fold_matrix(self, view: Schedule, simd: int, pe: int) -> list[End]:
        rng = self.rng
        if rng.random() < 0.7:
            with suppress(ScheduleError):
                m_o, m_i = view.split("m", pe)
                k_o, _ = view.split("k", max(simd, 1))
                view.reorder(m_o, k_o, m_i)
                view.unroll(m_i)
                view.pipeline(k_o)
        if simd and rng.random() < 0.7:
            with suppress(ScheduleError):
                view.pack("w", simd)
        return [(f"{view.name}:x", simd, 3), (f"{view.name}:y", rng.choice((pe, pe, 0)), 3)]


def together(chains: Sequence[Chain]) -> KernelCase:
    """A kernel that calls all kernels of the chains, each chain from its own input to its own output."""
    layers = "\n\n".join(layer.source for chain in chains for layer in chain.layers)
    params = ", ".join(chain.params for chain in chains)
    body = "".join(chain.body for chain in chains)
    return KernelCase(f"{HEAD}\n\n{layers}\n\ndef kernel({params}):\n{body}", {})
