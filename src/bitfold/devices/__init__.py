"""Devices as data files: what an FPGA board has, and the clock that designs for it are written for.

The files beside this module are the known devices; a user's own file of the same form is given by its path.
"""

from bitfold.devices.device import Device, find_device, known_devices, read_device

__all__ = ["Device", "find_device", "known_devices", "read_device"]
