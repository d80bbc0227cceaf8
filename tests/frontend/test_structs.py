"""Structs: the plain function, its program, and compiled code give the same fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.frontend.refusals import check_refused
from tests.strategies import load, random_array

from bitfold import customize
from bitfold.build.llvm.jit import CpuModule
from bitfold.diagnostics import UsageError
from bitfold.frontend import parse
from bitfold.ir.arguments import with_members
from bitfold.ir.nodes import Program
from bitfold.ir.printer import program_text
from bitfold.ir.run import as_python, run_python
from bitfold.ir.verify import verify
from bitfold.lang import typed

HEAD = """\
import numpy as np

from bitfold.lang import *

Complex = Struct(re=int16, im=int16)
Mixed = Struct(flag=bool, gain=Fixed(12, 4), wide=UInt(70))
"""


def random_arguments(program: Program, seed: int) -> list[np.ndarray]:
    """An array for each argument of a caller."""
    found: dict[str, np.ndarray] = {}
    for i, p in enumerate(program.top.params):
        values = random_array(p.fixed or p.type.elem, p.type.dims, seed + 31 * i)
        if p.member is None:
            found[p.name] = values
            continue
        whole = found.setdefault(p.member.argument, np.zeros(p.type.dims, p.member.struct.dtype))
        whole[p.member.field] = values
    return list(found.values())


def typed_arguments(program: Program, args: list[np.ndarray]) -> list[Any]:
    """The same memory as the plain function takes it."""
    kinds: dict[str, Any] = {}
    for p in program.top.params:
        kinds[p.member.argument if p.member else p.name] = (
            p.member.struct if p.member else p.fixed or p.type.elem
        )
    return [typed(a, kind) for a, kind in zip(args, kinds.values(), strict=True)]


def check(source: str, seeds: int = 3) -> Program:
    function = load(source)["kernel"]
    program = parse(function)
    verify(program)
    assert parse(as_python(program)) == program
    for seed in range(seeds):
        args = random_arguments(program, seed)
        expected = [a.copy() for a in args]
        function(*typed_arguments(program, expected))
        for run in (lambda *a: run_python(program, *a), CpuModule(program)):
            after = [a.copy() for a in args]
            run(*after)
            for one, other in zip(after, expected, strict=True):
                assert (one == other).all()
    return program


BODIES = {
    "fields": "y[0].re = x[1].im + 1\ny[1].im -= x[0].re\nn[0] = x[2].re * y[0].im",
    "copies": "for i in range(4):\n    y[i] = x[3 - i]",
    "a copy to an index that it changes": "y[y[0].re % 4] = x[1]\ny[0] = y[y[0].im % 4]",
    "a copy to a constant index from the end": "x[-1] = x[n[0] % 4]\ny[0] = x[-1]\nx[n[1] % 4] = x[-2]",
    "new ones": "for i in range(4):\n    y[i] = Complex(re=x[i].re + x[i].im, im=-x[i].re)",
    "structs that change places": "x[0], x[1] = x[1], x[0]\ny[0], p = x[2], y[0]\ny[1] = p",
    "new ones together": "x[0], y[1] = Complex(re=x[0].im, im=y[1].re), x[0]",
    "one struct for several": "x[0] = y[n[0] % 4] = x[3]\np = q = y[1]\ny[2] = p\ny[3] = q",
    "fields together": "x[0].re, y[1].im = y[1].im, x[0].re\nx[1].im = n[0] = y[2].re = x[2].re + 1",
    "swapped fields": "x[0] = Complex(re=x[0].im, im=x[0].re)",
    "a variable": "p = Complex(re=x[0].re * 3, im=70000)\ny[0] = p\nn[0] = p.re + p.im",
    "a variable of an element": "p = x[0]\nx[0].re = 7\ny[0] = p\nn[0] = p.re",
    "a variable that changes": (
        "p: Complex = Complex(re=1, im=0)\nfor i in range(4):\n"
        "    p = Complex(re=p.re * x[i].re - p.im * x[i].im, im=p.re * x[i].im + p.im * x[i].re)\ny[3] = p"
    ),
    "variables from variables": "p = x[0]\nq = p\np = x[1]\ny[0] = q\ny[1] = p",
    "a local array": "t = empty(Complex[4])\nfor i in range(4):\n    t[i] = x[i]\ny[0] = t[n[0] % 4]",
    "a declared local array": "t: Complex[2] = zeros(Complex[2])\nt[1].im = x[0].re\ny[0] = t[1]",
    "other types": (
        "for i in range(4):\n    m[i].gain += x[i].re\n    m[i].wide = m[i].wide * 3 + m[i].flag\n"
        "m[0] = Mixed(flag=m[1].flag, gain=m[2].gain / 2, wide=-1)"
    ),
    "constant structs": "y[0] = ONE\np = ONE\nm[1] = FEW\ny[1] = Complex(re=p.im, im=ONE.re)",
    "choices": (
        "y[0] = x[0] if x[1].re > x[2].im else x[3]\np = y[0]\np = p if n[0] > 3 else ONE\n"
        "y[1] = Complex(re=p.im, im=3) if p.re < 0 else p\nx[0] = x[1] if x[0].re > 0 else x[2]"
    ),
    "branches": "if x[0].re > x[1].im:\n    p = x[0]\n    y[0] = p\nelse:\n    p = x[1]\n    y[1] = p",
    "shapes": "N, = x.shape\nfor i in range(N + x.ndim - len(y) + 3):\n    y[i].re = i",
    "a row": (
        "row = g[1]\nrow[0] = x[1]\ny[0] = row[n[0] % 4]\nrow[2].im += 3\nfor i in range(len(row)):\n"
        "    y[i].re = row[i].im\nother = row\nother[1] = row[3]"
    ),
    "a part": "r = x[1:3]\ny[0] = r[1]\nr[0] = Complex(re=r[1].im, im=x[1].re)\nq = r[1:]\nq[0].re -= 1",
    "a row of a varying index": "j = n[0] % 2\nrow = g[j]\nj = 1 - j\nrow[1] = g[j][2]\ny[0] = g[j, 1:3][0]",
    "columns and steps": (
        "c = g[:, 2]\ny[:2] = c\ny[2:] = x[::-2]\nx[..., 1] = c[0]\nz = g[..., 3]\ny[3] = z[1]"
    ),
    "a row that another index is read from": "g[g[0, 0].re % 2] = g[g[0, 1].im % 2]",
    "two names of a row": (
        "row = g[0]\nrow[0] = Complex(re=g[0, 0].im, im=g[0, 0].re)\nrow[1], g[0, 2] = g[0, 2], row[1]"
    ),
    "a name for another part": (
        "r = x[:2]\ny[0] = r[0]\nr = g[1, :3]\ny[1] = r[2]\na = b = x[2:]\na[0] = b[1]"
    ),
    "names in blocks": (
        "for i in range(2):\n    row = g[i]\n    for j in range(4):\n        row[j].re += y[j].im"
    ),
    "whole copies": "y[:] = x\ng[1] = y\ng[0, :2] = x[2:]\ny[1:3] = g[0, 0:2]\nx[:] = g[1]\nx[1:] = x[:3]",
    "copies of rows": (
        "for i in range(2):\n    g[i] = g[1 - i]\nt = zeros(Complex[2, 4])\nt[:] = g\nt[1, 2] = x[0]\n"
        "g[0] = t[1]"
    ),
    "one struct everywhere": (
        "y[:] = x[1]\nx[:2] = Complex(re=x[1].im, im=x[0].re)\ng[:] = ONE\nq = y[3]\ng[1, 1:] = q"
    ),
    "parts of other types": "m[1:3] = m[2:]\nr = m[1:]\nr[0].gain *= 2\nm[:1] = r[2:]",
    "parts for calls": (
        "rotate(x[1:3], y[2:])\nrotate(g[0], g[1])\nrotate(g[:, 1], y[:2])\nrow = g[1]\n"
        "rotate(row[2:], x[:2])\n"
        "for i in range(2):\n    rotate(g[i], y)\n    rotate(x[i:i + 2], y[i:i + 2])\nrotate(x[:2], x[2:])\n"
        "rotate(TABLE[:1], y[3:])"
    ),
    "a row of constants": "y[:2] = TABLE\nr = TABLE[1:]\ny[2] = r[0]\ny[3:] = r",
    "a variable that its own fields choose": (
        "p = x[0]\np = x[p.re % 4]\np = x[p.im % 4] if p.re > n[0] else p\ny[0] = p"
    ),
    "calls": "rotate(x, y)\nrotate(y, x)",
    "constants": "y[0] = TABLE[n[0] % 2]\ny[1].re = TABLE[1].im\nrotate(TABLE, t2)\ny[2] = t2[0]",
}


@pytest.mark.parametrize("name", BODIES)
def test_it_means_what_python_means(name: str):
    body = BODIES[name]
    if "t2" in body:
        body = "t2 = zeros(Complex[2])\n" + body
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    check(f"""{HEAD}
TABLE = typed(np.array([(1, 2), (-3, 4)], Complex.dtype), Complex)
ONE = Complex(re=1, im=-2)
FEW = Mixed(flag=1, gain=-3.25, wide=1 << 69)

