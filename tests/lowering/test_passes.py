"""The named steps of the lowering: what each shows with --print-after, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.schedule.ladder import check_python, inputs, python_result
from tests.strategies import load

from bitfold.build.llvm.jit import CpuModule
from bitfold.diagnostics import UsageError
from bitfold.ir.nodes import For, walk
from bitfold.ir.printer import program_text
from bitfold.kernels.dense import binary_dense
from bitfold.lowering.flatten import flatten_pipelines
from bitfold.lowering.pipeline import HLS_STEPS, LLVM_STEPS, Trace, lower_to_hls
from bitfold.lowering.to_mlir import module_text
from bitfold.schedule import Schedule, customize
from bitfold.schedule.shadow import shadow_words
from bitfold.schedules.folding import fold


@pytest.fixture(scope="module")
def folded() -> Schedule:
    s = customize(binary_dense, M=4, K=6)
    fold(s, pe=2, simd=3)
    return s


def test_scheduled_python(folded: Schedule, golden: Callable[[str, str], None]) -> None:
    golden("lowering/binary_dense_scheduled.py.txt", str(folded))


def test_flattened_python(folded: Schedule, golden: Callable[[str, str], None]) -> None:
    golden("lowering/binary_dense_flattened.py.txt", program_text(flatten_pipelines(folded.program)))


def test_mlir(folded: Schedule, golden: Callable[[str, str], None]) -> None:
    golden("lowering/binary_dense.mlir", module_text(lower_to_hls(folded.program)))


@pytest.mark.parametrize("step", LLVM_STEPS)
def test_each_step_to_llvm_can_be_shown(step: str, folded: Schedule) -> None:
    shown: list[str] = []
    CpuModule(folded.program, Trace.of(step, LLVM_STEPS, shown.append))
    (text,) = shown
    is_python = LLVM_STEPS.index(step) < LLVM_STEPS.index("to-mlir")
    assert ("def binary_dense(" in text) == is_python
    assert text.startswith("module") == (not is_python)
    after_arith = LLVM_STEPS.index(step) >= LLVM_STEPS.index("bf-to-arith")
    if not is_python:
        assert ("= bf." in text or '"bf.' in text) != after_arith


@pytest.mark.parametrize("step", HLS_STEPS)
def test_each_step_to_hls_can_be_shown(step: str, folded: Schedule) -> None:
    shown: list[str] = []
    lower_to_hls(folded.program, Trace.of(step, HLS_STEPS, shown.append))
    assert len(shown) == 1


def test_an_unknown_step_is_refused_with_the_steps_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        Trace.of("flatten", HLS_STEPS, print)
    assert "no pass named 'flatten'" in str(caught.value)
    assert all(step in str(caught.value) for step in HLS_STEPS)


def test_operations_know_their_line(folded: Schedule) -> None:
    lowered = lower_to_hls(folded.program)
    text = str(lowered.module.operation.get_asm(enable_debug_info=True))
    assert 'dense.py":' in text


# ---- flattening


HELPER = """
def copy(p: uint8[4], q: uint8[4]):
    q[0] = p[0]
"""
PARAMS = "a: uint8[4, 4], b: uint8[4], c: uint8[4]"


def flattened(body: str, *pipelined: str) -> Schedule:
    lines = [f"    {line}\n" for line in body.strip("\n").splitlines()]
    source = f"from bitfold.lang import *\n{HELPER}\ndef kernel({PARAMS}):\n{''.join(lines)}"
    s = customize(load(source)["kernel"])
    for loop in pipelined:
        s.pipeline(loop)
    return s


def flat_loops(s: Schedule) -> list[str]:
    return [
        stmt.var
        for stmt in walk(flatten_pipelines(s.program).top.body)
        if isinstance(stmt, For) and stmt.flatten
    ]


MERGED = {
    "work before and after": """
for i in range(4):
    s: UInt(6) = 3
    for j in range(4):
        s = UInt(6)(s + a[i, j])
    b[i] = s
