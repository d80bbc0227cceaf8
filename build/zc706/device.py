"""Facts of the devices that Bitfold builds for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """An FPGA and the clock its designs run at. `bram36` counts 36-kbit block RAMs, `dsp` DSP48E1 slices."""

    name: str
    part: str
    lut: int
    ff: int
    bram36: int
    dsp: int
    clock_mhz: int

    @property
    def clock_ns(self) -> float:
        """The clock period."""
        return 1000 / self.clock_mhz


ZC706 = Device("ZC706", "xc7z045ffg900-2", lut=218_600, ff=437_200, bram36=545, dsp=900, clock_mhz=200)
"""The Xilinx ZC706 board with its XC7Z045, at the clock of the FINN paper."""
