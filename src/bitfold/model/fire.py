"""The kernel of `model.firing`, in Bitfold's own language; see there for what its arrays hold."""

from __future__ import annotations

from bitfold.lang import int32


def fire(
    limits: int32[2],
    begin: int32["P1"],
    gap: int32["E"],
    access: int32["E1"],
    takes: int32["A"],
    gives: int32["A"],
    start: int32["C"],
    initial: int32["C"],
    total: int32["P1"],
    base: int32["P1"],
    at: int32["P1"],
    fired: int32["P1"],
    clock: int32["P1"],
    taken: int32["C"],
    given: int32["C"],
    when: int32["W"],
    times: int32["T"],
    turn: int32[2],
):
    """Up to limits[1] turns of limits[0] processes; over when turn[1], turns in vain, is as many."""
    for _ in range(limits[1]):
        if turn[1] < limits[0]:
            p: int32 = turn[0]
            goes: int32 = 0
            if fired[p] < total[p]:
                goes = 1
                e: int32 = at[p]
                now: int32 = clock[p] + gap[e]
                for a in range(access[e], access[e + 1]):
                    c: int32 = takes[a]
                    k: int32 = taken[c] - initial[c]
                    if k >= given[c]:
                        goes = 0
                    elif k >= 0 and when[start[c] + k] >= now:
                        now = when[start[c] + k] + 1
                if goes:
                    for a in range(access[e], access[e + 1]):
                        c: int32 = takes[a]
                        taken[c] += 1
                        d: int32 = gives[a]
                        when[start[d] + given[d]] = now
                        given[d] += 1
                    times[base[p] + fired[p]] = now
                    clock[p] = now
                    fired[p] += 1
                    at[p] = e + 1
                    if e + 1 == begin[p + 1]:
                        at[p] = begin[p]
            if goes:
                turn[1] = 0
            else:
                turn[1] += 1
                turn[0] = p + 1
                if p + 1 == limits[0]:
                    turn[0] = 0
