"""What operators and memories cost in LUTs, flip-flops and block RAMs of Xilinx 7-series and UltraScale+.

Both families have LUTs of six inputs that split into two of five (UG474, UG574), distributed RAM of 32 x 6 or
64 x 3 bits in four LUTs, shift registers of 32 bits in one, 18-kbit block RAMs and 288-kbit UltraRAMs. The
constants `LUTRAM_BITS`, `KERNEL`, `SHELL` and `LEVELS_PER_STAGE` are fitted to published figures;
benchmarks/resources.py shows how well.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resources:
    """Counts of what a device has; `bram18` counts 18-kbit halves of block RAMs. They add up."""

    lut: int = 0
    ff: int = 0
    bram18: int = 0
    uram: int = 0
    dsp: int = 0

    @property
    def bram36(self) -> float:
        """Block RAMs of 36 kbit, as devices are sold by: two halves each."""
        return self.bram18 / 2

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.lut + other.lut,
            self.ff + other.ff,
            self.bram18 + other.bram18,
            self.uram + other.uram,
            self.dsp + other.dsp,
        )

    def __mul__(self, copies: int) -> Resources:
        return Resources(
            self.lut * copies, self.ff * copies, self.bram18 * copies, self.uram * copies, self.dsp * copies
        )


NOTHING = Resources()

LUTRAM_BITS = 1024
"""Bits up to which a memory goes into LUTs unless the schedule says what holds it.

Fitted: SFC-max keeps 16 x 64 bits of weights for each PE and has next to no block RAM; the block RAMs of
cnvW1A1 need its memories of 36 x 32 bits to be counted among them.
"""

KERNEL = Resources(lut=290, ff=200)
"""State machine, pipeline control and start/done handshake of one kernel.

Fitted to the LUTs of the eight published designs (LFC-max with PE 128 and SIMD 56 in its first layer),
together with SHELL, by least squares of the relative errors; it shows in CNV, which has about 26 kernels.
The flip-flops are a guess: no design publishes them.
"""

SHELL = Resources(lut=2400, ff=3000, bram18=9)
"""DMA engine and AXI interconnect around an accelerator on a Zynq, which are no part of the kernels.

The LUTs are fitted with KERNEL. The block RAMs are SFC-max's: its weights are all in LUTs. The flip-flops
are a guess.
"""

FIFO_CONTROL = Resources(lut=10, ff=6)
"""Pointer, full and empty of a FIFO."""

LEVELS_PER_STAGE = 5
"""Levels of an adder tree between two registers.

