"""Kernels in scheduled form whose C++ is compared with tests/golden/hls/."""

from __future__ import annotations

import numpy as np

from bitfold.lang import (
    UInt,
    bit,
    complete,
    cyclic,
    empty,
    grid,
    int8,
    int16,
    int32,
    packed,
    pipeline,
    popcount,
    rom,
    set_bit,
    stream,
    uint8,
    uint16,
    unroll,
    xnor,
)


def _bits(rows: int, cols: int, seed: int) -> np.ndarray:
    """Bits that look random and are the same with every version of NumPy."""
    mixed = (np.arange(rows * cols, dtype=np.uint64) + np.uint64(seed)) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(40) & np.uint64(1)).astype(np.uint8).reshape(rows, cols)


W0 = _bits(64, 98, 1)
T0 = (40 + np.arange(64) * 7 % 20).astype(np.int16)
W1 = _bits(10, 64, 2)


def binary_dense(x: UInt(49)[2] @ packed(98), y: bit[64]):
    """FINN's matrix-vector unit with 8 PEs of 49 SIMD lanes."""
    w = rom(W0, UInt(49)[64, 2] @ packed(98) @ cyclic(dim=1, factor=8) @ complete(dim=2))
    t = rom(T0, int16[64] @ cyclic(dim=1, factor=8))
    acc = empty(uint16[8] @ complete(dim=1))
    for mo, ko in pipeline(grid(8, 2), ii=1):
        for mi in unroll(range(8)):
            if ko == 0:
                acc[mi] = 0
            acc[mi] = acc[mi] + popcount(xnor(w[mo * 8 + mi, ko], x[ko], 49))
            if ko == 1:
                y[mo * 8 + mi] = acc[mi] >= t[mo * 8 + mi]


def stream_dense(x: UInt(49)[2] @ packed(98) @ stream, y: UInt(8)[8] @ packed(64) @ stream):
    """The same between two streams, with a buffer for what is read again."""
    w = rom(W0, UInt(49)[64, 2] @ packed(98) @ cyclic(dim=1, factor=8))
    t = rom(T0, int16[64] @ cyclic(dim=1, factor=8))
    acc = empty(uint8[8] @ complete(dim=1))
    kept = empty(UInt(49)[2])
    word: UInt(8) = 0
    for mo, ko in pipeline(grid(8, 2), ii=1):
        if mo == 0:
            kept[ko] = x.get()
        for mi in unroll(range(8)):
            if ko == 0:
                acc[mi] = 0
            acc[mi] += popcount(xnor(w[mo * 8 + mi, ko], kept[ko], 49))
            if ko == 1:
                word = set_bit(word, mi, acc[mi] >= t[mo * 8 + mi])
        if ko == 1:
            y.put(word)


def hidden(x: bit["K"], w: bit["M", "K"], t: int16["M"], y: bit["M"]):
    M, K = w.shape
    for m in range(M):
        acc: uint16 = 0
        for k in range(K):
            acc += xnor(w[m, k], x[k])
        y[m] = acc >= t[m]


def scores(x: bit["K"], w: bit["M", "K"], s: int8["M"]):
    M, K = w.shape
    for m in range(M):
        acc: int8 = 0
        for k in range(K):
            acc += xnor(w[m, k], x[k])
        s[m] = acc


def network(x: bit[98], s: int8[10]):
    h = empty(bit[64])
    hidden(x, W0, T0, h)
    scores(h, W1, s)


def varying(n: uint8[1], x: int16[16], y: int16[16]):
    """Loops whose bounds vary with the loops around them, and with data."""
    for i in range(16):
        for j in range(i):
            for k in range(j, i, 3):
                y[k] += x[j]
    for o in range(5):
        for i in range(o * 3, min(o * 3 + 3, 14)):
            y[i] += x[i]
            if x[i] > 0:
                for k in range(i + 1):
                    y[k] -= 1
    for i in range(n[0] & 15):
        y[i] = 0
    while y[0] > 0:
        for i in range(max(y[0], 3), 16):
            y[i] = 0
        y[0] = 0


def dot(a: int8["N"], b: int8["N"], start: int16) -> int32:
    acc: int32 = start
    for i in range(len(a)):
        acc += a[i] * b[i]
    return acc


def numbers(x: int8[2, 4], scale: uint8, start: int16, y: int16[4]) -> (int32, uint16):
    for i in range(4):
        y[i] = x[0, i] * scale
    return dot(x[0], x[1], start) + dot(x[1], x[1], 0), scale * 3
