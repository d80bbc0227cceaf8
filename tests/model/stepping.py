"""A network stepped cycle by cycle, as slow and as plain as can be: what the simulation is held against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bitfold.model.events import Net


@dataclass
class Stepped:
    """When each process ended each image, its stalls in the last one, and the words of each stream."""

    ends: list[list[int]]
    for_input: list[int]
    for_room: list[int]
    occupancy: list[Counter[int]]
    stuck: bool = False
    starts: list[int] = field(default_factory=list)


def step(net: Net, depths: Mapping[str, int], images: int) -> Stepped:
    """All of `images`, one cycle after another, until the end or until nothing can move any more."""
    count = len(net.processes)
    actions = [_actions(net, p) for p in range(count)]
    words = [0] * len(net.channels)
    limit = [c.depth if c.block else depths[c.name] for c in net.channels]
    used = [0] * len(net.channels)  # places taken: of a stream its words, of blocks those not free
    at, image = [0] * count, [0] * count
    found = Stepped([[] for _ in range(count)], [0] * count, [0] * count, [Counter() for _ in net.channels])
    cycle = 0
    while any(i < images for i in image):
        moves = []
        for p in (p for p in range(count) if image[p] < images):
            need_word, need_room, *_ = actions[p].get(at[p], ([], [], [], []))
            if any(words[j] == 0 for j in need_word):
                found.for_input[p] += image[p] == images - 1
            elif any(used[j] >= limit[j] for j in need_room):
                found.for_room[p] += image[p] == images - 1
            else:
                moves.append(p)
        if not moves:
            found.stuck = True
            return found
        freed = []
        for p in moves:
            need_word, need_room, give_word, give_room = actions[p].get(at[p], ([], [], [], []))
            for j in need_word:
                words[j] -= 1
            for j in need_room:
                used[j] += 1
            for j in give_word:
                words[j] += 1
            freed += give_room
            at[p] += 1
            if at[p] == net.processes[p].trace.cycles:
                at[p], image[p] = 0, image[p] + 1
                found.ends[p].append(cycle)
        for j, n in enumerate(used):
            found.occupancy[j][n] += 1
        for j in freed:
            used[j] -= 1
        cycle += 1
    return found


Actions = dict[int, tuple[list[int], list[int], list[int], list[int]]]


def _actions(net: Net, p: int) -> Actions:
    """By cycle: channels of which a word and room are needed, and those that get a word and room."""
    found: Actions = {}
    process = net.processes[p]
    for j, c in enumerate(net.channels):
        for mine, events, kind in (
            (c.consumer == p, c.gets, 0),
            (c.producer == p, c.takes_room, 1),
            (c.producer == p, c.puts, 2),
            (c.consumer == p, c.gives_room, 3),
        ):
            if mine:
                for cycle in process.slots[events].tolist():
                    found.setdefault(cycle, ([], [], [], []))[kind].append(j)
    return found