""",
    "three loops, filled arrays, loops around": """
for h in range(2):
    c[h] = 0
    for i in range(4):
        t = full(uint8[2, 2], 9)
        t_0: UInt(3) = 1
        for z in range(3):
            b[z] += t_0
        for j in range(4):
            t[j // 2, h] += a[i, j]
        c[i] += t[1, 0] * t[0, 1]
    b[h] += 1
""",
    "a single iteration": """
for i in range(1):
    c[i] = 2
    for j in range(1):
        c[j] += a[i, j]
    b[i] = c[i]
""",
}
# Each: what stands in the loop over i before the last pipelined loop, that loop, and the loops to pipeline.
LAST = "    for j in range(4):\n        b[j] += a[i, j]"
DEEPER = """\
    for z in range(2):
        c[z] += 1
        for k in range(4):
            b[k] += 1
        for l in range(4):
            b[l] += c[l]
"""
KEPT = {
    "two pipelined loops": ("    for k in range(4):\n        c[k] += b[k]\n", LAST, "j", "k"),
    "a loop that starts at 1": ("", "    for j in range(1, 4):\n        b[j] += a[i, j - 1]", "j"),
    "a call beside the loop": ("    copy(b, c)\n", LAST, "j"),
    "a varying loop beside the loop": ("    for z in range(i):\n        c[z] += 1\n", LAST, "j"),
    "pipelined loops deeper beside the loop": (DEEPER, LAST, "j", "k", "l"),
}


@pytest.mark.parametrize("name", MERGED)
def test_loops_around_a_pipeline_are_merged_with_it(name: str) -> None:
    s = flattened(MERGED[name], "j")
    assert flat_loops(s)[-1] == "i"
    for seed in range(3):
        args = inputs(s.program, seed)
        check_python(s.program, args, python_result(s.program, args))


@pytest.mark.parametrize("name", KEPT)
def test_loops_that_cannot_be_merged_stay(name: str) -> None:
    before, last, *pipelined = KEPT[name]
    s = flattened(f"for i in range(4):\n{before}{last}", *pipelined)
    assert "i" not in flat_loops(s)
    for seed in range(3):
        args = inputs(s.program, seed)
        check_python(s.program, args, python_result(s.program, args))


# ---- words of outputs


@pytest.mark.parametrize(("written", "shadowed"), [("range(10)", True), ("range(1, 10)", False)])
def test_words_are_kept_beside_an_output_only_when_all_its_bits_are_set(written: str, shadowed: bool) -> None:
    source = f"""
from bitfold.lang import *

def write(p: bit[10], q: bit[10]):
    for i in {written}:
        q[i] = p[9 - i]

def kernel(x: bit[10], y: bit[10]):
    h = full(bit[10], 1)
    write(x, h)
    for i in range(10):
        y[i] = h[i]
"""
    s = customize(load(source)["kernel"])
    expected = [python_result(s.program, inputs(s.program, seed)) for seed in range(3)]
    s.pack("h", 4)
    text = program_text(shadow_words(s.program))
    assert ("q_word" in text) == shadowed
    if shadowed:  # 2 of 12 bits hold nothing, and are 0 in C++ too
        assert "q_word = zeros(" in text
    for seed in range(3):
        check_python(s.program, inputs(s.program, seed), expected[seed])


def test_a_rotating_index_in_a_loop_unrolled_by_a_factor() -> None:
    source = """
from bitfold.lang import *

def kernel(a: uint8[4], z: uint8[1]):
    for e in range(4):
        z[0] = a[(3 + e) % 4] - z[0]
"""
    s = customize(load(source)["kernel"])
    before = s.program
    s.unroll("e", 2)
    args = inputs(before, 1)
    expected = python_result(before, args)
    CpuModule(s.program)(*args)
    assert all((a == b).all() for a, b in zip(args, expected, strict=True))
