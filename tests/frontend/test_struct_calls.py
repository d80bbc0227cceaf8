"""Structs that are passed to kernels and returned by them, one by one and in arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.frontend.refusals import check_refused
from tests.strategies import KernelCase, assert_same, load, random_inputs

from bitfold import customize
from bitfold.build.llvm.jit import CpuModule
from bitfold.diagnostics import UsageError
from bitfold.frontend import parse
from bitfold.ir.run import as_python, run_python
from bitfold.lang import Struct, int8, int16, typed

HEAD = """\
from typing import TypeVar

import numpy as np

from bitfold.lang import *

Complex = Struct(re=int16, im=int16)
Mixed = Struct(flag=bool, gain=Fixed(12, 4), wide=UInt(70), f=float32)
I = Complex(re=0, im=1)
Word = TypeVar("Word", int16, Complex)


def mul(a: Complex, b: Complex) -> Complex:
    return Complex(re=a.re * b.re - a.im * b.im, im=a.re * b.im + a.im * b.re)


def scaled(p: Complex, k: int16) -> Complex:
    if k < 0:
        k = -k
        p = Complex(re=p.im, im=p.re)
    return Complex(re=p.re * k, im=p.im * k)


def norm(p: Complex) -> int32:
    return p.re * p.re + p.im * p.im


def conjugates(x: Complex[4]) -> Complex[4]:
    y = empty(Complex[4])
    for i in range(4):
        y[i] = Complex(re=x[i].re, im=-x[i].im)
    return y


def both(x: Complex[4]) -> (Complex, int32):
    n: int32 = 0
    for i in range(4):
        n += mul(x[i], Complex(re=x[i].re, im=-x[i].im)).re
    return x[n % 4], n


def copied(a: "T[N]", b: "T[N]"):
    for i in range(len(a)):
        b[i] = a[i]


def first(a: "T[N]", p: "T[M]") -> "T":
    q = p[0]
    return a[0] if len(p) == 1 else q


def put(a: Complex[4], p: Complex, i: uint8):
    a[i % 4] = p


def other(p: Mixed) -> Mixed:
    return Mixed(flag=not p.flag, gain=p.gain + 0.5, wide=p.wide >> 1, f=p.f * 2)

