"""Expressions of fixed point for generated kernels."""

from __future__ import annotations

from tests.writing.base import Base

from bitfold.lang import FixedType


class Exacts(Base):
    """Writes expressions of fixed point, with every operator that it has."""

    def exact_leaf(self) -> str:
        form = self.pick(["known", "known", "known", "integer", "literal", "new"])
        if form == "literal":
            return self.pick(["3", "-2", "7", "0"])
        if form == "integer":
            return f"Int(20)({self.leaf(0)})"
        found = [name for name, elem, _ in self.scalars if isinstance(elem, FixedType)]
        found += [self.element(a, 0) for a in self.known(FixedType, roms=True)]
        if found and form == "known":
            return self.pick(found)
        return f"{self.fixed_type()}({self.pick([self.pick(LITERALS), f'Int(20)({self.leaf(0)})'])})"

    def exact(self, depth: int) -> str:
        """An expression of numbers that fixed point can hold, in parentheses unless it is atomic."""
        if depth <= 0:
            return self.exact_leaf()
        e = lambda: self.exact(depth - 1)  # noqa: E731
        fixed = lambda: f"{self.fixed_type()}({self.exact(depth - 2)})"  # noqa: E731
        other = lambda: self.pick(LITERALS) if self.rarely(3) else e()  # noqa: E731
        match self.pick(["sum", "sum", "product", "divide", "point", "unary", "choice", "extreme", "cast"]):
            case "sum":
                return f"({fixed()} {self.pick('+-')} {other()})"
            case "product":
                return f"({fixed()} * {other()})"
            case "divide":
                divisor = f"(abs({fixed()}) + {self.pick(['1', '0.5'])})"
                return f"({e()} {self.pick(['//', '%'])} {divisor})"
            case "point":
                return f"({fixed()} / {self.pick(['1', '2', '64', '-4', '0.25'])})"
            case "unary":
                return f"{self.pick(['-', 'abs', '+', 'int'])}({e()})"
            case "choice":
                return f"({e()} if {self.exact_test(depth - 1)} else {e()})"
            case "extreme":
                return f"{self.pick(['min', 'max'])}({e()}, {e()})"
        return fixed() if self.chance() else f"Int(9)({e()})"

    def exact_test(self, depth: int) -> str:
        """A condition on fixed point."""
        e = lambda: self.exact(depth - 1)  # noqa: E731
        op = lambda: self.pick(["<", "<=", ">", ">=", "==", "!="])  # noqa: E731
        match self.pick(["compare", "compare", "chain", "both", "value"]):
            case "compare":
                return f"{e()} {op()} {e()}"
            case "chain":
                return f"{e()} < {e()} <= {e()}"
            case "both":
                return f"({e()} {op()} 1 {self.pick(['and', 'or'])} not {e()})"
        return e()


LITERALS = ("0.5", "-1.25", "0.0625", "2.0", "100.375")
