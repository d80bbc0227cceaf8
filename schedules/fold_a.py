"""A modest, balanced folding: no layer takes more than 256 cycles on SFC, 512 on LFC."""

from __future__ import annotations

from bitfold.schedule import Schedule
from bitfold.schedules.folding import fold_network

# (PE, SIMD) of each layer.
FOLDINGS = {
    "sfc": {
        "binary_dense_0": (16, 49),
        "binary_dense_1": (16, 16),
        "binary_dense_2": (16, 16),
        "output_scores": (2, 8),
    },
    "lfc": {
        "binary_dense_0": (32, 56),
        "binary_dense_1": (32, 64),
        "binary_dense_2": (32, 64),
        "output_scores": (2, 16),
    },
    "cnv": {
        "pixel_threshold": (16, 3),
        "matrix_threshold_0": (32, 32),
        "matrix_threshold_1": (16, 32),
        "matrix_threshold_2": (16, 32),
        "matrix_threshold_3": (4, 32),
        "matrix_threshold_4": (1, 32),
        "binary_dense_0": (1, 4),
        "binary_dense_1": (1, 8),
        "output_scores": (1, 1),
    },
}


def fold_a(s: Schedule) -> None:
    """Apply this folding to a network."""
    fold_network(s, "fold_a", FOLDINGS)
