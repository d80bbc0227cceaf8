"""Passes channels-to-arrays and channels-to-memory: how the streams between kernels run on the CPU.

The kernels of a network run one after the other, its streams as long as they get, where that cannot be told
from taking turns: where the streams form a forest, in which no depth makes it wait for ever, or where it is
known before that the depths suffice. If the numbers of elements are known as well, a stream is an array with
cursors (channels-to-arrays). Otherwise streams are records in memory (channels-to-memory), and a kernel that
finds nothing to get, or no room to put, leaves its stack for another's: see `build/llvm/turns.py`.
"""

from __future__ import annotations

from dataclasses import replace

from bitfold.ir.network import is_forest, is_network, network, parameter_bounds, stream_uses
from bitfold.ir.nodes import Alloc, CallKernel, For, Function, If, Param, Probe, Program, Stmt, While, walk
from bitfold.ir.rewrite import Body, map_body
from bitfold.lang.stream import StreamType
from bitfold.lang.types import ArrayType
from bitfold.lowering.skeleton import always_ends
from bitfold.lowering.streams import streams_to_arrays

LONGEST = 1 << 22
"""How many elements a stream may get to hold where its kernels run one after the other."""

MOST_TRIED = 1 << 19
"""How many elements may cross a network that is tried out before it is compiled: up to some 0.5 s."""


def runs_in_order(program: Program) -> bool:
    """Whether the kernels of a network can run one after the other, each to its end.

    A kernel that asks whether a stream is empty or full sees who ran when; then they take turns.
    """
    net = network(program)
    probed = any(
        isinstance(e, Probe) for f in program.functions for s in walk(f.body) for _, _, e in stream_uses(s)
    )
    backwards = any(link.producer >= link.consumer for link in net.links)
    rooms = room(program).values()
    if probed or backwards or max(rooms) > LONGEST:
        return False
    return is_forest(net) or (sum(rooms) <= MOST_TRIED and always_ends(program))


def room(program: Program) -> dict[str, int]:
    """For each stream of a network, how many elements can be put into it at most."""
    net = network(program)
    found = {}
    for link in net.links:
        call = net.calls[link.producer]
        bounds = parameter_bounds(program, program.function(call.callee))
        found[link.name] = max(1, sum(b for a, b in zip(call.args, bounds, strict=True) if a == link.name))
    return found


def channels_to_arrays(program: Program) -> Program:
    """The same program with an array in place of each stream, where all counts are known; else `program`."""
    if not is_network(program) or not runs_in_order(program):
        return program
    net = network(program)
    lengths: dict[str, int] = {}
    for link in net.links:
        counts = set()
        for end, put in ((link.producer, True), (link.consumer, False)):
            call = net.calls[end]
            if call.args.count(link.name) > 1:
                return program
            function = program.function(call.callee)
            name = function.params[call.args.index(link.name)].name
            counts.add(_count(function.body, name, put))
        length = counts.pop()
        if counts or not length or link.type.shape:
            return program
        lengths[link.name] = length
    made = program
    for call in net.calls:
        made = made.with_function(_with_arrays(made.function(call.callee), call, lengths))
    return streams_to_arrays(made.with_function(_with_local_arrays(made.top, lengths)))


def _count(body: Body, stream: str, put: bool) -> int | None:
    """How many elements `body` puts into (or gets from) `stream`, when that is always the same."""
    total = 0
    for stmt in body:
        found: int | None = 0
        match stmt:
            case For():
                inner = _count(stmt.body, stream, put)
                found = 0 if inner == 0 else None
                if inner and stmt.trips is not None:
                    found = inner * stmt.trips
            case While():
                found = 0 if _count(stmt.body, stream, put) == 0 else None
            case If():
                found = _count(stmt.then, stream, put)
                if found != _count(stmt.orelse, stream, put):
                    return None
            case CallKernel():
                found = None if stream in stmt.args else 0
            case _:
                found = sum(name == stream and is_put is put for name, is_put, _ in stream_uses(stmt))
        if found is None:
            return None
        total += found
    return total


def _with_arrays(function: Function, call: CallKernel, lengths: dict[str, int]) -> Function:
    """A process whose streams are parameters that carry so many elements."""
    params = tuple(
        Param(p.name, ArrayType(p.type.elem, (lengths[arg],), streamed=True), p.span)
        if isinstance(p.type, StreamType)
        else p
        for p, arg in zip(function.params, call.args, strict=True)
    )
    return replace(function, params=params)


def _with_local_arrays(top: Function, lengths: dict[str, int]) -> Function:
    def statement(s: Stmt) -> Body | None:
        if isinstance(s, Alloc) and s.name in lengths:
            return (replace(s, type=ArrayType(s.type.elem, (lengths[s.name],))),)
        return None

    return replace(top, body=map_body(top.body, statement))
