"""The smallest stream depths with which a network is as fast as with streams of any depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bitfold.diagnostics import DeadlockError, ScheduleError, UsageError
from bitfold.ir.nodes import Alloc, Program, Stmt
from bitfold.ir.rewrite import Body, map_body
from bitfold.model.events import UNLIMITED, Net, net_of
from bitfold.model.simulate import Run, high_water


def auto_depths(program: Program, *, pipeline_depth: int | Mapping[str, int] = 0) -> dict[str, int]:
    """Depths of all streams that keep the interval of a scheduled dataflow program at its least.

    Without waiting for room, the interval is the cycles of the slowest process. The network is simulated with
    images that come in at that interval, first with room for anything: what its streams then hold suffices.
    From there each stream, the one with most bits first, gets the least depth that still keeps the interval.
    So each depth is the least given the others: with one less the network is slower or stands still.

    Raises:
        ScheduleError, StreamError: as `simulate`; and for a network in which a kernel gets from a later one.
        DeadlockError: no depth would help.
    """
    net = net_of(program, pipeline_depth)
    if not net.acyclic:
        raise ScheduleError(
            f"the depths of {net.name!r} cannot be found: a kernel of it gets from one that is called later",
            code="BF-S032",
            span=program.top.span,
            remedy="give its streams depths by hand, and try them with simulate(program, depths=...)",
        )
    pace = max(p.trace.cycles for p in net.processes)
    free = Run.of(net, dict.fromkeys(net.streams, UNLIMITED), pace=pace)
    depths = dict.fromkeys(net.streams, 1)
    width = dict.fromkeys(net.streams, 1)
    for j, c in enumerate(net.channels):
        if not c.block:
            depths[c.name] = max(depths[c.name], high_water(net, j, free.times))
            width[c.name] = c.width
    for name in sorted(depths, key=lambda n: depths[n] * width[n], reverse=True):
        depths[name] = _least(net, depths, name, pace)
    return depths


def deepened(program: Program) -> dict[str, int]:
    """Depths of those streams that must be deeper for the interval that the cycle model gives; often none.

    The quick alternative to `auto_depths`, which finds the least: streams that hold more words than their
    depth when there is room for anything are doubled until the interval is kept.

    Raises:
        As `auto_depths`; a network whose kernels wait for each other in a circle is not for this function.
    """
    net = net_of(program)
    pace = max(p.trace.cycles for p in net.processes)
    if not net.acyclic or _keeps(net, net.streams, pace):
        return {}
    free = Run.of(net, dict.fromkeys(net.streams, UNLIMITED), pace=pace)
    held: dict[str, int] = {}
    for j, c in enumerate(net.channels):
        if not c.block:
            held[c.name] = max(held.get(c.name, 0), high_water(net, j, free.times))
    short = {name: depth for name, depth in net.streams.items() if held.get(name, 0) > depth}
    depths = dict(short)
    while short:
        depths = {name: min(2 * depths[name], held[name]) for name in depths}
        if all(depths[name] == held[name] for name in depths) or _keeps(net, {**net.streams, **depths}, pace):
            break
    return depths


def _least(net: Net, depths: Mapping[str, int], name: str, pace: int) -> int:
    low, high = 1, depths[name]
    tried = min(2, high)  # what most streams need, and what a tool gives them
    while low < high:
        if _keeps(net, {**depths, name: tried}, pace):
            high = tried
        else:
            low = tried + 1
        tried = (low + high) // 2
    return high


def _keeps(net: Net, depths: Mapping[str, int], pace: int) -> bool:
    """Whether a network keeps up with an image every `pace` cycles, shown by its repeating itself."""
    try:
        return Run.of(net, depths, pace=pace).interval == pace
    except DeadlockError:
        return False


def set_depths(program: Program, depths: Mapping[str, int]) -> Program:
    """`program` with these depths of streams that its top declares, by their names.

    Raises:
        UsageError: a depth below 1, or of a stream that there is not.
    """
    streams = {s.name for s in program.top.body if isinstance(s, Alloc) and s.type.streamed}
    for name, depth in depths.items():
        if name not in streams or depth < 1:
            raise UsageError(
                f"{program.top.name!r} cannot have a stream {name!r} of depth {depth}",
                code="BF-S026",
                remedy=f"its streams: {', '.join(sorted(streams)) or 'none'}; depth 1 or more",
            )

    def change(s: Stmt) -> Body | None:
        if isinstance(s, Alloc) and s.name in depths:
            return (replace(s, type=replace(s.type, depth=depths[s.name])),)
        return None

    return program.with_function(replace(program.top, body=map_body(program.top.body, change)))
