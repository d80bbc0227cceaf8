"""Many programs as one, so that one compilation serves them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bitfold.ir.nodes import CallKernel, Function, Param, Program, Rom, Stmt
from bitfold.ir.rewrite import map_body


def merged(programs: Sequence[Program]) -> Program:
    """A program whose top calls the tops of `programs` in turn; its arguments are theirs, in order.

    Names of the n-th program get the prefix `c<n>_`. Numbers, fields and results are passed as arrays.
    """
    functions: list[Function] = []
    constants = {}
    ports: list[Param] = []
    calls: list[Stmt] = []
    for n, program in enumerate(programs):
        prefix = f"c{n}_"

        def renamed(stmt: Stmt, prefix: str = prefix) -> tuple[Stmt, ...] | None:
            match stmt:
                case CallKernel():
                    return (replace(stmt, callee=prefix + stmt.callee),)
                case Rom():
                    return (replace(stmt, source=prefix + stmt.source),)
            return None

        for function in program.functions:
            body = map_body(function.body, renamed)
            params = tuple(replace(p, state=None) for p in function.params)
            functions.append(replace(function, name=prefix + function.name, params=params, body=body))
        constants.update({prefix + name: values for name, values in program.constants.items()})
        own = [
            replace(
                p,
                name=f"{prefix}{p.name}_",
                state=prefix + p.state if p.state else p.state,
                member=None,
                scalar=False,
                result=False,
            )
            for p in program.top.params
        ]
        ports += own
        calls.append(CallKernel(prefix + program.top.name, tuple(p.name for p in own)))
    ports.sort(key=lambda p: p.state is not None)  # states come last
    top = Function("fuzz_top", tuple(ports), tuple(calls), kernel="fuzz_top")
    return Program((*functions, top), constants)
