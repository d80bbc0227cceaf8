"""Each primitive's work, as compiled HLS C++: the same bits as the unscheduled kernels under Python.

All of them are called by one top kernel, and so compiled at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.schedule import kernels_used as k
from tests.schedule.ladder import inputs, python_result
from tests.strategies import assert_same, load

from bitfold.build.hls.simulation import HlsModule
from bitfold.schedule import Partition, Schedule, customize
from bitfold.schedule.on_arrays import ArrayPrimitives
from bitfold.schedule.on_loops import LoopPrimitives

Step = Callable[[Schedule], Any]


def window(s: Schedule) -> None:
    """Line and window buffers of a stencil, as one pipeline."""
    lines = s.reuse_at("x", "i")
    made = s.reuse_at(lines, "j")
    s.partition(lines, dim=1)
    s.bind(made, "registers")
    s.pipeline("j")


# A kernel without dimensions to resolve, and its schedule.
PARTS: list[tuple[Callable[..., None], Step]] = [
    (k.flat, lambda s: [s.split("j", 4, guard=True), s.unroll("i", 2)]),
    (k.flat, lambda s: [s.split("j", 4, cut=True), s.pipeline("j_i")]),
    (k.flat, lambda s: [s.fuse("i", "j"), s.pipeline("i_j", ii=2)]),
    (k.flat, lambda s: [s.tile("i", "j", 2, 3), s.rename("i_o", "rows"), s.parallel("j_i")]),
    (k.nest, lambda s: [s.reorder("k", "i", "j"), s.unroll("j")]),
    (k.steps, lambda s: [s.fission("i", 2), s.partition("v", Partition.Cyclic, factor=2)]),
    (k.product, lambda s: [s.unroll_jam("k", 2), s.partition("b", Partition.Block, dim=1, factor=2)]),
    (k.product, lambda s: [s.buffer_at("c", "m"), s.pipeline("n")]),
    (k.stencil, window),
    (k.padded, window),
    (k.strided, lambda s: s.reuse_at("x", "i")),
    (k.tapped, lambda s: [s.partition(s.reuse_at("x", "i")), s.pipeline("i")]),
    (k.blur, lambda s: [s.compute_at("p", "i"), s.bind("h", "lutram"), s.pipeline("i")]),
    (k.blur_twice, lambda s: [s.compute_at("p", "j"), s.pipeline("j")]),
    (k.blur_twice, lambda s: [s.reshape("h", 48), s.transpose("h")]),
    (k.with_constant, lambda s: [s.transpose("w"), s.bind("w", "bram")]),
    (k.systolic, lambda s: s.unfold("i", "j", name="pe")),
    (k.blur, lambda s: s.outline("p")),
    (k.two_dimensional, lambda s: [s.inline("inner_use"), s.reshape("h", 2, 12), s.pack("h", 4)]),
    (k.odd, lambda s: None),
    (k.permuted, lambda s: s.parallel("i", unsafe=True)),
]


def top() -> tuple[Any, list[str]]:
    """A kernel that calls all of `PARTS`, each with arrays of its own, and the names of the calls."""
    params, calls = [], []
    for number, (kernel, _) in enumerate(PARTS):
        args = []
        for p in customize(kernel).program.top.params:
            args.append(f"{p.name}{number}")
            params.append(f"{args[-1]}: {p.type}")
        calls.append(f"    {kernel.__name__}({', '.join(args)})")
    source = "from bitfold.lang import *\nfrom tests.schedule.kernels_used import *\n\n"
    source += f"def top({', '.join(params)}):\n" + "\n".join(calls) + "\n"
    return load(source)["top"]


@pytest.mark.csim
@pytest.mark.slow
def test_every_primitive_gives_the_same_bits_as_cpp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXXFLAGS", "-O0")
    s = customize(top())
    before = s.program
    instances = [c.callee for c in s.function.body]  # type: ignore[attr-defined]
    assert len(instances) == len(PARTS)
    for instance, (_, schedule) in zip(instances, PARTS, strict=True):
        schedule(s.at(instance))
    module = HlsModule(s.program, tmp_path / "parts")
    calls = [inputs(before, seed) for seed in range(3)]
    expected = [python_result(before, args) for args in calls]
    batch = [np.stack(arrays) for arrays in zip(*calls, strict=True)]
    module(*batch)
    assert_same(batch, [np.stack(arrays) for arrays in zip(*expected, strict=True)])


def test_no_primitive_is_left_out() -> None:
    """Streams and dataflow act on a top kernel, and have tests of their own."""
    methods = {
        name
        for owner in (LoopPrimitives, ArrayPrimitives)
        for name, _ in inspect.getmembers(owner, inspect.isfunction)
        if name in vars(owner) and not name.startswith("_")
    }
    text = Path(__file__).read_text()
    assert {name for name in methods if f".{name}(" not in text} == {"stream", "to", "deepen"}
