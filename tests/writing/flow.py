"""Blocks, loops, conditions and jumps of generated kernels."""

from __future__ import annotations

from tests.writing.base import Base, Loop

from bitfold.lang import Int


class Flow(Base):
    """Writes blocks of statements, and the statements that hold blocks."""

    def block(self, depth: int, statements: int) -> None:
        """So many statements; what they declare inside a loop or a branch ends with them."""
        arrays, scalars, records = len(self.arrays), len(self.scalars), len(self.records)
        kinds = [self.store, self.store, self.scalar, self.update, self.local_array, self.call, self.call]
        kinds += [self.whole, self.whole, self.reduction, self.exchange, self.part]
        if self.structs:
            kinds += [self.record] * 3
        if depth < 4:
            kinds += [self.loop, self.loop, self.condition, self.repeat, self.written_out]
        kinds.append(self.jump)
        for _ in range(statements):
            self.pick(kinds)(depth)
        if depth > 1:
            del self.arrays[arrays:], self.scalars[scalars:], self.records[records:]

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
            at = self.scalars.index(kept[0])
            del self.scalars[at]
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
        if kept:
            self.scalars.insert(at, kept[0])

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
