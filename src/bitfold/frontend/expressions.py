"""Python expressions to IR expressions."""

from __future__ import annotations

import ast
import builtins
import itertools
from dataclasses import replace
from fractions import Fraction
from types import BuiltinFunctionType, FunctionType

import numpy as np

from bitfold.diagnostics import LanguageError, Span
from bitfold.frontend import fixed, structs
from bitfold.frontend.arrays import is_reduction
from bitfold.frontend.bits import bit_function
from bitfold.frontend.floats import CASTS, check_one_type, float_constant, operand, require_integer
from bitfold.frontend.scaled import Scaled, is_fixed
from bitfold.frontend.scope import ArrayName, ScalarName, Scope, is_kernel, kind
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_int, static_or_none
from bitfold.frontend.streams import stream_call, stream_value
from bitfold.frontend.views import view
from bitfold.frontend.words import INTRINSICS, OPERATOR_REMEDIES, REFUSED_EXPRESSIONS, call_remedy
from bitfold.ir import build, floats
from bitfold.ir.nodes import Cmp, Const, Expr, Fn, Op
from bitfold.lang import mathematics
from bitfold.lang.fixed import FixedType
from bitfold.lang.stream import StreamType
from bitfold.lang.types import PYTHON_FLOAT, FloatType, IntType

_BINARY: dict[type[ast.operator], Op] = {
    ast.Add: Op.ADD,
    ast.Sub: Op.SUB,
    ast.Mult: Op.MUL,
    ast.Div: Op.DIV,
    ast.FloorDiv: Op.FLOORDIV,
    ast.Mod: Op.MOD,
    ast.LShift: Op.SHL,
    ast.RShift: Op.SHR,
    ast.BitAnd: Op.AND,
    ast.BitOr: Op.OR,
    ast.BitXor: Op.XOR,
}
_COMPARE: dict[type[ast.cmpop], Cmp] = {
    ast.Eq: Cmp.EQ,
    ast.NotEq: Cmp.NE,
    ast.Lt: Cmp.LT,
    ast.LtE: Cmp.LE,
    ast.Gt: Cmp.GT,
    ast.GtE: Cmp.GE,
}


def parse_expr(node: ast.expr, scope: Scope) -> Expr:
    """The IR of a scalar expression. Raises LanguageError that points at what the language lacks."""
    if _is_conditional(node) and scope.lifted is not None:
        with scope.lifting(None):
            return parse_expr(node, scope)
    span = span_of(node, scope.file)
    structs.refuse_whole(node, scope)
    match node:
        case ast.Constant():
            return _literal(node, span)
        case ast.Name():
            return _name(node, scope, span)
        case ast.Attribute() if (field := structs.member(node, scope)) is not None:
            return parse_expr(field, scope)
        case ast.Attribute():
            return _attribute(node, scope, span)
        case ast.Subscript():
            return _subscript(node, scope, span)
        case ast.BinOp():
            return _binary(node, scope, span)
        case ast.UnaryOp(op=ast.Not()):
            return build.apply(Fn.NOT, (parse_condition(node.operand, scope),), span)
        case ast.UnaryOp():
            return _signed(node, scope, span)
        case ast.BoolOp():
            return _either(node, scope, span)
        case ast.Compare():
            return _compare(node, scope, span)
        case ast.IfExp():
            return _if_else(node, scope, span)
        case ast.Call():
            return _call(node, scope, span)
    construct, remedy = REFUSED_EXPRESSIONS.get(
        type(node), ("this expression", "use arithmetic and comparisons")
    )
    raise LanguageError(
        f"{construct} is not part of the kernel language", code="BF-L001", span=span, remedy=remedy
    )


def _is_conditional(node: ast.expr) -> bool:
    """Whether parts of `node` are evaluated only when other parts say so."""
    return isinstance(node, (ast.BoolOp, ast.IfExp)) or (isinstance(node, ast.Compare) and len(node.ops) > 1)


def parse_integer(node: ast.expr, scope: Scope) -> Expr:
    """As `parse_expr`, where an integer is needed."""
    return fixed.require_integer(parse_expr(node, scope), node, scope)


