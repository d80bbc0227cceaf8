"""Hypothesis strategy for what schedules act on: nests with dependences, stencils, and nests in a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from tests.strategies import KernelCase

Draw = Callable[[st.SearchStrategy[Any]], Any]

N = 4  # the size of every dimension

_HEAD = """\
from bitfold.lang import *

"""
_HELPER = """\
def helper(p: Int(7)[4], q: bit[4]):
    for h in range(4):
        p[h] += q[h]

"""
_PARAMS = "x: bit[4], w: bit[4, 4], a: uint8[4], b: Int(7)[4, 4], c: Int(7)[4], y: bit[4], z: UInt(5)[4, 4], "
_PARAMS += "r: float32[4], g: float16[4, 4], s: Int(9)[8], u: uint8[6, 6]"


@st.composite
def nests(draw: Draw) -> KernelCase:
    """Kernels of small loop nests whose statements depend on each other in every way the analysis knows."""
    writer = _Nest(draw)
    body = writer.kernel()
    helper = _HELPER if "helper(" in body else ""
    return KernelCase(f"{_HEAD}{helper}def kernel({_PARAMS}):\n{body}", {})


@dataclass
class _Nest:
    draw: Draw
    loops: list[str] = field(default_factory=list)
    scalars: list[str] = field(default_factory=list)
    locals: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def kernel(self) -> str:
        for _ in range(self.pick(1, 1, 2, 3)):
            self.pick(self.loop, self.loop, self.loop, self.perfect, self.stencil, self.in_a_row)(1)
        return "\n".join(self.lines) + "\n"

    def loop(self, depth: int) -> None:
        var = self.name(self.pick("i", "k", "mod", "e"))
        ranges = ["4", "4", "4", "2", "1, 4", "0, 4, 2", "1", "2, 2"]
        if self.loops:
            ranges += [f"{self.pick(*self.loops)}, 4", f"UInt(2)(a[{self.index()}])"]
        self.line(depth, f"for {var} in range({self.pick(*ranges)}):")
        scalars, arrays = len(self.scalars), len(self.locals)
        self.loops.append(var)
        before, after = self.pick((0, 0), (0, 0), (1, 0), (1, 1), (2, 1))
        for _ in range(before):
            self.statement(depth + 1)
        if len(self.loops) < 3 and self.pick(True, True, False):
            self.loop(depth + 1)
        for _ in range(after):
            self.statement(depth + 1)
        self.update(depth + 1)
        self.loops.pop()
        del self.scalars[scalars:], self.locals[arrays:]

    def perfect(self, depth: int) -> None:
        """Loops of constant range with one update inside, most of which any primitive takes."""
        loops = [self.name("i") for _ in range(self.pick(1, 2, 2, 3))]
        for d, var in enumerate(loops):
            self.line(depth + d, f"for {var} in range({self.pick(4, 4, 3, 2)}):")
        inside, self.loops = self.loops, [*self.loops, *loops]
        forms = [self.update, self.update, self.store, self.floats]
        for _ in range(self.pick(1, 1, 2, 3)):
            self.pick(*forms)(depth + len(loops))
        self.loops = inside

    def stencil(self, depth: int) -> None:
        """A sum over neighbours in a line or an image, inside it or with padding, along a step or back."""
        i, j, k = (self.name("i") for _ in range(3))
        count, scale = self.pick(("5", "{}"), ("2", "2 * {}"), ("4", "{}"), ("1, 5", "{}"))
        offsets = [self.pick(0, 1, 1, 2, -1, -2) for _ in range(self.pick(2, 2, 3))]
        target = self.pick("a[{} % 4]", "c[{} % 4]", "z[{} % 4, 1]", "b[1, {} % 4]")
        image = self.pick(False, True)
        size, at = (6, f"[{{}}, {j} + {self.pick(0, 1)}]") if image else (8, "[{}]")
        self.line(depth, f"for {i} in range({count}):")
        if image:
            depth += 1
            self.line(depth, f"for {j} in range({self.pick(4, 5)}):")
        place = target.format(self.pick(i, j) if image else i)
        array, base = "u" if image else "s", scale.format(i)
        for offset in offsets:
            where = f"{base} + {offset}" if offset >= 0 else f"{base} - {-offset}"
            last = 2 if scale != "{}" else max(int(n) - 1 for n in count.split(", "))
            padded = offset < 0 or last + offset >= size
            if padded:
                self.line(depth + 1, f"if {where} >= 0 and {where} < {size}:")
            self.line(depth + 1 + padded, f"{place} += {array}{at.format(where)} * {self.pick(1, 2, -3)}")
        if self.pick(True, False, False):  # taps in a loop
            self.line(depth + 1, f"for {k} in range(2):")
            self.line(depth + 2, f"{place} += {array}{at.format(f'{base} + {k}')}")

    def in_a_row(self, depth: int) -> None:
        """A nest that computes an array, and one that uses it."""
        h = self.name("h")
        p, i = self.name("i"), self.name("i")
        self.line(depth, f"{h} = empty({self.pick('uint8', 'Int(9)')}[6])")
        self.line(depth, f"for {p} in range(6):")
        value = self.pick(f"s[{p}] + 1", f"u[{p}, 2] * 3", f"s[{p}] ^ s[{p} + 2]")
        self.line(depth + 1, f"{h}[{p}] = {value}")
        if self.pick(True, False, False):
            self.perfect(depth)
        offset = self.pick("", " + 1", " + 2")
        self.line(depth, f"for {i} in range({self.pick(4, 4, 3)}):")
        self.line(depth + 1, f"{self.pick('a', 'c')}[{i}] = {h}[{i}] + {h}[{i}{offset}]")

    def statement(self, depth: int) -> None:
        self.pick(
            self.update,
            self.update,
            self.store,
            self.scalar,
            self.condition,
            self.array,
            self.call,
            self.popcounts,
            self.floats,
        )(depth)

    def index(self) -> str:
        """An index in 0..3."""
        forms = ["0", "3", f"a[{self.pick(0, 1)}] % 4"]
        for var in self.loops:
            forms += [var, var, f"(3 - {var})", f"({var} + 1) % 4", f"{var} // 2", f"({var} - 1) % 4"]
            forms += [f"({var} + {other}) % 4" for other in self.loops]
        return self.pick(*forms)

    def element(self) -> str:
        name = self.pick("a", "c", "b", "z", "y", "x", *self.locals)
        return f"{name}[{self.index()}, {self.index()}]" if name in ("b", "z") else f"{name}[{self.index()}]"

    def place(self) -> str:
        return self.pick(self.element(), *self.scalars)

    def value(self) -> str:
        i = self.index()
        forms = [self.element(), f"xnor(w[{i}, {self.index()}], x[{self.index()}])", "1", "-3"]
        forms += [f"({v} + 1)" for v in (*self.loops, *self.scalars)]
        return self.pick(*forms)

    def update(self, depth: int) -> None:
        """A reduction, or what looks like one."""
        place, value = self.place(), self.value()
        forms = [f"{place} {op}= {value}" for op in ("+", "+", "-", "*", "&", "|", "^")]
        forms += [f"{place} = {f}({place}, {value})" for f in ("min", "max")]
        forms += [
            f"{place} = {value} - {place}",
            f"{place} = {value} + {place}",
            f"{place} = uint8({place} + {value})",
        ]
        self.line(depth, self.wrapped(self.pick(*forms)))

    def floats(self, depth: int) -> None:
        """A store or a reduction of floats, which round."""
        reads = [f"r[{self.index()}]", f"g[{self.index()}, {self.index()}]"]
        place, type = self.pick((reads[0], "float32"), (reads[1], "float16"))
        value = self.pick(*reads, "0.1", f"float32({self.element()})", f"exp({self.pick(*reads)})")
        forms = [f"{place} {op}= {value}" for op in ("+", "+", "-", "*", "/")]
        forms += [
            f"{place} = max({place}, {type}({value}))",
            f"{place} = {value}",
            f"{place} = 1.5 - {place}",
        ]
        self.line(depth, self.pick(*forms))

    def store(self, depth: int) -> None:
        self.line(depth, self.wrapped(f"{self.place()} = {self.value()}"))

    def wrapped(self, statement: str) -> str:
        """Plain Python wraps nothing into a scalar: cast what is stored into one."""
        target, operator, value = statement.partition(" ")[0], *statement.partition(" ")[2].split(" ", 1)
        if target not in self.scalars:
            return statement
        if operator != "=":
            value = f"{target} {operator[:-1]} {value}"
        return f"{target} = UInt(6)({value})"

    def scalar(self, depth: int) -> None:
        name = self.name("v")
        self.line(depth, f"{name}: UInt(6) = {self.pick('0', '5', 'UInt(6)(' + self.value() + ')')}")
        self.scalars.append(name)

    def array(self, depth: int) -> None:
        name = self.name("t")
        type, fill = self.pick(("bit[4]", 1), ("uint8[4]", 7), ("Int(3)[4]", -2))
        self.line(depth, f"{name} = {self.pick(f'zeros({type})', f'full({type}, {fill})')}")
        self.locals.append(name)

    def condition(self, depth: int) -> None:
        tests = [f"{self.element()} > 2", "1 == 1"]
        for var in self.loops:
            tests += [
                f"{var} == 0",
                f"{var} < 2 or {var} == 3",
                f"not ({var} >= 1 and {self.element()} != 0)",
            ]
        self.line(depth, f"if {self.pick(*tests)}:")
        self.update(depth + 1)
        if self.pick(True, False):
            self.line(depth, "else:")
            self.update(depth + 1)

    def call(self, depth: int) -> None:
        self.line(depth, f"helper(c, {self.pick('x', 'y')})")

    def popcounts(self, depth: int) -> None:
        """A loop that packing may turn into a popcount."""
        var = self.name("p")
        place, row = self.place(), self.index()
        value = self.pick(
            f"xnor(w[{row}, {var}], x[{var}])", f"xnor(y[{var}], x[{var}])", f"xnor(y[{var}], y[{var}])"
        )
        update = self.pick(
            f"{place} += {value}", f"{place} = {self.value()} + {value}", f"{place} = {value} + {place}"
        )
        self.line(depth, f"for {var} in range({self.pick(4, 4, 3)}):")
        self.line(depth + 1, self.wrapped(update))
