"""inline puts a kernel where it is called; rename gives a loop another name; old handles say so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.schedule.kernels_used import calls, dense, repeated, two
from tests.schedule.ladder import check_rewritten

from bitfold.diagnostics import ScheduleError
from bitfold.lang import uint8
from bitfold.schedule import Loop, customize

TABLE = np.array([3, 1, 4, 1, 5, 9, 2, 6])


def lookup(a: uint8[8], acc: uint8[1]):
    t: uint8 = 0
    for i in range(8):
        t = uint8(t + TABLE[i] * a[i])
    acc[0] = t


def lookups(a: uint8[8], b: uint8[8], t: uint8[1]):
    for i in range(3):
        lookup(a, t)
        lookup(b, t)


@pytest.mark.parametrize("kernel", [two, repeated, calls, lookups])
def test_inlined_kernels_give_the_same_bits(kernel: Callable[..., None]) -> None:
    s = customize(kernel)
    before = s.program
    for callee in s.kernels:
        s.inline(callee)
    assert [f.name for f in s.program.functions] == [kernel.__name__]
    check_rewritten(before, s.program)


def test_a_kernel_of_several_instances_is_inlined_in_all_places() -> None:
    s = customize(lookups)
    before = s.program
    s.inline("lookup")
    assert [f.name for f in s.program.functions] == ["lookups"]
    assert [str(step) for step in s.trace] == ["s.at('lookups').inline('lookup')"]
    check_rewritten(before, s.program)


def test_a_constant_of_an_inlined_kernel_is_named_outside_the_loops() -> None:
    s = customize(lookups)
    s.inline("lookup_0")
    s.inline("lookup_1")
    text = str(s).partition("def lookups")[2]
    assert text.index("rom(") < text.index("for i in range(3)")


def test_the_loops_of_an_inlined_kernel_are_scheduled_in_the_caller() -> None:
    s = customize(two)
    before = s.program
    inner = s.at("copy_1").get_loops()[0]
    s.inline("copy_0")
    s.inline("copy_1")
    s.split("i_1", 2)
    with pytest.raises(
        ScheduleError, match=r"loop 'i' of 'copy_1' is no more: s.at\('two'\).inline\('copy_1'\)"
    ):
        s.pipeline(inner)
    check_rewritten(before, s.program)


def test_a_renamed_loop_is_found_by_its_new_name_alone() -> None:
    s = customize(dense, M=4, K=8)
    before = s.program
    k = s.get_loops()[1]
    assert s.rename(k, "column") == Loop("dense", "column")
    assert "acc += xnor(w[m, column], x[column])" in str(s)
    with pytest.raises(ScheduleError, match=r"'k' of 'dense' is no more: s.at\('dense'\).rename"):
        s.unroll(k)
    check_rewritten(before, s.program)
