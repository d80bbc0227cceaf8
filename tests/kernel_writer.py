"""Writes the bodies of generated kernels, choice by choice; `tests.strategies` makes whole files of them.

Long, as one class: every choice may lead to every other, and all share the names that are in scope.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from bitfold.lang import FloatType, Int, IntType, UInt, float16, float32, float64
from bitfold.lang.types import ElementType

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]


@cache
def int_types(max_width: int = 80) -> st.SearchStrategy[IntType]:
    """Integer types of 1 to `max_width` bits; the common widths come often."""
    common = [w for w in (1, 2, 7, 8, 16, 32, 63, 64, 65) if w <= max_width]
    widths = st.sampled_from(common) | st.integers(1, max_width)
    return st.builds(lambda width, signed: Int(width) if signed else UInt(width), widths, st.booleans())


@dataclass(frozen=True)
class Rules:
    max_width: int
    max_depth: int
    variable_bounds: bool
    floats: bool

    @property
    def elements(self) -> st.SearchStrategy[ElementType]:
        """The types of elements and scalars; a float comes now and then."""
        return element_types(self.max_width) if self.floats else int_types(self.max_width)


@cache
def element_types(max_width: int) -> st.SearchStrategy[ElementType]:
    integers = int_types(max_width)
    return integers | integers | st.sampled_from([float32, float32, float16, float64])


@dataclass(frozen=True)
class Array:
    """An array in scope. `dims` is its shape as the source says it: numbers and names."""

    name: str
    elem: ElementType
    shape: tuple[int, ...]
    dims: tuple[int | str, ...]
    writable: bool = True
    part_of: str = ""

    @property
    def root(self) -> str:
        """The array that this is a part of, or itself."""
        return self.part_of or self.name

    @property
    def declaration(self) -> str:
        dims = ", ".join(f'"{d}"' if isinstance(d, str) else str(d) for d in self.dims)
        return f"{self.name}: {self.elem}[{dims}]"


def draw_array(
    draw: Draw,
    name: str,
    rules: Rules,
    named: dict[str, int],
    writable: bool = True,
) -> Array:
    elem = draw(rules.elements)
    rank = draw(st.sampled_from([1, 1, 2]))
    sizes = st.integers(1, 4)
    size = st.sampled_from(sorted(named)) | sizes if named else sizes
    dims = tuple(draw(size) for _ in range(rank))
    return Array(name, elem, tuple(named.get(d, d) for d in dims), dims, writable)


def formal_of(actual: Array, name: str, writable: bool) -> Array:
    """A parameter that takes `actual`, its dimensions named where that cannot clash."""
    dims = tuple(f"{name.upper()}_{i}" for i in range(len(actual.shape)))
    return Array(name, actual.elem, actual.shape, dims, writable)


@dataclass
class Loop:
    name: str
    low: int
    high: int


@dataclass(frozen=True)
class Measure:
    """A kernel `measure(p, s) -> result` that a generated kernel may call for a number."""

    array: Array
    scalar: IntType
    result: IntType


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


@dataclass
class Writer:
    """Writes the body of one function, drawing what to write next."""

    draw: Draw
    rules: Rules
    arrays: list[Array]
    roms: list[Array]
    helper: list[Array] | None
    dims: dict[str, int] = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)
    scalars: list[tuple[str, ElementType, bool]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    count: int = 0
    leavable: int = 0
    measure: Measure | None = None
    result: IntType | None = None

    def kernel(self, max_statements: int) -> str:
        for array in self.arrays:
            if any(isinstance(d, str) for d in array.dims):
                names = [f"{d}_{array.name}_{i}" for i, d in enumerate(array.dims)]
                names = [n if isinstance(d, str) else f"_{n}" for n, d in zip(names, array.dims, strict=True)]
                self.line(1, f"{', '.join(names)}{',' if len(names) == 1 else ''} = {array.name}.shape")
                self.dims.update(zip(names, array.shape, strict=True))
        if self.result is not None:
            self.line(1, "z = zeros(int8[2])")
            self.arrays.append(Array("z", Int(8), (2,), (2,)))
        self.block(1, self.pick(range(1, max_statements + 1)))
        self.store(1)
        if self.result is not None:
            self.line(1, self.leave())
        return "\n".join(self.lines) + "\n"

    def leave(self) -> str:
        """A return, of the value that a kernel with a result gives."""
        return f"return {self.result}({self.expr(2)})" if self.result is not None else "return"

    # -- drawing

    def pick(self, options: Sequence[T]) -> T:
        return options[self.draw(_below(len(options)))]

    def chance(self) -> bool:
        return self.pick((False, True))

    def name(self, prefix: str) -> str:
        """A new name; loop variables and scalars of finished blocks are sometimes used again."""
        self.count += 1
        return f"{prefix}{self.count}"

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    # -- statements

    def block(self, depth: int, statements: int) -> None:
        arrays, scalars = len(self.arrays), len(self.scalars)
        kinds = [self.store, self.store, self.scalar, self.update, self.local_array, self.call]
        kinds += [self.whole, self.reduction]
        kinds += [self.exchange, self.part, self.measured]
        if depth < 4:
            kinds += [self.loop, self.loop, self.condition, self.repeat, self.written_out]
        kinds.append(self.jump)
        for _ in range(statements):
            self.pick(kinds)(depth)
        if depth > 1:
            del self.arrays[arrays:], self.scalars[scalars:]

    def inner(self, depth: int) -> None:
        self.block(depth + 1, self.pick([0, 1, 1, 2]))
        self.store(depth + 1)

    def loop(self, depth: int) -> None:
        form = self.pick(["count", "count", "span", "step", "grid", "variable", "down", "kept"])
        name = self.pick(["i", "j", "k", self.name("i")])
        if any(loop.name == name for loop in self.loops):
            name = self.name("i")
        if form == "variable" and not self.rules.variable_bounds:
            form = "count"
        stop = self.pick(range(1, 5))
        kept = [s for s in self.scalars if s[1] == Int(64) and not s[2]] if form == "kept" else []
        if kept:
            name = kept[0][0]
            self.scalars.remove(kept[0])
        if form == "down":
            step, low = self.pick([1, 2, 3]), self.pick([0, 1, -2])
            made = [Loop(name, low, max(low, stop - 1))]
            self.line(depth, f"for {name} in range({stop - 1}, {low - 1}, -{step}):")
        elif form == "grid":
            other, extent = self.name("i"), self.pick(range(1, 4))
            made = [Loop(name, 0, stop - 1), Loop(other, 0, extent - 1)]
            self.line(depth, f"for {name}, {other} in grid({self.number(stop)}, {self.number(extent)}):")
        elif form == "variable":
            low = self.pick(["0", *(loop.name for loop in self.loops if 0 <= loop.low and loop.high < 8)])
            made = [Loop(name, 0, 11)]
            self.line(depth, f"for {name} in range({low}, UInt(2)({self.expr(1)})):")
        else:
            low = self.pick([0, 1, -2]) if form != "count" else 0
            step = self.pick([1, 2, 3]) if form == "step" else 1
            made = [Loop(name, low, max(low, stop - 1))]
            tail = f", {step}" if form == "step" else ""
            head = f"{low}, " if form != "count" else ""
            self.line(depth, f"for {name} in range({head}{self.number(stop)}{tail}):")
        self.loops += made
        self.leaving(depth, len(made))
        self.scalars += kept

    def leaving(self, depth: int, loops: int = 0, name: str = "") -> None:
        """The body of a loop, which may be left, and perhaps an else.

        So many `loops`, and the scalar `name`, end with the body.
        """
        self.leavable += 1
        self.inner(depth)
        self.leavable -= 1
        del self.loops[len(self.loops) - loops :]
        self.scalars = [s for s in self.scalars if s[0] != name]
        if self.pick(range(6)) == 0:
            self.line(depth, "else:")
            self.inner(depth)

    def jump(self, depth: int) -> None:
        words = ["break", "break", "continue", "continue", "return"] if self.leavable else ["return"]
        if not self.leavable and self.pick(range(4)):
            return self.store(depth)
        word = self.pick(words)
        self.line(depth, f"if {self.test(1)}:")
        if self.chance():
            self.store(depth + 1)
        return self.line(depth + 1, self.leave() if word == "return" else word)

    def repeat(self, depth: int) -> None:
        """A while loop of at most a few iterations."""
        name = self.name("w")
        self.line(depth, f"{name}: Int(64) = 0")
        limit = f"{name} < {self.pick(range(1, 5))}"
        form = self.pick(["first", "last", "inside"])
        if form == "inside":
            self.line(depth, "while True:")
            self.line(depth + 1, f"if {name} >= 3 or {self.test(1)}:")
            self.line(depth + 2, "break")
        else:
            test = f"({self.test(1)})"
            self.line(depth, f"while {' and '.join([limit, test] if form == 'first' else [test, limit])}:")
        self.line(depth + 1, f"{name} += 1")
        self.scalars.append((name, Int(64), True))
        if form == "inside":
            self.leavable += 1
            self.inner(depth)
            self.leavable -= 1
        else:
            self.leaving(depth)

    def written_out(self, depth: int) -> None:
        """A compile-time loop."""
        name = self.name("c")
        items = self.pick(["(1, -2, 3)", "static(range(3))", "(5,)", "()"])
        self.line(depth, f"for {name} in {items}:")
        self.scalars.append((name, Int(4), True))
        self.leaving(depth, name=name)

    def condition(self, depth: int) -> None:
        self.line(depth, f"if {self.test(2)}:")
        self.inner(depth)
        if self.chance():
            self.line(depth, f"elif {self.test(1)}:")
            self.inner(depth)
        if self.chance():
            self.line(depth, "else:")
            self.inner(depth)

    def scalar(self, depth: int) -> None:
        """A new scalar: declared, or with the type that its value gives it."""
        name = self.name("v")
        if self.rules.floats and self.pick(range(4)) == 0:
            elem = self.float_type()
            if self.chance():
                self.line(depth, f"{name}: {elem} = {elem}({self.real(self.rules.max_depth)})")
            else:
                self.line(depth, f"{name} = {elem}({self.real(1)}) * {self.pick(_LITERALS)}")
            self.scalars.append((name, elem, False))
        elif self.chance():
            elem = self.type()
            self.line(depth, f"{name}: {elem} = {elem}({self.expr(self.rules.max_depth)})")
            self.scalars.append((name, elem, False))
        elif self.chance():
            self.line(depth, f"{name} = {self.expr(self.rules.max_depth)}")
            self.scalars.append((name, Int(1), True))
        else:
            self.line(depth, f"{name}: Int(64) = {self.pick([0, 1, -1])}")
            self.scalars.append((name, Int(64), False))

    def update(self, depth: int) -> None:
        """A declared scalar assigned or accumulated; it does not overflow (64 bits take many small terms)."""
        known = [(name, elem) for name, elem, inferred in self.scalars if not inferred]
        if not known:
            return self.store(depth)
        name, elem = self.pick(known)
        if isinstance(elem, FloatType):
            value = f"{elem}({self.real(self.rules.max_depth)})"
            update = [f"{name} = {value}", f"{name} {self.pick(_REAL_OPERATORS)}= {value}"]
            return self.line(depth, self.pick(update))
        value = self.expr(self.rules.max_depth)
        if elem == Int(64) and self.chance():
            return self.line(depth, f"{name} {self.pick(['+=', '-='])} Int(9)({value})")
        if self.chance():
            operator = self.pick(["+", "-", "*", "&", "|", "^"])
            return self.line(depth, f"{name} = {elem}({name} {operator} {value})")
        return self.line(depth, f"{name} = {elem}({value})")

    def local_array(self, depth: int) -> None:
        name, elem, size = self.name("t"), self.draw(self.rules.elements), self.pick(range(1, 5))
        form = self.pick(["zeros", "full", "empty"])
        if form == "empty":
            i = self.name("i")
            self.line(depth, f"{name} = empty({elem}[{size}])")
            self.line(depth, f"for {i} in range({size}):")
            self.line(
                depth + 1, f"{name}[{i}] = {self.real(1) if isinstance(elem, FloatType) else self.expr(1)}"
            )
        else:
            fills = _LITERALS if isinstance(elem, FloatType) else [1, -1, 5]
            fill = f", {self.pick(fills)}" if form == "full" else ""
            self.line(depth, f"{name} = {form}({elem}[{size}]{fill})")
        self.arrays.append(Array(name, elem, (size,), (size,)))

    def store(self, depth: int) -> None:
        array = self.pick([a for a in self.arrays if a.writable])
        target = self.element(array)
        if isinstance(array.elem, FloatType):
            value = self.real(self.rules.max_depth)
            update = f"{target} {self.pick(_REAL_OPERATORS)}= {value}"
            self.line(
                depth, self.pick([update, f"{target} = {value}", f"{target} = Int(64)({self.expr(1)})"])
            )
        elif self.chance():
            operator = self.pick(["+=", "-=", "*=", "&=", "|=", "^="])
            self.line(depth, f"{target} {operator} {self.expr(self.rules.max_depth - 1)}")
        else:
            self.line(depth, f"{target} = {self.expr(self.rules.max_depth)}")

    def whole(self, depth: int) -> None:
        """A statement on all of an array of integers."""
        known = [a for a in self.arrays if a.writable and isinstance(a.elem, IntType)]
        if not known:
            return self.store(depth)
        array = self.pick(known)
        value = self.elements(array.shape, 2)
        if self.chance():
            return self.line(depth, f"{array.name} {self.pick(['+=', '-=', '*=', '&=', '^='])} {value}")
        return self.line(depth, f"{array.name}[{self.pick([':', '...', '::-1'])}] = {value}")

    def reduction(self, depth: int) -> None:
        """A scalar that is found in all of an array of integers."""
        known = [a for a in self.arrays if isinstance(a.elem, IntType)]
        if not known:
            return self.store(depth)
        name, array = self.name("v"), self.pick(known)
        value = f"({self.elements(array.shape, 1)} + {array.name})"
        self.line(depth, f"{name} = {value}.{self.pick(['sum', 'max', 'min', 'any', 'all'])}()")
        self.scalars.append((name, Int(1), True))

    def elements(self, shape: tuple[int, ...], depth: int) -> str:
        """An expression for each element of an array, or the same for all."""
        fits = [a.name for a in self.arrays if a.shape == shape and isinstance(a.elem, IntType)]
        if depth <= 0 or not fits:
            part = self.pick(["", "[::-1]"])
            return f"{self.pick(fits)}{part}" if fits and self.pick([True, True, False]) else self.leaf(0)
        e = self.elements(shape, depth - 1)
        match self.pick(["binary", "binary", "unary", "compare", "mixed"]):
            case "binary":
                other = self.elements(shape, depth - 1)
                return f"({e} {self.pick(['+', '-', '*', '&', '|', '^'])} {other})"
            case "unary":
                return self.pick([f"abs({self.pick(fits)})", f"(-{e})", f"(~{self.pick(fits)})"])
            case "compare":
                return f"({self.pick(fits)} {self.pick(['<', '==', '>='])} {e})"
        return f"({self.pick(fits)} {self.pick(['//', '%'])} {self.pick([2, 3, -5])} - {e})"

    def exchange(self, depth: int) -> None:
        """Several places assigned at once."""
        integers = [a for a in self.arrays if a.writable and isinstance(a.elem, IntType)]
        if not integers:
            return self.store(depth)
        first, second = (self.element(self.pick(integers)) for _ in range(2))
        form = self.pick(["swap", "values", "chain"])
        if form == "chain":
            return self.line(depth, f"{first} = {second} = {self.expr(2)}")
        values = f"{second}, {first}" if form == "swap" else f"{self.expr(2)}, {self.expr(1)}"
        return self.line(depth, f"{first}, {second} = {values}")

    def part(self, depth: int) -> None:
        """Another name for a part of an array."""
        array, name = self.pick([*self.arrays, *self.roms]), self.name("r")
        size, rest = array.shape[0], array.shape[1:]
        if rest and self.chance():
            index, shape = self.index(size, 1), rest
        else:
            start = self.pick(range(size))
            stop = self.pick(range(start + 1, size + 1))
            index, shape = self.pick([(f"{start}:{stop}", (stop - start, *rest)), ("::-1", array.shape)])
        self.line(depth, f"{name} = {array.name}[{index}]")
        self.arrays.append(Array(name, array.elem, shape, shape, array.writable, array.root))

    def measured(self, depth: int) -> None:
        """A scalar that another kernel computes."""
        wanted = self.measure
        fits = [
            a
            for a in (*self.arrays, *self.roms)
            if wanted is not None and (a.elem, a.shape) == (wanted.array.elem, wanted.array.shape)
        ]
        if wanted is None or not fits:
            return self.store(depth)
        name = self.name("v")
        value = f"measure({self.pick(fits).name}, {wanted.scalar}({self.expr(1)}))"
        self.line(depth, f"{name}: {wanted.result} = {value}")
        return self.scalars.append((name, wanted.result, False))

    def call(self, depth: int) -> None:
        chosen = []
        for formal in self.helper or ():
            fits = [
                a
                for a in (*self.arrays, *(self.roms if not formal.writable else ()))
                if (a.elem, len(a.shape)) == (formal.elem, len(formal.shape))
                and a.shape == formal.shape
                and a.root not in {c.root for c in chosen}
                and (a.writable or not formal.writable)
            ]
            if not fits:
                return self.store(depth)
            chosen.append(self.pick(fits))
        if not chosen:
            return self.store(depth)
        return self.line(depth, f"helper({', '.join(a.name for a in chosen)})")

    # -- expressions

    def type(self) -> IntType:
        found: IntType = self.draw(int_types(self.rules.max_width))
        return found

    def float_type(self) -> FloatType:
        return self.pick([float32, float32, float16, float64])

    def number(self, value: int) -> str:
        """`value`, by the name of a dimension when one has that size."""
        names = [name for name, size in self.dims.items() if size == value]
        return self.pick([str(value), *names])

    def element(self, array: Array, depth: int = 1) -> str:
        return f"{array.name}[{', '.join(self.index(size, depth) for size in array.shape)}]"

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
        arrays = [a for a in (*self.arrays, *self.roms) if isinstance(a.elem, IntType)]
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
            case "cast":
                return f"{self.type()}({e()})"
            case "bits":
                return self.bits(depth)
        raise AssertionError(form)

    def real_leaf(self, depth: int) -> str:
        """A float of a type of the language."""
        known = [name for name, elem, _ in self.scalars if isinstance(elem, FloatType)]
        known += [self.element(a, depth) for a in (*self.arrays, *self.roms) if isinstance(a.elem, FloatType)]
        if known and self.pick(range(4)):
            return self.pick(known)
        return f"{self.float_type()}({self.pick([self.pick(_LITERALS), f'Int(64)({self.leaf(0)})'])})"

    def real(self, depth: int) -> str:
        """An expression of a float, of whatever type, in parentheses unless it is atomic."""
        if depth <= 0:
            return self.real_leaf(depth)
        r = lambda: self.real(depth - 1)  # noqa: E731
        type = self.float_type()
        operator = self.pick(_REAL_OPERATORS)
        form = self.pick(
            ["leaf", "two", "two", "literal", "integer", "unary", "function", "pick", "cast", "weak", "bits"]
        )
        match form:
            case "two":
                return f"({r()} {operator} {r()})"
            case "literal":
                return f"({self.pick(_LITERALS)} {operator} {r()})"
            case "integer":
                return f"({r()} {operator} Int({self.pick([2, 9, 60, 64])})({self.expr(depth - 1)}))"
            case "unary":
                return self.pick([f"(-{r()})", f"abs({r()})", f"(+{r()})"])
            case "function":
                name = self.pick([*_REAL_FUNCTIONS, "pow"])
                return (
                    f"{name}({r()}{f', {self.pick([r(), self.pick(_LITERALS)])}' if name == 'pow' else ''})"
                )
            case "pick" if self.chance():
                return f"({type}({r()}) if {self.test(depth - 1)} else {type}({r()}))"
            case "pick":
                sides = ", ".join(f"{type}({r()})" for _ in range(self.pick([2, 3])))
                return f"{self.pick(['min', 'max'])}({sides})"
            case "cast":
                return f"{type}({self.pick([r(), f'UInt(64)({self.expr(depth - 1)})'])})"
            case "weak":
                return f"((float({r()}) * {self.pick(_LITERALS)}) {operator} {r()})"
            case "bits":
                width = self.pick([16, 32, 64])
                return f"bitcast({self.pick(['Int', 'UInt'])}({width})({self.expr(depth - 1)}), float{width})"
        return self.real_leaf(depth)

    def bits(self, depth: int) -> str:
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
                right = self.pick([self.real(depth - 1), self.pick(_LITERALS), f"Int(64)({self.leaf(0)})"])
                return f"{self.real(depth - 1)} {operator} {right}"
            return f"{self.expr(depth - 1)} {operator} {self.expr(depth - 1)}"
        form = self.pick(["and", "or", "not", "value"])
        if form == "not":
            return f"not ({self.test(depth - 1)})"
        if form == "value":
            return self.expr(depth - 1)
        return f"({self.test(depth - 1)}) {form} ({self.test(depth - 1)})"


_LITERALS = ("0.0", "-0.0", "1.0", "0.5", "-1.5", "0.1", "3", "1e-6", "-70000.0", "1e30", 'float("inf")')
_REAL_OPERATORS = ("+", "-", "*", "/")
_REAL_FUNCTIONS = ("sqrt", "exp", "log", "sin", "tanh", "floor", "ceil", "rint")
_FORMS = (
    *("binary", "binary", "divide", "left", "right", "unary", "compare"),
    *("logic", "select", "extreme", "cast", "bits"),
)
