"""Structs in terms of their fields: statements about whole structs become statements about each field.

An array `x` of structs is, for the rest of the front end, an array for each field, bound to a name that no
author can write: `x.re`. A struct in a variable is a scalar for each field likewise.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from bitfold.diagnostics import LanguageError, choices
from bitfold.frontend.scope import ArrayName, Known, Scope, StructName
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_or_none
from bitfold.frontend.streams import WORD, struct_of, taken_whole
from bitfold.lang import array, intrinsics
from bitfold.lang.fixed import FixedType
from bitfold.lang.structs import Record, StructArray, StructArrayType, StructType
from bitfold.lang.types import FloatType, IntType, UInt


def field_name(name: str, field: str) -> str:
    """What the field of `name` is bound to in a scope."""
    return f"{name}.{field}"


def find(node: ast.expr, scope: Scope) -> tuple[StructName, ast.expr | None] | None:
    """The struct that `p` or `x[i]` stands for, with its index; None when it is no struct."""
    index = node.slice if isinstance(node, ast.Subscript) else None
    base = node.value if isinstance(node, ast.Subscript) else node
    if not isinstance(base, ast.Name):
        return None
    meaning = scope.names.get(base.id)
    if meaning is None and base.id not in scope.own:
        captured = scope.outside.get(base.id)
        if isinstance(captured, StructArray):
            meaning = _captured(base.id, captured, scope)
    return (meaning, index) if isinstance(meaning, StructName) else None


def _captured(name: str, values: StructArray, scope: Scope) -> StructName:
    """A constant array of structs from outside: each field becomes a ROM where it is used."""
    for field in values.elem.names:
        scope.outside[field_name(name, field)] = values.part(field)
    meaning = StructName(name, values.elem, values.shape)
    scope.names.maps[-1][name] = meaning
    return meaning


def member(node: ast.Attribute, scope: Scope) -> ast.expr | None:
    """`x[i].re` or `p.re` by the name of the field's array or scalar; None when it is of no struct.

    Raises LanguageError for a field that is not there, or of a whole array.
    """
    call = node.value
    if (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and (carried := _carried(call, scope)) is not None
    ):
        raise taken_whole(call, call.func.value, carried, scope)
    found = find(node.value, scope)
    if found is None:
        return None
    struct, index = found
    span = span_of(node, scope.file)
    if struct.shape is not None and index is None:
        if node.attr in ("shape", "ndim"):
            return None
        raise LanguageError(
            f"{shown(node.value)!r} is an array of structs, and a field is of one of them",
            code="BF-L058",
            span=span,
            remedy=f"index it first: {shown(node.value)}[i].{node.attr}",
        )
    if node.attr not in struct.struct.names:
        raise LanguageError(
            f"{struct.struct} has no field {node.attr!r}",
            code="BF-L059",
            span=span,
            remedy=choices(node.attr, struct.struct.names),
        )
    return _part(struct, node.attr, index, node)


def _part(struct: StructName, field: str, index: ast.expr | None, at: ast.AST) -> ast.expr:
    name: ast.expr = _at(ast.Name(field_name(struct.name, field), ast.Load()), at)
    return name if index is None else _at(ast.Subscript(name, index, ast.Load()), at)


def _at(made: ast.expr, place: ast.AST) -> ast.expr:
    return ast.copy_location(made, place)


def refuse_whole(node: ast.expr, scope: Scope) -> None:
    """Raise LanguageError when `node` is a whole struct, where a number is needed."""
    if isinstance(node, (ast.Name, ast.Subscript)) and (found := find(node, scope)) is not None:
        struct, index = found
        array_of = "an array of structs" if struct.shape is not None and index is None else "a struct"
        one = f"{shown(node)}[i]" if array_of.startswith("an") else shown(node)
        raise LanguageError(
            f"{shown(node)!r} is {array_of} ({struct.struct}); an expression needs a number",
            code="BF-L058",
            span=span_of(node, scope.file),
            remedy=f"take a field: {one}.{struct.struct.names[0]}",
        )


# ---- statements


@dataclass(frozen=True, slots=True)
class _Value:
    """A whole struct as the expression of each field; `reads` are those of them that say where it is."""

    struct: StructType
    parts: tuple[ast.expr, ...]
    made: bool
    reads: tuple[ast.expr, ...]


def rewritten(node: ast.stmt, scope: Scope) -> list[ast.stmt] | None:
    """A statement about structs as statements about their fields; None for any other statement."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="put"), args=[value]) as call):
            if not hasattr(call, WORD) and (struct := _carried(call, scope)) is not None:
                return [ast.copy_location(ast.Expr(_put(call, _needed(value, struct, scope), scope)), node)]
        case (
            ast.Assign(value=ast.Call(func=ast.Attribute(attr="get")) as call)
            | ast.AnnAssign(value=ast.Call(func=ast.Attribute(attr="get")) as call)
        ):
            if not hasattr(call, WORD) and (struct := _carried(call, scope)) is not None:
                return _taken(node, call, struct, scope)
        case ast.Assign(targets=[ast.Attribute() as target], value=value):
            if (place := _changed(target, scope)) is not None:
                return [ast.copy_location(ast.Assign([place], value), node)]
        case ast.AugAssign(target=ast.Attribute() as target):
            if (place := _changed(target, scope)) is not None:
                return [ast.copy_location(ast.AugAssign(place, node.op, node.value), node)]
        case ast.Assign(targets=[ast.Subscript() as target], value=value):
            if (found := find(target, scope)) is not None:
                assert found[1] is not None
                return list(_stored(node, found[0], found[1], _needed(value, found[0].struct, scope), scope))
        case ast.Assign(targets=[ast.Name() as target], value=value):
            return _assigned(node, target, value, None, scope)
        case ast.AnnAssign(target=ast.Name() as target, value=value):
            type = static_or_none(node.annotation, scope)
            if isinstance(type, (StructType, StructArrayType)):
                return _declared(node, target, value, type, scope)
    return None


