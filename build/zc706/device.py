"""The board that Bitfold's templates are for; its facts are in src/bitfold/devices/zc706.toml."""

from __future__ import annotations

from bitfold.devices import Device, find_device

__all__ = ["ZC706", "Device"]

ZC706 = find_device("zc706")
"""The Xilinx ZC706 board with its XC7Z045, at the clock of the FINN paper."""
