"""State that kernels keep between calls: one array, the same on every rung."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.build.hls_support import module_from
from tests.frontend.refusals import check_refused

from bitfold import Partition, customize
from bitfold.build.llvm.library import library
from bitfold.diagnostics import BuildError, DeadlockError, ScheduleError
from bitfold.ir.nodes import Program
from bitfold.ir.printer import module_text, program_text
from bitfold.ir.run import as_python, reset, run_python
from bitfold.lang import (
    Fixed,
    Int,
    Stream,
    UInt,
    bit,
    dataflow,
    empty,
    int8,
    int16,
    int32,
    stateful,
    stream,
    typed,
    uint8,
    zeros,
)
from bitfold.model.resources import estimate

TAPS = typed(np.array([3, -1, 4, -2], np.int8), int8)
line = stateful(int8[4])
count = stateful(uint8, 250)
wide = stateful(Int(100)[2, 2], np.array([[-(1 << 80), 1], [2, 1 << 90]], object))
flags = stateful(bit[70])


def fir(x: int8[1], y: int16[1]):
    for i in range(3):
        line[3 - i] = line[2 - i]
    line[0] = x[0]
    acc: int16 = 0
    for j in range(4):
        acc += line[j] * TAPS[j]
    y[0] = acc


def tick(n: uint8[1]):
    n[0] = count[0]
    count[0] = count[0] + 1


def rotate(x: Int(100)[1], y: Int(100)[1]):
    y[0] = wide[0, 0]
    for i in range(3):
        wide[i // 2, i % 2] = wide[(i + 1) // 2, (i + 1) % 2]
    wide[1, 1] = x[0]


def flip(k: uint8[1], y: bit[70]):
    flags[k[0] % 70] = 1 - flags[k[0] % 70]
    for i in range(70):
        y[i] = flags[i]


smooth = stateful(Fixed(16, 8)[2], [0.5, -1.25])
gain = stateful(Fixed(70, 60), 1.5)


def biquad(x: Fixed(16, 8)[1], y: Fixed(16, 8)[1]):
    acc: Fixed(90, 70) = x[0] * gain[0] + smooth[0] / 2 - smooth[1] / 4
    smooth[1] = smooth[0]
    smooth[0] = acc
    gain[0] = -gain[0]
    y[0] = smooth[0]


def fir_reference(xs: np.ndarray) -> np.ndarray:
    """What `fir` gives for each of `xs`, from zeros on."""
    padded = np.concatenate([np.zeros(3, np.int64), xs.astype(np.int64)])
    return np.array([(padded[i : i + 4][::-1] * np.asarray(TAPS)).sum() for i in range(len(xs))], np.int16)


def each_call(run: Callable[..., Any], xs: np.ndarray, out: Any) -> np.ndarray:
    """The output of one call for each of `xs`."""
    found = []
    for x in xs:
        y = np.zeros(1, out)
        run(np.array([x], xs.dtype), y)
        found.append(y[0])
    return np.array(found, out)


SIGNAL = np.random.default_rng(3).integers(-128, 128, 9).astype(np.int8)


def test_every_rung_starts_from_the_initial_state_and_remembers(tmp_path: Path) -> None:
    s = customize(fir)
    line.reset()
    expected = fir_reference(SIGNAL)
    plain = []
    for x in SIGNAL:
        y = typed(np.zeros(1, np.int16), int16)
        fir(typed(np.array([x]), int8), y)
        plain.append(y[0])
    assert plain == expected.tolist()
    cpu, text = s.build(target="llvm"), as_python(s.program)
    views = lambda x, y: text(typed(x, int8), typed(y, int16))  # noqa: E731
    assert each_call(cpu, SIGNAL, np.int16).tolist() == expected.tolist()
    assert each_call(lambda *a: run_python(s.program, *a), SIGNAL, np.int16).tolist() == expected.tolist()
    assert each_call(views, SIGNAL, np.int16).tolist() == expected.tolist()
    hls = s.build(target="hls", project=tmp_path / "fir")
    assert each_call(hls, SIGNAL[:2], np.int16).tolist() == expected[:2].tolist()
    assert "static ap_int<8> line[4];" in hls.code
    assert cpu.states["line"].tolist() == SIGNAL[:-5:-1].tolist() == line.tolist()


def test_a_batch_goes_in_order_and_goes_on_where_the_last_call_ended(tmp_path: Path) -> None:
    s = customize(fir)
    expected = fir_reference(SIGNAL)
    for module in (s.build(target="llvm"), s.build(target="hls", project=tmp_path / "fir")):
        y = np.zeros((9, 1), np.int16)
        module(SIGNAL[:4, None], y[:4])
        module(SIGNAL[4:, None], y[4:])
        assert y[:, 0].tolist() == expected.tolist()


def test_reset_and_a_second_build_start_anew() -> None:
    s = customize(tick)
    first, second = s.build(target="llvm"), s.build(target="llvm")
    n = np.zeros(1, np.uint8)
    for expected in (250, 251, 252, 253, 254, 255, 0, 1):  # a store wraps
        first(n)
        assert n[0] == expected
    second(n)
    assert n[0] == 250
    first.reset()
    first(n)
    assert n[0] == 250
    run_python(s.program, n)
    run_python(s.program, n)
    assert n[0] == 251
    reset(s.program)
    run_python(s.program, n)
    assert n[0] == 250
    run_python(customize(tick).program, n)
    assert n[0] == 250


def test_the_python_objects_own_values_do_not_reach_a_build() -> None:
    count[0] = 7
    n = np.zeros(1, np.uint8)
    customize(tick).build(target="llvm")(n)
    assert n[0] == 250
    tick(n)
    assert (n[0], count[0]) == (7, 8)
    count.reset()
    assert count[0] == 250


def test_wide_states_with_initial_values(tmp_path: Path) -> None:
    s = customize(rotate)
    wide.reset()
    given = [5, -6, (1 << 99) - 1, -(1 << 99), 9]
    expected = [-(1 << 80), 1, 2, 1 << 90, 5]
    xs = np.array(given, object)
    assert each_call(rotate, xs, object).tolist() == expected
    assert each_call(s.build(target="llvm"), xs, object).tolist() == expected
    hls = s.build(target="hls", project=tmp_path / "rotate")
    y = np.zeros((5, 1), object)
    hls(xs[:, None], y)
    assert y[:, 0].tolist() == expected
    assert "ap_uint<100>(" in hls.code


def test_a_scheduled_state_prints_as_python_that_parses_to_the_same(tmp_path: Path) -> None:
    s = customize(rotate)
    s.partition("wide", Partition.Complete, dim=2)
    s.bind("wide", "lutram")
    text = program_text(s.program)
    assert "wide = stateful(Int(100)[2, 2] @ complete(dim=2)" in text
    again = customize(module_from(module_text(s.program), tmp_path, "printed").rotate).program
    assert again == s.program
    _same_behaviour(again, s.program)


def _same_behaviour(a: Program, b: Program) -> None:
    for x in (1, 2, 3):
        y, z = np.zeros(1, object), np.zeros(1, object)
        run_python(a, np.array([x], object), y)
        run_python(b, np.array([x], object), z)
        assert y[0] == z[0]


def test_a_packed_state_is_the_same(tmp_path: Path) -> None:
    s = customize(flip)
    plain = s.build(target="llvm")
    s.pack("flags", 7)
    packed, hls = s.build(target="llvm"), s.build(target="hls", project=tmp_path / "flip")
    ks = np.array([[3], [69], [3], [5]], np.uint8)
    found = []
    for module in (plain, packed, hls):
        y = np.zeros((4, 70), np.uint8)
        module(ks, y)
        found.append(y)
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()
    assert found[0][3].nonzero()[0].tolist() == [5, 69]
    assert packed.states["flags"].nonzero()[0].tolist() == [5, 69]


# ---- through calls

total = stateful(int32[1])


def add(x: int8[1]):
    total[0] = total[0] + x[0]


def both(x: int8[1], y: int32[1]):
    add(x)
    add(x)
    y[0] = total[0]


def test_kernels_that_name_one_object_share_it(tmp_path: Path) -> None:
    total.reset()
    s = customize(both)
    expected = [2, 6, 12]
    xs = np.array([1, 2, 3], np.int8)
    assert each_call(both, xs, np.int32).tolist() == expected
    assert each_call(s.build(), xs, np.int32).tolist() == expected
    hls = s.build(target="hls", project=tmp_path / "both")
    assert each_call(hls, xs[:1], np.int32).tolist() == expected[:1]
    assert hls.code.count("static ap_int<32>") == 1


first_sum, second_sum = stateful(int32[1]), stateful(int32[1], 100)


def running(x: int32[1], y: int32[1], sum: int32[1]):
    sum[0] = sum[0] + x[0]
    y[0] = sum[0]


def twice(x: int32[1], y: int32[1]):
    h = empty(int32[1])
    running(x, h, first_sum)
    running(h, y, second_sum)


def test_a_state_passed_as_an_argument_belongs_to_that_call(tmp_path: Path) -> None:
    s = customize(twice)
    s.dataflow()
    hls = s.build(target="hls", project=tmp_path / "twice")
    xs = np.array([1, 1, 5], np.int32)
    expected = [101, 103, 110]
    assert each_call(s.build(), xs, np.int32).tolist() == expected
    y = np.zeros((3, 1), np.int32)
    hls(xs[:, None], y)
    assert y[:, 0].tolist() == expected
    top = hls.code[hls.code.index("void twice(") :]
    assert "static" not in top  # each process keeps its own
    assert "static ap_int<32> sum[1] =" in hls.code


@dataflow
def shared(x: int8[1], y: int32[1], z: int32[1]):
    add(x)
    running(y, z, total)


def test_one_process_owns_a_state(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="the state 'total' is used by 'add' and 'running'"):
        customize(shared).build(target="hls", project=tmp_path / "shared")
    assert not (tmp_path / "shared").exists()


def test_a_state_is_not_streamed() -> None:
    s = customize(twice)
    with pytest.raises(ScheduleError, match="is a state, whose elements stay where they are"):
        s.at("running_0").stream("sum")
    with pytest.raises(ScheduleError, match="is a state"):
        s.stream("first_sum")


def test_a_states_memory_is_counted() -> None:
    items = estimate(customize(fir).program).items
    assert any("line" in item.what for item in items)
    assert not any("port" in item.what and "line" in item.what for item in items)


# ---- networks

seen = stateful(int32[1])


def numbered(x: int8[4], c: Stream[int32, 2]):
    for i in range(4):
        seen[0] = seen[0] + x[i]
        c.put(seen[0])


def taken(c: Stream[int32, 2], y: int32[4]):
    for i in range(4):
        y[i] = c.get()
    if y[0] > 100:
        y[0] = c.get()


def net(x: int8[4], y: int32[4]):
    c = empty(Stream[int32, 2])
    numbered(x, c)
    taken(c, y)


def test_a_process_keeps_a_state_and_a_failed_call_leaves_it(tmp_path: Path) -> None:
    s = customize(net)
    module = s.build()
    xs = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.int8)
    y = np.zeros((2, 4), np.int32)
    module(xs, y)
    assert y.tolist() == [[1, 3, 6, 10], [15, 21, 28, 36]]
    before = y.copy()
    with pytest.raises(DeadlockError):
        module(np.full((2, 4), 60, np.int8), y)
    assert (y == before).all()
    assert module.states["seen"].tolist() == [36]
    for row in range(2):
        z = np.zeros(4, np.int32)
        run_python(s.program, xs[row], z)
        assert (z == y[row]).all()
    with pytest.raises(DeadlockError):
        run_python(s.program, np.full(4, 90, np.int8), z)
    hls = s.build(target="hls", project=tmp_path / "net")
    out = np.zeros((2, 4), np.int32)
    hls(xs, out)
    assert (out == before).all()


# ---- what `stateful` takes


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: stateful(int8[2], [1, 2, 3]), "shape"),
        (lambda: stateful(int8[2], 128), "outside int8"),
        (lambda: stateful(int8[2], 0.5), "outside int8"),
        (lambda: stateful(UInt(3)["N"]), "not all known"),
        (lambda: stateful(Stream[int8, 4]), "a state is an array"),
        (lambda: stateful(int8[4] @ stream), "a state is an array"),
        (lambda: stateful(3), "a state is an array"),
    ],
)
def test_what_cannot_be_a_state(make: Callable[[], Any], says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        make()


def test_a_c_program_keeps_the_state_itself() -> None:
    header = library(customize(fir).program).header
    assert "line: int8[4], written; kept between calls: one array for all of them, at first" in header
    assert "int8_t *line" in header


offsets = stateful(int8[2], 7)
TABLE = typed(np.array([[1, 2, 3], [4, 5, 6]], np.int8), int8)


def looked_up(y: int8[2]):
    t = zeros(int8[2, 2])
    for i in range(2):
        t[i, 1] = TABLE[i, 2]
        y[i] = offsets[i] + t[i, 1]
        offsets[i] = y[i]


@pytest.mark.parametrize("change", ["reshape", "transpose"])
def test_initial_values_stay_when_another_array_is_laid_out_anew(change: str) -> None:
    s = customize(looked_up)
    if change == "reshape":
        s.reshape("t", 4)
        s.reshape("TABLE", 6)
    else:
        s.transpose("TABLE")
    y = np.zeros(2, np.int8)
    module = s.build()
    module(y)
    module(y)
    assert y.tolist() == [13, 19]
    with pytest.raises(ScheduleError, match="is a state, which starts in its own shape"):
        s.reshape("offsets", 1, 2)


def test_a_state_of_fixed_point_is_the_same_numbers_everywhere(tmp_path: Path) -> None:
    s = customize(biquad)
    x = np.random.default_rng(3).integers(-2000, 2000, (7, 1)) / 256
    found: dict[str, np.ndarray] = {name: np.zeros((7, 1)) for name in ("Python", "IR", "LLVM", "C++")}
    smooth.reset()
    gain.reset()
    for i in range(7):
        biquad(typed(x[i], Fixed(16, 8)), typed(found["Python"][i], Fixed(16, 8)))
        run_python(s.program, x[i].copy(), found["IR"][i])
    module = s.build()
    module(x, found["LLVM"])
    s.build(target="hls", project=tmp_path / "biquad")(x, found["C++"])
    for name, y in found.items():
        assert (y == found["Python"]).all(), name
    assert module.states["smooth"].tolist() == smooth.tolist()
    assert module.states["gain"][0] == -1.5 == gain[0]
    module.reset()
    assert module.states["smooth"].tolist() == [0.5, -1.25]
    smooth.reset()
    assert str(smooth) == "[ 0.5  -1.25]"


def test_states_of_fixed_point_start_from_what_they_hold() -> None:
    with pytest.raises(ValueError, match="holds 0"):
        stateful(Fixed(8, 4)[2], 0.3)
    with pytest.raises(ValueError, match="shape"):
        stateful(Fixed(8, 4)[2], [1, 2, 3])


def test_a_state_passed_to_a_kernel_that_uses_it_is_refused() -> None:
    check_refused(
        "from bitfold.lang import *\n\nkept = stateful(int8[2])\n\n\n"
        "def add(a: int8[2]):\n    kept[0] += a[1]\n\n\n"
        "def kernel(x: int8[2]):\n    add(«kept»)\n",
        "'add' is passed the state 'kept', which it uses itself",
        "alone",
    )