def _carried(call: ast.Call, scope: Scope) -> StructType | None:
    """The struct type of the stream whose `get` or `put` is called, if any."""
    assert isinstance(call.func, ast.Attribute)
    owner = call.func.value
    base = owner.value if isinstance(owner, ast.Subscript) else owner
    found = scope.names.get(base.id) if isinstance(base, ast.Name) else None
    return struct_of(found) if isinstance(found, ArrayName) else None


def _put(call: ast.Call, value: _Value, scope: Scope) -> ast.Call:
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
    return _word(call, [_placed(word, call)])


def _bitcast(value: ast.expr, to: IntType | FloatType, at: ast.AST, scope: Scope) -> ast.expr:
    scope.bind("bitcast#", Known(intrinsics.bitcast))
    return ast.Call(ast.Name("bitcast#", ast.Load()), [value, _type_name(to, at, scope)], [])


def _word(call: ast.Call, args: list[ast.expr]) -> ast.Call:
    """A call of a stream's method that is about its word."""
    made = ast.copy_location(ast.Call(call.func, args, []), call)
    setattr(made, WORD, True)
    return made


def _placed(made: ast.expr, at: ast.AST) -> ast.expr:
    """`made` with the place of `at`, where it has none."""
    for part in ast.walk(made):
        if isinstance(part, ast.expr) and not hasattr(part, "lineno"):
            ast.copy_location(part, at)
    return made


def _holds_structs(target: ast.expr, scope: Scope) -> bool:
    """Whether a struct may be assigned to `target`: an element, or a variable that is none of numbers."""
    if isinstance(target, ast.Subscript):
        return find(target, scope) is not None
    if not isinstance(target, ast.Name):
        return False
    return (found := scope.names.get(target.id)) is None or isinstance(found, StructName)


