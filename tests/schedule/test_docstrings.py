"""The docstring of each primitive shows a program before and after: the primitive makes one of the other.

An example is two columns of Python. Both are put into the kernel that the case gives, the placeholders such
as `body(i, j)` are written out, and the parsed programs are compared.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from tests.schedule.ladder import inputs, python_result
from tests.strategies import assert_same, load

from bitfold.ir.nodes import Program
from bitfold.schedule import (
    Partition,
    Schedule,
    compute,
    customize,
    directives,
    fission,
    fuse,
    inline,
    jam,
    layout,
    pack,
    parallel,
    reshape,
    reuse,
    split,
    stream,
    tile,
    transpose,
    unfold,
)
from bitfold.schedule import buffer as buffers
from bitfold.schedule import dataflow as processes
from bitfold.schedule import deepen as deepened
from bitfold.schedule import reorder as order
from bitfold.schedule.reference import PRIMITIVES


class Case(NamedTuple):
    """`source` is a kernel with `{}` for a column; `number` says which example of the docstring it is.

    `marks` are places of `source` that read differently before and after.
    """

    documented: Callable[..., Any]
    source: str
    step: Callable[[Schedule], Any]
    macros: dict[str, str] = {}  # noqa: RUF012 - never changed
    number: int = 0
    depth: int = 0  # levels of indentation of the column
    marks: dict[str, tuple[str, str]] = {}  # noqa: RUF012 - never changed


def loops(params: str, **macros: str) -> tuple[str, dict[str, str]]:
    """A kernel whose body the column is."""
    return f"def kernel({params}):\n{{}}", macros


def case(
    documented: Callable[..., Any],
    step: Callable[[Schedule], Any],
    params: str,
    number: int = 0,
    **macros: str,
) -> Case:
    source, found = loops(params, **macros)
    return Case(documented, source, step, found, number, 1)


PAIR = """
def first(x: uint8["N"], h: uint8["N"]{stream}):
    N = x.shape[0]
    for i in range(N):
        {put}

def second(h: uint8["N"]{stream}, y: uint8["N"]):
    N = y.shape[0]
    for i in range(N):
        {get}