def parse_condition(node: ast.expr, scope: Scope) -> Expr:
    """Whether `node` is true, as 0 or 1."""
    if not isinstance(node, ast.BoolOp):
        return fixed.truth(parse_expr(node, scope))
    if scope.lifted is not None:
        with scope.lifting(None):
            return parse_condition(node, scope)
    is_and, span = isinstance(node.op, ast.And), span_of(node, scope.file)
    result = parse_condition(node.values[0], scope)
    for value in node.values[1:]:
        result = build.logic(is_and, result, parse_condition(value, scope), span)
    return result


def _literal(node: ast.Constant, span: Span) -> Expr:
    if isinstance(node.value, int):
        return build.const(int(node.value), span)
    if (constant := float_constant(node.value, span)) is not None:
        return constant
    if node.value is None or node.value is Ellipsis:
        described = f"`{shown(node)}`"
    else:
        described = f"{shown(node)} is {kind(node.value)}: it"
    raise LanguageError(
        f"{described} is no value in a kernel, which computes with integers and floats",
        code="BF-L015",
        span=span,
        remedy="use an integer or a float",
    )


def _name(node: ast.Name, scope: Scope, span: Span) -> Expr:
    meaning = scope.lookup(node.id, span)
    match meaning:
        case Expr():
            return replace(meaning, span=span)
        case ScalarName():
            return fixed.read(build.local(meaning.ir_name, meaning.type, span), meaning.fixed, span)
        case ArrayName() if meaning.type.streamed:
            raise LanguageError(
                f"{node.id!r} is a stream ({meaning.type}); an expression needs one of its elements",
                code="BF-L016",
                span=span,
                remedy=f"take the next one: {node.id}.get()",
            )
        case ArrayName() | np.ndarray():
            type = fixed.described(meaning) if isinstance(meaning, ArrayName) else f"shape {meaning.shape}"
            raise LanguageError(
                f"{node.id!r} is an array ({type}); an expression needs one of its elements",
                code="BF-L016",
                span=span,
                remedy=f"index it: {node.id}[i]",
            )
        case int() | np.integer() | np.bool_():
            return build.const(int(meaning), span)
    if isinstance(meaning, Fraction) and (exact := fixed.exact_number(meaning, span)) is not None:
        return exact
    if (constant := float_constant(meaning, span)) is not None:
        return constant
    raise LanguageError(
        f"{node.id!r} is {kind(meaning)}, which a kernel cannot compute with",
        code="BF-L015",
        span=span,
        remedy="capture an int, a float or a NumPy array of integers or floats instead",
    )


def _attribute(node: ast.Attribute, scope: Scope, span: Span) -> Expr:
    found = static_or_none(node, scope)
    if isinstance(found, int):
        return build.const(found, span)
    if (constant := float_constant(found, span)) is not None:
        return constant
    what = kind(found) if found is not None else "not known"
    raise LanguageError(
        f"{shown(node)!r} is {what} in a kernel, where a number is needed",
        code="BF-L015",
        span=span,
        remedy="of an array, `x.shape[0]` and `x.ndim` are known; of a module, its integers and floats",
    )


def _binary(node: ast.BinOp, scope: Scope, span: Span) -> Expr:
    if (operator := _BINARY.get(type(node.op))) is not None:
        left, right = (operand(e, parse_expr(e, scope), scope) for e in (node.left, node.right))
        return fixed.binary(operator, left, right, span) or build.binary(operator, left, right, span)
    if isinstance(node.op, ast.Pow) and (value := static_int(node, scope)) is not None:
        return build.const(value, span)
    if isinstance(node.op, ast.MatMult) and (found := _reduction(node, scope)) is not None:
        return found
    described, remedy = OPERATOR_REMEDIES[type(node.op)]
    raise LanguageError(described, code="BF-L015", span=span, remedy=remedy)


def _reduction(node: ast.expr, scope: Scope) -> Expr | None:
    """A sum and the like over an array, which takes loops before the statement."""
    from bitfold.frontend.array_statements import scalar_reduction

    return scalar_reduction(node, scope)