Fitted: with its accumulator of 8 bits, a 128-bit popcount then has 32 flip-flops; 29 are published.
"""

_BRAM18 = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2))
_DSP_LEAST = 5
"""Products of an operand of fewer bits are made of LUTs."""


def bram18(width: int, depth: int) -> int:
    """18-kbit block RAMs of a memory of `depth` words of `width` bits (UG473, table of port widths)."""
    for most, bits in _BRAM18:
        if depth <= most:
            return -(-width // bits)
    return width * -(-depth // 16384)


def uram(width: int, depth: int) -> int:
    """UltraRAMs of a memory: 4096 words of 72 bits each (UG573)."""
    return -(-width // 72) * -(-depth // 4096)


def rom_luts(width: int, depth: int) -> int:
    """LUTs of a constant memory: two 32-word bits in a LUT, or one of 64; up to 256 words need no more."""
    if depth <= 1:
        return 0
    if depth <= 32:
        return -(-width // 2)
    return width * -(-depth // 64) + mux(-(-depth // 256), width)


def lutram(width: int, depth: int) -> int:
    """LUTs of a memory with a write and a read port: four hold 6 bits of 32 words, or 3 of 64 (UG474)."""
    if depth <= 32:
        return 4 * -(-width // 6)
    blocks = -(-depth // 64)
    return 4 * -(-width // 3) * blocks + mux(blocks, width)


def memory(width: int, depth: int, *, constant: bool, kind: str = "") -> Resources:
    """A memory or, of one word that is not constant, a register; `kind` "" is what `memory_kind` says."""
    if depth <= 1:
        return NOTHING if constant else Resources(ff=width)
    match kind or memory_kind(width, depth):
        case "uram":
            return Resources(uram=uram(width, depth))
        case "bram":
            return Resources(bram18=bram18(width, depth))
    return Resources(rom_luts(width, depth) if constant else lutram(width, depth), ff=width)


def memory_kind(width: int, depth: int) -> str:
    """What holds a memory of which the schedule does not say it."""
    return "lutram" if width * depth <= LUTRAM_BITS else "bram"


def fifo(width: int, depth: int, memory: str = "") -> Resources:
    """A FIFO: shift registers up to LUTRAM_BITS or two elements, else block RAM; or what `memory` says."""
    shallow = depth <= 2 or width * depth <= LUTRAM_BITS
    if memory == "uram":
        return FIFO_CONTROL + Resources(uram=uram(width, depth))
    if memory == "bram" or (not memory and not shallow):
        return FIFO_CONTROL + Resources(bram18=bram18(width, depth))
    return FIFO_CONTROL + Resources(lut=width * -(-depth // 32), ff=depth.bit_length())


def mux(inputs: int, width: int) -> int:
    """LUTs that choose one of `inputs` values: four to a LUT, joined by the slices' own multiplexers."""
    return width * -(-inputs // 4) if inputs > 1 else 0


def adder_tree(count: int, width: int) -> int:
    """LUTs that add `count` values of `width` bits two by two: one for each bit of each sum.

    For 128 bits these are 374: FINN (FPGA 2017) publishes 376 for a 128-bit popcount with its accumulator.
    The XNOR before a popcount is absorbed by the first level.
    """
    total = 0
    while count > 1:
        width += 1
        total += count // 2 * width
        count -= count // 2
    return total


def adder_tree_registers(count: int, width: int) -> int:
    """Flip-flops between the stages of `adder_tree`."""
    total, level = 0, 0
    while count > 1:
        count -= count // 2
        width += 1
        level += 1
        total += count * width if level % LEVELS_PER_STAGE == 0 and count > 1 else 0
    return total


def comparator(width: int, constant: bool, equal: bool) -> int:
    """LUTs that compare values of `width` bits: carry logic takes two bits a LUT, equality three."""
    if constant:
        return max(1, -(-(width - 1) // 5))
    return -(-width // (3 if equal else 2))


def shifter(width: int, amount: int) -> int:
    """LUTs of a shift by a value of `amount` bits: a LUT chooses among four, so does two of them."""
    return width * -(-amount // 2)


def constant_product(factor: int, width: int) -> int:
    """LUTs of a product with a constant: an adder for each but the first digit of its signed-digit form."""
    digits, rest = 0, abs(factor)
    while rest:
        if rest & 1:
            digits += 1
            rest += (rest & 3) - 2  # the digit is 1 where two bits end in 01, -1 where they end in 11
        rest >>= 1
    return max(0, digits - 1) * width


# LUTs, flip-flops and DSP slices that Vivado HLS reports for its operators on floats of 32 and 64 bits on
# 7-series devices at 100 to 200 MHz, "full DSP" where there is a choice; they are AMD's Floating-Point
# Operator (PG060). Recalled and approximate: they change with latency, device and tool. Of 16 bits there is
# a third of 32, which is an estimate of ours; of functions only the order of magnitude is meant.
FLOAT_OPERATORS: dict[tuple[str, int], Resources] = {
    ("add", 32): Resources(390, 205, dsp=2),
    ("mul", 32): Resources(321, 143, dsp=3),
    ("div", 32): Resources(994, 761),
    ("cmp", 32): Resources(239, 66),
    ("sqrt", 32): Resources(590, 405),
    ("from int", 32): Resources(554, 340),
    ("to int", 32): Resources(190, 125),
    ("add", 64): Resources(1149, 445, dsp=3),
    ("mul", 64): Resources(578, 317, dsp=11),
    ("div", 64): Resources(3623, 3211),
    ("cmp", 64): Resources(462, 130),
    ("sqrt", 64): Resources(1850, 1280),
    ("from int", 64): Resources(620, 400),
    ("to int", 64): Resources(250, 180),
    ("convert", 64): Resources(112, 80),
    ("convert", 32): Resources(112, 80),
    ("exp", 32): Resources(1200, 900, dsp=7),
    ("sin", 32): Resources(5000, 4000, dsp=30),
}


def float_operator(kind: str, width: int) -> Resources:
    """An operator on floats of `width` bits: see FLOAT_OPERATORS, whose kinds these are. Approximate."""
    if width == 16:
        whole = float_operator(kind, 32)
        return Resources(whole.lut // 3, whole.ff // 3, dsp=-(-whole.dsp // 3))
    if (kind, width) not in FLOAT_OPERATORS:  # a function of 64 bits: about three times the digits' work
        return float_operator(kind, 32) * 3
    return FLOAT_OPERATORS[kind, width]


def product(a: int, b: int) -> Resources:
    """A product of values of `a` and `b` bits: LUTs where one is narrow, else DSP slices (25 x 18 signed)."""
    if min(a, b) < _DSP_LEAST:
        return Resources(lut=a * b)
    return Resources(dsp=-(-max(a, b) // 24) * -(-min(a, b) // 17))
