"""Operations on floats in pass bf-to-arith: each rounds once, to its result's type.

No operation has a fast-math flag, so LLVM neither reassociates nor contracts. Functions that IEEE 754 rounds
correctly (square root, rounding to integers) are LLVM's own; the others are calls of the C library's
functions of float64, under names that LLVM does not know, so that it calls them as they are.
"""

from __future__ import annotations

from typing import Any

from bitfold.lang.types import IntType
from bitfold.lowering.dialect import bits
from bitfold.lowering.mlir import arith, func, ir, math

LIBRARY_PREFIX = "bitfold_libm_"

Operand = tuple[Any, IntType | None]

_BINARY = {"add": arith.AddFOp, "sub": arith.SubFOp, "mul": arith.MulFOp, "div": arith.DivFOp}
_COMPARE = {"==": "OEQ", "!=": "UNE", "<": "OLT", "<=": "OLE", ">": "OGT", ">=": "OGE"}
_EXACT = {"sqrt": math.SqrtOp, "floor": math.FloorOp, "ceil": math.CeilOp, "rint": math.RoundEvenOp}
_MANTISSA = {32: 23, 64: 52}
_BIAS = {32: 127, 64: 1023}


def lower(name: str, op: Any, operands: list[Operand], result: IntType | None) -> Any:
    """The arith form of the operation `bf.<name>`, of which an operand or the result is a float.

    An integer operand comes with its type, and `result` is that of an integer result.
    """
    values = [value for value, _ in operands]
    type = op.results[0].type
    match name:
        case "add" | "sub" | "mul" | "div":
            return _BINARY[name](values[0], values[1]).result
        case "neg":
            return arith.NegFOp(values[0]).result
        case "abs":
            return math.AbsFOp(values[0]).result
        case "cmp":
            return _compare(_COMPARE[ir.StringAttr(op.attributes["pred"]).value], values[0], values[1])
        case "min" | "max":  # the later one only where it is less (or greater), as Python has it
            better = _compare("OLT" if name == "min" else "OGT", values[1], values[0])
            return arith.SelectOp(better, values[1], values[0]).result
        case "select":
            return arith.SelectOp(values[0], values[1], values[2]).result
        case "cast":
            return _cast(operands[0], type)
        case "bitcast":
            return _bitcast(operands[0], type, result)
        case "trunc":
            assert result is not None
            return _trunc(values[0], result.width)
        case "math":
            return _function(ir.StringAttr(op.attributes["fn"]).value, values, type, op)
        case "pow":
            return _function("pow", values, type, op)
    raise AssertionError(name)


def _compare(predicate: str, lhs: Any, rhs: Any) -> Any:
    return arith.CmpFOp(getattr(arith.CmpFPredicate, predicate), lhs, rhs).result


def _cast(operand: Operand, to: Any) -> Any:
    value, type = operand
    if type is None:
        return resized(value, to)
    double = (arith.SIToFPOp if type.signed else arith.UIToFPOp)(ir.F64Type.get(), value).result
    return resized(double, to)


def resized(value: Any, to: Any) -> Any:
    """A float as one of type `to`."""
    if value.type == to:
        return value
    return (arith.ExtFOp if bits(to) > bits(value.type) else arith.TruncFOp)(to, value).result


def _bitcast(operand: Operand, to: Any, result: IntType | None) -> Any:
    """A float as the integer of its bits, or an unsigned integer as the float of these bits."""
    value, type = operand
    if result is not None:
        return arith.BitcastOp(ir.IntegerType.get_signless(result.width), value).result
    assert type is not None
    width = bits(to)
    if type.width < width:
        value = arith.ExtUIOp(ir.IntegerType.get_signless(width), value).result
    return arith.BitcastOp(to, value).result


def _function(name: str, values: list[Any], type: Any, op: Any) -> Any:
    """A function computed in float64, or float32 where its result is correctly rounded, then rounded."""
    if name in _EXACT:
        wide = type if bits(type) >= 32 else ir.F32Type.get()
        return resized(_EXACT[name](resized(values[0], wide)).result, type)
    double = ir.F64Type.get()
    _declare(LIBRARY_PREFIX + name, len(values), op)
    call = func.CallOp([double], LIBRARY_PREFIX + name, [resized(v, double) for v in values])
    return resized(call.results[0], type)