def _signed(node: ast.UnaryOp, scope: Scope, span: Span) -> Expr:
    value = operand(node.operand, parse_expr(node.operand, scope), scope)
    if isinstance(node.op, ast.UAdd):
        return value
    if isinstance(node.op, ast.USub):
        return fixed.apply(Fn.NEG, (value,), span) or build.apply(Fn.NEG, (value,), span)
    return build.apply(Fn.INVERT, (fixed.require_integer(value, node.operand, scope),), span)


def _if_else(node: ast.IfExp, scope: Scope, span: Span) -> Expr:
    test = parse_condition(node.test, scope)
    if any(node is e for e in scope.converted):
        scope.converted += [node.body, node.orelse]
    parts = [node.body, node.orelse]
    values = [parse_expr(e, scope) for e in parts]
    if not is_fixed(*values):
        check_one_type(node, parts, values, scope)
    return fixed.select(test, values[0], values[1], span)


def _either(node: ast.BoolOp, scope: Scope, span: Span) -> Expr:
    """`a and b` as a value is one of its operands, as in Python; between bits that is what Logic gives."""
    is_and = isinstance(node.op, ast.And)
    values = [parse_expr(v, scope) for v in node.values]
    if all(v.low >= 0 and v.high <= 1 for v in values) and not is_fixed(*values):
        result = values[0]
        for value in values[1:]:
            result = build.logic(is_and, result, value, span)
        return result
    if not is_fixed(*values):
        check_one_type(node, node.values, values, scope)
    result = values[-1]
    for value in reversed(values[:-1]):
        then, other = (result, value) if is_and else (value, result)
        result = fixed.select(fixed.truth(value), then, other, span)
    return result


def _compare(node: ast.Compare, scope: Scope, span: Span) -> Expr:
    """A comparison; `a < b < c` is `a < b and b < c`."""
    sides = [parse_expr(e, scope) for e in (node.left, *node.comparators)]
    result: Expr | None = None
    for operator, (left, right) in zip(node.ops, itertools.pairwise(sides), strict=True):
        kind = _COMPARE.get(type(operator))
        if kind is None:
            raise LanguageError(
                f"`{shown(node)}` uses a comparison other than == != < <= > >=",
                code="BF-L001",
                span=span,
                remedy="compare integers with one of those",
            )
        one = fixed.compare(kind, left, right, span)
        result = one if result is None else build.logic(True, result, one, span)
    assert result is not None
    return result


# ---- array elements


def _subscript(node: ast.Subscript, scope: Scope, span: Span) -> Expr:
    base = (
        scope.lookup(node.value.id, span_of(node.value, scope.file))
        if isinstance(node.value, ast.Name)
        else None
    )
    if not isinstance(base, (ArrayName, np.ndarray)) and (value := static_int(node, scope)) is not None:
        return build.const(value, span)
    array, indices = element(node, scope)
    return fixed.read(build.load(array.ir_name, indices, array.type.elem, span), array.fixed, span)


def element(node: ast.Subscript, scope: Scope) -> tuple[ArrayName, tuple[Expr, ...]]:
    """The array and indices of `a[i, j]`, checked against the array's shape."""
    span = span_of(node, scope.file)
    array = _indexed(node, scope, span)
    if array.type.streamed:
        name = shown(node if isinstance(array.type, StreamType) and array.type.shape else node.value)
        raise LanguageError(
            f"{name!r} is a stream and cannot be {'computed with' if '[' in name else 'indexed'}",
            code="BF-L016",
            span=span,
            remedy=f"use {name}.get() or {name}.put(v)",
        )
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    shape = array.type.dims
    for part in parts:
        if isinstance(part, (ast.Slice, ast.Starred)) or (
            isinstance(part, ast.Constant) and part.value is Ellipsis
        ):
            raise LanguageError(
                "an array slice is an array, and this needs one of its elements",
                code="BF-L001",
                span=span if isinstance(part, ast.Starred) else span_of(part, scope.file),
                remedy="loop over the elements",
            )
    if len(parts) != len(shape):
        raise LanguageError(
            f"{shown(node.value)!r} ({array.type}) takes {len(shape)} indices, not {len(parts)}",
            code="BF-L017",
            span=span,
            remedy=f"index it as {shown(node.value)}[{', '.join('ijklmnop'[: len(shape)])}]",
        )
    name = shown(node.value)
    return array, array.place(
        tuple(_index(p, name, size, scope) for p, size in zip(parts, shape, strict=True))
    )


