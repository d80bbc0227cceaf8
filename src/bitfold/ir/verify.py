"""Check that a program is well formed. Run before and after each step of the lowering and each primitive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from bitfold.ir.nodes import (
    Alloc,
    Assign,
    Binary,
    CallKernel,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    Function,
    Get,
    If,
    Load,
    Local,
    LoopVar,
    Probe,
    Program,
    Put,
    Real,
    Rom,
    Stmt,
    Store,
    While,
    own_exprs,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import RESERVED
from bitfold.lang.stream import StreamType
from bitfold.lang.types import ArrayType, ElementType, FloatType


class MalformedError(Exception):
    """A stage produced a program that breaks the rules of the IR: a fault of bitfold, not of the kernel."""


def verify(program: Program, known: Program | None = None) -> None:
    """Raise MalformedError unless every name is bound where it is used, with the right kind and type.

    Loops and conditions that `program` shares with `known`, which has been verified, are not looked at again
    where they see the same names: so a step of a schedule costs what it changes.
    """
    verified = {f.name: f for f in known.functions} if known is not None else {}
    seen: dict[str, Function] = {}
    changed: set[str] = set()  # kernels whose parameters are not what their callers were verified with
    for function in program.functions:
        if function.name in seen:
            raise MalformedError(f"two kernels named {function.name}")
        old = verified.get(function.name)
        same_callees = not changed or changed.isdisjoint(
            s.callee for s in walk(function.body) if isinstance(s, CallKernel)
        )
        if old is not function or not same_callees:
            _Verifier(program, function, seen).run(old if same_callees else None)
            if old is None or old.params != function.params:
                changed.add(function.name)
        seen[function.name] = function


class _Verifier:
    def __init__(self, program: Program, function: Function, callees: dict[str, Function]) -> None:
        self.program = program
        self.function = function
        self.callees = callees
        self.arrays: dict[str, ArrayType] = {}
        self.constants: set[str] = set()
        self.names: list[tuple[str, object]] = []
        self.same = 0
        for param in function.params:
            self._array(param.name, param.type)
            if param.state is not None:
                self._require(function is program.top, f"the state {param.name} is no parameter of the top")
                self._initial(param.state, param.type)

    def run(self, old: Function | None) -> None:
        names = [p.name for p in self.function.params]
        others = {self.function.name}
        for stmt in walk(self.function.body):
            match stmt:
                case For():
                    names.append(stmt.var)
                case Declare() | Alloc() | Rom():
                    names.append(stmt.name)
            match stmt:
                case Rom():
                    others.add(stmt.source)
                case CallKernel():
                    others.add(stmt.callee)
        for name, count in Counter(names).items():
            self._require(count == 1, f"{name} is bound twice")
            self._require(name not in others | RESERVED, f"the name {name} means something else as well")
        self._body(self.function.body, {}, {}, self._shared(old) if old else {})

    def _shared(self, old: Function) -> dict[int, int]:
        """The loops and conditions at the top of `old`, by identity, and how many names each of them sees."""
        self.names = [(p.name, p.type) for p in old.params]
        shared = {}
        for stmt in old.body:
            match stmt:
                case For() | If():
                    shared[id(stmt)] = len(self.names)
                case Declare() | Alloc() | Rom():
                    self.names.append((stmt.name, stmt.type))
        return shared

    def _sees(self, count: int, scalars: dict[str, ElementType]) -> bool:
        """Whether the first `count` names of the verified function mean the same here."""
        while self.same < count:
            name, type = self.names[self.same]
            if self.arrays.get(name) != type and scalars.get(name) != type:
                return False
            self.same += 1
        return True

    def _require(self, condition: bool, message: str) -> None:
        if not condition:
            raise MalformedError(f"in {self.function.name}: {message}")

    def _body(
        self,
        body: tuple[Stmt, ...],
        loops: dict[str, For],
        scalars: dict[str, ElementType],
        shared: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        scalars = dict(scalars)
        mine: list[str] = []
        for stmt in body:
            if (count := shared.get(id(stmt))) is not None and self._sees(count, scalars):
                continue
            whole = stmt.value if isinstance(stmt, (Declare, Assign, Store)) else None
            for expr in own_exprs(stmt):
                self._expr(expr, loops, scalars, whole)
            match stmt:
                case For():
                    self._loop(stmt)
                    self._body(stmt.body, {**loops, stmt.var: stmt}, scalars)
                case While():
                    self._body(stmt.body, loops, scalars)
                case If():
                    self._body(stmt.then, loops, scalars)
                    self._body(stmt.orelse, loops, scalars)
                case Declare():
                    scalars[stmt.name] = stmt.type
                    self._taken(stmt.value, stmt.type, stmt.name)
                case Assign():
                    self._taken(stmt.value, stmt.type, stmt.name)
                    self._require(scalars.get(stmt.name) == stmt.type, f"{stmt.name} is no {stmt.type} here")
                case Store():
                    self._access(stmt.array, len(stmt.indices))
                    self._require(stmt.array not in self.constants, f"constant {stmt.array} is written")
                    self._taken(stmt.value, self.arrays[stmt.array].elem, stmt.array)
                case Put():
                    self._stream(stmt.stream, len(stmt.indices))
                    self._taken(stmt.value, self.arrays[stmt.stream].elem, stmt.stream)
                case Alloc():
                    self._array(stmt.name, stmt.type)
                    if stmt.state is not None:
                        self._initial(stmt.state, stmt.type)
                    filled = stmt.fill.of if isinstance(stmt.fill, Real) else None
                    float_fill = isinstance(stmt.type.elem, FloatType) and stmt.fill is not None
                    self._require(
                        filled == (stmt.type.elem if float_fill else None), f"{stmt.name} is ill filled"
                    )
                    mine.append(stmt.name)
                case Rom():
                    self._rom(stmt)
                case CallKernel():
                    self._call(stmt)
        for name in mine:
            del self.arrays[name]

    def _loop(self, loop: For) -> None:
        self._require(loop.step >= 1, f"loop {loop.var} has step {loop.step}")
        if loop.flatten:
            alone = len(loop.body) == 1 and isinstance(loop.body[0], For)
            plain = loop.low == Const(0, low=0, high=0) and loop.step == 1 and loop.trips
            self._require(alone and bool(plain), f"loop {loop.var} cannot be flattened")

    def _array(self, name: str, type: ArrayType) -> None:
        fault = type.fault()
        self._require(fault is None, f"{name}: {fault}")
        self.arrays[name] = type

    def _rom(self, rom: Rom) -> None:
        self._array(rom.name, rom.type)
        self.constants.add(rom.name)
        self._require(rom.source in self.program.constants, f"there is no constant {rom.source}")
        shape = self.program.constants[rom.source].shape
        self._require(shape == rom.type.logical.dims, f"rom {rom.name} has shape {shape}")

    def _initial(self, source: str, type: ArrayType) -> None:
        known = self.program.constants.get(source)
        fits = not source or (known is not None and known.shape == type.logical.dims)
        self._require(fits and not type.streamed, f"there are no initial values {source} for {type}")

    def _stream(self, name: str, indices: int, probe: bool = False) -> None:
        type = self.arrays.get(name)
        self._require(type is not None and type.streamed, f"{name} is no stream here")
        channel = isinstance(type, StreamType)
        self._require(channel or not probe, f"{name} is not probed: it is an array")
        rank = len(type.shape) if type is not None and channel else 0
        self._require(rank == indices, f"the stream {name} is indexed with {indices} indices")

    def _expr(
        self, expr: Expr, loops: dict[str, For], scalars: dict[str, ElementType], whole: Expr | None
    ) -> None:
        """Check an expression; `whole` is the one that may be a `get()` itself."""
        for part in walk_expr(expr):
            match part:
                case LoopVar():
                    self._require(part.name in loops, f"{part.name} is no loop around here")
                    loop = loops[part.name]
                    held = part.low <= loop.low.low and loop.high.high - 1 <= max(part.high, part.low)
                    self._require(held, f"{part.name} has the range {part.low}..{part.high}")
                case Local():
                    self._require(part.name in scalars, f"{part.name} is no scalar here")
                    self._holds(part, scalars[part.name])
                case Probe():
                    self._stream(part.stream, len(part.indices), probe=True)
                case Get():
                    self._stream(part.stream, len(part.indices))
                    self._require(part is whole, f"{part.stream}.get() inside an expression")
                    self._holds(part, self.arrays[part.stream].elem)
                case Binary() | Compare():
                    if part.lhs.real != part.rhs.real:
                        self._require(False, f"{part} mixes types")
                case Load():
                    self._access(part.array, len(part.indices))
                    self._holds(part, self.arrays[part.array].elem)

    def _taken(self, value: Expr, type: ElementType, place: str) -> None:
        """A place of floats takes floats of its very type, a place of integers takes integers."""
        wanted = type if isinstance(type, FloatType) else None
        if value.real != wanted:
            self._require(False, f"{place} is a {type} and gets a {value.type}")

    def _holds(self, part: Expr, type: ElementType) -> None:
        if part.real != (type if isinstance(type, FloatType) else None):
            self._require(False, f"{part} is no {type}")
        if not (part.low <= type.low and type.high <= part.high):
            self._require(False, f"{part} has not the range of {type}")

    def _access(self, array: str, indices: int) -> None:
        type = self.arrays.get(array)
        if type is None:
            self._require(False, f"{array} is no array here")
        elif type.streamed:
            self._require(False, f"the stream {array} is indexed")
        elif len(type.shape) != indices:
            self._require(False, f"{array} is indexed with {indices} indices")

    def _call(self, stmt: CallKernel) -> None:
        self._require(stmt.callee in self.callees, f"{stmt.callee} is called before it is defined")
        params = self.callees[stmt.callee].params
        self._require(len(params) == len(stmt.args), f"{stmt.callee} gets {len(stmt.args)} arguments")
        for param, arg in zip(params, stmt.args, strict=True):
            given = self.arrays.get(arg)
            self._require(given is not None, f"{arg} is no array here")
            assert given is not None
            same = given.crossing == param.type.crossing
            self._require(same, f"{stmt.callee} takes {param.type} but gets {given}")
