"""The `bf` operations as C++ expressions: exact, as Python computes them.

ap_int's `+ - * & | ^` are exact for every mix of widths and signs. Not so elsewhere, and there operands are
converted first: comparisons of a signed with an unsigned value, `~` and `<<` (which keep an operand's width),
and division (which rounds to zero).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace

from bitfold.build.hls import integers
from bitfold.build.hls.ccode import (
    BOOL,
    INT,
    LONG,
    Code,
    CType,
    Operand,
    Prec,
    ap,
    as_ap,
    cast_name,
    convert,
    infix,
    literal,
    native_type,
)
from bitfold.lang.types import IntType

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FOLD: dict[str, Callable[[int, int], int]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_PREC = {"+": Prec.ADD, "-": Prec.ADD, "*": Prec.MUL, "&": Prec.AND, "|": Prec.OR, "^": Prec.XOR}


def _mixes_signs(a: CType, b: CType) -> tuple[int, int]:
    """The operands' widths once an unsigned one that meets a signed one got its sign bit."""
    return a.width + (b.signed and not a.signed), b.width + (a.signed and not b.signed)


def arithmetic(op: str, a: Code, b: Code, exact: IntType | None, types: tuple[IntType, IntType]) -> Code:
    """`a op b` for + - *. `exact` is the MLIR result type, None for index arithmetic."""
    fold = _FOLD[op]
    if a.type.native and b.type.native:
        corners = [fold(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
        low, high = min(corners), max(corners)
        if a.literal is not None and b.literal is not None:
            return literal(low, exact or IntType(64, True))
        if (same := _unchanged(op, a, b)) is not None:
            return same
        type = native_type(low, high)
        if type is not None:
            if type == LONG and LONG not in (a.type, b.type):
                a = replace(a, text=f"{cast_name(LONG)}{a.at(Prec.UNARY)}", prec=Prec.UNARY, type=LONG)
            return Code(infix(a, op, b, _PREC[op]), _PREC[op], type, low, high)
    a, b = as_ap(a, types[0]), as_ap(b, types[1])
    if a.type.native and b.type.native:
        a = convert(a, ap(types[0]))
    wa, wb = _mixes_signs(a.type, b.type)
    signed = a.type.signed or b.type.signed or op == "-"
    width = a.type.width + b.type.width if op == "*" else max(wa, wb) + 1
    return _result(Code(infix(a, op, b, _PREC[op]), _PREC[op], CType(width, signed), 0, 0), a, op, b, exact)


def _unchanged(op: str, a: Code, b: Code) -> Code | None:
    """What native `a op b` is where one side is a number that changes nothing, else None."""
    neutral = 1 if op == "*" else 0
    if b.literal == neutral:
        return a
    if a.literal == neutral and op != "-":
        return b
    if op == "*" and 0 in (a.literal, b.literal):
        return literal(0, IntType(1, False))
    return None


def _result(code: Code, a: Code, op: str, b: Code, exact: IntType | None) -> Code:
    """`code` with the range of its MLIR type, narrowed when ap_int's widening has run far ahead of it."""
    known = exact or code.type.int_type
    code = replace(code, low=known.low, high=known.high)
    if code.type.width > known.width + 64:
        return replace(convert(code, ap(known)), unwrapped=None)
    return replace(code, update=(op, (a, b))) if op in "+-" else code


def bitwise(op: str, a: Operand, b: Operand, result: IntType) -> Code:
    """`a op b` for & | ^."""
    if a.code.type == BOOL and b.code.type == BOOL:
        text, prec = {"&": ("&&", Prec.LOGIC_AND), "|": ("||", Prec.LOGIC_OR), "^": ("!=", Prec.EQUALITY)}[op]
        return Code(infix(a.code, text, b.code, prec), prec, BOOL, 0, 1)
    x, y = a.ap, b.ap
    if x.type.native and y.type.native:
        x = a.to(a.type)
    wx, wy = _mixes_signs(x.type, y.type)
    type = CType(max(wx, wy), x.type.signed or y.type.signed)
    code = Code(infix(x, op, y, _PREC[op]), _PREC[op], type, result.low, result.high)
    return replace(convert(code, ap(result)), unwrapped=None) if type.width > result.width + 64 else code


def compare(pred: str, a: Operand, b: Operand) -> Code:
    """A comparison; its type is `bool`."""
    x, y = a.code, b.code
    if x.type == BOOL and y.literal == 0 and pred in ("==", "!="):
        return Code(f"!{x.at(Prec.UNARY)}", Prec.UNARY, BOOL, 0, 1) if pred == "==" else x
    if not (x.type.native and y.type.native):
        x, y = a.ap, b.ap
    if x.literal is not None and y.literal is not None:
        return literal(int(_COMPARE[pred](x.low, y.low)), IntType(1, False))
    x, y = _same_sign(x, y), _same_sign(y, x)
    prec = Prec.EQUALITY if pred in ("==", "!=") else Prec.RELATION
    return Code(infix(x, pred, y, prec), prec, BOOL, 0, 1)


def _same_sign(code: Code, other: Code) -> Code:
    """`code` with a sign bit when `other` can be negative in C++ and `code` is an unsigned ap_uint."""
    unsigned = not code.type.native and not code.type.signed
    if unsigned and other.type.signed and (other.literal is None or other.low < 0):
        return replace(convert(code, CType(code.type.width + 1, True)), unwrapped=None)
    return code


def select(cond: Code, then: Code, other: Code, result: IntType) -> Code:
    """`cond ? then : other` with both sides of one C++ type."""
    if cond.type == BOOL and then.type == BOOL and other.literal == 0:
        return Code(infix(cond, "&&", then, Prec.LOGIC_AND), Prec.LOGIC_AND, BOOL, 0, 1)
    if cond.type == BOOL and then.literal == 1 and other.type == BOOL:
        return Code(infix(cond, "||", other, Prec.LOGIC_OR), Prec.LOGIC_OR, BOOL, 0, 1)
    low, high = max(min(then.low, other.low), result.low), min(max(then.high, other.high), result.high)
    if then.type == other.type:
        type = then.type
    elif then.type.native and other.type.native:
        type = LONG if LONG in (then.type, other.type) else INT
    else:
        type = ap(result)
        then, other = convert(then, type), convert(other, type)
    text = f"{cond.at(Prec.LOGIC_OR)} ? {then.at(Prec.TERNARY)} : {other.at(Prec.TERNARY)}"
    return Code(text, Prec.TERNARY, type, low, high)


def cast(a: Operand, result: IntType) -> Code:
    """Wrap to `result`; nothing to do when every value fits."""
    x = a.code
    if result.low <= x.low and x.high <= result.high:
        return x
    if x.literal is not None:
        return literal(result.wrap(x.low), result)
    return convert(x, ap(result))


def expression(kind: str, pred: str, args: Sequence[Operand], result: IntType) -> Code:
    """The C++ of the operation `bf.<kind>`; `pred` is that of `bf.cmp`."""
    codes = [a.code for a in args]
    match kind:
        case "add" | "sub" | "mul":
            op = {"add": "+", "sub": "-", "mul": "*"}[kind]
            return arithmetic(op, codes[0], codes[1], result, (args[0].type, args[1].type))
        case "and" | "or" | "xor":
            return bitwise({"and": "&", "or": "|", "xor": "^"}[kind], args[0], args[1], result)
        case "floordiv" | "mod":
            return integers.divide("/" if kind == "floordiv" else "%", args[0], args[1], result)
        case "cmp":
            return compare(pred, args[0], args[1])
        case "min" | "max":
            return integers.extremum(kind, args[0], args[1], result)
        case "select":
            return select(codes[0], codes[1], codes[2], result)
        case "get_bit":
            return integers.get_bit(args[0], args[1])
        case "set_bit":
            return integers.set_bit(args[0], args[1], args[2], result)
    known: dict[str, Callable[..., Code]] = {
        "shl": integers.shift_left,
        "shr": integers.shift_right,
        "xnor": integers.xnor,
        "popcount": integers.popcount,
        "reverse": integers.reverse,
        "neg": integers.negate,
        "invert": integers.invert,
        "abs": integers.absolute,
        "cast": cast,
    }
    return known[kind](*args, result)
