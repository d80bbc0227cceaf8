"""What the expressions of a kernel cost: operators, by the exact widths of their operands.

An expression exists once for each combination of the unrolled loops that it depends on, not once for each
copy of the statement that holds it: what only depends on the pipelined loops is shared by all processing
elements. Operands known in each copy (constants, variables of wholly unrolled loops) turn shifts and masks
into wires.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

from bitfold.diagnostics import Span
from bitfold.ir import build
from bitfold.ir.nodes import (
    Apply,
    Binary,
    Cast,
    Cmp,
    Compare,
    Const,
    Expr,
    Fn,
    Get,
    Load,
    Local,
    Logic,
    LoopVar,
    Op,
    Real,
    Select,
    operands,
    walk_expr,
)
from bitfold.lang.layouts import Partition
from bitfold.lang.types import ArrayType
from bitfold.model import costs
from bitfold.model.costs import Resources
from bitfold.model.floats import float_cost

Emit = Callable[[Span, str, int, Resources], None]
"""Takes (where, what in words, copies, cost of one copy)."""


@dataclass
class Operators:
    """The expressions of one kernel. `spread` has the copies of each unrolled loop around, by variable.

    `static` are the variables of loops unrolled whole, `owners` the unrolled loops that scalars and arrays
    declared under them belong to, `arrays` the types of all arrays, `constants` those that are ROMs.
    """

    emit: Emit
    spread: dict[str, int] = field(default_factory=dict)
    static: set[str] = field(default_factory=set)
    owners: dict[str, frozenset[str]] = field(default_factory=dict)
    arrays: dict[str, ArrayType] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    _counted: set[Expr] = field(default_factory=set)

    # ---- what an expression depends on

    def depends(self, *exprs: Expr) -> frozenset[str]:
        """The unrolled loops that any of `exprs` has a value of its own for in each copy."""
        found: set[str] = set()
        for e in exprs:
            for part in walk_expr(e):
                match part:
                    case LoopVar() if part.name in self.spread:
                        found.add(part.name)
                    case Local():
                        found |= self.owners.get(part.name, frozenset())
                    case Load():
                        found |= self.owners.get(part.array, frozenset())
        return frozenset(found)

    def copies(self, *exprs: Expr) -> int:
        """How many of it there are in hardware."""
        return prod(self.spread[v] for v in self.depends(*exprs))

    def is_static(self, e: Expr) -> bool:
        """Whether its value is known in each copy, so that it is no hardware."""
        match e:
            case Const() | Real():
                return True
            case LoopVar():
                return e.name in self.static
            case Load():
                return e.array in self.constants and all(map(self.is_static, e.indices))
            case Local() | Get():
                return False
        return all(map(self.is_static, operands(e)))

    # ---- costs

    def add(self, e: Expr) -> None:
        """Count `e` and everything under it."""
        if self.is_static(e) or self._shared(e):
            return
        if (inserted := self.inserted(e)) is not None:
            self._insertion(e, inserted)
            return
        if isinstance(e, Apply) and e.fn is Fn.POPCOUNT:
            self._popcount(e)
            return
        found = self._operator(e)
        if found is not None and found[1] != costs.NOTHING:
            self.emit(e.span, found[0], self.copies(e), found[1])
        for part in operands(e):
            self.add(part)

    def _shared(self, e: Expr) -> bool:
        """Whether the same value, of loop variables alone, has been counted already in this kernel."""
        if not isinstance(e, (Binary, Compare, Logic)):
            return False
        if not all(isinstance(p, (Const, LoopVar, Binary, Compare, Logic)) for p in walk_expr(e)):
            return False
        if e in self._counted:
            return True
        self._counted.add(e)
        return False

    def _popcount(self, e: Apply) -> None:
        (word,) = e.args
        bits = word.high.bit_length()
        cost = Resources(costs.adder_tree(bits, 1), costs.adder_tree_registers(bits, 1))
        paired = isinstance(word, Apply) and word.fn is Fn.XNOR
        what = f"popcount of {'the xnor of ' if paired else ''}{bits} bits: a tree of adders"
        self.emit(e.span, what, self.copies(e), cost)
        for part in operands(word) if paired else (word,):
            self.add(part)

    def inserted(self, e: Expr) -> tuple[Expr, Expr, Expr] | None:
        """(word, position, value) when `e` is a word with some bits set to a value, else None.

        Besides set_bit that is `word & ~(mask << position) | value << position`, a lane of a packed word.
        """
        if isinstance(e, Apply) and e.fn is Fn.SET_BIT:
            return e.args[0], e.args[1], e.args[2]
        match e:
            case Binary(
                op=Op.OR,
                lhs=Binary(op=Op.AND, lhs=word, rhs=kept),
                rhs=Binary(op=Op.SHL, lhs=value, rhs=position),
            ) if _keeps_others(kept, position):
                return word, position, value
        return None

    def _insertion(self, e: Expr, inserted: tuple[Expr, Expr, Expr]) -> None:
        word, position, value = inserted
        if not self.is_static(position):
            width = e.type.width
            what = f"setting bits at a position of a {width}-bit word"
            self.emit(e.span, what, self.copies(e), Resources(width))
            self.add(position)
        self.add(value)
        self.add(word)

    def _operator(self, e: Expr) -> tuple[str, Resources] | None:
        """(in words, cost of one copy) of the operator at the root of `e`."""
        width = e.type.width
        if (found := float_cost(e)) is not None:
            return found
        match e:
            case Binary():
                return self._binary(e)
            case Compare():
                a, b = e.lhs.type.width, e.rhs.type.width
                known = self.is_static(e.lhs) or self.is_static(e.rhs)
                wide = (b if self.is_static(e.lhs) else a) if known else max(a, b)
                equal = e.op in (Cmp.EQ, Cmp.NE)
                with_what = "with a constant" if known else ""
                words = f"comparison of {wide} bits {with_what}".rstrip()
                return words, Resources(costs.comparator(wide, known, equal))
            case Logic():
                return "and/or of conditions", Resources(1)
            case Select():
                if self.is_static(e.then) or self.is_static(e.other):
                    return None  # a gate that the next operator's LUT takes in
                return f"choice between two values of {width} bits", Resources(costs.mux(2, width))
            case Apply():
                return self._intrinsic(e)
            case Load():
                ways = self._ways(e)
                if ways > 1:
                    elem = self.arrays[e.array].elem.width
                    what = f"multiplexer of {ways} registers or banks of {e.array}, {elem} bits"
                    return what, Resources(costs.mux(ways, elem))
            case Cast():
                return None
        return None

    def _binary(self, e: Binary) -> tuple[str, Resources] | None:
        a, b, width = e.lhs, e.rhs, e.type.width
        known = self.is_static(a) or self.is_static(b)
        match e.op:
            case Op.ADD | Op.SUB:
                if e.op is Op.ADD and (_disjoint(a, b) or _disjoint(b, a)):
                    return None
                return f"adder of {width} bits", Resources(width)
            case Op.MUL:
                if isinstance(a, Const) or isinstance(b, Const):
                    factor, other = (a, b) if isinstance(a, Const) else (b, a)
                    assert isinstance(factor, Const)
                    return f"product with {factor.value}", Resources(
                        costs.constant_product(factor.value, other.type.width)
                    )
                return f"product of {a.type.width} x {b.type.width} bits", costs.product(
                    a.type.width, b.type.width
                )
            case Op.FLOORDIV | Op.MOD:
                if isinstance(b, Const) and b.value & (b.value - 1) == 0:
                    return None
                size = a.type.width * (b.type.width + 1)
                return f"division of {a.type.width} by {b.type.width} bits", Resources(size)
            case Op.SHL | Op.SHR:
                if self.is_static(b):
                    return None
                return f"shifter of {width} bits", Resources(costs.shifter(width, b.type.width))
        if known:
            return None
        return f"bitwise {e.op.value} of {width} bits", Resources(width)

    def _intrinsic(self, e: Apply) -> tuple[str, Resources] | None:
        width = e.type.width
        match e.fn:
            case Fn.XNOR:
                return f"xnor of {width} bits", Resources(width)
            case Fn.GET_BIT if not self.is_static(e.args[1]):
                bits = e.args[0].type.width
                return f"choice of one of {bits} bits", Resources(costs.mux(bits, 1))
            case Fn.NEG | Fn.ABS:
                return f"negation of {width} bits", Resources(width)
            case Fn.MIN | Fn.MAX:
                one = costs.comparator(width, False, False) + costs.mux(2, width)
                return f"{e.fn.value} of values of {width} bits", Resources((len(e.args) - 1) * one)
        return None

    # ---- places

    def _ways(self, e: Load) -> int:
        """How many registers or banks a load chooses among: those that its indices do not tell."""
        type = self.arrays.get(e.array)
        if type is None or type.streamed:
            return 1
        return ways(type, e.indices, self.is_static)

    def place_ways(self, array: str, indices: tuple[Expr, ...]) -> int:
        """The same for a store."""
        type = self.arrays.get(array)
        return 1 if type is None or type.streamed else ways(type, indices, self.is_static)


def ways(type: ArrayType, indices: tuple[Expr, ...], is_static: Callable[[Expr], bool]) -> int:
    """The product of the factors of those partitioned dimensions whose part `indices` do not fix."""
    found = 1
    for spec in type.layout:
        size, index = type.dims[spec.dim - 1], indices[spec.dim - 1]
        factor = size if spec.kind is Partition.COMPLETE else min(spec.factor, size)
        if spec.kind is Partition.CYCLIC:
            index = build.binary(Op.MOD, index, build.const(factor))
        elif spec.kind is Partition.BLOCK:
            index = build.binary(Op.FLOORDIV, index, build.const(-(-size // factor)))
        found *= 1 if is_static(index) else factor
    return found


def _keeps_others(mask: Expr, position: Expr) -> bool:
    """Whether `mask` is all ones but for some bits from `position` on, as the lanes of packed words need."""
    match mask:
        case Apply(fn=Fn.INVERT, args=(Binary(op=Op.SHL, lhs=Const(), rhs=at),)):
            return at == position
    return isinstance(mask, Const) and isinstance(position, Const)


def _disjoint(a: Expr, b: Expr) -> bool:
    """Whether `b` only has bits below the lowest that `a` can have, so that a sum of them is wires."""
    return a.real is None and b.low >= 0 and b.high < 1 << _zeros(a)


def _zeros(e: Expr) -> int:
    """How many low bits of `e` are always 0."""
    match e:
        case Const():
            return (e.value & -e.value).bit_length() - 1 if e.value else 64
        case Binary(op=Op.MUL):
            return _zeros(e.lhs) + _zeros(e.rhs)
        case Binary(op=Op.ADD):
            return min(_zeros(e.lhs), _zeros(e.rhs))
        case Binary(op=Op.SHL, rhs=Const(value=by)):
            return _zeros(e.lhs) + by
    return 0


def accumulated(value: Expr, place: Expr) -> Expr | None:
    """`x` when `value` is `place + x`, `x + place` or `place - x`, of integers."""
    if value.real is not None:
        return None
    if isinstance(value, Cast):
        return accumulated(value.value, place)
    match value:
        case Binary(op=Op.ADD, lhs=lhs, rhs=rhs) if rhs == place:
            return lhs
        case Binary(op=Op.ADD | Op.SUB, lhs=lhs, rhs=rhs) if lhs == place:
            return rhs
    return None
