"""The loop IR: a small immutable tree that says what a kernel does and how it is scheduled.

Every expression of an integer knows the exact range of values it can take (`low`..`high`); its type is the
smallest integer type that covers the range. An expression of a float knows its type, `real`. Every node
carries the span of the Python it came from; spans and ranges take no part in equality, so two programs are
equal when they say the same.

One file holds every node, so that what the IR can say is read in one place; it is long for that reason.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bitfold.diagnostics import Span
from bitfold.lang.fixed import FixedType
from bitfold.lang.structs import StructType
from bitfold.lang.types import ArrayType, ElementType, FloatType, covering

NOWHERE = Span("<generated>", 0)


@dataclass(frozen=True, slots=True)
class Expr:
    """Base of expressions.

    `real` is the type of a float and None of an integer. A float's `low` and `high` are the finite values of
    its type that are farthest apart: what is asked of a range is then never answered with more than is known.
    """

    low: int = field(compare=False, kw_only=True)
    high: int = field(compare=False, kw_only=True)
    real: FloatType | None = field(default=None, compare=False, kw_only=True, repr=False)
    span: Span = field(default=NOWHERE, compare=False, kw_only=True, repr=False)

    @property
    def type(self) -> ElementType:
        return self.real or covering(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Const(Expr):
    value: int


@dataclass(frozen=True, slots=True)
class Real(Expr):
    """A float constant of type `of`. `digits` is what `float.hex` writes, so that nan equals nan."""

    digits: str
    of: FloatType

    @property
    def value(self) -> float:
        return float.fromhex(self.digits)


@dataclass(frozen=True, slots=True)
class LoopVar(Expr):
    """The variable of an enclosing loop."""

    name: str


@dataclass(frozen=True, slots=True)
class Local(Expr):
    """The value of a scalar local."""

    name: str


@dataclass(frozen=True, slots=True)
class Load(Expr):
    """An array element."""

    array: str
    indices: tuple[Expr, ...]


class Op(enum.Enum):
    """Binary operators, with the meaning Python gives them. Both operands of a float are of its type."""

    ADD = "+"
    SUB = "-"
    MUL = "*"
    DIV = "/"
    FLOORDIV = "//"
    MOD = "%"
    SHL = "<<"
    SHR = ">>"
    AND = "&"
    OR = "|"
    XOR = "^"


class Cmp(enum.Enum):
    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    @property
    def opposite(self) -> Cmp:
        """What holds of two integers where this does not; of nan, neither `<` nor `>=` holds."""
        return _OPPOSITES[self]


_OPPOSITES = {
    Cmp.EQ: Cmp.NE,
    Cmp.NE: Cmp.EQ,
    Cmp.LT: Cmp.GE,
    Cmp.GE: Cmp.LT,
    Cmp.GT: Cmp.LE,
    Cmp.LE: Cmp.GT,
}


class Fn(enum.Enum):
    """Intrinsics and unary operators; printed as calls unless they have an operator.

    TRUNC gives the exact integer of a float without its fraction, 0 of inf and nan.
    """

    XNOR = "xnor"
    POPCOUNT = "popcount"
    GET_BIT = "get_bit"
    SET_BIT = "set_bit"
    REVERSE = "reverse"
    MIN = "min"
    MAX = "max"
    ABS = "abs"
    NEG = "-"
    INVERT = "~"
    NOT = "not"
    TRUNC = "trunc"
    SQRT = "sqrt"
    EXP = "exp"
    LOG = "log"
    LOG2 = "log2"
    LOG10 = "log10"
    SIN = "sin"
    COS = "cos"
    TAN = "tan"
    ASIN = "asin"
    ACOS = "acos"
    ATAN = "atan"
    SINH = "sinh"
    COSH = "cosh"
    TANH = "tanh"
    POW = "pow"
    FLOOR = "floor"
    CEIL = "ceil"
    RINT = "rint"


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    op: Op
    lhs: Expr
    rhs: Expr


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    op: Cmp
    lhs: Expr
    rhs: Expr


@dataclass(frozen=True, slots=True)
class Logic(Expr):
    """`and` / `or`: 0 or 1; the right side is evaluated only when the left does not decide."""

    is_and: bool
    lhs: Expr
    rhs: Expr


@dataclass(frozen=True, slots=True)
class Select(Expr):
    """`then if cond else other`; only the chosen side is evaluated."""

    cond: Expr
    then: Expr
    other: Expr


@dataclass(frozen=True, slots=True)
class Cast(Expr):
    """`to(value)`: wraps an integer; rounds an integer or float to a float."""

    to: ElementType
    value: Expr


@dataclass(frozen=True, slots=True)
class Bitcast(Expr):
    """`bitcast(value, to)`: the bits of a float as an unsigned integer, or those of one as a float."""

    to: ElementType
    value: Expr


@dataclass(frozen=True, slots=True)
class Apply(Expr):
    """An intrinsic or unary operator. For XNOR the third argument is the constant number of lanes,
    for REVERSE the second that of bits.
    """

    fn: Fn
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Get(Expr):
    """The next element of a stream: only as the whole value of a declaration, assignment or store.

    `indices` says which stream of an array of streams.
    """

    stream: str
    indices: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe(Get):
    """Whether a stream is `full`, or else whether it is empty, as 0 or 1. It may stand in an expression."""

    full: bool = False


@dataclass(frozen=True, slots=True)
class Stmt:
    """Base of statements."""

    span: Span = field(default=NOWHERE, compare=False, kw_only=True, repr=False)


@dataclass(frozen=True, slots=True)
class For(Stmt):
    """`for var in range(low, high, step)`.

    `pipeline` is the initiation interval in cycles (0: not pipelined), `unroll` the factor (0: not unrolled,
    -1: whole). `flatten` says that this loop and the single loop that is its body run as one, `parallel` that
    no iteration needs another (it is then unrolled whole), and `rewind` that the pipeline does not drain
    between two runs of the kernel.
    """

    var: str
    low: Expr
    high: Expr
    step: int
    body: tuple[Stmt, ...]
    pipeline: int = 0
    unroll: int = 0
    flatten: bool = False
    parallel: bool = False
    rewind: bool = False

    @property
    def trips(self) -> int | None:
        """How many iterations, when the bounds are constants."""
        if isinstance(self.low, Const) and isinstance(self.high, Const):
            return max(0, -(-(self.high.value - self.low.value) // self.step))
        return None


@dataclass(frozen=True, slots=True)
class While(Stmt):
    """`while cond:`. The condition is evaluated before each iteration; how many there are depends on data."""

    cond: Expr
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class If(Stmt):
    cond: Expr
    then: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...] = ()


@dataclass(frozen=True, slots=True)
class Declare(Stmt):
    """`name: type = value`: a scalar that lives in the enclosing block."""

    name: str
    type: ElementType
    value: Expr


@dataclass(frozen=True, slots=True)
class Assign(Stmt):
    """`name = value`, wrapped to the declared `type`. A float's value is of that very type."""

    name: str
    type: ElementType
    value: Expr


