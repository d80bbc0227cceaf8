"""The words that streams of structs carry: the bits of all fields side by side, the first field's highest."""

from __future__ import annotations

import ast

from bitfold.frontend.scope import Known, Scope
from bitfold.frontend.streams import WORD
from bitfold.frontend.structs import StructValue, placed, type_name
from bitfold.lang import intrinsics
from bitfold.lang.fixed import FixedType
from bitfold.lang.structs import StructType
from bitfold.lang.types import FloatType, IntType, UInt


def put(call: ast.Call, value: StructValue, scope: Scope) -> ast.Call:
    """The put of a word with the bits of all fields side by side."""
    scope.bind("concat#", Known(intrinsics.concat))
    parts: list[ast.expr] = []
    for (_, elem), part in zip(value.struct.fields, value.parts, strict=True):
        bits = part
        if isinstance(elem, FixedType):
            scope.bind("int#", Known(int))
            scale = ast.BinOp(part, ast.Mult(), ast.Constant(1 << elem.fraction))
            bits = ast.Call(ast.Name("int#", ast.Load()), [scale], [])
        elif isinstance(elem, FloatType):
            bits = _bitcast(part, UInt(elem.width), call, scope)
        parts.append(ast.Tuple([bits, ast.Constant(elem.width)], ast.Load()))
    word = ast.Call(ast.Name("concat#", ast.Load()), parts, [])
    return word_call(call, [placed(word, call)])


def fields_of(word: ast.expr, struct: StructType, at: ast.AST, scope: Scope) -> tuple[ast.expr, ...]:
    """Each field of a struct from the word that holds its bits."""
    scope.bind("get_slice#", Known(intrinsics.get_slice))
    top, parts = struct.word.width, []
    for _, elem in struct.fields:
        ends: list[ast.expr] = [ast.Constant(top - 1), ast.Constant(top - elem.width)]
        part: ast.expr = ast.Call(ast.Name("get_slice#", ast.Load()), [word, *ends], [])
        if isinstance(elem, FloatType):
            part = _bitcast(part, elem, at, scope)
        elif elem.signed or isinstance(elem, FixedType):
            part = ast.Call(type_name(IntType(elem.width, elem.signed), at, scope), [part], [])
        if isinstance(elem, FixedType):
            whole = ast.Call(type_name(FixedType(elem.width, 0, elem.signed), at, scope), [part], [])
            scaled = ast.BinOp(whole, ast.Div(), ast.Constant(1 << elem.fraction))
            part = ast.Call(type_name(elem, at, scope), [scaled], [])
        parts.append(placed(part, at))
        top -= elem.width
    return tuple(parts)


def _bitcast(value: ast.expr, to: IntType | FloatType, at: ast.AST, scope: Scope) -> ast.expr:
    scope.bind("bitcast#", Known(intrinsics.bitcast))
    return ast.Call(ast.Name("bitcast#", ast.Load()), [value, type_name(to, at, scope)], [])


def word_call(call: ast.Call, args: list[ast.expr]) -> ast.Call:
    """A call of a stream's method that is about its word."""
    made = ast.copy_location(ast.Call(call.func, args, []), call)
    setattr(made, WORD, True)
    return made