def _taken(
    node: ast.Assign | ast.AnnAssign, call: ast.Call, struct: StructType, scope: Scope
) -> list[ast.stmt]:
    """`p = c.get()`: the word, its fields, and the assignment of these."""
    assert isinstance(call.func, ast.Attribute)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if len(targets) > 1 or not _holds_structs(targets[0], scope):
        raise taken_whole(call, call.func.value, struct, scope)
    scope.bind("get_slice#", Known(intrinsics.get_slice))
    first, word = _temporary(_word(call, call.args), "word")
    name = f"{shown(call.func.value).partition('[')[0]}#{next(_numbers)}"
    top, parts = struct.word.width, []
    for _, elem in struct.fields:
        ends: list[ast.expr] = [ast.Constant(top - 1), ast.Constant(top - elem.width)]
        part: ast.expr = ast.Call(ast.Name("get_slice#", ast.Load()), [word, *ends], [])
        if isinstance(elem, FloatType):
            part = _bitcast(part, elem, node, scope)
        elif elem.signed or isinstance(elem, FixedType):
            part = ast.Call(_type_name(IntType(elem.width, elem.signed), node, scope), [part], [])
        if isinstance(elem, FixedType):
            whole = ast.Call(_type_name(FixedType(elem.width, 0, elem.signed), node, scope), [part], [])
            scaled = ast.BinOp(whole, ast.Div(), ast.Constant(1 << elem.fraction))
            part = ast.Call(_type_name(elem, node, scope), [scaled], [])
        parts.append(_placed(part, call))
        top -= elem.width
    scope.bind(name, StructName(name, struct, None))
    fields = list(_fresh(node, name, _Value(struct, tuple(parts), True, ()), scope))
    value = ast.copy_location(ast.Name(name, ast.Load()), call)
    last = copy.copy(node)
    last.value = value
    return [first, *fields, last]


def _changed(target: ast.Attribute, scope: Scope) -> ast.Name | ast.Subscript | None:
    place = member(target, scope)
    if isinstance(place, ast.Name):
        owner = find(target.value, scope)
        fields = owner[0].struct.names if owner else ()
        name = shown(target.value)
        others = ", ".join(f"{f}=..." if f == target.attr else f"{f}={name}.{f}" for f in fields)
        raise LanguageError(
            f"{name!r} is a struct in a variable, whose fields do not change one by one",
            code="BF-L059",
            span=span_of(target, scope.file),
            remedy=f"make a new one: {name} = T({others})",
        )
    assert place is None or isinstance(place, ast.Subscript)
    return place


def _value(node: ast.expr, scope: Scope) -> _Value | None:
    """A whole struct: a new one, an element of an array, or a variable."""
    if isinstance(node, ast.Call):
        struct = static_or_none(node.func, scope)
        return _made(node, struct, scope) if isinstance(struct, StructType) else None
    if isinstance(node, ast.IfExp):
        return _chosen(node, scope)
    if isinstance(node, ast.Name) and isinstance(known := static_or_none(node, scope), Record):
        return _Value(known._struct, tuple(_constants(known, node, scope)), False, ())
    found = find(node, scope)
    if found is None or (found[0].shape is not None and found[1] is None):
        return None
    struct, index = found
    parts = tuple(_part(struct, field, index, node) for field in struct.struct.names)
    return _Value(struct.struct, parts, False, () if index is None else (index,))


