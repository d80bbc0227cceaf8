"""What all writers of generated kernels share: the types they draw, and the names that are in scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from bitfold.lang import Fixed, FixedType, FloatType, Int, IntType, UFixed, UInt, float16, float32, float64
from bitfold.lang.types import ElementType

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]
Elem = ElementType | FixedType


@cache
def int_types(max_width: int = 80) -> st.SearchStrategy[IntType]:
    """Integer types of 1 to `max_width` bits; the common widths come often."""
    common = [w for w in (1, 2, 7, 8, 16, 32, 63, 64, 65) if w <= max_width]
    widths = st.sampled_from(common) | st.integers(1, max_width)
    return st.builds(lambda width, signed: Int(width) if signed else UInt(width), widths, st.booleans())


@cache
def fixed_types(max_width: int = 70) -> st.SearchStrategy[FixedType]:
    """Fixed-point types with any number of bits before and after the point."""
    widths = st.sampled_from([1, 2, 7, 8, 16, 53, 54, max_width]) | st.integers(1, max_width)
    fractions = st.integers(0, 20) | st.sampled_from([0, 1, 8])
    return st.builds(lambda make, w, f: make(w, f), st.sampled_from([Fixed, UFixed]), widths, fractions)


@cache
def element_types(max_width: int, floats: bool, fixed: bool) -> st.SearchStrategy[Elem]:
    """The types of elements and scalars; a float or fixed point comes now and then."""
    found = [int_types(max_width)] * 2
    if floats:
        found.append(st.sampled_from([float32, float32, float16, float64]))
    if fixed:
        found.append(fixed_types(min(max_width, 70)))
    return st.one_of(found)


@dataclass(frozen=True)
class Rules:
    """What kernels may have; see `tests.strategies.kernels`."""

    max_width: int
    max_depth: int
    variable_bounds: bool
    floats: bool
    fixed: bool = True

    @property
    def elements(self) -> st.SearchStrategy[Elem]:
        return element_types(self.max_width, self.floats, self.fixed)


@dataclass(frozen=True)
class StructKind:
    """A struct type: its name in the source, and its fields."""

    name: str
    fields: tuple[tuple[str, Elem], ...]

    @property
    def definition(self) -> str:
        return f"{self.name} = Struct({', '.join(f'{n}={e}' for n, e in self.fields)})"


@dataclass(frozen=True)
class Array:
    """An array in scope. `dims` is its shape as the source says it: numbers and names.

    One of a `struct` has no elements of its own; that of each `field` of it is in scope as well. `made` marks
    what a whole-array expression makes, whose elements have types of their own, and `outside` what is from
    outside the function, which Python lets it change but not assign.
    """

    name: str
    elem: Elem
    shape: tuple[int, ...]
    dims: tuple[int | str, ...]
    writable: bool = True
    part_of: str = ""
    type_name: str = ""
    field: str = ""
    struct: StructKind | None = None
    made: bool = False
    outside: bool = False

    @property
    def root(self) -> str:
        """The array that this is a part of, or itself."""
        return self.part_of or self.name

    @property
    def plain(self) -> bool:
        """Whether it can be passed, sliced, and used as a whole."""
        return not self.field and self.struct is None

    @property
    def annotation(self) -> str:
        named = self.type_name or (self.struct.name if self.struct else "")
        if self.type_name:
            return f'"{named}[{", ".join(map(str, self.dims))}]"'
        dims = ", ".join(f'"{d}"' if isinstance(d, str) else str(d) for d in self.dims)
        return f"{named or self.elem}[{dims}]"

    @property
    def declaration(self) -> str:
        return f"{self.name}: {self.annotation}"

    @property
    def parts(self) -> list[Array]:
        """It, and for one of structs the arrays of its fields."""
        fields = self.struct.fields if self.struct and not self.field else ()
        return [self, *(replace(self, elem=e, field=n, struct=None) for n, e in fields)]


def draw_array(
    draw: Draw,
    name: str,
    rules: Rules,
    named: dict[str, int],
    writable: bool = True,
    types: dict[str, Elem] | None = None,
) -> Array:
    """A new array, its sizes and its type sometimes one of those in `named` and `types`."""
    type_name = draw(st.sampled_from(["", "", *sorted(types)])) if types else ""
    elem = (types or {}).get(type_name) or draw(rules.elements)
    rank = draw(st.sampled_from([1, 1, 2]))
    sizes = st.integers(1, 4)
    size = st.sampled_from(sorted(named)) | sizes if named else sizes
    dims = tuple(draw(size) for _ in range(rank))
    return Array(name, elem, tuple(named.get(d, d) for d in dims), dims, writable, type_name=type_name)


def formal_of(actual: Array, name: str, writable: bool, generic: bool = False) -> Array:
    """A parameter that takes `actual`, its dimensions named where that cannot clash."""
    dims = tuple(f"{name.upper()}_{i}" for i in range(len(actual.shape)))
    type_name = f"{name.upper()}_T" if generic and actual.plain else ""
    return Array(name, actual.elem, actual.shape, dims, writable, type_name=type_name, struct=actual.struct)


Passed = Array | Elem | StructKind
"""What a kernel takes or returns: an array, or the type of a number or of a struct."""


@dataclass
class Loop:
    """A loop's variable and its range."""

    name: str
    low: int
    high: int


