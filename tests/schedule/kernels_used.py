"""Kernels that the schedule tests share. Line numbers show in expected messages: append, do not insert."""

from __future__ import annotations

import numpy as np

from bitfold.lang import UInt, bit, empty, float32, int8, int16, int32, rom, uint8, uint16, unroll, xnor


def dense(x: bit["K"], w: bit["M", "K"], t: int16["M"], y: bit["M"]):
    M, K = w.shape
    for m in range(M):
        acc: uint16 = 0
        for k in range(K):
            acc += xnor(w[m, k], x[k])
        y[m] = acc >= t[m]


def prefix(a: uint8[8], b: uint8[8, 8]):
    for i in range(1, 8):
        for j in range(8):
            b[i, j] = b[i - 1, j] + a[j]
            a[j] = b[i, j]


def triangle(b: uint8[8, 8]):
    for i in range(8):
        for j in range(i, 8):
            b[i, j] += 1


def guarded(a: uint8[8], b: uint8[8, 8]):
    for i in range(8):
        if a[i] > 3:
            for j in range(8):
                b[i, j] += 1


def copy(x: bit["N"], y: bit["N"]):
    (N,) = x.shape
    for i in range(N):
        y[i] = x[i]


def two(x: bit[8], y: bit[8], z: bit[8]):
    h = empty(bit[8])
    copy(x, h)
    copy(h, y)
    copy(x, z)


def chain(x: bit[8], y: bit[8]):
    h = empty(bit[8])
    copy(x, h)
    copy(h, y)


def repeated(x: bit[8], y: bit[8]):
    for i in range(3):
        copy(x, y)


def counted(n: uint8[1], a: int8[8]):
    for i in range(n[0]):
        for j in range(8):
            a[j] = a[j] + 1
            n[0] = 2


def backwards(x: bit[8], y: bit[8]):
    for i in range(8):
        y[7 - i] = x[7 - i]


def twice(x: bit[8], y: bit[8]):
    y[0] = x[0]
    for i in range(1, 8):
        y[i] = x[i] + x[i - 1]


def transposed(x: bit[4, 4], y: bit[4, 4]):
    for i in range(4):
        for j in range(4):
            y[i, j] = x[j, i]


def early(x: bit[8], y: bit[32]):
    """In the second pass of u, x[2 * k + 2] is read before the first pass of the next k takes it."""
    for k in range(4):
        for u in range(2):
            for j in range(2 + 2 * u):
                if 2 * k + j < 8:
                    y[8 * k + 4 * u + j] = x[2 * k + j]


def sometimes(x: bit[8], t: uint8[8], y: bit[8]):
    for i in range(8):
        if t[i] > 3:
            y[i] = x[i]


def edge(x: bit[4], y: bit[1]):
    for i in range(4):
        for j in range(4):
            if j == 3 and i == 3:
                y[0] = x[j]


def other_edge(x: bit[4], y: bit[1]):
    for i in range(4):
        if i < 3:
            pass
        else:
            y[0] = x[i]


def inout(x: bit[4]):
    for i in range(4):
        x[i] = 1 - x[i]


def idle(x: bit[4], y: bit[4]):
    for i in range(4):
        y[i] = 1


def calls(a: bit[8], b: bit[8]):
    t = empty(bit[8])
    for i in range(2):
        h = empty(bit[8])
        for j in range(3):
            copy(a, h)
        copy(h, b)
    for p in range(8):
        t[p] = 1


def nest(a: uint8[2, 3, 4]):
    for i in range(2):
        for j in range(3):
            for k in range(4):
                a[i, j, k] += 1
    for z in range(4):
        a[0, 0, z] = 0


def skewed(b: uint8[8, 8]):
    for i in range(1, 8):
        for j in range(7):
            b[i, j] = b[i - 1, j + 1] + 1


def merge(a: bit[8], b: bit[8], y: bit[8]):
    for i in range(8):
        y[i] = a[i] & b[i]


def fan_out(x: bit[8], y: bit[8]):
    h = empty(bit[8])
    g = empty(bit[8])
    copy(x, h)
    copy(h, g)
    merge(h, g, y)


def computes(x: bit[8], y: bit[8], z: bit[8]):
    copy(x, y)
    for i in range(8):
        z[i] = 0


def scattered(x: bit[8], y: bit[8]):
    h = empty(bit[8])
    backwards(x, h)
    copy(h, y)


def flat(a: uint8[4, 6], b: uint8[24]):
    for i in range(4):
        for j in range(6):
            b[i * 6 + j] = a[i, j]


def inner(a: uint8[8, 8]):
    for i in range(1, 8):
        for j in range(1, 8, 3):
            a[i, j] = a[i - 1, j - 1] + a[i, j] + j


def steps(a: uint8[8], b: uint8[8], c: uint8[8]):
    for i in range(8):
        v: uint8 = a[i] ^ 85
        b[i] = v
        for j in range(2):
            c[i] = c[i] + v
        c[7 - i] = 3


def feedback(a: uint8[8], b: uint8[8]):
    for i in range(1, 8):
        a[i] = b[i - 1] ^ 1
        b[i] = a[i] ^ 2


def product(a: int8[4, 6], b: int8[6, 5], c: int16[4, 5]):
    for m in range(4):
        for z in range(5):
            c[m, z] = 0
        for k in range(6):
            for n in range(5):
                c[m, n] += a[m, k] * b[k, n]


def stencil(x: uint8[6, 7], y: uint16[4, 5]):
    for i in range(4):
        for j in range(5):
            for r in range(3):
                for c in range(3):
                    y[i, j] += x[i + r, j + c] * (r * 3 + c)


