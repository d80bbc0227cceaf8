"""The Xilinx ZC706 board: the device's facts and project templates."""

from bitfold.build.zc706.device import ZC706, Device

__all__ = ["ZC706", "Device"]
