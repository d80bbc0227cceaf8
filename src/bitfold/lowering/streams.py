"""Pass streams-to-arrays: streamed arrays become arrays that a cursor walks through.

    v = x.get()   ->   v = x[x_at]          y.put(v)   ->   y[y_at] = v
                       x_at += 1                            y_at += 1

For sequential execution on the CPU, where one kernel puts all elements before the next one takes them.
"""

from __future__ import annotations

from dataclasses import replace

from bitfold.ir import build
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    Declare,
    Expr,
    Function,
    Get,
    Op,
    Program,
    Put,
    Stmt,
    Store,
    own_exprs,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import Body, bound_names, fresh, map_body
from bitfold.lang.stream import StreamType
from bitfold.lang.types import ArrayType, UInt
from bitfold.schedule.lookup import arrays_of


def streams_to_arrays(program: Program) -> Program:
    """The same program with arrays in place of streams, in every kernel."""
    return replace(program, functions=tuple(_function(f) for f in program.functions))


def _function(function: Function) -> Function:
    streams = {
        name: type
        for name, type in arrays_of(function).items()
        if type.streamed and not isinstance(type, StreamType)
    }
    if not streams:
        return function
    taken = bound_names(function)
    cursors = {name: fresh(f"{name}_at", taken) for name in sorted(_used(function) & streams.keys())}
    cursor_type = UInt(32)

    def position(name: str) -> tuple[Expr, ...]:
        return _indices(build.local(cursors[name], cursor_type), streams[name])

    def advance(name: str) -> Stmt:
        here = build.local(cursors[name], cursor_type)
        return Assign(cursors[name], cursor_type, build.binary(Op.ADD, here, build.const(1)))

    def statement(s: Stmt) -> Body | None:
        match s:
            case Alloc() if s.name in streams:
                return (replace(s, type=_array(s.type)),)
            case Put() if s.stream in cursors:
                return (Store(s.stream, position(s.stream), s.value, span=s.span), advance(s.stream))
            case (
                Declare(value=Get() as taken_) | Assign(value=Get() as taken_) | Store(value=Get() as taken_)
            ) if taken_.stream in cursors:
                elem = streams[taken_.stream].elem
                value = build.load(taken_.stream, position(taken_.stream), elem, s.span)
                return (replace(s, value=value), advance(taken_.stream))
        return None

    start = tuple(Declare(c, cursor_type, build.const(0), span=function.span) for c in cursors.values())
    params = tuple(replace(p, type=_array(p.type)) if p.name in streams else p for p in function.params)
    return replace(function, params=params, body=(*start, *map_body(function.body, statement)))


def _array(type: ArrayType) -> ArrayType:
    return replace(type, streamed=False, depth=0)


def _used(function: Function) -> set[str]:
    found = {s.stream for s in walk(function.body) if isinstance(s, Put)}
    for stmt in walk(function.body):
        for root in own_exprs(stmt):
            found |= {e.stream for e in walk_expr(root) if isinstance(e, Get)}
    return found


def _indices(cursor: Expr, type: ArrayType) -> tuple[Expr, ...]:
    """Row-major position to indices."""
    rest = cursor
    found: list[Expr] = []
    for size in reversed(type.dims[1:]):
        found.insert(0, build.binary(Op.MOD, rest, build.const(size)))
        rest = build.binary(Op.FLOORDIV, rest, build.const(size))
    return (rest, *found)
