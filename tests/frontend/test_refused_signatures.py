"""Parameters, dimensions, calls of kernels and captured arrays that do not fit together."""

from __future__ import annotations

import linecache
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.frontend.refusals import HEAD, check_refused, in_kernel
from tests.strategies import load

from bitfold.diagnostics import LanguageError, UsageError
from bitfold.frontend import parse

SIGNATURES = {
    "no annotation": ("«x»", "'x' needs a type of the language; it has no annotation", 'x: bit["N"]'),
    "a Python type": ("«n: int»", "not int"),
    "a value": ("«n: 3»", "not 3"),
    "an unknown quoted name": ("n: «'tensor'»", "'tensor' is not defined"),
    "a quoted mistake": ("«n: 'bit[4'»", "needs a type of the language"),
    "a default": ("x: bit[4] = «None»", "starred, keyword-only or default"),
    "a keyword-only one": ("x: bit[4], *, «y: bit[4]»", "starred, keyword-only"),
    "starred": ("*«x»", "starred, keyword-only"),
    "double starred": ("**«x»", "starred, keyword-only"),
    "a dimension of 0": ("«x: bit[0]»", "at least 1"),
    "more elements than there is memory": ("«x: bit[1 << 20, 4096]»", "4,294,967,296 elements", "at most"),
    "a negative dimension": ("«x: bit[4, -1]»", "at least 1"),
    "a partition of no dimension": ("«x: bit[4] @ complete(3)»", "dimension that bit[4] does not have"),
    "a partition into nothing": ("«x: bit[4] @ cyclic(1, 0)»", "at least 1"),
    "packed words that do not fit": ("«x: uint8[4] @ packed(99)»", "99 bits"),
    "packed signed words": ("«x: int8[4] @ packed(32)»", "32 bits"),
}


@pytest.mark.parametrize("name", SIGNATURES)
@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"], ids=["", "future"])
def test_a_parameter_is_refused(name: str, future: str):
    parameters, *words = SIGNATURES[name]
    check_refused(f"{future}{HEAD}def kernel({parameters}):\n    pass\n", *words, error=LanguageError)


def test_a_result_is_refused():
    check_refused(
        f"{HEAD}def kernel(x: bit[4]) -> «int»:\n    pass\n", "'int' is no type of a result", "-> int32"
    )


def test_an_annotation_that_python_would_not_evaluate_is_refused():
    source = f"from __future__ import annotations\n{HEAD}def kernel(x: bit[«1 // 0»]):\n    pass\n"
    check_refused(source, "cannot be evaluated")


# ---- dimensions

DIMS = HEAD + 'N = 3\n«def kernel»(x: bit["K"], w: bit["M", "K"]):\n    pass\n'


@pytest.mark.parametrize(
    ("dims", "words"),
    [
        ({}, ["the size of K, M in 'kernel' is not known", "customize(kernel, K=256, M=256)"]),
        ({"K": 4}, ["the size of M"]),
        ({"K": 4, "M": 2, "L": 1}, ["no dimension named L", "known: K, M"]),
        ({"K": 4, "m": 2}, ["no dimension named m", "known: K, M"]),
        ({"K": 0, "M": 2}, ["dimension K", "positive integer, not 0"]),
        ({"K": -4, "M": 2}, ["positive integer, not -4"]),
        ({"K": 4.0, "M": 2}, ["positive integer, not 4.0"]),
        ({"K": "4", "M": 2}, ["positive integer, not '4'"]),
        ({"K": True, "M": 2}, ["positive integer, not True"]),
        ({"K": None, "M": 2}, ["positive integer, not None"]),
    ],
)
def test_dimensions_must_be_known_positive_integers(dims: dict[str, Any], words: list[str]):
    check_refused(DIMS, *words, error=UsageError, **dims)


def test_a_kernel_of_fixed_dimensions_takes_none():
    check_refused(
        f"{HEAD}«def kernel»(x: bit[4]):\n    pass\n",
        "no dimension named K",
        "all fixed",
        error=UsageError,
        K=4,
    )


def test_a_dimension_name_is_no_variable():
    check_refused(
        f'{HEAD}def kernel(x: uint8["K"]):\n    x[0] = «K»\n', "names a dimension", "`K, = x.shape`", K=4
    )


# ---- calls