def is_whole(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression is a whole struct."""
    return _value(node, scope) is not None


def _constants(values: Record, node: ast.Name, scope: Scope) -> Iterator[ast.expr]:
    """The fields of a struct from outside the kernel, each as a cast of a literal."""
    for (name, elem), value in zip(values._struct.fields, values, strict=True):
        plain = int(value) if isinstance(elem, IntType) else float(value)
        if plain != value and value == value:
            raise LanguageError(
                f"the field {name!r} of {node.id!r} is {value}, which takes more than a float's 53 bits",
                code="BF-L059",
                span=span_of(node, scope.file),
                remedy="make an array of it, and read its element",
            )
        yield _at(ast.Call(_type_name(elem, node, scope), [ast.Constant(plain)], []), node)


def _chosen(node: ast.IfExp, scope: Scope) -> _Value | None:
    """`p if c else q` of structs. Its condition is evaluated for each field, so it calls nothing."""
    then, other = _value(node.body, scope), _value(node.orelse, scope)
    if then is None or other is None:
        return None
    if then.struct != other.struct or any(isinstance(n, ast.Call) for n in ast.walk(node.test)):
        why = f"one is a {other.struct}" if then.struct != other.struct else "its condition calls something"
        raise LanguageError(
            f"{shown(node)!r} cannot choose between structs: {why}",
            code="BF-L058",
            span=span_of(node, scope.file),
            remedy="use `if` and `else`, or compute the condition on a line of its own before",
        )
    pairs = zip(then.parts, other.parts, strict=True)
    parts = tuple(_at(ast.IfExp(node.test, a, b), node) for a, b in pairs)
    return _Value(then.struct, parts, True, (node.test, *then.parts, *other.parts))


def _made(node: ast.Call, struct: StructType, scope: Scope) -> _Value:
    given = {k.arg: k.value for k in node.keywords}
    if node.args or set(given) != set(struct.names) or len(given) != len(node.keywords):
        fields = ", ".join(f"{name}=..." for name in struct.names)
        raise LanguageError(
            f"a {struct} is made of each of its fields, given by name",
            code="BF-L059",
            span=span_of(node, scope.file),
            remedy=f"write {shown(node.func)}({fields})",
        )
    parts = []
    for name, elem in struct.fields:
        cast = _type_name(elem, given[name], scope)  # as the struct itself wraps its fields
        parts.append(_at(ast.Call(cast, [given[name]], []), given[name]))
    return _Value(struct, tuple(parts), True, tuple(given.values()))


def _needed(node: ast.expr, struct: StructType, scope: Scope) -> _Value:
    value = _value(node, scope)
    if value is None or value.struct != struct:
        what = "no struct" if value is None else f"a {value.struct}"
        raise LanguageError(
            f"{shown(node)!r} is {what}, and a {struct} is needed here",
            code="BF-L058",
            span=span_of(node, scope.file),
            remedy=f"make one: T({', '.join(f'{name}=...' for name in struct.names)})",
        )
    return value


def _type_name(type: object, at: ast.AST, scope: Scope) -> ast.expr:
    """An expression that stands for a type."""
    name = f"{type}#"
    scope.bind(name, Known(type))
    return _at(ast.Name(name, ast.Load()), at)


def _mentions(nodes: tuple[ast.expr, ...], name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for node in nodes for n in ast.walk(node))


def _temporary(value: ast.expr, hint: str) -> tuple[ast.stmt, ast.expr]:
    """A scalar that holds `value`, and how it is read. No author, and no other one, has its name."""
    name = f"{hint}#{next(_numbers)}"
    target = ast.copy_location(ast.Name(name, ast.Store()), value)
    return ast.copy_location(ast.Assign([target], value), value), _at(ast.Name(name, ast.Load()), value)


_numbers = itertools.count()


def _stored(
    node: ast.stmt, target: StructName, index: ast.expr, value: _Value, scope: Scope
) -> Iterator[ast.stmt]:
    """`y[i] = value`, each field in turn; what the fields before would change is evaluated first."""
    parts = value.parts
    if _mentions((index, *value.reads), target.name):
        pieces = index.elts if isinstance(index, ast.Tuple) else [index]
        kept, names = [], []
        for piece in pieces:
            if static_or_none(piece, scope) is None:
                kept.append(_temporary(piece, field_name(target.name, "index")))
                piece = kept[-1][1]
            names.append(piece)  # a constant stays one: it may count from the end
        moved = len(kept)
        index = _at(ast.Tuple(names, ast.Load()), index) if isinstance(index, ast.Tuple) else names[0]
        fields = zip(value.struct.names, parts, strict=True)
        kept += [_temporary(part, field_name(target.name, field)) for field, part in fields]
        parts = tuple(name for _, name in kept[moved:])
        yield from (stmt for stmt, _ in kept)
    for field, part in zip(value.struct.names, parts, strict=True):
        yield ast.copy_location(ast.Assign([_part(target, field, index, node)], part), node)


def _assigned(
    node: ast.stmt, target: ast.Name, value: ast.expr, type: StructType | None, scope: Scope
) -> list[ast.stmt] | None:
    """`name = value` where it is a new array of structs, or a struct in a variable."""
    meaning = scope.names.get(target.id)
    span = span_of(node, scope.file)
    if (made := _new_array(value, scope)) is not None:
        scope.check_free(target.id, span)
        return list(_allocated(node, target.id, made, value, scope))
    if isinstance(meaning, StructName) and meaning.shape is None:
        return list(_changed_all(node, meaning, _needed(value, meaning.struct, scope)))
    found = _needed(value, type, scope) if type is not None else _value(value, scope)
    if found is None:
        return None
    scope.check_free(target.id, span)
    scope.bind(target.id, StructName(target.id, found.struct, None))
    return list(_fresh(node, target.id, found, scope))


def _fresh(node: ast.stmt, name: str, value: _Value, scope: Scope) -> Iterator[ast.stmt]:
    """The declarations of a new struct in a variable."""
    for (field, elem), part in zip(value.struct.fields, value.parts, strict=True):
        place = ast.copy_location(ast.Name(field_name(name, field), ast.Store()), node)
        type = _type_name(elem, node, scope)
        yield ast.copy_location(ast.AnnAssign(place, type, part, 1), node)


def _changed_all(node: ast.stmt, target: StructName, value: _Value) -> Iterator[ast.stmt]:
    """`p = value` where p is a struct already."""
    parts = value.parts
    if value.made and _mentions(value.reads, target.name):
        kept = [
            _temporary(p, field_name(target.name, f)) for f, p in zip(value.struct.names, parts, strict=True)
        ]
        yield from (stmt for stmt, _ in kept)
        parts = tuple(name for _, name in kept)
    for field, part in zip(value.struct.names, parts, strict=True):
        place = ast.copy_location(ast.Name(field_name(target.name, field), ast.Store()), node)
        yield ast.copy_location(ast.Assign([place], part), node)


def _new_array(value: ast.expr | None, scope: Scope) -> StructArrayType | None:
    """The type in a call of `empty` or `zeros` that makes an array of structs, else None."""
    if not (isinstance(value, ast.Call) and len(value.args) == 1 and not value.keywords):
        return None
    callee = static_or_none(value.func, scope)
    if callee is not array.empty and callee is not array.zeros:
        return None
    type = static_or_none(value.args[0], scope)
    return type if isinstance(type, StructArrayType) else None


def _allocated(
    node: ast.stmt, name: str, type: StructArrayType, value: ast.expr, scope: Scope
) -> Iterator[ast.stmt]:
    assert isinstance(value, ast.Call)
    scope.bind(name, StructName(name, type.struct, type.parts[0].dims))
    for field, part in zip(type.struct.names, type.parts, strict=True):
        place = ast.copy_location(ast.Name(field_name(name, field), ast.Store()), node)
        made = _at(ast.Call(value.func, [_type_name(part, value, scope)], []), value)
        yield ast.copy_location(ast.Assign([place], made), node)


def _declared(
    node: ast.stmt,
    target: ast.Name,
    value: ast.expr | None,
    type: StructType | StructArrayType,
    scope: Scope,
) -> list[ast.stmt]:
    """`name: type = value`."""
    if isinstance(type, StructArrayType) and (value is None or _new_array(value, scope) != type):
        what = shown(value) if value else "nothing"
        raise LanguageError(
            f"{target.id!r} is declared as {type}, but {what} is no such array",
            code="BF-L012",
            span=span_of(node, scope.file),
            remedy=f"write `{target.id} = empty({type})`",
        )
    if value is None:
        raise LanguageError(
            f"{target.id!r} is declared without a value",
            code="BF-L008",
            span=span_of(node, scope.file),
            remedy="give it all its fields",
        )
    struct = type if isinstance(type, StructType) else None
    found = _assigned(node, target, value, struct, scope)
    assert found is not None
    return found