@dataclass(frozen=True)
class Kernel:
    """A kernel that others may call: its parameters, arrays, numbers or structs, and its results likewise.

    One that `writes` is called as a statement, not inside an expression. It uses the states in `own` itself,
    so they are not passed to it.
    """

    name: str
    params: tuple[Passed, ...]
    results: tuple[Passed, ...] = ()
    writes: bool = True
    own: frozenset[str] = frozenset()


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


@dataclass
class Base:
    """The state of a writer of the body of one function, and how it draws what to write next.

    A scalar is (name, type, whether nothing may be stored in it).
    """

    draw: Draw
    rules: Rules
    arrays: list[Array]
    roms: list[Array]
    kernels: list[Kernel] = field(default_factory=list)
    structs: list[StructKind] = field(default_factory=list)
    results: tuple[Passed, ...] = ()
    dims: dict[str, int] = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)
    scalars: list[tuple[str, Elem, bool]] = field(default_factory=list)
    records: list[tuple[str, StructKind]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    count: int = 0
    leavable: int = 0

    def pick(self, options: Sequence[T]) -> T:
        return options[self.draw(_below(len(options)))]

    def enter(self, name: str, kind: Elem | StructKind, inferred: bool = False) -> None:
        """Let a name stand for a number, or for a struct and its fields."""
        if isinstance(kind, StructKind):
            self.records.append((name, kind))
            self.scalars += [(f"{name}.{field}", elem, True) for field, elem in kind.fields]
        else:
            self.scalars.append((name, kind, inferred))

    def chance(self) -> bool:
        return self.pick((False, True))

    def rarely(self, times: int) -> bool:
        """Once in so many times."""
        return self.pick(range(times)) == times - 1

    def name(self, prefix: str) -> str:
        """A new name; loop variables and scalars of finished blocks are sometimes used again."""
        self.count += 1
        return f"{prefix}{self.count}"

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def type(self) -> IntType:
        found: IntType = self.draw(int_types(self.rules.max_width))
        return found

    def float_type(self) -> FloatType:
        return self.pick([float32, float32, float16, float64])

    def fixed_type(self) -> FixedType:
        found: FixedType = self.draw(fixed_types())
        return found

    def number(self, value: int) -> str:
        """`value`, by the name of a dimension when one has that size."""
        names = [name for name, size in self.dims.items() if size == value]
        return self.pick([str(value), *names])

    def known(self, kind: type | tuple[type, ...], roms: bool = False, plain: bool = False) -> list[Array]:
        """The arrays in scope with elements of that kind; only whole ones when `plain`."""
        places = (*self.arrays, *(self.roms if roms else ()))
        return [a for a in places if isinstance(a.elem, kind) and a.struct is None and (a.plain or not plain)]

    def value(self, elem: Elem, depth: int) -> str:
        """An expression that is cast to `elem`, so that plain Python has the value that the program has."""
        if isinstance(elem, FloatType):
            return f"{elem}({self.real(depth)})"
        if isinstance(elem, FixedType):
            return f"{elem}({self.exact(depth)})"
        return f"{elem}({self.expr(depth)})"
