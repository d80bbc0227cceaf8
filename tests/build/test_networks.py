"""Process networks, compiled: the same bits and the same reports as when they run as Python."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.build.hls_support import simulate
from tests.ir import networks
from tests.ir.test_networks import HEAD, LOOP, counted
from tests.schedule.ladder import check_llvm, check_python, inputs, python_result
from tests.strategies import assert_same, load

from bitfold import customize
from bitfold.build.llvm.jit import CpuModule
from bitfold.diagnostics import BuildError, DeadlockError, ScheduleError, StreamError
from bitfold.frontend import parse
from bitfold.ir.run import run_python
from bitfold.lang import int8, int16, typed
from bitfold.lowering.channels import channels_to_arrays, runs_in_order
from bitfold.lowering.pipeline import LLVM_STEPS, Trace, lower_to_hls
from bitfold.lowering.to_mlir import module_text

SYSTOLIC = """
W = ((3, -1, 4), (2, -5, 1))

def feed(x: int8[4], c: Stream[int16, 2], by: int16):
    for i in range(4):
        c.put(x[i] * by)

def cell(w: int16, west: Stream[int16, 2], east: Stream[int16, 2], north: Stream[int16, 2],
         south: Stream[int16, 2]):
    for _ in range(4):
        a: int16 = west.get()
        east.put(a)
        south.put(int16(north.get() + a * w))

def drop(c: Stream[int16, 2]):
    for _ in range(4):
        last: int16 = c.get()

def zero(c: Stream[int16, 2]):
    for i in range(4):
        c.put(0)

def take(a: Stream[int16, 2], b: Stream[int16, 2], c: Stream[int16, 2], y: int16[3, 4]):
    for i in range(4):
        y[0, i] = a.get()
        y[1, i] = b.get()
        y[2, i] = c.get()

def kernel(x: int8[4], z: int8[4], y: int16[3, 4]):
    across = empty(Stream[int16, 2][2, 4])
    down = empty(Stream[int16, 2][3, 3])
    feed(x, across[0, 0], 1)
    feed(z, across[1, 0], 2)
    for j in static(range(3)):
        zero(down[0, j])
    for i in static(range(2)):
        for j in static(range(3)):
            cell(W[i][j], across[i, j], across[i, j + 1], down[i, j], down[i + 1, j])
    for i in static(range(2)):
        drop(across[i, -1])
    take(down[2, 0], down[2, 1], down[2, 2], y)
"""
POLL = """
def puts(x: uint8[5], c: Stream[uint8, 2], n: uint8[1]):
    for i in range(5):
        if c.full():
            n[0] += 1
        c.put(x[i])

def gets(c: Stream[uint8, 2], y: uint8[5]):
    for i in range(5):
        y[i] = c.get() + 100 * c.empty()

def kernel(x: uint8[5], y: uint8[5], n: uint8[1]):
    c = empty(Stream[uint8, 2])
    puts(x, c, n)
    gets(c, y)
"""
ARBITER = """
def puts(x: int8[4], c: Stream[int8, 1]):
    for i in range(4):
        c.put(x[i])

def merge(a: Stream[int8, 1], b: Stream[int8, 1], y: int8[8]):
    n: uint8 = 0
    for i in range(50):
        if n < 8 and not a.empty():
            y[n] = a.get()
            n += 1
        if n < 8 and not b.empty():
            y[n] = b.get()
            n += 1

def kernel(x: int8[4], z: int8[4], y: int8[8]):
    a = empty(Stream[int8, 1])
    b = empty(Stream[int8, 1])
    puts(x, a)
    puts(z, b)
    merge(a, b, y)
"""
SILENT_FOR_ZERO = """
def puts(x: uint8[4], c: Stream[uint8]):
    for i in range(4):
        if x[i] > 0:
            c.put(x[i])

def gets(c: Stream[uint8], y: uint8[4]):
    for i in range(4):
        y[i] = c.get()

def kernel(x: uint8[4], y: uint8[4]):
    c = empty(Stream[uint8])
    puts(x, c)
    gets(c, y)
