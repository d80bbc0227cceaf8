"""Whole files of generated kernels: the types, constants and states at their top, helpers, and the kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tests.writing.base import (
    Array,
    Draw,
    Elem,
    Kernel,
    Passed,
    Rules,
    StructKind,
    draw_array,
    element_types,
    formal_of,
)
from tests.writing.calls import Calls, shown
from tests.writing.expressions import Expressions
from tests.writing.fixed import Exacts
from tests.writing.flow import Flow
from tests.writing.reals import Reals
from tests.writing.statements import Statements
from tests.writing.structs import Records
from tests.writing.values import random_array
from tests.writing.wholes import Wholes

from bitfold.lang import FixedType, Int, IntType

HEAD = "import numpy as np\n\nfrom bitfold.lang import *\n"


class Writer(Flow, Statements, Wholes, Records, Calls, Expressions, Reals, Exacts):
    """Writes the body of one kernel."""

    def kernel(self, max_statements: int, nested: bool = False) -> str:
        """The body, with the names of sizes and the arrays to return at its start."""
        for array in self.arrays:
            named = not array.field and any(isinstance(d, str) for d in array.dims)
            if named:
                names = [f"{d}_{array.name}_{i}" for i, d in enumerate(array.dims)]
                names = [n if isinstance(d, str) else f"_{n}" for n, d in zip(names, array.dims, strict=True)]
                self.line(1, f"{', '.join(names)}{',' if len(names) == 1 else ''} = {array.name}.shape")
                self.dims.update(zip(names, array.shape, strict=True))
        for result in self.results:
            if isinstance(result, Array):
                kind = result.struct.name if result.struct else result.elem
                self.line(1, f"{result.name} = zeros({kind}{list(result.shape)})")
                self.arrays += result.parts
        if self.results:
            self.line(1, "z = zeros(int8[2])")
            self.arrays.append(Array("z", Int(8), (2,), (2,)))
        if nested:
            self.block(1, self.pick(range(2)))
            self.nested()
        self.block(1, self.pick(range(1, max_statements + 1)))
        self.store(1)
        if self.results:
            self.line(1, self.leave())
        return "\n".join(self.lines) + "\n"


class _File:
    """Draws a file from its top to its end."""

    def __init__(self, draw: Draw, rules: Rules) -> None:
        self.draw, self.rules = draw, rules
        self.head = [HEAD]
        self.structs: list[StructKind] = []
        self.roms: list[Array] = []
        self.states: list[Array] = []
        self.private: list[Array] = []
        self.kernels: list[Kernel] = []

    def rarely(self, times: int) -> bool:
        return bool(self.draw(st.integers(0, times - 1)) == times - 1)

    def add_structs(self) -> None:
        for i in range(self.draw(st.integers(1, 2))):
            elems = self.draw(st.lists(self.rules.elements, min_size=1, max_size=3))
            struct = StructKind(f"S{i}", tuple(zip(("re", "im", "w"), elems, strict=False)))
            self.head.append(struct.definition + "\n")
            self.structs.append(struct)

    def add_constants(self) -> None:
        for i in range(self.draw(st.integers(0, 2))):
            rom = draw_array(self.draw, f"C{i}", self.rules, {}, writable=False)
            made = _literal(rom.elem, rom.shape, self.draw(st.integers(0, 99)))
            self.head.append(f"{rom.name} = typed({made}, {rom.elem})\n")
            self.roms.append(rom)
        for struct in self.structs if self.rarely(2) else ():
            count = self.draw(st.integers(1, 3))
            rows = [
                tuple(_number(elem, self.draw(st.integers(-9, 300))) for _, elem in struct.fields)
                for _ in range(count)
            ]
            name = f"R{struct.name}"
            made = f"np.array({rows}, {struct.name}.dtype)"
            self.head.append(f"{name} = typed({made}, {struct.name})\n")
            whole = Array(name, struct.fields[0][1], (count,), (count,), writable=False, struct=struct)
            self.roms += whole.parts

    def add_states(self) -> None:
        """States that kernels are passed, and private ones that they only name."""
        for i in range(self.draw(st.integers(1, 3))):
            rules = replace(self.rules, fixed=False)
            state = replace(draw_array(self.draw, f"L{i}", rules, {}), outside=True)
            if self.structs and self.rarely(4):
                state = replace(state, struct=self.draw(st.sampled_from(self.structs)))
                self.head.append(f"{state.name} = stateful({state.annotation})\n")
                (self.private if i else self.states).append(state)
                continue
            initial = self.draw(
                st.sampled_from(
                    ["", "" if state.elem == Int(1) else ", 1", f", {_literal(state.elem, state.shape, i)}"]
                )
            )
            self.head.append(f"{state.name} = stateful({state.annotation}{initial})\n")
            (self.private if i else self.states).append(state)

    def array(self, name: str, dims: dict[str, int], types: dict[str, Elem]) -> Array:
        made = draw_array(self.draw, name, self.rules, dims, types=types)
        if self.structs and self.rarely(3):
            return replace(made, struct=self.draw(st.sampled_from(self.structs)), type_name="")
        return made

    def number(self) -> Elem | StructKind:
        """The type of a number that is passed, or a struct; one of 64 bits counts, so it is another here."""
        if self.structs and self.rarely(3):
            chosen: StructKind = self.draw(st.sampled_from(self.structs))
            return chosen
        found: Elem = self.draw(element_types(40, self.rules.floats, self.rules.fixed))
        return found

    def draw_results(self, least: int) -> tuple[Passed, ...]:
        found: list[Passed] = []
        for i in range(self.draw(st.integers(least, 2))):
            if self.rarely(3):
                found.append(self.array(f"y{i}", {}, {}))
            else:
                found.append(self.number())
        return tuple(found)

    def add_kernel(self, name: str, near: list[Array], results: tuple[Passed, ...], sized: bool) -> None:
        """A kernel that may be called with arrays such as those in `near`, or parts of them."""
        params: list[Passed] = []
        for i in range(self.draw(st.integers(1, 2))):
            actual = self.draw(st.sampled_from([*near, *self.states, *([] if i == 0 else self.roms)]))
            if not actual.field and self.rarely(2):
                shape = tuple(self.draw(st.integers(1, size)) for size in actual.shape)
                if len(shape) == 2 and self.rarely(2):
                    shape = shape[1:]
                actual = replace(actual, shape=shape, dims=shape)
            writable = not results and i == 0
            params.append(formal_of(actual, f"p{i}", writable, generic=self.rarely(4)))
        numbers = [self.number() for _ in range(self.draw(st.integers(1 if results else 0, 2)))]
        arrays = [part for p in params if isinstance(p, Array) for part in p.parts]
        private = self.private if self.rarely(3) else []
        arrays += [part for a in private for part in a.parts]
        writer = Writer(self.draw, self.rules, arrays, [], structs=self.structs, results=results)
        if sized:
            writer.kernels = list(self.kernels)
        for i, kind in enumerate(numbers):
            writer.enter(f"n{i}", kind)
        if not any(a.writable for a in writer.arrays) and not results:
            return
        body = writer.kernel(max_statements=2)
        declared = [p.declaration for p in params if isinstance(p, Array)]
        declared += [f"n{i}: {shown(kind)}" for i, kind in enumerate(numbers)]
        self.head.append(f"\ndef {name}({', '.join(declared)}){_arrow(results)}:\n{body}")
        writes = not results or bool(private)
        own = frozenset(a.name for a in private).union(*(k.own for k in writer.kernels))
        self.kernels.append(Kernel(name, (*params, *numbers), results, writes, own))


def draw_file(
    draw: Draw, rules: Rules, constants: bool, calls: bool, structs: bool, states: bool
) -> tuple[str, dict[str, Any]]:
    """The source of a file, and what the names in the annotations of its kernel stand for."""
    file = _File(draw, rules)
    dims = {f"D{i}": draw(st.integers(1, 4)) for i in range(draw(st.integers(0, 2)))}
    types = {"T0": draw(rules.elements)} if file.rarely(4) else {}
    if structs and file.rarely(3):
        file.add_structs()
    if constants:
        file.add_constants()
    if states and file.rarely(3):
        file.add_states()
    params = [file.array(f"a{i}", dims, types) for i in range(draw(st.integers(1, 4)))]
    used: dict[str, Any] = {d: dims[d] for p in params for d in p.dims if isinstance(d, str)}
    used |= {p.type_name: types[p.type_name] for p in params if p.type_name}
    numbers: list[Elem | StructKind] = []
    results: tuple[Passed, ...] = ()
    if calls:
        numbers = [file.number() for _ in range(draw(st.sampled_from([0, 0, 1, 2])))]
        results = file.draw_results(1) if file.rarely(3) else ()
        if file.rarely(2):
            file.add_kernel("helper", params, (), sized=False)
        if file.rarely(2):
            file.add_kernel("measure", params, file.draw_results(1), sized=True)
    arrays = [part for a in (*params, *file.states, *file.private) for part in a.parts]
    writer = Writer(draw, rules, arrays, file.roms, list(file.kernels), file.structs, results)
    for i, kind in enumerate(numbers):
        writer.enter(f"n{i}", kind)
    body = writer.kernel(max_statements=4, nested=calls and file.rarely(5))
    declared = [p.declaration for p in params] + [f"n{i}: {shown(kind)}" for i, kind in enumerate(numbers)]
    file.head.append(f"\ndef kernel({', '.join(declared)}){_arrow(results)}:\n{body}")
    return "\n".join(file.head), used


def _arrow(results: tuple[Passed, ...]) -> str:
    listed = ", ".join(map(shown, results))
    return f" -> ({listed})" if len(results) > 1 else f" -> {listed}" if results else ""


def _number(elem: Elem, value: int) -> int | float:
    """What a field of that type holds of `value`."""
    found = elem.wrap(value)
    return int(found) if isinstance(elem, IntType) else float(found)


def _literal(elem: Elem, shape: tuple[int, ...], seed: int) -> str:
    """An array of random values, as a call that makes it."""
    values = random_array(elem, shape, seed)
    kind = "object" if elem.storage.hasobject else f"np.{elem.storage}"
    listed = str(values.tolist()).replace("inf", "np.inf").replace("nan", "np.nan")
    if isinstance(elem, FixedType):
        listed = str(np.vectorize(float, otypes=[object])(values).tolist())
        return f"quantize({listed}, {elem})"
    return f"np.array({listed}, {kind})"