def padded(x: uint8[6, 7], y: uint16[6, 7]):
    for i in range(6):
        for j in range(7):
            y[i, j] = 0
            for r in range(3):
                for c in range(3):
                    if i + r >= 1 and i + r < 7 and j + c >= 1 and j + c < 8:
                        y[i, j] += x[i + r - 1, j + c - 1] * (r * 3 + c)


def strided(x: uint8[9], y: uint8[4]):
    for i in range(4):
        y[i] = max(x[2 * i], x[2 * i + 1], x[2 * i + 2])


def tapped(x: int8[12], h: int8[5], y: int16[8]):
    for i in range(8):
        acc: int16 = 0
        for t in range(5):
            acc = int16(acc + x[i + 4 - t] * h[t])
        y[i] = acc


def diagonal(x: uint8[8, 8], y: uint8[6]):
    for i in range(6):
        y[i] = x[i, i] + x[i + 1, i + 1]


def permuted(x: uint8[8], p: UInt(3)[8], y: uint8[8, 8]):
    for i in range(8):
        for j in range(8):
            y[p[i], j] = x[j] + i


def total(x: uint8[8], y: uint16[1]):
    for i in range(8):
        y[0] += x[i]


def image(x: uint8[4, 8], w: uint8[8], y: uint16[4]):
    for i in range(4):
        acc: uint16 = 0
        for j in range(8):
            acc += x[i, j] * w[j]
        y[i] = acc


def odd(x: uint8[10], y: uint8[10]):
    for i in unroll(range(1, 10, 2), factor=3):
        v: uint8 = x[i] ^ 3
        y[i] = v


def hashed(x: uint8[8], p: UInt(3)[8, 8], y: uint8[8]):
    for i in range(8):
        for j in range(8):
            y[p[i, j]] = x[j] + i


def blur(x: uint8[8], y: uint16[6]):
    h = empty(uint16[8])
    for p in range(8):
        h[p] = x[p] * 3
    for i in range(6):
        y[i] = h[i] + h[i + 2]


def blur_twice(x: uint8[6, 8], y: uint16[4, 6]):
    h = empty(uint16[6, 8])
    for p in range(6):
        for q in range(8):
            h[p, q] = x[p, q] * 3
    for i in range(4):
        for j in range(6):
            y[i, j] = h[i, j + 2] + h[i + 2, j] + h[i + 1, j + 1]


def reversed_use(x: uint8[8], y: uint8[8]):
    h = empty(uint8[8])
    for p in range(8):
        h[p] = x[p] + 1
    for i in range(8):
        y[i] = h[7 - i]


def between(x: uint8[8], y: uint8[8], z: uint8[8]):
    h = empty(uint8[8])
    for p in range(8):
        h[p] = x[p] + 1
    z[0] = h[7]
    for i in range(8):
        y[i] = h[i]


def looked_up(x: uint8[8], p: UInt(3)[8], y: uint8[8]):
    h = empty(uint8[8])
    for k in range(8):
        h[k] = x[k] + 1
    for i in range(8):
        y[i] = h[p[i]]


def summed(x: uint8[8], y: uint16[2]):
    for p in range(8):
        y[0] += x[p]
    for i in range(0, 8, 2):
        y[0] += x[i] * x[i + 1]


def systolic(a: int8[3, 4], b: int8[4, 2], c: int32[3, 2]):
    """c = a @ b: each element of c where a row of a meets a column of b, which are handed on."""
    east = empty(int8[3, 3, 4])
    south = empty(int8[4, 2, 4])
    out = empty(int32[3, 2])
    for k in range(4):
        for m in range(3):
            east[m, 0, k] = a[m, k]
        for n in range(2):
            south[0, n, k] = b[k, n]
    for i in range(3):
        for j in range(2):
            acc: int32 = 0
            for t in range(4):
                p: int8 = east[i, j, t]
                q: int8 = south[i, j, t]
                acc += p * q
                east[i, j + 1, t] = p
                south[i + 1, j, t] = q
            out[i, j] = acc
    for u in range(3):
        for v in range(2):
            c[u, v] = out[u, v]


def scalar_outside(x: uint8[4], y: uint8[4]):
    v: uint8 = x[0]
    for i in range(4):
        y[i] = v + x[i]


def inner_use(a: uint8[4, 6], y: uint8[6]):
    for q in range(6):
        y[q] = a[3, q] ^ a[q // 2, q]


def two_dimensional(x: uint8[24], y: uint8[6]):
    h = empty(uint8[4, 6])
    for i in range(4):
        for j in range(6):
            h[i, j] = x[i * 6 + j] + j
    inner_use(h, y)


W = np.arange(12, dtype=np.uint8).reshape(3, 4)


def with_constant(x: uint8[4], y: uint8[3]):
    w = rom(W, uint8[3, 4])
    for i in range(3):
        y[i] = w[i, 1] + w[i, x[0] % 4]


def twice_each(x: uint8[8, 12], y: uint8[8, 12]):
    for i in range(8):
        for j in range(12):
            y[i, j] = x[i, j] + 1
        for k in range(12):
            y[i, k] = y[i, k] * 3


def float_total(x: float32[4, 4], t: float32[1]):
    for i in range(4):
        for j in range(4):
            t[0] += x[i, j]


def idle_loop(y: uint8[4]):
    for i in range(2):
        v: uint8 = 0
        v = uint8(v + 1)
    for j in range(4):
        y[j] = j
