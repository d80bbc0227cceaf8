"""States of structs: each field a state, the same on every rung."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.strategies import load

from bitfold import customize
from bitfold.ir.run import run_python
from bitfold.lang import Struct, int8, stateful, typed

DELAY = """
from bitfold.lang import *

Sample = Struct(re=int16, im=Fixed(16, 4), gain=float32)
line = stateful(Sample[3], Sample(re=1, im=0.5, gain=2.0))
count = stateful(Struct(n=uint8))


def delayed(p: Sample) -> Sample:
    oldest = line[0]
    line[0] = line[1]
    line[1] = line[2]
    line[2] = p
    line[1].re += 3
    return oldest


def total(s: Sample["N"]) -> int32:
    sum: int32 = 0
    for i in range(len(s)):
        sum += s[i].re
    return sum


def kernel(x: Sample[4], y: Sample[4]) -> int32:
    for i in range(4):
        y[i] = delayed(x[i])
    count[0].n += 1
    return total(line) + total(line[:2]) * count[0].n
"""


@pytest.mark.csim
def test_states_of_structs(tmp_path: Path) -> None:
    names = load(DELAY)
    sample, line, kernel = names["Sample"], names["line"], names["kernel"]
    program = customize(kernel).program
    x = np.array([(i, i / 4, 2 * i) for i in range(4)], sample.dtype)
    rungs: dict[str, Callable[..., int]] = {
        "Python": lambda x, y: kernel(typed(x, sample), typed(y, sample)),
        "LLVM": customize(kernel).build(),
        "C++": customize(kernel).build(target="hls", project=tmp_path / "delay"),
        "program": lambda x, y: run_python(program, x, y),
    }
    found: dict[str, list[object]] = {name: [] for name in rungs}
    for _ in range(2):
        for name, run in rungs.items():
            y = np.zeros(4, sample.dtype)
            found[name] += [run(x.copy(), y), y.tolist()]
    assert found["LLVM"] == found["Python"] == found["C++"] == found["program"]
    assert found["Python"][0] != found["Python"][2], "it remembers"
    line.reset()
    assert line.values.tolist() == [(1, 0.5, 2.0)] * 3


def test_what_states_of_structs_start_from() -> None:
    pair = Struct(re=int8, im=int8)
    values = np.array([(1, 2), (3, 4)], pair.dtype)
    assert stateful(pair[2], values).values.tolist() == [(1, 2), (3, 4)]
    assert stateful(pair[2], typed(values, pair)).values.tolist() == [(1, 2), (3, 4)]
    assert stateful(pair).values.tolist() == [(0, 0)]
    with pytest.raises(ValueError, match="the initial value is a Struct"):
        stateful(pair[2], 5)
    with pytest.raises(ValueError, match="the initial value is a Struct"):
        stateful(pair[2], np.zeros(2, np.int8))
    with pytest.raises(ValueError, match="shape"):
        stateful(pair[3], values)
    with pytest.raises(ValueError, match="300 is outside int8"):
        stateful(pair[2], np.array([(300, 0), (0, 0)], [("re", np.int16), ("im", np.int8)]))
    with pytest.raises(TypeError, match="dimensions"):
        stateful(pair["N"])
