"""The schedule object: names and handles, the trace, composition, views of several kernels."""

from __future__ import annotations

import pytest
from tests.schedule.kernels_used import chain, copy, dense
from tests.schedule.ladder import check_llvm

from bitfold.diagnostics import ScheduleError
from bitfold.lang import bit, empty, int16
from bitfold.schedule import Loop, Partition, Schedule, customize

ROWS, COLUMNS = 4, 12


def fold(s: Schedule, pe: int, simd: int) -> None:
    m_o, m_i = s.split("m", pe)
    k_o, k_i = s.split("k", simd)
    s.reorder(m_o, k_o, m_i, k_i)
    s.unroll(m_i)
    s.pipeline(k_o, ii=1)
    s.pack("x", simd)
    s.pack("w", simd)
    s.partition("w", Partition.Cyclic, dim=1, factor=pe)


@pytest.mark.parametrize("pe", [1, 2, 4])
@pytest.mark.parametrize("simd", [1, 2, 3, 4, 6, 12])
def test_every_folding_of_a_layer_gives_the_same_bits(pe: int, simd: int) -> None:
    s = customize(dense, M=ROWS, K=COLUMNS)
    fold(s, pe, simd)
    check_llvm(s.program, (0, 1))
    for port in ("x", "y"):
        s.stream(port)
    check_llvm(s.program, (0, 1))


def test_loops_are_listed_outer_before_inner() -> None:
    s = customize(dense, M=ROWS, K=COLUMNS)
    assert s.get_loops() == (Loop("dense", "m"), Loop("dense", "k"))
    outer, inner = s.split("k", 4)
    assert (str(outer), str(inner)) == ("k_o", "k_i")
    assert [str(loop) for loop in s.get_loops()] == ["m", "k_o", "k_i"]


def test_the_trace_prints_as_the_python_that_repeats_it() -> None:
    s = customize(dense, M=ROWS, K=COLUMNS)
    fold(s, 2, 3)
    assert [str(step) for step in s.trace] == [
        "s.at('dense').split('m', 2)",
        "s.at('dense').split('k', 3)",
        "s.at('dense').reorder('m_o', 'k_o', 'm_i', 'k_i')",
        "s.at('dense').unroll('m_i')",
        "s.at('dense').pipeline('k_o', ii=1)",
        "s.at('dense').pack('x', 3)",
        "s.at('dense').pack('w', 3)",
        "s.at('dense').partition('w', Partition.CYCLIC, dim=1, factor=2)",
    ]
    again = customize(dense, M=ROWS, K=COLUMNS)
    for step in s.trace:
        exec(str(step), {"s": again, "Partition": Partition})
    assert again.program == s.program


def test_a_handle_of_a_loop_that_packing_replaced_says_so() -> None:
    s = customize(dense, M=ROWS, K=COLUMNS)
    _, inner = s.split("k", 4)
    s.pack("x", 4)
    s.pack("w", 4)
    with pytest.raises(
        ScheduleError, match=r"'k_i' of 'dense' is no more: s.at\('dense'\).pack\('w', 4\) replaced it"
    ):
        s.unroll(inner)


def test_a_composed_schedule_is_applied_to_the_instance_it_was_made_for() -> None:
    part = customize(copy, N=8)
    part.split("i", 4)
    part.pipeline("i_o", ii=2)
    s = customize(chain)
    s.compose(part, at="copy_1")
    assert [str(step) for step in s.trace] == [
        "s.at('copy_1').split('i', 4)",
        "s.at('copy_1').pipeline('i_o', ii=2)",
    ]
    assert [loop.name for loop in s.at("copy_0").get_loops()] == ["i"]
    check_llvm(s.program, (0, 1))


def test_one_composition_may_hold_several_parts() -> None:
    first, second = customize(dense, M=ROWS, K=COLUMNS), customize(dense, M=ROWS, K=COLUMNS)
    first.split("k", 4)
    second.split("m", 2)
    s = customize(dense, M=ROWS, K=COLUMNS)
    s.compose(first, second)
    assert [loop.name for loop in s.get_loops()] == ["m_o", "m_i", "k_o", "k_i"]


def test_another_kernel_is_reached_by_a_view_or_by_a_prefix() -> None:
    s, t = customize(chain), customize(chain)
    s.at("copy_0").split("i", 2)
    t.split("copy_0:i", 2)
    assert s.program == t.program
    assert s.trace == t.trace
    assert s.kernels == ("copy_0", "copy_1")


