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
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import FunctionType
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tests.kernel_writer import Array, Draw, Measure, Rules, Writer, draw_array, formal_of, int_types

from bitfold.frontend import parse
from bitfold.ir.nodes import Program
from bitfold.lang import FixedType, FloatType, specialize, typed
from bitfold.lang.state import is_state
from bitfold.lang.types import ElementType

__all__ = [
    "KernelCase",
    "assert_same",
    "int_types",
    "kernels",
    "load",
    "random_array",
    "random_values",
]

_HEAD = "import numpy as np\n\nfrom bitfold.lang import *\n"


@dataclass(frozen=True)
class KernelCase:
    """One generated kernel: `source` is a whole Python file that defines `kernel` (and perhaps `helper`)."""

    source: str
    dims: dict[str, int]

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
        whole: dict[str, np.ndarray] = {}
        given: dict[str, Any] = {}
        for p, a in zip(params, after, strict=True):
            if p.member is not None:
                name = p.member.argument
                structs = whole.setdefault(name, np.zeros(p.type.dims, p.member.struct.dtype))
                structs[p.member.field] = a
                given[name] = typed(structs, p.member.struct)
            elif not p.result:
                view = typed(a, p.fixed or p.type.elem)
                given[p.name] = view[0] if p.scalar else view
        with np.errstate(all="ignore"):
            found = self.specialized(*given.values())
        results = iter(found if isinstance(found, tuple) else (found,))
        for p, a in zip(params, after, strict=True):
            if p.result:
                a[...] = next(results)
            elif p.member is not None:
                a[...] = whole[p.member.argument][p.member.field]
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


def random_values(elem: ElementType, count: int, rng: random.Random) -> list[Any]:
    if isinstance(elem, FloatType):
        return [elem.wrap(random_float(elem, rng)) for _ in range(count)]
    corners = [elem.low, elem.high, 0, elem.wrap(1), elem.wrap(-1)]
    return [
        rng.choice(corners) if rng.random() < 0.3 else rng.randint(elem.low, elem.high) for _ in range(count)
    ]


def random_float(elem: FloatType, rng: random.Random) -> float:
    """A float of any size; zeros of both signs, infinities, nan, and the ends of the range are common."""
    limits = np.finfo(elem.storage)
    ends = [limits.max, limits.smallest_normal, limits.smallest_subnormal, limits.eps]
    corners = [0.0, -0.0, 1.0, math.inf, math.nan, *map(float, ends)]
    form = rng.random()
    if form < 0.25:
        return rng.choice([1, -1]) * rng.choice(corners)
    if form < 0.6:
        return rng.choice([rng.randint(-300, 300) / 4, rng.gauss(0, 1)])
    return rng.choice([1, -1]) * rng.random() * 2.0 ** rng.randint(*_EXPONENTS[elem.width])


_EXPONENTS = {16: (-26, 16), 32: (-150, 128), 64: (-1074, 1023)}


def random_array(elem: ElementType | FixedType, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """An array of `elem.storage` dtype with random values that `elem` holds."""
    if isinstance(elem, FixedType):
        return elem.decode(random_array(elem.raw, shape, seed))
    values = np.empty(int(np.prod(shape)), elem.storage)
    values[:] = random_values(elem, values.size, random.Random(seed))
    return values.reshape(shape)


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
) -> KernelCase:
    """Kernels over 1 to 4 arrays with loops, conditions, local scalars and arrays, and every operator.

    Args:
        max_width: the widest element and cast, in bits; intermediate values are wider.
        max_depth: how deep expressions nest.
        constants: whether kernels read arrays captured from outside.
        calls: whether kernels call a second kernel.
        variable_bounds: whether loop bounds may depend on data and on outer loops.
        floats: whether there are floats, of all types, among the elements and scalars.
    """
    rules = Rules(max_width, max_depth, variable_bounds, floats)
    dims = {f"D{i}": draw(st.integers(1, 4)) for i in range(draw(st.integers(0, 2)))}
    head = [_HEAD]
    roms: list[Array] = []
    if constants:
        for i in range(draw(st.integers(0, 2))):
            rom = draw_array(draw, f"C{i}", rules, {}, writable=False)
            values = random_array(rom.elem, rom.shape, draw(st.integers(0, 99)))
            kind = "object" if rom.elem.storage.hasobject else f"np.{rom.elem.storage}"
            listed = str(values.tolist()).replace("inf", "np.inf").replace("nan", "np.nan")
            head.append(f"{rom.name} = typed(np.array({listed}, {kind}), {rom.elem})\n")
            roms.append(rom)
    params = [draw_array(draw, f"a{i}", rules, dims) for i in range(draw(st.integers(1, 4)))]
    used = {d: dims[d] for p in params for d in p.dims if isinstance(d, str)}
    helper = None
    if calls and draw(st.booleans()):
        chosen = [draw(st.sampled_from(params)), *draw(st.lists(st.sampled_from(params + roms), max_size=1))]
        formal = [formal_of(p, f"p{i}", writable=i == 0) for i, p in enumerate(chosen)]
        body = Writer(draw, rules, list(formal), [], None).kernel(max_statements=2)
        head.append(f"\ndef helper({', '.join(p.declaration for p in formal)}):\n{body}")
        helper = formal
    measure = None
    if calls and draw(st.booleans()):
        measure = Measure(
            formal_of(draw(st.sampled_from(params)), "p", False), draw(int_types(40)), draw(int_types(40))
        )
        writer = Writer(draw, rules, [measure.array], [], None, result=measure.result)
        writer.scalars.append(("s", measure.scalar, False))
        body = writer.kernel(max_statements=2)
        declared = f"{measure.array.declaration}, s: {measure.scalar}"
        head.append(f"\ndef measure({declared}) -> {measure.result}:\n{body}")
    body = Writer(draw, rules, list(params), roms, helper, measure=measure).kernel(max_statements=4)
    head.append(f"\ndef kernel({', '.join(p.declaration for p in params)}):\n{body}")
    return KernelCase("\n".join(head), used)
