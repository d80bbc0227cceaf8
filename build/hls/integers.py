"""The `bf` operations that C++ does not compute as Python does: division, shifts, and single bits.

Division rounds down, shifts take any amount, and constants stand in for what synthesis could not simplify.
"""

from __future__ import annotations

from bitfold.build.hls.ccode import (
    BOOL,
    INT,
    LONG,
    Code,
    CType,
    Operand,
    Prec,
    ap,
    common,
    convert,
    infix,
    literal,
)
from bitfold.lang.types import IntType


def divide(op: str, a: Operand, b: Operand, result: IntType) -> Code:
    """`//` and `%`, rounding down. C++ rounds to zero, which is the same where nothing is negative."""
    x, y = a.code, b.code
    if x.low >= 0 and y.low >= 0:
        if x.type.native and y.type.native and x.high < y.low:
            return x if op == "%" else literal(0, IntType(1, False))
        if x.type.native and (power := _power_of_two(y)) is not None:
            shift, mask = literal(power, b.type), literal(y.low - 1, b.type)
            return _native_part(x, ">>" if op == "/" else "&", shift if op == "/" else mask, result)
        if x.type.native and y.type.native and x.literal is None:
            type = LONG if LONG in (x.type, y.type) else INT
            return Code(infix(x, op, y, Prec.MUL), Prec.MUL, type, result.low, result.high)
        x = _unsigned(x)
        y = y if y.literal is not None else _unsigned(y)
        width = x.type.width if op == "/" else min(x.type.width, y.type.width)
        type = CType(width + 1, True) if op == "/" and y.type.signed else CType(width, False)
        return Code(infix(x, op, y, Prec.MUL), Prec.MUL, type, result.low, result.high)
    shared = common(a.type, b.type)
    width = shared.width + 1
    call = f"bf::{'floordiv' if op == '/' else 'mod'}<{width}>({a.code.text}, {b.code.text})"
    return Code(call, Prec.POSTFIX, CType(width, True), result.low, result.high)


def _power_of_two(code: Code) -> int | None:
    """n when `code` is the number 2**n, else None."""
    value = code.literal
    return None if value is None or value < 1 or value & (value - 1) else value.bit_length() - 1


def _native_part(x: Code, op: str, by: Code, result: IntType) -> Code:
    """A shift or mask in place of a division by 2**n: synthesis cannot tell that an int is never negative."""
    prec = Prec.SHIFT if op == ">>" else Prec.AND
    type = LONG if x.type == LONG else INT
    return Code(infix(x, op, by, prec), prec, type, result.low, result.high)


def _unsigned(code: Code) -> Code:
    """A value that is never negative as an ap_uint, just wide enough when it has to be converted."""
    if not code.type.native and not code.type.signed:
        return code
    return convert(code, CType(max(1, code.high.bit_length()), False))


def shift_left(a: Operand, b: Operand, result: IntType) -> Code:
    """`a << b`. The result type holds every bit, so the amount is always below its width."""
    x, amount = a.code, b.code
    if x.type.native and amount.literal is not None and x.low >= 0 and x.literal is None:
        high = x.high << amount.low
        if high <= INT.int_type.high:
            return Code(infix(x, "<<", amount, Prec.SHIFT), Prec.SHIFT, INT, x.low << amount.low, high)
    text = f"{convert(x, ap(result)).at(Prec.UNARY)} << {_amount(b)}"
    return Code(text, Prec.SHIFT, ap(result), result.low, result.high)


def _amount(b: Operand) -> str:
    """A shift amount. A signed one makes ap_int look for the other direction, so it is made unsigned."""
    code = b.code
    if code.type == BOOL or (not code.type.native and code.type.signed):
        code = b.to(b.type)
    return code.at(Prec.UNARY)