@dataclass(frozen=True, slots=True)
class Store(Stmt):
    """`array[indices] = value`, wrapped to the element type. A float's value is of that very type."""

    array: str
    indices: tuple[Expr, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Put(Stmt):
    """`stream.put(value)`: the next element of a stream, wrapped to its element type."""

    stream: str
    value: Expr
    indices: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Alloc(Stmt):
    """A local array that lives in the enclosing block; `fill` is None for `empty`, a Real for
    floats.

    On the way to HLS C++ a state is one too, which lives on: `state` is as in `Param`.
    """

    name: str
    type: ArrayType
    fill: int | Real | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Rom(Stmt):
    """A local name for the constant `source` of the program, laid out as `type`."""

    name: str
    type: ArrayType
    source: str


@dataclass(frozen=True, slots=True)
class CallKernel(Stmt):
    callee: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """What a parameter is to callers: the field of an array of structs, which they pass as `argument`."""

    argument: str
    field: str
    struct: StructType


@dataclass(frozen=True, slots=True)
class Param:
    """An array that a kernel is called with.

    `state` marks one of the top kernel that no caller passes: it lives from call to call. It names the
    constant that holds the initial values; "" is all zeros, None no state. `fixed` is the fixed-point type of
    the numbers that callers pass for its integers.

    `scalar` marks an array of one
    element that its author and callers see as a number, `result` one that the kernel returns: callers do not
    pass it.
    """

    name: str
    type: ArrayType
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    state: str | None = None
    fixed: FixedType | None = field(default=None, compare=False, repr=False)
    member: Member | None = field(default=None, compare=False, repr=False)
    scalar: bool = field(default=False, compare=False)
    result: bool = field(default=False, compare=False)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The NumPy dtype of the arrays that callers pass."""
        return self.fixed.storage if self.fixed else self.type.logical.elem.storage

    def encoded(self, values: np.ndarray) -> np.ndarray:
        """What callers pass as logical values of `type`."""
        return self.fixed.encode(values) if self.fixed else values

    def decoded(self, values: np.ndarray) -> np.ndarray:
        """The inverse of `encoded`."""
        return self.fixed.decode(values) if self.fixed else values


@dataclass(frozen=True, slots=True)
class Function:
    """One kernel with every shape resolved. `kernel` is the name its author gave it.

    In a `dataflow` kernel, and in one that joins others by streams, the kernels it calls are processes that
    run at the same time. `fixed` are the fixed-point types that the integers of its places stand for, where
    it is as its author wrote it.
    """

    name: str
    params: tuple[Param, ...]
    body: tuple[Stmt, ...]
    dataflow: bool = False
    kernel: str = field(default="", compare=False)
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    fixed: Mapping[str, FixedType] = field(default_factory=dict, compare=False, repr=False)

    @property
    def concurrent(self) -> bool:
        """Whether the called kernels run at the same time."""
        return self.dataflow or any(isinstance(s, Alloc) and s.type.streamed for s in self.body)


@dataclass(frozen=True, eq=False)
class Program:
    """A top kernel, all kernels it calls (callees first, the top last), and the constants they read.

    `constants` maps a name to its logical values: 0/1 arrays stay unpacked whatever their layout. `live` is
    what `run_python` keeps between runs: the states by name, as stored; none before the first run.
    """

    functions: tuple[Function, ...]
    constants: Mapping[str, np.ndarray]
    live: dict[str, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    @property
    def top(self) -> Function:
        return self.functions[-1]

    @property
    def arguments(self) -> tuple[Param, ...]:
        """The parameters of the top kernel that a caller passes."""
        return tuple(p for p in self.top.params if p.state is None)

    @property
    def states(self) -> tuple[Param, ...]:
        """The arrays that live from call to call: the last parameters of the top kernel."""
        return tuple(p for p in self.top.params if p.state is not None)

    def initial(self, state: str, type: ArrayType) -> np.ndarray:
        """The logical values of a state before the first call."""
        if state:
            return self.constants[state]
        return np.zeros(type.logical.dims, type.logical.elem.storage)

    def function(self, name: str) -> Function:
        return next(f for f in self.functions if f.name == name)

    def with_function(self, new: Function) -> Program:
        """The same program with the function of that name replaced."""
        return replace(self, functions=tuple(new if f.name == new.name else f for f in self.functions))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Program)
            and self.functions == other.functions
            and self.constants.keys() == other.constants.keys()
            and all(_same_array(v, other.constants[k]) for k, v in self.constants.items())
        )

    __hash__ = None  # type: ignore[assignment]


def _same_array(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two constants hold the same: floats bit for bit."""
    if a.dtype.kind == "f":
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return np.array_equal(a, b)


def blocks(stmt: Stmt) -> tuple[tuple[Stmt, ...], ...]:
    """The statement lists nested directly in `stmt`."""
    if isinstance(stmt, (For, While)):
        return (stmt.body,)
    if isinstance(stmt, If):
        return (stmt.then, stmt.orelse)
    return ()


def walk(body: tuple[Stmt, ...]) -> Iterator[Stmt]:
    """Every statement in `body`, outer before inner, in program order."""
    waiting = list(reversed(body))
    while waiting:
        stmt = waiting.pop()
        yield stmt
        for inner in reversed(blocks(stmt)):
            waiting.extend(reversed(inner))


def operands(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly under `expr`."""
    match expr:
        case Load(indices=parts) | Get(indices=parts) | Apply(args=parts):
            return parts
        case Binary() | Compare() | Logic():
            return (expr.lhs, expr.rhs)
        case Select():
            return (expr.cond, expr.then, expr.other)
        case Cast() | Bitcast():
            return (expr.value,)
    return ()


def walk_expr(expr: Expr) -> Iterator[Expr]:
    """`expr` and everything under it, each before its operands."""
    waiting = [expr]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(operands(part)))


def own_exprs(stmt: Stmt) -> tuple[Expr, ...]:
    """The expressions that `stmt` itself evaluates, not those of nested statements."""
    match stmt:
        case For():
            return (stmt.low, stmt.high)
        case If() | While():
            return (stmt.cond,)
        case Declare() | Assign():
            return (stmt.value,)
        case Store() | Put():
            return (*stmt.indices, stmt.value)
    return ()
