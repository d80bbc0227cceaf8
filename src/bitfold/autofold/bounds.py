"""Lower bounds of what a kernel or a link costs, found without scheduling it.

They hold for what the kernels of `bitfold.kernels` become, whose memories are counted by the resource model's
own rule, and their adders, multiplexers and comparators by its own formulas. The tests compare all of them
with what is measured; so does the search for each part that it measures, and drops a kernel's bounds when one
is too high, as may be for a kernel of the user's own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitfold.ir.nodes import Apply, Fn, Rom, own_exprs, walk, walk_expr
from bitfold.lang.types import DEPTH, bit, covering
from bitfold.model import costs
from bitfold.model.costs import KERNEL, Resources
from bitfold.schedule import Schedule
from bitfold.schedules.folding import Work, input_depth


def kernel(layer: Schedule, work: Work) -> tuple[Resources, int]:
    """(cost, cycles) that a kernel takes at least."""
    if work.kind == "fold":
        return _matrix(layer, work.pe, work.lanes)
    cycles = 1
    if work.kind == "lanes" and "y" in layer.get_arrays():
        *rows, last = layer.type("y").logical.dims
        cycles = int(np.prod(rows, dtype=np.int64)) * -(-last // work.lanes)
    return KERNEL, cycles


def link(first: Schedule, w1: Work, second: Schedule, w2: Work) -> Resources:
    """What joins two kernels: a FIFO where they give and take words of one width, else two, a converter."""
    given, taken = _width(first, w1, "y", -1), _width(second, w2, "x", 0)
    depth = input_depth(second, w2) or DEPTH
    if given == taken:
        return costs.fifo(given, depth)
    return costs.fifo(given, depth) + costs.fifo(taken, depth) + KERNEL


def _width(layer: Schedule, work: Work, array: str, position: int) -> int:
    name = array if array in layer.get_arrays() else layer.function.params[position].name
    lanes = work.lanes if work.kind == "lanes" or array == "x" else work.pe if work.kind == "fold" else 1
    return lanes * layer.type(name).logical.elem.width


def _matrix(layer: Schedule, pe: int, simd: int) -> tuple[Resources, int]:
    rows, columns = layer.trips("m"), layer.trips("k")
    pixels = 1
    for loop in layer.get_loops():
        if loop.name not in ("m", "k"):
            pixels *= layer.trips(loop)
    m_o, k_o = rows // pe, columns // simd
    lane = layer.type("x").logical.elem.width
    cost = KERNEL + _weights(layer, pe, simd) + _row_constants(layer, pe)
    if m_o > 1 and k_o > 1:  # inputs are read again: they come from the stream, then from a buffer
        cost += Resources(lut=simd * lane, ff=simd * lane) + costs.memory(simd * lane, k_o, constant=False)
    if _is_popcount(layer):
        tree = Resources(costs.adder_tree(simd, 1), costs.adder_tree_registers(simd, 1))
    else:
        tree = Resources(costs.adder_tree(simd, lane))
    return cost + tree * pe, pixels * m_o * k_o


def _weights(layer: Schedule, pe: int, simd: int) -> Resources:
    used, shape = _used_columns(layer)
    rows, columns = shape
    lanes = used.reshape(columns // simd, simd).any(axis=0)
    width = int(np.flatnonzero(lanes)[-1]) + 1 if lanes.any() else 1
    if not used.size:
        return Resources()
    return costs.memory(width, rows // pe * (columns // simd), constant=True) * pe


def _row_constants(layer: Schedule, pe: int) -> Resources:
    """Thresholds and biases."""
    total = Resources()
    for low, high, rows in _ranges(layer):
        total += costs.memory(covering(low, high).width, rows // pe, constant=True) * pe
    return total


def _used_columns(layer: Schedule) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """Which columns have a weight other than 0, and the shape; nothing for weights that are no constants."""
    values = _constants(layer).get("w")
    if values is None or values.ndim != 2:
        return np.zeros(0, np.bool_), (0, 0)
    return np.asarray(values.any(axis=0)), (values.shape[0], values.shape[1])


def _ranges(layer: Schedule) -> list[tuple[int, int, int]]:
    found = []
    for name in ("t", "b"):
        values = _constants(layer).get(name)
        if values is not None and values.ndim == 1:
            found.append((int(values.min()), int(values.max()), len(values)))
    return found


def _constants(layer: Schedule) -> dict[str, NDArray[np.generic]]:
    roms = {s.name: s.source for s in layer.function.body if isinstance(s, Rom)}
    return {name: layer.program.constants[source] for name, source in roms.items()}


def _is_popcount(layer: Schedule) -> bool:
    """Whether the products are XNORs of bits, which packing makes a popcount."""
    exprs = (e for s in walk(layer.function.body) for own in own_exprs(s) for e in walk_expr(own))
    return layer.type("x").logical.elem == bit and any(
        isinstance(e, Apply) and e.fn is Fn.XNOR for e in exprs
    )
