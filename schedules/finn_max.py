"""FINN's fastest designs: the foldings that give the paper's -max rates on the ZC706 (FPGA 2017, table 3)."""

from __future__ import annotations

from bitfold.schedule import Schedule
from bitfold.schedules.folding import fold_network

# (PE, SIMD) of each layer.
FOLDINGS = {
    "sfc": {
        "binary_dense_0": (256, 56),
        "binary_dense_1": (64, 64),
        "binary_dense_2": (64, 64),
        "output_scores": (10, 16),
    },
    "lfc": {
        "binary_dense_0": (128, 56),
        "binary_dense_1": (128, 64),
        "binary_dense_2": (128, 64),
        "output_scores": (10, 8),
    },
    "cnv": {
        "pixel_threshold": (64, 3),
        "matrix_threshold_0": (64, 64),
        "matrix_threshold_1": (32, 64),
        "matrix_threshold_2": (32, 64),
        "matrix_threshold_3": (16, 32),
        "matrix_threshold_4": (4, 32),
        "binary_dense_0": (1, 16),
        "binary_dense_1": (1, 32),
        "output_scores": (1, 1),
    },
}


def finn_max(s: Schedule) -> None:
    """Apply this folding to a network."""
    fold_network(s, "finn_max", FOLDINGS)
