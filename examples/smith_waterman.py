"""Smith-Waterman: the best local alignment of a short DNA sequence with a long one, by a row of elements.

Element i holds one letter of the query; the reference walks past them, one letter per cycle. Cells on an
anti-diagonal of the score matrix do not depend on each other, so all elements work at once.
"""

import numpy as np

from bitfold import customize
from bitfold.lang import int16, uint2, zeros

QUERY, REFERENCE = 32, 512
MATCH, MISMATCH, GAP = 2, -1, 1


def smith_waterman(query: uint2[QUERY], letters: uint2[REFERENCE], best: int16[1]):
    letter = zeros(uint2[QUERY])  # the letter of the reference that each element compares with
    score = zeros(int16[QUERY])  # its cell on the last anti-diagonal
    before = zeros(int16[QUERY])  # and on the one before
    most = zeros(int16[QUERY])
    for t in range(REFERENCE + QUERY - 1):
        for i in range(QUERY - 1, -1, -1):  # from the end: neighbours hold what they had before this cycle
            if i > 0:
                letter[i] = letter[i - 1]
            else:
                letter[i] = letters[t] if t < REFERENCE else 0
            diagonal: int16 = before[i - 1] if i > 0 else 0
            above: int16 = score[i - 1] if i > 0 else 0
            same = query[i] == letter[i]
            cell: int16 = max(0, diagonal + (MATCH if same else MISMATCH), above - GAP, score[i] - GAP)
            inside = i <= t < i + REFERENCE
            before[i] = score[i]
            score[i] = cell if inside else 0
            most[i] = max(most[i], score[i])
    found: int16 = 0
    for e in range(QUERY):
        found = max(found, most[e])
    best[0] = found


def schedule(s):
    s.pipeline("t")
    s.pipeline("e")
    for array in ("letter", "score", "before", "most", "query"):
        s.partition(array)


def inputs(rng):
    letters = rng.integers(0, 4, REFERENCE, np.uint8)
    query = letters[200 : 200 + QUERY].copy()
    query[rng.integers(0, QUERY, 6)] = rng.integers(0, 4, 6, np.uint8)
    return query, letters


def reference(query, letters):
    h = np.zeros((QUERY + 1, REFERENCE + 1), int)
    for i in range(1, QUERY + 1):
        for j in range(1, REFERENCE + 1):
            score = MATCH if query[i - 1] == letters[j - 1] else MISMATCH
            h[i, j] = max(0, h[i - 1, j - 1] + score, h[i - 1, j] - GAP, h[i, j - 1] - GAP)
    return (np.array([h.max()], np.int16),)


def main():
    s = customize(smith_waterman)
    schedule(s)
    module = s.build(target="llvm")
    given = inputs(np.random.default_rng(0))
    best = np.zeros(1, np.int16)
    module(*given, best)
    print(module)
    print("equal to the reference:", all(map(np.array_equal, (best,), reference(*given))))


if __name__ == "__main__":
    main()
