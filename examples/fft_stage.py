"""One stage of a fixed-point FFT of 256 points: 128 butterflies, one per cycle.

Numbers are fractions in -1 .. 1 of 16 bits, 15 of them behind the point; each stage halves, so none
overflows. The geometry is the same in all eight stages (Pease): butterfly k reads k and k + 128, and writes
2k and 2k + 1, two words of each memory per cycle. `main` runs the stage eight times.
"""

import numpy as np

from bitfold import Partition, customize
from bitfold.lang import int16

N, STAGES, FRACTION = 256, 8, 15


def fft_stage(
    re: int16[N],
    im: int16[N],
    w_re: int16[N // 2],
    w_im: int16[N // 2],
    y_re: int16[N],
    y_im: int16[N],
):
    for k in range(N // 2):
        d_re = re[k] - re[k + N // 2]
        d_im = im[k] - im[k + N // 2]
        y_re[2 * k] = (re[k] + re[k + N // 2]) >> 1
        y_im[2 * k] = (im[k] + im[k + N // 2]) >> 1
        y_re[2 * k + 1] = (d_re * w_re[k] - d_im * w_im[k]) >> (FRACTION + 1)
        y_im[2 * k + 1] = (d_re * w_im[k] + d_im * w_re[k]) >> (FRACTION + 1)


def schedule(s):
    s.pipeline("k")
    for array in ("re", "im"):
        s.partition(array, Partition.Block, factor=2)
    for array in ("y_re", "y_im"):
        s.partition(array, Partition.Cyclic, factor=2)


def twiddles(stage):
    """The factors of a stage, as fractions; +1 is held as the largest fraction there is."""
    angle = -2 * np.pi / N * ((np.arange(N // 2) >> stage) << stage)
    one = 1 << FRACTION
    return tuple(np.clip(np.rint(f(angle) * one), -one, one - 1).astype(np.int16) for f in (np.cos, np.sin))


def inputs(rng):
    re, im = rng.integers(-(1 << 14), 1 << 14, (2, N), np.int16)
    return re, im, *twiddles(2)


def reference(re, im, w_re, w_im):
    x = re.astype(object) + 0, im.astype(object) + 0  # Python integers
    y_re, y_im = np.zeros(N, np.int16), np.zeros(N, np.int16)
    for k in range(N // 2):
        (a, b), (c, d) = ((v[k], v[k + N // 2]) for v in x)
        u, v = int(w_re[k]), int(w_im[k])
        y_re[2 * k], y_im[2 * k] = (a + b) // 2, (c + d) // 2
        y_re[2 * k + 1] = ((a - b) * u - (c - d) * v) // (2 << FRACTION)
        y_im[2 * k + 1] = ((a - b) * v + (c - d) * u) // (2 << FRACTION)
    return y_re, y_im


def main():
    s = customize(fft_stage)
    schedule(s)
    module = s.build(target="llvm")
    re, im = np.random.default_rng(0).integers(-(1 << 14), 1 << 14, (2, N), np.int16)
    exact = np.fft.fft(re + 1j * im) / N
    for stage in range(STAGES):
        y = np.zeros(N, np.int16), np.zeros(N, np.int16)
        module(re, im, *twiddles(stage), *y)
        re, im = y
    order = [int(f"{k:0{STAGES}b}"[::-1], 2) for k in range(N)]
    print(module)
    error = abs((re + 1j * im)[order] - exact).max()
    print(f"all eight stages: at most {error:.1f} steps of 2^-15 from NumPy's FFT")


if __name__ == "__main__":
    main()
