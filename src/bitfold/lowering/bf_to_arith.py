"""Pass bf-to-arith: exact, signful `bf` arithmetic to signless arith, extended as each operator needs.

Leaves a module without `bf` operations in which every integer type is signless. Operations on floats are
`bitfold.lowering.floats`'s. Discardable `bf.` attributes
stay until the dialect conversion drops them. Elements of arrays get whole bytes, as LLVM makes vectors of no
others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bitfold.lang.types import ElementType, Int, IntType, UInt, bit
from bitfold.lowering.dialect import element, is_float
from bitfold.lowering.floats import lower as lower_floats
from bitfold.lowering.mlir import arith, ir, llvm, math
from bitfold.lowering.to_mlir import Lowered, elements
from bitfold.lowering.wide_shifts import WIDE, one_hot, shift_left, shift_right, varies


def bf_to_arith(lowered: Lowered) -> None:
    """Rewrite `lowered.module` in place."""
    roms = {rom.symbol: rom for rom in lowered.roms}
    with lowered.context, ir.Location.unknown():
        for op in lowered.module.body.operations:
            if op.operation.name == "memref.global":
                rom = roms[ir.StringAttr(op.operation.attributes["sym_name"]).value]
                held = replace(rom.type, elem=_held(rom.type.elem))
                op.operation.attributes["initial_value"] = elements(rom.words, held, signless=True)
                found = ir.TypeAttr(op.operation.attributes["type"]).value
                op.operation.attributes["type"] = ir.TypeAttr.get(_signless(found))
            elif op.operation.name == "func.func" and len(op.operation.regions[0].blocks):
                converter = _Converter()
                converter.block(op.operation.regions[0].blocks[0])
                inputs = [a.type for a in op.operation.regions[0].blocks[0].arguments]
                op.operation.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(inputs, []))


def _held(elem: ElementType) -> ElementType:
    return IntType(held_width(elem.width), elem.signed) if isinstance(elem, IntType) else elem


def held_type(elem: ElementType) -> ir.Type:
    """The type of an array element in memory."""
    if isinstance(elem, IntType):
        return ir.IntegerType.get_signless(held_width(elem.width))
    return element(elem)


def held_width(width: int) -> int:
    """The bits that an array element of `width` bits is held in: the next of 8, 16, 32, 64, or as many."""
    return next((bits for bits in (8, 16, 32, 64) if width <= bits), width)


def _signless(type: ir.Type) -> ir.Type:
    if isinstance(type, ir.MemRefType):
        found = ir.MemRefType(type)
        if is_float(found.element_type):
            return type
        width = ir.IntegerType(found.element_type).width
        return ir.MemRefType.get(found.shape, ir.IntegerType.get_signless(held_width(width)))
    if isinstance(type, ir.IntegerType):
        return ir.IntegerType.get_signless(ir.IntegerType(type).width)
    return type


def _int_type(type: ir.Type) -> IntType | None:
    if not isinstance(type, ir.IntegerType):
        return None
    found = ir.IntegerType(type)
    if found.is_signless:
        return None
    return Int(found.width) if found.is_signed else UInt(found.width)


class _Converter:
    """Converts one function. `types` remembers the signful type of each value already made signless."""

    def __init__(self) -> None:
        self.types: dict[Any, IntType] = {}

    def block(self, block: Any) -> None:
        for argument in block.arguments:
            self._retype(argument)
        for op in list(block.operations):
            operation = op.operation
            if operation.name.startswith("bf."):
                self._replace(operation)
                continue
            if operation.name == "memref.store":
                self._widen(operation)
            for result in operation.results:
                self._retype(result)
            if operation.name == "memref.load":
                self._narrow(operation)
            for region in operation.regions:
                for inner in region.blocks:
                    self.block(inner)

    def _retype(self, value: Any) -> None:
        if (found := _int_type(value.type)) is not None:
            self.types[value] = found
        value.set_type(_signless(value.type))

    def _widen(self, store: Any) -> None:
        """Store a value in the width of the memory."""
        value, memory = store.operands[0], ir.MemRefType(store.operands[1].type)
        if is_float(value.type):
            return
        type, width = self.types[value], ir.IntegerType(memory.element_type).width
        with ir.InsertionPoint(store), store.location:
            store.operands[0] = _resize(value, type, width)

    def _narrow(self, load: Any) -> None:
        """Cut what is loaded to the width of its type."""
        value, memory = load.results[0], ir.MemRefType(load.operands[0].type)
        if is_float(value.type):
            return
        type = self.types[value]
        if ir.IntegerType(memory.element_type).width == type.width:
            return
        value.set_type(memory.element_type)
        with ir.InsertionPoint(load), load.location:
            cut = arith.TruncIOp(ir.IntegerType.get_signless(type.width), value)
        cut.operation.move_after(load)
        value.replace_all_uses_except(cut.result, cut.operation)
        self.types[cut.result] = type

    def _replace(self, op: Any) -> None:
        name = op.name.removeprefix("bf.")
        with ir.InsertionPoint(op), op.location:
            result_type = _int_type(op.results[0].type)
            operands = [(v, self.types.get(v)) for v in op.operands]
            if any(is_float(v.type) for v in (*op.operands, *op.results)):
                value = lower_floats(name, op, operands, result_type)
            else:
                value = _lower(name, op, operands, result_type)
        op.results[0].replace_all_uses_with(value)
        if result_type is not None:
            self.types[value] = result_type
        op.erase()


Operand = tuple[Any, IntType | None]


def _lower(name: str, op: Any, operands: list[Operand], result: IntType | None) -> Any:
    """The arith form of one bf operation; returns the new value, of the result type's width."""
    if name == "constant":
        assert result is not None
        return _constant(_integer_value(op.attributes["value"], result), result.width)
    if name in ("condition", "to_index", "from_index"):
        return _convert(name, operands[0][0], result)
    typed = [(v, t) for v, t in operands if t is not None]
    assert result is not None
    assert len(typed) == len(operands), name
    if name in _MODULAR:
        lhs, rhs = (_resize(v, t, result.width) for v, t in typed)
        return _MODULAR[name](lhs, rhs).result
    if name == "cmp":
        return _compare(ir.StringAttr(op.attributes["pred"]).value, *typed)
    return _RULES[name](typed, result)


