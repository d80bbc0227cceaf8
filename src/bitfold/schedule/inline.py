"""inline: a called kernel's body in place of its calls; rename: another name for a loop."""

from __future__ import annotations

import keyword
from dataclasses import replace

from bitfold.diagnostics import ScheduleError
from bitfold.ir.network import stream_uses
from bitfold.ir.nodes import Alloc, CallKernel, Declare, For, Function, Program, Rom, Stmt, walk
from bitfold.ir.rewrite import Body, bound_names, fresh, map_body, replace_loop
from bitfold.ir.rewrite import rename as renamed
from bitfold.schedule.lookup import find_loop


def inline(program: Program, function: Function) -> Program:
    """Put the body of a kernel where it is called; the kernel is no more.

        def twice(a: uint8[8]):              def top(x: uint8[8]):
            for i in range(8):                   for i in range(8):
                a[i] *= 2             ->             x[i] *= 2

        def top(x: uint8[8]):
            twice(x)

    The names that the body binds are numbered where the caller has them. Always legal.

    Raises:
        ScheduleError: the kernel is the top, uses streams, or is a process of a dataflow kernel.
    """
    callers = [f for f in program.functions if any(_calls(s, function) for s in walk(f.body))]
    why = ""
    if function.name == program.top.name:
        why = "it is the top kernel, which nothing calls"
    elif any(p.type.streamed for p in function.params) or any(
        True for s in walk(function.body) for _ in stream_uses(s)
    ):
        why = "it uses streams"
    elif function.concurrent or any(f.concurrent for f in callers):
        why = "it has a part in a dataflow kernel, whose processes are kernels"
    if why:
        raise ScheduleError(
            f"{function.name!r} cannot be inlined: {why}",
            code="BF-S018",
            span=function.span,
            remedy="inline a kernel that another calls, before you stream arrays or ask for dataflow",
        )
    functions = [_inlined(f, function) if f in callers else f for f in program.functions]
    return replace(program, functions=tuple(f for f in functions if f.name != function.name))


def _calls(stmt: Stmt, function: Function) -> bool:
    return isinstance(stmt, CallKernel) and stmt.callee == function.name


def _inlined(caller: Function, callee: Function) -> Function:
    taken = bound_names(caller) | {s.source for s in walk(callee.body) if isinstance(s, Rom)}
    taken |= {s.callee for s in walk(callee.body) if isinstance(s, CallKernel)}
    roms: list[Rom] = []

    def change(stmt: Stmt) -> Body | None:
        if not isinstance(stmt, CallKernel) or not _calls(stmt, callee):
            return None
        names = dict(zip((p.name for p in callee.params), stmt.args, strict=True))
        for inner in walk(callee.body):
            match inner:
                case For():
                    names[inner.var] = fresh(inner.var, taken)
                case Declare() | Alloc() | Rom():
                    names[inner.name] = fresh(inner.name, taken)
        body = renamed(callee.body, names)
        # A constant is named once for the whole kernel, whatever loops stand around the call.
        roms.extend(s for s in body if isinstance(s, Rom))
        return tuple(s for s in body if not isinstance(s, Rom))

    body = map_body(caller.body, change)
    return replace(caller, body=(*roms, *body))


def rename(function: Function, axis: str, name: str) -> Function:
    """Call the loop `axis` by another name.

        for i in range(8):        for row in range(8):
            body(i)          ->       body(row)

    Raises:
        ScheduleError: the name is no name, or means something else in the kernel or the language.
    """
    loop = find_loop(function, axis)
    word = isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)
    if not word or name in bound_names(function) - {axis}:
        raise ScheduleError(
            f"loop {axis!r} of {function.name!r} cannot be called {name!r}: "
            + ("that name is taken" if word else "that is no name"),
            code="BF-S019",
            span=loop.span,
            remedy="choose a Python name that nothing in the kernel has",
        )
    if name == axis:
        return function
    return replace(function, body=replace_loop(function.body, axis, lambda f: renamed((f,), {axis: name})))
