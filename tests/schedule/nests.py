"""Hypothesis strategies for what schedules act on: loop nests with dependences; and for their primitives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from tests.strategies import KernelCase

from bitfold.diagnostics import ScheduleError
from bitfold.lang import Partition
from bitfold.schedule import Schedule

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
_PARAMS += "r: float32[4], g: float16[4, 4]"


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
        for _ in range(self.pick(1, 1, 2)):
            self.loop(1)
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


@dataclass(frozen=True)
class Request:
    """One use of a primitive, chosen by numbers so that it can name what is there when it is made."""

    primitive: str
    numbers: tuple[int, ...]

    def make(self, s: Schedule) -> None:
        """Ask `s` for it. Raises whatever the primitive raises."""
        a, b, c, d = self.numbers
        view = s.at(s.program.functions[a % len(s.program.functions)].name)
        loops, arrays = view.get_loops(), view.get_arrays() or ("none",)
        loop = loops[b % len(loops)] if loops else "none"
        array = arrays[b % len(arrays)]
        match self.primitive:
            case "split":
                view.split(loop, 1 + c % 5, cut=d % 3 == 0, guard=d % 3 == 1)
            case "reorder":
                start = b % max(1, len(loops))
                view.reorder(*_permuted(list(loops[start : start + 2 + c % 2]), d))
            case "fuse":
                start = b % max(1, len(loops))
                view.fuse(*loops[start : start + 2 + c % 2])
            case "tile":
                view.tile(loop, loops[(b + 1) % len(loops)] if loops else "none", 1 + c % 4, 1 + d % 4)
            case "fission":
                view.fission(loop, 1 + c % 3)
            case "unroll_jam":
                view.unroll_jam(loop, 1 + c % 4)
            case "unroll":
                view.unroll(loop, c % 3)
            case "pipeline":
                view.pipeline(loop, ii=c % 4, rewind=d % 3 == 0)
            case "parallel":
                view.parallel(loop)
            case "compute_at":
                view.compute_at(loop, loops[(b + 1 + c % 3) % len(loops)] if loops else "none")
            case "unfold":
                view.unfold(loop, name="pe")
            case "outline":
                view.outline(loop)
            case "reshape":
                view.reshape(array, *((16,), (2, 8), (2, 2), (4,), (1, 4))[c % 5])
            case "bind":
                view.bind(array, ("bram", "registers", "lutram")[c % 3])
            case "transpose":
                view.transpose(arrays[d % len(arrays)], *((2, 1) if c % 2 else ()))
            case "partition":
                view.partition(array, list(Partition)[c % 3], dim=d % 4, factor=(0, 1, 2, 3, 4)[(c + d) % 5])
            case "buffer_at":
                view.buffer_at(arrays[d % len(arrays)], loop)
            case "reuse_at":
                view.reuse_at(arrays[d % len(arrays)], loop)
            case "inline":
                s.inline(view.name)
            case "rename":
                view.rename(loop, ("n", "row", "a", "k1", "for", "bit", "helper", "range")[c % 8])
            case "pack":
                view.pack(array, (1, 2, 3, 4, 5, 64, 100)[c % 7])
            case "stream":
                s.stream(array)


def _permuted(items: list[Any], number: int) -> list[Any]:
    result = []
    while items:
        result.append(items.pop(number % len(items)))
        number //= 2
    return result


_number = st.integers(0, 63)
requests = st.builds(
    Request,
    st.sampled_from(
        [
            "split",
            "reorder",
            "reorder",
            "reorder",
            "fuse",
            "tile",
            "fission",
            "compute_at",
            "unroll_jam",
            "buffer_at",
            "reuse_at",
            "inline",
            "rename",
            "unroll",
            "parallel",
            "pipeline",
            "partition",
            "bind",
            "transpose",
            "reshape",
            "unfold",
            "outline",
            "pack",
            "pack",
            "stream",
        ]
    ),
    st.tuples(_number, _number, _number, _number),
)


def apply(s: Schedule, made: list[Request]) -> int:
    """Make the requests; a refused one must leave the schedule unchanged. Returns how many were granted."""
    granted = 0
    for request in made:
        before = s.program, s.trace
        try:
            request.make(s)
            granted += 1
        except ScheduleError:
            assert (s.program, s.trace) == before
    return granted
