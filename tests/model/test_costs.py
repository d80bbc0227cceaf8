"""The formulas of the resource model: memories, FIFOs and operators, at the edges of their tables."""

from __future__ import annotations

import pytest

from bitfold.model import costs
from bitfold.model.costs import Resources


@pytest.mark.parametrize(
    ("width", "depth", "blocks"),
    [
        (36, 512, 1),
        (37, 512, 2),
        (36, 513, 2),
        (18, 1024, 1),
        (18, 1025, 2),
        (9, 2048, 1),
        (9, 2049, 3),
        (4, 4096, 1),
        (4, 4097, 2),
        (2, 8192, 1),
        (2, 8193, 2),
        (1, 16384, 1),
        (1, 16385, 2),
        (64, 128, 2),
        (49, 16384, 49),
    ],
)
def test_block_rams_of_a_memory(width: int, depth: int, blocks: int) -> None:
    assert costs.bram18(width, depth) == blocks


def test_a_wider_or_deeper_memory_never_takes_less() -> None:
    depths = (1, 2, 31, 32, 33, 64, 65, 128, 256, 257, 512, 1024, 2048, 4096, 8192, 16384, 32768)
    for count in (costs.bram18, costs.uram, costs.rom_luts, costs.lutram):
        for width in (1, 2, 3, 6, 8, 9, 18, 36, 37, 64, 72):
            found = [count(width, depth) for depth in depths]
            assert found == sorted(found), (count.__name__, width)
        for depth in depths:
            found = [count(width, depth) for width in range(1, 80)]
            assert found == sorted(found), (count.__name__, depth)


def test_constants_in_luts() -> None:
    assert costs.rom_luts(64, 1) == 0, "a constant is no hardware"
    assert costs.rom_luts(64, 32) == 32, "a LUT holds 32 words of two bits"
    assert costs.rom_luts(64, 33) == costs.rom_luts(64, 64) == 64
    assert costs.rom_luts(1, 256) == 4, "joined by the slice's own multiplexers"
    assert costs.rom_luts(1, 512) == 8 + 1


def test_memories_in_luts() -> None:
    assert costs.lutram(6, 32) == 4
    assert costs.lutram(7, 32) == 8
    assert costs.lutram(3, 64) == 4
    assert costs.lutram(3, 128) == 8 + 3


def test_fifos() -> None:
    control = costs.FIFO_CONTROL
    assert costs.fifo(64, 2).lut == 64 + control.lut, "a bit of 32 elements in each LUT"
    assert costs.fifo(1024, 2).bram18 == 0, "two elements are never worth a block RAM"
    assert costs.fifo(64, 16).bram18 == 0
    assert costs.fifo(64, 17) == control + Resources(bram18=2), "more than LUTRAM_BITS"
    assert costs.fifo(8, 64, "lutram").lut == 16 + control.lut
    assert costs.fifo(8, 2, "bram").bram18 == 1
    assert costs.fifo(73, 5000, "uram").uram == 4


def test_a_popcount_costs_what_the_paper_says() -> None:
    assert costs.adder_tree(1, 1) == 0
    assert costs.adder_tree(2, 1) == 2
    published = 376  # LUT of a 128-bit popcount with its accumulator, FINN (FPGA 2017)
    assert abs(costs.adder_tree(128, 1) + 8 - published) < 0.03 * published
    for n in range(1, 300):
        assert costs.adder_tree(n, 1) <= costs.adder_tree(n + 1, 1)


def test_operators() -> None:
    assert costs.mux(1, 8) == 0
    assert costs.mux(4, 8) == 8
    assert costs.mux(16, 1) == 4
    assert costs.comparator(16, constant=False, equal=False) == 8
    assert costs.comparator(6, constant=True, equal=False) == 1
    assert costs.constant_product(64, 8) == 0, "a shift is wires"
    assert costs.constant_product(7, 8) == 8, "8 x - x"
    assert costs.product(2, 8) == Resources(lut=16)
    assert costs.product(16, 16) == Resources(dsp=1)
    assert costs.product(32, 32).dsp > 1


def test_resources_add_up() -> None:
    one = Resources(lut=1, ff=2, bram18=3, uram=4, dsp=5)
    assert one + one + one == one * 3
    assert one.bram36 == 1.5