"""
PARAMETERS = "x: Complex[4], p: Complex, y: Complex[4], m: Mixed[2], n: int32[2]"
BODIES = {
    "elements": "y[0] = mul(x[0], x[1])\ny[n[0] % 4] = mul(y[0], y[0])",
    "calls in calls": "y[1] = mul(mul(x[2], x[3]), p)\nn[0] = norm(mul(p, p)) + norm(p)",
    "variables": "q = scaled(p, 3)\nq = mul(q, q)\ny[2] = q\nr: Complex = mul(q, p)\ny[3] = r",
    "constants": "y[0] = mul(I, x[0])\ny[1] = scaled(I, -2)\ny[2] = mul(p, Complex(re=1, im=n[0]))",
    "fields of results": "y[0].re += mul(x[0], p).im\nn[1] = mul(p, p).re * scaled(p, int16(n[0])).im",
    "arrays": "t = conjugates(x)\ny[:] = t\nt = conjugates(t)\ny[0] = t[1]",
    "several results": "q, k = both(x)\nn[0] = k\ny[0] = q\ny[1], k = both(y)\nn[1] = k\n"
    "q, k = both(y)\ny[2] = q",
    "generic": "copied(x, y)\ncopied(x[1:3], y[:2])\ncopied(n, n2)\n"
    "n[:] = n2\nt = zeros(Mixed[2])\ncopied(m, t)\nm[0] = t[1]",
    "places at once": "y[0], y[1] = mul(x[0], x[1]), y[0]\n"
    "a, b = mul(p, p), mul(x[0], p)\ny[2] = a\ny[3] = b",
    "conditions": "if mul(p, x[0]).re > 3:\n    y[0] = mul(p, p)\nk: int32 = 0\n"
    "while norm(mul(p, x[k % 4])) % 5 != k:\n    k += 1\nn[0] = k",
    "choices": "y[0] = mul(p if n[0] > 0 else x[1], p)",
    "a call beside a number": "a, k = mul(x[0], p), n[1]\ny[0] = a\ny[1], n[0] = mul(p, p), k\n"
    "b, c = mul(p, p), norm(p)\ny[2] = b\nn[1] = c",
    "names of their own": "kept = p\ny[0], y[1] = y[1], y[0]\ny[2] = kept\ny[3] = x[0] = mul(kept, kept)",
    "what results are called": "mul_result_re = n[0]\nboth_result_1 = 3\nq, k = both(x)\ny[0] = q\n"
    "n[0] = mul_result_re + both_result_1 + k",
    "a type's name for one struct": "one = zeros(Complex[1])\none[0] = p\ny[0] = first(x, one)\n"
    "q = first(x, y)\ny[1] = q\nn[0] = first(x, one).re",
    "filled arrays": (
        "t = full(Complex[4], Complex(re=n[0], im=-1))\ny[:] = t\nu = full(Complex[2], p)\ny[:2] = u"
    ),
    "written arrays": "put(y, p, 3)\nput(y, mul(x[0], p), n[0] & 3)",
    "other fields": "m[0] = other(m[1])\nq = other(other(m[0]))\nm[1] = q",
    "loops written out": "for i in static(range(3)):\n    y[i] = mul(x[i], y[i + 1])\n"
    "for i in range(4):\n    y[i] = mul(y[i], p)",
    "kernels inside": "def twice(q: Complex) -> Complex:\n    return mul(mul(q, q), I)\ny[0] = twice(x[0])",
}


def case(body: str, result: str = "") -> KernelCase:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return KernelCase(f"{HEAD}\ndef kernel({PARAMETERS}){result}:\n{lines}", {})


def check(tested: KernelCase) -> None:
    program = tested.program
    assert parse(as_python(program)) == program
    compiled = CpuModule(program)
    for seed in range(3):
        args = random_inputs(program, seed)
        expected = tested.run(args)
        for run in (lambda *a: run_python(program, *a), compiled):
            after = [a.copy() for a in args]
            run(*after)
            assert_same(after, expected)


@pytest.mark.parametrize("name", BODIES)
def test_it_means_what_python_means(name: str) -> None:
    body = BODIES[name]
    check(case("n2 = zeros(int32[2])\n" + body if "n2" in body else body))


def test_results_of_a_top() -> None:
    check(case("return mul(p, x[0])", " -> Complex"))
    check(case("y[0] = p\nreturn p, norm(p), x[1]", " -> (Complex, int32, Complex)"))
    check(case("t = conjugates(x)\nreturn t", " -> Complex[4]"))
    check(case("if n[0] > 0:\n    return mul(p, p)\nreturn x[n[0] % 4]", " -> Complex"))


TOP = f"""{HEAD}
def kernel(x: Complex[4], p: Complex, k: int16) -> (Complex, Complex[4], int32):
    y = empty(Complex[4])
    for i in range(4):
        y[i] = scaled(mul(x[i], p), k)
    return mul(p, p), y, norm(p)
