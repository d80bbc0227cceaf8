"""What to say of a network that stands still in the simulation: who waits, and which depths would do."""

from __future__ import annotations

from collections.abc import Mapping

from bitfold.diagnostics import DeadlockError, Note
from bitfold.model.events import UNLIMITED, Channel, Net, graph
from bitfold.model.firing import Fired, run
from bitfold.model.simulate import high_water


def standstill(net: Net, depths: Mapping[str, int], fired: Fired) -> DeadlockError:
    """The error for a network whose events could not all fire."""
    notes, full = [], []
    for p, process in enumerate(net.processes):
        if fired.done[p]:
            continue
        for j, c in enumerate(net.channels):
            words = int(fired.given[2 * j] - fired.taken[2 * j])
            depth = c.depth if c.block else depths[c.name]
            at = int(fired.at[p]) - sum(len(q.slots) for q in net.processes[:p])
            if c.consumer == p and not words and at in c.gets:
                verb = "for" if c.block else "to get from"
                state = "not written yet" if c.block else f"empty (depth {depth})"
                notes.append(
                    Note(f"{process.name!r} waits {verb} {c.label!r}, which is {state}", process.call.span)
                )
            elif c.producer == p and words >= depth and at in c.takes_room:
                notes.append(
                    Note(
                        f"{process.name!r} waits to put into {c.label!r}, which is full (depth {depth})",
                        process.call.span,
                    )
                )
                full.append(c)
    enough = _enough(net, depths, full)
    if not enough:
        return DeadlockError(
            f"{net.name!r} stands still, and no depth of its streams would help",
            code="BF-N003",
            notes=notes,
            remedy="each kernel of a cycle waits for an element: let one of them put one before it gets one",
        )
    listed = " and ".join(f"depth {d} of {name!r}" for name, d in enough.items())
    return DeadlockError(
        f"{net.name!r} stands still: a stream is too shallow",
        code="BF-N002",
        notes=notes,
        remedy=f"with {listed} it runs to its end: s.stream(array, depth=...), or auto_depths",
    )


def _enough(net: Net, depths: Mapping[str, int], full: list[Channel]) -> dict[str, int]:
    """Depths of few streams with which an image comes to its end; none where no depths would do."""
    events = graph(net)

    def times(depths: Mapping[str, int]) -> Fired:
        return run(events, net.initial(depths, len(events.counts)), 2)

    most = times(dict.fromkeys(depths, UNLIMITED))
    if most.times is None:
        return {}
    needed: dict[str, int] = {}
    for j, c in enumerate(net.channels):
        if not c.block:
            needed[c.name] = max(needed.get(c.name, 1), high_water(net, j, most.times))
    waited = {c.name for c in full if not c.block}
    raised = {**depths, **{n: max(needed[n], depths[n]) for n in waited}}
    if not times(raised).done.all():
        raised = {n: max(needed[n], depths[n]) for n in depths}
    for name in [n for n in raised if raised[n] > depths[n]]:
        low, high = depths[name], raised[name]
        while low < high:
            middle = (low + high) // 2
            if times({**raised, name: middle}).done.all():
                high = middle
            else:
                low = middle + 1
        raised[name] = high
    return {n: d for n, d in raised.items() if d > depths[n]}
