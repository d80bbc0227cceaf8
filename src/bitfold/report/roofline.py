"""The roofline of a device, as the paper draws it (FPGA 2017, figure 1).

The roof is the lower of two lines over operations per byte: what the LUTs can compute, and what the board's
memory can feed. A binary operation takes 2.5 LUTs, and a design can use the `usable` part of them.
"""

from __future__ import annotations

from typing import Any

from bitfold.devices import Device

LUT_PER_OPERATION = 2.5


def peak(device: Device) -> float:
    """Binary operations per second at most: LUTs used as operators, one operation each in a cycle."""
    return device.lut * device.usable / LUT_PER_OPERATION * device.clock_mhz * 1e6


def roofline(device: Device, operations: int, bytes: int, fps: float) -> dict[str, Any]:
    """Where a design stands, as JSON values; its parameters are on the chip, so only images move.

    `bound` is the lower of the lines at its operations per byte: "memory" or "compute"; None without
    operations. `of_roof` is the fraction of that line that it reaches.
    """
    top, bandwidth = peak(device), device.memory_gb_s
    per_byte = operations / bytes if bytes else None
    fed = per_byte * bandwidth * 1e9 if per_byte and bandwidth else None
    roof = min(top, fed) if fed else top
    return {
        "peak_ops_per_s": top,
        "memory_bytes_per_s": bandwidth * 1e9 if bandwidth else None,
        "lut_per_operation": LUT_PER_OPERATION,
        "operations_per_byte": per_byte,
        "ops_per_s": operations * fps,
        "bound": None if not operations else "memory" if fed is not None and fed < top else "compute",
        "of_roof": operations * fps / roof,
    }
