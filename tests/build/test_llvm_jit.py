"""Arrays across the boundary of compiled code: dtypes, layouts, batches, wide words, and wrong arguments."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.schedule.kernels_used import copy, dense
from tests.strategies import load, random_array

from bitfold.build.llvm.jit import CpuModule
from bitfold.diagnostics import UsageError
from bitfold.frontend import parse
from bitfold.lang import Int, IntType, UInt
from bitfold.schedule import customize


def compiled(source: str) -> CpuModule:
    return CpuModule(parse(load(f"from bitfold.lang import *\n\n{source}")["kernel"]))


def passing(elem: IntType, dims: tuple[int, ...]) -> CpuModule:
    """A kernel that copies an array."""
    shape = ", ".join(map(str, dims))
    names = "ijk"[: len(dims)]
    loops = [f"{'    ' * (d + 1)}for {name} in range({dims[d]}):\n" for d, name in enumerate(names)]
    index = ", ".join(names)
    return compiled(
        f"def kernel(a: {elem}[{shape}], b: {elem}[{shape}]):\n{''.join(loops)}"
        f"{'    ' * (len(dims) + 1)}b[{index}] = a[{index}]\n"
    )


types = st.builds(IntType, st.integers(1, 200), st.booleans())


@given(types, st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(0, 99))
def test_any_type_and_rank_crosses_unchanged(elem: IntType, dims: list[int], seed: int) -> None:
    module = passing(elem, tuple(dims))
    for shape in (tuple(dims), (3, *dims)):
        a = random_array(elem, shape, seed)
        b = np.zeros_like(a)
        module(a, b)
        assert a.tolist() == b.tolist()
        assert all(type(v) is int for v in b.reshape(-1).tolist())


@pytest.mark.parametrize("elem", [Int(1), Int(3), UInt(5), Int(13), Int(33), UInt(63)])
def test_bits_above_the_width_do_not_disturb(elem: IntType) -> None:
    """NumPy extends the sign through the whole machine word; LLVM takes the bits above the width as 0."""
    module = compiled(
        f"def kernel(a: {elem}[5], b: int8[5]):\n    for i in range(5):\n        b[i] = a[i] == {elem.low}\n"
    )
    a = np.full(5, elem.low, elem.storage)
    b = np.zeros(5, np.int8)
    module(a, b)
    assert b.tolist() == [1] * 5


@pytest.mark.parametrize("lanes", [None, 1, 3, 8, 64, 100])
def test_batches_are_calls_one_after_another(lanes: int | None) -> None:
    s = customize(copy, N=70)
    if lanes:
        s.pack("x", lanes)
        s.pack("y", lanes)
    module = CpuModule(s.program)
    for count in (0, 1, 5):
        x = random_array(UInt(1), (count, 70), 3) if count else np.zeros((0, 70), np.uint8)
        y = np.zeros_like(x)
        module(x, y)
        assert np.array_equal(x, y)


def test_bool_strided_and_reversed_arrays_are_taken() -> None:
    module = CpuModule(customize(copy, N=6).program)
    wide = np.arange(24).reshape(2, 12) % 3 == 0
    for x in (wide[:, ::2], wide[::-1, 6:], np.asfortranarray(wide[:, :6])):
        y = np.zeros((2, 6), np.bool_)
        module(x, y)
        assert np.array_equal(x, y)
    target = np.zeros((6, 2), np.uint8)
    module(wide[:, :6], target.T)
    assert np.array_equal(target.T, wide[:, :6])


@pytest.mark.parametrize("elem", [UInt(64), UInt(65), Int(100), UInt(128), Int(187)])
def test_elements_are_found_at_constant_indices(elem: IntType) -> None:
    """In arguments, locals and constants, of more dimensions than one."""
    values = random_array(elem, (2, 3), 5)
    kind = "object" if elem.width > 64 else f"np.{elem.storage}"
    module = compiled(f"""
import numpy as np
C = typed(np.array({values.tolist()}, {kind}), {elem})