def rotate(a: Complex["N"], b: Complex["N"]):
    N, = a.shape
    for i in range(N):
        b[i] = Complex(re=-a[i].im, im=a[i].re)

def kernel(x: Complex[4], n: int32[2], y: Complex[4], m: Mixed[4], g: Complex[2, 4]):
{lines}""")


BUTTERFLY = f"""{HEAD}
Q = Struct(re=Fixed(16, 8), im=Fixed(16, 8))

def kernel(x: Q[8], w: Q[4]):
    for i in range(4):
        u = w[i]
        v = x[i + 4]
        p = Q(re=v.re * u.re - v.im * u.im, im=v.re * u.im + v.im * u.re)
        x[i + 4] = Q(re=x[i].re - p.re, im=x[i].im - p.im)
        x[i] = Q(re=x[i].re + p.re, im=x[i].im + p.im)
"""


def test_every_rung(tmp_path: Path):
    program = check(BUTTERFLY)
    s = customize(load(BUTTERFLY)["kernel"])
    s.pipeline("i")
    s.partition("x_re")
    hardware = s.build(target="hls", project=tmp_path / "fft")
    args = random_arguments(program, 5)
    expected = [a.copy() for a in args]
    run_python(program, *expected)
    hardware(*args)
    assert all((a == b).all() for a, b in zip(args, expected, strict=True))
    header = (tmp_path / "fft" / "kernel.h").read_text()
    assert "// x_re is the field re of x: Struct(re=Fixed(16, 8), im=Fixed(16, 8)).\n" in header


ROWS = f"""{HEAD}
def rotate(a: Complex["N"], b: Complex["N"]):
    for i in range(len(a)):
        b[i] = Complex(re=-a[i].im, im=a[i].re)

