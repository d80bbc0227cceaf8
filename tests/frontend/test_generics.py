"""Kernels for several types and sizes, and names for types: resolved, run, and refused."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from tests.frontend.refusals import HEAD, check_refused
from tests.strategies import assert_same, load, random_array

from bitfold import customize
from bitfold.build.llvm.jit import CpuModule
from bitfold.diagnostics import LanguageError, UsageError
from bitfold.frontend import parse
from bitfold.ir.nodes import Program, Rom
from bitfold.ir.run import as_python, run_python
from bitfold.ir.verify import verify
from bitfold.lang import Int, IntType, UInt, int8, int16, specialize, typed, uint8

PEP_695 = pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax of PEP 695 is Python 3.12's")

SCALE = f"""{HEAD}
def kernel(x: "T[N]", y: "T[N]", z: "U[N]"):
    N, = x.shape
    for i in range(N):
        t: T = T(x[i] * 3)
        z[i] = t - y[i]
        y[i] = x[i] + 1
"""


def check_rungs(function: Any, program: Program, plain: Any = None) -> None:
    """The plain function, the program run as Python, and the compiled program give the same."""
    verify(program)
    assert parse(as_python(program)) == program
    args = [random_array(p.type.elem, p.type.dims, seed) for seed, p in enumerate(program.top.params)]
    expected = [a.copy() for a in args]
    (plain or function)(*(typed(a, p.type.elem) for a, p in zip(expected, program.top.params, strict=True)))
    for run in (lambda *a: run_python(program, *a), CpuModule(program)):
        after = [a.copy() for a in args]
        run(*after)
        assert_same(after, expected)


def test_a_constant_that_its_caller_reads_too_keeps_its_type():
    source = f"""{HEAD}
C = typed(np.array([1, 1 << 64], object), UInt(65))
D = typed(np.array([5, -3], np.int8), Int(5))

def add(x: "T[N]", y: int8[2]):
    N, = x.shape
    for i in range(N):
        t = x[i]
        y[i] += (t << 2) >> 1

def top(y: int8[2]):
    y[0] = C[0] + D[1]
    add(C, y)
    add(D, y)
"""
    function = load(source)["top"]
    program = parse(function)
    assert [str(s.type) for f in program.functions[:2] for s in f.body if isinstance(s, Rom)] == [
        "UInt(65)[2]",
        "Int(5)[2]",
    ]
    check_rungs(function, program)


@pytest.mark.parametrize("t", [int8, uint8, Int(5), UInt(70)], ids=str)
def test_a_kernel_for_any_type(t: IntType):
    function = load(SCALE)["kernel"]
    program = parse(function, T=t, U=int16, N=4)
    assert [str(p.type) for p in program.top.params] == [f"{t}[4]", f"{t}[4]", "int16[4]"]
    check_rungs(function, program, specialize(function, T=t))


def test_a_caller_says_what_the_types_are():
    source = f"""{SCALE}
W = typed(np.array([1, -2], np.int16), Int(12))

def weigh(x: "T[N]", w: "S[N]", y: "Int(40)[N]"):
    N, = x.shape
    for i in range(N):
        y[i] += x[i] * w[i]

def top(a: int8[4], b: int8[4], c: UInt(9)[4], d: UInt(3)[2], e: Int(40)[2]):
    scale(a, b, c)
    weigh(d, W, e)
    weigh(e, W, e2)
"""
    source = source.replace("def kernel", "def scale").replace("    weigh(e, W, e2)\n", "")
    function = load(source.replace("t: T = T(x[i] * 3)", "t: T = x.elem(x[i] * 3)"))["top"]
    program = parse(function)
    assert str(program.function("scale").params[2].type) == "UInt(9)[4]"
    check_rungs(function, program)


def test_instances_of_one_kernel_have_types_of_their_own():
    source = f"""{HEAD}
def copy(x: "T[N]", y: "T[N]"):
    N, = x.shape
    for i in range(N):
        y[i] = x[i] + 1

def top(a: int8[4], b: int8[4], c: UInt(70)[2], d: UInt(70)[2]):
    copy(a, b)
    copy(c, d)
"""
    function = load(source)["top"]
    program = parse(function)
    assert [str(f.params[0].type) for f in program.functions[:2]] == ["int8[4]", "UInt(70)[2]"]
    check_rungs(function, program)


def test_a_stream_of_any_type():
    source = f"""{HEAD}
def give(x: "T[N]", c: "Stream[T, 2]"):
    N, = x.shape
    for i in range(N):
        c.put(x[i])

def take(c: "Stream[T, 2]", y: "T[N]"):
    N, = y.shape
    for i in range(N):
        y[i] = c.get()

def top(x: int8[4], y: int8[4]):
    c = empty(Stream[int8, 2])
    give(x, c)
    take(c, y)
"""
    x, y = np.arange(4, dtype=np.int8) - 2, np.zeros(4, np.int8)
    run_python(parse(load(source)["top"]), x, y)
    assert (x == y).all()


def test_type_variables_are_names_too():
    source = f"""from __future__ import annotations
from typing import TypeVar
{HEAD}
T = TypeVar("T", int8, int16)
N = TypeVar("N")

def kernel(x: T[N], y: int8[N]):
    for i in range(x.shape[0]):
        y[i] = x[i]
"""
    function = load(source)["kernel"]
    check_rungs(function, parse(function, T=int16, N=3))
    with pytest.raises(UsageError, match="T is one of int8, int16, not uint8") as caught:
        parse(function, T=uint8, N=3)
    assert "customize(kernel, T=int8)" in str(caught.value)


def test_a_type_variable_is_a_size_without_quotes():
    source = f"""from typing import TypeVar
{HEAD}
N = TypeVar("N")