"""


def kernel_of(source: str) -> Any:
    return load(HEAD + source)["kernel"]


@pytest.mark.parametrize("kernel", [*networks.FEED_FORWARD, networks.with_filled_array, networks.feedback])
def test_compiled_for_the_cpu(kernel: Callable[..., Any]):
    check_llvm(parse(kernel), seeds=range(4))


@pytest.mark.parametrize("kernel", networks.FEED_FORWARD)
def test_compiled_from_cpp(kernel: Callable[..., Any], tmp_path: Path):
    simulate(kernel, tmp_path)


def test_each_way_to_run_is_covered():
    """Arrays with cursors, kernels in order with streams in memory, and kernels that take turns."""
    way = {}
    for kernel in (*networks.FEED_FORWARD, networks.feedback):
        program = parse(kernel)
        arrays = channels_to_arrays(program) is not program
        way[kernel.__name__] = "arrays" if arrays else "in order" if runs_in_order(program) else "turns"
    assert way == {
        "chain": "arrays",
        "filtered": "in order",
        "fanned": "in order",
        "wide": "arrays",
        "deep": "arrays",
        "with_array": "arrays",
        "crossed": "turns",
        "streamed": "in order",
        "feedback": "turns",
    }


@pytest.mark.parametrize(
    "source",
    [counted(3, 4), counted(4, 1), counted(4, 3), counted(9, 3), LOOP, SILENT_FOR_ZERO],
    ids=["starved", "blocked", "left", "blocked later", "cycle", "data"],
)
def test_a_report_is_the_same_compiled(source: str):
    program = parse(kernel_of(source))
    args = [np.zeros_like(a) for a in inputs(program, 3)]
    before = [a.copy() for a in args]
    with pytest.raises(StreamError) as as_python:
        run_python(program, *args)
    with pytest.raises(StreamError) as compiled:
        CpuModule(program)(*args)
    assert (type(compiled.value), str(compiled.value)) == (type(as_python.value), str(as_python.value))
    assert_same(args, before)


def test_the_call_of_a_batch_that_fails_is_reported_and_nothing_is_written():
    module = customize(kernel_of(SILENT_FOR_ZERO)).build()
    x, y = np.ones((5, 4), np.uint8), np.full((5, 4), 9, np.uint8)
    x[3, 1:3] = 0
    with pytest.raises(DeadlockError, match="'puts' is over after putting 2 elements into 'c'"):
        module(x, y)
    assert (y == 9).all()
    module(x[:3], y[:3])  # channels start empty again
    assert y.tolist() == [[1] * 4] * 3 + [[9] * 4] * 2


def test_a_shallow_network_is_refused_compiled_as_well():
    program = parse(networks.shallow)
    with pytest.raises(DeadlockError, match=r"a = empty\(Stream\[int8, 5\]\)"):
        CpuModule(program)(*inputs(program, 1))


def test_looks_at_a_stream_see_the_same_turns():
    program = parse(kernel_of(POLL))
    x = np.array([1, 2, 3, 4, 5], np.uint8)
    results = []
    for run in (lambda *args: run_python(program, *args), CpuModule(program)):
        y, n = np.zeros(5, np.uint8), np.zeros(1, np.uint8)
        run(x, y, n)
        results.append((y.tolist(), n.tolist()))
    assert results[0] == results[1] == ([1, 2, 3, 4, 105], [0])


def test_a_kernel_that_polls_lets_the_others_have_a_turn():
    program = parse(kernel_of(ARBITER))
    args = [np.array([1, 2, 3, 4], np.int8), np.array([-1, -2, -3, -4], np.int8)]
    results = []
    for run in (lambda *args: run_python(program, *args), CpuModule(program)):
        results.append(np.zeros(8, np.int8))
        run(*args, results[-1])
    assert results[0].tolist() == results[1].tolist()
    assert sorted(results[0].tolist()) == [-4, -3, -2, -1, 1, 2, 3, 4]


@pytest.mark.parametrize("kernel", [*networks.FEED_FORWARD, networks.feedback])
def test_every_stage_of_a_network_is_a_network(kernel: Callable[..., Any]):
    program = parse(kernel)
    args = inputs(program, 2)
    check_python(program, args, python_result(program, args))


def test_a_schedule_inside_a_network(tmp_path: Path):
    s = customize(networks.chain)
    s.stream("x")
    s.at("twice").split("i", 3)
    s.at("twice").pipeline("i_o")
    s.at("pairs").unroll("i")
    args = inputs(s.program, 2)
    check_python(s.program, args, python_result(parse(networks.chain), args))
    check_llvm(s.program, seeds=range(2))
    code = module_code(s)
    assert "#pragma HLS PIPELINE II=1" in code
    assert "hls::stream<ap_int<8>> &x, " in code
    y = np.zeros(3, np.int16)
    s.build("hls", tmp_path / "p")(args[0], y)
    assert y.tolist() == python_result(parse(networks.chain), args)[1].tolist()


def test_schedules_leave_streams_as_they_are():
    s = customize(networks.fanned)
    for change in (
        lambda: s.partition("c"),
        lambda: s.at("merge").partition("a"),
        lambda: s.pack("a", 4),
        lambda: s.stream("c"),
        lambda: s.at("middle").reorder("j", "i"),
    ):
        with pytest.raises(ScheduleError):
            change()
    assert s.program == parse(networks.fanned)


def test_big_local_arrays_fit_the_stack_of_a_process():
    """Each process has 4 arrays of 48 KiB on its stack, and calls a kernel that has as many."""
    body = "\n".join(
        f"    t{n} = zeros(uint8[49152])\n    for i in range(49152):\n        t{n}[i] = {n} + i\n"
        f"    s{n}: uint8 = t{n}[49151 - x[0]]"
        for n in range(4)
    )
    source = f"""
