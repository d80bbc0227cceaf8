"""Expressions of integers, and conditions, for generated kernels."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.writing.base import Array, Base
from tests.writing.reals import LITERALS

from bitfold.lang import IntType


class Expressions(Base):
    """Writes expressions of integers, with every operator and function that they have."""

    def element(self, array: Array, depth: int = 1) -> str:
        """An element of an array; of one of structs, that of the field."""
        place = f"{array.name}[{', '.join(self.index(size, depth) for size in array.shape)}]"
        return f"{place}.{array.field}" if array.field else place

    def index(self, size: int, depth: int) -> str:
        """An index within 0..size - 1, or a constant from the end; it computes when `depth` is above 0."""
        inside = [loop.name for loop in self.loops if loop.low >= 0 and loop.high < size]
        form = self.pick(["loop", "loop", "constant", "wrapped"])
        if form == "loop" and inside:
            return self.pick(inside)
        if form == "constant" or depth <= 0:
            return str(self.pick(range(-1, size)))
        if self.loops and self.chance():
            loop = self.pick(self.loops).name
            return f"({loop} * {self.pick([1, 2, 3])} + {self.pick(range(4))}) % {self.number(size)}"
        return f"({self.expr(depth - 1)}) % {self.number(size)}"

    def leaf(self, depth: int) -> str:
        form = self.pick(["element", "element", "scalar", "loop", "number", "dim"])
        scalars = [name for name, elem, _ in self.scalars if isinstance(elem, IntType)]
        if form == "scalar" and scalars:
            return self.pick(scalars)
        if form == "loop" and self.loops:
            return self.pick(self.loops).name
        if form == "dim" and self.dims:
            return self.pick(sorted(self.dims))
        if form == "number":
            return str(self.draw(st.integers(-9, 9) | st.integers(-(1 << 70), 1 << 70)))
        arrays = self.known(IntType, roms=True)
        return self.element(self.pick(arrays), depth) if arrays else str(self.pick(range(-3, 9)))

    def expr(self, depth: int) -> str:
        """An integer expression, in parentheses unless it is atomic."""
        if depth <= 0:
            return self.leaf(depth)
        e = lambda: self.expr(depth - 1)  # noqa: E731
        form = self.pick([*_FORMS, "leaf"])
        match form:
            case "leaf":
                return self.leaf(depth)
            case "binary":
                return f"({e()} {self.pick(['+', '-', '*', '&', '|', '^'])} {e()})"
            case "divide":
                if (arrays := self.known(IntType, roms=True)) and self.rarely(4):
                    return self.guarded(self.element(self.pick(arrays), 0), depth)
                constant = self.pick([1, 2, 3, 7, 16, -1, -5])
                divisor = self.pick([f"(abs({e()}) + 1)", f"(-1 - abs({e()}))", f"{constant}"])
                return f"({e()} {self.pick(['//', '%'])} {divisor})"
            case "left":
                amount = self.pick([f"UInt(3)({e()})", str(self.pick(range(9)))])
                return f"({e()} << {amount})"
            case "right":
                amount = self.pick([f"UInt({self.pick([1, 3, 8])})({e()})", str(self.pick(range(70)))])
                return f"({e()} >> {amount})"
            case "unary":
                return self.pick([f"(-{e()})", f"(~{e()})", f"abs({e()})", f"int(not {e()})"])
            case "compare":
                return f"int({self.test(depth)})"
            case "logic":
                text = f"({self.test(depth - 1)}) {self.pick(['and', 'or'])} ({self.test(depth - 1)})"
                return f"int({text})" if self.rules.floats else f"({text})"
            case "select":
                return f"({e()} if {self.test(depth - 1)} else {e()})"
            case "extreme":
                return f"{self.pick(['min', 'max'])}({', '.join(e() for _ in range(self.pick([2, 2, 3])))})"
            case "cast" if self.rules.floats and self.pick(range(3)) == 0:
                return f"{self.type()}({self.real(depth - 1)})"
            case "cast" if self.rules.fixed and self.rarely(5):
                return f"{self.type()}({self.exact(depth - 1)})"
            case "cast":
                return f"{self.type()}({e()})"
            case "bits":
                return self.bits(depth)
        raise AssertionError(form)

    def guarded(self, divisor: str, depth: int) -> str:
        """A division by an element where a condition says that it is not 0."""
        e = lambda: self.expr(depth - 1)  # noqa: E731
        quotient = f"{e()} {self.pick(['//', '%'])} {divisor}"
        match self.pick(["if", "else", "sign", "or"]):
            case "if":
                return f"({quotient} if {divisor} != 0 else {e()})"
            case "else":
                return f"({e()} if {divisor} == 0 else {quotient})"
            case "sign":
                return f"({quotient} if {self.pick([f'{divisor} > 0', f'0 > {divisor}'])} else {e()})"
        return f"int({divisor} == 0 or {quotient} > {e()})"

    def bits(self, depth: int) -> str:
        """A function of bits."""
        e = lambda: self.expr(depth - 1)  # noqa: E731
        width = self.pick([1, 5, 8, 64, 70])
        top, bottom = sorted(self.pick(range(70)) for _ in range(2))[::-1]
        match self.pick(["xnor", "popcount", "get_bit", "set_bit", "slice", "slice_set", "side", "cast"]):
            case "slice":
                return self.pick([f"get_slice({e()}, {top}, {bottom})", f"reverse({e()}, {width})"])
            case "slice_set":
                return f"set_slice({e()}, {top}, {bottom}, {e()})"
            case "side":
                return f"concat(({e()}, {width}), ({e()}, {self.pick([1, 7])}))"
            case "cast":
                if self.rules.floats and self.chance():  # of no nan: which one an operator gives is not said
                    width = self.pick([16, 32, 64])
                    return f"bitcast(float{width}(Int(64)({e()})), {self.pick(['Int', 'UInt'])}({width}))"
                return f"bitcast(Int({width})({e()}), UInt({width}))"
            case "xnor":
                lanes = f", {width}" if width > 1 else ""
                return f"xnor(UInt({width})({e()}), UInt({width})({e()}){lanes})"
            case "popcount":
                return f"popcount(UInt({width})({e()}))"
            case "get_bit":
                return f"get_bit({e()}, UInt(4)({e()}))"
        made = self.pick(["Int", "UInt"])
        return f"set_bit({made}({width})({e()}), {e()} % {width}, {e()})"

    def test(self, depth: int) -> str:
        """A condition."""
        if depth <= 0 or self.chance():
            operator = self.pick(["==", "!=", "<", "<=", ">", ">="])
            if self.rules.floats and self.pick(range(4)) == 0:
                right = self.pick([self.real(depth - 1), self.pick(LITERALS), f"Int(64)({self.leaf(0)})"])
                return f"{self.real(depth - 1)} {operator} {right}"
            if self.rules.fixed and self.rarely(6):
                return self.exact_test(depth - 1)
            return f"{self.expr(depth - 1)} {operator} {self.expr(depth - 1)}"
        form = self.pick(["and", "or", "not", "value"])
        if form == "not":
            return f"not ({self.test(depth - 1)})"
        if form == "value":
            return self.expr(depth - 1)
        return f"({self.test(depth - 1)}) {form} ({self.test(depth - 1)})"


_FORMS = (
    *("binary", "binary", "divide", "left", "right", "unary", "compare"),
    *("logic", "select", "extreme", "cast", "bits"),
)