def _part(node: ast.expr, scope: Scope) -> ArrayName | None:
    return view(node, scope, parse_expr) if isinstance(node, ast.Subscript) else None


def _indexed(node: ast.Subscript, scope: Scope, span: Span) -> ArrayName:
    """The array that a subscript indexes."""
    if (part := _part(node.value, scope)) is not None:
        return part
    if not isinstance(node.value, ast.Name):
        raise LanguageError(
            f"{shown(node.value)!r} cannot be indexed: only an array with a name of its own can",
            code="BF-L018",
            span=span_of(node.value, scope.file),
            remedy="give all indices at once, a[i, j]; bind a captured array to a name outside the kernel",
        )
    name = node.value.id
    array = scope.array(name, span_of(node.value, scope.file))
    if isinstance(array, (ScalarName, Expr)):
        raise LanguageError(
            f"{name!r} is a scalar and cannot be indexed",
            code="BF-L018",
            span=span,
            remedy=f"for one of its bits write get_bit({name}, i), and set_bit({name}, i, v) to change one",
        )
    if not isinstance(array, ArrayName):
        raise LanguageError(
            f"{name!r} is {kind(array)}, not an array",
            code="BF-L018",
            span=span,
            remedy="index an array argument, a local array or a captured NumPy array",
        )
    return array


def _index(node: ast.expr, array: str, size: int, scope: Scope) -> Expr:
    index = parse_expr(node, scope)
    require_integer(index, f"an index of {array!r}", scope, node)
    if isinstance(index, Const) and -size <= index.value < 0:
        return build.const(index.value + size, index.span)
    if scope.alive and (index.low >= size or index.high < 0):
        found = index.low if index.low == index.high else f"{index.low}..{index.high}"
        raise LanguageError(
            f"index {found} is outside {array!r}, whose size there is {size}",
            code="BF-L019",
            span=span_of(node, scope.file),
            remedy=f"keep it in 0..{size - 1}",
        )
    return index


# ---- calls


def _call(node: ast.Call, scope: Scope, span: Span) -> Expr:
    if (stream := stream_call(node, scope, parse_expr)) is not None:
        return stream_value(stream, scope)
    if is_reduction(node) and (found := _reduction(node, scope)) is not None:
        return found
    callee = static_or_none(node.func, scope)
    if isinstance(callee, type) and callee in CASTS:
        callee = CASTS[callee]
    if isinstance(callee, (IntType, FloatType)) or callee is int or callee is bool:
        return _cast(callee, node, scope, span)
    if callee is builtins.round:
        return _round(node, scope, span)
    if isinstance(callee, (FunctionType, BuiltinFunctionType)) and callee in INTRINSICS:
        if (value := static_int(node, scope)) is not None:
            return build.const(value, span)
        fn, names = INTRINSICS[callee]
        args = _arguments(node, fn, names, scope, span)
        if callee is mathematics.fabs and args[0].real is None:
            fixed.require_integer(args[0], node.args[0], scope)
            args = (floats.convert(PYTHON_FLOAT, args[0], span),)
        return fixed.apply(fn, args, span) or build.apply(fn, args, span)
    if isinstance(callee, FixedType):
        return _cast(callee, node, scope, span)
    if (bits := bit_function(callee, node, scope, parse_integer)) is not None:
        return bits
    if (value := static_int(node, scope)) is not None:
        return build.const(value, span)
    if is_kernel(callee) and scope.call is not None:
        return scope.call(node)
    raise LanguageError(
        f"{shown(node.func)!r} cannot be called inside an expression of a kernel",
        code="BF-L020",
        span=span,
        remedy=call_remedy(callee),
    )


