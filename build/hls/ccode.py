"""C++ expressions with what is known of them: precedence, static C++ type, and the range of their value.

The C++ type of an expression may be wider than its MLIR type, never too narrow for the value: ap_int's
operators widen, and where they would not (`~`, `<<`) an operand is converted first. The widths of results are
those of the `RType` tables in ap_int_base.h, which all of Xilinx's tools share.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from bitfold.lang.types import ElementType, FloatType, IntType


@dataclass(frozen=True, slots=True)
class CType:
    """A C++ type: `ap_uint<width>`, `ap_int<width>`, a native integer, or a float, called `real`."""

    width: int
    signed: bool
    native: bool = False
    real: bool = False

    @property
    def int_type(self) -> IntType:
        return IntType(self.width, self.signed)

    def __str__(self) -> str:
        if self.real:
            return {16: "bf::half", 32: "float"}.get(self.width, "double")
        if self.native:
            return {1: "bool", 32: "int"}.get(self.width, "long long")
        return f"ap_{'' if self.signed else 'u'}int<{self.width}>"


BOOL = CType(1, False, native=True)
INT = CType(32, True, native=True)
LONG = CType(64, True, native=True)


def ap(type: ElementType) -> CType:
    """The C++ type that holds exactly the values of `type`: an arbitrary-precision integer, or a float."""
    return CType(type.width, type.signed, real=isinstance(type, FloatType))


class Prec(enum.IntEnum):
    """C++ operator precedence; a higher one binds tighter."""

    TERNARY = 1
    LOGIC_OR = 2
    LOGIC_AND = 3
    OR = 4
    XOR = 5
    AND = 6
    EQUALITY = 7
    RELATION = 8
    SHIFT = 9
    ADD = 10
    MUL = 11
    UNARY = 12
    POSTFIX = 13


@dataclass(frozen=True, slots=True)
class Code:
    """A C++ expression of type `type` whose value lies in low..high.

    `update` is set on `a + b`, `a - b` and set_bit, so that storing one back to where `a` came from can be
    written as an update; `unwrapped` is the operand of a wrapping conversion, for stores that wrap anyway.
    """

    text: str
    prec: Prec
    type: CType
    low: int
    high: int
    update: tuple[str, tuple[Code, ...]] | None = None
    unwrapped: Code | None = None

    @property
    def literal(self) -> int | None:
        """The value of a plain integer literal, else None."""
        return self.low if self.type.native and self.low == self.high and self.is_number else None

    @property
    def is_number(self) -> bool:
        return self.text.lstrip("-")[:1].isdigit()

    def at(self, prec: Prec) -> str:
        """The text, in parentheses unless it binds at least as tightly as `prec`."""
        return self.text if self.prec >= prec else f"({self.text})"

    def ranged(self, type: IntType) -> Code:
        """The same code, known to lie in `type`."""
        return replace(self, low=max(self.low, type.low), high=min(self.high, type.high))


def name(text: str, type: CType) -> Code:
    """A variable, array element or call of `type`."""
    return Code(text, Prec.POSTFIX, type, type.int_type.low, type.int_type.high)


def literal(value: int, type: IntType) -> Code:
    """A constant: a plain number where C++ has one, else constructed from hexadecimal digits."""
    if -(1 << 31) < value < 1 << 31:
        return Code(str(value), Prec.UNARY if value < 0 else Prec.POSTFIX, INT, value, value)
    if -(1 << 63) < value < 1 << 63:
        return Code(f"{value}LL", Prec.UNARY if value < 0 else Prec.POSTFIX, LONG, value, value)
    bits = value & ((1 << type.width) - 1)
    unsigned = CType(type.width, False)
    text = f"{unsigned}(0x{bits:x}ULL)" if type.width <= 64 else f'{unsigned}("{bits:x}", 16)'
    code = Code(text, Prec.POSTFIX, unsigned, bits, bits)
    return replace(convert(code, ap(type)), low=value, high=value) if type.signed else code


def convert(code: Code, type: CType) -> Code:
    """`code` as an expression of exactly the C++ type `type`; wraps when the value does not fit."""
    if code.type == type:
        return code
    if (inner := code.unwrapped) is not None and _holds(code.type, inner):
        return convert(inner, type)
    low, high = (code.low, code.high) if _holds(type, code) else (type.int_type.low, type.int_type.high)
    return Code(f"{cast_name(type)}({code.text})", Prec.POSTFIX, type, low, high, unwrapped=code)


def _holds(type: CType, code: Code) -> bool:
    return type.int_type.low <= code.low and code.high <= type.int_type.high


def cast_name(type: CType) -> str:
    return "(long long)" if type == LONG else str(type)


def as_ap(code: Code, type: IntType) -> Code:
    """`code` as an arbitrary-precision value; `type` is its MLIR type, and literals stay literals."""
    if not code.type.native or code.literal is not None:
        return code
    return convert(code, ap(type))


def as_native(code: Code) -> Code:
    """`code` as an `int`, or a `long long` where its values need one."""
    if code.type.native:
        return code
    made = convert(code, INT if _holds(INT, code) else LONG)
    return replace(made, low=code.low, high=code.high, unwrapped=None)


def native_type(low: int, high: int) -> CType | None:
    """The native type that holds low..high, or None."""
    for type in (INT, LONG):
        if type.int_type.low <= low and high <= type.int_type.high:
            return type
    return None


def common(a: IntType, b: IntType) -> IntType:
    """The smallest type that holds the values of both."""
    signed = a.signed or b.signed
    width = max(t.width + (signed and not t.signed) for t in (a, b))
    return IntType(width, signed)


# What stands beside an operator without parentheses, where that is not simply whatever binds tighter.
_INNER = {
    Prec.LOGIC_OR: Prec.EQUALITY,
    Prec.LOGIC_AND: Prec.EQUALITY,
    Prec.OR: Prec.UNARY,
    Prec.XOR: Prec.UNARY,
    Prec.AND: Prec.UNARY,
    Prec.EQUALITY: Prec.ADD,
    Prec.RELATION: Prec.ADD,
    Prec.SHIFT: Prec.UNARY,
}
# Operators that need no parentheses when written one after the other.
_LEFT = frozenset({Prec.LOGIC_OR, Prec.LOGIC_AND, Prec.OR, Prec.XOR, Prec.AND, Prec.ADD, Prec.MUL})


def infix(a: Code, op: str, b: Code, prec: Prec) -> str:
    """`a op b` with the parentheses that C++ needs, and those that readers need around & | ^ && || << >>."""
    inner = _INNER.get(prec, Prec(prec + 1))
    return f"{a.text if a.prec == prec and prec in _LEFT else a.at(inner)} {op} {b.at(inner)}"


@dataclass(frozen=True, slots=True)
class Operand:
    """An operand: its code and its MLIR type."""

    code: Code
    type: IntType

    @property
    def ap(self) -> Code:
        return as_ap(self.code, self.type)

    def to(self, type: IntType) -> Code:
        return convert(self.code, ap(type))