def inner(x: uint8[1], y: uint8[1]):
{body}
    y[0] = s0 + s1 + s2 + s3

def puts(x: uint8[1], a: Stream[uint8, 1], b: Stream[uint8, 1]):
{body}
    t = zeros(uint8[1])
    inner(x, t)
    for i in range(9):
        a.put(s0 + s1 + t[0])
        b.put(s2 + s3 + t0[i])

def gets(a: Stream[uint8, 1], b: Stream[uint8, 1], y: uint8[9]):
    for i in range(9):
        y[i] = a.get() - b.get()

def kernel(x: uint8[1], y: uint8[9]):
    a = empty(Stream[uint8, 1])
    b = empty(Stream[uint8, 1])
    puts(x, a, b)
    gets(a, b, y)
"""
    check_llvm(parse(kernel_of(source)), seeds=[1])


def test_threads_share_a_compiled_network():
    module = customize(networks.deep).build()
    inputs = np.random.default_rng(1).integers(-100, 100, (8, 500, 6), np.int8)
    found = np.zeros((8, 500, 6), np.int16)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: module(inputs[i], found[i]), range(8)))
    assert np.array_equal(found, inputs.astype(np.int16) * 2)


def test_the_pass_shows_the_records_of_streams():
    shown: list[str] = []
    CpuModule(parse(networks.fanned), Trace.of("channels-to-memory", LLVM_STEPS, shown.append))
    (text,) = shown
    assert "call @bitfold_wait(" in text
    assert '"bf.get"' not in text


def module_code(s: Any) -> str:
    from bitfold.build.hls.emit import emit

    return emit(lower_to_hls(s.program)).text


def test_hls_cpp(golden: Callable[[str, str], None]):
    golden("hls/fanned.cpp", module_code(customize(networks.fanned)))


def test_hls_asks_whether_a_stream_is_empty_or_full():
    code = module_code(customize(kernel_of(POLL)))
    assert "if (c.full()) {" in code
    assert "c.empty()" in code


def test_mlir(golden: Callable[[str, str], None]):
    golden("lowering/fanned.mlir", module_text(lower_to_hls(parse(networks.fanned))))


def test_a_cycle_has_a_project_but_no_cpp_simulation(tmp_path: Path):
    module = customize(networks.feedback).build("hls", tmp_path / "p")
    assert "#pragma HLS DATAFLOW" in (tmp_path / "p" / "feedback.cpp").read_text()
    with pytest.raises(BuildError, match="runs one kernel after the other, and cannot run 'feedback'"):
        module(np.zeros(6, np.int8), np.zeros(6, np.int16))


def test_a_project_does_not_need_an_input_that_fits(tmp_path: Path):
    module = customize(kernel_of(SILENT_FOR_ZERO)).build("hls", tmp_path / "p")
    y = np.zeros(4, np.uint8)
    module(np.array([5, 6, 7, 8], np.uint8), y)
    assert y.tolist() == [5, 6, 7, 8]
    with pytest.raises(DeadlockError):
        module(np.zeros(4, np.uint8), y)


def test_hardware_cannot_share_an_array_between_kernels_that_run_at_once():
    both = """
def puts(x: int8[4], c: Stream[int8]):
    for i in range(4):
        c.put(x[i])

def gets(x: int8[4], c: Stream[int8], y: int8[4]):
    for i in range(4):
        y[i] = c.get() + x[i]

def kernel(x: int8[4], y: int8[4]):
    c = empty(Stream[int8])
    puts(x, c)
    gets(x, c, y)
"""
    check_llvm(parse(kernel_of(both)), seeds=[1])
    with pytest.raises(BuildError, match="several kernels read x"):
        module_code(customize(kernel_of(both)))


def test_single_streams_of_an_array_join_the_cells_of_a_systolic_array(tmp_path: Path):
    kernel = load(HEAD + SYSTOLIC)["kernel"]
    s = customize(kernel)
    x, z = np.array([1, -2, 3, 100], np.int8), np.array([7, 0, -9, 5], np.int8)
    weights = np.array([[3, -1, 4], [2, -5, 1]])
    wanted = weights[0][:, None] * x + weights[1][:, None] * 2 * z.astype(np.int64)
    modules = [s.build(), s.build(target="hls", project=tmp_path / "cells")]
    for run in (kernel, lambda *args: run_python(s.program, *args), *modules):
        y = np.zeros((3, 4), np.int16)
        run(x.copy(), z.copy(), y) if run is not kernel else run(
            typed(x, int8), typed(z, int8), typed(y, int16)
        )
        assert (y == wanted).all()
