"""Statements and expressions on whole arrays in generated kernels."""

from __future__ import annotations

from tests.writing.base import Array, Base
from tests.writing.reals import LITERALS

from bitfold.lang import FixedType, FloatType, Int, IntType

_Kind = tuple[type, ...]
_STORES = {
    IntType: ["+=", "-=", "*=", "&=", "^="],
    FixedType: ["+=", "-=", "*="],
    FloatType: ["+=", "*=", "/="],
}


class Wholes(Base):
    """Writes whole-array expressions of integers, of integers and fixed point, or of floats."""

    def whole(self, depth: int) -> None:
        """A statement on all of an array, or one that makes a new array."""
        if self.rarely(3):
            return self.product(depth)
        known = [a for a in self.arrays if a.writable and a.plain]
        if not known:
            return self.store(depth)
        array = self.pick(known)
        kind: _Kind = {FixedType: (FixedType, IntType)}.get(type(array.elem), (type(array.elem),))
        value = self.elements(array.shape, 2, kind)
        if not array.outside and self.chance():
            return self.line(depth, f"{array.name} {self.pick(_STORES[type(array.elem)])} {value}")
        if self.rarely(4):
            # with an array in it, so that it is one, and not a number
            fits = self.fitting(array.shape, kind)
            name = self.name("t")
            if fits and not isinstance(array.elem, FloatType):
                self.line(depth, f"{name} = {self.pick(fits)} + {value}")
                return self.arrays.append(_new(name, array.elem, array.shape))
        return self.line(depth, f"{array.name}[{self.pick([':', '...', '::-1'])}] = {value}")

    def product(self, depth: int) -> None:
        """A product of matrices and vectors: a new array, or a scalar."""
        known = [a for a in (*self.known(IntType, True, True), *self.known(FixedType, True, True))]
        pairs = [
            (x, y)
            for a in known
            for b in known
            for x in _turned(a)
            for y in _turned(b)
            if x[1][-1] == y[1][0]
        ]
        if not pairs:
            return self.reduction(depth)
        (left, rows), (right, columns) = self.pick(pairs)
        shape = (*rows[:-1], *columns[1:])
        name = self.name("t")
        kinds = {type(a.elem) for a in known if a.name in (left.removesuffix(".T"), right.removesuffix(".T"))}
        elem = self.fixed_type() if FixedType in kinds else Int(1)
        self.line(depth, f"{name} = {left} @ {right}")
        if shape:
            return self.arrays.append(_new(name, elem, shape))
        return self.scalars.append((name, elem, True))

    def reduction(self, depth: int) -> None:
        """A scalar that is found in all of an array."""
        known = self.known((IntType, FloatType, FixedType), plain=True)
        if not known:
            return self.store(depth)
        name, array = self.name("v"), self.pick(known)
        if isinstance(array.elem, FloatType):
            self.line(depth, f"{name} = {array.name}.{self.pick(['sum', 'max', 'min'])}()")
            return self.scalars.append((name, array.elem, True))
        kind: _Kind = {FixedType: (FixedType, IntType)}.get(type(array.elem), (type(array.elem),))
        value = f"({self.elements(array.shape, 1, kind)} + {array.name})"
        form = self.pick(["sum", "max", "min", "any", "all"])
        self.line(depth, f"{name} = {value}.{form}()")
        truth = form in ("any", "all")
        return self.scalars.append((name, Int(1) if truth else array.elem, True))

    def fitting(self, shape: tuple[int, ...], kind: _Kind) -> list[str]:
        """Arrays of that shape, and what is made of others along one axis."""
        found = []
        for a in self.known(kind, plain=True):
            if a.shape == shape:
                found += [a.name, a.name]
            if len(a.shape) == 2 and a.shape[::-1] == shape:
                found.append(f"{a.name}.T")
            if len(a.shape) == 2 and FloatType not in kind:
                axes = [axis for axis in (0, 1) if (a.shape[1 - axis],) == shape]
                found += [f"{a.name}.{self.pick(['sum', 'max', 'min'])}(axis={axis})" for axis in axes]
        return found

    def elements(self, shape: tuple[int, ...], depth: int, kind: _Kind) -> str:
        """An expression for each element of an array, or the same for all."""
        fits = self.fitting(shape, kind)
        if depth <= 0 or not fits:
            if fits and not self.rarely(3):
                found = self.pick(fits)
                return found + ("" if found.endswith((")", ".T")) else self.pick(["", "[::-1]"]))
            return self.one(kind)
        e = self.elements(shape, depth - 1, kind)
        if FloatType in kind:
            return f"({self.pick(fits)} {self.pick(['+', '-', '*', '/'])} {e})"
        match self.pick(["binary", "binary", "unary", "compare", "mixed", "extreme"]):
            case "binary" if kind == (IntType,):
                other = self.elements(shape, depth - 1, kind)
                return f"({e} {self.pick(['+', '-', '*', '&', '|', '^'])} {other})"
            case "binary":
                return f"({self.pick(fits)} {self.pick('+-*')} {e})"
            case "unary" if kind == (IntType,):
                return self.pick([f"abs({self.pick(fits)})", f"(-{e})", f"(~{self.pick(fits)})"])
            case "unary":
                return self.pick([f"abs({self.pick(fits)})", f"(-{self.pick(fits)})"])
            case "compare":
                return f"({self.pick(fits)} {self.pick(['<', '==', '>='])} {e})"
            case "extreme":
                return f"np.{self.pick(['minimum', 'maximum'])}({self.pick(fits)}, {e})"
        return f"({self.pick(fits)} {self.pick(['//', '%'])} {self.pick([2, 3, -5])} - {e})"

    def one(self, kind: _Kind) -> str:
        """A number."""
        if FloatType in kind:
            return self.pick(LITERALS)
        if FixedType in kind:
            return self.pick(["2", "-3", f"Int(9)({self.leaf(0)})", "5"])
        return self.leaf(0)


def _turned(array: Array) -> list[tuple[str, tuple[int, ...]]]:
    plain = (array.name, array.shape)
    return [plain, (f"{array.name}.T", array.shape[::-1])] if len(array.shape) == 2 else [plain]


def _new(name: str, elem: IntType | FixedType | FloatType, shape: tuple[int, ...]) -> Array:
    return Array(name, elem, shape, shape, writable=False, made=True)
