"""Pass flatten-pipelines: a pipelined loop and the loops around it become one loop.

A pipeline that drains at the end of each pass of an outer loop wastes cycles. Here the work around the inner
loop moves into it, under a condition on its first or last iteration, as FINN's matrix-vector unit does:

    for mo in range(4):                        for mo, ko in pipeline(grid(4, 16), ii=1):
        prologue                                   if ko == 0:
        for ko in pipeline(range(16), ii=1):           prologue
            body                          ->       body
        epilogue                                   if ko == 15:
                                                       epilogue

Nothing runs in another order, so results cannot change.
"""

from __future__ import annotations

from dataclasses import replace

from bitfold.ir import build
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    CallKernel,
    Cmp,
    Const,
    Declare,
    Expr,
    For,
    Function,
    If,
    Program,
    Stmt,
    While,
    walk,
)
from bitfold.ir.rewrite import Body, bound_names, filled, map_body
from bitfold.schedule.directives import check_rewind


def flatten_pipelines(program: Program) -> Program:
    """Flatten every pipelined nest of every kernel; leaves the program valid and its results unchanged.

    Raises ScheduleError for a kernel that says `rewind` of a loop that cannot.
    """
    for function in program.functions:
        for loop in walk(function.body):
            if isinstance(loop, For) and loop.rewind:
                check_rewind(program, function, loop.var)
        program = program.with_function(replace(function, body=_Flattener(function).body(function.body)))
    return program


def can_flatten(outer: For, inner: For) -> bool:
    """Whether `outer` and the pipelined `inner` in its body can run as one loop."""
    if not (_counts_from_zero(outer) and _counts_from_zero(inner)) or outer.unroll:
        return False
    around = [s for s in outer.body if s is not inner]
    return all(_fits_in_cycle(s) for s in walk(tuple(around)))


def _counts_from_zero(loop: For) -> bool:
    return isinstance(loop.low, Const) and loop.low.value == 0 and loop.step == 1 and bool(loop.trips)


def _fits_in_cycle(stmt: Stmt) -> bool:
    """Whether `stmt` can be laid out inside a pipelined loop: no calls, no varying or pipelined loops."""
    if isinstance(stmt, For):
        return stmt.trips is not None and not stmt.pipeline and not stmt.flatten
    return not isinstance(stmt, (CallKernel, While))


class _Flattener:
    """Flattens one function; `taken` holds the names in use."""

    def __init__(self, function: Function) -> None:
        self.taken = bound_names(function)

    def body(self, body: Body) -> Body:
        return tuple(s for stmt in body for s in self._statement(stmt))

    def _statement(self, stmt: Stmt) -> Body:
        if isinstance(stmt, If):
            return (replace(stmt, then=self.body(stmt.then), orelse=self.body(stmt.orelse)),)
        if isinstance(stmt, While):
            return (replace(stmt, body=self.body(stmt.body)),)
        if not isinstance(stmt, For) or stmt.pipeline or stmt.flatten:
            return (stmt,)
        stmt = replace(stmt, body=self.body(stmt.body))
        inner = [s for s in stmt.body if isinstance(s, For) and (s.pipeline or s.flatten)]
        if len(inner) != 1 or not can_flatten(stmt, inner[0]):
            return (stmt,)
        return self._merge(stmt, inner[0])

    def _merge(self, outer: For, inner: For) -> Body:
        """The declarations that must now live outside, and the merged nest."""
        at = outer.body.index(inner)
        hoisted: list[Stmt] = []
        before = self._localize(outer.body[:at], hoisted)
        after = self._localize(outer.body[at + 1 :], hoisted)
        nest = [inner]
        while nest[-1].flatten:
            deeper = nest[-1].body[0]
            assert isinstance(deeper, For)
            nest.append(deeper)
        body = (*_guarded(before, nest, first=True), *nest[-1].body, *_guarded(after, nest, first=False))
        merged: For = replace(nest[-1], body=body)
        for loop in reversed(nest[:-1]):
            merged = replace(loop, body=(merged,))
        return (*hoisted, replace(outer, body=(merged,), flatten=True))

    def _localize(self, body: Body, hoisted: list[Stmt]) -> Body:
        """Split declarations: the place goes to `hoisted`, the setting of its value stays."""
        kept: list[Stmt] = []
        for stmt in body:
            match stmt:
                case Declare():
                    hoisted.append(replace(stmt, value=build.stored(build.const(0), stmt.type)))
                    kept.append(Assign(stmt.name, stmt.type, stmt.value, span=stmt.span))
                case Alloc():
                    hoisted.append(replace(stmt, fill=None))
                    if stmt.fill is not None:
                        kept.append(filled(stmt, self.taken))
                case _:
                    kept.append(stmt)
        return tuple(kept)


def _guarded(body: Body, nest: list[For], first: bool) -> Body:
    """`body`, run only in the first or the last iteration of the whole nest."""
    if not body:
        return ()
    condition: Expr = build.const(1)
    for loop in nest:
        trips = loop.trips
        assert trips
        var = build.loop_var(loop.var, 0, trips - 1)
        if trips > 1:
            edge = build.compare(Cmp.EQ, var, build.const(0 if first else trips - 1))
            condition = build.logic(True, condition, edge)
    unrolled = map_body(body, lambda s: (replace(s, unroll=-1),) if isinstance(s, For) else None)
    return unrolled if isinstance(condition, Const) else (If(condition, unrolled, span=body[0].span),)