def kernel(x: Complex[3, 4], y: Complex[4], n: int8[1]):
    for i in range(3):
        rotate(x[i, 1:3], y[:2])
        row = x[2 - i]
        row[3] = y[1]
        y[2:] = row[2:]
    x[n[0] % 3] = y
"""


def test_parts_on_every_rung(tmp_path: Path):
    program = check(ROWS)
    hardware = customize(load(ROWS)["kernel"]).build(target="hls", project=tmp_path / "rows")
    args = random_arguments(program, 5)
    expected = [a.copy() for a in args]
    run_python(program, *expected)
    hardware(*args)
    assert all((a == b).all() for a, b in zip(args, expected, strict=True))


def test_parts_are_views_in_python():
    pairs = load(HEAD)["Complex"]
    x = typed(np.array([[(1, 2), (3, 4)], [(5, 6), (7, 8)]], pairs.dtype), pairs)
    row = x[1]
    row[0] = pairs(re=9, im=9)
    assert (row.shape, x[1, 0].re, len(x[:, 1:])) == ((2,), 9, 2)
    x[:, 0] = x[:, 1]
    assert x.values.tolist() == [[(3, 4), (3, 4)], [(7, 8), (7, 8)]]
    other = load("from bitfold.lang import *\nOther = Struct(a=int16)\n")["Other"]
    with pytest.raises(TypeError, match="an element of this array is"):
        x[0] = typed(np.zeros(2, other.dtype), other)


def test_callers_pass_structured_arrays_records_or_fields():
    source = f"{HEAD}def kernel(x: Complex[2], y: Complex[2]):\n    y[1] = x[0]\n"
    program = parse(load(source)["kernel"])
    dtype = np.dtype([("re", np.int16), ("im", np.int16)])
    x, y = np.array([(1, 2), (3, 4)], dtype).view(np.recarray), np.zeros(2, dtype)
    CpuModule(program)(x, y)
    assert y.tolist() == [(0, 0), (1, 2)]
    fields = [np.array([5, 6], np.int16), np.array([7, 8], np.int16), *np.zeros((2, 2), np.int16)]
    run_python(program, *fields)
    assert [a.tolist() for a in fields[2:]] == [[0, 5], [0, 7]]
    batch = np.array([[(1, 2), (3, 4)], [(5, 6), (7, 8)]], dtype)
    results = np.zeros((2, 2), dtype)
    CpuModule(program)(batch, results)
    assert results["im"].tolist() == [[0, 2], [0, 6]]
    assert len(with_members(program, [x, y])) == 4
    other = np.zeros(2, [("re", np.int16), ("i", np.int16)])
    with pytest.raises(UsageError, match=r"'y' must be an array of Struct\(re=int16, im=int16\)") as caught:
        CpuModule(program)(x, other)
    assert "np.zeros([2], [('re', '<i2'), ('im', '<i2')])" in str(caught.value)
    with pytest.raises(UsageError, match="not of int16"):
        CpuModule(program)(x, fields[0])
    for given in ([x], [x, y, *fields[:2]]):
        with pytest.raises(UsageError, match=f"takes 2 arrays, not {len(given)}"):
            CpuModule(program)(*given)


STREAMED = f"""{HEAD}
Word = Struct(re=int16, gain=Fixed(12, 4), real=float32, flag=bit, low=UFixed(9, 9), half=float16)

