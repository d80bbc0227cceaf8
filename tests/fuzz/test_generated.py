"""What random kernels and schedules have in them: all of the language, and every primitive granted."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.fuzz.cases import each_case
from tests.schedule.requests import Request, apply
from tests.strategies import KernelCase

from bitfold.schedule import customize
from bitfold.schedule.on_arrays import ArrayPrimitives
from bitfold.schedule.on_loops import LoopPrimitives

CONSTRUCTS = (
    *("= Struct(", "stateful(", "Fixed(", "float16", "typed(np.array", "quantize(", ".dtype), S"),
    *("while ", "break", "continue", "return\n", "else:", "elif ", "in static(", "in grid(", "in ():"),
    *("def helper(", "def measure(", "    def g", ") -> (", ".shape\n", '"T0[', "_T["),
    *(" @ ", ".T", "axis=0", ".sum()", "[::-1]", "[:] = ", "np.maximum(", "zeros(", "empty(", "full("),
    *("xnor(", "popcount(", "bitcast(", "concat(", "get_slice(", "set_slice(", "reverse(", "set_bit("),
)


@pytest.mark.slow
def test_every_construct_is_written_and_every_primitive_granted() -> None:
    sources: list[str] = []
    steps: Counter[str] = Counter()

    def count(kernel: KernelCase, made: list[Request]) -> None:
        s = customize(kernel.function, **kernel.dims)
        apply(s, made)
        sources.append(kernel.source)
        steps.update(step.primitive for step in s.trace)

    for seed in range(900_200, 900_208):
        each_case(seed, 50, count, shrink=False)
    whole = "\n".join(sources)
    assert [c for c in CONSTRUCTS if c not in whole] == []
    primitives = {
        name
        for kind in (LoopPrimitives, ArrayPrimitives)
        for name in vars(kind)
        if not name.startswith("_") and callable(getattr(kind, name))
    } | {"inline", "dataflow"}
    assert [p for p in sorted(primitives) if not steps[p]] == []