def shift_right(a: Operand, b: Operand, result: IntType) -> Code:
    """`a >> b`, rounding down, for any amount."""
    x = a.code
    if x.type == INT and x.low >= 0 and x.literal is None and b.code.type.native and b.code.high < 31:
        return Code(infix(x, ">>", b.code, Prec.SHIFT), Prec.SHIFT, INT, result.low, result.high)
    x = convert(x, ap(a.type)) if x.type.native else x
    amount = b.code
    if amount.high < x.type.width:
        text, prec = f"{x.at(Prec.UNARY)} >> {_amount(b)}", Prec.SHIFT
    else:
        text, prec = f"bf::shr<{x.type}, {b.type.width}>({x.text}, {amount.text})", Prec.POSTFIX
    return Code(text, prec, x.type, result.low, result.high)


def xnor(a: Operand, b: Operand, result: IntType) -> Code:
    """The lanes on which `a` and `b` agree."""
    x, y = (c if c.type == ap(result) else convert(c, ap(result)) for c in (a.code, b.code))
    return Code(f"~({infix(x, '^', y, Prec.XOR)})", Prec.UNARY, ap(result), result.low, result.high)


def popcount(a: Operand, result: IntType) -> Code:
    if a.type.width == 1:
        return a.code
    type = CType(a.type.width.bit_length(), False)
    return Code(f"bf::popcount<{a.type.width}>({a.code.text})", Prec.POSTFIX, type, result.low, result.high)


def reverse(a: Operand, result: IntType) -> Code:
    """The bits of an unsigned value in reverse order."""
    call = f"bf::reverse<{result.width}>({a.to(result).text})"
    return Code(call, Prec.POSTFIX, ap(result), result.low, result.high)


def negate(a: Operand, result: IntType) -> Code:
    x = a.code
    if x.literal is not None:
        return literal(-x.low, result)
    if x.type.native and x.type != BOOL and x.low > INT.int_type.low:
        return Code(_minus(x), Prec.UNARY, x.type, -x.high, -x.low)
    x = convert(x, CType(a.type.width + 1, True))
    return Code(_minus(x), Prec.UNARY, CType(x.type.width + 1, True), result.low, result.high)


def _minus(x: Code) -> str:
    """The text of -x, in which no two signs become one operator."""
    text = x.at(Prec.UNARY)
    return f"-({text})" if text.startswith("-") else f"-{text}"


def invert(a: Operand, result: IntType) -> Code:
    x = a.code
    if x.literal is not None:
        return literal(~x.low, result)
    if x.type.native and x.type != BOOL:
        return Code(f"~{x.at(Prec.UNARY)}", Prec.UNARY, x.type, ~x.high, ~x.low)
    if not x.type.signed:
        x = convert(x, CType(x.type.width + 1, True))
    return Code(f"~{x.at(Prec.UNARY)}", Prec.UNARY, x.type, result.low, result.high)


def absolute(a: Operand, result: IntType) -> Code:
    if a.code.low >= 0:
        return a.code
    call = f"bf::abs<{a.type.width}>({a.code.text})"
    return Code(call, Prec.POSTFIX, CType(a.type.width, False), result.low, result.high)


def extremum(which: str, a: Operand, b: Operand, result: IntType) -> Code:
    """`bf::min` and `bf::max` of the smallest type that holds both operands."""
    type = ap(common(a.type, b.type))
    call = f"bf::{which}<{type}>({a.code.text}, {b.code.text})"
    return Code(call, Prec.POSTFIX, type, result.low, result.high)


def get_bit(word: Operand, position: Operand) -> Code:
    """Bit `position` of a word; beyond its width, the sign."""
    x, at = word.code, position.code
    if x.type.native:
        x = word.to(word.type)
    if at.high < x.type.width:
        return Code(f"{x.at(Prec.POSTFIX)}.test({at.text})", Prec.POSTFIX, BOOL, 0, 1)
    call = f"bf::get_bit<{x.type}, {position.type.width}>({x.text}, {at.text})"
    return Code(call, Prec.POSTFIX, BOOL, 0, 1)


def set_bit(word: Operand, position: Operand, value: Operand, result: IntType) -> Code:
    type = ap(result)
    call = f"bf::set_bit<{type}>({word.code.text}, {position.code.text}, {value.code.text})"
    update = ("[]", (word.code, position.code, value.code))
    return Code(call, Prec.POSTFIX, type, result.low, result.high, update=update)
