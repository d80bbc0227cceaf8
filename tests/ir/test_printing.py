"""A program prints as Python that parses to the same program, runs by itself, and keeps its constants."""

from __future__ import annotations

import linecache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.frontend.refusals import HEAD, in_kernel
from tests.strategies import KernelCase, assert_same, int_types, kernels, load, random_array

from bitfold.frontend import parse
from bitfold.ir.nodes import Function, Program
from bitfold.ir.printer import function_text, module_text, program_text
from bitfold.ir.run import as_python
from bitfold.ir.verify import verify
from bitfold.lang import Int, IntType, UInt, constant, typed
from bitfold.lang.array import encode_constant


@given(kernels(max_width=200))
def test_a_printed_program_parses_to_itself(case: KernelCase):
    verify(case.program)
    assert parse(as_python(case.program)) == case.program


@given(kernels(), st.integers(0, 99))
def test_a_printed_module_runs_by_itself(case: KernelCase, seed: int):
    args = case.make_inputs(seed)
    expected = case.run(args)
    namespace = load(module_text(case.program))
    top = namespace[case.program.top.name]
    params = case.program.arguments  # of fixed point, a printed module has the integers
    raw = [p.encoded(a) for a, p in zip(args, params, strict=True)]
    with np.errstate(all="ignore"):
        top(*(typed(a, p.type.elem) for a, p in zip(raw, params, strict=True)))
    assert_same(raw, [p.encoded(a) for a, p in zip(expected, params, strict=True)])
    assert parse(top) == case.program


@given(kernels())
def test_printing_is_deterministic(case: KernelCase):
    assert program_text(parse(case.function, **case.dims)) == program_text(case.program)


def printed(body: str) -> str:
    """The body of a kernel, parsed and printed."""
    return "\n".join(line[4:] for line in function_text(program(body).top).splitlines()[1:])


def program(body: str) -> Program:
    return KernelCase(in_kernel(body), {}).program


@pytest.mark.parametrize(
    "line",
    [
        "x[0] = (x[1] + x[2]) * x[3]",
        "x[0] = x[1] - (x[2] - x[3])",
        "x[0] = -(x[1] + 2)",
        "x[0] = ~-x[1]",
        "x[0] = (x[1] << 2) + 1",
        "x[0] = x[1] & x[2] | x[3] ^ x[0]",
        "x[0] = (x[1] if x[2] > 3 else x[3]) + 1",
        "x[0] = x[1] if x[2] > 3 else x[3] if x[2] > 2 else 0",
        "z[0] = (x[1] > 3) == (x[2] > 3)",
        "z[0] = x[1] > 3 and (x[2] > 3 or x[3] > 3)",
        "z[0] = not (x[1] > 3 and x[2] > 3)",
        "z[0] = x[1] > 3 and (x[2] > 3 and x[3] > 3)",
        "z[0] = (not x[1] > 3) == (x[2] > 3)",
        "x[0] = x[1] // -3 % 5",
        "x[0] = x[1] * -3",
        "x[0] += x[1] - x[2]",
        "x[0] = x[1] - x[0]",
        "x[0] = xnor(x[1], x[2], 8) + xnor(z[0], z[1])",
        "x[0] = max(x[1], x[2], 7) + min(x[0], 3)",
        "x[0] = uint4(x[1] + UInt(5)(x[2]))",
        "x[int(x[1] > 3)] = ~int(x[1] > x[2])",
        "t: Int(7) = -5",
        "t = full(Int(7)[3], -5)",
        "t = zeros(bit[3] @ cyclic(dim=1, factor=3))",
        "for i in pipeline(range(4), ii=2):\n    x[i] = 0",
        "for i in unroll(range(1, 4, 2)):\n    x[i] = 0",
        "for i, j in pipeline(grid(4, 2), ii=1):\n    y[i, j] = 0",
        "if x[0] > 3:\n    x[0] = 1\nelse:\n    x[0] = 2",
    ],
)
def test_it_prints_as_it_is_written(line: str):
    assert printed(line) == line


@pytest.mark.parametrize(
    ("written", "simpler"),
    [
        ("x[0] = 1 + 2 * 3", "x[0] = 7"),
        ("x[0] = x[1] * 1 + 0", "x[0] = x[1]"),
        ("x[0] = x[1] * 0", "x[0] = 0"),
        ("x[0] = x[1] % 1", "x[0] = 0"),
        ("x[0] = x[1] % 256", "x[0] = x[1]"),
        ("x[0] = x[1] // 256", "x[0] = 0"),
        ("x[-1] = True", "x[3] = 1"),
        ("z[0] = x[1] >= 0", "z[0] = 1"),
        ("z[0] = x[1] < 256", "z[0] = 1"),
        ("x[0] = 3 if x[1] > 255 else x[2]", "x[0] = x[2]"),
        ("x[0] = popcount(7) + max(1, 2) + get_bit(5, 2)", "x[0] = 6"),
        ("x[0] = int(x[1])", "x[0] = x[1]"),
        ("x[0] = x[1] and x[2]", "x[0] = x[2] if x[1] != 0 else x[1]"),
        ("if x[1]:\n    x[0] = 1", "if x[1] != 0:\n    x[0] = 1"),
        ("if x[1] > 3:\n    pass", "if x[1] > 3:\n    pass"),
        ("for i in range(0, 4, 1):\n    x[i] = (4 * i + 3) // 4", "for i in range(4):\n    x[i] = i"),
        ("for i in range(4):\n    x[i] = (8 * i + 3) % 4", "for i in range(4):\n    x[i] = 3"),
    ],
)
def test_it_prints_simplified(written: str, simpler: str):
    assert printed(written) == simpler


def test_a_long_head_is_broken():
    case = KernelCase(
        f"{HEAD}def kernel(a_long_name: uint8[100, 100], another_name: uint8[100, 100], "
        "a_third_one_at_last: int8[3]):\n    pass\n",
        {},
    )
    assert function_text(case.program.top) == (
        "def kernel(\n    a_long_name: uint8[100, 100],\n    another_name: uint8[100, 100],\n"
        "    a_third_one_at_last: int8[3],\n):\n    pass\n"
    )


def test_an_empty_kernel_prints():
    assert function_text(Function("kernel", (), ())) == "def kernel():\n    pass\n"


def test_errors_and_tracebacks_show_the_printed_line():
    function = as_python(program("x[0] = 1"))
    file = function.__code__.co_filename
    assert file.startswith("<bitfold kernel ")
    assert linecache.getline(file, function.__code__.co_firstlineno).startswith("def kernel(")


@given(int_types(200), st.integers(0, 99))
def test_a_constant_survives_as_text(elem: IntType, seed: int):
    values = random_array(elem, (3, 5), seed)
    text = encode_constant(values, elem)
    again = constant(elem[3, 5], f"\n{text[:7]}\n  {text[7:]}\n")
    assert again.dtype == elem.storage
    assert np.array_equal(again, values)


@pytest.mark.parametrize("elem", [UInt(1), Int(7), UInt(64), Int(65), UInt(4096)])
def test_a_constant_of_one_type_always_gives_the_same_text(elem: Any):
    values = random_array(elem, (4,), 1)
    assert encode_constant(values, elem) == encode_constant(values.copy(), elem)
