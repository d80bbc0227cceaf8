"""Structs in terms of their fields: where one is, and whole structs as the expressions of each field.

An array `x` of structs is, for the rest of the front end, an array for each field, bound to a name that no
author can write: `x.re`. A struct in a variable is a scalar for each field likewise.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from bitfold.diagnostics import LanguageError, choices
from bitfold.frontend.compile_time import known_condition
from bitfold.frontend.scope import ArrayName, Known, ScalarName, Scope, StructName
from bitfold.frontend.source import shown, span_of
from bitfold.frontend.static import static_or_none
from bitfold.frontend.streams import struct_of, taken_whole
from bitfold.lang.structs import Record, StructArray, StructType
from bitfold.lang.types import IntType


def field_name(name: str, field: str) -> str:
    """What the field of `name` is bound to in a scope."""
    return f"{name}.{field}"


@dataclass(frozen=True, slots=True)
class Place:
    """A struct or a part of an array of structs of `rank` dimensions, `node`, whose root is `root`."""

    root: StructName
    node: ast.expr
    rank: int

    @property
    def struct(self) -> StructType:
        return self.root.struct

    @property
    def missing(self) -> str:
        """Indices that take one struct of the array."""
        return ", ".join("ijklmnop"[: self.rank])

    def part(self, field: str, at: ast.AST) -> ast.expr:
        """The same place in the array, or the scalar, of one field."""
        return _of_field(self.node, field_name(self.root.name, field), at)


def _of_field(node: ast.expr, name: str, at: ast.AST) -> ast.expr:
    if isinstance(node, ast.Subscript):
        return at_place(ast.Subscript(_of_field(node.value, name, at), node.slice, ast.Load()), at)
    return at_place(ast.Name(name, ast.Load()), at)


def indices_of(node: ast.expr) -> list[ast.expr]:
    """All indices and slices of `x[i][j, 2:4]`, from left to right."""
    if not isinstance(node, ast.Subscript):
        return []
    last = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return [*indices_of(node.value), *last]


def find(node: ast.expr, scope: Scope) -> Place | None:
    """The struct, or the array of structs, that `p`, `x[i]` or `x[1:3]` is; None when it is neither."""
    base = node
    while isinstance(base, ast.Subscript):
        base = base.value
    if not isinstance(base, ast.Name):
        return None
    meaning = scope.names.get(base.id)
    if meaning is None and base.id not in scope.own:
        captured = scope.outside.get(base.id)
        if isinstance(captured, StructArray):
            meaning = _captured(base.id, captured, scope)
    if not isinstance(meaning, StructName):
        return None
    taken = sum(not isinstance(i, ast.Slice) and not _is_ellipsis(i) for i in indices_of(node))
    return Place(meaning, node, max(0, meaning.rank - taken))


def returned(node: ast.expr, scope: Scope) -> Place | None:
    """The struct that a call of a kernel returns, called before the statement; None for anything else."""
    if not isinstance(node, ast.Call) or scope.returned is None:
        return None
    if id(node) not in scope.held:
        if (made := scope.returned(node)) is None:
            return None
        scope.held[id(node)] = made
    held = scope.held[id(node)]
    return Place(held, at_place(ast.Name(held.name, ast.Load()), node), 0)


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _captured(name: str, values: StructArray, scope: Scope) -> StructName:
    """A constant array of structs from outside: each field becomes a ROM where it is used."""
    for field in values.elem.names:
        scope.outside[field_name(name, field)] = values.part(field)
    meaning = StructName(name, values.elem, values.ndim)
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
        and (struct := carried(call, scope)) is not None
    ):
        raise taken_whole(call, call.func.value, struct, scope)
    found = find(node.value, scope) or returned(node.value, scope)
    if found is None:
        return None
    span, struct = span_of(node, scope.file), found.struct
    if found.rank:
        if node.attr in ("shape", "ndim"):
            return None
        raise LanguageError(
            f"{shown(node.value)!r} is an array of structs, and a field is of one of them",
            code="BF-L058",
            span=span,
            remedy=f"index it first: {shown(node.value)}[{found.missing}].{node.attr}",
        )
    if node.attr not in struct.names:
        raise LanguageError(
            f"{struct} has no field {node.attr!r}",
            code="BF-L059",
            span=span,
            remedy=choices(node.attr, struct.names),
        )
    return found.part(node.attr, node)


def at_place(made: ast.expr, place: ast.AST) -> ast.expr:
    return ast.copy_location(made, place)


def refuse_whole(node: ast.expr, scope: Scope) -> None:
    """Raise LanguageError when `node` is a whole struct, where a number is needed."""
    if isinstance(node, (ast.Name, ast.Subscript)) and (found := find(node, scope)) is not None:
        array_of = "an array of structs" if found.rank else "a struct"
        one = f"{shown(node)}[{found.missing}]" if found.rank else shown(node)
        raise LanguageError(
            f"{shown(node)!r} is {array_of} ({found.struct}); an expression needs a number",
            code="BF-L058",
            span=span_of(node, scope.file),
            remedy=f"take a field: {one}.{found.struct.names[0]}",
        )


def memory_of(name: str, scope: Scope) -> frozenset[str]:
    """What holds the values of a name, by its names in the IR: parts of one array have that in common."""
    match scope.names.get(name):
        case ArrayName(ir_name=held) | ScalarName(ir_name=held):
            return frozenset({held})
        case StructName(struct=struct):
            return frozenset().union(*(memory_of(field_name(name, field), scope) for field in struct.names))
    return frozenset({name})


# ---- values


@dataclass(frozen=True, slots=True)
class StructValue:
    """A whole struct as the expression of each field; `reads` are those of them that say where it is.

    Where `rank` is not 0 it is an array of structs, `place`.
    """

    struct: StructType
    parts: tuple[ast.expr, ...]
    made: bool
    reads: tuple[ast.expr, ...]
    place: Place | None = None

    @property
    def rank(self) -> int:
        return self.place.rank if self.place else 0


def value_of(node: ast.expr, scope: Scope) -> StructValue | None:
    """A whole struct: a new one, an element of an array, a variable, or a result; or an array of them."""
    if isinstance(node, ast.Call):
        struct = static_or_none(node.func, scope)
        if isinstance(struct, StructType):
            return _made(node, struct, scope)
    if isinstance(node, ast.IfExp):
        return _chosen(node, scope)
    if isinstance(node, ast.Name) and isinstance(known := static_or_none(node, scope), Record):
        return StructValue(known._struct, tuple(_constants(known, node, scope)), False, ())
    found = find(node, scope) or returned(node, scope)
    if found is None:
        return None
    parts = tuple(found.part(field, node) for field in found.struct.names)
    return StructValue(found.struct, parts, False, tuple(indices_of(node)), found)


def is_whole(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression is a whole struct."""
    value = value_of(node, scope)
    return value is not None and value.rank == 0


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
        yield at_place(ast.Call(type_name(elem, node, scope), [ast.Constant(plain)], []), node)


