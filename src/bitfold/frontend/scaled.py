"""A value of fixed point in the front end: an integer expression and the number of bits of its fraction."""

from __future__ import annotations

from dataclasses import dataclass

from bitfold.diagnostics import Span
from bitfold.ir.nodes import Expr
from bitfold.lang.fixed import FixedType


@dataclass(frozen=True, slots=True)
class Scaled(Expr):
    """raw * 2**-fraction: what the front end has for fixed point, and nothing below it knows."""

    raw: Expr
    fraction: int


def scaled(raw: Expr, fraction: int, span: Span) -> Scaled:
    return Scaled(raw, fraction, low=raw.low, high=raw.high, span=span)


def fixed_type(e: Scaled) -> FixedType:
    """The smallest type that holds every value that `e` can have."""
    return FixedType(e.raw.type.width, e.fraction, e.raw.type.signed)


def is_fixed(*values: Expr) -> bool:
    return any(isinstance(v, Scaled) for v in values)
