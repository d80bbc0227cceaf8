"""Random feed-forward networks: every rung agrees, and the depths that a deadlock's report names suffice."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.build.hls_support import simulate
from tests.schedule.ladder import inputs
from tests.strategies import assert_same, load

from bitfold.build.llvm.jit import CpuModule
from bitfold.diagnostics import DeadlockError
from bitfold.frontend import parse
from bitfold.ir.nodes import Program
from bitfold.ir.printer import module_text
from bitfold.ir.run import run_python
from bitfold.lang import typed
from bitfold.lowering import channels

SIZE = 6
TYPES = ("int8", "uint8", "bit", "Int(5)", "UInt(33)", "Int(70)")


class Edge:
    """A stream from one kernel to another; with `counted`, a first element says how many follow."""

    def __init__(self, number: int, draw: Callable[..., int]) -> None:
        self.name = f"c{number}"
        self.type = TYPES[draw(len(TYPES))]
        self.depth = 1 + draw(3)
        self.count = 1 + draw(SIZE)
        self.counted = self.type != "bit" and draw(4) == 0

    def put(self, index: str, indent: str) -> str:
        return f"{indent}acc = int32(acc * 5 + x[{index} % {SIZE}])\n{indent}{self.name}.put(acc)\n"

    def get(self, indent: str) -> str:
        return f"{indent}acc = int32(acc * 3 + {self.name}.get())\n"

    def puts(self) -> str:
        if self.counted:
            return (
                f"    n_{self.name}: uint8 = uint8(acc) % {self.count + 1}\n"
                f"    {self.name}.put(n_{self.name})\n"
                f"    for i in range(n_{self.name}):\n{self.put('i', '        ')}"
            )
        return f"    for i in range({self.count}):\n{self.put('i', '        ')}"

    def gets(self) -> str:
        if self.counted:
            return (
                f"    m_{self.name}: Int(70) = {self.name}.get()\n    for i in range({self.count}):\n"
                f"        if i < m_{self.name}:\n{self.get('            ')}"
            )
        return f"    for i in range({self.count}):\n{self.get('        ')}"


def together(edges: list[Edge], each: Callable[[Edge], str]) -> str:
    """One loop that serves all edges in turn, as long as each lasts."""
    body = "".join(f"        if i < {e.count}:\n{each(e)}" for e in edges)
    return f"    for i in range({max(e.count for e in edges)}):\n{body}"


def side(edges: list[Edge], in_turn: bool, put: bool) -> str:
    """How a kernel puts into its streams, or gets from them: one after the other, or in turn."""
    if edges and in_turn and not any(e.counted for e in edges):
        step = " " * 12
        return together(edges, lambda e: e.put("i", step) if put else e.get(step))
    return "".join(e.puts() if put else e.gets() for e in edges)


@st.composite
def networks(draw: st.DrawFn) -> str:
    """A file whose `kernel` reads x, sends it through 2 to 5 kernels, and writes y."""

    def pick(options: int) -> int:
        return draw(st.integers(0, options - 1))

    count = 2 + pick(4)
    pairs = [(pick(j), j) for j in range(1, count)]
    pairs += [(i, count - 1) for i in range(count - 1) if not any(a == i for a, _ in pairs)]
    pairs += [tuple(sorted((pick(count - 1), 1 + pick(count - 1)))) for _ in range(pick(3))]
    pairs = [(a, b) for a, b in pairs if a < b]
    edges = [(a, b, Edge(n, pick)) for n, (a, b) in enumerate(pairs)]
    parts = ["from bitfold.lang import *\n"]
    calls = []
    for p in range(count):
        into, out = [e for _, b, e in edges if b == p], [e for a, _, e in edges if a == p]
        arrays = [f"x: int8[{SIZE}]"] if p == 0 else [f"y: int32[{SIZE}]"] if p == count - 1 else []
        streams = [f"{e.name}: Stream[{e.type}]" for e in (*into, *out)]
        body = "    acc: int32 = 1\n" + side(into, bool(pick(2)), put=False)
        sent = side(out, bool(pick(2)), put=True)
        body += sent if p == 0 else re.sub(r"x\[i % \d+\]", "i", sent)
        if p == count - 1:
            body += "    y[0] = acc\n"
        parts.append(f"def k{p}({', '.join(arrays + streams)}):\n{body}")
        names = [a.partition(":")[0] for a in (*arrays, *streams)]
        calls.append(f"    k{p}({', '.join(names)})\n")
    declared = "".join(f"    {e.name} = empty(Stream[{e.type}, {e.depth}])\n" for _, _, e in edges)
    parts.append(f"def kernel(x: int8[{SIZE}], y: int32[{SIZE}]):\n{declared}{''.join(calls)}")
    return "\n\n".join(parts)


def as_python(source: str, args: list[np.ndarray], program: Program) -> list[np.ndarray]:
    after = [a.copy() for a in args]
    load(source)["kernel"](*(typed(a, p.type.elem) for a, p in zip(after, program.top.params, strict=True)))
    return after


def deepened(source: str, report: str) -> str:
    """The network with the declarations that a report asks for."""
    asked = re.findall(r"(\w+) = empty\((Stream\[.*?, \d+\])\)", report[report.index("help: ") :])
    assert asked, report
    for name, type in asked:
        source, changed = re.subn(rf"    {name} = empty\(.*\)\n", f"    {name} = empty({type})\n", source)
        assert changed == 1
    return source


def report(run: Callable[..., None], args: list[np.ndarray]) -> str:
    """What a network says that stands still on these arguments; "" when it comes to its end."""
    try:
        run(*(a.copy() for a in args))
    except DeadlockError as error:
        return str(error)
    return ""


def settled(source: str, args: list[np.ndarray]) -> str:
    """The network, deepened where it stands still; that report must be the same compiled."""
    program = parse(load(source)["kernel"])
    found = report(lambda *given: run_python(program, *given), args)
    if not found:
        return source
    assert report(CpuModule(program), args) == found
    return deepened(source, found)


@settings(max_examples=settings().max_examples // 2)
@given(networks(), st.integers(0, 99))
def test_python_and_cpu_agree(source: str, seed: int):
    program = parse(load(source)["kernel"])
    args = inputs(program, seed)
    expected = as_python(source, args, program)
    source = settled(source, args)
    program = parse(load(source)["kernel"])
    assert parse(load(module_text(program))["kernel"]) == program
    results = [[a.copy() for a in args] for _ in range(3)]
    run_python(program, *results[0])
    CpuModule(program)(*results[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channels, "MOST_TRIED", 0)  # kernels take turns
        CpuModule(program)(*results[2])
    for found in results:
        assert_same(found, expected)


@settings(max_examples=3)
@given(networks())
def test_cpp_agrees(source: str):
    source = re.sub(r", \d\]\)", f", {2 * SIZE}])", source)
    with TemporaryDirectory() as folder:
        simulate(load(source)["kernel"], Path(folder), images=1)


def test_some_of_the_networks_stand_still():
    """Networks that deadlock, and such as do not, are among those that are drawn."""
    seen: list[bool] = []

    @settings(max_examples=40, database=None, derandomize=True)
    @given(networks())
    def look(source: str) -> None:
        program = parse(load(source)["kernel"])
        seen.append(bool(report(lambda *args: run_python(program, *args), inputs(program, 1))))

    look()
    assert 3 <= sum(seen) <= len(seen) - 3