"""
PAIR_MARKS = {
    "{stream}": ("", " @ stream"),
    "{put}": ("h[i] = x[i]", "h.put(x[i])"),
    "{get}": ("y[i] = h[i]", "h_word: uint8 = h.get()\n        y[i] = h_word"),
}

# A macro is what a placeholder of the docstrings stands for; {0}, {1} are its arguments.
ADD = "y[{0}] += x[{0}]"
ADD2 = "y[{0}, {1}] += x[{1}]"
CASES = [
    case(split.split, lambda s: s.split("k", 49), "x: uint8[784], y: uint8[784]", body=ADD),
    case(split.split, lambda s: s.split("k", 4, guard=True), "x: uint8[10], y: uint8[10]", 1, body=ADD),
    case(fuse.fuse, lambda s: s.fuse("i", "j"), "x: uint8[8], y: uint8[4, 8]", body=ADD2),
    case(tile.tile, lambda s: s.tile("i", "j", 4, 3), "x: uint8[12], y: uint8[8, 12]", body=ADD2),
    case(
        order.reorder,
        lambda s: s.reorder("k", "m"),
        "x: uint8[8], y: uint16[4]",
        f="(x[{1}] ^ {0})",
    ),
    case(fission.fission, lambda s: s.fission("i", 1), "a: uint8[8], b: uint8[8]"),
    case(compute.compute_at, lambda s: s.compute_at("p", "i"), "x: uint8[8], h: uint8[8], y: uint16[6]"),
    case(jam.unroll_jam, lambda s: s.unroll_jam("i", 2), "x: uint8[16], y: uint8[8, 16]", body=ADD2),
    case(parallel.parallel, lambda s: s.parallel("i"), "x: uint8[8], y: uint16[8]"),
    case(directives.unroll, lambda s: s.unroll("m"), "x: uint8[16], y: uint8[16]", body=ADD),
    case(directives.unroll, lambda s: s.unroll("m", 4), "x: uint8[16], y: uint8[16]", 1, body=ADD),
    case(directives.pipeline, lambda s: s.pipeline("k"), "x: uint8[8], y: uint8[16, 8]", body=ADD2),
    case(
        buffers.buffer_at,
        lambda s: s.buffer_at("c", "m"),
        "x: uint8[32, 16], c: int32[8, 16]",
        f="x[{0}, {1}]",
    ),
    case(reuse.reuse_at, lambda s: s.reuse_at("x", "i"), "x: uint8[8], y: uint16[6]"),
    Case(
        layout.partition,
        "def kernel({}, y: bit[1]):\n    y[0] = w[0, 0]",
        lambda s: s.partition("w", Partition.Cyclic, dim=1, factor=16),
    ),
    Case(layout.bind, "def kernel({}, y: bit[1]):\n    y[0] = w[0, 0]", lambda s: s.bind("w", "bram")),
    Case(
        layout.bind,
        "def kernel({}):\n    for i in range(8):\n        acc[i] = 0",
        lambda s: s.bind("acc", "registers"),
        number=1,
    ),
    case(inline.rename, lambda s: s.rename("i", "row"), "x: uint8[8], y: uint8[8]", body=ADD),
    Case(inline.inline, "{}", lambda s: s.inline("twice")),
    Case(unfold.unfold, "{}", lambda s: s.unfold("i", name="pe")),
    Case(unfold.outline, "{}", lambda s: s.outline("i", "copy")),
    case(reshape.reshape, lambda s: s.reshape("h", 2, 12), "y: uint8[1]", f="({0} + {1})"),
    Case(
        processes.dataflow,
        "def first(x: bit[64], h: bit[64]):\n    for i in range(64):\n        h[i] = x[i]\n\n"
        "def second(h: bit[64], y: bit[64]):\n    for i in range(64):\n        y[i] = 1 - h[i]\n\n{}",
        lambda s: s.dataflow(),
    ),
    Case(
        stream.stream,
        "def kernel(x: UInt(49)[16] @ packed(784){stream}, y: UInt(49)[4]):\n{}",
        lambda s: s.stream("x"),
        {"use": "y[m_o] = y[m_o] ^ {0}"},
        depth=1,
        marks={"{stream}": ("", " @ stream")},
    ),
    Case(
        stream.to,
        PAIR + "def kernel(x: uint8[8], y: uint8[8]):\n{}",
        lambda s: s.to("h", "second", depth=4),
        depth=1,
        marks=PAIR_MARKS,
    ),
    Case(
        deepened.deepen,
        PAIR.replace("{stream}", " @ stream")
        .replace("{put}", "h.put(x[i])")
        .replace("{get}", "y[i] = h.get()")
        + "def kernel(x: uint8[32], y: uint8[32]):\n{}\n    first(x, h)\n    second(h, y)",
        lambda s: s.deepen("h", 64),
        depth=1,
    ),
    Case(
        transpose.transpose,
        "def kernel(y: uint64[256]):\n{}",
        lambda s: s.transpose("w"),
        depth=1,
    ),
    Case(
        pack.pack,
        "def kernel(w: {w}, x: {x}, y: uint16[4]):\n    for m in range(4):\n        acc: uint16 = 0\n"
        "        for k_o in range(16):\n{}\n        y[m] = acc",
        lambda s: [s.pack("x", 49), s.pack("w", 49)],
        depth=3,
        marks={
            "{w}": ("bit[4, 784]", "UInt(49)[4, 16] @ packed(784)"),
            "{x}": ("bit[784]", "UInt(49)[16] @ packed(784)"),
        },
    ),
]


def examples(text: str) -> list[tuple[str, str]]:
    """The (before, after) of each example of a docstring."""
    blocks = re.findall(r"(?:^ {4,}.*\n|^\n)+", inspect.cleandoc(text) + "\n", re.MULTILINE)
    found = []
    for block in blocks:
        lines = block.strip("\n").split("\n")
        if not any("->" in line for line in lines) or lines[0].lstrip().startswith("ScheduleError"):
            continue
        found.append(columns(lines))
    return found


def columns(lines: list[str]) -> tuple[str, str]:
    """Cut lines into the left and the right column; a line that is `->` alone cuts into above and below."""
    if any(line.strip() == "->" for line in lines):
        at = next(i for i, line in enumerate(lines) if line.strip() == "->")
        return dedent(lines[:at]), dedent(lines[at + 1 :])
    first = re.match(r"(\s*\S+(?: \S+)*)(?:\s+->)?\s\s+", lines[0])
    assert first is not None, lines[0]
    right = first.end()
    left = [re.sub(r"\s*->\s*$", "", line[:right].rstrip()) for line in lines]
    return dedent(left), dedent([line[right:] for line in lines])


def dedent(lines: list[str]) -> str:
    text = [line for line in lines if line.strip()]
    margin = min(len(line) - len(line.lstrip()) for line in text)
    return "\n".join(line[margin:] for line in text)


def expanded(text: str, macros: dict[str, str]) -> str:
    """`text` with each call of a macro, to any depth, written out."""
    for name, pattern in macros.items():
        while match := re.search(rf"(?<![\w.]){name}\(", text):
            depth, at = 1, match.end()
            while depth:
                depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[at], 0)
                at += 1
            args = re.split(r",\s*(?![^\[(]*[\])])", text[match.end() : at - 1])
            text = text[: match.start()] + pattern.format(*args) + text[at:]
    return text


def program(given: Case, column: str, after: bool) -> Program:
    text = expanded(column, given.macros)
    whole = given.source
    for mark, texts in given.marks.items():
        whole = whole.replace(mark, texts[after])
    indented = "\n".join("    " * given.depth + line for line in text.split("\n"))
    source = "from bitfold.lang import *\nimport numpy as np\n" + CONSTANTS + whole.replace("{}", indented)
    names = re.findall(r"^def (\w+)", source, re.MULTILINE)
    return customize(load(source)[names[-1]]).program


CONSTANTS = """
W = (np.arange(1024, dtype=np.uint64) * 7).reshape(256, 4)
W_t = np.ascontiguousarray(W.T)

"""


@pytest.mark.parametrize("given", CASES, ids=lambda c: f"{c.documented.__name__}-{c.number}")
def test_the_example_of_a_docstring_is_what_the_primitive_does(given: Case) -> None:
    before, after = examples(inspect.getdoc(given.documented) or "")[given.number]
    start, expected = program(given, before, False), program(given, after, True)
    s = Schedule(start)
    given.step(s)
    assert s.program.functions == expected.functions
    args = inputs(start, 1)
    assert_same(python_result(s.program, args), python_result(start, args))


def test_every_documented_example_is_tested() -> None:
    for name, primitive in PRIMITIVES.items():
        shown = len(examples(inspect.getdoc(primitive) or ""))
        tested = {c.number for c in CASES if c.documented is primitive}
        assert tested == set(range(shown)), name
