"""Fully connected layers with binary weights and activations."""

from bitfold.lang import bit, int16, uint16, xnor


def binary_dense(x: bit["K"], w: bit["M", "K"], t: int16["M"], y: bit["M"]):
    """y[m] = 1 where at least t[m] of the K inputs agree with row m of the weights.

    The XNOR-popcount form of a dense layer followed by batch norm and sign: FINN (FPGA 2017), section 4.2.1.
    """
    M, K = w.shape
    for m in range(M):
        acc: uint16 = 0
        for k in range(K):
            acc += xnor(w[m, k], x[k])
        y[m] = acc >= t[m]


def output_scores(x: bit["K"], w: bit["M", "K"], b: int16["M"], y: int16["M"]):
    """y[m] = 2 * popcount - K + b[m]: the dot product of x and row m of w, read as -1 and +1, and a bias."""
    M, K = w.shape
    for m in range(M):
        acc: uint16 = 0
        for k in range(K):
            acc += xnor(w[m, k], x[k])
        y[m] = 2 * acc - K + b[m]


def matrix_threshold(x: bit["P", "K"], w: bit["M", "K"], t: int16["M"], y: bit["P", "M"]):
    """y[p, m] = 1 where at least t[m] of the K inputs in row p of x agree with row m of the weights.

    FINN's matrix-vector-threshold unit (FPGA 2017); over the rows of a sliding window, a convolution.
    """
    P, K = x.shape
    M, _ = w.shape
    for p in range(P):
        for m in range(M):
            acc: uint16 = 0
            for k in range(K):
                acc += xnor(w[m, k], x[p, k])
            y[p, m] = acc >= t[m]


def flatten(x: bit["P", "C"], y: bit["N"]):
    """y[p * C + c] = x[p, c], N = P * C: a feature map as the input of a dense layer."""
    P, C = x.shape
    for p in range(P):
        for c in range(C):
            y[p * C + c] = x[p, c]
