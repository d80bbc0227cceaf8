"""Pass unroll-loops: a loop unrolled by a factor has that many copies of its body in each iteration.

    for i in unroll(range(8), factor=2):       for i in range(0, 8, 2):
        body(i)                           ->       body(i)
                                                   body(i + 1)

What does not fill a whole iteration becomes a second loop. A loop that is unrolled whole stays one: LLVM lays
out what is worth it. Nothing runs in another order, so results cannot change. HLS C++ says it in a directive
instead.
"""

from __future__ import annotations

from dataclasses import replace

from bitfold.ir import build
from bitfold.ir.nodes import Const, For, Function, Op, Program, Stmt
from bitfold.ir.rewrite import Body, bound_names, fresh, freshen, map_body, substitute


def unroll_loops(program: Program) -> Program:
    """Copy the bodies of loops unrolled by a factor; leaves the program valid and its results unchanged."""
    for function in program.functions:
        program = program.with_function(_function(function))
    return program


def _function(function: Function) -> Function:
    taken = bound_names(function)

    def change(stmt: Stmt) -> Body | None:
        if not isinstance(stmt, For) or stmt.unroll < 2 or not stmt.trips or not isinstance(stmt.low, Const):
            return None
        whole, rest = divmod(stmt.trips, stmt.unroll)
        first = stmt.low.value + whole * stmt.unroll * stmt.step
        made: list[Stmt] = [_main(stmt, first, taken)] if whole else []
        if rest:
            var = fresh(stmt.var, taken) if whole else stmt.var
            last = build.loop_var(var, first, stmt.high.high - 1)
            body = substitute(stmt.body, {stmt.var: last})
            body = freshen(body, taken) if whole else body
            made.append(replace(stmt, var=var, low=build.const(first), body=body, unroll=0))
        return tuple(made)

    return replace(function, body=map_body(function.body, change))


def _main(loop: For, end: int, taken: set[str]) -> For:
    """The iterations below `end`, `loop.unroll` at a time."""
    stride = loop.unroll * loop.step
    last = end - stride
    var = build.loop_var(loop.var, loop.low.low, last)
    copies: list[Stmt] = list(substitute(loop.body, {loop.var: var}))
    for number in range(1, loop.unroll):
        moved = build.binary(Op.ADD, var, build.const(number * loop.step))
        copies += freshen(substitute(loop.body, {loop.var: moved}), taken)
    return replace(loop, high=build.const(last + 1), step=stride, body=tuple(copies), unroll=0)