def _chosen(node: ast.IfExp, scope: Scope) -> StructValue | None:
    """`p if c else q` of structs. Its condition is evaluated for each field, so it calls nothing."""
    if (known := known_condition(node.test, scope)) is not None:
        return value_of(node.body if known else node.orelse, scope)
    with scope.lifting(None):
        then, other = value_of(node.body, scope), value_of(node.orelse, scope)
    if then is None or other is None:
        return None
    if then.rank or other.rank:
        raise LanguageError(
            f"{shown(node)!r} cannot choose between arrays of structs",
            code="BF-L058",
            span=span_of(node, scope.file),
            remedy="use `if` and `else`",
        )
    if then.struct != other.struct or any(isinstance(n, ast.Call) for n in ast.walk(node.test)):
        why = f"one is a {other.struct}" if then.struct != other.struct else "its condition calls something"
        raise LanguageError(
            f"{shown(node)!r} cannot choose between structs: {why}",
            code="BF-L058",
            span=span_of(node, scope.file),
            remedy="use `if` and `else`, or compute the condition on a line of its own before",
        )
    pairs = zip(then.parts, other.parts, strict=True)
    parts = tuple(at_place(ast.IfExp(node.test, a, b), node) for a, b in pairs)
    return StructValue(then.struct, parts, True, (node.test, *then.parts, *other.parts))


def _made(node: ast.Call, struct: StructType, scope: Scope) -> StructValue:
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
        cast = type_name(elem, given[name], scope)  # as the struct itself wraps its fields
        parts.append(at_place(ast.Call(cast, [given[name]], []), given[name]))
    return StructValue(struct, tuple(parts), True, tuple(given.values()))


def needed(node: ast.expr, struct: StructType, scope: Scope, rank: int = 0) -> StructValue:
    """The value of `node`, a `struct` or, where `rank` allows it, an array of them.

    Raises LanguageError when it is something else.
    """
    value = value_of(node, scope)
    if value is None or value.struct != struct or value.rank > rank:
        what = "no struct" if value is None else f"a {value.struct}"
        remedy = f"make one: T({', '.join(f'{name}=...' for name in struct.names)})"
        if value is not None and value.rank:
            what = f"an array of {value.struct}"
            remedy = f"take one of them: {shown(node)}[{'i, ' * (value.rank - 1)}i]"
        if value is not None and value.rank > rank > 0:
            remedy = f"take a part of {rank} dimension{'s' * (rank > 1)} of it"
        raise LanguageError(
            f"{shown(node)!r} is {what}, and a {struct} is needed here",
            code="BF-L058",
            span=span_of(node, scope.file),
            remedy=remedy,
        )
    return value


def type_name(type: object, at: ast.AST, scope: Scope) -> ast.expr:
    """An expression that stands for a type."""
    name = f"{type}#"
    scope.bind(name, Known(type))
    return at_place(ast.Name(name, ast.Load()), at)


def carried(call: ast.Call, scope: Scope) -> StructType | None:
    """The struct type of the stream whose `get` or `put` is called, if any."""
    assert isinstance(call.func, ast.Attribute)
    owner = call.func.value
    base = owner.value if isinstance(owner, ast.Subscript) else owner
    found = scope.names.get(base.id) if isinstance(base, ast.Name) else None
    return struct_of(found) if isinstance(found, ArrayName) else None


def placed(made: ast.expr, at: ast.AST) -> ast.expr:
    """`made` with the place of `at`, where it has none."""
    for part in ast.walk(made):
        if isinstance(part, ast.expr) and not hasattr(part, "lineno"):
            ast.copy_location(part, at)
    return made
