"""Scalars, local arrays, stores and parts of arrays in generated kernels."""

from __future__ import annotations

from dataclasses import replace

from tests.writing.base import Array, Base
from tests.writing.reals import LITERALS, OPERATORS

from bitfold.lang import FixedType, FloatType, Int, IntType


class Statements(Base):
    """Writes declarations and assignments of numbers and arrays."""

    def scalar(self, depth: int) -> None:
        """A new scalar: declared, or with the type that its value gives it."""
        name = self.name("v")
        if self.rules.fixed and self.rarely(6):
            fixed = self.fixed_type()
            self.line(depth, f"{name}: {fixed} = {self.value(fixed, 2)}")
            self.scalars.append((name, fixed, False))
        elif self.rules.floats and self.pick(range(4)) == 0:
            elem = self.float_type()
            if self.chance():
                self.line(depth, f"{name}: {elem} = {elem}({self.real(self.rules.max_depth)})")
            else:
                self.line(depth, f"{name} = {elem}({self.real(1)}) * {self.pick(LITERALS)}")
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
            update = [f"{name} = {value}", f"{name} {self.pick(OPERATORS)}= {value}"]
            return self.line(depth, self.pick(update))
        if isinstance(elem, FixedType):
            value = self.pick([self.exact(2), f"{name} {self.pick('+-*')} {self.exact(1)}"])
            return self.line(depth, f"{name} = {elem}({value})")
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
            self.line(depth + 1, f"{name}[{i}] = {self.value(elem, 1)}")
        else:
            fills = {FloatType: LITERALS, FixedType: ["0.5", "-1.25", 3]}.get(type(elem), [1, -1, 5])
            fill = f", {self.pick(fills)}" if form == "full" else ""
            self.line(depth, f"{name} = {form}({elem}[{size}]{fill})")
        self.arrays.append(Array(name, elem, (size,), (size,)))

    def store(self, depth: int) -> None:
        """A store into an element, or a change of one."""
        array = self.pick([a for a in self.arrays if a.writable and a.struct is None])
        target = self.element(array)
        if isinstance(array.elem, FixedType):
            update = f"{target} {self.pick('+-*')}= {self.exact(1)}"
            return self.line(depth, self.pick([update, f"{target} = {self.exact(2)}", f"{target} = 0.7"]))
        if isinstance(array.elem, FloatType):
            value = self.real(self.rules.max_depth)
            update = f"{target} {self.pick(OPERATORS)}= {value}"
            integer = f"{target} = Int(64)({self.expr(1)})"
            return self.line(depth, self.pick([update, f"{target} = {value}", integer]))
        if self.chance():
            operator = self.pick(["+=", "-=", "*=", "&=", "|=", "^="])
            return self.line(depth, f"{target} {operator} {self.expr(self.rules.max_depth - 1)}")
        return self.line(depth, f"{target} = {self.expr(self.rules.max_depth)}")

    def exchange(self, depth: int) -> None:
        """Several places assigned at once."""
        integers = [a for a in self.known(IntType) if a.writable]
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
        found = [a for a in (*self.arrays, *self.roms) if not a.field]
        if not found:
            return self.store(depth)
        array, name = self.pick(found), self.name("r")
        text, shape = self.sliced(array)
        self.line(depth, f"{name} = {text}")
        made = replace(array, name=name, shape=shape, dims=shape, part_of=array.root, type_name="")
        self.arrays += made.parts
        return None

    def sliced(self, array: Array) -> tuple[str, tuple[int, ...]]:
        """A part of an array, and its shape."""
        parts, shape = [], []
        for axis, size in enumerate(array.shape):
            form = self.pick(["all", "some", "back", "one", "second"])
            start = self.pick(range(size))
            if form == "one" and axis < len(array.shape) - 1:
                parts.append(self.index(size, 1))
                continue
            stop = self.pick(range(start + 1, size + 1))
            chosen = {"all": slice(None), "back": slice(None, None, -1), "second": slice(None, None, 2)}.get(
                form, slice(start, stop)
            )
            parts.append(":".join("" if p is None else str(p) for p in (chosen.start, chosen.stop)))
            if chosen.step:
                parts[-1] += f":{chosen.step}"
            shape.append(len(range(size)[chosen]))
        while len(parts) > 1 and parts[-1] == ":":
            parts.pop()
        return f"{array.name}[{', '.join(parts)}]", tuple(shape)