def _integer_value(attribute: Any, type: IntType) -> int:
    if type.width <= 63:
        return type.wrap(ir.IntegerAttr(attribute).value)
    return int(str(attribute).split(":")[0])


def _convert(name: str, value: Any, result: IntType | None) -> Any:
    if name == "condition":
        return value
    if name == "to_index":
        return arith.IndexCastOp(ir.IndexType.get(), value).result
    assert result is not None
    return arith.IndexCastOp(ir.IntegerType.get_signless(result.width), value).result


def _constant(value: int, width: int) -> Any:
    type = ir.IntegerType.get_signless(width)
    if width <= 63:
        return arith.ConstantOp(type, ir.IntegerAttr.get(type, value)).result
    return arith.ConstantOp(type, ir.Attribute.parse(f"{value} : {type}")).result


def _resize(value: Any, type: IntType, width: int) -> Any:
    """`value` of `type` in `width` bits: extended by its signedness, or cut."""
    if width == type.width:
        return value
    target = ir.IntegerType.get_signless(width)
    if width < type.width:
        return arith.TruncIOp(target, value).result
    extend = arith.ExtSIOp if type.signed else arith.ExtUIOp
    return extend(target, value).result


def _common(*types: IntType) -> IntType:
    """The type that holds the values of all `types`."""
    signed = any(t.signed for t in types)
    width = max(t.width + (signed and not t.signed) for t in types)
    return IntType(width, signed)  # of 4097 bits, where one of 4096 without a sign is beside one with


_MODULAR: dict[str, Callable[..., Any]] = {
    "add": arith.AddIOp,
    "sub": arith.SubIOp,
    "mul": arith.MulIOp,
    "and": arith.AndIOp,
    "or": arith.OrIOp,
    "xor": arith.XOrIOp,
}
_PREDICATES = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def _compare(pred: str, a: tuple[Any, IntType], b: tuple[Any, IntType]) -> Any:
    common = _common(a[1], b[1])
    name = _PREDICATES[pred]
    if name not in ("eq", "ne"):
        name = ("s" if common.signed else "u") + name
    predicate = getattr(arith.CmpIPredicate, name)
    lhs, rhs = (_resize(v, t, common.width) for v, t in (a, b))
    return arith.CmpIOp(predicate, lhs, rhs).result


Typed = list[tuple[Any, IntType]]


def _division(typed: Typed, result: IntType, quotient: bool) -> Any:
    """Python's // or %: the quotient rounds down, so the remainder has the divisor's sign."""
    common = _common(*(t for _, t in typed))
    wide = IntType(common.width + common.signed, common.signed)  # lowest // -1 fits
    lhs, rhs = (_resize(v, t, wide.width) for v, t in typed)
    if not common.signed:
        made = (arith.DivUIOp if quotient else arith.RemUIOp)(lhs, rhs).result
        return _resize(made, wide, result.width)
    zero = _constant(0, wide.width)
    truncated, rest = arith.DivSIOp(lhs, rhs).result, arith.RemSIOp(lhs, rhs).result
    inexact = arith.CmpIOp(arith.CmpIPredicate.ne, rest, zero).result
    opposite = arith.CmpIOp(arith.CmpIPredicate.slt, arith.XOrIOp(rest, rhs).result, zero).result
    down = arith.AndIOp(inexact, opposite).result
    if quotient:
        value = arith.SubIOp(truncated, _resize(down, bit, wide.width)).result
    else:
        value = arith.AddIOp(rest, arith.SelectOp(down, rhs, zero).result).result
    return _resize(value, wide, result.width)


