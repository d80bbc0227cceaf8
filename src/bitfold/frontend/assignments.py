"""Assignments and declarations."""

from __future__ import annotations

import ast

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend import fixed
from bitfold.frontend.elements import element
from bitfold.frontend.expressions import parse_expr, parse_value
from bitfold.frontend.floats import operand
from bitfold.frontend.local_arrays import allocate, declare_array, maker_of
from bitfold.frontend.scalars import assign_scalar, new_scalar
from bitfold.frontend.scaled import Scaled, fixed_type
from bitfold.frontend.scope import Known, ScalarName, Scope, described
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import declared_type, static_or_none
from bitfold.ir.nodes import Expr, Real, Stmt, Store
from bitfold.lang.fixed import FixedArrayType
from bitfold.lang.types import ArrayType

Statements = tuple[Stmt, ...]


def assign(node: ast.Assign, scope: Scope) -> Statements:
    """`name = value`, `array[i] = value`, or `M, K = w.shape`: one target, as `several` leaves it."""
    span, (target,) = span_of(node, scope.file), node.targets
    match target:
        case ast.Tuple():
            return _unpack(target, node.value, scope, span)
        case ast.Name():
            return _bind(target.id, node.value, scope, span)
        case ast.Subscript():
            scope.converted.append(node.value)
            return (store(target, node.value, parse_value(node.value, scope), scope, span),)
    raise _bad_target(target, scope)


def _bad_target(target: ast.expr, scope: Scope) -> LanguageError:
    return LanguageError(
        f"{shown(target)!r} cannot be assigned to in a kernel",
        code="BF-L006",
        span=span_of(target, scope.file),
        remedy="assign to a scalar's name or to one element of an array",
    )


def declare(node: ast.AnnAssign, scope: Scope) -> Statements:
    """`name: type = value`."""
    span = span_of(node, scope.file)
    if not isinstance(node.target, ast.Name):
        raise LanguageError(
            "only a plain name can be declared",
            code="BF-L006",
            span=span_of(node.target, scope.file),
            remedy="drop the annotation",
        )
    type, name = declared_type(node.annotation, scope), node.target.id
    if isinstance(type, (ArrayType, FixedArrayType)):
        return declare_array(name, type, node.value, scope, span)
    if node.value is None:
        raise LanguageError(
            f"{name!r} is declared without a value",
            code="BF-L008",
            span=span,
            remedy=f"write `{name}: {type} = 0`",
        )
    value = operand(node.value, parse_value(node.value, scope), scope)
    here = scope.names.maps[0].get(name)
    if isinstance(here, ScalarName):
        if (here.fixed or here.type) != type:
            raise LanguageError(
                f"{name!r} is already declared as {here.fixed or here.type} in this block",
                code="BF-L005",
                span=span,
                remedy="use another name",
            )
        return (assign_scalar(name, here, value, span),)
    return (new_scalar(name, type, value, scope, span),)


def augmented(node: ast.AugAssign, scope: Scope) -> Statements:
    """`x op= e` is `x = x op e`."""
    span = span_of(node, scope.file)
    whole = ast.copy_location(ast.BinOp(as_load(node.target), node.op, node.value), node)
    match node.target:
        case ast.Name(id=name):
            meaning = scope.lookup(name, span_of(node.target, scope.file))
            if not isinstance(meaning, ScalarName):
                what = described(scope.names[name]) if name in scope.names else "not assigned in this kernel"
                raise LanguageError(
                    f"{name!r} is {what}, so it cannot be updated",
                    code="BF-L005",
                    span=span_of(node.target, scope.file),
                    remedy=f"declare a scalar first, such as `acc: int32 = {name}`, and update that",
                )
            return (assign_scalar(name, meaning, parse_expr(whole, scope), span),)
        case ast.Subscript():
            return (store(node.target, whole, parse_expr(whole, scope), scope, span),)
    raise _bad_target(node.target, scope)


def as_load(target: ast.expr) -> ast.expr:
    """The target of an assignment as an expression that reads it."""
    match target:
        case ast.Name():
            return ast.copy_location(ast.Name(target.id, ast.Load()), target)
        case ast.Subscript():
            return ast.copy_location(ast.Subscript(target.value, target.slice, ast.Load()), target)
    return target


def _bind(name: str, value: ast.expr, scope: Scope, span: Span) -> Statements:
    """`name = value` where name is a scalar, a compile-time value or a new array."""
    if (maker := maker_of(value, scope)) is not None:
        assert isinstance(value, ast.Call)
        return allocate(name, maker, value, scope, span)
    meaning = scope.names.get(name)
    if isinstance(meaning, ScalarName):
        result = operand(value, parse_value(value, scope), scope)
        return (assign_scalar(name, meaning, result, span),)
    scope.check_free(name, span)
    known = static_or_none(value, scope)
    once = scope.assigned.get(name) == 1
    if isinstance(known, tuple) or (isinstance(known, int) and once):
        scope.bind(name, Known(known))
        return ()
    result = operand(value, parse_value(value, scope), scope)
    if isinstance(result, Real) and once:
        scope.bind(name, Known(result.of.wrap(result.value)))
        return ()
    if result.real is not None and result.real.weak:
        raise LanguageError(
            f"{name!r} would be a Python float, whose type is that of whatever it meets",
            code="BF-L048",
            span=span,
            remedy=f"declare it: `{name}: float32 = float32(...)`",
        )
    type = fixed_type(result) if isinstance(result, Scaled) else result.type
    return (new_scalar(name, type, result, scope, span, inferred=True),)


def _unpack(target: ast.Tuple, value: ast.expr, scope: Scope, span: Span) -> Statements:
    values = static_or_none(value, scope)
    names = [t.id for t in target.elts if isinstance(t, ast.Name)]
    if not isinstance(values, tuple) or len(names) != len(target.elts):
        raise LanguageError(
            f"{shown(value)!r} is no tuple of as many values as {shown(target)!r} has names",
            code="BF-L001",
            span=span,
            remedy="assign one name at a time",
        )
    if len(values) != len(names):
        raise LanguageError(
            f"{len(names)} names but {len(values)} values",
            code="BF-L011",
            span=span,
            remedy="name each of the values",
        )
    for name, each in zip(names, values, strict=True):
        if name not in scope.names or scope.names[name] != Known(each):
            scope.check_free(name, span)
        scope.bind(name, Known(each))
    return ()


def store(target: ast.Subscript, node: ast.expr, value: Expr, scope: Scope, span: Span) -> Store:
    """`target = value`, an element; `node` is what `value` was written as."""
    with scope.lifting(None):
        found, indices = element(target, scope, parse_expr)
    if found.source is not None:
        raise LanguageError(
            f"{shown(target.value)!r} is a constant; it cannot be written",
            code="BF-L007",
            span=span,
            remedy="copy it into a local array first",
        )
    value = fixed.stored(shown(target.value), found, value, node, scope)
    if found.inferred and not found.type.elem.holds(value.type):
        raise LanguageError(
            f"{shown(target.value)!r} got the type {found.type.elem} from what it was computed from; this "
            f"value needs {value.type}",
            code="BF-L010",
            span=span,
            remedy=f"declare it where it is assigned: `{shown(target.value)}: {value.type}[...] = ...`",
        )
    return Store(found.ir_name, indices, value, span=span)
