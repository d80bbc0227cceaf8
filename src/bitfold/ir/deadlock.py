"""What went wrong in a process network: who waits where, and which depths would do.

The depths are found as Parks does (Bounded Scheduling of Process Networks, 1995, section 4.2): while the
network stands still, the smallest full channel on a cycle of waits gets room for one more element. What a
network computes does not depend on its depths, so those it then finishes with suffice from the start.
"""

from __future__ import annotations

from collections.abc import Iterator

from bitfold.diagnostics import DeadlockError, Note, StreamError
from bitfold.ir.dataflow import Fifo, Process, Simulation
from bitfold.ir.network import Link


def finish(sim: Simulation) -> None:
    """Run the network to its end.

    Raises:
        DeadlockError: it stands still before its end.
        StreamError: elements are left in a channel.
    """
    if not sim.run():
        notes = [*_waits(sim), *_over(sim)]
        raise _deadlock(sim, notes)
    if (error := _left_over(sim)) is not None:
        raise error


def _left_over(sim: Simulation) -> StreamError | None:
    for fifo in (f for f in sim.fifos if f.elements):
        count, link = len(fifo.elements), fifo.link
        producer, consumer = (sim.processes[p].call for p in (link.producer, link.consumer))
        return StreamError(
            f"{_elements(count)} of {fifo.name!r} {'is' if count == 1 else 'are'} left when all kernels of "
            f"{sim.program.top.name!r} are over",
            code="BF-N001",
            span=link.alloc.span,
            notes=[
                Note(f"{producer.callee!r} puts {_elements(fifo.taken + count)}", producer.span),
                Note(f"{consumer.callee!r} gets {_elements(fifo.taken)}", consumer.span),
            ],
            remedy=f"let {consumer.callee!r} get as many elements as {producer.callee!r} puts",
        )
    return None


def _elements(count: int) -> str:
    return f"{count or 'no'} element{'' if count == 1 else 's'}"


# ---- who waits


def _waits(sim: Simulation) -> Iterator[Note]:
    """A note for each process that is not over: what it waits for, and where."""
    for process in (p for p in sim.processes if not p.done):
        name = process.call.callee
        if process.wait is None:
            before = sim.holds_back(process)
            assert before is not None
            other, why = sim.processes[before].call.callee, process.after[before]
            yield Note(f"{name!r} waits for {other!r} to be over, for the array {why!r}", process.call.span)
            continue
        fifo, site = process.wait.fifo, sim.sites[process.wait.site]
        if process.wait.to_put:
            yield Note(
                f"{name!r} waits to put into {fifo.name!r}, which is full (depth {fifo.limit})", site.span
            )
        else:
            depth = f"depth {fifo.limit}"
            yield Note(f"{name!r} waits to get from {fifo.name!r}, which is empty ({depth})", site.span)


def _over(sim: Simulation) -> Iterator[Note]:
    """A note for each process that is over while another waits for it."""
    for process in (p for p in sim.processes if p.wait is not None):
        assert process.wait is not None
        fifo = process.wait.fifo
        other = sim.processes[_partner(process)]
        if other.done:
            to_put = process.wait.to_put
            count = fifo.taken if to_put else fifo.taken + len(fifo.elements)
            did = f"getting {_elements(count)} from" if to_put else f"putting {_elements(count)} into"
            yield Note(f"{other.call.callee!r} is over after {did} {fifo.name!r}", other.call.span)


def _partner(process: Process) -> int:
    """The process at the other end of the channel that a process waits for."""
    assert process.wait is not None
    link = process.wait.fifo.link
    return link.consumer if process.wait.to_put else link.producer


# ---- which depths would do


def _deadlock(sim: Simulation, notes: list[Note]) -> DeadlockError:
    raised = _raise_limits(sim)
    top = sim.program.top
    if all(p.done for p in sim.processes) and _left_over(sim) is None:
        listed = [f"{link.name} = empty(Stream[{link.type.elem}, {d}]{_shape(link)})" for link, d in raised]
        return DeadlockError(
            f"{top.name!r} stands still: a stream is too shallow",
            code="BF-N002",
            span=raised[0][0].alloc.span,
            notes=notes,
            remedy=f"with {' and '.join(f'depth {d} of {k.name!r}' for k, d in raised)} it runs to its end: "
            f"write {', '.join(listed)}",
        )
    return DeadlockError(
        f"{top.name!r} stands still, and no depth of its streams would help",
        code="BF-N003",
        span=top.span,
        notes=notes,
        remedy=_cause(sim),
    )


def _shape(link: Link) -> str:
    return f"[{', '.join(map(str, link.type.shape))}]" if link.type.shape else ""


def _raise_limits(sim: Simulation) -> list[tuple[Link, int]]:
    """Go on with more room where that helps; the streams that got some, and their new depths."""
    while not all(p.done for p in sim.processes):
        stuck = _full_on_cycles(sim)
        if not stuck:
            break
        smallest = min(stuck, key=lambda f: f.limit)
        smallest.limit += 1
        sim.run()
    deepest = {link.name: max(f.limit for f in sim.fifos if f.link is link) for link in sim.net.links}
    return [(link, deepest[link.name]) for link in sim.net.links if deepest[link.name] > link.type.depth]


def _full_on_cycles(sim: Simulation) -> list[Fifo]:
    """The full channels on cycles of processes of which each waits for the next."""
    found: list[Fifo] = []
    for first in range(len(sim.processes)):
        path: list[int] = []
        at: int | None = first
        while at is not None and at not in path:
            path.append(at)
            at = _waits_for(sim, at)
        if at is None:
            continue
        for p in path[path.index(at) :]:
            wait = sim.processes[p].wait
            if wait is not None and wait.to_put and wait.fifo not in found:
                found.append(wait.fifo)
    return found


def _waits_for(sim: Simulation, p: int) -> int | None:
    """The process that must act before process `p` can go on; None when `p` or that one is over."""
    process = sim.processes[p]
    if process.done:
        return None
    other = sim.holds_back(process) if process.wait is None else _partner(process)
    return other if other is not None and not sim.processes[other].done else None


def _cause(sim: Simulation) -> str:
    """What to change where no depth helps, read off the state in which it does not."""
    if (left := _left_over(sim)) is not None and all(p.done for p in sim.processes):
        return f"{left.message}; {left.remedy}"
    for process in (p for p in sim.processes if p.wait is not None):
        assert process.wait is not None
        name, fifo = process.call.callee, process.wait.fifo
        other = sim.processes[_partner(process)]
        if other.done and process.wait.to_put:
            return (
                f"{other.call.callee!r} is over after getting {_elements(fifo.taken)} from {fifo.name!r}: "
                f"let it get as many as {name!r} puts"
            )
        if other.done:
            count = fifo.taken + len(fifo.elements)
            return (
                f"{other.call.callee!r} is over after putting {_elements(count)} into {fifo.name!r}: "
                f"let it put as many as {name!r} gets"
            )
    return "each kernel of a cycle waits for an element: let one of them put an element before it gets one"
