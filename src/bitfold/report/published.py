"""The paper's designs on the ZC706 at 200 MHz (FPGA 2017): the six of its result table.

The abstract's figures are certain: 12.3 million images/s at 0.31 us and 95.8 % (SFC-max); 21,906 images/s at
283 us and 80.1 % (CNV-max). All others are recalled from the paper's table, not copied from it; so are the
last digits of SFC-max's rate and accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A design: its rate, latency, LUTs and block RAMs. `schedule` is ours that has its folding, derived.

    `certain` names the fields that the abstract states. The paper gives an accuracy for each network, on
    MNIST and CIFAR-10: a fraction of the whole test set, with weights that are not published.
    """

    title: str
    network: str
    schedule: str
    fps: float
    latency_us: float
    lut: int
    bram36: float
    accuracy: float
    certain: tuple[str, ...] = ()


DESIGNS = (
    Published(
        "SFC-max", "sfc", "finn_max", 12_361_000, 0.31, 91_131, 4.5, 0.9583, ("fps", "latency_us", "accuracy")
    ),
    Published("LFC-max", "lfc", "finn_max", 1_561_000, 2.44, 82_988, 396, 0.984),
    Published(
        "CNV-max", "cnv", "finn_max", 21_906, 283, 46_253, 186, 0.801, ("fps", "latency_us", "accuracy")
    ),
    Published("SFC-fix", "sfc", "finn_fix", 12_200, 240, 5_155, 16, 0.9583),
    Published("LFC-fix", "lfc", "finn_fix", 12_200, 282, 5_636, 114.5, 0.984),
    Published("CNV-fix", "cnv", "finn_fix", 11_600, 550, 29_274, 152.5, 0.801),
)

OPERATIONS = {"sfc": 668_672, "lfc": 5_820_416, "cnv": 118_922_752}
"""Binary operations for an image, two for a synapse, as `bitfold.model.operations` counts them."""

PORT_BYTES = {"sfc": 119, "lfc": 119, "cnv": 3_093}
"""Bytes of an image, its ten scores and its class."""