def _shift_right(typed: Typed, result: IntType) -> Any:
    (value, type), (amount, amount_type) = typed
    common = IntType(max(type.width + (not type.signed), amount_type.width + 1), True)
    wide = _resize(value, type, common.width)
    if common.width > WIDE and varies(amount):
        most = min(amount_type.high, common.width - 1)
        if most < amount_type.high:
            amount = arith.MinUIOp(amount, _constant(most, amount_type.width)).result
        found = shift_right(wide, amount, most, min(result.width, common.width))
        return _resize(found, IntType(min(result.width, common.width), True), result.width)
    last = _constant(common.width - 1, common.width)
    capped = arith.MinUIOp(_resize(amount, amount_type, common.width), last).result
    return _resize(arith.ShRSIOp(wide, capped).result, common, result.width)


def _shift_left(typed: Typed, result: IntType) -> Any:
    (value, type), (amount, amount_type) = typed
    width = max(result.width, type.width, amount_type.high + 1)
    if width > WIDE and varies(amount):
        found = shift_left(_resize(value, type, width), amount, amount_type.high)
        return _resize(found, IntType(width, False), result.width)
    shifted = arith.ShLIOp(_resize(value, type, width), _resize(amount, amount_type, width)).result
    return _resize(shifted, IntType(width, False), result.width)


def _xnor(typed: Typed, result: IntType) -> Any:
    lhs, rhs = (_resize(v, t, result.width) for v, t in typed)
    return arith.XOrIOp(arith.XOrIOp(lhs, rhs).result, _constant(-1, result.width)).result


def _popcount(typed: Typed, result: IntType) -> Any:
    value, type = typed[0]
    counted = math.CtPopOp(value).result if type.width > 1 else value
    return _resize(counted, UInt(type.width), result.width)


def _set_bit(typed: Typed, result: IntType) -> Any:
    if result.width > WIDE and varies(typed[1][0]):
        one = one_hot(typed[1][0], result.width)
        held, set_to = _resize(*typed[0], result.width), _resize(*typed[2], 1)
        zeroed = arith.AndIOp(held, arith.XOrIOp(one, _constant(-1, result.width)).result).result
        return arith.SelectOp(set_to, arith.OrIOp(held, one).result, zeroed).result
    word, position, value = (_resize(v, t, result.width) for v, t in typed)
    mask = arith.ShLIOp(_constant(1, result.width), position).result
    cleared = arith.AndIOp(word, arith.XOrIOp(mask, _constant(-1, result.width)).result).result
    return arith.OrIOp(cleared, arith.ShLIOp(value, position).result).result


def _reverse(typed: Typed, result: IntType) -> Any:
    value, type = typed[0]
    return llvm.intr_bitreverse(value) if type.width > 1 else value


def _extreme(typed: Typed, result: IntType, signed: Any, unsigned: Any) -> Any:
    common = _common(*(t for _, t in typed))
    lhs, rhs = (_resize(v, t, common.width) for v, t in typed)
    return _resize((signed if common.signed else unsigned)(lhs, rhs).result, common, result.width)


def _abs(typed: Typed, result: IntType) -> Any:
    value, type = typed[0]
    wide = IntType(type.width + 1, True)
    value = _resize(value, type, wide.width)
    negated = arith.SubIOp(_constant(0, wide.width), value).result
    return _resize(arith.MaxSIOp(value, negated).result, wide, result.width)


def _select(typed: Typed, result: IntType) -> Any:
    then, other = (_resize(v, t, result.width) for v, t in typed[1:])
    return arith.SelectOp(typed[0][0], then, other).result


def _negate(typed: Typed, result: IntType) -> Any:
    return arith.SubIOp(_constant(0, result.width), _resize(*typed[0], result.width)).result


def _invert(typed: Typed, result: IntType) -> Any:
    return arith.XOrIOp(_resize(*typed[0], result.width), _constant(-1, result.width)).result


_RULES: dict[str, Callable[[Typed, IntType], Any]] = {
    "floordiv": lambda typed, result: _division(typed, result, quotient=True),
    "mod": lambda typed, result: _division(typed, result, quotient=False),
    "shl": _shift_left,
    "shr": _shift_right,
    "xnor": _xnor,
    "popcount": _popcount,
    "get_bit": _shift_right,
    "set_bit": _set_bit,
    "reverse": _reverse,
    "min": lambda typed, result: _extreme(typed, result, arith.MinSIOp, arith.MinUIOp),
    "max": lambda typed, result: _extreme(typed, result, arith.MaxSIOp, arith.MaxUIOp),
    "abs": _abs,
    "neg": _negate,
    "invert": _invert,
    "select": _select,
    "cast": lambda typed, result: _resize(*typed[0], result.width),
}
