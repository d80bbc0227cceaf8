"""FINN's designs for a fixed rate: at least 9,000 images/s, which 640x480 video in 32x32 tiles needs."""

from __future__ import annotations

from bitfold.schedule import Schedule
from bitfold.schedules.folding import fold_network

# (PE, SIMD) of each layer.
FOLDINGS = {
    "sfc": {
        "binary_dense_0": (1, 14),
        "binary_dense_1": (1, 4),
        "binary_dense_2": (1, 4),
        "output_scores": (1, 1),
    },
    "lfc": {
        "binary_dense_0": (1, 49),
        "binary_dense_1": (1, 64),
        "binary_dense_2": (1, 64),
        "output_scores": (1, 1),
    },
}


def finn_fix(s: Schedule) -> None:
    """Apply this folding to a network."""
    fold_network(s, "finn_fix", FOLDINGS)