def kernel(x: int8[N]):
    x[0] = 1
"""
    function = load(source)["kernel"]
    assert parse(function, N=3).top.params[0].type.dims == (3,)


def test_customize_takes_types():
    s = customize(load(SCALE)["kernel"], T=bool, U=int8, N=4)
    s.unroll("i", 2)
    assert str(s.program.top.params[0].type) == "bit[4]"


def test_names_in_the_body_are_bound_to_run_it_as_python():
    source = f"""{HEAD}
def kernel(x: "T[N]", y: "T[N]"):
    t = empty(T[N])
    for i in range(N):
        t[i] = T(x[i] + 100)
    for i in range(N):
        y[i] = t[i]
"""
    bound = specialize(load(source)["kernel"], T=int8, N=4)
    check_rungs(bound, parse(bound))


@PEP_695
@pytest.mark.parametrize("quotes", ['"', ""])
def test_declared_type_parameters(quotes: str):
    future = "" if quotes else "from __future__ import annotations\n"
    source = f"""{future}{HEAD}
def helper[T, N](x: {quotes}T[N]{quotes}, y: {quotes}T[N]{quotes}):
    for i in range(x.shape[0]):
        t: T = x[i]
        y[i] = t

def kernel[T: (int8, int16), N: int](x: {quotes}T[N]{quotes}, y: {quotes}T[N]{quotes}):
    for i in range(x.shape[0]):
        x[i] += 1
    helper(x, y)
"""
    function = load(source)["kernel"]
    check_rungs(function, parse(function, T=int16, N=3))
    with pytest.raises(UsageError, match="T is one of int8, int16"):
        parse(function, T=uint8, N=3)


@PEP_695
def test_declared_names_can_be_used_in_the_body_of_a_specialized_kernel():
    source = f"""{HEAD}
def kernel[T, N](x: "T[N]"):
    for i in range(N):
        x[i] = T(x[i] * 2)
"""
    bound = specialize(load(source)["kernel"], T=int8, N=4)
    check_rungs(bound, parse(bound))


@PEP_695
def test_type_aliases():
    source = f"""{HEAD}
type word = UInt(12)
type words = int8[3]

def kernel(x: words, y: "word[3]", f: "bool[3]"):
    for i in range(3):
        t: word = abs(x[i])
        y[i] = t * 100
        f[i] = t > 3
"""
    function = load(source)["kernel"]
    check_rungs(function, parse(function))


def test_names_for_types_and_bool():
    source = f"""{HEAD}
word = UInt(12)
words = int8[3]

def kernel(x: words, y: word[3], f: "bool[3]"):
    for i in range(3):
        t: word = abs(x[i])
        large: bool = t > 3
        y[i] = word(t * 100)
        f[i] = large
"""
    function = load(source)["kernel"]
    program = parse(function)
    assert str(program.top.params[2].type) == "bit[3]"
    check_rungs(function, program)


GENERIC = f'{HEAD}«def kernel»(x: "T[N]", y: "T[N]"):\n    x[0] = 1\n'
USES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, ["the size of N and the type T in 'kernel'", "customize(kernel, T=int16, N=256)"]),
    "no type": ({"N": 3}, ["the type T in 'kernel' is not known", "T=int16"]),
    "a size for a type": ({"T": 3, "N": 3}, ["T is the type of elements, such as int16, not 3"]),
    "an array for a type": ({"T": int8[3], "N": 3}, ["not int8[3]"]),
    "a Python type": ({"T": int, "N": 3}, ["not <class 'int'>"]),
    "a type for a size": ({"T": int8, "N": int8}, ["must be a positive integer, not int8"]),
    "an unknown name": ({"T": int8, "N": 3, "U": int8}, ["no dimension or type named U", "known: N, T"]),
}


@pytest.mark.parametrize("name", USES)
def test_what_customize_gives_is_refused(name: str):
    given, words = USES[name]
    check_refused(GENERIC, *words, error=UsageError, **given)


CALLS = {
    "two types": ("two(a, «b»)", "two takes T[\"N\"] for 'y' (T = int8 from 'x'), but this is int16[4]"),
    "another size": ("two(a, «c»)", "(N = 4 from 'x'), but this has shape (3,)"),
    "no alternative": ("few(«b»)", "elements of int16: S is one of int8, uint8, not int16"),
    "a bound": ("bounded(«b»)", "B is declared with a bound"),
    "a constant of another type": ("two(a, «W»)", "values 300..300", "int8"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_refused(name: str):
    body, *words = CALLS[name]
    source = f"""from typing import TypeVar
{HEAD}
S = TypeVar("S", int8, uint8)
B = TypeVar("B", bound=IntType)
W = np.full(4, 300, np.int16)

def two(x: "T[N]", y: "T[N]"):
    x[0] = y[0]

def few(x: "S[4]"):
    x[0] = 1

def bounded(x: "B[4]"):
    x[0] = 1

def kernel(a: int8[4], b: int16[4], c: int8[3]):
    {body}
"""
    check_refused(source, *words, error=LanguageError)


def test_a_name_is_not_both_a_type_and_a_size():
    check_refused(
        f'{HEAD}def kernel(x: "T[N]", y: «"int8[T]"»):\n    pass\n', "a type in one annotation and for a size"
    )


def test_a_type_that_is_not_known_yet_has_no_value():
    check_refused(
        f'{HEAD}def kernel(x: "T[N]"):\n    x[0] = «N»\n', "names a dimension", "`N, = x.shape`", T=int8, N=4
    )


@PEP_695
def test_other_type_parameters_are_refused():
    source = f'{HEAD}def kernel[*T](x: "T[4]"):\n    pass\n'
    with pytest.raises(LanguageError, match="does not stand for one type or size"):
        parse(load(source)["kernel"], T=int8)
