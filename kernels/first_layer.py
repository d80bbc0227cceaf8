"""A network's first layer: 8-bit pixels against binary weights."""

from bitfold.lang import bit, int16, uint8


def pixel_threshold(x: uint8["P", "K"], w: bit["M", "K"], t: int16["M"], y: bit["P", "M"]):
    """y[p, m] = 1 where the sum over k of q[p, k], or -q[p, k] where w[m, k] is 0, is at least t[m].

    q = x - 128 is in -128..127, so the sum is in int16 for K up to 255. Only additions: a weight of -1 or +1
    picks the sign. FINN (FPGA 2017) likewise keeps the pixels of CNV's first layer at 8 bits.
    """
    P, K = x.shape
    M, _ = w.shape
    for p in range(P):
        for m in range(M):
            acc: int16 = 0
            for k in range(K):
                acc += int(x[p, k]) - 128 if w[m, k] else 128 - int(x[p, k])
            y[p, m] = acc >= t[m]
