"""tile: two nested loops into blocks of both."""

from __future__ import annotations

from bitfold.ir.nodes import Function, Program
from bitfold.schedule.reorder import reorder
from bitfold.schedule.split import split


def tile(
    program: Program,
    function: Function,
    axes: tuple[str, str],
    factors: tuple[int, int],
    unsafe: bool = False,
) -> tuple[Function, tuple[str, str, str, str]]:
    """Run two nested loops block by block of `i_factor` x `j_factor` iterations; returns the four loops.

        for i in range(8):               for i_o in range(2):
            for j in range(12):              for j_o in range(4):
                body(i, j)         ->            for i_i in range(4):
                                                     for j_i in range(3):
                                                         body(i_o * 4 + i_i, j_o * 3 + j_i)

    The same as `split`, `split` and `reorder`, and legal when they are.

    Raises:
        ScheduleError: what `split` and `reorder` raise, of loops that have the names above.
    """
    function, i_o, i_i = split(function, axes[0], factors[0])
    function, j_o, j_i = split(function, axes[1], factors[1])
    order = i_o, j_o, i_i, j_i
    return reorder(program, function, order, unsafe), order