def test_a_partition_follows_an_array_through_calls() -> None:
    s = customize(chain)
    s.partition("h", Partition.Cyclic, factor=4)
    text = str(s)
    assert "h = empty(bit[8] @ cyclic(dim=1, factor=4))" in text
    assert "def copy_0(x: bit[8], y: bit[8] @ cyclic(dim=1, factor=4)):" in text
    assert "def copy_1(x: bit[8] @ cyclic(dim=1, factor=4), y: bit[8]):" in text
    before = s.program
    s.at("copy_1").partition("x", Partition.Cyclic, dim=1, factor=4)  # the same once more
    assert s.program == before


def test_a_factor_of_all_is_complete_and_a_factor_of_one_is_nothing() -> None:
    s = customize(dense, M=ROWS, K=COLUMNS)
    s.partition("w", Partition.Block, dim=1, factor=ROWS)
    s.partition("w", Partition.Block, dim=2, factor=1)
    s.partition("x")
    assert f"w: bit[{ROWS}, {COLUMNS}] @ complete(dim=1)," in str(s)
    assert f"x: bit[{COLUMNS}] @ complete(dim=1)," in str(s)


def test_pipelining_unrolls_the_loops_inside() -> None:
    s = customize(dense, M=ROWS, K=COLUMNS)
    s.pipeline("m", ii=3)
    assert "for m in pipeline(range(4), ii=3):" in str(s)
    assert "for k in unroll(range(12)):" in str(s)
    check_llvm(s.program, (0,))


def test_binding_to_registers_is_the_complete_partition() -> None:
    s, t = customize(chain), customize(chain)
    s.bind("h", "registers")
    t.partition("h")
    assert s.program == t.program
    assert "y: bit[8] @ complete(dim=1)" in str(s)


def test_a_function_of_a_schedule_is_composed_with_its_parameters() -> None:
    s, t = customize(dense, M=ROWS, K=COLUMNS), customize(dense, M=ROWS, K=COLUMNS)
    fold(s, 2, 3)
    t.compose(fold, pe=2, simd=3)
    assert s.program == t.program
    assert s.trace == t.trace


def test_a_composition_of_a_function_is_undone_when_it_is_refused() -> None:
    s = customize(dense, M=ROWS, K=COLUMNS)
    before = s.program, s.trace
    with pytest.raises(ScheduleError, match="5 does not divide"):
        s.compose([fold], pe=2, simd=5)
    assert (s.program, s.trace) == before


def layers(x: bit[12], w: bit[4, 12], t: int16[4], v: bit[2, 4], u: int16[2], y: bit[2]):
    h = empty(bit[4])
    dense(x, w, t, h)
    dense(h, v, u, y)


def test_of_several_instances_the_one_of_the_same_shapes_is_meant() -> None:
    part = customize(dense, M=2, K=4)
    part.pack("x", 4)
    part.pack("w", 4)
    s = customize(layers)
    s.compose(part)
    assert [step.function for step in s.trace] == ["dense_1", "dense_1"]
    s.compose(fold, at="dense_0", pe=2, simd=3)
    assert s.trace[-1].function == "dense_0"
    check_llvm(s.program, (0, 1))


def test_a_partition_reaches_constants_and_nested_calls() -> None:
    s = customize(outer)
    s.partition("a", Partition.Block, dim=1, factor=2)
    assert str(s).count("block(dim=1, factor=2)") == 4  # outer's a, middle's b and copy's y, twice called
    check_llvm(s.program, (0,))


def middle(x: bit[8], b: bit[8]):
    copy(x, b)


def outer(x: bit[8], a: bit[8]):
    middle(x, a)
    copy(x, a)


def test_a_handle_never_means_another_loop_that_got_its_name() -> None:
    s = customize(main_and_copy)
    old = s.get_loops()[0]
    assert old.name == "i"
    s.split(old, 4)
    s.inline("copy")
    new = next(loop for loop in s.get_loops() if loop.name == "i")
    with pytest.raises(ScheduleError, match=r"loop 'i' of 'main_and_copy' is no more: .*split\('i', 4\)"):
        s.unroll(old)
    s.unroll(new)
    s.split("i_o", 2)


def main_and_copy(x: bit[8], y: bit[8], z: bit[8]):
    for i in range(8):
        z[i] = 1 - x[i]
    copy(x, y)
