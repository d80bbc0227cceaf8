"""What the front end makes of a kernel: its meaning is that of the plain Python function."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.frontend.refusals import HEAD, in_kernel
from tests.strategies import KernelCase, assert_same, kernels, load

from bitfold.frontend import parse
from bitfold.ir.nodes import Alloc, Declare, For, Function, If, Rom, Store, walk
from bitfold.ir.run import as_python, run_python
from bitfold.ir.verify import verify


@given(kernels(), st.integers(0, 99))
def test_a_program_gives_what_the_function_gives(case: KernelCase, seed: int):
    args = case.make_inputs(seed)
    expected = case.run(args)
    run_python(case.program, *args)
    assert_same(args, expected)


def check(source: str, seeds: int = 3) -> Function:
    """The top kernel of a source file, after comparing its program with the plain function."""
    case = KernelCase(source, {})
    verify(case.program)
    assert parse(as_python(case.program)) == case.program
    for seed in range(seeds):
        args = case.make_inputs(seed)
        expected = case.run(args)
        run_python(case.program, *args)
        assert_same(args, expected)
    return case.program.top


def check_body(body: str) -> Function:
    return check(in_kernel(body))


ACCEPTED = {
    "docstrings, pass and dots": '"""What it does."""\npass\n...\nx[0] = 1',
    "statements over several lines": "x[0] = (x[1]\n        + x[2]\n       )\ny[\n    0, 1\n] = 3",
    "indices from the end": "x[-1] = 3\ny[-1, -2] = x[-4]",
    "truth values": "x[0] = True\nz[0] = not False\nz[1] = bool(x[1])\ny[0, 0] = int(x[2])",
    "unary plus": "x[0] = +x[1]",
    "chained comparison": "z[0] = 0 < x[0] <= x[1] < 200",
    "and, or of integers": "x[0] = x[1] and x[2] or x[3]\nif x[0] and not (x[1] or y[0, 0]):\n    z[0] = 1",
    "a negated comparison": "x[0] = ~int(x[1] < x[2])",
    "an index that compares": "x[x[1] < x[2]] = 3\nx[2] = y[x[1] > 3, x[2] == 1]",
    "sibling scalars of one name": (
        "if x[0]:\n    t: uint8 = 1\n    x[0] = t\nelse:\n    t: Int(3) = -1\n    y[0, 0] = t"
    ),
    "a scalar named as a finished loop": "for i in range(4):\n    x[i] = i\ni: uint8 = 3\nx[0] = i",
    "loops of one name": "for i in range(4):\n    x[i] += 1\nfor i in range(2):\n    y[i, 0] -= x[i]",
    "declared again in its block": "t: uint8 = 1\nx[0] = t\nt: uint8 = 2\nx[1] = t",
    "a type by its first value": "t = x[0]\nt = x[1]\nt = 3\nx[2] = t",
    "a loop that never runs": "for i in range(9, 9):\n    x[i] = 1\nfor i in range(3, 1):\n    x[99] = 1",
    "bounds by data": "for i in range(x[0] % 3, x[1] % 5):\n    x[i] += 1",
    "bounds by an outer loop": "for i in range(4):\n    for j in range(i):\n        x[j] += x[i]",
    "a step": "for i in range(1, 8, 3):\n    z[i] = 1",
    "a grid": "for i, j in grid(4, 2):\n    y[i, j] = i - j\nfor k, in grid(4):\n    x[k] = k",
    "directives": "for i in pipeline(range(4)):\n    for j in unroll(range(2)):\n        y[i, j] += j",
    "more directives": "for i in parallel(range(4)):\n    for j in pipeline(range(2), 2, rewind=True):\n"
    "        y[i, j] += j",
    "a pipelined grid": "for i, j in pipeline(grid(4, 2), ii=2):\n    y[i, j] += 1",
    "shapes": "M, N = y.shape\nL = len(x)\nfor i in range(M * N // 2):\n    x[i] = L + y.shape[1] + x.ndim",
    "compile-time names": "half = len(z) // 2\nt = zeros(uint8[half])\nt[half - 1] = 3\nx[0] = t[3] + half",
    "compile-time branches": (
        "if len(z) == 8:\n    x[0] = 1\nelif y[0, 0] > 0:\n    x[99] = 1\nelse:\n    x.fill(0)"
    ),
    "a local array in a loop": (
        "for i in range(4):\n    t = full(Int(5)[2], -1)\n    t[0] += x[i]\n    y[i, 0] = t[0] + t[1]"
    ),
    "a declared local array": "t: uint8[2] = zeros(uint8[2])\nx[0] = t[1]",
    "keyword arguments": "x[0] = xnor(x[1], b=x[2], lanes=8) + set_bit(word=x[0], position=1, value=1)",
    "set_bit beyond the word": "y[0, 0] = set_bit(x[0], 9, 1)\nx[0] = set_bit(3, 5, 1)",
    "set_bit of the sign": "y[1, 0] = set_bit(y[0, 1], 15, x[1]) // 2",
    "Python's own division": "y[0, 0] = y[0, 0] // -3 + y[0, 1] % -7 + y[1, 0] // 5 + (y[2, 0] >> 3)",
    "unicode names": "größe: uint8 = x[0]\nfor ñ in range(4):\n    x[ñ] = größe",
    "C++ keywords": "int_: uint8 = x[0]\nauto: uint8 = x[1]\nx[2] = auto + int_",
    "a scalar that stays in its type": "t: uint8 = 255\nt = uint8(t + x[0])\nx[1] = t",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_it_means_what_python_means(name: str):
    check_body(ACCEPTED[name])


RESERVED = [
    *("range", "min", "max", "abs", "int", "bit", "uint8", "rom", "grid", "empty", "zeros", "full", "UInt"),
    *("popcount", "xnor", "set_bit", "unroll", "pipeline", "constant", "stream", "cyclic"),
]


@pytest.mark.parametrize("name", RESERVED)
def test_a_name_of_the_language_can_be_a_scalar(name: str):
    check_body(f"{name}: Int(9) = x[0]\nx[1] = {name} + 1")


@pytest.mark.parametrize("name", RESERVED)
def test_a_name_of_the_language_can_be_an_array(name: str):
    check(f"{HEAD}def kernel(a: Int(9)[4], {name}: Int(9)[4]):\n    a[1] = {name}[0]\n")


@pytest.mark.parametrize("name", sorted({*RESERVED} - {"range"}))
def test_a_name_of_the_language_can_be_a_loop(name: str):
    check(f"{HEAD}def kernel(a: Int(9)[4]):\n    for {name} in range(4):\n        a[{name}] = {name}\n")


@pytest.mark.parametrize("name", RESERVED)
def test_a_name_of_the_language_can_be_a_kernel(name: str):
    helper = f"def {name}(a: Int(9)[4]):\n    a[1] += 1\n"
    check(f"{HEAD}{helper}\ndef kernel(a: Int(9)[4]):\n    {name}(a)\n")
    check(f"{HEAD}{helper}\nkernel = {name}\n")


def test_kernels_arrays_and_constants_of_one_name_stay_apart():
    source = f"""{HEAD}