def _cast(to: object, node: ast.Call, scope: Scope, span: Span) -> Expr:
    """`uint8(x)` wraps, `float32(x)` rounds, `int(x)` cuts off a fraction; `bool(x)` asks whether x is 0."""
    if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
        raise LanguageError(
            f"a cast to {shown(node.func)} takes one value",
            code="BF-L021",
            span=span,
            remedy=f"write {shown(node.func)}(x)",
        )
    if to is bool:
        return parse_condition(node.args[0], scope)
    text = node.args[0]
    if isinstance(to, FloatType) and isinstance(text, ast.Constant) and isinstance(text.value, str):
        return _float_text(text.value, to, node, span)
    scope.converted.append(text)
    value = parse_expr(text, scope)
    if isinstance(to, FixedType):
        return fixed.cast(to, value, span)
    if isinstance(value, Scaled):
        if isinstance(to, FloatType):
            return fixed.to_float(to, value, span)
        value = fixed.integer(value, scope, span)
    return (
        build.cast(to, value, span)
        if isinstance(to, (IntType, FloatType))
        else build.apply(Fn.TRUNC, (value,), span)
    )


def _float_text(text: str, to: FloatType, node: ast.Call, span: Span) -> Expr:
    """`float32("inf")`, for what has no literal."""
    try:
        return floats.real(float(text), to, span)
    except ValueError:
        raise LanguageError(
            f"{text!r} is no float",
            code="BF-L035",
            span=span,
            remedy=f'write {shown(node.func)}("inf") or ("nan"), or a number',
        ) from None


def _round(node: ast.Call, scope: Scope, span: Span) -> Expr:
    """Python's `round(x)`: the nearest integer, of two the even one."""
    if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
        raise LanguageError(
            "round takes one value in a kernel, and gives an integer",
            code="BF-L021",
            span=span,
            remedy="scale the value before and after: rint(x * 100.0) / 100.0",
        )
    value = fixed.require_integer(parse_expr(node.args[0], scope), node.args[0], scope)
    return (
        value if value.real is None else build.apply(Fn.TRUNC, (build.apply(Fn.RINT, (value,), span),), span)
    )


def _arguments(node: ast.Call, fn: Fn, names: tuple[str, ...], scope: Scope, span: Span) -> tuple[Expr, ...]:
    """The arguments of an intrinsic in order; `names` is empty when it takes any number."""
    given: dict[str, ast.expr] = dict(zip(names, node.args, strict=False))
    given.update((str(k.arg), k.value) for k in node.keywords)
    optional = {"lanes"} & set(names)
    fits = set(names) - optional <= set(given) <= set(names)
    fits = fits and len(node.args) + len(node.keywords) == len(given)
    if not names:
        given = {str(i): a for i, a in enumerate(node.args)}
        fits = len(given) >= 2 and not node.keywords
    if not fits or any(isinstance(a, ast.Starred) for a in node.args):
        usage = ", ".join(names) if names else "a, b, ..."
        raise LanguageError(
            f"{fn.value} does not take these arguments",
            code="BF-L021",
            span=span,
            remedy=f"write {fn.value}({usage})",
        )
    nodes = [given[n] for n in names or given if n in given]
    parse = parse_expr if fn in (Fn.MIN, Fn.MAX, Fn.ABS) else parse_integer
    args = [operand(n, parse(n, scope), scope) for n in nodes]
    if fn in (Fn.MIN, Fn.MAX) and not is_fixed(*args):
        check_one_type(node, nodes, args, scope)
    return tuple(args if fn is not Fn.XNOR or len(args) == 3 else [*args, build.const(1, span)])


def parse_value(node: ast.expr, scope: Scope) -> Expr:
    """The right side of an assignment: an expression, or one `stream.get()`. It may be a comparison."""
    stream = stream_call(node, scope, parse_expr)
    if stream is None or stream.method != "get":
        return parse_expr(node, scope)
    return fixed.read(stream.get(), stream.stream.fixed, stream.span)
