"""Whether channels that a schedule made of arrays are deep enough for the network to come to its end.

On the CPU such a channel holds whatever it gets, so a result says nothing about it. In hardware two ways from
one process to another can stop each other: one is full while the other is empty.
"""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import DeadlockError
from bitfold.ir.network import is_forest, is_network, network
from bitfold.ir.nodes import Alloc, CallKernel, Function, Program, Stmt
from bitfold.ir.rewrite import Body, map_body
from bitfold.ir.run import run_python
from bitfold.lang.stream import StreamType
from bitfold.lang.types import DEPTH, ArrayType
from bitfold.lowering.channels import MOST_TRIED, room
from bitfold.lowering.skeleton import DependsOnDataError, always_ends, skeleton


def check_depths(program: Program, *, streams: bool = False) -> None:
    """Try out, without data, a network with several ways from one process to another.

    Networks of `Stream`s are told when they are called; with `streams` they are tried out as well, where
    their turns do not depend on data.

    Raises:
        DeadlockError: it cannot come to its end; it says which depths would let it.
    """
    channels = {s.name: s for s in program.top.body if isinstance(s, Alloc) and _is_channel(s.type)}
    if not channels and not (streams and is_network(program)):
        return
    made = program
    for call in program.top.body:
        if isinstance(call, CallKernel):
            made = made.with_function(_with_streams(made.function(call.callee), call, channels))

    def declare(s: Stmt) -> Body | None:
        return (replace(s, type=_stream(s.type)),) if isinstance(s, Alloc) and s.name in channels else None

    made = made.with_function(replace(made.top, body=map_body(made.top.body, declare)))
    if is_forest(network(made)) or sum(room(made).values()) > MOST_TRIED or always_ends(made):
        return
    try:
        left = skeleton(made)
    except DependsOnDataError:
        return
    try:
        run_python(left)
    except DeadlockError as error:
        if not channels:
            raise
        what = (error.remedy or "").partition(": write")[0]
        error.remedy = f"{what}: s.stream(array, depth=...)" if ": write" in (error.remedy or "") else what
        raise


def _is_channel(type: ArrayType) -> bool:
    return type.streamed and not isinstance(type, StreamType)


def _stream(type: ArrayType) -> StreamType:
    return StreamType(type.elem, depth=type.depth or DEPTH)


def _with_streams(function: Function, call: CallKernel, channels: dict[str, Alloc]) -> Function:
    params = tuple(
        replace(p, type=_stream(channels[arg].type)) if arg in channels else p
        for p, arg in zip(function.params, call.args, strict=True)
    )
    return replace(function, params=params)
