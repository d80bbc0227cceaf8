"""Calls of other kernels in generated kernels: arrays and parts of them, numbers, and results."""

from __future__ import annotations

from dataclasses import replace

from tests.writing.base import Array, Base, Elem, Kernel, Passed, StructKind

from bitfold.lang import FixedType, IntType


class Calls(Base):
    """Writes calls, and kernels inside the kernel."""

    def call(self, depth: int) -> None:
        """A call of one of the kernels that there are; a store where none fits."""
        if not self.kernels:
            return self.store(depth)
        kernel = self.pick(self.kernels)
        text = self.called(kernel)
        if text is None:
            return self.store(depth)
        if not kernel.results:
            return self.line(depth, text)
        if len(kernel.results) == 1 and not kernel.writes and isinstance(kernel.results[0], IntType):
            places = [a for a in self.known(IntType) if a.writable]
            if places and self.chance():
                value = self.pick([text, f"{text} + {self.expr(1)}", f"max({text}, {self.leaf(0)})"])
                return self.line(depth, f"{self.element(self.pick(places))} = {value}")
        names = [self.name("t" if isinstance(r, Array) else "v") for r in kernel.results]
        self.line(depth, f"{', '.join(names)} = {text}")
        for name, result in zip(names, kernel.results, strict=True):
            if isinstance(result, Array):
                made = Array(name, result.elem, result.shape, result.shape, struct=result.struct)
                self.arrays += made.parts
            else:
                self.enter(name, result, inferred=True)
        return None

    def called(self, kernel: Kernel) -> str | None:
        """A call with arguments from the scope, or None where nothing fits one of its parameters."""
        given, roots = [], [*kernel.own]
        for param in kernel.params:
            if isinstance(param, StructKind):
                given.append(self.whole_record(param))
                continue
            if not isinstance(param, Array):
                given.append(self.argument(param))
                continue
            fits = [a for a in (*self.arrays, *(() if param.writable else self.roms)) if self.fits(a, param)]
            fits = [a for a in fits if a.root not in roots]
            texts = [(a.root, text) for a in fits if (text := self.shaped(a, param.shape)) is not None]
            if not texts:
                return None
            root, text = self.pick(texts)
            roots.append(root)
            given.append(text)
        return f"{kernel.name}({', '.join(given)})"

    def fits(self, array: Array, param: Array) -> bool:
        """Whether an array, or a part of it, may be passed for a parameter."""
        same = array.elem == param.elem and array.struct == param.struct and not array.field
        return same and not array.made and (array.writable or not param.writable)

    def argument(self, elem: Elem) -> str:
        """A number for a parameter: of its type, since nothing converts it under CPython."""
        same = [name for name, known, inferred in self.scalars if known == elem and not inferred]
        if same and self.chance():
            return self.pick(same)
        if isinstance(elem, IntType) and self.rarely(4):
            return str(self.pick([v for v in (0, 1, -1, elem.high) if elem.low <= v <= elem.high]))
        return self.value(elem, 1)

    def shaped(self, array: Array, shape: tuple[int, ...]) -> str | None:
        """An array, or a part of it, of that shape; None when it has none."""
        if array.shape == shape:
            return array.name
        if array.field:
            return None
        sizes, parts = list(array.shape), []
        if len(sizes) == len(shape) + 1:
            parts.append(self.index(sizes.pop(0), 1))
        if len(sizes) != len(shape) or any(s < n for s, n in zip(sizes, shape, strict=True)):
            return None
        for size, wanted in zip(sizes, shape, strict=True):
            step = self.pick([1, -1, *([2] if 2 * wanted - 1 <= size else [])])
            if step == -1:
                parts.append(":" if wanted == size and self.chance() else f"{wanted - 1}::-1")
                continue
            start = self.pick(range(size - (wanted - 1) * step))
            stop = start + (wanted - 1) * step + 1
            parts.append(f"{start}:{stop}" + (f":{step}" if step > 1 else ""))
        return f"{array.name}[{', '.join(parts)}]"

    def nested(self) -> None:
        """A kernel inside this one, which uses what is around it."""
        name, k, v = self.name("g"), self.name("k"), self.name("k")
        params: tuple[Elem, ...] = (self.type(), self.draw(self.rules.elements))
        result = self.draw(self.rules.elements) if self.chance() else None
        outer = [a for a in self.arrays if not a.part_of and not a.made and a.struct is None and not a.field]
        if not outer:
            return
        inner = type(self)(
            self.draw, self.rules, [replace(a, outside=True) for a in outer], self.roms, structs=self.structs
        )
        inner.dims, inner.count = self.dims, self.count
        inner.results = () if result is None else (result,)
        inner.scalars = [(n, e, True) for n, e, _ in self.scalars if "." not in n]
        inner.scalars += [(k, params[0], True), (v, params[1], True)]
        arrow = f" -> {result}" if result is not None else ""
        self.line(1, f"def {name}({k}: {params[0]}, {v}: {params[1]}){arrow}:")
        inner.block(1, self.pick([1, 1, 2]))
        inner.store(1)
        if result is not None:
            inner.line(1, inner.leave())
        self.lines += ["    " + line for line in inner.lines]
        self.count = inner.count
        self.kernels.append(Kernel(name, params, inner.results))

    def leave(self) -> str:
        """A return, of the values that a kernel with results gives."""
        values = []
        for kind in self.results:
            if isinstance(kind, StructKind):
                values.append(self.whole_record(kind))
            else:
                values.append(kind.name if isinstance(kind, Array) else self.value(kind, 1))
        return f"return {', '.join(values)}".rstrip()


def shown(kind: Passed) -> str:
    """The type of a parameter or a result as it is declared."""
    if isinstance(kind, StructKind):
        return kind.name
    return kind.annotation if isinstance(kind, Array) else str(kind)


__all__ = ["Calls", "FixedType", "shown"]
