"""Statements about whole structs as statements about each of their fields."""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Iterator

from bitfold.diagnostics import LanguageError
from bitfold.frontend.scope import Known, Scope, StructName
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_or_none
from bitfold.frontend.streams import WORD, taken_whole
from bitfold.frontend.struct_words import fields_of, put, word_call
from bitfold.frontend.structs import (
    Place,
    StructValue,
    at_place,
    carried,
    field_name,
    find,
    indices_of,
    member,
    memory_of,
    needed,
    placed,
    type_name,
    value_of,
)
from bitfold.lang import array
from bitfold.lang.structs import StructArrayType, StructType


def rewritten(node: ast.stmt, scope: Scope) -> list[ast.stmt] | None:
    """A statement about structs as statements about their fields; None for any other statement."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="put"), args=[value]) as call):
            if not hasattr(call, WORD) and (struct := carried(call, scope)) is not None:
                return [ast.copy_location(ast.Expr(put(call, needed(value, struct, scope), scope)), node)]
        case (
            ast.Assign(value=ast.Call(func=ast.Attribute(attr="get")) as call)
            | ast.AnnAssign(value=ast.Call(func=ast.Attribute(attr="get")) as call)
        ):
            if not hasattr(call, WORD) and (struct := carried(call, scope)) is not None:
                return _taken(node, call, struct, scope)
        case ast.Assign(targets=[ast.Attribute() as target], value=value):
            if (place := _changed(target, scope)) is not None:
                return [ast.copy_location(ast.Assign([place], value), node)]
        case ast.AugAssign(target=ast.Attribute() as target):
            if (place := _changed(target, scope)) is not None:
                return [ast.copy_location(ast.AugAssign(place, node.op, node.value), node)]
        case ast.Assign(targets=[ast.Subscript() as target], value=value):
            if (found := find(target, scope)) is not None:
                return list(_stored(node, found, needed(value, found.struct, scope, found.rank), scope))
        case ast.Assign(targets=[ast.Name() as target], value=value):
            return _assigned(node, target, value, None, scope)
        case ast.AnnAssign(target=ast.Name() as target, value=value):
            type = static_or_none(node.annotation, scope)
            if isinstance(type, (StructType, StructArrayType)):
                return _declared(node, target, value, type, scope)
    return None


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
    first, word = _temporary(word_call(call, call.args), "word")
    name = f"{shown(call.func.value).partition('[')[0]}#{next(_numbers)}"
    parts = fields_of(word, struct, call, scope)
    scope.bind(name, StructName(name, struct, 0))
    fields = list(_fresh(node, name, StructValue(struct, parts, True, ()), scope))
    last = copy.copy(node)
    last.value = ast.copy_location(ast.Name(name, ast.Load()), call)
    return [first, *fields, last]


def _changed(target: ast.Attribute, scope: Scope) -> ast.Name | ast.Subscript | None:
    place = member(target, scope)
    if isinstance(place, ast.Name):
        owner = find(target.value, scope)
        fields = owner.struct.names if owner else ()
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


def _mentions(nodes: tuple[ast.expr, ...], written: StructName, scope: Scope) -> bool:
    """Whether any of `nodes` reads what holds `written`, under whichever name."""
    places = memory_of(written.name, scope)
    names = (n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name))
    return any(not places.isdisjoint(memory_of(name, scope)) for name in names)


def _temporary(value: ast.expr, hint: str) -> tuple[ast.stmt, ast.expr]:
    """A scalar that holds `value`, and how it is read. No author, and no other one, has its name."""
    name = f"{hint}#{next(_numbers)}"
    target = ast.copy_location(ast.Name(name, ast.Store()), value)
    return ast.copy_location(ast.Assign([target], value), value), at_place(ast.Name(name, ast.Load()), value)


_numbers = itertools.count()


def _stored(node: ast.stmt, target: Place, value: StructValue, scope: Scope) -> Iterator[ast.stmt]:
    """`y[i] = value`, each field in turn; what the fields before would change is evaluated first."""
    parts, root = value.parts, target.root
    if _mentions((*indices_of(target.node), *value.reads), root, scope):
        kept: list[ast.stmt] = []
        target = _steadied(target, kept, scope)
        names = value.struct.names
        if value.place is not None and value.rank:
            source = _steadied(value.place, kept, scope)
            parts = tuple(source.part(field, value.place.node) for field in names)
        else:
            made = [_temporary(p, field_name(root.name, f)) for f, p in zip(names, parts, strict=True)]
            kept += [stmt for stmt, _ in made]
            parts = tuple(name for _, name in made)
        yield from kept
    for field, part in zip(value.struct.names, parts, strict=True):
        yield ast.copy_location(ast.Assign([target.part(field, node)], part), node)


def _steadied(place: Place, kept: list[ast.stmt], scope: Scope) -> Place:
    """`place` with the values that its indices have now, which statements in `kept` take."""

    def piece(index: ast.expr) -> ast.expr:
        if isinstance(index, ast.Slice) or static_or_none(index, scope) is not None:
            return index  # a constant stays one: it may count from the end
        if isinstance(index, ast.Constant):
            return index
        stmt, name = _temporary(index, field_name(place.root.name, "index"))
        kept.append(stmt)
        return name

    def steady(node: ast.expr) -> ast.expr:
        if not isinstance(node, ast.Subscript):
            return node
        base, index = steady(node.value), node.slice
        pieces = [piece(e) for e in index.elts] if isinstance(index, ast.Tuple) else [piece(index)]
        new = at_place(ast.Tuple(pieces, ast.Load()), index) if isinstance(index, ast.Tuple) else pieces[0]
        return at_place(ast.Subscript(base, new, ast.Load()), node)

    return Place(place.root, steady(place.node), place.rank)


def _assigned(
    node: ast.stmt, target: ast.Name, value: ast.expr, type: StructType | None, scope: Scope
) -> list[ast.stmt] | None:
    """`name = value` where it is a new array of structs, or a struct in a variable."""
    meaning = scope.names.get(target.id)
    span = span_of(node, scope.file)
    if (made := _new_array(value, scope)) is not None:
        scope.check_free(target.id, span)
        return list(_allocated(node, target.id, made, value, scope))
    if isinstance(meaning, StructName) and meaning.rank == 0:
        return list(_changed_all(node, meaning, needed(value, meaning.struct, scope), scope))
    found = needed(value, type, scope) if type is not None else value_of(value, scope)
    if found is None:
        return None
    if found.rank:
        return list(_another_name(node, target, found, scope))
    scope.check_free(target.id, span)
    scope.bind(target.id, StructName(target.id, found.struct, 0))
    return list(_fresh(node, target.id, found, scope))


def _another_name(node: ast.stmt, target: ast.Name, value: StructValue, scope: Scope) -> Iterator[ast.stmt]:
    """`row = x[1]`: a name for an array of structs or a part of one, and for the arrays of its fields."""
    if not isinstance(here := scope.names.maps[0].get(target.id), StructName) or here.rank == 0:
        scope.check_free(target.id, span_of(node, scope.file))
    for field, part in zip(value.struct.names, value.parts, strict=True):
        place = ast.copy_location(ast.Name(field_name(target.id, field), ast.Store()), node)
        yield ast.copy_location(ast.Assign([place], part), node)
    scope.bind(target.id, StructName(target.id, value.struct, value.rank))


def _fresh(node: ast.stmt, name: str, value: StructValue, scope: Scope) -> Iterator[ast.stmt]:
    """The declarations of a new struct in a variable."""
    for (field, elem), part in zip(value.struct.fields, value.parts, strict=True):
        place = ast.copy_location(ast.Name(field_name(name, field), ast.Store()), node)
        type = type_name(elem, node, scope)
        yield ast.copy_location(ast.AnnAssign(place, type, part, 1), node)


def _changed_all(node: ast.stmt, target: StructName, value: StructValue, scope: Scope) -> Iterator[ast.stmt]:
    """`p = value` where p is a struct already."""
    parts = value.parts
    if _mentions(value.reads, target, scope):
        kept = [
            _temporary(p, field_name(target.name, f)) for f, p in zip(value.struct.names, parts, strict=True)
        ]
        yield from (stmt for stmt, _ in kept)
        parts = tuple(name for _, name in kept)
    for field, part in zip(value.struct.names, parts, strict=True):
        place = ast.copy_location(ast.Name(field_name(target.name, field), ast.Store()), node)
        yield ast.copy_location(ast.Assign([place], part), node)


def _new_array(value: ast.expr | None, scope: Scope) -> StructArrayType | None:
    """The type in a call of `empty`, `zeros` or `full` that makes an array of structs, else None."""
    if not (isinstance(value, ast.Call) and value.args and not value.keywords):
        return None
    callee = static_or_none(value.func, scope)
    if not any(callee is maker for maker in ((array.empty, array.zeros), (array.full,))[len(value.args) > 1]):
        return None
    type = static_or_none(value.args[0], scope)
    return type if isinstance(type, StructArrayType) else None


def _allocated(
    node: ast.stmt, name: str, type: StructArrayType, value: ast.expr, scope: Scope
) -> Iterator[ast.stmt]:
    assert isinstance(value, ast.Call)
    scope.bind(name, StructName(name, type.struct, len(type.parts[0].dims)))
    scope.bind("empty#", Known(array.empty))
    maker = value.func if len(value.args) == 1 else at_place(ast.Name("empty#", ast.Load()), value)
    for field, part in zip(type.struct.names, type.parts, strict=True):
        place = ast.copy_location(ast.Name(field_name(name, field), ast.Store()), node)
        made = at_place(ast.Call(maker, [type_name(part, value, scope)], []), value)
        yield ast.copy_location(ast.Assign([place], made), node)
    for fill in value.args[1:]:
        whole = ast.Subscript(ast.Name(name, ast.Load()), ast.Slice(), ast.Store())
        yield ast.copy_location(ast.Assign([placed(whole, node)], fill), node)


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