HELPERS = f"""{HEAD}
def helper(a: uint8["N"], b: uint8["N"]):
    N, = a.shape
    for i in range(N):
        b[i] = a[i]

def fixed(a: bit[4]):
    a[0] = 1

def no_kernel(a, b):
    pass

"""
CALLS = {
    "too few": ("«helper(x)»", "helper takes 2 arguments, (a, b), not 1"),
    "too many": ("«helper(x, x, x)»", "helper takes 2 arguments, (a, b), not 3"),
    "an unknown keyword": ("«helper(x, c=x)»", "takes 2 arguments, (a, b)"),
    "one twice": ("«helper(x, x, a=x)»", "takes 2 arguments"),
    "starred": ("«helper(*x)»", "takes 2 arguments"),
    "double starred": ("«helper(x, **x)»", "takes 2 arguments"),
    "another type": (
        "helper(x, «z»)",
        "helper takes uint8[\"N\"] for 'b'",
        "this is bit[8]",
        "declared here",
    ),
    "another shape": (
        "t = zeros(uint8[5])\nhelper(x, «t»)",
        "(N = 4 from 'a')",
        "this has shape (5,)",
        "parameter 'b' is declared here",
        'def helper(a: uint8["N"], b: uint8["N"])',
    ),
    "another fixed shape": ("fixed(«z»)", "takes bit[4]", "this has shape (8,)"),
    "another rank": ("t = zeros(uint8[4, 1])\nhelper(x, «t»)", "2 dimensions", "(4, 1)"),
    "a scalar": ("t: uint8 = 0\nhelper(x, «t»)", "'t' is not an array", "a part of one"),
    "a loop variable": ("for i in range(4):\n    helper(x, «i»)", "'i' is a loop variable"),
    "a number": ("helper(x, «3»)", "'3' is not an array"),
    "an element": ("helper(x, «x[0]»)", "'x[0]' is not an array"),
    "a part of another shape": ("helper(x, «x[0:2]»)", "helper takes", "this has shape (2,)"),
    "parts that overlap": (
        "helper(x[0:3], «x[1:4]»)",
        "'helper' writes one of several parts of 'x'",
        "nothing in common",
    ),
    "a part and the whole": ("helper(x, «x[:]»)", "may overlap"),
    "a slice of unknown size": ("helper(x, x[«0:x[1]»])", "is not known before the kernel runs"),
    "a slice from unknown to unknown": ("helper(x, x[«x[0]:x[1]»])", "is not known", "x[i:i + 4]"),
    "an empty slice": ("helper(x, x[«3:3»])", "is empty"),
    "a slice that reaches outside": (
        "for i in range(4):\n    helper(x[0:3], x[«i + 2:i + 5»])",
        "reaches outside",
    ),
    "a part at an index outside": ("t = y[«4»]", "outside 'y'", "0..3"),
    "a written array twice": ("helper(x, «x»)", "passed twice", "'helper' writes it", "two different arrays"),
    "a builtin": ("«print(x)»", "'print' is not a kernel"),
    "a method": ("«x.fill(0)»", "'x.fill' is not a kernel"),
    "a NumPy function": ("«np.copyto(x, x)»", "is not a kernel"),
    "an intrinsic": ("«popcount(x)»", "'popcount' is not a kernel"),
    "a type": ("«uint8(x)»", "'uint8' is not a kernel"),
    "an array": ("«x(1)»", "'x' is not a kernel"),
    "unknown": ("«nothing»(x)", "'nothing' is not defined"),
    "in an expression": ("x[0] = «helper(x, x)»", "'helper' returns nothing", "-> int32"),
    "itself": ("«kernel(x, y, z)»", "'kernel' calls itself: kernel -> kernel", "loop"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_refused(name: str):
    body, *words = CALLS[name]
    check_refused(in_kernel(body).replace(HEAD, HELPERS, 1), *words, error=LanguageError)


def test_kernels_that_call_each_other_are_refused():
    source = f"""{HEAD}
def even(x: bit[4]):
    odd(x)

def odd(x: bit[4]):
    «even(x)»

def kernel(x: bit[4]):
    even(x)
"""
    text = check_refused(source, "even -> odd -> even")
    assert text.count("is called here") == 2


def test_an_error_in_a_callee_says_where_it_is_called():
    source = f"""{HEAD}
def helper(a: uint8["N"]):
    a[«4»] = 1

def kernel(x: uint8[4]):
    helper(x)
"""
    assert ":10:5: note: 'helper' is called here\n 10 |     helper(x)" in check_refused(source, "index 4")


def test_a_function_that_is_no_kernel_is_refused_where_it_is_defined():
    source = in_kernel("no_kernel(x, y)").replace(HEAD, HELPERS.replace("no_kernel(a,", "no_kernel(«a»,"), 1)
    check_refused(source, "parameter 'a' needs a type of the language", "'no_kernel' is called here")


# ---- captured arrays


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("np.array([0.5], np.longdouble)", ["dtype float128"]),
        ("np.array(3)", ["shape ()", "at least one dimension"]),
        ("np.array([], np.int8)", ["shape (0,)", "one element"]),
        ("np.zeros((2, 0), np.int8)", ["shape (2, 0)"]),
        ("np.array([1, 'a'], object)", ["dtype object"]),
        ("np.array(['a'])", ["dtype <U1"]),
    ],
)
def test_an_array_that_cannot_be_captured_is_refused(made: str, words: list[str]):
    source = in_kernel("x[0] = «W»[0]").replace("def kernel", f"W = {made}\n\ndef kernel")
    check_refused(source, "'W', captured from outside", *words)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("[1, 2]", ["'W' is a list, not an array"]),
        ("None", ["'W' is a NoneType, not an array"]),
        ("{1: 2}", ["'W' is a dict, not an array"]),
        ("np", ["'W' is a module"]),
        ("np.int8(3)", ["'W' is an int8, not an array"]),
    ],
)
def test_what_is_no_array_cannot_be_indexed(made: str, words: list[str]):
    source = in_kernel("x[0] = «W[x[1]]»").replace("def kernel", f"W = {made}\n\ndef kernel")
    check_refused(source, *words)


