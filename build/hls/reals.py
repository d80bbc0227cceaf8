"""Operations on floats as C++: each rounds once, to its type.

`float` and `double` are the compiler's own, `bf::half` is in bitfold.h. An integer becomes a float by way of
`double`, as in Python, where that makes a difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bitfold.build.hls.ccode import BOOL, Code, CType, Prec, ap, infix
from bitfold.lang.types import ElementType, FloatType, IntType

_INFIX = {"add": ("+", Prec.ADD), "sub": ("-", Prec.ADD), "mul": ("*", Prec.MUL), "div": ("/", Prec.MUL)}
_NAMES = {16: "half", 32: "float", 64: "double"}
_EXACT_BITS = 53  # integers of so many bits are exact as double


def real_literal(value: float, type: FloatType) -> str:
    """A constant of `type`: the fewest digits that C++ reads as that very value."""
    name = ap(type)
    if math.isnan(value):
        return f"bf::nan<{name}>()"
    if math.isinf(value):
        return f"{'-' if value < 0 else ''}bf::infinity<{name}>()"
    if type.width == 16:
        return f"{name}({_digits(value, FloatType(32))}f)"
    return f"{_digits(value, type)}{'f' if type.width == 32 else ''}"


def _digits(value: float, type: FloatType) -> str:
    """`value` in decimal, so that C++ takes it for a float."""
    text = str(type.storage.type(value))
    return text if set(text) & set(".e") else f"{text}.0"


def constant(value: float, type: FloatType) -> Code:
    text = real_literal(value, type)
    return _code(text, Prec.UNARY if text.startswith("-") else Prec.POSTFIX, type)


def _code(text: str, prec: Prec, type: FloatType) -> Code:
    return Code(text, prec, ap(type), 0, 0)


def expression(kind: str, detail: str, args: Sequence[tuple[Code, ElementType]], result: ElementType) -> Code:
    """The C++ of `bf.<kind>`, where an operand or the result is a float.

    `detail` is the predicate of `bf.cmp` and the function of `bf.math`.
    """
    codes = [code for code, _ in args]
    if kind == "cmp":
        prec = Prec.EQUALITY if detail in ("==", "!=") else Prec.RELATION
        return Code(infix(codes[0], detail, codes[1], prec), prec, BOOL, 0, 1)
    if isinstance(result, IntType):
        type = ap(result)
        if kind == "bitcast":
            return Code(f"bf::to_bits({codes[0].text})", Prec.POSTFIX, type, result.low, result.high)
        assert kind == "trunc", kind
        return Code(f"bf::trunc<{type} >({codes[0].text})", Prec.POSTFIX, type, result.low, result.high)
    if kind in _INFIX:
        return _infix(kind, codes[0], codes[1], result)
    match kind:
        case "neg":
            text = codes[0].at(Prec.UNARY)
            return _code(f"-({text})" if text.startswith("-") else f"-{text}", Prec.UNARY, result)
        case "select":
            return select(codes[0], codes[1], codes[2], result)
        case "cast":
            return _cast(*args[0], result)
        case "bitcast":
            return _code(f"bf::as_{_NAMES[result.width]}({codes[0].text})", Prec.POSTFIX, result)
        case "abs":
            return _code(f"bf::fabs({codes[0].text})", Prec.POSTFIX, result)
        case "math":
            return _code(f"bf::{detail}({codes[0].text})", Prec.POSTFIX, result)
    return _code(f"bf::{kind}({codes[0].text}, {codes[1].text})", Prec.POSTFIX, result)  # min, max, pow


def _infix(kind: str, a: Code, b: Code, type: FloatType) -> Code:
    op, prec = _INFIX[kind]
    update = (op, (a, b)) if kind in ("add", "sub") else None
    # C++ groups from the left as Python does; with floats a group on the right is another result.
    right = b.at(Prec(prec + 1))
    left = a.text if a.prec == prec else a.at(Prec(prec + 1))
    return Code(f"{left} {op} {right}", prec, ap(type), 0, 0, update=update)


def select(cond: Code, then: Code, other: Code, type: FloatType) -> Code:
    """`cond ? then : other`, both of `type`."""
    text = f"{cond.at(Prec.LOGIC_OR)} ? {then.at(Prec.TERNARY)} : {other.at(Prec.TERNARY)}"
    return _code(text, Prec.TERNARY, type)


def _cast(code: Code, source: ElementType, to: FloatType) -> Code:
    if isinstance(source, FloatType):
        return code if source.width == to.width else _code(f"{ap(to)}({code.text})", Prec.POSTFIX, to)
    direct = to.width == 64 or (to.width == 32 and source.width <= _EXACT_BITS)
    first = ap(to) if direct else CType(64, True, real=True)
    text = f"{first}({code.text})" if code.type.native else f"bf::real<{first}>({code.text})"
    return _code(text if direct else f"{ap(to)}({text})", Prec.POSTFIX, to)
