"""Assignments, declarations and local arrays."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend import fixed
from bitfold.frontend.elements import element
from bitfold.frontend.expressions import parse_expr, parse_value
from bitfold.frontend.floats import check_scalar, fill_of, operand
from bitfold.frontend.scaled import Scaled, fixed_type
from bitfold.frontend.scope import ArrayName, Known, ScalarName, Scope, described
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import declared_type, static_int, static_or_none
from bitfold.ir import floats
from bitfold.ir.nodes import Alloc, Assign, Const, Declare, Expr, Real, Stmt, Store
from bitfold.lang import array
from bitfold.lang.fixed import FixedArrayType, FixedType
from bitfold.lang.state import is_state
from bitfold.lang.stream import StreamType
from bitfold.lang.types import ArrayType, ElementType, FloatType, IntType

Statements = tuple[Stmt, ...]


def assign(node: ast.Assign, scope: Scope) -> Statements:
    """`name = value`, `array[i] = value`, or `M, K = w.shape`."""
    span = span_of(node, scope.file)
    if len(node.targets) > 1:
        raise LanguageError(
            "this assigns to several places at once",
            code="BF-L001",
            span=span,
            remedy="one target on each line",
        )
    target = node.targets[0]
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
        return _declare_array(name, type, node.value, scope, span)
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
        return (_assign_scalar(name, here, value, span),)
    return (_new_scalar(name, type, value, scope, span),)


def _declare_array(
    name: str, type: ArrayType | FixedArrayType, value: ast.expr | None, scope: Scope, span: Span
) -> Statements:
    maker = _maker(value, scope)
    is_stream = isinstance(_integers(type), StreamType)
    if value is None and is_stream:
        scope.check_free(name, span)
        return _new_array(name, type, None, scope, span)
    if maker is None and is_stream:
        raise LanguageError(
            f"{shown(value) if value else name!r} is no stream",
            code="BF-L012",
            span=span,
            remedy=f"{name} = empty({type})",
        )
    if maker is None:
        fill = static_int(value, scope) if value is not None else None
        form = "empty" if fill is None else "zeros" if fill == 0 else "full"
        extra = f", {fill}" if form == "full" else ""
        raise LanguageError(
            f"{name!r} would be no array here when plain Python runs the kernel",
            code="BF-L012",
            span=span,
            remedy=f"write `{name} = {form}({type}{extra})`, which runs on the CPU as well",
        )
    assert isinstance(value, ast.Call)
    made = _allocate(name, maker, value, scope, span)
    meaning = scope.names[name]
    if not isinstance(meaning, ArrayName) or (meaning.type, meaning.fixed) != (_integers(type), _held(type)):
        raise LanguageError(
            f"{name!r} is declared as {type}, but {shown(value)} is not of that type",
            code="BF-L012",
            span=span,
            remedy=f"write `{name} = {maker.__name__}({type})`",
        )
    return made


def augmented(node: ast.AugAssign, scope: Scope) -> Statements:
    """`x op= e` is `x = x op e`."""
    span = span_of(node, scope.file)
    whole = ast.copy_location(ast.BinOp(_as_load(node.target), node.op, node.value), node)
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
            return (_assign_scalar(name, meaning, parse_expr(whole, scope), span),)
        case ast.Subscript():
            return (store(node.target, whole, parse_expr(whole, scope), scope, span),)
    raise _bad_target(node.target, scope)


def _as_load(target: ast.expr) -> ast.expr:
    match target:
        case ast.Name():
            return ast.copy_location(ast.Name(target.id, ast.Load()), target)
        case ast.Subscript():
            return ast.copy_location(ast.Subscript(target.value, target.slice, ast.Load()), target)
    return target


# ---- scalars and compile-time values


def _bind(name: str, value: ast.expr, scope: Scope, span: Span) -> Statements:
    """`name = value` where name is a scalar, a compile-time value or a new array."""
    if (maker := _maker(value, scope)) is not None:
        assert isinstance(value, ast.Call)
        return _allocate(name, maker, value, scope, span)
    meaning = scope.names.get(name)
    if isinstance(meaning, ScalarName):
        result = operand(value, parse_value(value, scope), scope)
        return (_assign_scalar(name, meaning, result, span),)
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
    return (_new_scalar(name, type, result, scope, span, inferred=True),)


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


def _new_scalar(
    name: str, type: ElementType | FixedType, value: Expr, scope: Scope, span: Span, inferred: bool = False
) -> Declare:
    scope.check_free(name, span)
    held, type = (type, type.raw) if isinstance(type, FixedType) else (None, type)
    value = for_scalar(name, type, held, value, span)
    check_fits(name, type, value, span)
    ir_name = scope.unique(name)
    scope.bind(name, ScalarName(ir_name, type, inferred, held))
    return Declare(ir_name, type, value, span=span)


def _assign_scalar(name: str, scalar: ScalarName, value: Expr, span: Span) -> Assign:
    needed = fixed_type(value) if isinstance(value, Scaled) else value.type
    if scalar.inferred and isinstance(value, Scaled) and scalar.fixed is None:
        raise _other_type(name, scalar, needed, span)
    value = for_scalar(name, scalar.type, scalar.fixed, value, span)
    integers = isinstance(scalar.type, IntType) and value.real is None
    if scalar.inferred and integers and not scalar.type.holds(value.type):
        raise _other_type(name, scalar, needed, span)
    check_fits(name, scalar.type, value, span)
    return Assign(scalar.ir_name, scalar.type, value, span=span)


def for_scalar(name: str, type: ElementType, held: FixedType | None, value: Expr, span: Span) -> Expr:
    """The value that a scalar gets, of integers when it is fixed point."""
    if held is None and not isinstance(value, Scaled):
        return check_scalar(name, type, value, span)
    return fixed.scalar_value(name, type, held, value, span)


def _other_type(name: str, scalar: ScalarName, needed: ElementType | FixedType, span: Span) -> LanguageError:
    return LanguageError(
        f"{name!r} got the type {fixed.described(scalar)} from its first value; this one needs {needed}",
        code="BF-L009",
        span=span,
        remedy=f"declare it where it is first assigned: `{name}: {needed} = ...`",
    )


def check_fits(name: str, type: ElementType, value: Expr, span: Span) -> None:
    """A scalar of plain Python does not wrap, so a constant that would is a mistake."""
    if isinstance(value, Const) and not type.low <= value.value <= type.high:
        raise LanguageError(
            f"{value.value} is outside {type}, the type of {name!r}, which holds {type.low}..{type.high}",
            code="BF-L010",
            span=value.span,
            remedy=f"declare {name!r} wider, or write {type}(...) to wrap it",
        )


# ---- arrays


def _maker(value: ast.expr | None, scope: Scope) -> Any:
    """`empty`, `zeros`, `full` or `rom` when `value` is a call of it, else None."""
    callee = static_or_none(value.func, scope) if isinstance(value, ast.Call) else None
    return next((f for f in (array.empty, array.zeros, array.full, array.rom) if callee is f), None)


def _allocate(name: str, maker: Any, call: ast.Call, scope: Scope, span: Span) -> Statements:
    scope.check_free(name, span)
    if maker is array.rom:
        return _rom(name, call, scope, span)
    count = 2 if maker is array.full else 1
    if len(call.args) != count or call.keywords:
        raise LanguageError(
            f"{maker.__name__} takes {'an array type and a value' if count == 2 else 'an array type'}",
            code="BF-L013",
            span=span_of(call, scope.file),
            remedy=f"{name} = {maker.__name__}(int32[16]{', 7' if count == 2 else ''})",
        )
    type = _array_type(call.args[0], scope)
    if isinstance(_integers(type), StreamType) and maker is not array.empty:
        raise LanguageError(
            f"{maker.__name__} makes an array, and {type} is a stream, which starts empty",
            code="BF-L013",
            span=span_of(call, scope.file),
            remedy=f"write {name} = empty({type})",
        )
    fill: int | Real | None = {array.empty: None, array.zeros: 0}.get(maker)
    if isinstance(type.elem, FloatType):
        if maker is not array.empty:
            fill = _float_fill(call, maker, type.elem, scope)
    elif maker is array.full:
        fill = _fill(call.args[1], type, scope)
    return _new_array(name, type, fill, scope, span)


def _fill(node: ast.expr, type: ArrayType | FixedArrayType, scope: Scope) -> int:
    """The integer that fills an array of `type`."""
    place = ArrayName("the array", _integers(type), fixed=_held(type))
    value = fixed.stored(shown(node), place, parse_expr(node, scope), node, scope)
    if not isinstance(value, Const):
        raise LanguageError(
            f"full takes a compile-time {'number' if _held(type) else 'integer'}",
            code="BF-L013",
            span=span_of(node, scope.file),
            remedy="fill the array in a loop",
        )
    return int(place.type.elem.wrap(value.value))


def _float_fill(call: ast.Call, maker: Any, elem: FloatType, scope: Scope) -> Real:
    if maker is array.zeros:
        return floats.real(0, elem)
    if (fill := fill_of(parse_expr(call.args[1], scope), elem)) is None:
        raise LanguageError(
            "full takes a compile-time number",
            code="BF-L013",
            span=span_of(call.args[1], scope.file),
            remedy="fill the array in a loop",
        )
    return fill


def _integers(type: ArrayType | FixedArrayType) -> ArrayType:
    return type.raw if isinstance(type, FixedArrayType) else type


def _held(type: ArrayType | FixedArrayType) -> FixedType | None:
    """The fixed-point type that the integers of an array stand for, if any."""
    return type.elem if isinstance(type, FixedArrayType) else None


def _new_array(
    name: str, type: ArrayType | FixedArrayType, fill: int | Real | None, scope: Scope, span: Span
) -> Statements:
    ir_name, integers = scope.unique(name), _integers(type)
    scope.bind(name, ArrayName(ir_name, integers, fixed=_held(type)))
    return (Alloc(ir_name, integers, fill, span=span),)


def _array_type(node: ast.expr, scope: Scope) -> ArrayType | FixedArrayType:
    type = declared_type(node, scope)
    if not isinstance(type, (ArrayType, FixedArrayType)):
        raise LanguageError(
            f"{type} is not an array type",
            code="BF-L013",
            span=span_of(node, scope.file),
            remedy=f"give a size: {type}[16]",
        )
    return type


def _rom(name: str, call: ast.Call, scope: Scope, span: Span) -> Statements:
    source = call.args[0] if call.args else None
    values = scope.outside.get(source.id) if isinstance(source, ast.Name) else None
    if len(call.args) != 2 or call.keywords or not isinstance(values, np.ndarray) or is_state(values):
        raise LanguageError(
            "rom takes a NumPy array captured from outside and its type",
            code="BF-L013",
            span=span,
            remedy=f"define W outside the kernel, then {name} = rom(W, int8[16])",
        )
    assert isinstance(source, ast.Name)
    type = _array_type(call.args[1], scope)
    held = _held(type)
    if held is not None and (fault := held.fault(values)):
        raise LanguageError(
            f"{source.id!r} {fault}",
            code="BF-L014",
            span=span,
            remedy=f"capture quantize({source.id}, {held}) instead",
        )
    scope.bind(name, scope.rom(name, source.id, values, _integers(type), span, held))
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
