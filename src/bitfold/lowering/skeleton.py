"""Whether a network always comes to its end, found out once, before it is compiled.

Where no get and no put depends on data, only on loop variables, each call of a network takes the same turns.
Its skeleton, what is left of it without the data, runs as Python, and shows whether the depths suffice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

from bitfold.ir import build
from bitfold.ir.dataflow import network_text, start
from bitfold.ir.network import network
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    CallKernel,
    Declare,
    Expr,
    For,
    Function,
    Get,
    If,
    Load,
    Local,
    Program,
    Put,
    Stmt,
    Store,
    While,
    walk_expr,
)
from bitfold.ir.printer import program_text
from bitfold.ir.rewrite import Body, bound_names, fresh
from bitfold.lang.stream import StreamType


class DependsOnDataError(Exception):
    """A get or put of the network may or may not happen."""


def always_ends(program: Program) -> bool:
    """Whether every call of the network comes to a proper end; False also where that depends on data."""
    try:
        left = skeleton(program)
    except DependsOnDataError:
        return False
    return _ends(_Skeleton(program_text(left), _order(program), left))


def skeleton(program: Program) -> Program:
    """What is left of a network without its data: kernels that get and put zeros, as often and in turn."""
    return Program(tuple(_function(program, f) for f in program.functions), {})


@dataclass(frozen=True)
class _Skeleton:
    """A skeleton, which its text and the order that arrays ask for say all of."""

    text: str
    order: tuple[tuple[int, ...], ...]
    program: Program = field(compare=False)


def _order(program: Program) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(sorted(earlier)) for earlier in network(program).after)


@lru_cache(maxsize=4)
def _ends(skeleton: _Skeleton) -> bool:
    program = skeleton.program
    tree, sites = network_text(program, skeleton.text)
    namespace: dict[str, object] = {}
    exec(compile(tree, f"<skeleton of {program.top.name}>", "exec"), namespace)
    after = tuple(dict.fromkeys(earlier, "") for earlier in skeleton.order)
    sim = start(program, namespace, sites, (), after)
    return sim.run() and not any(fifo.elements for fifo in sim.fifos)


def _function(program: Program, function: Function) -> Function:
    if function is program.top:
        body = tuple(
            _call(program, s) if isinstance(s, CallKernel) else s
            for s in function.body
            if isinstance(s, CallKernel) or (isinstance(s, Alloc) and isinstance(s.type, StreamType))
        )
        return replace(function, params=(), body=body)
    params = tuple(p for p in function.params if isinstance(p.type, StreamType))
    names = frozenset(p.name for p in params)
    stripped = _Stripper(program, names, fresh("got", bound_names(function))).body(function.body)
    return replace(function, params=params, body=stripped)


@dataclass(frozen=True)
class _Stripper:
    """Takes from a kernel what has no part in its turns; `got` is the name for what it gets."""

    program: Program
    streams: frozenset[str]
    got: str

    def body(self, body: Body) -> Body:
        return tuple(kept for s in body if (kept := self._statement(s)) is not None)

    def _statement(self, stmt: Stmt) -> Stmt | None:
        """What is left of a statement; None where nothing of it matters."""
        match stmt:
            case For():
                inner = self.body(stmt.body)
                if not inner:
                    return None
                _check(stmt.low, stmt.high)
                return replace(stmt, body=inner, pipeline=0, unroll=0, flatten=False)
            case While():
                if self.body(stmt.body):
                    raise DependsOnDataError
                _check_looks(stmt.cond)
                return None
            case If():
                then, orelse = self.body(stmt.then), self.body(stmt.orelse)
                if not then and not orelse:
                    return None
                _check(stmt.cond)
                return replace(stmt, then=then, orelse=orelse)
            case Put() if stmt.stream in self.streams:
                _check(*stmt.indices)
                return replace(stmt, value=build.const(0))
            case Declare(value=Get() as got) | Assign(value=Get() as got) | Store(value=Get() as got):
                if type(got) is not Get or got.stream not in self.streams:
                    return None
                _check(*got.indices)
                return Declare(self.got, got.type, got)
            case CallKernel():
                call = _call(self.program, stmt)
                return call if call.args else None
        return None


def _call(program: Program, call: CallKernel) -> CallKernel:
    params = program.function(call.callee).params
    kept = (a for a, p in zip(call.args, params, strict=True) if isinstance(p.type, StreamType))
    return replace(call, args=tuple(kept))


def _check_looks(cond: Expr) -> None:
    """Raise when the condition of a loop that only computes asks a stream: it waits for others."""
    if any(isinstance(part, Get) for part in walk_expr(cond)):
        raise DependsOnDataError


def _check(*exprs: Expr) -> None:
    """Raise unless all of `exprs` are known from the loops around them."""
    if any(isinstance(part, (Load, Local, Get)) for e in exprs for part in walk_expr(e)):
        raise DependsOnDataError
