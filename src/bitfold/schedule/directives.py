"""unroll and pipeline: how a loop is laid out in hardware. Neither changes what is computed."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import Note, ScheduleError, Span
from bitfold.ir import build
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import Alloc, CallKernel, For, Function, If, Program, Rom, Stmt, While, walk
from bitfold.ir.rewrite import map_body, replace_loop
from bitfold.schedule.lookup import constant_trips, divisors, is_count, path_to


def unroll(function: Function, axis: str, factor: int = 0) -> Function:
    """Lay out `factor` iterations of `axis` side by side (0: all of them).

        for m in range(16):        for m in unroll(range(16)):
            body(m)           ->       body(m)

    A loop unrolled by a factor runs that many iterations at a time:

        for m in range(16):        for m in unroll(range(16), factor=4):
            body(m)           ->       body(m)

    HLS C++ says so in a directive; on the CPU the loop has the copies in its body. LLVM decides about loops
    that are unrolled whole.

    Raises:
        ScheduleError: no such loop, a varying iteration count, a factor that does not divide it, or a loop
            that is pipelined or unrolled whole as part of a pipelined one.
    """
    *around, loop = path_to(function, axis)
    assert isinstance(loop, For)
    trips = constant_trips(loop)
    if not is_count(factor, 0) or (factor and (factor > trips or trips % factor)):
        raise ScheduleError(
            f"loop {axis!r} of {function.name!r} cannot be unrolled by {factor!r}",
            code="BF-S012",
            span=loop.span,
            remedy=f"it runs {trips} times: use one of {divisors(max(trips, 1))}, or 0 for all",
        )
    if loop.pipeline or loop.flatten:
        raise ScheduleError(
            f"loop {axis!r} of {function.name!r} is pipelined already",
            code="BF-S010",
            span=loop.span,
            remedy="unroll the loops inside it, or split it first",
        )
    whole = factor in (0, trips)
    if not whole and (outer := _pipelined(around)):
        raise ScheduleError(
            f"loop {axis!r} is inside the pipelined loop {outer.var!r} and unrolled whole",
            code="BF-S010",
            span=loop.span,
            notes=[Note(f"loop {outer.var!r} is here", outer.span)],
            remedy=f"split {axis!r} and unroll the inner part before you pipeline the outer part",
        )
    laid_out = -1 if whole else factor
    body = replace_loop(
        function.body, axis, lambda f: (replace(f, unroll=laid_out, parallel=f.parallel and whole),)
    )
    return replace(function, body=body)


def pipeline(program: Program, function: Function, axis: str, ii: int = 1, rewind: bool = False) -> Function:
    """Start an iteration of `axis` every `ii` cycles; the loops inside it are unrolled whole.

        for k in range(16):             for k in pipeline(range(16), ii=1):
            for m in range(8):    ->        for m in unroll(range(8)):
                body(k, m)                      body(k, m)

    With `rewind`, the pipeline does not drain at the end: the next run of the kernel starts `ii` cycles after
    the last iteration of this one. HLS tools ask that the loop, with the loops around it, is all that the
    kernel does.

    Raises:
        ScheduleError: no such loop, an `ii` below 1, a call or a varying loop inside, a pipeline around it;
            and for `rewind`, other work in the kernel, a varying range, or an array that the kernel reads and
            writes, so that the next run may read what this one still has to write.
    """
    *around, loop = path_to(function, axis)
    assert isinstance(loop, For)
    if not is_count(ii, 1):
        raise ScheduleError(
            f"an initiation interval is a number of cycles of at least 1, not {ii!r}",
            code="BF-S012",
            span=loop.span,
            remedy=f"pipeline({axis!r}, ii=1)",
        )
    if outer := _pipelined(around):
        raise ScheduleError(
            f"loop {axis!r} of {function.name!r} is inside the pipelined loop {outer.var!r}",
            code="BF-S010",
            span=loop.span,
            notes=[Note(f"loop {outer.var!r} is here", outer.span)],
            remedy=f"it is unrolled there; pipeline only {outer.var!r}",
        )
    for stmt in walk(loop.body):
        _check_inside(function, axis, stmt)
    if rewind:
        check_rewind(program, function, axis)

    def laid_out(stmt: Stmt) -> tuple[Stmt, ...] | None:
        return (replace(stmt, unroll=-1),) if isinstance(stmt, For) else None

    def change(f: For) -> tuple[Stmt, ...]:
        body = map_body(f.body, laid_out)
        return (replace(f, pipeline=ii, unroll=0, parallel=False, body=body, rewind=rewind),)

    return replace(function, body=replace_loop(function.body, axis, change))


def check_rewind(program: Program, function: Function, axis: str) -> None:
    """Raise ScheduleError unless the loops down to `axis` can run as one, and are all its kernel does."""
    nest = path_to(function, axis)

    def refuse(why: str, at: Span) -> ScheduleError:
        return ScheduleError(
            f"loop {axis!r} of {function.name!r} cannot rewind: {why}",
            code="BF-S033",
            span=at,
            remedy="leave rewind out, or give the loop a kernel of its own that writes other arrays",
        )

    inside: tuple[Stmt, ...] = function.body
    for depth, part in enumerate(nest):
        if not isinstance(part, For):
            raise refuse("it runs under a condition", part.span)
        for stmt in inside:
            free = isinstance(stmt, Rom) or (isinstance(stmt, Alloc) and stmt.fill is None)
            # What stands between the loops moves into the innermost one on the way to HLS.
            if stmt is not part and not free and (depth == 0 or not _fits(stmt)):
                raise refuse("this is other work of the kernel", stmt.span)
        if part.trips is None or part.low != build.const(0) or part.step != 1 or part.unroll:
            raise refuse(f"loop {part.var!r} does not count from 0 to a constant, one by one", part.span)
        inside = part.body
    for param, (read, written) in zip(function.params, parameter_effects(program, function), strict=True):
        if read and written:
            raise refuse(f"the kernel both reads and writes {param.name!r}", param.span)


def _fits(stmt: Stmt) -> bool:
    """Whether `stmt` can be moved into a pipelined loop."""
    return not any(
        isinstance(s, (CallKernel, While)) or (isinstance(s, For) and (s.trips is None or s.pipeline))
        for s in walk((stmt,))
    )


def _pipelined(around: list[For | While | If]) -> For | None:
    """The pipelined loop among those around a loop, or None."""
    return next((part for part in around if isinstance(part, For) and part.pipeline), None)


def _check_inside(function: Function, axis: str, stmt: Stmt) -> None:
    if isinstance(stmt, CallKernel):
        raise ScheduleError(
            f"loop {axis!r} of {function.name!r} calls {stmt.callee!r} and cannot be pipelined",
            code="BF-S016",
            span=stmt.span,
            remedy=f"pipeline the loops of {stmt.callee!r} instead",
        )
    if isinstance(stmt, While):
        raise ScheduleError(
            f"loop {axis!r} of {function.name!r} holds a `while` and cannot be pipelined",
            code="BF-S016",
            span=stmt.span,
            remedy="a pipeline unrolls what is inside: write a for loop of constant range, which may break",
        )
    if isinstance(stmt, For):
        constant_trips(stmt)
        if stmt.pipeline:
            raise ScheduleError(
                f"loop {stmt.var!r} inside {axis!r} is pipelined already",
                code="BF-S010",
                span=stmt.span,
                remedy="pipeline one loop of a nest",
            )
