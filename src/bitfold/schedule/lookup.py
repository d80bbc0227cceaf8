"""Find what a schedule names, loops and arrays of a kernel, and say clearly what is wrong with a request."""

from __future__ import annotations

from bitfold.diagnostics import ScheduleError, Span, choices
from bitfold.ir.nodes import (
    Alloc,
    Declare,
    For,
    Function,
    If,
    Load,
    Local,
    Program,
    Rom,
    While,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import loop_path
from bitfold.lang.types import ArrayType


def loops_of(function: Function) -> list[str]:
    """The names of the function's loops, outer before inner."""
    return [s.var for s in walk(function.body) if isinstance(s, For)]


def path_to(function: Function, loop: str) -> list[For | While | If]:
    """The loops and conditions down to `loop`. Raises ScheduleError that lists the loops there are."""
    path = loop_path(function.body, loop)
    if path is None:
        raise ScheduleError(
            f"{function.name!r} has no loop {loop!r}",
            code="BF-S001",
            span=function.span,
            remedy=choices(loop, loops_of(function)),
        )
    return path


def find_loop(function: Function, loop: str) -> For:
    found = path_to(function, loop)[-1]
    assert isinstance(found, For)
    return found


def arrays_of(function: Function) -> dict[str, ArrayType]:
    """The arrays the function can name, with their types."""
    found = {p.name: p.type for p in function.params}
    for stmt in walk(function.body):
        if isinstance(stmt, (Alloc, Rom)):
            found[stmt.name] = stmt.type
    return found


def constants_used(program: Program) -> set[str]:
    """The names of the constants that kernels read, and of those that states start from."""
    read = {s.source for f in program.functions for s in walk(f.body) if isinstance(s, Rom)}
    return read | {p.state for f in program.functions for p in f.params if p.state}


def find_array(function: Function, array: str) -> ArrayType:
    """The type of `array`. Raises ScheduleError that lists the arrays there are."""
    found = arrays_of(function)
    if array not in found:
        scalars = {s.name: s for s in walk(function.body) if isinstance(s, Declare)}
        scalar = scalars.get(array)
        raise ScheduleError(
            f"{function.name!r} has no array {array!r}" + (": that is a scalar" if scalar else ""),
            code="BF-S002",
            span=scalar.span if scalar else function.span,
            remedy="a scalar is in registers as it is; reorder makes an array of one for each iteration"
            if scalar
            else choices(array, list(found)),
        )
    return found[array]


def declared_at(function: Function, array: str) -> Span:
    """Where `array` is declared."""
    places = {p.name: p.span for p in function.params}
    places |= {s.name: s.span for s in walk(function.body) if isinstance(s, (Alloc, Rom))}
    return places.get(array, function.span)


def is_count(value: object, low: int, high: int | None = None) -> bool:
    """Whether `value` is an int (not a bool) in low..high."""
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return low <= value and (high is None or value <= high)


def divisors(n: int) -> str:
    """All divisors of `n`, in order, as a list for an error message."""
    return ", ".join(str(d) for d in range(1, n + 1) if n % d == 0)


def constant_trips(loop: For) -> int:
    """The loop's iteration count; ScheduleError when it is not a constant."""
    if loop.trips is None:
        raise ScheduleError(
            f"loop {loop.var!r} runs a varying number of times",
            code="BF-S008",
            span=loop.span,
            remedy="give the range constant bounds, and guard the body with an `if`",
        )
    return loop.trips


def check_plain(function: Function, loop: For, remedy: str) -> None:
    """Raise ScheduleError with `remedy` when it is laid down already how `loop` runs in hardware."""
    if loop.pipeline or loop.unroll or loop.flatten:
        raise ScheduleError(
            f"loop {loop.var!r} of {function.name!r} is already pipelined or unrolled",
            code="BF-S010",
            span=loop.span,
            remedy=remedy,
        )


def check_range(loop: For) -> None:
    """Raise ScheduleError when the range of `loop` is read from memory, which its body may write."""
    for e in (*walk_expr(loop.low), *walk_expr(loop.high)):
        if isinstance(e, (Load, Local)):
            source = e.array if isinstance(e, Load) else e.name
            raise ScheduleError(
                f"the range of loop {loop.var!r} is read from {source!r}",
                code="BF-S009",
                span=loop.span,
                remedy="give it constant bounds, and guard its body with an `if`",
            )


def plain_loop(function: Function, axis: str, remedy: str) -> For:
    """The loop `axis`; ScheduleError with `remedy` when it, or a loop around it, is laid out already."""
    *around, loop = path_to(function, axis)
    assert isinstance(loop, For)
    check_plain(function, loop, remedy)
    for outer in around:
        if isinstance(outer, For) and (outer.pipeline or outer.flatten):
            check_plain(function, outer, remedy)
    return loop
