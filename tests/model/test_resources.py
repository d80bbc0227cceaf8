"""The resource model: what the loops, memories and channels of a scheduled program cost, and where."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.schedule.nests import nests
from tests.schedule.requests import Request, apply, requests
from tests.strategies import KernelCase, kernels, load

from bitfold.build.zc706 import ZC706
from bitfold.devices import find_device
from bitfold.kernels.dense import binary_dense
from bitfold.lang.layouts import Partition
from bitfold.model import costs
from bitfold.model.resources import Estimate, Resources, estimate
from bitfold.networks.catalog import find_network, find_schedule
from bitfold.schedule import Schedule, customize
from bitfold.schedules.folding import fold


@cache
def network(name: str, schedule: str) -> Estimate:
    found = find_network(name)
    s = customize(found.build(found.load_weights(None)))
    find_schedule(schedule)(s)
    return estimate(s.program)


def written(source: str) -> Schedule:
    return customize(load("from bitfold.lang import *\n" + source)["kernel"])


def added(parts: object) -> Resources:
    return sum(parts, Resources())  # type: ignore[call-overload]


def of(found: Estimate, words: str) -> Resources:
    """The cost of all items whose reason says `words`."""
    items = [item for item in found.items if words in item.what]
    assert items, f"no item says {words!r}: {[item.what for item in found.items]}"
    return added(item.cost for item in items)


# ---- sums


@pytest.mark.parametrize("name", ["sfc", "lfc"])
@pytest.mark.parametrize("schedule", ["finn_max", "finn_fix", "fold_a", "cpu"])
def test_lines_and_kernels_add_up_to_the_total(name: str, schedule: str) -> None:
    found = network(name, schedule)
    assert added(found.lines().values()) == added(found.kernels().values()) == found.total
    assert found.total.lut > 0
    for item in found.items:
        assert min(item.cost.lut, item.cost.ff, item.cost.bram18, item.cost.uram, item.cost.dsp) >= 0
        assert item.span.source().strip(), f"{item.what} has no line of Python"


def test_the_same_program_gives_the_same_items() -> None:
    again = network.__wrapped__("sfc", "finn_max")
    assert again == network("sfc", "finn_max")


def test_a_popcount_is_found_on_its_line() -> None:
    found = network("sfc", "finn_max")
    (item,) = [i for i in found.items if i.kernel == "binary_dense_1" and "popcount" in i.what]
    assert item.what.startswith("64 x popcount of the xnor of 64 bits")
    assert "popcount" in item.span.source() or "xnor" in item.span.source()
    assert item.cost.lut == 64 * costs.adder_tree(64, 1)
    line = found.lines()["binary_dense_1", item.span.file, item.span.line]
    assert line.lut >= item.cost.lut


def check_any(found: Estimate, again: Estimate) -> None:
    assert found == again
    assert added(found.lines().values()) == added(found.kernels().values()) == found.total
    for item in found.items:
        cost = item.cost
        assert min(cost.lut, cost.ff, cost.bram18, cost.uram, cost.dsp) >= 0, item


@given(nests(), st.lists(requests, min_size=1, max_size=6))
def test_any_scheduled_nest_is_estimated(case: KernelCase, made: list[Request]) -> None:
    s = customize(case.function, **case.dims)
    apply(s, made)
    check_any(estimate(s.program), estimate(s.program))


@given(kernels(max_width=200), st.lists(requests, max_size=6))
def test_any_scheduled_kernel_is_estimated(case: KernelCase, made: list[Request]) -> None:
    s = customize(case.function, **case.dims)
    apply(s, made)
    check_any(estimate(s.program), estimate(s.program))


# ---- against what is published


def test_published_luts_are_met_within_the_stated_error() -> None:
    published = {
        ("sfc", "finn_max"): 91_131,
        ("lfc", "finn_max"): 82_988,
        ("sfc", "finn_fix"): 5_155,
        ("lfc", "finn_fix"): 5_636,
    }
    for design, luts in published.items():
        ours = (network(*design).total + costs.SHELL).lut
        assert abs(ours / luts - 1) < 0.3, (design, ours)


# ---- what folding does


def folded(pe: int, simd: int) -> Estimate:
    s = customize(binary_dense, M=32, K=64)
    fold(s, pe, simd)
    return estimate(s.program)


def test_more_processing_elements_never_take_fewer_luts() -> None:
    for simd in (1, 8, 64):
        for words in ("popcount", "") if simd > 1 else ("",):
            counts = [of(folded(pe, simd), words).lut for pe in (1, 2, 4, 8, 16, 32)]
            assert counts == sorted(counts), (simd, words)
            assert counts[0] < counts[-1]
    for pe in (1, 8):
        counts = [of(folded(pe, simd), "popcount").lut for simd in (2, 4, 8, 16, 32, 64)]
        assert counts == sorted(counts), pe


def test_what_does_not_depend_on_the_processing_element_exists_once() -> None:
    counters = {of(folded(pe, 8), "counter of loop k_o") for pe in (2, 4, 8, 16)}
    assert len(counters) == 1
    buffers = {of(folded(pe, 8), "memory x_buffer") for pe in (2, 4, 8, 16)}
    assert buffers == {Resources(costs.lutram(8, 8), 8)}, "one buffer feeds them all"


# ---- a user's own kernel


def test_a_users_own_kernel() -> None:
    s = written("""
def kernel(x: uint8[64], y: uint32[64]):
    for i in range(64):
        y[i] = x[i] * x[i] + (x[i] << 3)