def feed(x: Word[4], c: Stream[Word, 2], d: Stream[Word, 3][2]):
    for i in range(4):
        c.put(x[i])
        p = x[i]
        if p.flag > 0:
            p = Word(re=p.re + 1, gain=p.gain * 2, real=-p.real, flag=0, low=p.low, half=0.5)
        d[i % 2].put(p)

def drain(c: Stream[Word, 2], d: Stream[Word, 3][2], y: Word[4], z: Word[4]):
    for i in range(4):
        y[i] = c.get()
        q: Word = d[i % 2].get()
        z[3 - i] = q

def kernel(x: Word[4], y: Word[4], z: Word[4]):
    c = empty(Stream[Word, 2])
    d = empty(Stream[Word, 3][2])
    feed(x, c, d)
    drain(c, d, y, z)
"""


def test_streams_carry_structs_whole(tmp_path: Path):
    kernel = load(STREAMED)["kernel"]
    s = customize(kernel)
    assert parse(load(program_text(s.program))["kernel"]) == s.program
    args = random_arguments(s.program, 3)
    expected = [a.copy() for a in args]
    kernel(*typed_arguments(s.program, expected))
    hardware = s.build(target="hls", project=tmp_path / "words")
    assert "hls::stream<ap_uint<86>> c" in hardware.code
    for run in (lambda *a: run_python(s.program, *a), s.build(), hardware):
        after = [a.copy() for a in args]
        run(*after)
        assert [a.tobytes() for a in after] == [e.tobytes() for e in expected]


STREAM_REFUSALS = {
    "a field of a get": ("y[0].re = «c.get()».re", "carries structs", "p = c.get()"),
    "a get in an expression": ("n[0] = «c.get()» + 1", "carries structs", "p = c.get()"),
    "a number from it": ("n[0] = «c.get()»", "'c' carries structs"),
    "another struct": ("m[0] = «c.get()»", "is a Struct(re=int16, im=int16), and a Struct(flag"),
}


@pytest.mark.parametrize("name", STREAM_REFUSALS)
def test_what_a_stream_of_structs_does_not_give_is_refused(name: str):
    body, *words = STREAM_REFUSALS[name]
    check_refused(
        f"""{HEAD}
def feed(x: Complex[4], c: Stream[Complex, 2]):
    c.put(x[0])

def drain(c: Stream[Complex, 2], y: Complex[4], n: int32[2], m: Mixed[4]):
    {body}

def kernel(x: Complex[4], y: Complex[4], n: int32[2], m: Mixed[4]):
    c = empty(Stream[Complex, 2])
    feed(x, c)
    drain(c, y, n, m)
""",
        *words,
    )


def test_the_ends_of_a_stream_of_structs_agree_on_them():
    check_refused(
        f"""{HEAD}
def feed(x: int16[4], c: Stream[Struct(a=int16, b=int16), 2]):
    c.put(Struct(a=int16, b=int16)(a=x[0], b=1))

def kernel(x: int16[4], y: Complex[4]):
    c = empty(Stream[Complex, 2])
    feed(x, «c»)
