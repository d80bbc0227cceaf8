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
        "binary_dense_0": (1, 56),
        "binary_dense_1": (1, 64),
        "binary_dense_2": (1, 64),
        "output_scores": (1, 1),
    },
    "cnv": {
        "pixel_threshold": (32, 3),
        "matrix_threshold_0": (32, 64),
        "matrix_threshold_1": (16, 64),
        "matrix_threshold_2": (16, 64),
        "matrix_threshold_3": (8, 32),
        "matrix_threshold_4": (2, 32),
        "binary_dense_0": (1, 8),
        "binary_dense_1": (1, 16),
        "output_scores": (1, 1),
    },
}


def finn_fix(s: Schedule) -> None:
    """Apply this folding to a network."""
    fold_network(s, "finn_fix", FOLDINGS)