""")
    found = estimate(s.program)
    assert of(found, "product of 8 x 8 bits") == Resources(dsp=1)
    assert of(found, "adder of") == Resources(lut=17)
    assert not [i for i in found.items if "shifter" in i.what], "a shift by a constant is wires"
    (line,) = {i.span.line for i in found.items if "product" in i.what}
    assert "x[i] * x[i]" in next(i for i in found.items if i.span.line == line).span.source()
    assert of(found, "counter of loop i").ff == 7


def test_masks_and_lanes_are_told_apart() -> None:
    found = estimate(
        written("""
def kernel(x: uint32[8], y: uint32[8]):
    for i in range(8):
        y[i] = x[i] & x[7 - i] | uint32(x[i] << 3)
""").program
    )
    assert of(found, "bitwise & of 32 bits").lut == of(found, "bitwise | of 32 bits").lut == 32
    scores = network("sfc", "finn_max")
    assert not [i for i in scores.items if i.kernel == "output_scores" and "bitwise" in i.what], "wires"


def test_unrolling_copies_operators() -> None:
    source = """
def kernel(x: uint8[64], y: uint16[64]):
    for i in range(64):
        y[i] = x[i] + x[63 - i]
"""
    once = of(estimate(written(source).program), "adder of 9 bits").lut
    s = written(source)
    s.unroll("i", 4)
    assert of(estimate(s.program), "adder of 9 bits").lut == 4 * once
    s = written(source)
    s.unroll("i")
    found = estimate(s.program)
    assert of(found, "adder of 9 bits").lut == 64 * once
    assert not [i for i in found.items if "counter" in i.what], "no loop is left"


def test_a_sum_over_an_unrolled_loop_is_a_tree() -> None:
    s = written("""
def kernel(x: uint8[16], y: uint16[1]):
    total: uint16 = 0
    for i in range(16):
        total += x[i]
    y[0] = total
""")
    s.unroll("i")
    assert of(estimate(s.program), "sum of 16 values of 8 bits").lut == costs.adder_tree(16, 8)


MEMORY = """
def kernel(x: uint8[4], y: uint8[4]):
    a = empty(uint8[256]LAYOUT)
    for i in range(256):
        a[i] = x[i % 4]
    for i in range(256):
        y[i % 4] = a[i]
"""


@pytest.mark.parametrize(
    ("layout", "words", "cost"),
    [
        ("", "block RAM (2,048 bits", Resources(bram18=1)),
        (' @ memory("lutram")', "LUTs as RAM (as the schedule says)", Resources(costs.lutram(8, 256), 8)),
        (' @ memory("uram")', "UltraRAM", Resources(uram=1)),
        (" @ cyclic(dim=1, factor=4)", "LUTs as RAM (512 bits", Resources(costs.lutram(8, 64), 8) * 4),
        (' @ cyclic(dim=1, factor=4) @ memory("bram")', "block RAM (as the sch", Resources(bram18=4)),
        (" @ complete(dim=1)", "register of a, 8 bits", Resources(ff=2048)),
    ],
)
def test_memories_follow_their_layout(layout: str, words: str, cost: Resources) -> None:
    assert of(estimate(written(MEMORY.replace("LAYOUT", layout)).program), words) == cost


def test_registers_that_are_chosen_at_run_time_need_a_multiplexer() -> None:
    s = written(MEMORY.replace("LAYOUT", ""))
    s.partition("a", Partition.Complete)
    assert of(estimate(s.program), "multiplexer of 256 registers").lut == costs.mux(256, 8)


def test_channels_and_ports() -> None:
    s = written("""
def kernel(x: uint8[64], y: uint8[64]):
    h = empty(Stream[uint8, 16])
    first(x, h)
    second(h, y)

def first(x: uint8[64], h: Stream[uint8, 16]):
    for i in range(64):
        h.put(x[i])

def second(h: Stream[uint8, 16], y: uint8[64]):
    for i in range(64):
        y[i] = h.get()
""")
    s.stream("x")
    found = estimate(s.program)
    assert of(found, "FIFO h of 16 x 8 bits") == costs.fifo(8, 16)
    assert of(found, "AXI stream port x") == Resources(lut=8, ff=16)
    assert set(found.kernels()) == {"first", "second", "kernel"}


# ---- devices


def test_utilization_is_of_the_device() -> None:
    found = network("sfc", "finn_max")
    used = found.utilization(ZC706)
    assert used["lut"] == found.total.lut / 218_600
    assert used["bram36"] == found.total.bram36 / 545
    assert used["uram"] == 0, "neither used nor there"
    assert found.utilization(find_device("pynq-z1"))["lut"] > 1, "SFC-max does not fit a Z7020"
    with_uram = estimate(written(MEMORY.replace("LAYOUT", ' @ memory("uram")')).program)
    assert with_uram.utilization(ZC706)["uram"] == float("inf")


def test_operators_on_floats_are_counted_by_their_tables():
    source = """
import numpy as np
from bitfold.lang import *

TABLE = np.array([0.0, np.nan, np.inf, 1.0], np.float32)


def kernel(x: float32[8], w: float32[8], h: float16[8], n: int8[8], y: float32[8], z: float64[8]):
    for i in range(8):
        y[i] = x[i] * w[i] + TABLE[i % 4]
        z[i] = exp(x[i]) / 3
        n[i] = int8(x[i])
        h[i] = max(h[i], float16(n[i])) if x[i] < w[i] else -h[i]
"""
    found = estimate(customize(load(source)["kernel"]).program)
    items = {item.what: item.cost for item in found.items}
    assert items["product of float32"].dsp == 3
    assert items["adder of float32"] == costs.float_operator("add", 32)
    assert items["exp of float32"].dsp > 0
    assert {"division of float32", "float32 to an integer", "int8 to float16"} <= items.keys()
    assert found.total.dsp >= 5
