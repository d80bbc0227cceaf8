"""dataflow: the kernels that a kernel calls become processes that run at the same time."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import Alloc, CallKernel, Function, Program, Rom
from bitfold.schedule.lookup import arrays_of, declared_at
from bitfold.schedule.shadow import shadow_words


def dataflow(program: Program, function: Function) -> Function:
    """Let the called kernels run at the same time, each on its own data, handed on by streams and buffers.

        def net(x: bit[64], y: bit[64]):      @dataflow
            h = empty(bit[64])                def net(x: bit[64], y: bit[64]):
            first(x, h)                 ->        h = empty(bit[64])
            second(h, y)                          first(x, h)
                                                  second(h, y)

    Results stay the same: a kernel starts when what it reads has been written.

    Raises:
        ScheduleError: the kernel does more than declare arrays and call kernels; several kernels write, or
            several read, one array; one writes what another reads before, or a parameter that another reads.
    """
    made = replace(function, dataflow=True)
    check_processes(program.with_function(made), made)
    if not any(isinstance(s, CallKernel) for s in function.body):
        raise ScheduleError(
            f"{function.name!r} calls no kernels",
            code="BF-S030",
            span=function.span,
            remedy="dataflow is for a kernel that calls others",
        )
    return made


def check_processes(program: Program, function: Function) -> None:
    """Raise ScheduleError unless the kernels that `function` calls may run at the same time.

    One that reads words only to change lanes of them, and sets them all, does not read them as a process.
    """
    program = shadow_words(program)
    for stmt in function.body:
        if not isinstance(stmt, (Alloc, CallKernel, Rom)):
            raise ScheduleError(
                f"{function.name!r} does more than call kernels, so these cannot be processes",
                code="BF-S030",
                span=stmt.span,
                remedy="put this into a kernel of its own, and call it",
            )
    users: dict[tuple[str, bool], CallKernel] = {}
    for call in function.body:
        if not isinstance(call, CallKernel):
            continue
        callee = program.function(call.callee)
        for array, effects in zip(call.args, parameter_effects(program, callee), strict=True):
            for writes, does in zip((False, True), effects, strict=True):
                if does and users.setdefault((array, writes), call) is not call:
                    other = users[array, writes]
                    writer = users.get((array, True))
                    packed = not writes and arrays_of(function)[array].lanes > 1
                    changes = writer.callee if packed and writer in (call, other) else ""
                    raise _shared(function, array, writes, other, call, changes)
    for (array, writes), call in users.items():
        reader = users.get((array, False), call)
        if writes and reader is not call:
            _check_handed_on(function, array, call, reader)


def _check_handed_on(function: Function, array: str, writer: CallKernel, reader: CallKernel) -> None:
    """Refuse what one process cannot hand to the next."""
    order = [s for s in function.body if s is writer or s is reader]
    if array in {p.name for p in function.params}:
        why, remedy = "which is a parameter", "hand it on in a local array"
    elif order[0] is reader:
        why, remedy = "which is read before it is written", "call the kernel that writes it first"
    else:
        return
    raise ScheduleError(
        f"{writer.callee!r} writes and {reader.callee!r} reads {array!r}, {why}, so they cannot be processes",
        code="BF-S030",
        span=reader.span,
        notes=[
            Note(f"{writer.callee!r} is called here", writer.span),
            Note(f"{array!r} is declared here", declared_at(function, array)),
        ],
        remedy=remedy,
    )


def _shared(
    function: Function, array: str, writes: bool, first: CallKernel, second: CallKernel, changes: str
) -> ScheduleError:
    """Several processes write, or read, `array`; the one called `changes` to change lanes of words."""
    verb = "write" if writes else "read"
    remedy = (
        "let one kernel write it" if writes else "copy it in a kernel of its own, an array for each reader"
    )
    if changes:
        remedy = f"let {changes!r} set every lane of the words of {array!r}; it reads them to change some"
    return ScheduleError(
        f"{first.callee!r} and {second.callee!r} both {verb} {array!r}, so they cannot be processes",
        code="BF-S030",
        span=second.span,
        notes=[
            Note(f"{first.callee!r} is called here", first.span),
            Note(f"{array!r} is declared here", declared_at(function, array)),
        ],
        remedy=remedy,
    )
