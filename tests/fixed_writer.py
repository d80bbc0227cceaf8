"""Random kernels of fixed point alone, with every operator that it has, like those of `kernels`."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.strategies import KernelCase
from tests.writing.base import Array, Draw, Loop, Rules
from tests.writing.files import HEAD, Writer

from bitfold.lang import Int

SIZE = 4


class _Writer(Writer):
    def statements(self, depth: int) -> None:
        for _ in range(self.draw(st.integers(1, 3))):
            match self.pick(["store", "store", "update", "scalar", "if"]):
                case "store":
                    place = self.pick(["a", "b", "c", "n"])
                    value = f"int({self.exact(2)})" if place == "n" else self.pick([self.exact(2), "0.7"])
                    self.line(depth, f"{place}[{self.pick(['i', '1'])}] = {value}")
                case "update":
                    self.line(depth, f"{self.pick(['a', 'b', 'c'])}[i] {self.pick('+-*')}= {self.exact(1)}")
                case "scalar":
                    name, elem = self.name("v"), self.fixed_type()
                    self.line(depth, f"{name}: {elem} = {elem}({self.exact(2)})")
                    if depth == 2:
                        self.scalars.append((name, elem, False))
                case "if" if depth < 3:
                    self.line(depth, f"if {self.exact_test(1)}:")
                    self.statements(depth + 1)
        self.line(depth, "pass")


@st.composite
def fixed_kernels(draw: Draw) -> KernelCase:
    """Kernels over arrays of fixed point and one of integers."""
    rules = Rules(max_width=70, max_depth=2, variable_bounds=False, floats=False)
    writer = _Writer(draw, rules, [], [])
    writer.arrays = [Array(name, writer.fixed_type(), (SIZE,), (SIZE,)) for name in "abc"]
    writer.arrays.append(Array("n", Int(16), (SIZE,), (SIZE,)))
    declared = ", ".join(a.declaration for a in writer.arrays)
    writer.line(1, f"for i in range({SIZE}):")
    writer.loops.append(Loop("i", 0, SIZE - 1))
    writer.statements(2)
    return KernelCase(f"{HEAD}\ndef kernel({declared}):\n" + "\n".join(writer.lines) + "\n", {})
