"""Running a program as plain Python: what it accepts, and that a schedule's layouts do not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.frontend.refusals import HEAD
from tests.strategies import KernelCase, load

from bitfold.diagnostics import UsageError
from bitfold.frontend import parse
from bitfold.ir.nodes import Program
from bitfold.ir.run import check_arguments, from_storage, run_python, to_storage
from bitfold.lang import UInt, bit, int8, packed, uint8, uint64


def program(parameters: str, body: str) -> Program:
    return KernelCase(f"{HEAD}def kernel({parameters}):\n    {body}\n", {}).program


COPY = program("x: UInt(5)[3], y: Int(70)[3], z: bit[3]", "y[0] = x[0] + z[0]")
GOOD: dict[str, Any] = {
    "x": np.array([1, 2, 31], np.uint8),
    "y": np.array([0, 0, 0], object),
    "z": np.array([1, 0, 1], np.uint8),
}
READ_ONLY = np.array([0, 0, 0], object)
READ_ONLY.flags.writeable = False


def test_results_are_written_in_place_and_inputs_stay():
    args = {name: a.copy() for name, a in GOOD.items()}
    run_python(COPY, *args.values())
    assert args["y"].tolist() == [2, 0, 0]
    assert args["x"].tolist() == [1, 2, 31]


def test_bools_are_bits():
    args = {**GOOD, "y": GOOD["y"].copy(), "z": np.array([True, False, True])}
    run_python(COPY, *args.values())
    assert args["y"].tolist() == [2, 0, 0]


def test_a_read_only_input_is_accepted():
    values = GOOD["x"].copy()
    values.flags.writeable = False
    run_python(COPY, values, GOOD["y"].copy(), GOOD["z"])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"x": [1, 2, 3]}, ["'x' must be a NumPy array, not list", "np.asarray(x, dtype=np.uint8)"]),
        ({"y": None}, ["'y' must be a NumPy array, not NoneType", "dtype=object"]),
        ({"x": np.zeros(4, np.uint8)}, ["'x' has shape (4,)", "UInt(5)[3] needs (3,)"]),
        ({"x": np.zeros((1, 3), np.uint8)}, ["'x' has shape (1, 3)"]),
        ({"x": np.zeros(3, np.int8)}, ["'x' has dtype int8", "needs uint8", "x.astype(np.uint8)"]),
        ({"x": np.zeros(3, np.float64)}, ["'x' has dtype float64"]),
        ({"x": np.zeros(3, np.bool_)}, ["'x' has dtype bool"]),
        ({"y": np.zeros(3, np.int64)}, ["'y' has dtype int64", "needs object", "y.astype(object)"]),
        ({"x": np.array([1, 2, 32], np.uint8)}, ["'x' holds values 1..32", "UInt(5) has 0..31"]),
        ({"z": np.array([1, 2, 0], np.uint8)}, ["'z' holds values 0..2", "bit has 0..1"]),
        ({"y": READ_ONLY}, ["'y' is written", "read-only"]),
        ({"y": np.array([0, 0, 0], object), "extra": 1}, ["takes 3 arrays, not 4", "pass (x, y, z)"]),
    ],
)
def test_a_wrong_argument_is_refused(changed: dict[str, Any], words: list[str]):
    with pytest.raises(UsageError) as caught:
        run_python(COPY, *{**GOOD, **changed}.values())
    for word in [*words, "help: "]:
        assert word in str(caught.value)


def test_wide_inputs_hold_integers():
    wide = program("x: Int(70)[2], y: uint8[1]", "y[0] = uint8(x[0])")
    for values, message in (
        ([1, 1.5], "no integers"),
        ([1 << 69, 0], "holds values"),
        ([True, 0], "no integers"),
    ):
        with pytest.raises(UsageError, match=message):
            run_python(wide, np.array(values, object), np.zeros(1, np.uint8))


def test_arguments_that_share_memory_are_refused_when_one_is_written():
    both = program("x: uint8[3], y: uint8[3], z: uint8[3]", "y[0] = x[0] + z[0]")
    memory = np.zeros(6, np.uint8)
    other = np.zeros(3, np.uint8)
    run_python(both, other, memory[::2], other)
    run_python(both, memory[1::2], memory[::2], other)
    with pytest.raises(UsageError, match="'x' and 'y' share memory, and one of them is written"):
        run_python(both, memory[1:4], memory[2:5], other)


def test_a_batch_has_one_size():
    args = [np.zeros((2, 3), np.uint8), np.zeros((2, 3), object), np.zeros((3, 3), np.uint8)]
    with pytest.raises(UsageError, match=r"different batch sizes: \[2, 3\]"):
        check_arguments(COPY, args, batch=True)
    with pytest.raises(UsageError, match=r"needs \(N, 3\)"):
        check_arguments(COPY, [args[0][0], args[1], args[0]], batch=True)
    assert check_arguments(COPY, [args[0], args[1], args[0].copy()], batch=True)[0] is args[0]


@given(st.integers(1, 70), st.integers(1, 130), st.integers(0, 99))
def test_packing_loses_nothing(lanes: int, length: int, seed: int):
    bits = np.random.default_rng(seed).integers(0, 2, (3, length), np.uint8)
    type = UInt(lanes)[3, -(-length // lanes)] @ packed(length)
    assert type.fault() is None
    words = to_storage(bits, type)
    assert words.shape == type.dims
    for row, packed_row in zip(bits, words, strict=True):
        whole = sum(int(b) << i for i, b in enumerate(row))
        assert sum(int(w) << (lanes * i) for i, w in enumerate(packed_row)) == whole
    assert np.array_equal(from_storage(words, type), bits)


def test_packed_and_streamed_parameters_take_logical_arrays():
    source = f"""{HEAD}
def kernel(x: uint8[2] @ packed(12), s: uint8[3] @ stream, r: uint8[3] @ stream, y: uint8[1]):
    y[0] = popcount(x[0]) + popcount(x[1])
    for i in range(3):
        v: uint8 = s.get()
        r.put(v + 1)
"""
    made = parse(load(source)["kernel"])
    x, s = np.ones(12, np.uint8), np.array([1, 2, 255], np.uint8)
    r, y = np.zeros(3, np.uint8), np.zeros(1, np.uint8)
    run_python(made, x, s, r, y)
    assert y.tolist() == [12]
    assert r.tolist() == [2, 3, 0]
    assert (str(uint64[4] @ packed(200)), str(bit[2, 3]), str(int8[4])) == (
        "uint64[4] @ packed(200)",
        "bit[2, 3]",
        "int8[4]",
    )
    assert uint8[2] != uint8[2] @ packed(12)


def test_a_program_can_be_run_many_times():
    y = GOOD["y"].copy()
    for _ in range(3):
        run_python(COPY, GOOD["x"], y, GOOD["z"])
    assert y.tolist() == [2, 0, 0]
