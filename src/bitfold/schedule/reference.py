"""What each primitive does, in one place: for `help(s.split)`, `bitfold explain split` and docs/schedules.md.

The page is written by

    python -c 'from bitfold.schedule.reference import page; print(page(), end="")' >docs/schedules.md
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from bitfold.schedule import directives, layout
from bitfold.schedule.buffer import buffer_at
from bitfold.schedule.compute import compute_at
from bitfold.schedule.dataflow import dataflow
from bitfold.schedule.deepen import deepen
from bitfold.schedule.fission import fission
from bitfold.schedule.fuse import fuse
from bitfold.schedule.inline import inline, rename
from bitfold.schedule.jam import unroll_jam
from bitfold.schedule.pack import pack
from bitfold.schedule.parallel import parallel
from bitfold.schedule.reorder import reorder
from bitfold.schedule.reshape import reshape
from bitfold.schedule.reuse import reuse_at
from bitfold.schedule.split import split
from bitfold.schedule.stream import stream, to
from bitfold.schedule.tile import tile
from bitfold.schedule.transpose import transpose
from bitfold.schedule.unfold import outline, unfold

GROUPS: Mapping[str, tuple[Callable[..., Any], ...]] = {
    "Loops": (split, tile, reorder, fuse, fission, compute_at, rename),
    "Hardware side by side": (directives.unroll, unroll_jam, directives.pipeline, parallel),
    "Arrays and memories": (layout.partition, layout.bind, reshape, transpose, pack, buffer_at, reuse_at),
    "Kernels and streams": (inline, outline, unfold, stream, to, deepen, dataflow),
}
PRIMITIVES = {f.__name__: f for group in GROUPS.values() for f in group}

_INTRODUCTION = """\
# Schedules: every primitive, before and after

`s = customize(kernel)` is a schedule of a kernel, and each method below one step. A step never changes
results: it is proved legal, with the exact dependences that isl computes, or refused with the two accesses
in conflict, and then the schedule is as it was. `print(s)` shows the program after the steps so far, as
Python that runs; `s.trace` lists them.

A loop is named by its variable or by the handle that a step returned, an array by its name; in a kernel
that is called, `"dense:k"`, or `s.at("dense")` for a view of it. A handle whose loop a later step replaced
is refused, with the step that did. Where an index or a condition is not affine, isl may find no proof:
`unsafe=True` then takes the step on trust, and the program says so.

`s.compose(part, ...)` applies a schedule that was made for a called kernel alone, or a function of a
schedule with its parameters: `s.compose(fold, at="dense", pe=16, simd=49)`.

This page is made of the docstrings, whose examples are run: `help(s.split)` and `bitfold explain split` say
the same.
"""


def complete(schedule: type) -> None:
    """Give each primitive's method the docstring of what it applies, after its own."""
    for name, primitive in PRIMITIVES.items():
        method = getattr(schedule, name)
        method.__doc__ = f"{inspect.getdoc(method)}\n\n{inspect.getdoc(primitive)}"


def entry(name: str) -> str:
    """One primitive as Markdown: how it is called, what it makes of what, and what is refused."""
    from bitfold.schedule.schedule import Schedule

    parameters = list(inspect.signature(getattr(Schedule, name)).parameters.values())[1:]
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    call = str(inspect.Signature(plain)).replace("<Partition.COMPLETE: 'complete'>", "Partition.Complete")
    text = inspect.getdoc(PRIMITIVES[name]) or ""
    text = re.sub(r"\n\nRaises:\n    ScheduleError: (.*)", _refused, text, flags=re.DOTALL)
    return f"### s.{name}{call}\n\n{text}\n"


def page() -> str:
    """docs/schedules.md."""
    parts = [_INTRODUCTION]
    for group, primitives in GROUPS.items():
        parts += [f"## {group}\n", *(entry(f.__name__) for f in primitives)]
    return "\n".join(parts)


def _refused(match: re.Match[str]) -> str:
    lines = [line.strip() for line in match[1].splitlines()]
    return "\n\nRefused: " + "\n".join(lines)
