"""Compare the resource model with eight published designs: LUTs and block RAMs, ours and theirs.

    python benchmarks/resources.py

Six are FINN's (FPGA 2017) on the ZC706, with the foldings of schedules/finn_max.py and finn_fix.py, which
give the published rates; PE and SIMD themselves are not published. Two are BNN-PYNQ's on a Z7020, with its
own PE and SIMD where they divide our layers, which have 784 inputs where BNN-PYNQ pads to 832. All include
the shell around an accelerator (`SHELL` of the model).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from table import Row, show

from bitfold.model.costs import KERNEL, SHELL
from bitfold.model.resources import Estimate, estimate
from bitfold.networks.catalog import find_network, find_schedule
from bitfold.networks.weights_io import Weights
from bitfold.schedule import Schedule, customize
from bitfold.schedules.folding import fold_network

LUT_WITHIN, BRAM_WITHIN = 0.30, 0.15
CERTAIN, RECALLED = "as published", "recalled from the paper's table"

CNV_LAYERS = (
    "pixel_threshold",
    *(f"matrix_threshold_{i}" for i in range(5)),
    "binary_dense_0",
    "binary_dense_1",
    "output_scores",
)
LFC_LAYERS = ("binary_dense_0", "binary_dense_1", "binary_dense_2", "output_scores")


@dataclass(frozen=True)
class Design:
    """A published design: how many LUTs and BRAM36 it has, and the (PE, SIMD) of each layer or a schedule.

    `rows` is what the last layer's rows are padded to, 0 for no padding.
    """

    title: str
    network: str
    schedule: str
    lut: int
    bram36: float
    source: str
    folding: dict[str, tuple[int, int]] | None = None
    rows: int = 0


LFC_PYNQ = dict(zip(LFC_LAYERS, ((32, 56), (64, 32), (32, 64), (16, 8)), strict=True))
CNV_PYNQ = dict(
    zip(
        CNV_LAYERS,
        zip((16, 32, 16, 16, 4, 1, 1, 1, 4), (3, 32, 32, 32, 32, 32, 4, 8, 1), strict=True),
        strict=True,
    )
)
DESIGNS = (
    Design("SFC-max", "sfc", "finn_max", 91_131, 4.5, RECALLED),
    Design("LFC-max", "lfc", "finn_max", 82_988, 396, RECALLED),
    Design("CNV-max", "cnv", "finn_max", 46_253, 186, RECALLED),
    Design("SFC-fix", "sfc", "finn_fix", 5_155, 16, RECALLED),
    Design("LFC-fix", "lfc", "finn_fix", 5_636, 114.5, RECALLED),
    Design("CNV-fix", "cnv", "finn_fix", 29_274, 152.5, RECALLED),
    Design("lfcW1A1", "lfc", "own", 28_360, 110, CERTAIN, LFC_PYNQ, 64),
    Design("cnvW1A1", "cnv", "own", 26_072, 124, CERTAIN, CNV_PYNQ, 64),
)


def main() -> int:
    rows, found = [], [estimate(scheduled(design).program) for design in DESIGNS]
    for design, ours in zip(DESIGNS, found, strict=True):
        total = ours.total + SHELL
        rows.append(compared(f"{design.title}, LUT", total.lut, design.lut, LUT_WITHIN, design.source))
        rows.append(
            compared(f"{design.title}, BRAM36", total.bram36, design.bram36, BRAM_WITHIN, design.source)
        )
    rows.append(left_out(found))
    return show("resource model against published designs", rows)


def left_out(found: list[Estimate]) -> Row:
    """The worst error of the LUTs of one design when KERNEL and SHELL are fitted to the other seven."""
    fitted = [(d, e) for d, e in zip(DESIGNS, found, strict=True)]
    kernels = [sum("state machine" in item.what for item in e.items) for _, e in fitted]
    counted = [e.total.lut - n * KERNEL.lut for (_, e), n in zip(fitted, kernels, strict=True)]
    published = np.array([d.lut for d, _ in fitted], float)
    matrix = np.column_stack([kernels, np.ones(len(fitted))]) / published[:, None]
    missing = 1 - np.array(counted) / published
    errors = []
    for out in range(len(fitted)):
        kept = np.arange(len(fitted)) != out
        constants = np.linalg.lstsq(matrix[kept], missing[kept], rcond=None)[0]
        errors.append(float(matrix[out] @ constants - missing[out]))
    worst = max(errors, key=abs)
    name = fitted[errors.index(worst)][0].title
    what = "LUT of each design, fitted to the others"
    return Row(what, f"+- {LUT_WITHIN:.0%}", f"{worst:+.1%}", abs(worst) <= LUT_WITHIN, f"the worst: {name}")


def compared(what: str, ours: float, published: float, within: float, source: str) -> Row:
    error = ours / published - 1
    measured = f"{ours:,g} ({error:+.1%})"
    return Row(what, f"{published:,g} +- {within:.0%}", measured, abs(error) <= within, source)


def scheduled(design: Design) -> Schedule:
    network = find_network(design.network)
    weights = network.load_weights(None)
    s = customize(network.build(padded(weights, design.rows) if design.rows else weights))
    apply: Callable[[Schedule], None]
    if design.folding is None:
        apply = find_schedule(design.schedule)
        apply(s)
    else:
        fold_network(s, design.title, {design.network: design.folding})
    return s


def padded(weights: Weights, rows: int) -> Weights:
    """The same weights with rows of zeros added to the last layer, as BNN-PYNQ pads it."""
    last, bias = weights.weights[-1], weights.output_biases
    more = rows - len(last)
    return replace(
        weights,
        weights=(*weights.weights[:-1], np.pad(last, ((0, more), (0, 0)))),
        biases=np.pad(bias, (0, more)),
    )


if __name__ == "__main__":
    sys.exit(main())