"""


@pytest.mark.csim
def test_callers_pass_and_get_structs(tmp_path: Path) -> None:
    names = load(TOP)
    kernel, pair = names["kernel"], names["Complex"]
    x = np.array([(1, 2), (3, 4), (-5, 6), (7, 8)], pair.dtype)
    p = pair(re=3, im=-7)
    s = customize(kernel)
    modules = {
        "Python": lambda x, p, k: kernel(typed(x, pair), p, k),
        "program": lambda *args: run_python(s.program, *args),
        "LLVM": s.build(),
        "C++": s.build(target="hls", project=tmp_path / "top"),
    }
    for name, run in modules.items():
        one, several, number = run(x, p, -2)
        assert (one, number) == (pair(re=-40, im=-42), 58), name
        values = several if isinstance(several, np.ndarray) else several.values
        assert values.tolist() == [(-2, 34), (-18, 74), (106, 54), (-50, 154)], name
    compiled: Any = modules["LLVM"]
    element = np.array((3, -7), pair.dtype)[()]
    assert compiled(x, element, -2)[0] == compiled(x, p, -2)[0]
    batch = compiled(np.stack([x, x]), np.array([(3, -7), (1, 1)], pair.dtype), np.array([-2, 1], np.int16))
    assert (batch[0].tolist(), batch[2].tolist()) == ([(-40, -42), (0, 2)], [58, 2])
    assert batch[1][0].tolist() == [(-2, 34), (-18, 74), (106, 54), (-50, 154)]
    with pytest.raises(UsageError, match=r"'p' is a Struct.*, not int") as error:
        compiled(x, 3, 1)
    assert "T(re=..., im=...)" in str(error.value)
    with pytest.raises(UsageError, match=r"'p' is a Struct.*, not Record"):
        compiled(x, Struct(a=int8)(a=1), 1)
    with pytest.raises(UsageError, match="takes 3 arguments, not 2"):
        compiled(x, p)


def test_structs_of_one_field() -> None:
    names = load(
        "from bitfold.lang import *\n\nOne = Struct(a=int8)\n\n\n"
        "def kernel(p: One, x: One[2]) -> (One, One[2], int8):\n"
        "    y = zeros(One[2])\n    y[1] = p\n    return One(a=p.a + x[0].a), y, 3\n"
    )
    one, program = names["One"], customize(names["kernel"]).program
    x = np.array([(1,), (2,)], one.dtype)
    for run in (CpuModule(program), lambda *args: run_python(program, *args)):
        first, several, number = run(one(a=4), x)
        assert (first, several.tolist(), number) == (one(a=5), [(0,), (4,)], 3)


def test_fields_may_be_passed_one_by_one() -> None:
    names = load(TOP)
    program = customize(names["kernel"]).program
    re, im = np.array([1, 3, -5, 7], np.int16), np.array([2, 4, 6, 8], np.int16)
    one, several, number = CpuModule(program)(re, im, 3, -7, -2)
    assert (one, number) == (names["Complex"](re=-40, im=-42), 58)
    assert several.tolist() == [(-2, 34), (-18, 74), (106, 54), (-50, 154)]


def test_a_generic_kernel_of_structs_is_a_top() -> None:
    names = load(HEAD)
    pair = names["Complex"]
    module = customize(names["copied"], T=pair, N=2).build()
    a, b = np.array([(1, 2), (3, 4)], pair.dtype), np.zeros(2, pair.dtype)
    module(a, b)
    assert b.tolist() == a.tolist()


def test_structs_are_equal_by_their_values() -> None:
    pair, other = Struct(re=int16, im=int16), Struct(re=int8, im=int8)
    assert pair(re=1, im=2) == pair(re=1, im=2) != pair(re=1, im=3)
    assert pair(re=1, im=2) != other(re=1, im=2)
    assert len({pair(re=1, im=2), pair(re=1, im=2)}) == 1


REFUSED = {
    "a number for a struct": ("y[0] = mul(«n[0]», p)", "but this is a number", "T(re=..., im=...)"),
    "another struct": ("y[0] = mul(«m[0]», p)", "this is a struct with the fields flag"),
    "an array for a struct": (
        "y[0] = mul(«x», p)",
        "mul takes Struct(re=int16, im=int16)",
        "an array of structs",
    ),
    "a struct for a number": (
        "y[0] = scaled(p, «p»)",
        "scaled takes one int16 for 'k'",
        "pass a field of it",
    ),
    "a struct in an expression": ("n[0] = «mul(p, p)» + 1", "'mul' returns a struct", "one number"),
    "a call that may not run": ("n[0] = «mul(p, p)».re if n[1] > 0 else 1", "where it may not run"),
    "a call in a choice": ("y[0] = «mul(p, p)» if n[1] > 0 else x[0]", "where it may not run"),
    "an argument that no one takes": ("y[0] = «mul(p)»", "takes 2 arguments"),
    "two names for one struct": ("«a, b» = mul(p, p)", "2 names but 1 results"),
    "an array of them for one": ("y[0] = «conjugates(x)»", "no struct"),
    "a field of a parameter": ("«p.re» = 3", "whose fields do not change one by one"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str) -> None:
    body, *words = REFUSED[name]
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    check_refused(f"{HEAD}\ndef kernel({PARAMETERS}):\n{lines}", *words)


RETURNED = {
    "a number": ("Complex", "return «n[0]»", "'n[0]' is no struct"),
    "another struct": ("Complex", "return «m[0]»", "is a Struct(flag"),
    "an array for one": ("Complex", "return «x»", "take one of them: x[i]"),
    "one for an array": ("Complex[4]", "return «p»", "none it made"),
    "a parameter": ("Complex[4]", "return «y»", "Python would return the very array"),
    "too few": ("(Complex, int32)", "return «p»", "declares 2 results, but this returns 1"),
}


@pytest.mark.parametrize("name", RETURNED)
def test_a_result_is_refused(name: str) -> None:
    result, body, *words = RETURNED[name]
    check_refused(f"{HEAD}\ndef kernel({PARAMETERS}) -> {result}:\n    {body}\n", *words)


def test_types_that_a_name_may_not_stand_for() -> None:
    head = f'{HEAD}\ndef either(a: "Word[N]", b: "Word[N]"):\n    b[0] = a[0]\n'
    check_refused(
        f"{head}\ndef kernel(m: Mixed[2]):\n    either(«m», m)\n",
        "Word is one of int16, Struct(re",
        "not Struct(flag",
    )
    check_refused(
        f"{head}\ndef kernel(x: Complex[2], n: int16[2]):\n    either(x, «n»)\n",
        "either takes an array of Struct",
    )
    with pytest.raises(UsageError, match="Word is one of"):
        customize(load(head)["either"], Word=load(HEAD)["Mixed"], N=2)
    customize(load(head)["either"], Word=int16, N=2)
