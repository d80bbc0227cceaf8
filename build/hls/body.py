"""The body of a kernel while it is written: lines, names, memories and the values on their way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bitfold.build.hls import module as mlir
from bitfold.build.hls.ccode import Code, ap, as_native
from bitfold.build.hls.names import Names
from bitfold.build.hls.values import Values
from bitfold.diagnostics import BuildError
from bitfold.lang.types import ElementType
from bitfold.lowering.mlir import ir

LONGEST_LINE = 110


@dataclass(slots=True)
class Memory:
    """An array, scalar or stream: its C++ name (a scalar's from its declaration on) and its element type.

    `copied` tells that each call gets a copy: it is a number that nothing writes.
    """

    name: str
    elem: ElementType
    dims: tuple[int, ...]
    copied: bool = False


@dataclass
class Body:
    """Writes the statements of one function into `lines`.

    `handlers` maps an operation's name to what writes it; `callees` and `globals` map MLIR symbols to C++
    names, `initials` those of static arrays to the lines of their initializers.
    """

    handlers: Mapping[str, Handler]
    names: Names
    effects: mlir.Effects
    callees: Mapping[str, str]
    globals: Mapping[str, str]
    initials: Mapping[str, list[str]] = field(default_factory=dict)
    memories: dict[ir.Value, Memory] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    # Scalars that wait for their first store, to be declared with a value, and the block they live in.
    undeclared: dict[ir.Value, ir.Block] = field(default_factory=dict)
    where: str = ""
    _depth: int = 1

    def __post_init__(self) -> None:
        self.values = Values(self._temporary)

    # ---- lines

    def line(self, text: str, comment: str = "") -> None:
        """Add a line with a trailing comment, which moves above a line that is long already."""
        self.lines += self._formed(text, comment, self._depth)

    @staticmethod
    def _formed(text: str, comment: str, depth: int) -> list[str]:
        indent = "  " * depth
        if not comment:
            return [f"{indent}{text}"]
        if len(indent) + len(text) + len(comment) + 5 <= LONGEST_LINE:
            return [f"{indent}{text}  // {comment}"]
        return [f"{indent}// {comment}", f"{indent}{text}"]

    def take_lines(self, start: int) -> list[str]:
        """Take back the lines from number `start` on."""
        taken = self.lines[start:]
        del self.lines[start:]
        return taken

    def opening(self, text: str, comment: str) -> None:
        """Add the line that opens the scope that is written."""
        self.lines += self._formed(text, comment, self._depth - 1)

    def statement(self, text: str, value: str = "") -> None:
        """Add a line that names its place in Python. A `value` too long to follow gets a line."""
        if not value:
            self.line(text, self.where)
        elif 2 * self._depth + len(text) + 1 + len(value) <= LONGEST_LINE:
            self.line(f"{text} {value}", self.where)
        else:
            self.line(text, self.where)
            self.line(f"    {value}")

    def static(self, declaration: str, state: str) -> None:
        """Declare an array that lives on; `state` names its initial values, "" is all zeros, as in C++."""
        if not state:
            self.statement(f"static {declaration};")
            return
        first, *rest = self.initials[state]
        self.statement(f"static {declaration} =", first + ("" if rest else ";"))
        for line in rest:
            self.line(line + (";" if line is rest[-1] else ""))

    def pragmas(self, pragmas: list[str]) -> None:
        self.lines += [f"#pragma HLS {p}" for p in pragmas]

    @contextmanager
    def braces(self, head: str, comment: str = "") -> Iterator[None]:
        """`head {` ... `}`: a scope of its own."""
        self.line(f"{head} {{", comment)
        with self.scope():
            yield
        self.line("}")

    @contextmanager
    def scope(self) -> Iterator[None]:
        """One level of indentation, whose names end with it."""
        self._depth += 1
        self.names.push()
        yield
        self.names.pop()
        self._depth -= 1

    def _temporary(self, code: Code, hint: str) -> str:
        bound = self.names.declare(hint)
        self.statement(f"const {code.type} {bound} =", f"{code.text};")
        return bound

    # ---- operations and their operands

    def block(self, block: ir.Block) -> None:
        """Write every operation of a block."""
        for op in block.operations:
            self.operation(op.operation)

    def operation(self, op: ir.Operation) -> None:
        self.where = mlir.source(op)
        handler = self.handlers.get(op.name)
        if handler is None:
            raise BuildError(
                f"HLS C++ has no form for the operation {op.name}",
                code="BF-B011",
                remedy="please report this",
            )
        handler(self, op)

    def take(self, value: ir.Value, reads: set[ir.Value] | None = None) -> Code:
        """The code of an operand; the memories it reads are added to `reads`."""
        code, read = self.values.take(value)
        if reads is not None:
            reads |= read
        return code

    def place(self, memref: ir.Value, indices: list[ir.Value], reads: set[ir.Value] | None = None) -> str:
        """An element of an array, or a scalar, as C++."""
        subscripts = []
        for index in indices:
            code = self.take(index, reads)
            subscripts.append((as_native(code) if code.type.width > 64 else code).text)
        memory = self.memories[memref]
        if not memory.dims and not mlir.is_stream(memref.type):
            return memory.name  # a number, to which the only index is 0
        return memory.name + "".join(f"[{s}]" for s in subscripts)

    def name_scalar(self, memref: ir.Value) -> Memory:
        """Give a scalar its name, in the innermost scope; its declaration is the caller's to write."""
        del self.undeclared[memref]
        memory = self.memories[memref]
        memory.name = self.names.declare(memory.name)
        return memory

    def declare(self, used: set[ir.Value]) -> None:
        """Declare the scalars among `used` that have waited for their first store."""
        for memref in [v for v in self.undeclared if v in used]:
            memory = self.name_scalar(memref)
            self.line(f"{ap(memory.elem)} {memory.name};")

    def enter(self, op: ir.Operation) -> None:
        """Get ready for a statement that holds others: declare what it uses, name what it would change."""
        read, written = self.effects.touched(op)
        self.declare(read | written)
        self.values.settle_before(written)


Handler = Callable[[Body, ir.Operation], None]
