"""One step of k-means: each point is assigned to the nearest of 8 centres, which then move to the mean.

All 8 distances of a point are computed at once, a point per cycle; sums and counts are registers, since the
next point may belong to the same centre. The division that follows runs once per centre and coordinate.
"""

import numpy as np

from bitfold import customize
from bitfold.lang import int8, int32, uint4, uint16, uint32, zeros

POINTS, D, K = 1024, 4, 8


def kmeans(x: int8[POINTS, D], centre: int8[K, D], label: uint4[POINTS], moved: int8[K, D]):
    total = zeros(int32[K, D])
    count = zeros(uint16[K])
    for n in range(POINTS):
        nearest: uint4 = 0
        least: uint32 = 0xFFFFFFFF
        for k in range(K):
            distance: uint32 = 0
            for d in range(D):
                distance += (x[n, d] - centre[k, d]) * (x[n, d] - centre[k, d])
            if distance < least:
                least = distance
                nearest = k
        label[n] = nearest
        for kk in range(K):
            if kk == nearest:
                count[kk] += 1
                for dd in range(D):
                    total[kk, dd] += x[n, dd]
    for c in range(K):
        for e in range(D):
            moved[c, e] = total[c, e] // max(count[c], 1)


def schedule(s):
    s.pipeline("n")
    s.pipeline("e")
    s.partition("x", dim=2)
    for array in ("centre", "total", "count"):
        s.partition(array)


def inputs(rng):
    middle = rng.integers(-90, 90, (K, D))
    points = middle[rng.integers(0, K, POINTS)] + rng.integers(-20, 21, (POINTS, D))
    return points.astype(np.int8), (middle + rng.integers(-10, 11, (K, D))).astype(np.int8)


def reference(x, centre):
    distance = ((x[:, None].astype(int) - centre[None].astype(int)) ** 2).sum(axis=2)
    label = distance.argmin(axis=1)
    moved = [x[label == k].astype(int).sum(axis=0) // max((label == k).sum(), 1) for k in range(K)]
    return label.astype(np.uint8), np.array(moved, np.int8)


def main():
    s = customize(kmeans)
    schedule(s)
    module = s.build(target="llvm")
    x, centre = inputs(np.random.default_rng(0))
    label, moved = np.zeros(POINTS, np.uint8), np.zeros((K, D), np.int8)
    module(x, centre, label, moved)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (label, moved), reference(x, centre))))


if __name__ == "__main__":
    main()
