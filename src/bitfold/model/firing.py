"""Fires the events of a network, each as early as it can, with a kernel that is compiled for the CPU.

A process goes through its events in turn. An event takes tokens from edges and gives tokens to others; a
token that was given in a cycle can be taken in the next. A word in a stream is a token on one edge; room in
it is a token on another, in the other direction. As every edge has one giver and one taker, the order in
which processes get their turn has no part in the times that come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bitfold.build.llvm.jit import CpuModule
from bitfold.model.fire import fire
from bitfold.schedule import customize

Ints32 = NDArray[np.int32]


@dataclass(frozen=True)
class Graph:
    """The events of one image.

    Of process p the events begin[p]..begin[p+1]-1: each `gap` cycles after the one before at the earliest
    (the first after the last of the image before), with accesses access[e]..access[e+1]-1, which take a token
    from the edge takes[a] and give one to gives[a]. `counts` says how many tokens an image gives an edge.
    """

    begin: Ints32
    gap: Ints32
    access: Ints32
    takes: Ints32
    gives: Ints32
    counts: Ints32


@dataclass(frozen=True)
class Fired:
    """When each event of each process fired, `times[p]` of shape (images, events); None where not all did.

    `at` is the event that each process is at, `taken` and `given` count the tokens of each edge.
    """

    times: list[NDArray[np.int32]] | None
    done: NDArray[np.bool_]
    at: Ints32
    taken: Ints32
    given: Ints32


def run(graph: Graph, initial: NDArray[np.int64], images: int) -> Fired:
    """Fire the events of `images` images, where edges hold `initial` tokens before the first."""
    processes = len(graph.begin) - 1
    events = np.diff(graph.begin)
    total = events * images
    base = np.concatenate([[0], np.cumsum(total)[:-1]])
    tokens = graph.counts.astype(np.int64) * images
    starts = np.concatenate([[0], np.cumsum(tokens)[:-1]])
    most = int(total.sum())
    arrays = {
        "limits": np.array([processes, 0], np.int32),
        "begin": graph.begin,
        "gap": graph.gap,
        "access": graph.access,
        "takes": graph.takes,
        "gives": graph.gives,
        "start": starts,
        "initial": np.minimum(initial, 2**30),
        "total": total,
        "base": base,
        "at": graph.begin[:-1],
        "fired": np.zeros(processes),
        "clock": np.full(processes, -1),
        "taken": np.zeros(len(initial)),
        "given": np.zeros(len(initial)),
        "when": np.zeros(int(tokens.sum())),
        "times": np.zeros(most),
        "turn": np.zeros(2),
    }
    P, E, A = (_rounded(n) for n in (processes + 1, len(graph.gap) + 1, len(graph.takes)))
    C, W, T = (_rounded(n) for n in (len(initial), int(tokens.sum()), most))
    sizes = dict.fromkeys(("begin", "total", "base", "at", "fired", "clock"), P)
    sizes |= dict.fromkeys(("start", "initial", "taken", "given"), C)
    sizes |= {"gap": E, "access": E, "takes": A, "gives": A, "when": W, "times": T, "limits": 2, "turn": 2}
    padded = {name: _padded(values, sizes[name]) for name, values in arrays.items()}
    call = _compiled(P, E, A, C, W, T)
    padded["limits"][1] = min(2**30, 2 * most + 4 * processes)
    while padded["turn"][1] < processes:
        call(*padded.values())
    fired = padded["fired"][:processes]
    done = fired == total
    times = None
    if done.all():
        times = [padded["times"][b : b + t].reshape(images, -1) for b, t in zip(base, total, strict=True)]
    count = len(initial)
    return Fired(times, done, padded["at"][:processes], padded["taken"][:count], padded["given"][:count])


def _padded(values: NDArray[np.int64] | NDArray[np.int32], size: int) -> Ints32:
    made = np.zeros(size, np.int32)
    made[: len(values)] = values
    return made


def _rounded(size: int) -> int:
    """The next power of two, so that a compiled kernel serves many sizes."""
    return max(16, 1 << (size - 1).bit_length())


@lru_cache(maxsize=16)
def _compiled(P: int, E: int, A: int, C: int, W: int, T: int) -> CpuModule:
    return CpuModule(customize(fire, P1=P, E=E, E1=E, A=A, C=C, W=W, T=T).program)
