"""Which arrays statements read and write."""

from __future__ import annotations

from bitfold.ir.nodes import (
    CallKernel,
    Function,
    Get,
    Load,
    Program,
    Put,
    Stmt,
    Store,
    own_exprs,
    walk,
    walk_expr,
)


def loads(stmt: Stmt) -> list[Load]:
    """The array reads that `stmt` itself performs."""
    return [e for root in own_exprs(stmt) for e in walk_expr(root) if isinstance(e, Load)]


def accesses(program: Program, body: tuple[Stmt, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """The arrays that `body` reads and those it writes, through calls as well."""
    reads: set[str] = set()
    writes: set[str] = set()
    for stmt in walk(body):
        reads.update(e.array for e in loads(stmt))
        reads.update(e.stream for root in own_exprs(stmt) for e in walk_expr(root) if isinstance(e, Get))
        if isinstance(stmt, Store):
            writes.add(stmt.array)
        elif isinstance(stmt, Put):
            writes.add(stmt.stream)
        elif isinstance(stmt, CallKernel):
            callee = program.function(stmt.callee)
            for arg, (read, written) in zip(stmt.args, parameter_effects(program, callee), strict=True):
                if read:
                    reads.add(arg)
                if written:
                    writes.add(arg)
    return frozenset(reads), frozenset(writes)


def parameter_effects(program: Program, function: Function) -> list[tuple[bool, bool]]:
    """For each parameter of `function`, whether it is read and whether it is written."""
    reads, writes = accesses(program, function.body)
    return [(p.name in reads, p.name in writes) for p in function.params]
