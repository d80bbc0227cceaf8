"""Dependences that a loop carries: from one of its iterations to a later one, found by isl."""

from __future__ import annotations

import islpy as isl

from bitfold.ir.nodes import Function, Program
from bitfold.schedule.dependence import (
    Conflict,
    Instance,
    described,
    either,
    instances,
    meet,
    places,
    relations,
)


def find_carried(program: Program, function: Function, axis: str, proved: bool = False) -> Conflict | None:
    """Two accesses of one place, at least one of them a write, in different iterations of `axis`; or None.

    The iterations are those of one run of the loop: what the loops around it carry does not count. With
    `proved`, only accesses that are known exactly.
    """
    where = places(function)
    inside = [i for i in instances(program, function) if axis in i.names]
    for array in sorted({a.array for i in inside for a in i.accesses}):
        found = [(i, *relations(i, array, where[array], proved)) for i in inside]
        for first, reads, writes in found:
            for second, other_reads, other_writes in found:
                shared = either(
                    meet(writes, other_writes), meet(writes, other_reads), meet(reads, other_writes)
                )
                if shared is None:
                    continue
                carried = shared.intersect(_later(first, second, axis))
                if not carried.is_empty():
                    return described(array, first, second, carried)
    return None


def _later(first: Instance, second: Instance, axis: str) -> isl.Map:
    """Pairs in one iteration of the loops around `axis`, the second in a later iteration of `axis`."""
    depth = list(first.names).index(axis)
    a = [f"a{d}" for d in range(len(first.names))]
    b = [f"b{d}" for d in range(len(second.names))]
    limits = [f"{x} = {y}" for x, y in zip(a[:depth], b[:depth], strict=True)]
    limits.append(f"{a[depth]} < {b[depth]}")
    return isl.Map(f"{{ S[{', '.join(a)}] -> S[{', '.join(b)}] : {' and '.join(limits)} }}")
