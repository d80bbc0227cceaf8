"""parallel: the iterations of a loop side by side, proved to be independent of each other."""

from __future__ import annotations

from dataclasses import replace

from bitfold.ir.nodes import Function, Program
from bitfold.ir.rewrite import replace_loop
from bitfold.schedule.carried import find_carried
from bitfold.schedule.legality import check
from bitfold.schedule.lookup import constant_trips, plain_loop


def parallel(program: Program, function: Function, axis: str, unsafe: bool = False) -> Function:
    """Lay out all iterations of `axis` side by side, none of which needs another.

        for i in range(8):              for i in parallel(range(8)):
            y[i] = x[i] + x[7 - i]  ->      y[i] = x[i] + x[7 - i]

    HLS C++ gets the iterations as copies in hardware, as with `unroll`; with what they touch partitioned,
    they all run in one go. On the CPU they run one after the other in one thread, so the results are the same
    bits; LLVM may use vector instructions. Legal when no iteration writes what another reads or writes, which
    isl decides. That includes reductions, such as `acc += x[i]`: `unroll` them, which keeps their order.

    Raises:
        ScheduleError: two iterations touch one element (both accesses are shown), a varying number of
            iterations, or a loop that is pipelined or unrolled already, or inside a pipelined one.
    """
    loop = plain_loop(function, axis, "make the loop parallel before you pipeline one around it")
    constant_trips(loop)
    check(
        lambda proved: find_carried(program, function, axis, proved),
        unsafe,
        lambda c: (
            f"the iterations of loop {axis!r} of {function.name!r} are not independent: the two below touch "
            f"{c.array!r}"
        ),
        f"give each iteration a place of its own, or unroll({axis!r}), which keeps their order",
    )
    body = replace_loop(function.body, axis, lambda f: (replace(f, unroll=-1, parallel=True),))
    return replace(function, body=body)