""",
        "feed takes Stream[Struct(a=int16, b=int16), 2] for 'c', but this is Stream[Struct(re=",
    )


REFUSED = {
    "a choice by a call": (
        "y[0] = «x[0] if abs(n[0]) > 3 else x[1]»",
        "cannot choose between structs: its condition calls something",
        "a line of its own",
    ),
    "a choice between two kinds": (
        "y[0] = «x[0] if n[0] > 3 else m[1]»",
        "cannot choose between structs: one is a Struct(flag=bit",
    ),
    "a whole struct": ("n[0] = «x[0]»", "'x[0]' is a struct (Struct(re=int16, im=int16))", "x[0].re"),
    "a whole variable": ("p = x[0]\nn[0] = «p» + 1", "'p' is a struct", "p.re"),
    "a whole array": ("n[0] = «x» + 1", "'x' is an array of structs", "x[i].re"),
    "a field of an array": ("n[0] = «x.re»", "'x' is an array of structs, and a field is of one", "x[i].re"),
    "an unknown field": ("n[0] = «x[0].imag»", "has no field 'imag'", "did you mean 'im'"),
    "an unknown field written": ("«x[0].real» = 1", "has no field 'real'"),
    "a field of a variable written": (
        "p = x[0]\n«p.re» = 1",
        "do not change one by one",
        "p = T(re=..., im=p.im)",
    ),
    "a struct without a field": (
        "p = «Complex(re=1)»",
        "made of each of its fields",
        "Complex(re=..., im=...)",
    ),
    "a struct by position": ("p = «Complex(1, 2)»", "given by name"),
    "a struct of an unknown field": ("p = «Complex(re=1, im=2, x=3)»", "given by name"),
    "a number for a struct": ("y[0] = «n[0]»", "'n[0]' is no struct", "T(re=..., im=...)"),
    "another struct": (
        "y[0] = «m[0]»",
        "is a Struct(flag=bit, gain=Fixed(12, 4), wide=UInt(70)), and a Struct(re",
    ),
    "a variable of another struct": (
        "p = x[0]\np = «m[0]»",
        "and a Struct(re=int16, im=int16) is needed here",
    ),
    "a declaration of a number": ("p: Complex = «3»", "'3' is no struct"),
    "a declaration without a value": ("«p: Complex»", "declared without a value", "all its fields"),
    "an array of another size": ("«t: Complex[2] = zeros(Complex[3])»", "is no such array", "empty("),
    "two indices": ("n[0] = «x[0, 1].re»", "takes 1 indices, not 2"),
    "an index outside": ("n[0] = x[«9»].re", "outside 'x.re'"),
    "a scalar's name": ("n2: int8 = 1\n«n2 = x[0]»", "'n2' is already a scalar"),
    "a constant's field": ("«TABLE[0].re = 1»", "is a constant"),
    "an array for one": ("y[0] = «x»", "'x' is an array of Struct(re=int16", "take one of them: x[i]"),
    "a part for one": ("y[0] = «x[1:3]»", "'x[1:3]' is an array of Struct(re=int16", "x[1:3][i]"),
    "a field of a part": ("n[0] = «x[1:3].re»", "'x[1:3]' is an array of structs", "x[1:3][i].re"),
    "a part of a part": ("y[1:3] = «m[0:2]»", "'m[0:2]' is an array of Struct(flag"),
    "a choice between arrays": (
        "y[:] = «x if n[0] > 0 else y»",
        "between arrays of structs",
        "use `if` and `else`",
    ),
    "a parameter's name": ("«x = y[1:3]»", "'x' is a parameter", "x[:] = y[1:3]"),
    "a part in a call of other structs": ("rotate(x, «m[1:3]»)", "the fields flag, gain, wide"),
    "a part of another size": ("y[1:3] = «x[0:3]»", "has the shape (3,)"),
    "parts that overlap": ("rotate(x[0:2], «x[1:3]»)", "may overlap"),
    "a call with numbers": (
        "rotate(x, «n»)",
        "rotate takes an array of Struct(re=int16",
        "an array of numbers",
    ),
    "a call with structs": ("count(«x»)", "count takes int32[2] for 'a'", "structs with the fields re, im"),
    "a call with other structs": ("rotate(x, «m»)", "the fields flag, gain, wide"),
    "an element passed": ("count(«x[0]»)", "'x[0]' is"),
    "an update of a whole one": ("«x[0]» += 1", "x[0]' is a struct"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str):
    body, *words = REFUSED[name]
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    check_refused(
        f"""{HEAD}
TABLE = typed(np.array([(1, 2), (-3, 4)], Complex.dtype), Complex)

def rotate(a: Complex["N"], b: Complex["N"]):
    b[0] = a[0]

def count(a: int32[2]):
    a[0] = 1

def kernel(x: Complex[4], n: int32[2], y: Complex[4], m: Mixed[4]):
{lines}""",
        *words,
    )
