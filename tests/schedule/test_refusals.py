"""Every refusal of a primitive: what it says, and that it changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.schedule import kernels_used as k

from bitfold.diagnostics import ScheduleError
from bitfold.schedule import Partition, Schedule, customize

Step = Callable[[Schedule], Any]

DENSE = {"M": 4, "K": 8}
CYCLIC = Partition.Cyclic


def fold(s: Schedule, pe: int) -> None:
    s.split("m", pe)


# (kernel, dims, steps that are granted, the step that is refused)
REFUSED: list[tuple[Any, dict[str, int], list[Step], Step]] = [
    # names
    (k.dense, DENSE, [], lambda s: s.split("kk", 2)),
    (k.dense, DENSE, [], lambda s: s.split(3, 2)),  # type: ignore[arg-type]
    (k.dense, DENSE, [], lambda s: s.partition("ww")),
    (k.chain, {}, [], lambda s: s.at("copy")),
    (k.chain, {}, [], lambda s: s.split("copy_2:i", 2)),
    (k.dense, DENSE, [lambda s: s.split("k", 4)], lambda s: s.pipeline("k")),
    # split
    (k.dense, DENSE, [], lambda s: s.split("k", 3)),
    (k.dense, DENSE, [], lambda s: s.split("k", 0)),
    (k.dense, DENSE, [], lambda s: s.split("k", 9, cut=True)),
    (k.dense, DENSE, [], lambda s: s.split("k", 2.0)),  # type: ignore[arg-type]
    (k.triangle, {}, [], lambda s: s.split("j", 2)),
    (k.dense, DENSE, [lambda s: s.pipeline("k")], lambda s: s.split("k", 4)),
    (k.dense, DENSE, [], lambda s: s.split("k", 3, cut=True, guard=True)),
    # tile
    (k.inner, {}, [], lambda s: s.tile("i", "j", 2, 3)),
    (k.skewed, {}, [], lambda s: s.tile("i", "j", 7, 1)),
    (k.chain, {}, [], lambda s: s.tile("copy_0:i", "copy_1:i", 2, 2)),
    # reorder
    (k.skewed, {}, [], lambda s: s.reorder("j", "i")),
    (k.triangle, {}, [], lambda s: s.reorder("j", "i")),
    (k.guarded, {}, [], lambda s: s.reorder("j", "i")),
    (k.counted, {}, [], lambda s: s.reorder("j", "i")),
    (k.dense, DENSE, [], lambda s: s.reorder("m")),
    (k.dense, DENSE, [], lambda s: s.reorder()),
    (k.nest, {}, [], lambda s: s.reorder("k", "i")),
    (k.nest, {}, [], lambda s: s.reorder("z", "i")),
    (k.nest, {}, [lambda s: s.pipeline("k")], lambda s: s.reorder("k", "j")),
    (k.calls, {}, [], lambda s: s.reorder("j", "i")),
    (k.chain, {}, [], lambda s: s.reorder("copy_0:i", "copy_1:i")),
    # fuse
    (k.flat, {}, [], lambda s: s.fuse("i")),
    (k.flat, {}, [], lambda s: s.fuse("j", "i")),
    (k.dense, DENSE, [], lambda s: s.fuse("m", "k")),
    (k.triangle, {}, [], lambda s: s.fuse("i", "j")),
    (k.flat, {}, [lambda s: s.pipeline("j")], lambda s: s.fuse("i", "j")),
    (k.chain, {}, [], lambda s: s.fuse("copy_0:i", "copy_1:i")),
    # fission
    (k.steps, {}, [], lambda s: s.fission("i", 0)),
    (k.steps, {}, [], lambda s: s.fission("i", 4)),
    (k.steps, {}, [], lambda s: s.fission("i", "i")),
    (k.steps, {}, [], lambda s: s.fission("i", 3)),
    (k.feedback, {}, [], lambda s: s.fission("i", 1)),
    (k.calls, {}, [], lambda s: s.fission("i", "j")),
    (k.counted, {}, [], lambda s: s.fission("i", 1)),
    (k.steps, {}, [lambda s: s.pipeline("i")], lambda s: s.fission("i", 2)),
    # unroll_jam
    (k.flat, {}, [], lambda s: s.unroll_jam("j", 2)),
    (k.flat, {}, [], lambda s: s.unroll_jam("i", 3)),
    (k.skewed, {}, [], lambda s: s.unroll_jam("i", 7)),
    (k.flat, {}, [lambda s: s.pipeline("j")], lambda s: s.unroll_jam("i", 2)),
    # unroll and pipeline
    (k.dense, DENSE, [], lambda s: s.unroll("k", 3)),
    (k.dense, DENSE, [lambda s: s.pipeline("m")], lambda s: s.unroll("k", 2)),
    (k.dense, DENSE, [lambda s: s.pipeline("k")], lambda s: s.unroll("k", 2)),
    (k.dense, DENSE, [], lambda s: s.pipeline("k", ii=0)),
    (k.dense, DENSE, [lambda s: s.pipeline("m")], lambda s: s.pipeline("k")),
    (k.dense, DENSE, [lambda s: s.pipeline("k")], lambda s: s.pipeline("m")),
    (k.repeated, {}, [], lambda s: s.pipeline("i")),
    (k.triangle, {}, [], lambda s: s.pipeline("i")),
    (k.image, {}, [lambda s: s.pipeline("j")], lambda s: s.pipeline("i", rewind=True)),
    (k.steps, {}, [], lambda s: s.pipeline("i", rewind=True)),
    (k.computes, {}, [lambda s: s.inline("copy")], lambda s: s.pipeline("i", rewind=True)),
    (k.guarded, {}, [], lambda s: s.pipeline("j", rewind=True)),
    (k.image, {}, [lambda s: s.unroll("i")], lambda s: s.pipeline("j", rewind=True)),
    # parallel
    (k.total, {}, [], lambda s: s.parallel("i")),
    (k.skewed, {}, [], lambda s: s.parallel("i")),
    (k.skewed, {}, [], lambda s: s.parallel("i", unsafe=True)),
    (k.permuted, {}, [], lambda s: s.parallel("i")),
    (k.triangle, {}, [], lambda s: s.parallel("j")),
    (k.repeated, {}, [], lambda s: s.parallel("i")),
    (k.image, {}, [lambda s: s.pipeline("i")], lambda s: s.parallel("j")),
    (k.product, {}, [lambda s: s.parallel("m")], lambda s: s.parallel("m")),
    (k.nest, {}, [lambda s: s.parallel("j")], lambda s: s.reorder("j", "i")),
    # unsafe
    (k.hashed, {}, [], lambda s: s.reorder("j", "i")),
    (k.skewed, {}, [], lambda s: s.reorder("j", "i", unsafe=True)),
    (k.float_total, {}, [], lambda s: s.reorder("j", "i")),
    (k.float_total, {}, [], lambda s: s.parallel("i", unsafe=True)),
    (k.feedback, {}, [], lambda s: s.fission("i", 1, unsafe=True)),
    # partition
    (k.dense, DENSE, [], lambda s: s.partition("w", dim=3)),
    (k.dense, DENSE, [], lambda s: s.partition("w", CYCLIC, dim=2, factor=3)),
    (k.dense, DENSE, [], lambda s: s.partition("w", "cyclic")),  # type: ignore[arg-type]
    (k.dense, DENSE, [], lambda s: s.partition("w", dim=2, factor=2)),
    (k.dense, DENSE, [], lambda s: s.partition("w", CYCLIC, dim=2)),
    (k.dense, DENSE, [], lambda s: s.partition("acc")),
    (k.copy, {"N": 8}, [lambda s: s.stream("x")], lambda s: s.partition("x")),
    (
        k.chain,
        {},
        [lambda s: s.partition("h", CYCLIC, factor=2)],
        lambda s: s.partition("copy_0:y", Partition.Block, factor=2),
    ),
    # buffer_at
    (k.product, {}, [], lambda s: s.buffer_at("a", "m")),
    (k.product, {}, [lambda s: s.pipeline("m")], lambda s: s.buffer_at("c", "m")),
    (k.dense, DENSE, [lambda s: s.pack("y", 4)], lambda s: s.buffer_at("y", "m")),
    (k.copy, {"N": 8}, [lambda s: s.stream("y")], lambda s: s.buffer_at("y", "i")),
    (k.repeated, {}, [], lambda s: s.at("repeated").buffer_at("y", "i")),
    (k.calls, {}, [], lambda s: s.buffer_at("h", "i")),
    # reuse_at
    (k.stencil, {}, [], lambda s: s.reuse_at("y", "i")),
    (k.strided, {}, [], lambda s: s.reuse_at("y", "i")),
    (k.product, {}, [], lambda s: s.reuse_at("a", "m")),
    (k.product, {}, [], lambda s: s.reuse_at("b", "m")),
    (k.product, {}, [], lambda s: s.reuse_at("c", "m")),
    (k.backwards, {}, [], lambda s: s.reuse_at("x", "i")),
    (k.diagonal, {}, [], lambda s: s.reuse_at("x", "i")),
    (k.inner, {}, [], lambda s: s.reuse_at("a", "i")),
    (k.product, {}, [], lambda s: s.reuse_at("a", "z")),
    (k.stencil, {}, [lambda s: s.pipeline("j")], lambda s: s.reuse_at("x", "j")),
    # compute_at
    (k.reversed_use, {}, [], lambda s: s.compute_at("p", "i")),
    (k.blur, {}, [], lambda s: s.compute_at("i", "p")),
    (k.blur, {}, [], lambda s: s.compute_at("p", "p")),
    (k.between, {}, [], lambda s: s.compute_at("p", "i")),
    (k.looked_up, {}, [], lambda s: s.compute_at("k", "i")),
    (k.nest, {}, [], lambda s: s.compute_at("j", "z")),
    (k.product, {}, [], lambda s: s.compute_at("z", "n")),
    (k.blur, {}, [lambda s: s.pipeline("i")], lambda s: s.compute_at("p", "i")),
    (k.chain, {}, [], lambda s: s.compute_at("copy_0:i", "copy_1:i")),
    # pack
    (k.dense, DENSE, [], lambda s: s.pack("t", 300)),
    (k.dense, DENSE, [], lambda s: s.pack("x", 0)),
    (k.chain, {}, [lambda s: s.pack("h", 4)], lambda s: s.pack("copy_0:y", 8)),
    (k.chain, {}, [lambda s: s.partition("copy_0:y")], lambda s: s.pack("h", 4)),
    (k.copy, {"N": 8}, [lambda s: s.stream("x")], lambda s: s.pack("x", 4)),
    # stream
    (k.fan_out, {}, [], lambda s: s.stream("h")),
    (k.scattered, {}, [], lambda s: s.stream("h")),
    (k.chain, {}, [lambda s: s.stream("h")], lambda s: s.stream("h")),
    (k.chain, {}, [], lambda s: s.at("copy_0").stream("y", 2)),
    (k.chain, {}, [], lambda s: s.stream("h", depth=-1)),
    (k.chain, {}, [], lambda s: s.to("h", "copy_0")),
    (k.fan_out, {}, [], lambda s: s.to("h", "copy_1")),
    (k.chain, {}, [], lambda s: s.to("h", "copy_1", depth=1 << 21)),
    (k.chain, {}, [lambda s: s.stream("h")], lambda s: s.to("h", "copy_1")),
    (k.chain, {}, [], lambda s: s.deepen("h", 4)),
    (k.chain, {}, [lambda s: s.stream("h")], lambda s: s.deepen("h", 0)),
    (k.chain, {}, [lambda s: s.stream("h")], lambda s: s.deepen("copy_0:y", 4)),
    (k.repeated, {}, [], lambda s: s.at("copy").stream("x")),
    (k.nest, {}, [], lambda s: s.stream("t")),
    (k.copy, {"N": 8}, [lambda s: s.stream("x")], lambda s: s.stream("x")),
    (k.two, {}, [], lambda s: s.stream("x")),
    (k.repeated, {}, [], lambda s: s.stream("x")),
    (k.backwards, {}, [], lambda s: s.stream("x")),
    (k.backwards, {}, [], lambda s: s.stream("y")),
    (k.twice, {}, [], lambda s: s.stream("x")),
    (k.twice, {}, [], lambda s: s.stream("y")),
    (k.transposed, {}, [], lambda s: s.stream("x")),
    (k.early, {}, [], lambda s: s.stream("x")),
    (k.sometimes, {}, [], lambda s: s.stream("y")),
    (k.inout, {}, [], lambda s: s.stream("x")),
    (k.idle, {}, [], lambda s: s.stream("x")),
    # dataflow
    (k.fan_out, {}, [], lambda s: s.dataflow()),
    (k.computes, {}, [], lambda s: s.dataflow()),
    (k.copy, {"N": 8}, [], lambda s: s.dataflow()),
    # bind
    (k.dense, DENSE, [], lambda s: s.bind("w", "flash")),
    (k.dense, DENSE, [lambda s: s.bind("w", "bram")], lambda s: s.bind("w", "uram")),
    (k.copy, {"N": 8}, [lambda s: s.stream("x")], lambda s: s.bind("x", "bram")),
    (k.dense, DENSE, [lambda s: s.bind("w", "bram")], lambda s: s.bind("w", "registers")),
    (k.dense, DENSE, [lambda s: s.bind("w", "registers")], lambda s: s.partition("w", CYCLIC, factor=2)),
    # transpose
    (k.dense, DENSE, [], lambda s: s.transpose("w")),
    (k.chain, {}, [], lambda s: s.transpose("h")),
    (k.nest, {}, [], lambda s: s.transpose("t", 1, 1)),
    # reshape
    (k.flat, {}, [], lambda s: s.reshape("a", 24)),
    (k.two_dimensional, {}, [], lambda s: s.reshape("h", 5, 5)),
    (k.two_dimensional, {}, [], lambda s: s.reshape("h")),
    (k.two_dimensional, {}, [lambda s: s.pack("h", 3)], lambda s: s.reshape("h", 24)),
    (k.two_dimensional, {}, [lambda s: s.partition("h", dim=1)], lambda s: s.reshape("h", 24)),
    (k.chain, {}, [lambda s: s.stream("h")], lambda s: s.reshape("h", 2, 4)),
    # unfold and outline
    (k.systolic, {}, [], lambda s: s.unfold()),
    (k.systolic, {}, [], lambda s: s.unfold("j")),
    (k.systolic, {}, [], lambda s: s.unfold("i", "t")),
    (k.triangle, {}, [], lambda s: s.unfold("i", "j")),
    (k.systolic, {}, [], lambda s: s.unfold("i", "j", name="not a name")),
    (k.systolic, {}, [], lambda s: s.outline("k", "systolic")),
    (k.systolic, {}, [], lambda s: s.outline("k", "for")),
    (k.scalar_outside, {}, [], lambda s: s.unfold("i")),
    (k.scalar_outside, {}, [], lambda s: s.outline("i")),
    (k.repeated, {}, [], lambda s: s.unfold("i")),
    (k.copy, {"N": 8}, [lambda s: s.stream("x")], lambda s: s.unfold("i")),
    (k.total, {}, [lambda s: s.unroll("i")], lambda s: s.unfold("i")),
    # inline and rename
    (k.chain, {}, [], lambda s: s.inline("chain")),
    (k.chain, {}, [], lambda s: s.inline("copies")),
    (k.chain, {}, [lambda s: s.dataflow()], lambda s: s.inline("copy_0")),
    (k.chain, {}, [lambda s: s.stream("h")], lambda s: s.inline("copy_0")),
    (k.dense, DENSE, [], lambda s: s.rename("k", "acc")),
    (k.dense, DENSE, [], lambda s: s.rename("k", "for")),
    (k.dense, DENSE, [lambda s: s.split("k", 4)], lambda s: s.rename("m", "k")),
    (k.dense, DENSE, [lambda s: s.rename("k", "column")], lambda s: s.split("k", 4)),
    # compose
    (k.dense, DENSE, [], lambda s: s.compose(customize(k.copy, N=8))),
    (k.chain, {}, [], lambda s: s.compose(customize(k.copy, N=8))),
    (k.chain, {}, [], lambda s: s.compose(customize(k.copy, N=8), at="chain")),
    (k.dense, DENSE, [], lambda s: s.compose(customize(k.dense, **DENSE), pe=4)),
    (k.dense, DENSE, [], lambda s: s.compose(3)),  # type: ignore[arg-type]
    (k.dense, DENSE, [], lambda s: s.compose(fold)),
    (k.dense, DENSE, [], lambda s: s.compose(fold, pe=4, simd=2)),
]


def refusal(kernel: Any, dims: dict[str, int], granted: list[Step], refused: Step) -> str:
    s = customize(kernel, **dims)
    for step in granted:
        step(s)
    before = s.program, s.trace
    with pytest.raises(ScheduleError) as caught:
        refused(s)
    assert (s.program, s.trace) == before
    assert caught.value.span is not None
    assert caught.value.remedy
    return caught.value.render()


def test_each_refusal_names_the_line_and_a_remedy(golden: Callable[[str, str], None], repo: Path) -> None:
    texts = [refusal(*case).replace(f"{repo}/", "") for case in REFUSED]
    golden("schedule/refusals.txt", "\n\n".join(texts) + "\n")


def test_a_refused_reorder_shows_both_accesses() -> None:
    text = refusal(k.skewed, {}, [], lambda s: s.reorder("j", "i"))
    assert "cannot change places" in text
    assert "note: first, at (i=" in text
    assert "note: then, at (i=" in text
    assert text.count("b[i, j] = b[i - 1, j + 1] + 1") == 3


def test_a_refused_step_of_a_composition_undoes_the_steps_before_it() -> None:
    part = customize(k.copy, N=16)
    part.split("i", 8)
    part.split("i_o", 2)
    s = customize(k.copy, N=8)
    before = s.program, s.trace
    with pytest.raises(ScheduleError, match="cannot be split by 2"):
        s.compose(part)
    assert (s.program, s.trace) == before
