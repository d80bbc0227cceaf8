"""deepen: a channel that holds more, or fewer, words."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import ScheduleError
from bitfold.ir.nodes import Alloc, Function, Stmt
from bitfold.ir.rewrite import Body, map_body
from bitfold.schedule.lookup import declared_at, find_array, is_count
from bitfold.schedule.stream import MAX_DEPTH


def deepen(function: Function, array: str, depth: int) -> Function:
    """Let a channel between two kernels hold `depth` words.

        h = empty(UInt(8)[32] @ stream)   ->   h = empty(UInt(8)[32] @ stream(depth=64))

    Results stay the same: a deeper channel only lets its producer run further ahead. One that is too shallow
    for the network to come to its end is reported when it is built.

    Raises:
        ScheduleError: no channel that the kernel declares, or a depth below 1 or beyond 1,048,576.
    """
    type = find_array(function, array)
    if not is_count(depth, 1, MAX_DEPTH):
        raise ScheduleError(
            f"a channel holds 1 to {MAX_DEPTH} elements, not {depth!r}",
            span=declared_at(function, array),
            code="BF-S026",
            remedy="give a number of words in that range",
        )
    if not type.streamed or array in {p.name for p in function.params}:
        raise ScheduleError(
            f"{array!r} of {function.name!r} is no channel between two kernels",
            span=declared_at(function, array),
            code="BF-S026",
            remedy="stream it first; what a parameter holds is its caller's",
        )

    def change(s: Stmt) -> Body | None:
        if isinstance(s, Alloc) and s.name == array:
            return (replace(s, type=replace(s.type, depth=depth)),)
        return None

    return replace(function, body=map_body(function.body, change))