W = np.array([3, 1, 2], np.int8)

def a(W: int8["N"], b: int8["N"]):
    N, = W.shape
    for i in range(N):
        b[i] = W[i] + 1

def xnor(a: int8[3]):
    a[0] = W[2]

def kernel(b: int8[3], helper_0: int8[3]):
    W_rom: uint8 = 3
    a(W, b)
    a(b, helper_0)
    xnor(b)
    b[1] += W_rom + int(W[0])
"""
    program = KernelCase(source, {}).program
    check(source)
    assert [f.name for f in program.functions] == ["a_0", "a_1", "xnor_0", "kernel"]
    assert [f.kernel for f in program.functions] == ["a", "a", "xnor", "kernel"]


def test_a_kernel_of_the_same_name_as_its_callee():
    first = load(f"{HEAD}def kernel(a: bit[4]):\n    a[0] = 1\n")["kernel"]
    source = f"{HEAD}def kernel(x: bit[4]):\n    other(x)\n    other(x)\n"
    second = load(source)["kernel"]
    second.__globals__["other"] = first
    program = parse(second)
    assert [f.name for f in program.functions] == ["kernel_0", "kernel_1", "kernel"]
    assert parse(as_python(program)) == program


def test_captured_values_are_what_python_sees():
    top = check(
        f"""{HEAD}
A = np.array([[1, 2], [3, 4]], np.uint8)
B = np.array([True, False])
C = typed(np.array([-3, 3], np.int8), Int(3))
D = typed(np.array([1 << 69, -5], object), Int(71))
N, T, F = np.int64(3), np.True_, (4, 5)

def kernel(x: int32[8], y: Int(80)[2]):
    for i, j in grid(2, 2):
        x[i] += int(A[i, j]) + N * F[1]
    for i in range(2):
        x[2 + i] = int(B[i]) + C[i] + T
        y[i] = D[i] * 3
