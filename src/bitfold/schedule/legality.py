"""What each primitive that changes an order asks: is it legal, and if not, which accesses clash."""

from __future__ import annotations

from collections.abc import Callable

from bitfold.diagnostics import Note, ScheduleError, Span
from bitfold.ir.nodes import Function, Program
from bitfold.schedule.dependence import Conflict, find_conflict

TRUST = ", or unsafe=True where you know that the two never meet: an index or a condition is not affine"
ROUND = ", or unsafe=True if the sum of floats may be rounded otherwise, as it is in another order"


def check_order(
    program: Program, before: Function, after: Function, unsafe: bool, what: str, remedy: str
) -> None:
    """Raise ScheduleError unless `after` keeps every dependence of `before`.

    `what` says what cannot be done. With `unsafe`, only dependences that isl proves to exist are refused:
    what it cannot see through (accesses that are not affine, called kernels) is taken to be right, and so is
    the rounding of floats that are added up in another order.
    """
    check(
        lambda proved: find_conflict(program, before, after, proved),
        unsafe,
        lambda c: f"{what}: both iterations below touch {c.array!r}, and their order would turn around",
        remedy,
    )


def check(
    conflict: Callable[[bool], Conflict | None],
    unsafe: bool,
    message: Callable[[Conflict], str],
    remedy: str,
) -> None:
    """Raise ScheduleError that shows both accesses of `conflict(unsafe)`, if there is one."""
    found = conflict(unsafe)
    if found is None:
        return
    sure = unsafe or conflict(True) is not None
    raise ScheduleError(
        message(found),
        code="BF-S013",
        span=found.first,
        notes=both(found),
        remedy=remedy if sure else remedy + trusting(found),
    )


def both(conflict: Conflict) -> list[Note]:
    """The two accesses of `conflict`, and in which iterations they are made."""

    def note(word: str, at: str, span: Span) -> Note:
        return Note(f"{word}, at ({at})" if at else word, span)

    return [
        note("first", conflict.first_at, conflict.first),
        note("then", conflict.second_at, conflict.second),
    ]


def trusting(conflict: Conflict) -> str:
    """What `unsafe=True` would be taken to mean, as the end of a remedy."""
    return ROUND if conflict.rounding else TRUST
