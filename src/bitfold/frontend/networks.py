"""The rules of process networks, checked on a whole program."""

from __future__ import annotations

from bitfold.diagnostics import LanguageError, Note
from bitfold.ir.network import parameter_ends, stream_uses, streams_of
from bitfold.ir.nodes import Alloc, CallKernel, Function, Program, Rom, Stmt
from bitfold.lang.stream import StreamType


def check_streams(program: Program) -> None:
    """Raise LanguageError unless every stream joins one kernel that puts to one kernel that gets."""
    top = program.top
    for param in top.params:
        if isinstance(param.type, StreamType):
            size = f"{param.type.elem}[N] @ stream"
            raise LanguageError(
                f"parameter {param.name!r} of the top kernel is a stream of unknown length ({param.type})",
                code="BF-L038",
                span=param.span,
                remedy=f"say how many elements cross it, `{param.name}: {size}`, or call it from a top",
            )
    for function in program.functions[:-1]:
        for alloc in streams_of(function).values():
            raise LanguageError(
                f"{function.kernel!r} is called by another kernel and declares the stream {alloc.name!r}",
                code="BF-L040",
                span=alloc.span,
                remedy="declare it in the top kernel, and pass it to the kernels it joins",
            )
        _check_one_end(program, function)
    if streams_of(top):
        _check_only_calls(top)
        for alloc in streams_of(top).values():
            _check_two_ends(program, alloc)


def _check_one_end(program: Program, function: Function) -> None:
    if not any(isinstance(p.type, StreamType) for p in function.params):
        return
    for param, ends in zip(function.params, parameter_ends(program, function), strict=True):
        if isinstance(param.type, StreamType) and ends.gets and ends.puts:
            raise LanguageError(
                f"{function.kernel!r} both puts into the stream {param.name!r} and gets from it",
                code="BF-L039",
                span=param.span,
                remedy="use two streams; only the kernel that gets asks `empty()`, the other `full()`",
                notes=[
                    Note("it is the end that puts here", ends.puts[0].span),
                    Note("and the end that gets here", ends.gets[0].span),
                ],
            )


def _check_only_calls(top: Function) -> None:
    """The top of a network declares and calls: all it calls runs at the same time."""
    for stmt in top.body:
        if isinstance(stmt, (Alloc, Rom, CallKernel)):
            continue
        used = _streams_used(stmt)
        what = f"uses the stream {used[0]!r} itself" if used else "does more than declare and call"
        raise LanguageError(
            f"{top.kernel!r} joins kernels by streams, so they all run at the same time, but it {what}",
            code="BF-L040",
            span=stmt.span,
            remedy="move this into a kernel of its own, and call that",
        )


def _streams_used(stmt: Stmt) -> list[str]:
    return [name for name, _, _ in stream_uses(stmt)]


def _check_two_ends(program: Program, alloc: Alloc) -> None:
    calls: dict[bool, CallKernel] = {}
    for call in (s for s in program.top.body if isinstance(s, CallKernel)):
        callee = program.function(call.callee)
        for arg, ends in zip(call.args, parameter_ends(program, callee), strict=True):
            for is_put, used in ((True, ends.puts), (False, ends.gets)):
                if arg != alloc.name or not used:
                    continue
                if calls.get(is_put) is call:
                    raise LanguageError(
                        f"the stream {alloc.name!r} is passed twice in this call",
                        code="BF-L039",
                        span=call.span,
                        remedy=f"pass it once, and use it under one name in {callee.kernel!r}",
                    )
                if is_put in calls:
                    raise _second_end(alloc, is_put, calls[is_put], call)
                calls[is_put] = call
    for is_put, action in ((True, "puts into"), (False, "gets from")):
        if is_put not in calls:
            raise LanguageError(
                f"no kernel {action} the stream {alloc.name!r}",
                code="BF-L039",
                span=alloc.span,
                remedy=f"pass it to one kernel that puts and to one that gets, or drop {alloc.name!r}",
            )


def _second_end(alloc: Alloc, is_put: bool, first: CallKernel, second: CallKernel) -> LanguageError:
    action = "puts into" if is_put else "gets from"
    if is_put:
        remedy = "give each kernel a stream of its own, and let a third kernel merge them"
    else:
        remedy = "give each kernel a stream of its own, and let a kernel between duplicate the elements"
    return LanguageError(
        f"a second kernel {action} the stream {alloc.name!r}",
        code="BF-L039",
        span=second.span,
        remedy=remedy,
        notes=[
            Note("the first one is called here", first.span),
            Note("the stream is declared here", alloc.span),
        ],
    )
