"""Rewriting trees: map over statements, substitute variables, give copies fresh names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from bitfold.diagnostics import Span
from bitfold.ir.build import const, fill_value, loop_var, rebuild
from bitfold.ir.nodes import (
    NOWHERE,
    Alloc,
    Assign,
    CallKernel,
    Declare,
    Expr,
    For,
    Function,
    Get,
    If,
    Load,
    Local,
    LoopVar,
    Put,
    Rom,
    Stmt,
    Store,
    While,
    walk,
)
from bitfold.lang import __all__ as LANGUAGE  # noqa: N812 - a constant by another name

Body = tuple[Stmt, ...]

RESERVED = frozenset(LANGUAGE) - {
    "ArrayType",
    "IntType",
    "Partition",
    "StreamEnd",
    "StreamType",
    "index",
    "typed",
} | {
    "abs",
    "float",
    "int",
    "max",
    "min",
    "range",
}
"""What a printed program may say itself: nothing in it is called so."""


def map_body(body: Iterable[Stmt], change: Callable[[Stmt], Body | None]) -> Body:
    """Each statement replaced by what `change` returns, innermost first; None keeps it."""
    result: list[Stmt] = []
    for stmt in body:
        match stmt:
            case For() | While():
                inner = map_body(stmt.body, change)
                if not _same(inner, stmt.body):
                    stmt = replace(stmt, body=inner)
            case If():
                then, orelse = map_body(stmt.then, change), map_body(stmt.orelse, change)
                if not (_same(then, stmt.then) and _same(orelse, stmt.orelse)):
                    stmt = replace(stmt, then=then, orelse=orelse)
        changed = change(stmt)
        result.extend((stmt,) if changed is None else changed)
    return tuple(result)


def _same(a: Body, b: Body) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def map_exprs(body: Iterable[Stmt], change: Callable[[Expr], Expr | None]) -> Body:
    """`body` with `change` applied to every expression, bottom up; ranges are recomputed."""

    def one(e: Expr) -> Expr:
        return rebuild(e, change)

    def statement(stmt: Stmt) -> Body | None:
        match stmt:
            case For():
                return (replace(stmt, low=one(stmt.low), high=one(stmt.high)),)
            case If() | While():
                return (replace(stmt, cond=one(stmt.cond)),)
            case Declare() | Assign():
                return (replace(stmt, value=one(stmt.value)),)
            case Store() | Put():
                return (replace(stmt, indices=tuple(map(one, stmt.indices)), value=one(stmt.value)),)
        return None

    return map_body(body, statement)


def substitute(body: Iterable[Stmt], values: Mapping[str, Expr]) -> Body:
    """`body` with loop variables replaced by expressions."""

    def change(e: Expr) -> Expr | None:
        return values.get(e.name) if isinstance(e, LoopVar) else None

    return map_exprs(body, change)


def bindings(function: Function) -> set[str]:
    """Every name the function binds."""
    names = {p.name for p in function.params}
    for stmt in walk(function.body):
        match stmt:
            case For():
                names.add(stmt.var)
            case Declare() | Alloc() | Rom():
                names.add(stmt.name)
    return names


def bound_names(function: Function) -> set[str]:
    """Every name that a new one in the function must differ from: what it binds or calls, and RESERVED."""
    names = bindings(function) | RESERVED | {function.name}
    for stmt in walk(function.body):
        match stmt:
            case CallKernel():
                names.add(stmt.callee)
            case Rom():
                names.add(stmt.source)
    return names


def fresh(name: str, taken: set[str]) -> str:
    """`name`, numbered when it is taken; the result is added to `taken`."""
    found, count = name, 0
    while found in taken:
        count += 1
        found = f"{name}_{count}"
    taken.add(found)
    return found


def numbered(name: str, numbers: Iterable[int]) -> str:
    """`name` with these numbers as its end, -2 as m2."""
    return "_".join([name, *(f"m{-n}" if n < 0 else str(n) for n in numbers)])


def freshen(body: Body, taken: set[str]) -> Body:
    """A copy of `body` in which everything it binds has a name not in `taken`."""
    names: dict[str, str] = {}
    for stmt in walk(body):
        match stmt:
            case For():
                names[stmt.var] = fresh(stmt.var, taken)
            case Declare() | Alloc():
                names[stmt.name] = fresh(stmt.name, taken)
    return rename(body, names)


def filled(array: Alloc, taken: set[str]) -> Stmt:
    """Loops with new names that store the fill of `array` in all its elements."""
    assert array.fill is not None
    dims = array.type.dims
    names = [fresh(f"{array.name}_{d}", taken) for d in range(len(dims))]
    indices = tuple(loop_var(n, 0, size - 1) for n, size in zip(names, dims, strict=True))
    made: Stmt = Store(array.name, indices, fill_value(array.fill), span=array.span)
    for name, size in reversed(list(zip(names, dims, strict=True))):
        made = For(name, const(0), const(size), 1, (made,), span=array.span)
    return made


def rename(body: Body, names: Mapping[str, str]) -> Body:
    """`body` with loops, scalars and arrays renamed."""

    def expr(e: Expr) -> Expr | None:
        match e:
            case LoopVar() if e.name in names:
                return replace(e, name=names[e.name])
            case Local() if e.name in names:
                return replace(e, name=names[e.name])
            case Load() if e.array in names:
                return replace(e, array=names[e.array])
            case Get() if e.stream in names:
                return replace(e, stream=names[e.stream])
        return None

    def statement(stmt: Stmt) -> Body | None:
        match stmt:
            case For():
                return (replace(stmt, var=names.get(stmt.var, stmt.var)),)
            case Declare() | Alloc() | Rom() | Assign():
                return (replace(stmt, name=names.get(stmt.name, stmt.name)),)
            case Store():
                return (replace(stmt, array=names.get(stmt.array, stmt.array)),)
            case Put():
                return (replace(stmt, stream=names.get(stmt.stream, stmt.stream)),)
            case CallKernel():
                return (replace(stmt, args=tuple(names.get(a, a) for a in stmt.args)),)
        return None

    return map_body(map_exprs(body, expr), statement)


def loop_path(body: Body, var: str) -> list[For | While | If] | None:
    """The loops and conditions from the top of `body` down to the loop `var`, it included."""
    for stmt in body:
        match stmt:
            case For():
                if stmt.var == var:
                    return [stmt]
                found = loop_path(stmt.body, var)
            case While():
                found = loop_path(stmt.body, var)
            case If():
                found = loop_path(stmt.then, var) or loop_path(stmt.orelse, var)
            case _:
                continue
        if found:
            return [stmt, *found]
    return None


def replace_loop(body: Body, var: str, change: Callable[[For], Body]) -> Body:
    """`body` with the loop `var` replaced by the statements that `change` makes of it."""
    return map_body(body, lambda s: change(s) if isinstance(s, For) and s.var == var else None)


def placed_at(body: Body, span: Span) -> Body:
    """`body`, what has no place in the source given that of `span`."""
    return map_body(body, lambda s: (replace(s, span=span),) if s.span is NOWHERE else None)
