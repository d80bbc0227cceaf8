"""pack: bits in words of any size, wherever an array goes, and popcounts in place of loops over bits."""

from __future__ import annotations

import numpy as np
import pytest
from tests.schedule.kernels_used import chain, dense
from tests.schedule.ladder import check_llvm, check_python, inputs
from tests.strategies import KernelCase

from bitfold.ir.nodes import For, walk
from bitfold.lang import bit, typed, uint8, xnor
from bitfold.schedule import Schedule, customize


def check(case: KernelCase, s: Schedule) -> None:
    for seed in range(3):
        args = inputs(case.program, seed)
        check_python(s.program, args, case.run(args))
    check_llvm(s.program, (0, 1))


def kernel(body: str, params: str = "x: bit[10], w: bit[3, 10], y: bit[10], a: uint8[3]") -> KernelCase:
    lines = [f"    {line}\n" for line in body.strip("\n").splitlines()]
    return KernelCase(f"from bitfold.lang import *\n\ndef kernel({params}):\n{''.join(lines)}", {})


@pytest.mark.parametrize("lanes", [1, 2, 3, 8, 10, 16, 64, 65, 200])
def test_reads_and_writes_of_any_word_size(lanes: int) -> None:
    case = kernel("""
for i in range(3):
    for j in range(10):
        y[9 - j] = x[j] ^ w[i, (j + i) % 10]
        w[2 - i, j] = y[j]
t = full(bit[10], 1)
t[4] = x[0]
for j in range(10):
    x[j] = t[j]
""")
    s = customize(case.function)
    for array in s.get_arrays():
        if array != "a":
            s.pack(array, lanes)
    check(case, s)


def test_an_index_that_reads_the_packed_array() -> None:
    case = kernel("""
for j in range(10):
    y[y[j] + x[y[0] * 3]] = x[x[j]]
""")
    s = customize(case.function)
    s.pack("x", 4)
    s.pack("y", 3)
    check(case, s)


def loops(s: Schedule) -> list[str]:
    return [stmt.var for stmt in walk(s.function.body) if isinstance(stmt, For)]


@pytest.mark.parametrize(("K", "lanes"), [(8, 8), (12, 4), (64, 64), (130, 65)])
def test_a_loop_over_the_bits_of_a_word_becomes_a_popcount(K: int, lanes: int) -> None:
    s = customize(dense, M=3, K=K)
    s.split("k", lanes)
    s.pack("x", lanes)
    s.pack("w", lanes)
    assert loops(s) == ["m", "k_o"]
    word = "k_o" if K > lanes else "0"
    assert f"acc += popcount(xnor(w[m, {word}], x[{word}], {lanes}))" in str(s)
    check_llvm(s.program, (0, 1, 2))


def test_the_bits_that_are_left_over_become_a_popcount_as_well() -> None:
    s = customize(dense, M=3, K=100)
    s.split("k", 64, cut=True)
    s.pack("x", 64)
    s.pack("w", 64)
    assert loops(s) == ["m", "k_o"]
    assert "acc += popcount(xnor(w[m, 1], x[1], 36))" in str(s)
    check_llvm(s.program, (0, 1, 2))


NOT_A_POPCOUNT = {
    "nothing is accumulated": "a[0] = 5 + xnor(w[1, k], x[k])",
    "the sum of something else": "a[0] = a[1] + xnor(w[1, k], x[k])",
    "a difference": "a[0] -= xnor(w[1, k], x[k])",
    "a place that moves": "a[k % 3] += xnor(w[1, k], x[k])",
    "bits that are not side by side": "a[0] += xnor(w[1, 7 - k], x[k])",
    "a word chosen by the accumulator": "a[0] += xnor(w[a[0] % 3, k], x[k])",
    "a place chosen by itself": "a[a[0] % 3] += xnor(w[1, k], x[k])",
    "words with a sign": "a[0] += xnor(get_bit(int8(a[1]), k), get_bit(int8(a[2]), k))",
    "fewer bits than iterations": "a[0] += xnor(get_bit(UInt(4)(a[1]), k), get_bit(UInt(4)(a[2]), k))",
}


@pytest.mark.parametrize("name", NOT_A_POPCOUNT)
def test_other_loops_stay(name: str) -> None:
    case = kernel(f"for k in range(8):\n    {NOT_A_POPCOUNT[name]}", "x: bit[8], w: bit[3, 8], a: uint8[3]")
    s = customize(case.function)
    s.pack("x", 8)
    s.pack("w", 8)
    assert loops(s) == ["k"]
    check(case, s)


@pytest.mark.parametrize(
    "body", ["y[0, c] = x[y[0, 3], c]", "y[x[1, 2], c] = x[0, c]\n    x[1, c] = y[0, c]"]
)
def test_a_loop_whose_rows_are_chosen_by_what_it_writes_stays(body: str) -> None:
    case = kernel(f"for c in range(8):\n    {body}", "x: bit[2, 8], y: bit[2, 8]")
    s = customize(case.function)
    s.pack("x", 8)
    s.pack("y", 8)
    assert loops(s) == ["c"]
    check(case, s)


def test_the_sum_may_be_written_either_way() -> None:
    case = kernel(
        "for k in range(8):\n    a[2] = xnor(w[1, k], x[k]) + a[2]", "x: bit[8], w: bit[3, 8], a: uint8[3]"
    )
    s = customize(case.function)
    s.pack("x", 8)
    s.pack("w", 8)
    assert loops(s) == []
    check(case, s)


def test_packing_follows_an_array_through_calls() -> None:
    s = customize(chain)
    s.pack("h", 3)
    text = str(s)
    assert "h = empty(UInt(3)[3] @ packed(8))" in text
    assert "def copy_0(x: bit[8], y: UInt(3)[3] @ packed(8)):" in text
    assert "def copy_1(x: UInt(3)[3] @ packed(8), y: bit[8]):" in text
    check_llvm(s.program, (0, 1))
    again = s.program
    s.at("copy_1").pack("x", 3)  # the same memory, packed already
    assert s.program == again


ROWS = typed((np.arange(20).reshape(2, 10) % 3 % 2).astype(np.uint8), bit)


def agreements(x: bit[10], rows: bit[2, 10], y: uint8[2]):
    for m in range(2):
        for k in range(10):
            y[m] += xnor(rows[m, k], x[k])


def with_constants(x: bit[10], y: uint8[2]):
    agreements(x, ROWS, y)


def test_constants_are_packed_as_well() -> None:
    s = customize(with_constants)
    s.pack("x", 10)
    s.at("agreements").pack("rows", 10)
    assert loops(s.at("agreements")) == ["m"]
    check_llvm(s.program, (0, 1))


def test_a_buffer_of_a_stream_can_be_packed() -> None:
    case = kernel(
        "for i in range(3):\n    for j in range(4):\n        a[i] += x[j]", "x: bit[4], a: uint8[3]"
    )
    s = customize(case.function)
    s.stream("x")
    s.pack("x_buffer", 4)
    assert "x_buffer[0] = set_bit(x_buffer[0], j, x_word)" in str(s)
    check(case, s)


def test_bits_with_a_sign() -> None:
    case = kernel(
        "for i in range(10):\n    y[i] = x[i]\n    w[i] = x[i]\nfor k in range(10):\n    x[k] = w[k] & y[k]",
        "x: Int(1)[10], w: bit[10], y: Int(1)[10]",
    )
    s = customize(case.function)
    for array in "xwy":
        s.pack(array, 4)
    check(case, s)
