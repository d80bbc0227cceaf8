"""Pass own-states: what lives from call to call becomes a static array of the one kernel that uses it.

    taps = stateful(int16[8])       def top(x, y):            def top(x, y):
                                        fir(x, y, taps)   ->      fir(x, y)
    def top(x, y):                                            def fir(x, y):
        fir(x, y, taps)                                           taps: static int16[8]

HLS C++ has no other place for it: a port of the top would be the caller's to keep. A state that several
calls share is the caller's own. An array that a dataflow kernel declares, and only one of its processes uses,
goes into that process: a DATAFLOW region has arrays only from one process to the next, and the first of these
fills what the kernel would fill.
"""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import BuildError, Note
from bitfold.ir.nodes import (
    Alloc,
    CallKernel,
    Function,
    Program,
    Rom,
    Stmt,
    Store,
    own_exprs,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import Body, bound_names, filled, map_body


def own_states(program: Program) -> Program:
    """The same program with no states among the parameters of its top.

    Raises BuildError when several of the kernels that a kernel runs at the same time share a state.
    """
    for param in program.states:
        calls = _calls(program.top, param.name)
        made = Alloc(param.name, param.type, state=param.state, span=param.span)
        top = replace(program.top, params=tuple(p for p in program.top.params if p is not param))
        program = _place(program.with_function(top), top, made, calls)
    for name in [f.name for f in program.functions if f.concurrent]:
        program = _own_scratch(program, name)
    return program


def _own_scratch(program: Program, name: str) -> Program:
    """Move what one process of a dataflow kernel alone uses into it, and fills to the first that uses it."""
    for made in program.function(name).body:
        if not isinstance(made, Alloc) or made.type.streamed or made.state is not None:
            continue
        function = program.function(name)
        calls = _calls(function, made.name)
        if not calls or _call_count(program, calls[0].callee) != 1:
            continue
        if len(calls) == 1:
            left = replace(function, body=tuple(s for s in function.body if s is not made))
            program, inner, moved = _passed_on(program, left, made, calls[0])
            program = program.with_function(replace(inner, body=(moved, *inner.body)))
        elif made.fill is not None and not program.function(calls[0].callee).concurrent:
            empty = replace(made, fill=None)
            body = tuple(empty if s is made else s for s in function.body)
            program = program.with_function(replace(function, body=body))
            program = program.with_function(_filling(program.function(calls[0].callee), made, calls[0]))
    return program


def _filling(callee: Function, made: Alloc, call: CallKernel) -> Function:
    """The called kernel, which first fills what is passed to it."""
    param = callee.params[call.args.index(made.name)]
    loops = filled(replace(made, name=param.name, type=param.type), bound_names(callee))
    roms = sum(isinstance(s, Rom) for s in callee.body)
    return replace(callee, body=(*callee.body[:roms], loops, *callee.body[roms:]))


def _place(program: Program, function: Function, made: Alloc, calls: list[CallKernel]) -> Program:
    """Declare the state in `function`, or in the kernel that alone gets it from there."""
    if function.concurrent and len(calls) > 1:
        raise BuildError(
            f"the state {made.name!r} is used by {calls[0].callee!r} and {calls[1].callee!r}, which run "
            "at the same time",
            code="BF-B017",
            span=calls[1].span,
            notes=[Note("it is first used here", calls[0].span)],
            remedy="let one kernel use it, and hand on what others need",
        )
    if len(calls) != 1 or _used(function, made.name) or _call_count(program, calls[0].callee) != 1:
        return program.with_function(replace(function, body=(made, *function.body)))
    program, inner, made = _passed_on(program, function, made, calls[0])
    return _place(program, inner, made, _calls(inner, made.name))


def _passed_on(
    program: Program, function: Function, made: Alloc, call: CallKernel
) -> tuple[Program, Function, Alloc]:
    """The program with `made` no argument of a call, the called kernel, and what declares the array there."""
    callee = program.function(call.callee)
    position = call.args.index(made.name)
    param = callee.params[position]

    def without(s: Stmt) -> Body | None:
        if isinstance(s, CallKernel) and s.callee == callee.name:
            return (replace(s, args=(*s.args[:position], *s.args[position + 1 :])),)
        return None

    program = program.with_function(replace(function, body=map_body(function.body, without)))
    inner = replace(callee, params=(*callee.params[:position], *callee.params[position + 1 :]))
    made = replace(made, name=param.name, type=param.type)
    return program.with_function(inner), inner, made


def _calls(function: Function, array: str) -> list[CallKernel]:
    return [s for s in walk(function.body) if isinstance(s, CallKernel) and array in s.args]


def _call_count(program: Program, callee: str) -> int:
    calls = (s for f in program.functions for s in walk(f.body) if isinstance(s, CallKernel))
    return sum(s.callee == callee for s in calls)


def _used(function: Function, array: str) -> bool:
    """Whether the kernel reads or writes the array itself."""
    for stmt in walk(function.body):
        if isinstance(stmt, Store) and stmt.array == array:
            return True
        loads = (e for root in own_exprs(stmt) for e in walk_expr(root))
        if any(getattr(e, "array", None) == array for e in loads):
            return True
    return False


def sources(program: Program) -> set[str]:
    """The constants that the program's ROMs and static arrays start from."""
    found: set[str] = set()
    for stmt in (s for f in program.functions for s in walk(f.body)):
        match stmt:
            case Rom():
                found.add(stmt.source)
            case Alloc(state=str() as state) if state:
                found.add(state)
    return found
