"""Expressions of floats for generated kernels."""

from __future__ import annotations

from tests.writing.base import Base

from bitfold.lang import FloatType


class Reals(Base):
    """Writes expressions of floats of all types, with every operator and function that they have."""

    def real_leaf(self, depth: int) -> str:
        """A float of a type of the language."""
        known = [name for name, elem, _ in self.scalars if isinstance(elem, FloatType)]
        known += [self.element(a, depth) for a in self.known(FloatType, roms=True)]
        if known and self.pick(range(4)):
            return self.pick(known)
        return f"{self.float_type()}({self.pick([self.pick(LITERALS), f'Int(64)({self.leaf(0)})'])})"

    def real(self, depth: int) -> str:
        """An expression of a float, of whatever type, in parentheses unless it is atomic."""
        if depth <= 0:
            return self.real_leaf(depth)
        r = lambda: self.real(depth - 1)  # noqa: E731
        type = self.float_type()
        operator = self.pick(OPERATORS)
        form = self.pick(
            ["leaf", "two", "two", "literal", "integer", "unary", "function", "pick", "cast", "weak", "bits"]
        )
        match form:
            case "two":
                return f"({r()} {operator} {r()})"
            case "literal":
                return f"({self.pick(LITERALS)} {operator} {r()})"
            case "integer":
                return f"({r()} {operator} Int({self.pick([2, 9, 60, 64])})({self.expr(depth - 1)}))"
            case "unary":
                return self.pick([f"(-{r()})", f"abs({r()})", f"(+{r()})"])
            case "function":
                name = self.pick([*_FUNCTIONS, "pow"])
                return f"{name}({r()}{f', {self.pick([r(), self.pick(LITERALS)])}' if name == 'pow' else ''})"
            case "pick" if self.chance():
                return f"({type}({r()}) if {self.test(depth - 1)} else {type}({r()}))"
            case "pick":
                sides = ", ".join(f"{type}({r()})" for _ in range(self.pick([2, 3])))
                return f"{self.pick(['min', 'max'])}({sides})"
            case "cast":
                return f"{type}({self.pick([r(), f'UInt(64)({self.expr(depth - 1)})'])})"
            case "weak":
                return f"((float({r()}) * {self.pick(LITERALS)}) {operator} {r()})"
            case "bits":
                width = self.pick([16, 32, 64])
                return f"bitcast({self.pick(['Int', 'UInt'])}({width})({self.expr(depth - 1)}), float{width})"
        return self.real_leaf(depth)


LITERALS = ("0.0", "-0.0", "1.0", "0.5", "-1.5", "0.1", "3", "1e-6", "-70000.0", "1e30", 'float("inf")')
OPERATORS = ("+", "-", "*", "/")
_FUNCTIONS = ("sqrt", "exp", "log", "sin", "tanh", "floor", "ceil", "rint")
