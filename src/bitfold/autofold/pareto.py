"""Points of which no other is at most as large in every coordinate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.int64]


def front(points: Points) -> NDArray[np.intp]:
    """Indices of the points (N, d) that no other dominates, in lexicographic order; one of equal ones."""
    if not len(points):
        return np.zeros(0, np.intp)
    order = np.lexsort(points.T[::-1])
    ranked = points[order]
    if points.shape[1] == 1:
        return order[:1]
    if points.shape[1] == 2:
        least = np.minimum.accumulate(ranked[:, 1])
        kept = np.ones(len(ranked), bool)
        kept[1:] = ranked[1:, 1] < least[:-1]
        return order[kept]
    left = np.arange(len(ranked))
    found: list[int] = []
    while len(left):  # the first one left is dominated by none, as it is the least in this order
        found.append(left[0])
        left = left[(ranked[left] < ranked[left[0]]).any(axis=1)]
    return order[found]
