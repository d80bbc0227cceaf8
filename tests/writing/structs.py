"""Structs in generated kernels; the fields of arrays of them are arrays to the other writers."""

from __future__ import annotations

from tests.writing.base import Array, Base, StructKind


class Records(Base):
    """Writes statements about whole structs."""

    def record(self, depth: int) -> None:
        """A new struct in a variable, a change of one, stores of whole ones, or a new array of them."""
        struct = self.pick(self.structs)
        form = self.pick(["new", "new", "change", "store", "store", "swap", "chain", "array", "copy"])
        variables = [name for name, kind in self.records if kind == struct]
        places = [a for a in self.arrays if a.struct == struct and a.writable]
        if form == "change" and variables:
            return self.line(depth, f"{self.pick(variables)} = {self.whole_record(struct)}")
        if form == "store" and places:
            return self.line(depth, f"{self.element(self.pick(places))} = {self.whole_record(struct)}")
        if form == "swap" and places:
            first, second = (self.element(self.pick(places)) for _ in range(2))
            return self.line(depth, f"{first}, {second} = {second}, {self.whole_record(struct)}")
        if form == "chain" and places:
            first, second = (self.element(self.pick(places)) for _ in range(2))
            return self.line(depth, f"{first} = {second} = {self.whole_record(struct)}")
        if form == "array":
            return self.record_array(depth, struct)
        if form == "copy" and places:
            return self.copy(depth, struct, self.pick(places))
        name = self.name("s")
        declared = self.pick(["", f": {struct.name}"])
        self.line(depth, f"{name}{declared} = {self.whole_record(struct)}")
        return self.enter(name, struct)

    def record_array(self, depth: int, struct: StructKind) -> None:
        """A new array of structs."""
        name, size = self.name("t"), self.pick(range(1, 5))
        form = self.pick(["zeros", "empty"])
        self.line(depth, f"{name} = {form}({struct.name}[{size}])")
        if form == "empty":
            self.line(depth, f"{name}[:] = {self.whole_record(struct)}")
        self.arrays += Array(name, struct.fields[0][1], (size,), (size,), struct=struct).parts

    def copy(self, depth: int, struct: StructKind, place: Array) -> None:
        """A store into a part of an array, of another part or of one struct everywhere."""
        target, shape = self.sliced(place)
        arrays = [a for a in (*self.arrays, *self.roms) if a.struct == struct]
        texts = [text for a in arrays if (text := self.shaped(a, shape))]
        self.line(depth, f"{target} = {self.pick([self.whole_record(struct), *texts])}")

    def whole_record(self, struct: StructKind) -> str:
        """A whole struct: an element, a variable, or a new one."""
        found = [name for name, kind in self.records if kind == struct]
        found += [self.element(a) for a in (*self.arrays, *self.roms) if a.struct == struct]
        if found and self.chance():
            return self.pick(found)
        fields = [f"{n}={self.field(elem)}" for n, elem in struct.fields]
        return f"{struct.name}({', '.join(fields)})"

    def field(self, elem: object) -> str:
        """What a field of a new struct gets; it is wrapped as a store is."""
        return self.value(elem, 1)
