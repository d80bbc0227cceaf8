"""unfold, outline and reshape: kernels made of loops, a systolic array, arrays in other dimensions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.schedule import kernels_used as k
from tests.schedule.ladder import check_llvm, check_python, check_rewritten, inputs, python_result
from tests.strategies import load

from bitfold.build.hls.simulation import HlsModule
from bitfold.diagnostics import ScheduleError
from bitfold.ir.nodes import Alloc
from bitfold.lang import empty, uint8, zeros
from bitfold.schedule import Schedule, customize


def systolic() -> Schedule:
    """A 3 x 2 array of processing elements, each a process, with a channel to each neighbour."""
    s = customize(k.systolic)
    s.unfold("i", "j", name="pe")
    s.dataflow()
    for link in [a.name for a in s.function.body if isinstance(a, Alloc)]:
        s.stream(link, depth=4)
    return s


def test_each_iteration_is_a_kernel_with_what_it_shares_with_its_neighbours() -> None:
    s = customize(k.systolic)
    before = s.program
    made = s.unfold("i", "j", name="pe")
    assert [name for name in made if name[-1].isdigit()] == [
        f"pe_{i}_{j}" for i in range(3) for j in range(2)
    ]
    assert set(made) >= {"pe_k", "pe_u"}
    assert s.kernels[0] == "pe_k"
    assert s.kernels[-1] == "pe_u"
    assert s.at("pe_1_0").get_arrays()[:5] == ("east_1_0", "east_1_1", "south_1_0", "south_2_0", "out_1_0")
    assert "south_3_0" not in str(s), "what leaves the last row is read by no one"
    check_rewritten(before, s.program)


def test_a_systolic_array_gives_the_same_bits() -> None:
    before, s = customize(k.systolic).program, systolic()
    assert "@dataflow" in str(s)
    args = inputs(before, 0)
    check_python(s.program, args, python_result(before, args))
    check_llvm(s.program, (0, 1))


@pytest.mark.csim
def test_a_systolic_array_gives_the_same_bits_as_cpp(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (3, 4), np.int8), rng.integers(-128, 128, (4, 2), np.int8)
    c = np.zeros((3, 2), np.int32)
    HlsModule(systolic().program, tmp_path / "systolic")(a, b, c)
    assert (c == a.astype(np.int32) @ b.astype(np.int32)).all()


def test_each_element_can_be_scheduled_by_itself() -> None:
    s = systolic()
    before = customize(k.systolic).program
    for kernel in s.kernels:
        if kernel.startswith("pe_") and kernel[-1].isdigit():
            s.pipeline(f"{kernel}:t")
    args = inputs(before, 0)
    check_python(s.program, args, python_result(before, args))


def test_an_outlined_loop_has_the_arrays_it_uses() -> None:
    s = customize(k.blur)
    before = s.program
    assert s.outline("p") == "blur_p"
    assert s.outline("i", "total") == "total"
    s.dataflow()
    check_rewritten(before, s.program)


def test_an_outlined_loop_has_the_constants_it_uses() -> None:
    s = customize(k.with_constant)
    before = s.program
    s.outline("i")
    assert s.at("with_constant_i").get_arrays() == ("x", "y", "w")
    check_rewritten(before, s.program)


def test_a_handle_of_an_unfolded_loop_says_what_became_of_it() -> None:
    s = customize(k.systolic)
    loops = {str(loop): loop for loop in s.get_loops()}
    s.unfold("i", "j")
    with pytest.raises(ScheduleError, match=r"loop 'i' of 'systolic' is no more: .*unfold"):
        s.unroll(loops["i"])


@pytest.mark.parametrize("shape", [(24,), (6, 4), (2, 12), (2, 2, 6), (1, 24, 1)])
def test_a_reshaped_array_holds_the_same_elements(shape: tuple[int, ...]) -> None:
    s = customize(k.two_dimensional)
    before = s.program
    s.reshape("h", shape)
    assert s.type("h").dims == shape
    assert s.type("inner_use:a").dims == shape
    check_rewritten(before, s.program)


def test_an_index_that_was_taken_apart_is_whole_again() -> None:
    s = customize(k.two_dimensional)
    s.reshape("h", 24)
    assert "h[i * 6 + j]" in str(s)


def test_a_constant_is_stored_anew() -> None:
    s = customize(k.with_constant)
    before = s.program
    s.reshape("w", 4, 3)
    assert [v.shape for v in s.program.constants.values()] == [(4, 3)]
    check_rewritten(before, s.program)


def test_an_iteration_that_uses_no_array_is_a_kernel_without_parameters() -> None:
    s = customize(k.idle_loop)
    before = s.program
    s.unfold("i", name="pe")
    assert "def pe_0():" in str(s)
    check_rewritten(before, s.program)


def blurred(x: uint8[8], y: uint8[6]):
    h = empty(uint8[8])
    kept = zeros(uint8[3])
    for i in range(8):
        kept[i % 3] = x[i]
        h[i] = kept[0] + kept[1] + kept[2]
    for j in range(6):
        y[j] = h[j] + h[j + 2]


def test_a_local_array_that_a_loop_alone_uses_goes_into_its_kernel() -> None:
    s = customize(blurred)
    before = s.program
    s.outline("i", "sums")
    assert s.at("sums").get_arrays() == ("x", "h", "kept")
    assert [p.name for p in s.at("sums").function.params] == ["x", "h"]
    check_rewritten(before, s.program)
    s.outline("j", "blur")
    s.dataflow()
    check_rewritten(before, s.program)


RESULT = """
from bitfold.lang import *


def half(x: uint8[4], n: uint8) -> uint8:
    v: uint8 = 0
    for i in range(4):
        v += x[i] >> n
    return v


def kernel(x: uint8[4], y: uint8[2]):
    y[0] = half(x, x[0])
    y[1] = half(x, 1)
"""


@pytest.mark.csim
def test_numbers_are_passed_whatever_the_shape_of_what_holds_them(tmp_path: Path) -> None:
    s = customize(load(RESULT)["kernel"])
    args = inputs(s.program, 0)
    expected = python_result(s.program, args)
    s.reshape("half_result", 1, 1)
    HlsModule(s.program, tmp_path / "numbers")(*args)
    assert all((a == b).all() for a, b in zip(args, expected, strict=True))
