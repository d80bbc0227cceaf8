"""Random kernels of fixed point, for `tests.strategies`: a KernelCase like those of `kernels`."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st
from tests.kernel_writer import Draw
from tests.strategies import KernelCase

HEAD = "from bitfold.lang import *\n"
SIZE = 4
_LITERALS = ("0.5", "-1.25", "0.0625", "2.0", "100.375")


def fixed_types(max_width: int = 70) -> st.SearchStrategy[str]:
    """Fixed-point types as their authors write them: any number of bits before and after the point."""
    widths = st.sampled_from([1, 2, 7, 8, 16, 53, 54, max_width]) | st.integers(1, max_width)
    fractions = st.integers(0, 20) | st.sampled_from([0, 1, 8])
    return st.builds("{}({}, {})".format, st.sampled_from(["Fixed", "UFixed"]), widths, fractions)


class _Writer:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.scalars: list[str] = []
        self.names = itertools.count()

    def pick(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def type(self) -> str:
        return str(self.draw(fixed_types()))

    def leaf(self) -> str:
        form = self.pick(["element", "element", "integer", "literal", "loop", "scalar"])
        if form == "scalar" and self.scalars:
            return str(self.pick(self.scalars))
        array = self.pick(["n"] if form == "integer" else ["a", "b", "c"])
        found = {"literal": self.pick(["3", "-2", "7", "0"]), "loop": "i"}
        return found.get(form, f"{array}[{self.pick(['i', 'i', '0', f'(i + 1) % {SIZE}'])}]")

    def expr(self, depth: int) -> str:
        if depth <= 0:
            return self.leaf()
        e = lambda: self.expr(depth - 1)  # noqa: E731
        fixed = lambda: f"{self.type()}({self.expr(depth - 2)})"  # noqa: E731
        match self.pick(["sum", "sum", "product", "divide", "point", "unary", "choice", "extreme", "cast"]):
            case "sum":
                return f"({fixed()} {self.pick('+-')} {self.pick([e, lambda: self.pick(_LITERALS)])()})"
            case "product":
                return f"({fixed()} * {self.pick([e, lambda: self.pick(_LITERALS)])()})"
            case "divide":
                divisor = f"(abs({fixed()}) + {self.pick(['1', '0.5'])})"
                return f"({e()} {self.pick(['//', '%'])} {divisor})"
            case "point":
                return f"({fixed()} / {self.pick([1, 2, 64, -4, '0.25'])})"
            case "unary":
                return f"{self.pick(['-', 'abs', '+', 'int'])}({e()})"
            case "choice":
                return f"({e()} if {self.test(depth - 1)} else {e()})"
            case "extreme":
                return f"{self.pick(['min', 'max'])}({e()}, {e()})"
        return fixed() if self.draw(st.booleans()) else f"Int(9)({e()})"

    def test(self, depth: int) -> str:
        form = self.pick(["compare", "compare", "chain", "both", "value"])
        e = lambda: self.expr(depth - 1)  # noqa: E731
        op = lambda: self.pick(["<", "<=", ">", ">=", "==", "!="])  # noqa: E731
        match form:
            case "compare":
                return f"{e()} {op()} {e()}"
            case "chain":
                return f"{e()} < {e()} <= {e()}"
            case "both":
                return f"({e()} {op()} 1 {self.pick(['and', 'or'])} not {e()})"
        return e()

    def statements(self, pad: str, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.draw(st.integers(1, 3))):
            match self.pick(["store", "store", "update", "scalar", "if"]):
                case "store":
                    place = self.pick(["a", "b", "c", "n"])
                    value = f"int({self.expr(2)})" if place == "n" else self.pick([self.expr(2), "0.7"])
                    lines.append(f"{pad}{place}[{self.pick(['i', '1'])}] = {value}")
                case "update":
                    lines.append(f"{pad}{self.pick(['a', 'b', 'c'])}[i] {self.pick('+-*')}= {self.expr(1)}")
                case "scalar":
                    name, elem = f"v{next(self.names)}", self.type()
                    lines.append(f"{pad}{name}: {elem} = {elem}({self.expr(2)})")
                    if depth == 1:
                        self.scalars.append(name)
                case "if" if depth < 2:
                    lines += [f"{pad}if {self.test(1)}:", *self.statements(pad + "    ", depth + 1)]
        return lines or [f"{pad}pass"]


@st.composite
def fixed_kernels(draw: Draw) -> KernelCase:
    """Kernels over arrays of fixed point and one of integers, with every operator that fixed point has."""
    writer = _Writer(draw)
    params = [f"{name}: {writer.type()}[{SIZE}]" for name in "abc"]
    body = "\n".join(writer.statements("        ", 1))
    return KernelCase(
        f"{HEAD}\ndef kernel({', '.join(params)}, n: int16[{SIZE}]):\n    for i in range({SIZE}):\n{body}\n",
        {},
    )
