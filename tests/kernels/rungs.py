"""A kernel run three ways on the same arrays: as the Python it is, as its IR in Python, and compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from bitfold import customize
from bitfold.ir.nodes import Program
from bitfold.ir.run import from_storage, run_python, to_storage
from bitfold.lang import StreamEnd, typed

Kernel = Callable[..., Any]


def run_plain(kernel: Kernel, program: Program, args: Sequence[np.ndarray]) -> None:
    """Call `kernel` itself on NumPy arrays, or the ends of streams where it has streams; changes `args`."""
    params = program.top.params
    stored = [to_storage(a, p.type).copy() for a, p in zip(args, params, strict=True)]
    kernel(
        *(
            StreamEnd(typed(s, p.type.elem)) if p.type.streamed else s
            for s, p in zip(stored, params, strict=True)
        )
    )
    for given, after, param in zip(args, stored, params, strict=True):
        given[...] = from_storage(after, param.type)


def rungs(kernel: Kernel, args: Sequence[np.ndarray], **dims: int) -> Iterator[tuple[str, list[np.ndarray]]]:
    """(which rung, the arrays after it ran on copies of `args`)."""
    schedule = customize(kernel, **dims)
    compiled = schedule.build(target="llvm")
    ways: dict[str, Callable[..., None]] = {
        "plain Python": lambda *a: run_plain(kernel, schedule.program, a),
        "IR as Python": lambda *a: run_python(schedule.program, *a),
        "LLVM": compiled,
    }
    for name, run in ways.items():
        after = [a.copy() for a in args]
        run(*after)
        yield name, after


def check(kernel: Kernel, inputs: Sequence[np.ndarray], *expected: np.ndarray, **dims: int) -> None:
    """On every rung the outputs, which follow the inputs, are as `expected`; they start out as all ones."""
    outputs = [np.ones_like(e) for e in expected]
    for rung, after in rungs(kernel, [*inputs, *outputs], **dims):
        for i, (found, wanted) in enumerate(zip(after[len(inputs) :], expected, strict=True)):
            np.testing.assert_array_equal(found, wanted, err_msg=f"output {i}, {rung}")


class Logged:
    """An array that notes the order in which its elements are read and written."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.shape = array.shape
        self.read: list[tuple[int, ...]] = []
        self.written: list[tuple[int, ...]] = []

    def __getitem__(self, index: tuple[int, ...]) -> Any:
        self.read.append(index)
        return self.array[index]

    def __setitem__(self, index: tuple[int, ...], value: int) -> None:
        self.written.append(index)
        self.array[index] = value

    @property
    def in_order(self) -> list[tuple[int, ...]]:
        """All its elements in row-major order."""
        return list(np.ndindex(*self.shape))
