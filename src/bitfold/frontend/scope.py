"""Names while a kernel is parsed: what each stands for, where it can be seen, and unique names for the IR."""

from __future__ import annotations

import ast
import builtins
from collections import ChainMap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend.constants import ConstantTable, array_type
from bitfold.ir import build
from bitfold.ir.nodes import Expr, Op, Rom, Stmt
from bitfold.ir.rewrite import RESERVED, fresh
from bitfold.lang.array import FixedArray
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.state import State
from bitfold.lang.structs import StructType
from bitfold.lang.types import ArrayType, ElementType, FloatType, IntType


@dataclass(frozen=True, slots=True)
class Axis:
    """What a view takes of one dimension: one index, or `size` of them from `start` by `step`."""

    start: Expr
    step: int = 1
    size: int | None = None


@dataclass(frozen=True, slots=True)
class ArrayName:
    """An array; `source` is the program's constant behind it when it cannot be written.

    `fixed` is the fixed-point type whose raw integers `type` holds. `inferred` when the values that it was
    computed from and not its author gave it the type.
    A view of a part of an array has an axis for each dimension of that, whose type is `whole`.
    """

    ir_name: str
    type: ArrayType
    source: str | None = None
    fixed: FixedType | None = None
    inferred: bool = False
    view: tuple[Axis, ...] | None = None
    whole: ArrayType | None = None

    def place(self, indices: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """Where in the whole array the element of a view is."""
        if self.view is None:
            return indices
        rest = iter(indices)
        return tuple(
            axis.start
            if axis.size is None
            else build.binary(Op.ADD, axis.start, build.binary(Op.MUL, next(rest), build.const(axis.step)))
            for axis in self.view
        )


@dataclass(frozen=True, slots=True)
class ScalarName:
    """A scalar; `inferred` when its first value and not its author gave it the type.

    `array` is the parameter that holds it, where it never changes.
    `fixed` is as in `ArrayName`.
    """

    ir_name: str
    type: ElementType
    inferred: bool = False
    fixed: FixedType | None = None
    array: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A compile-time value, such as a shape."""

    value: Any


@dataclass(frozen=True, slots=True)
class StructName:
    """An array of structs of `rank` dimensions, or one struct: its fields are bound to names of their own."""

    name: str
    struct: StructType
    rank: int


Meaning = ArrayName | ScalarName | Expr | Known | StructName
"""An expression is what a loop variable stands for: itself, or what it is in a loop that counts down."""


def described(meaning: Meaning) -> str:
    """What a name stands for, in words."""
    match meaning:
        case ArrayName():
            array = "a stream" if meaning.type.streamed else "an array"
            return "a constant array" if meaning.source else array
        case ScalarName():
            return "a scalar"
        case StructName():
            return "a struct" if meaning.rank == 0 else "an array of structs"
        case Expr():
            return "a loop variable"
    return "a compile-time value"


def kind(value: object) -> str:
    """What a value found outside a kernel is, in words."""
    types = (IntType, FloatType, FixedType, ArrayType, FixedArrayType, type)
    name = "type" if isinstance(value, types) else type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


@dataclass(slots=True)
class Scope:
    """The names of one kernel instance.

    `outside` is what the function sees of its module and enclosing functions; `own` the names that it
    binds itself, which therefore never mean something outside; `assigned` counts the assignments to each
    name. In a loop that never runs, `alive` is False. `lifted` collects what must be evaluated before the
    statement that is being parsed, and is None where that would change when it is evaluated; `probed`
    tells that the statement has looked at the state of a stream. `goal` is what the statement assigns to.
    `states` are those that the kernel and what it calls keep. `converted` are the expressions whose value
    goes straight into a cast or an array element, so that it need not be known of which type it is.
    `entry` are statements at the kernel's start, `call` gives the value of a call of another kernel
    inside an expression, `returned` the struct that such a call returns, if it does; `held` are those of
    the statement that is being parsed. `nonzero` are values that conditions say are not 0; None is all
    values, where nothing runs. `singled` are the names of which the kernel passes single elements to
    others; where such a name is an array of streams, `streams` has the streams that it is made of, by its
    name in the IR. `points` are the fixed-point types of places in the IR.
    """

    file: str
    outside: dict[str, Any]
    constants: ConstantTable
    own: frozenset[str] = frozenset()
    assigned: dict[str, int] = field(default_factory=dict)
    dims: dict[str, int] = field(default_factory=dict)
    names: ChainMap[str, Meaning] = field(default_factory=ChainMap)
    roms: list[Rom] = field(default_factory=list)
    entry: list[Stmt] = field(default_factory=list)
    call: Callable[[ast.Call], Expr] | None = None
    returned: Callable[[ast.Call], StructName | None] | None = None
    held: dict[int, StructName] = field(default_factory=dict)
    nonzero: list[Expr | None] = field(default_factory=list)
    alive: bool = True
    lifted: list[Stmt] | None = None
    probed: bool = False
    goal: str = ""
    states: list[tuple[ArrayName, State, Span]] = field(default_factory=list)
    converted: list[ast.expr] = field(default_factory=list)
    singled: frozenset[str] = frozenset()
    points: dict[str, FixedType] = field(default_factory=dict)
    streams: dict[str, dict[tuple[int, ...], ArrayName]] = field(default_factory=dict)
    _used: set[str] = field(default_factory=lambda: set(RESERVED))
    _gone: dict[str, str] = field(default_factory=dict)

    def unique(self, name: str) -> str:
        """`name`, or `name_1`, `name_2` ... when it is taken in this kernel."""
        return fresh(name.partition("#")[0].replace(".", "_"), self._used)

    @contextmanager
    def lifting(self, lifted: list[Stmt] | None) -> Iterator[None]:
        """Collect in `lifted` what goes before a statement; None where nothing can."""
        before, self.lifted, self.probed = self.lifted, lifted, False
        if lifted is not None:
            self.held = {}
        yield
        self.lifted = before

    def push(self) -> None:
        self.names = self.names.new_child()

    def pop(self, block: str) -> None:
        """Leave a block; its names can no longer be used."""
        for name in self.names.maps[0]:
            self._gone[name] = block
        self.names = self.names.parents

    def bind(self, name: str, meaning: Meaning) -> None:
        self.names[name] = meaning
        self._gone.pop(name, None)
        if isinstance(meaning, (ArrayName, ScalarName)) and meaning.fixed is not None:
            self.points[meaning.ir_name] = meaning.fixed

    def check_free(self, name: str, span: Span) -> None:
        """Raise LanguageError when `name` already stands for something here."""
        if (meaning := self.names.get(name)) is not None:
            raise LanguageError(
                f"{name!r} is already {described(meaning)} here",
                code="BF-L005",
                span=span,
                remedy="use another name",
            )

    def lookup(self, name: str, span: Span) -> Any:
        """What `name` means: an array, scalar or loop variable, or else a compile-time Python value."""
        if name in self.names:
            meaning = self.names[name]
            return meaning.value if isinstance(meaning, Known) else meaning
        if name in self._gone:
            raise LanguageError(
                f"{name!r} is used outside the {self._gone[name]} it belongs to",
                code="BF-L004",
                span=span,
                remedy=f"declare it before that {self._gone[name]}, for example `{name}: int32 = 0`",
            )
        if name in self.own:
            raise LanguageError(
                f"{name!r} is used before it is assigned",
                code="BF-L003",
                span=span,
                remedy=f"declare it first, for example `{name}: int32 = 0`",
            )
        if name in self.outside:
            found = self.outside[name]
            if isinstance(found, State) and found.type is not None:
                self.names.maps[-1][name] = self.state(name, found, span)
                return self.names.maps[-1][name]
            return found
        if hasattr(builtins, name):
            return getattr(builtins, name)
        if name in self.dims:
            raise LanguageError(
                f"{name!r} names a dimension in an annotation; it is no variable here",
                code="BF-L002",
                span=span,
                remedy=f"unpack it from an array that has it, such as `{name}, = x.shape`",
            )
        raise LanguageError(
            f"{name!r} is not defined",
            code="BF-L002",
            span=span,
            remedy="import or define it; declare a scalar before it is used, such as `acc: uint16 = 0`",
        )

    def state(self, name: str, value: State, span: Span) -> ArrayName:
        """The array that a state is here; `name` is what it is called where it is first used."""
        for known, other, _ in self.states:
            if other is value:
                return known
        assert value.type is not None
        meaning = ArrayName(self.unique(name), value.type, fixed=value.fixed)
        if value.fixed is not None:
            self.points[meaning.ir_name] = value.fixed
        self.states.append((meaning, value, span))
        return meaning

    def array(self, name: str, span: Span) -> Any:
        """As `lookup`, but an array captured from outside becomes a ROM."""
        found = self.lookup(name, span)
        return self.capture(name, found, span) if isinstance(found, np.ndarray) else found

    def capture(self, name: str, values: np.ndarray, span: Span) -> ArrayName:
        """A ROM for an array captured from outside; its type follows its dtype."""
        held = values.elem if isinstance(values, FixedArray) else None
        meaning = self.rom(name, name, values, array_type(values, name, span), span, held)
        self.names.maps[-1][name] = meaning
        return meaning

    def rom(
        self,
        name: str,
        source: str,
        values: np.ndarray,
        type: ArrayType,
        span: Span,
        fixed: FixedType | None = None,
    ) -> ArrayName:
        """A ROM called `name` that holds `values` as `type`, from a constant called about `source`."""
        if fixed is not None:
            values = fixed.encode(values)
        constant = self.constants.enter(source.replace(".", "_"), values, type, span)
        ir_name = self.unique(name)
        self.roms.append(Rom(ir_name, type, constant, span=span))
        return ArrayName(ir_name, type, constant, fixed)


ParseExpr = Callable[[ast.expr, Scope], Expr]
"""Parses an expression of a kernel to a scalar."""


def is_kernel(value: object) -> bool:
    """Whether a value found outside a kernel may be a kernel: a Python function not of the language."""
    module = value.__module__ or "" if isinstance(value, FunctionType) else ""
    return isinstance(value, FunctionType) and not module.startswith(("bitfold.lang", "numpy"))
