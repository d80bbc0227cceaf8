"""Find what a schedule names, loops and arrays of a kernel, and say clearly what is wrong with a request."""

from __future__ import annotations

from bitfold.diagnostics import ScheduleError, Span, choices
from bitfold.ir.nodes import Alloc, For, Function, If, Rom, walk
from bitfold.ir.rewrite import loop_path
from bitfold.lang.types import ArrayType


def loops_of(function: Function) -> list[str]:
    """The names of the function's loops, outer before inner."""
    return [s.var for s in walk(function.body) if isinstance(s, For)]


def path_to(function: Function, loop: str) -> list[For | If]:
    """The loops and conditions down to `loop`. Raises ScheduleError that lists the loops there are."""
    path = loop_path(function.body, loop)
    if path is None:
        raise ScheduleError(
            f"{function.name!r} has no loop {loop!r}",
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


def find_array(function: Function, array: str) -> ArrayType:
    """The type of `array`. Raises ScheduleError that lists the arrays there are."""
    found = arrays_of(function)
    if array not in found:
        raise ScheduleError(
            f"{function.name!r} has no array {array!r}",
            span=function.span,
            remedy=choices(array, list(found)),
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
            span=loop.span,
            remedy="give the range constant bounds, and guard the body with an `if`",
        )
    return loop.trips
