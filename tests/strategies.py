"""Hypothesis strategies that write kernels: real Python source, which the front end parses as a user's.

    @given(kernels(), st.integers(0, 99))
    def test_something(case: KernelCase, seed: int):
        args = case.make_inputs(seed)         # logical arrays with the dtypes that the program wants
        expected = case.run(args)             # the arrays after the author's own function ran under CPython
        run_python(case.program, *args)       # in place
        assert_same(args, expected)

A generated kernel is well typed and never reads outside an array. Its declared scalars never overflow, so
the plain function and the program agree bit for bit; stores into arrays overflow freely, and wrap. Constructs
that could fail are safe by their form (a divisor is `abs(e) + 1`, an index `e % N`, a shift `UInt(3)(e)`),
not by range arithmetic, which is what many tests want to check.
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import FunctionType
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tests.writing.base import Draw, Rules, int_types
from tests.writing.files import draw_file
from tests.writing.values import random_array, random_values

from bitfold.frontend import parse
from bitfold.ir.arguments import groups
from bitfold.ir.nodes import Program
from bitfold.lang import specialize, typed
from bitfold.lang.state import is_state
from bitfold.lang.structs import Record, StructArray

__all__ = [
    "KernelCase",
    "assert_same",
    "int_types",
    "kernels",
    "load",
    "random_array",
    "random_values",
]


@dataclass(frozen=True)
class KernelCase:
    """One generated kernel: `source` is a whole Python file that defines `kernel`, and what it calls.

    `dims` are the sizes and types that names in its annotations stand for.
    """

    source: str
    dims: dict[str, Any]

    def __repr__(self) -> str:
        return f"KernelCase(dims={self.dims}, source:\n{self.source})"

    @cached_property
    def namespace(self) -> dict[str, Any]:
        return load(self.source)

    @property
    def function(self) -> FunctionType:
        """The kernel as its author would have it: an ordinary Python function."""
        found: FunctionType = self.namespace["kernel"]
        return found

    @cached_property
    def program(self) -> Program:
        return parse(self.function, **self.dims)

    def make_inputs(self, seed: int) -> list[np.ndarray]:
        """Arrays for one call, with the dtypes that a caller passes; extreme values are common.

        They are flat: an array for each number, each field of a struct, and, all 0, each result.
        """
        return random_inputs(self.program, seed)

    def reset(self) -> None:
        """Give the states their initial values again, as they are for the plain function."""
        for value in self.namespace.values():
            if is_state(value):
                value.reset()

    def run(self, args: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Copies of `args` after the plain Python function ran on them."""
        after = [a.copy() for a in args]
        params = self.program.arguments
        arrays = {p.name: a for p, a in zip(params, after, strict=True)}
        whole: dict[str, np.ndarray] = {}
        given = []
        for group in groups([p for p in params if not p.result]):
            first, made = group[0], arrays[group[0].name]
            kind: Any = first.fixed or first.type.elem
            if first.member is not None:
                kind = first.member.struct
                made = whole[first.member.argument] = np.zeros(first.type.dims, kind.dtype)
                for p in group:
                    assert p.member is not None
                    made[p.member.field] = arrays[p.name]
            view = typed(made, kind)
            given.append(view[0] if first.scalar else view)
        with np.errstate(all="ignore"):
            found = self.specialized(*given)
        results = groups([p for p in params if p.result])
        for group, value in zip(results, (found,) if len(results) == 1 else found or (), strict=True):
            for p in group:
                field = p.member.field if p.member else ""
                part = value.part(field) if isinstance(value, StructArray) else value
                arrays[p.name][...] = getattr(part, field) if isinstance(part, Record) else part
        for p in params:
            if p.member is not None and not p.result:
                arrays[p.name][...] = whole[p.member.argument][p.member.field]
        return after

    @cached_property
    def specialized(self) -> FunctionType:
        """The plain function with the names of types and sizes in its body bound."""
        return specialize(self.function, **self.dims) if self.dims else self.function

    def run_calls(self, calls: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
        """What `run` gives for one call after the other, from the initial states on."""
        self.reset()
        return [self.run(args) for args in calls]


def random_inputs(program: Program, seed: int) -> list[np.ndarray]:
    """Random arguments for one call of a program; see `KernelCase.make_inputs`."""
    found = []
    for i, p in enumerate(program.arguments):
        made = random_array(p.fixed or p.type.logical.elem, p.type.logical.dims, seed + 7919 * i)
        found.append(np.zeros_like(made) if p.result else made)
    return found


_files = itertools.count()


def load(source: str) -> dict[str, Any]:
    """The namespace of a module with this source, which `inspect` and the front end can read back."""
    name = f"<generated kernel {next(_files)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": "generated_kernel"}
    exec(compile(source, name, "exec", dont_inherit=True), namespace)
    return namespace


def assert_same(actual: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    """Fail unless both lists hold equal arrays."""
    for i, (a, b) in enumerate(zip(actual, expected, strict=True)):
        assert same(a, b), f"argument {i}: {a.tolist()} instead of {b.tolist()}"


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays are equal; of floats, with the sign of zeros, and any nan for a nan."""
    if a.dtype.kind != "f" or a.shape != b.shape:
        return np.array_equal(a, b)
    equal = (a == b) & (np.signbit(a) == np.signbit(b))
    return a.dtype == b.dtype and bool((equal | (np.isnan(a) & np.isnan(b))).all())


@st.composite
def kernels(
    draw: Draw,
    *,
    max_width: int = 80,
    max_depth: int = 3,
    constants: bool = True,
    calls: bool = True,
    variable_bounds: bool = True,
    floats: bool = True,
    fixed: bool = True,
    structs: bool = True,
    states: bool = False,
) -> KernelCase:
    """Kernels over 1 to 4 arrays and numbers with all that the language has, but streams.

    Args:
        max_width: the widest element and cast, in bits; intermediate values are wider.
        max_depth: how deep expressions nest.
        constants: whether kernels read arrays captured from outside.
        calls: whether kernels call others, and return results.
        variable_bounds: whether loop bounds may depend on data and on outer loops.
        floats: whether there are floats, of all types, among the elements and scalars.
        fixed: whether there are numbers of fixed point.
        structs: whether there are structs.
        states: whether arrays live on from call to call: `KernelCase.run_calls` starts them anew.
    """
    rules = Rules(max_width, max_depth, variable_bounds, floats, fixed)
    return KernelCase(*draw_file(draw, rules, constants, calls, structs, states))
