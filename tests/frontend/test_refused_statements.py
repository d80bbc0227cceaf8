"""Every construct outside the language is refused where it stands, with what to write instead."""

from __future__ import annotations

import pytest
from tests.frontend.refusals import check_refused, in_kernel
from tests.strategies import load

from bitfold.frontend import parse

STATEMENTS = {
    "return of a value": ("return «x[0]»", "declares no result", "-> int32"),
    "try": ("«try»:\n    x[0] = 1\nexcept ValueError:\n    pass", "`try`"),
    "raise": ("«raise» ValueError", "`raise`"),
    "with": ("«with» open('f'):\n    pass", "`with`"),
    "assert": ("«assert» x[0] > 0", "`assert`"),
    "a decorated nested function": ("@«dataflow»\ndef f(a: uint8[4]):\n    a[0] = 1", "has a decorator"),
    "a nested function before what it uses": (
        "def f(a: uint8):\n    x[0] = a + q\n«f(1)»\nq: uint8 = 1",
        "'f' uses 'q', which has no value where it is called",
    ),
    "class": ("«class» C:\n    pass", "`class`"),
    "import": ("«import» math", "`import`", "top of the file"),
    "from import": ("«from» math import pi", "`from`", "top of the file"),
    "global": ("«global» q", "`global`"),
    "del": ("t: uint8 = 0\n«del» t", "`del`"),
    "match": ("«match» x[0]:\n    case 1:\n        pass", "`match`", "elif"),
    "a loop without end": ("while «True»:\n    x[0] += 1", "never ends", "break"),
    "static of a range that varies": ("for i in «static(range(x[0]))»:\n    x[0] = i", "not known before"),
    "a scalar too narrow for a loop": (
        "i: uint8 = 0\nfor «i» in range(300):\n    x[0] = i",
        "does not hold the loop's 0..299",
        "declare 'i' wider",
    ),
    "a range by step 0": ("for i in range(0, 4, «0»):\n    x[i] = 0", "other than 0"),
    "a compile-time loop of many iterations": (
        "for i in «static(range(99999999))»:\n    x[0] = 0",
        "too many",
    ),
    "a value alone": ("«x[0] + 1»", "is not used", "assign it"),
    "yield": ("«yield x[0]»", "`yield`"),
}
EXPRESSIONS = {
    "lambda": ("x[0] = «lambda: 3»", "a lambda", "with def"),
    "list comprehension": ("x[0] = «[i for i in range(3)]»", "a list comprehension", "for loop"),
    "list": ("x[0] = «[1, 2]»", "a list", "zeros"),
    "dict": ("x[0] = «{1: 2}»", "a dict"),
    "set": ("x[0] = «{1, 2}»", "a set"),
    "tuple": ("x[0] = «(1, 2)»", "a tuple"),
    "generator": ("x[0] = «sum(x[i] for i in range(4))»", "'sum'", "acc += x[i]"),
    "f-string": ("x[0] = «f'{x[1]}'»", "an f-string"),
    "walrus": ("x[0] = («t := 3»)", "an assignment inside an expression"),
    "float": ("x[0] = «0.5»", "'x' holds uint8, and 0.5 is a Python float", "int(0.5)"),
    "complex": ("x[0] = «1j»", "complex"),
    "string": ("x[0] = «'a'»", "'a' is a str"),
    "bytes": ("x[0] = «b'a'»", "bytes"),
    "None": ("x[0] = «None»", "`None`"),
    "Ellipsis": ("x[0] = «...»", "`...`"),
    "division": ("x[0] = «x[1] / 2»", "`/`", "`//`"),
    "power": ("x[0] = «x[1] ** 2»", "`**`", "<<"),
    "matrix product": ("x[0] = «x[1] @ x[2]»", "`@`"),
    "augmented division": ("«x[0] /= 2»", "`/`", "`//`"),
    "is": ("x[0] = «x[1] is x[2]»", "== != <"),
    "in": ("x[0] = «x[1] in x[2]»", "== != <"),
    "method": ("x[0] = «x.mean()»", "'x.mean'", "x.sum() // 4"),
    "attribute of an array": ("x[0] = «x.T»", "'x.T'", "x.shape[0]"),
    "attribute of a module": ("x[0] = «np.ndarray»", "'np.ndarray' is a type"),
    "starred": ("x[0] = «max(*x)»", "max", "write max(a, b, ...)"),
    "NumPy function": ("x[0] = «np.abs(x[1])»", "'np.abs'", "abs"),
    "print": ("x[0] = «print(1)»", "'print'"),
    "len of a scalar": ("t: uint8 = 0\nx[0] = «len(t)»", "'len'", "len takes an array"),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_outside_the_language_is_refused(name: str):
    body, *words = STATEMENTS[name]
    check_refused(in_kernel(body), *words)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_outside_the_language_is_refused(name: str):
    body, *words = EXPRESSIONS[name]
    check_refused(in_kernel(body), *words)


@pytest.mark.parametrize("python", ["x[0] = 0.5", "while x[0]:\n    pass", "x.fill(0)", "import math"])
def test_what_stands_in_a_branch_never_taken_is_not_part_of_the_kernel(python: str):
    body = "if len(x) > 4:\n" + "".join(f"    {line}\n" for line in python.splitlines()) + "x[0] = 1"
    kernel = load(in_kernel(body))["kernel"]
    assert len(parse(kernel).top.body) == 1