"""
    )
    roms = {s.name: s.type for s in top.body if isinstance(s, Rom)}
    assert {n: str(t) for n, t in roms.items()} == {
        "A": "uint8[2, 2]",
        "B": "bit[2]",
        "C": "Int(3)[2]",
        "D": "Int(71)[2]",
    }


def test_a_constant_is_a_copy():
    namespace = load(f"{HEAD}W = np.array([1, 2])\n\ndef kernel(x: uint8[4]):\n    x[0] = W[0]\n")
    program = parse(namespace["kernel"])
    namespace["W"][0] = 9
    (values,) = program.constants.values()
    assert values.tolist() == [1, 2]
    assert not values.flags.writeable


def test_equal_constants_are_one():
    source = f"""{HEAD}
W = np.array([1, 2], np.uint8)

def helper(a: uint8["N"], x: uint8[4]):
    x[0] += a[1]

def kernel(x: uint8[4]):
    helper(W, x)
    helper(W, x)
"""
    check(source)
    assert len(KernelCase(source, {}).program.constants) == 1


def test_a_constant_takes_the_type_of_the_parameter():
    source = f"""{HEAD}
W = np.array([1, 0, 1, 1])

def helper(w: bit["N"], x: uint8[4]):
    x[0] = popcount(w[2])

def kernel(x: uint8[4]):
    helper(W, x)
"""
    program = KernelCase(source, {}).program
    (rom,) = (s for s in program.functions[0].body if isinstance(s, Rom))
    assert str(rom.type) == "bit[4]"
    assert program.constants[rom.source].dtype == np.uint8


def test_only_the_shape_of_a_captured_array_leaves_no_rom():
    source = f"{HEAD}W = np.zeros((3, 5))\n\ndef kernel(x: uint8[4]):\n    x[0] = W.shape[1] + len(W)\n"
    top = KernelCase(source, {}).program.top
    assert [type(s) for s in top.body] == [Store]


def test_dimensions_come_from_customize_and_from_arguments():
    source = f"""{HEAD}
def dense(x: bit["K"], w: bit["M", "K"], y: uint8["M"]):
    M, K = w.shape
    for m in range(M):
        y[m] = 0
        for k in range(K):
            y[m] += xnor(x[k], w[m, k])

def kernel(x: bit["K"], w: bit[3, "K"], y: uint8[3]):
    dense(x, w, y)
"""
    case = KernelCase(source, {"K": 5})
    dense, top = case.program.functions
    assert [str(p.type) for p in dense.params] == ["bit[5]", "bit[3, 5]", "uint8[3]"]
    assert [str(p.type) for p in top.params] == ["bit[5]", "bit[3, 5]", "uint8[3]"]
    assert parse(as_python(case.program)) == case.program


@pytest.mark.parametrize(
    "annotations",
    ['x: bit["N"], y: bit[4]', 'x: "bit[\'N\']", y: "bit[4]"', "x: T, y: bit[2 * 2]"],
)
@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_annotations_may_be_quoted_and_late(annotations: str, future: str):
    source = f'{future}{HEAD}T = bit["N"]\n\ndef kernel({annotations}) -> None:\n    x[0] = y[1]\n'
    top = KernelCase(source, {"N": 7}).program.top
    assert [str(p.type) for p in top.params] == ["bit[7]", "bit[4]"]


def test_kernels_may_be_closures():
    source = f"""{HEAD}
def make(weights, scale):
    def kernel(x: int8[2]):
        x[0] = weights[1] * scale
    return kernel

kernel = make(np.array([1, 2], np.int8), 3)
"""
    check(source)


def test_every_statement_knows_where_it_came_from():
    body = "t: uint8 = 1\nfor i in range(4):\n    if x[i] > 1:\n        x[i] = t\nu = zeros(bit[2])"
    case = KernelCase(in_kernel(body), {})
    lines = {type(s).__name__: s.span.line for s in walk(case.program.top.body)}
    assert lines == {"Declare": 6, "For": 7, "If": 8, "Store": 9, "Alloc": 10}
    assert all(isinstance(s, (Declare, For, If, Store, Alloc)) for s in walk(case.program.top.body))
    assert {s.span.file for s in walk(case.program.top.body)} == {case.function.__code__.co_filename}


def test_columns_count_characters():
    kernel = load(in_kernel("größe: uint8 = 1; x[0] = größe // 0"))["kernel"]
    with pytest.raises(Exception, match="division by zero") as caught:
        parse(kernel)
    line, carets = str(caught.value).splitlines()[1:3]
    assert line[carets.index("^")] == "0"


def test_a_decorator_that_returns_the_function_does_no_harm():
    check(f"{HEAD}def same(f):\n    return f\n\n@same\n@same\ndef kernel(x: bit[4]):\n    x[0] = 1\n")


def test_a_branch_that_sizes_rule_out_leaves_nothing():
    top = KernelCase(in_kernel("if len(x) > 4:\n    x[4] = 1"), {}).program.top
    assert top.body == ()