def test_a_captured_value_of_no_integer_type_is_refused():
    source = in_kernel("x[0] = «W»").replace("def kernel", "W = 1.5j\n\ndef kernel")
    check_refused(source, "'W' is a complex", "capture an int")


def test_a_constant_cannot_be_written():
    source = in_kernel("«W[0] = 1»").replace("def kernel", "W = np.array([1, 2])\n\ndef kernel")
    check_refused(source, "'W' is a constant", "copy it into a local array")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("np.array([1, 2, 300, 4])", ["helper: 'W' has values 1..300, outside uint8's 0..255"]),
        ("np.array([-1, 2, 3, 4])", ["values -1..4"]),
        ("np.array([0.5] * 4)", ["float64", "not only integers"]),
        ("np.array([1, 2, None, 4], object)", ["not only integers"]),
        ("np.array([1, 2])", ["(N = 2 from 'a')", "this has shape (4,)"]),
        ("np.zeros((4, 4), np.uint8)", ["2 dimensions"]),
    ],
)
def test_a_constant_that_does_not_fit_a_parameter_is_refused(made: str, words: list[str]):
    place = "helper(W, «x»)" if "from 'a'" in words[0] else "helper(«W», x)"
    source = in_kernel(place).replace(HEAD, f"{HELPERS}W = {made}\n\n", 1)
    check_refused(source, *words, "declared here")


def test_a_constant_passed_to_a_kernel_that_writes_it_is_refused():
    helpers = HELPERS.replace("b[i] = a[i]", "«b[i] = a[i]»")
    source = in_kernel("helper(x, W)").replace(HEAD, f"{helpers}W = np.zeros(4, np.uint8)\n\n", 1)
    check_refused(source, "'b' is a constant", "'helper' is called here")


# ---- where the source is


def test_a_literal_of_thousands_of_digits_is_refused():
    kernel = load(in_kernel(f"x[0] = {hex(1 << 20000)} + 1"))["kernel"]
    with pytest.raises(LanguageError, match="more than 4096 bits") as caught:
        parse(kernel)
    assert all(len(line) < 200 for line in str(caught.value).splitlines())


@pytest.mark.parametrize("given", [3, None, "kernel", int, print, np.zeros(3)])
def test_what_is_no_function_is_no_kernel(given: Any):
    with pytest.raises(UsageError, match="a kernel is a Python function") as caught:
        parse(given)
    assert "help: pass the function itself" in str(caught.value)


def test_a_lambda_is_no_kernel():
    kernel = load("kernel = lambda x: x\n")["kernel"]
    with pytest.raises(LanguageError, match="not an ordinary function") as caught:
        parse(kernel)
    assert "write the kernel with def" in str(caught.value)


def test_an_async_function_is_no_kernel():
    kernel = load(in_kernel("pass").replace("def kernel", "async def kernel"))["kernel"]
    with pytest.raises(LanguageError, match="not an ordinary function"):
        parse(kernel)


def test_a_kernel_without_source_is_refused():
    namespace: dict[str, Any] = {}
    exec("def kernel(x):\n    pass", namespace)
    with pytest.raises(LanguageError, match="cannot be read") as caught:
        parse(namespace["kernel"])
    assert "help: define the kernel in a .py file" in str(caught.value)


def imported(file: Path, source: str) -> Any:
    file.write_text(source)
    module = types.ModuleType("kernel_file")
    exec(compile(source, str(file), "exec"), module.__dict__)
    return module.kernel  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x[0] = 1", "x[0] = 2"),
        ("x[0] = x[1] + x[2]", "x[0] = x[1] - x[2]"),
        ("x[0] = 1", "x[0] = ("),
        ("x[0] = 1", "pass\ndef other(): pass"),
    ],
)
def test_a_file_that_changed_after_its_import_is_refused(tmp_path: Path, before: str, after: str):
    file = tmp_path / "kernels.py"
    kernel = imported(file, in_kernel(before))
    parse(kernel)
    file.write_text(in_kernel(after) + "\n# longer")
    with pytest.raises(LanguageError, match="has changed since 'kernel' was imported"):
        parse(kernel)
    assert linecache.getline(str(file), 1)


def test_a_file_that_moved_the_kernel_is_refused(tmp_path: Path):
    file = tmp_path / "kernels.py"
    kernel = imported(file, in_kernel("x[0] = 1"))
    file.write_text("# one line more\n" + in_kernel("x[0] = 1"))
    with pytest.raises(LanguageError, match="has changed"):
        parse(kernel)
