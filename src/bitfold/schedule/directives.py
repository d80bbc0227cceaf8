"""unroll and pipeline: how a loop is laid out in hardware. Neither changes what is computed."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir.nodes import CallKernel, For, Function, If, Stmt, walk
from bitfold.ir.rewrite import map_body, replace_loop
from bitfold.schedule.lookup import constant_trips, divisors, is_count, path_to


def unroll(function: Function, axis: str, factor: int = 0) -> Function:
    """Lay out `factor` iterations of `axis` side by side (0: all of them).

        for m in range(16):   ->   for m in unroll(range(16)):

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
            span=loop.span,
            remedy=f"it runs {trips} times: use one of {divisors(max(trips, 1))}, or 0 for all",
        )
    if loop.pipeline or loop.flatten:
        raise ScheduleError(
            f"loop {axis!r} of {function.name!r} is pipelined already",
            span=loop.span,
            remedy="unroll the loops inside it, or split it first",
        )
    whole = factor in (0, trips)
    if not whole and (outer := _pipelined(around)):
        raise ScheduleError(
            f"loop {axis!r} is inside the pipelined loop {outer.var!r} and unrolled whole",
            span=loop.span,
            notes=[Note(f"loop {outer.var!r} is here", outer.span)],
            remedy=f"split {axis!r} and unroll the inner part before you pipeline the outer part",
        )
    body = replace_loop(function.body, axis, lambda f: (replace(f, unroll=-1 if whole else factor),))
    return replace(function, body=body)


def pipeline(function: Function, axis: str, ii: int = 1) -> Function:
    """Start an iteration of `axis` every `ii` cycles; the loops inside it are unrolled whole.

        for k in range(16):             for k in pipeline(range(16), ii=1):
            for m in range(8):    ->        for m in unroll(range(8)):

    Raises:
        ScheduleError: no such loop, an `ii` below 1, a call or a varying loop inside, a pipeline around it.
    """
    *around, loop = path_to(function, axis)
    assert isinstance(loop, For)
    if not is_count(ii, 1):
        raise ScheduleError(
            f"an initiation interval is a number of cycles of at least 1, not {ii!r}",
            span=loop.span,
            remedy=f"pipeline({axis!r}, ii=1)",
        )
    if outer := _pipelined(around):
        raise ScheduleError(
            f"loop {axis!r} of {function.name!r} is inside the pipelined loop {outer.var!r}",
            span=loop.span,
            notes=[Note(f"loop {outer.var!r} is here", outer.span)],
            remedy=f"it is unrolled there; pipeline only {outer.var!r}",
        )
    for stmt in walk(loop.body):
        _check_inside(function, axis, stmt)

    def laid_out(stmt: Stmt) -> tuple[Stmt, ...] | None:
        return (replace(stmt, unroll=-1),) if isinstance(stmt, For) else None

    body = replace_loop(
        function.body, axis, lambda f: (replace(f, pipeline=ii, unroll=0, body=map_body(f.body, laid_out)),)
    )
    return replace(function, body=body)


def _pipelined(around: list[For | If]) -> For | None:
    """The pipelined loop among those around a loop, or None."""
    return next((part for part in around if isinstance(part, For) and part.pipeline), None)


def _check_inside(function: Function, axis: str, stmt: Stmt) -> None:
    if isinstance(stmt, CallKernel):
        raise ScheduleError(
            f"loop {axis!r} of {function.name!r} calls {stmt.callee!r} and cannot be pipelined",
            span=stmt.span,
            remedy=f"pipeline the loops of {stmt.callee!r} instead",
        )
    if isinstance(stmt, For):
        constant_trips(stmt)
        if stmt.pipeline:
            raise ScheduleError(
                f"loop {stmt.var!r} inside {axis!r} is pipelined already",
                span=stmt.span,
                remedy="pipeline one loop of a nest",
            )
