"""Automatic folding: the cheapest (PE, SIMD) of every layer that meets a requirement, and why.

s = customize(network)
chosen = auto_fold(s, fps=9000)      # s is folded, chosen says how and why
print(chosen.folding, chosen.why)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bitfold.autofold.choose import choose
from bitfold.autofold.requirement import requirement
from bitfold.autofold.result import Alternative, Chosen, LayerChoice, Requirement
from bitfold.devices import Device, find_device
from bitfold.schedule import Schedule

__all__ = ["Alternative", "Chosen", "LayerChoice", "Requirement", "auto_fold", "choose", "requirement"]


def auto_fold(
    s: Schedule,
    *,
    fps: float | None = None,
    latency_us: float | None = None,
    fastest: bool = False,
    budget: Mapping[str, float] | None = None,
    device: Device | str | Path = "zc706",
) -> Chosen:
    """Fold a network for at least `fps` images/s, at most `latency_us`, or as fast as it fits.

    Args:
        s: a fresh schedule of a network that is a chain of kernels.
        budget: the most of "lut", "bram", "ff", "uram" and "dsp", besides what of the device is usable.
        device: a device, its name, or the path of its file.

    Raises:
        UsageError: a requirement that makes no sense, or an unknown device.
        ScheduleError: no folding meets it: the message says what is the best possible and what stops it.
    """
    asked = requirement(fps=fps, latency_us=latency_us, fastest=fastest, budget=budget)
    return choose(s, device if isinstance(device, Device) else find_device(device), asked)
