"""The two ends of a classifier: pixels to bits, and scores to a class."""

from bitfold.lang import bit, int16, uint8


def binarize(pixels: uint8["N"], x: bit["N"]):
    """x[i] = 1 where the pixel is at least 128, half of full scale."""
    (N,) = pixels.shape
    for i in range(N):
        x[i] = pixels[i] >= 128


def label_select(s: int16["N"], scores: int16["N"], label: uint8[1]):
    """Pass the scores on and find the class: the index of the highest, the lowest index where several are."""
    (N,) = s.shape
    best: int16 = 0
    found: uint8 = 0
    for i in range(N):
        score: int16 = s[i]
        scores[i] = score
        if i == 0 or score > best:
            best = score
            found = i
    label[0] = found
