"""Kernels that run at the same time: what steps before and after `dataflow` make of arrays between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.schedule.ladder import check_llvm, check_python, inputs, python_result
from tests.strategies import load

from bitfold.build.hls.simulation import HlsModule
from bitfold.diagnostics import ScheduleError
from bitfold.schedule import Schedule, customize

SOURCE = """
from bitfold.lang import *


def first(x: uint8[6], h: {type}[{shape}]):
    for i in range(6):
        h[{place}] = x[i] * 3


def second(h: {type}[{shape}], y: uint8[6]):
    for i in range(6):
        y[i] = h[{read}] + 1


def kernel(x: uint8[6], y: uint8[6]):
    h = {fill}
    first(x, h)
    second(h, y)
"""
Steps = Callable[[Schedule], None]


def made(
    place: str = "i", fill: str = "empty", shape: str = "6", type: str = "uint8", read: str = "i"
) -> Schedule:
    value = ", 1" if fill == "full" else ""
    declared = f"{fill}({type}[{shape}]{value})"
    source = SOURCE.format(type=type, shape=shape, place=place, read=read, fill=declared)
    return customize(load(source)["kernel"])


def late(s: Schedule) -> None:
    s.pack("h", 2)
    s.dataflow()


def early(s: Schedule) -> None:
    s.dataflow()
    s.pack("h", 2)


def unrolled(s: Schedule) -> None:
    s.dataflow()
    s.pack("h", 2)
    first = s.at("first")
    _, inner = first.split("i", 2)
    first.unroll(inner)


def plain(s: Schedule) -> None:
    s.dataflow()


CASES: dict[str, tuple[Schedule, Steps]] = {
    "packed, then processes": (made(), late),
    "processes, then packed": (made(), early),
    "packed and unrolled": (made(), unrolled),
    "a word holds one element": (made("i, 0", shape="6, 1", read="i, 0"), early),
    "not all lanes are used": (made(shape="7", place="6 - i", fill="zeros"), plain),
    "signed elements": (made(type="Int(5)"), early),
    "bits": (made(type="bit"), early),
    "the kernel fills": (made("i // 2", fill="full"), plain),
    "the kernel fills words": (made(fill="full"), early),
    "the kernel fills for a stream": (made("i // 2", fill="full"), lambda s: s.stream("second:h")),
}


@pytest.mark.csim
@pytest.mark.parametrize("name", list(CASES))
def test_every_rung(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXXFLAGS", "-O0")
    s, steps = CASES[name]
    before = s.program
    steps(s)
    calls = [inputs(before, seed) for seed in range(2)]
    expected = [python_result(before, args) for args in calls]
    for args, wanted in zip(calls, expected, strict=True):
        check_python(s.program, [a.copy() for a in args], wanted)
    check_llvm(s.program, (0, 1))
    module = HlsModule(s.program, tmp_path / "processes")
    assert "#pragma HLS DATAFLOW" in module.code
    batch = [np.stack(arrays) for arrays in zip(*calls, strict=True)]
    module(*batch)
    assert all((a == np.stack(b)).all() for a, b in zip(batch, zip(*expected, strict=True), strict=True))


@pytest.mark.parametrize("steps", [late, early])
def test_a_process_that_may_leave_a_lane_unset_is_refused(steps: Steps) -> None:
    s = made("x[i] % 6")
    with pytest.raises(ScheduleError, match="'first' and 'second' both read 'h'") as error:
        steps(s)
    assert "let 'first' set every lane of the words of 'h'" in str(error.value)
    assert ("after pack, " in str(error.value)) == (steps is early)
    assert ("or leave pack out" in str(error.value)) == (steps is early)
    assert ("packed" in str(s)) == (steps is late), "a refused step leaves no trace"
