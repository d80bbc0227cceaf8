"""One stage of a fixed-point FFT of 256 points: 128 butterflies, one per cycle.

Numbers are fractions in -1 .. 1, 15 of their 16 bits behind the point; each stage halves, so none overflows.
The geometry is the same in all eight stages (Pease): butterfly k reads k and k + 128, and writes 2k and
2k + 1, two words of each memory per cycle. `main` runs the stage eight times.
"""

import numpy as np

from bitfold import Partition, customize
from bitfold.lang import Fixed, quantize

N, STAGES = 256, 8
fraction = Fixed(16, 15)


def fft_stage(
    re: fraction[N],
    im: fraction[N],
    w_re: fraction[N // 2],
    w_im: fraction[N // 2],
    y_re: fraction[N],
    y_im: fraction[N],
):
    for k in range(N // 2):
        d_re = re[k] - re[k + N // 2]
        d_im = im[k] - im[k + N // 2]
        y_re[2 * k] = (re[k] + re[k + N // 2]) / 2
        y_im[2 * k] = (im[k] + im[k + N // 2]) / 2
        y_re[2 * k + 1] = (d_re * w_re[k] - d_im * w_im[k]) / 2
        y_im[2 * k + 1] = (d_re * w_im[k] + d_im * w_re[k]) / 2


def schedule(s):
    s.pipeline("k")
    for array in ("re", "im"):
        s.partition(array, Partition.Block, factor=2)
    for array in ("y_re", "y_im"):
        s.partition(array, Partition.Cyclic, factor=2)


def twiddles(stage):
    """The factors of a stage, rounded; +1 is held as the largest fraction there is."""
    angle = -2 * np.pi / N * ((np.arange(N // 2) >> stage) << stage)
    steps = (np.rint(f(angle) * 2**15) for f in (np.cos, np.sin))
    return tuple(np.minimum(s, 2**15 - 1) / 2**15 for s in steps)


def inputs(rng):
    re, im = rng.integers(-(1 << 14), 1 << 14, (2, N)) / 2**15
    return re, im, *twiddles(2)


def reference(re, im, w_re, w_im):
    """In Python's integers, which count steps of 2^-15."""
    a_re, a_im, u, v = ([int(x) for x in array * 2**15] for array in (re, im, w_re, w_im))
    y_re, y_im = np.zeros(N), np.zeros(N)
    for k in range(N // 2):
        j = k + N // 2
        d_re, d_im = a_re[k] - a_re[j], a_im[k] - a_im[j]
        y_re[2 * k], y_im[2 * k] = (a_re[k] + a_re[j]) // 2, (a_im[k] + a_im[j]) // 2
        y_re[2 * k + 1] = (d_re * u[k] - d_im * v[k]) // 2**16
        y_im[2 * k + 1] = (d_re * v[k] + d_im * u[k]) // 2**16
    return y_re / 2**15, y_im / 2**15


def main():
    s = customize(fft_stage)
    schedule(s)
    module = s.build(target="llvm")
    re, im = quantize(np.random.default_rng(0).uniform(-0.5, 0.5, (2, N)), fraction)
    exact = np.fft.fft(np.asarray(re) + 1j * np.asarray(im)) / N
    for stage in range(STAGES):
        y = np.zeros(N), np.zeros(N)
        module(re, im, *twiddles(stage), *y)
        re, im = y
    order = [int(f"{k:0{STAGES}b}"[::-1], 2) for k in range(N)]
    print(module)
    error = abs((re + 1j * im)[order] - exact).max() * 2**15
    print(f"all eight stages: at most {error:.1f} steps of 2^-15 from NumPy's FFT")


if __name__ == "__main__":
    main()
