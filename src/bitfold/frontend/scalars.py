"""Scalars: what is declared and assigned, and what a scalar takes of a value."""

from __future__ import annotations

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend import fixed
from bitfold.frontend.floats import check_scalar
from bitfold.frontend.scaled import Scaled, fixed_type
from bitfold.frontend.scope import ScalarName, Scope
from bitfold.ir.nodes import Assign, Const, Declare, Expr
from bitfold.lang.fixed import FixedType
from bitfold.lang.types import ElementType, IntType, int32


def new_scalar(
    name: str, type: ElementType | FixedType, value: Expr, scope: Scope, span: Span, inferred: bool = False
) -> Declare:
    """The declaration of a scalar of `type`, whose name stands for it from here on."""
    scope.check_free(name, span)
    held, type = (type, type.raw) if isinstance(type, FixedType) else (None, type)
    value = for_scalar(name, type, held, value, span)
    check_fits(name, type, value)
    ir_name = scope.unique(name)
    scope.bind(name, ScalarName(ir_name, type, inferred, held))
    return Declare(ir_name, type, value, span=span)


def assign_scalar(name: str, scalar: ScalarName, value: Expr, span: Span) -> Assign:
    """`name = value`, of a scalar that is there. Raises LanguageError for a value that does not fit it."""
    needed = fixed_type(value) if isinstance(value, Scaled) else value.type
    if scalar.inferred and isinstance(value, Scaled) and scalar.fixed is None:
        raise _other_type(name, scalar, needed, span)
    value = for_scalar(name, scalar.type, scalar.fixed, value, span)
    integers = isinstance(scalar.type, IntType) and value.real is None
    if scalar.inferred and integers and not scalar.type.holds(value.type):
        raise _other_type(name, scalar, needed, span)
    check_fits(name, scalar.type, value)
    return Assign(scalar.ir_name, scalar.type, value, span=span)


def for_scalar(name: str, type: ElementType, held: FixedType | None, value: Expr, span: Span) -> Expr:
    """The value that a scalar gets, of integers when it is fixed point."""
    if held is None and not isinstance(value, Scaled):
        return check_scalar(name, type, value, span)
    return fixed.scalar_value(name, type, held, value, span)


def _other_type(name: str, scalar: ScalarName, needed: ElementType | FixedType, span: Span) -> LanguageError:
    if isinstance(needed, IntType):  # counts and sums go on growing
        wide = f"`{name}: {int32 if needed.width < 32 else needed} = ...`, or what holds all it gets"
    else:
        wide = f"`{name}: {needed} = ...`"
    return LanguageError(
        f"{name!r} got the type {fixed.described(scalar)} from its first value; this one needs {needed}",
        code="BF-L009",
        span=span,
        remedy=f"declare it where it is first assigned: {wide}",
    )


def check_fits(name: str, type: ElementType, value: Expr) -> None:
    """A scalar of plain Python does not wrap, so a constant that would is a mistake."""
    if isinstance(value, Const) and not type.low <= value.value <= type.high:
        raise LanguageError(
            f"{value.value} is outside {type}, the type of {name!r}, which holds {type.low}..{type.high}",
            code="BF-L010",
            span=value.span,
            remedy=f"declare {name!r} wider, or write {type}(...) to wrap it",
        )
