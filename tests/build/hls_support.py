"""What the tests of the HLS back end share: kernels from source text, golden vectors, one C simulation."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bitfold.build.hls import CsimResult, Plan, Vectors, csim, plan, write
from bitfold.frontend import parse
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import Program
from bitfold.ir.run import run_python
from bitfold.lang import IntType
from bitfold.lowering.pipeline import lower_to_hls
from bitfold.lowering.to_mlir import Lowered

Arrays = dict[str, np.ndarray]


def module_from(text: str, folder: Path, name: str) -> ModuleType:
    """Import kernels from source text, which the front end reads back from the file."""
    file = folder / f"{name}.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def values(type: IntType, count: int, rng: random.Random) -> np.ndarray:
    """Random values of a type, half of them at or near its ends and zero."""
    edges = [type.low, type.high, 0, 1, -1, type.low + 1, type.high - 1, 3]
    pool = [type.wrap(e) for e in edges] + [type.wrap(rng.getrandbits(type.width)) for _ in range(len(edges))]
    return np.array([rng.choice(pool) for _ in range(count)], type.storage)


def golden(program: Program, images: int, rng: random.Random) -> Vectors:
    """Random inputs and what plain Python makes of them; parameters that are only written start as 0."""
    top = program.top
    effects = dict(zip([p.name for p in top.params], parameter_effects(program, top), strict=True))
    before: Arrays = {}
    for p in top.params:
        logical = p.type.logical
        if effects[p.name] == (False, True):
            before[p.name] = np.zeros((images, *logical.dims), logical.elem.storage)
        else:
            count = images * int(np.prod(logical.dims))
            before[p.name] = values(logical.elem, count, rng).reshape(images, *logical.dims)
    after = {n: a.copy() for n, a in before.items()}
    for i in range(images):
        run_python(program, *(after[p.name][i] for p in top.params))
    return Vectors(
        inputs={n: a for n, a in before.items() if effects[n] != (False, True)},
        outputs={n: a for n, a in after.items() if effects[n][1]},
    )


def project_plan(kernel: Callable[..., Any], name: str, images: int = 2) -> Plan:
    """The project of a kernel with random golden vectors."""
    program = parse(kernel)
    return plan(lower_to_hls(program), golden(program, images, random.Random(7)), name)


def simulate(
    kernel: Callable[..., Any],
    folder: Path,
    *,
    images: int = 4,
    change: Callable[[Lowered], None] | None = None,
    like_synthesis: bool = False,
    dims: Mapping[str, int] | None = None,
) -> CsimResult:
    """Compare a kernel's C++ with plain Python on random inputs; the golden outputs come back as well."""
    program = parse(kernel, **(dims or {}))
    vectors = golden(program, images, random.Random(7))
    lowered = lower_to_hls(program)
    if change is not None:
        change(lowered)
    found = csim(write(plan(lowered, vectors, "design"), folder / "project"), like_synthesis=like_synthesis)
    assert (found.images, found.mismatches, found.detail) == (images, 0, "")
    for name, expected in vectors.outputs.items():
        assert np.array_equal(found.outputs[name], expected), name
    return found
