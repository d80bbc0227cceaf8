"""Floats as C++."""

from __future__ import annotations

import math

from bitfold.lang.types import FloatType


def real_literal(value: float, type: FloatType) -> str:
    """A constant of `type`: the fewest digits that C++ reads as that very value."""
    suffix = "" if type.width == 64 else "f"
    if math.isnan(value):
        text = f"bf::nan{suffix}()"
    elif math.isinf(value):
        text = f"{'-' if value < 0 else ''}bf::inf{suffix}()"
    else:
        text = f"{_digits(value, type)}{suffix}"
    return f"half({text})" if type.width == 16 else text


def _digits(value: float, type: FloatType) -> str:
    """`value` in decimal; a half is written as the float that it is."""
    width = max(type.width, 32)
    text = str(FloatType(width).storage.type(value))
    return text if set(text) & set(".e") else f"{text}.0"
