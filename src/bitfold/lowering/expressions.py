"""Expressions of the loop IR to `bf` operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bitfold.ir import build
from bitfold.ir.floats import MATH
from bitfold.ir.nodes import (
    Apply,
    Binary,
    Bitcast,
    Cast,
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
    Probe,
    Real,
    Select,
    walk_expr,
)
from bitfold.lang.types import ElementType, IntType, UInt, bit, covering
from bitfold.lowering import dialect as bf
from bitfold.lowering.dialect import element, integer, location, streams_shape
from bitfold.lowering.mlir import arith, ir, memref, scf

_BINARY = {
    Op.ADD: bf.Add,
    Op.SUB: bf.Sub,
    Op.MUL: bf.Mul,
    Op.DIV: bf.Div,
    Op.FLOORDIV: bf.Floordiv,
    Op.MOD: bf.Mod,
    Op.SHL: bf.Shl,
    Op.SHR: bf.Shr,
    Op.AND: bf.And,
    Op.OR: bf.Or,
    Op.XOR: bf.Xor,
}
_UNARY = {Fn.NEG: bf.Neg, Fn.INVERT: bf.Invert, Fn.POPCOUNT: bf.Popcount, Fn.ABS: bf.Abs}
_INDEX_OPS = {
    Op.ADD: arith.AddIOp,
    Op.SUB: arith.SubIOp,
    Op.MUL: arith.MulIOp,
    Op.FLOORDIV: arith.FloorDivSIOp,
    Op.MOD: arith.RemSIOp,
}


@dataclass
class ExpressionEmitter:
    """Emits expressions at the current insertion point; the dictionaries say what names stand for."""

    arrays: dict[str, Any] = field(default_factory=dict)
    scalars: dict[str, Any] = field(default_factory=dict)
    loops: dict[str, Any] = field(default_factory=dict)

    def constant(self, value: int, type: IntType) -> Any:
        attribute = ir.Attribute.parse(f"{value} : {integer(type)}")
        return bf.Constant(value=attribute, result=integer(type)).result

    def real(self, constant: Real) -> Any:
        type = element(constant.of)
        return arith.ConstantOp(type, ir.FloatAttr.get(type, constant.value)).result

    def converted(self, value: Any, type: ElementType) -> Any:
        """`value` wrapped, extended or rounded to `type`."""
        return value if value.type == element(type) else bf.Cast(value=value, result=element(type)).result

    def taken(self, expr: Expr, type: ElementType) -> Any:
        """The value of `expr` as a place of `type` takes it: the integer of a float is wrapped at once."""
        if isinstance(expr, Apply) and expr.fn is Fn.TRUNC:
            return bf.Trunc(value=self.value(expr.args[0]), result=element(type)).result
        return self.converted(self.value(expr), type)

    def condition(self, expr: Expr) -> Any:
        signless = ir.IntegerType.get_signless(1)
        return bf.Condition(value=self.value(expr), result=signless).result

    def index(self, expr: Expr) -> Any:
        """An expression as an `index` value; sums and products of loop variables stay in that type."""
        match expr:
            case Const():
                return arith.constant(ir.IndexType.get(), expr.value)
            case LoopVar():
                return self.loops[expr.name]
            case Binary() if _is_index(expr):
                lhs, rhs = self.index(expr.lhs), self.index(expr.rhs)
                return _INDEX_OPS[expr.op](lhs, rhs).result
        value = self.taken(expr, IntType(64, True))
        return bf.ToIndex(value=value, result=ir.IndexType.get()).result

    def stream(self, name: str, indices: tuple[Expr, ...]) -> Any:
        """A stream, or the one of an array of streams that `indices` say."""
        value = self.arrays[name]
        if not indices:
            return value
        position, *rest = indices
        for index, size in zip(rest, streams_shape(value.type)[1:], strict=True):
            position = build.binary(Op.ADD, build.binary(Op.MUL, position, build.const(size)), index)
        one = bf.Stream.get(ir.TypeAttr(value.type.element).value)
        return bf.At(streams=value, position=self.index(position), result=one).result

    def value(self, expr: Expr) -> Any:
        result = element(expr.type)
        with location(expr.span) if expr.span.line else ir.Location.current:
            match expr:
                case Const():
                    return self.constant(expr.value, covering(expr.value, expr.value))
                case Real():
                    return self.real(expr)
                case LoopVar():
                    return bf.FromIndex(value=self.loops[expr.name], result=result).result
                case Local():
                    return memref.LoadOp(self.scalars[expr.name], []).result
                case Probe():
                    look = bf.Full if expr.full else bf.Empty
                    return look(stream=self.stream(expr.stream, expr.indices), result=result).result
                case Get():
                    return bf.Get(stream=self.stream(expr.stream, expr.indices), result=result).result
                case Load():
                    return memref.LoadOp(
                        self.arrays[expr.array], [self.index(i) for i in expr.indices]
                    ).result
                case Binary():
                    lhs, rhs = self.value(expr.lhs), self.value(expr.rhs)
                    return _BINARY[expr.op](lhs=lhs, rhs=rhs, result=result).result
                case Compare():
                    lhs, rhs = self.value(expr.lhs), self.value(expr.rhs)
                    return bf.Cmp(
                        pred=ir.StringAttr.get(expr.op.value), lhs=lhs, rhs=rhs, result=result
                    ).result
                case Logic():
                    return self._logic(expr)
                case Select():
                    return self._select(expr.cond, expr.then, expr.other, expr.type)
                case Cast():
                    return self.taken(expr.value, expr.to)
                case Bitcast():
                    return bf.Bitcast(value=self.value(expr.value), result=result).result
                case Apply():
                    return self._apply(expr)
        raise AssertionError(expr)

    def _logic(self, expr: Logic) -> Any:
        if _may_fault(expr.rhs):
            decided = Const(0 if expr.is_and else 1, low=0, high=1)
            then, other = (expr.rhs, decided) if expr.is_and else (decided, expr.rhs)
            return self._select(expr.lhs, then, other, bit)
        make = bf.And if expr.is_and else bf.Or
        lhs, rhs = self.value(expr.lhs), self.value(expr.rhs)
        return make(lhs=lhs, rhs=rhs, result=integer(bit)).result

    def _select(self, cond: Expr, then: Expr, other: Expr, type: ElementType) -> Any:
        """Only the chosen side is evaluated when evaluating the other could read outside an array."""
        if not _may_fault(then) and not _may_fault(other):
            picked = [self.converted(self.value(e), type) for e in (then, other)]
            return bf.Select(
                cond=self.value(cond), then=picked[0], other=picked[1], result=element(type)
            ).result
        op = scf.IfOp(self.condition(cond), [element(type)], has_else=True)
        for block, side in ((op.then_block, then), (op.else_block, other)):
            with ir.InsertionPoint(block):
                scf.YieldOp([self.converted(self.value(side), type)])
        return op.results[0]

    def _apply(self, expr: Apply) -> Any:
        result = element(expr.type)
        match expr.fn:
            case Fn.TRUNC:
                return bf.Trunc(value=self.value(expr.args[0]), result=result).result
            case Fn.POW:
                lhs, rhs = (self.value(a) for a in expr.args)
                return bf.Pow(lhs=lhs, rhs=rhs, result=result).result
            case fn if fn in MATH:
                name = ir.StringAttr.get(fn.value)
                return bf.Math(fn=name, value=self.value(expr.args[0]), result=result).result
            case Fn.XNOR:
                lhs, rhs = (self.value(a) for a in expr.args[:2])
                return bf.Xnor(lhs=lhs, rhs=rhs, result=result).result
            case Fn.GET_BIT:
                word, position = (self.value(a) for a in expr.args)
                return bf.GetBit(word=word, position=position, result=result).result
            case Fn.SET_BIT:
                word, position, value = (self.value(a) for a in expr.args)
                word = self.converted(word, expr.type)
                value = self.converted(value, bit)
                return bf.SetBit(word=word, position=position, value=value, result=result).result
            case Fn.REVERSE:
                value = self.converted(self.value(expr.args[0]), UInt(expr.args[1].high))
                reversed = bf.Reverse(value=value, result=value.type).result
                return self.converted(reversed, expr.type)
            case Fn.NOT:
                zero = self.constant(0, bit)
                value = self.value(expr.args[0])
                return bf.Cmp(pred=ir.StringAttr.get("=="), lhs=value, rhs=zero, result=result).result
            case Fn.MIN | Fn.MAX:
                make = bf.Min if expr.fn is Fn.MIN else bf.Max
                value = self.value(expr.args[0])
                low, high = expr.args[0].low, expr.args[0].high
                pick = min if expr.fn is Fn.MIN else max
                for other in expr.args[1:]:
                    low, high = pick(low, other.low), pick(high, other.high)
                    partial = expr.real or covering(low, high)
                    value = make(lhs=value, rhs=self.value(other), result=element(partial)).result
                return value
        return _UNARY[expr.fn](value=self.value(expr.args[0]), result=result).result


def _is_index(expr: Expr) -> bool:
    """Whether `expr` can be computed in `index` arithmetic, which is 64-bit and signed."""
    match expr:
        case Const() | LoopVar():
            return expr.type.width < 63
        case Binary():
            if expr.op not in _INDEX_OPS or expr.type.width > 62:
                return False
            if expr.op in (Op.FLOORDIV, Op.MOD) and (expr.lhs.low < 0 or expr.rhs.low < 1):
                return False
            return _is_index(expr.lhs) and _is_index(expr.rhs)
    return False


def _may_fault(expr: Expr) -> bool:
    """Whether to evaluate `expr` only when it is needed: it may read outside an array, or ask a stream."""
    return any(isinstance(e, (Load, Probe)) for e in walk_expr(expr))