def _declare(symbol: str, arguments: int, op: Any) -> None:
    """Declare a function of the C library at the start of the module of `op`."""
    module = op
    while module.name != "builtin.module":
        module = module.parent
    body = module.regions[0].blocks[0]
    if symbol in library_functions(module):
        return
    double = ir.F64Type.get()
    with ir.InsertionPoint.at_block_begin(body), ir.Location.unknown():
        made = func.FuncOp(symbol, ir.FunctionType.get([double] * arguments, [double]), visibility="private")
        # Under its C name, too, LLVM takes it for a function that it knows nothing of.
        made.operation.attributes["passthrough"] = ir.ArrayAttr.get([ir.StringAttr.get("nobuiltin")])


def library_functions(module: Any) -> list[str]:
    """The functions of the C library that a module calls, by the names that it has for them."""
    body = module.body if isinstance(module, ir.Module) else module.regions[0].blocks[0]
    names = (
        o.operation.attributes["sym_name"] for o in body.operations if "sym_name" in o.operation.attributes
    )
    return [s for s in (ir.StringAttr(n).value for n in names) if s.startswith(LIBRARY_PREFIX)]


def use_c_names(module: ir.Module) -> list[str]:
    """Call the functions of the C library by their C names, in a module of the LLVM dialect; returns these.

    No kernel has such a name: they are names of the language.
    """
    symbols = library_functions(module)

    def visit(op: Any) -> None:
        for key, make in (("sym_name", ir.StringAttr.get), ("callee", ir.FlatSymbolRefAttr.get)):
            name = str(op.attributes[key].value) if key in op.attributes else ""
            if name in symbols:
                op.attributes[key] = make(name.removeprefix(LIBRARY_PREFIX))
        for region in op.regions:
            for block in region.blocks:
                for inner in block.operations:
                    visit(inner.operation)

    visit(module.operation)
    return [s.removeprefix(LIBRARY_PREFIX) for s in symbols]


# ---- to integers


def _trunc(value: Any, width: int) -> Any:
    """A float without its fraction modulo 2**width; 0 of inf and nan. Shifts its mantissa by its exponent."""
    if bits(value.type) == 16:
        value = resized(value, ir.F32Type.get())
    size = bits(value.type)
    mantissa, own = _MANTISSA[size], ir.IntegerType.get_signless(size)
    raw = arith.BitcastOp(own, value).result
    exponent = _and(
        arith.ShRUIOp(raw, _number(mantissa, size)).result, (1 << (size - 1 - mantissa)) - 1, size
    )
    whole = arith.OrIOp(_and(raw, (1 << mantissa) - 1, size), _number(1 << mantissa, size)).result
    wide = max(width, size)
    type = ir.IntegerType.get_signless(wide)
    if wide > size:
        whole = arith.ExtUIOp(type, whole).result
    shift = arith.SubIOp(exponent, _number(_BIAS[size] + mantissa, size)).result
    left = _shifted(arith.ShLIOp, whole, shift, wide, size)
    right = _shifted(arith.ShRUIOp, whole, arith.SubIOp(_number(0, size), shift).result, wide, size)
    grows = _signed(arith.CmpIPredicate.sge, shift, 0, size)
    magnitude = arith.SelectOp(grows, left, right).result
    finite = _signed(arith.CmpIPredicate.ne, exponent, (1 << (size - 1 - mantissa)) - 1, size)
    magnitude = arith.SelectOp(finite, magnitude, _number(0, wide)).result
    negative = _signed(arith.CmpIPredicate.slt, raw, 0, size)
    flipped = arith.SubIOp(_number(0, wide), magnitude).result
    found = arith.SelectOp(negative, flipped, magnitude).result
    return found if wide == width else arith.TruncIOp(ir.IntegerType.get_signless(width), found).result


def _shifted(make: Any, value: Any, by: Any, width: int, size: int) -> Any:
    """`value` of `width` bits shifted by an amount of `size` bits; 0 where that is negative or too much."""
    inside = arith.AndIOp(
        _signed(arith.CmpIPredicate.sge, by, 0, size), _signed(arith.CmpIPredicate.slt, by, width, size)
    ).result
    amount = arith.SelectOp(inside, by, _number(0, size)).result
    if width > size:
        amount = arith.ExtUIOp(ir.IntegerType.get_signless(width), amount).result
    return arith.SelectOp(inside, make(value, amount).result, _number(0, width)).result


def _signed(predicate: Any, value: Any, with_: int, width: int) -> Any:
    return arith.CmpIOp(predicate, value, _number(with_, width)).result


def _and(value: Any, mask: int, width: int) -> Any:
    return arith.AndIOp(value, _number(mask, width)).result


def _number(value: int, width: int) -> Any:
    type = ir.IntegerType.get_signless(width)
    return arith.ConstantOp(type, ir.Attribute.parse(f"{value} : {type}")).result
