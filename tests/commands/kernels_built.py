"""Kernels that the tests of `bitfold build` build, as a user's file holds them."""

GEMM = """
from bitfold import Partition
from bitfold.lang import *


def gemm(a: int8["M", "K"], b: int8["K", "N"], c: int32["M", "N"]):
    M, K = a.shape
    for i, j in grid(M, c.shape[1]):
        acc: int32 = 0
        for k in range(K):
            acc += a[i, k] * b[k, j]
        c[i, j] = acc


def fast(s):
    s.pipeline("j")
    s.partition("a", dim=2)
    s.partition("b", Partition.Complete, dim=1)


def wrong(s):
    s.split("q", 4)


def broken(s):
    return s.nothing_of_the_kind()
"""

NETWORK = """
from bitfold.lang import *


def put(x: int8[4], c: Stream[int8, 2]):
    for i in range(4):
        if x[i] > 0:
            c.put(x[i])
    c.put(0)


def add(c: Stream[int8, 2], d: Stream[int8, 2]):
    v: int8 = 1
    for i in range(5):
        if v != 0:
            v = c.get()
            d.put(v)


def get(d: Stream[int8, 2], y: int8[1]):
    v: int8 = 1
    for i in range(3):
        if v != 0:
            v = d.get()
            y[0] += v


def net(x: int8[4], y: int8[1]):
    c = empty(Stream[int8, 2])
    d = empty(Stream[int8, 2])
    put(x, c)
    add(c, d)
    get(d, y)
"""

ODD = """
from beside import WIDTH
from bitfold.lang import *


def default(int: Int(5)[4], w: UInt(100)[2], b: bit[20], y: Int(WIDTH)[4], z: UInt(100)[2], n: bit[20]):
    for i in range(4):
        y[i] = int[i] * 3
    for i in range(2):
        z[i] = w[i] + 1
    for i in range(20):
        n[i] = 1 - b[i]


def words(s):
    s.pack("b", 8)
"""