def kernel(a: {elem}[2, 3], b: {elem}[3, 3]):
    t = zeros({elem}[2, 3])
    t[0, 2] = a[0, 2]
    t[1, 1] = a[1, 1]
    b[0, 0] = t[0, 2]
    b[0, 1] = t[1, 1]
    b[1, 0] = C[0, 1]
    b[1, 2] = C[1, 2]
    b[2, 2] = a[1, 0]
""")
    a, b = random_array(elem, (2, 3), 7), np.zeros((3, 3), elem.storage)
    b[...] = 0
    module(a, b)
    expected = [[a[0, 2], a[1, 1], 0], [values[0, 1], 0, values[1, 2]], [0, 0, a[1, 0]]]
    assert b.tolist() == [[int(v) for v in row] for row in expected]


def test_what_is_not_written_stays() -> None:
    module = compiled("def kernel(a: int16[4], b: int16[4]):\n    a[1] = b[2] + 1\n")
    a, b = np.array([1, 2, 3, 4], np.int16), np.array([5, 6, 7, 8], np.int16)
    module(a, b)
    assert a.tolist() == [1, 8, 3, 4]
    assert b.tolist() == [5, 6, 7, 8]


def test_large_local_arrays_do_not_need_a_large_stack() -> None:
    module = compiled("""
def kernel(a: int32[4], b: int32[4]):
    for r in range(2):
        t = zeros(int32[2048, 1024])
        for i in range(4):
            t[500 * i, 200 * i] += a[i]
        for i in range(4):
            b[i] = t[500 * i, 200 * i] + t[7, i]
""")
    a, b = np.array([1, -2, 3, 4], np.int32), np.zeros(4, np.int32)
    thread = threading.Thread(target=module, args=(a, b))
    thread.start()
    thread.join()
    assert b.tolist() == [1, -2, 3, 4]


def test_a_program_without_loops_or_results() -> None:
    module = compiled("def kernel(a: int16[1]):\n    x: int16 = a[0]\n")
    module(np.zeros(1, np.int16))


WRONG = {
    "a missing array": (lambda x, w, t, y: (x, w, t), "dense takes 4 arrays, not 3"),
    "a list": (lambda x, w, t, y: (x.tolist(), w, t, y), "'x' must be a NumPy array, not list"),
    "a wrong shape": (lambda x, w, t, y: (x[:7], w, t, y), "'x' has shape (7,); bit[8] needs (8,)"),
    "a wrong dtype": (
        lambda x, w, t, y: (x, w, t.astype(np.int32), y),
        "'t' has dtype int32; int16[4] needs int16",
    ),
    "floats": (lambda x, w, t, y: (x.astype(float), w, t, y), "'x' has dtype float64"),
    "two batch sizes": (
        lambda x, w, t, y: (
            x[None].repeat(2, 0),
            w[None].repeat(2, 0),
            t[None].repeat(3, 0),
            y[None].repeat(2, 0),
        ),
        "different batch sizes: [2, 3]",
    ),
    "a batch of one array only": (lambda x, w, t, y: (x[None], w, t, y), "'x' has shape (1, 8)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_named(name: str) -> None:
    given, message = WRONG[name]
    arrays = [np.zeros(8, np.uint8), np.zeros((4, 8), np.uint8), np.zeros(4, np.int16), np.zeros(4, np.uint8)]
    module = CpuModule(customize(dense, M=4, K=8).program)
    with pytest.raises(UsageError) as caught:
        module(*given(*arrays))
    assert message in str(caught.value)
    assert caught.value.remedy


def test_an_output_that_cannot_be_written_is_refused() -> None:
    module = CpuModule(customize(copy, N=6).program)
    y = np.zeros(6, np.uint8)
    with pytest.raises(UsageError, match="'x' and 'y' share memory"):
        module(y, y)
    y.flags.writeable = False
    with pytest.raises(UsageError, match="'y' is written, but the array is read-only"):
        module(np.zeros(6, np.uint8), y)
