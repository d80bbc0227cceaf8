"""Cut local arrays into one for each element, or row, that an iteration of a loop nest uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from bitfold.ir import build
from bitfold.ir.nodes import (
    Alloc,
    CallKernel,
    Const,
    Expr,
    For,
    Function,
    Get,
    Load,
    LoopVar,
    Stmt,
    Store,
    own_exprs,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import Body, bound_names, fresh, freshen, map_body, map_exprs, numbered, substitute
from bitfold.lang.types import ArrayType

Indices = tuple[Expr, ...]


@dataclass(frozen=True)
class Parts:
    """What became of the statements of a kernel's body, in order, and of the copies of a nest's body.

    `linked` holds the loops, other than the nest, that use what was cut.
    """

    statements: tuple[tuple[Stmt, Body], ...]
    copies: tuple[Body, ...]
    linked: tuple[Stmt, ...] = ()


def separate(function: Function, nest: Sequence[For], copies: Sequence[Body]) -> Parts:
    """Cut the arrays of `function` into what each of the `copies` of the body of `nest` uses.

    A local array is cut along the dimensions that the loops of `nest` index, when all its accesses along
    these are constants in the copies, and elsewhere once the loops that index them are laid out: a copy of
    their body for each iteration. What is cut and read by no one is not written.
    """
    axes = {loop.var for loop in nest}
    passed = {a for s in walk(function.body) if isinstance(s, CallKernel) for a in s.args}
    cuts: list[_Cut] = []
    for stmt in function.body:
        if not isinstance(stmt, Alloc) or stmt.type.streamed or stmt.type.lanes_of or stmt.name in passed:
            continue
        used = list(_accesses((nest[0],), stmt.name))
        dims = tuple(d for d in range(len(stmt.type.dims)) if any(_varies(i[d], axes) for i in used))
        if dims and all(_fixed(i, dims) for body in copies for i in _accesses(body, stmt.name)):
            cuts.append(_Cut(stmt, dims))
    taken = bound_names(function)
    while cuts:
        indexing = _indexing(function.body, nest[0], cuts)
        outside = [(s, (s,) if s is nest[0] else _laid_out((s,), indexing, taken)) for s in function.body]
        rest = [body for stmt, body in outside if stmt is not nest[0]]
        whole = [
            c for c in cuts if not all(_fixed(i, c.dims) for b in rest for i in _accesses(b, c.array.name))
        ]
        if not whole:
            return _cut(outside, nest[0], copies, cuts, taken)
        cuts = [c for c in cuts if c not in whole]
    return Parts(tuple((s, (s,)) for s in function.body), tuple(copies))


def _fixed(indices: Indices, dims: Sequence[int]) -> bool:
    return all(isinstance(indices[d], Const) for d in dims)


@dataclass(frozen=True, eq=False)
class _Cut:
    """An array to be cut along `dims`, and the names of what it is cut into, by the indices there."""

    array: Alloc
    dims: tuple[int, ...]
    names: dict[tuple[int, ...], str] = field(default_factory=dict)

    @property
    def type(self) -> ArrayType:
        """The type of a part."""
        old = self.array.type
        kept = [d for d in range(len(old.dims)) if d not in self.dims]
        layout = tuple(replace(p, dim=kept.index(p.dim - 1) + 1) for p in old.layout if p.dim - 1 in kept)
        return replace(old, shape=tuple(old.dims[d] for d in kept) or (1,), layout=layout)

    def place(self, indices: Indices, taken: set[str]) -> tuple[str, Indices]:
        """The part that holds an element, and where."""
        at = [indices[d] for d in self.dims]
        key = tuple(i.value for i in at if isinstance(i, Const))
        if key not in self.names:
            self.names[key] = fresh(numbered(self.array.name, key), taken)
        rest = tuple(i for d, i in enumerate(indices) if d not in self.dims)
        return self.names[key], rest or (build.const(0),)


def _varies(index: Expr, axes: set[str]) -> bool:
    return any(isinstance(e, LoopVar) and e.name in axes for e in walk_expr(index))


def _accesses(body: Body, array: str) -> Iterator[Indices]:
    for stmt in walk(body):
        yield from (e.indices for e in _loads(stmt) if e.array == array)
        if isinstance(stmt, Store) and stmt.array == array:
            yield stmt.indices


def _indexing(body: Body, nest: For, cuts: Sequence[_Cut]) -> set[str]:
    """The variables of the loops outside `nest` that index a dimension that is cut."""
    rest = tuple(s for s in body if s is not nest)
    indices = [(i, cut) for cut in cuts for i in _accesses(rest, cut.array.name)]
    parts = [e for i, cut in indices for d in cut.dims for e in walk_expr(i[d])]
    return {e.name for e in parts if isinstance(e, LoopVar)}


def _laid_out(body: Body, indexing: set[str], taken: set[str]) -> Body:
    """`body` with the loops `indexing` as copies of their bodies."""

    def change(stmt: Stmt) -> Body | None:
        if not isinstance(stmt, For) or stmt.var not in indexing or stmt.trips is None:
            return None
        assert isinstance(stmt.low, Const)
        values = [build.const(stmt.low.value + n * stmt.step) for n in range(stmt.trips)]
        bodies = [substitute(stmt.body, {stmt.var: value}) for value in values]
        return tuple(s for n, body in enumerate(bodies) for s in (freshen(body, taken) if n else body))

    return map_body(body, change)


def _cut(
    outside: Sequence[tuple[Stmt, Body]],
    nest: For,
    copies: Sequence[Body],
    cuts: Sequence[_Cut],
    taken: set[str],
) -> Parts:
    by_name = {cut.array.name: cut for cut in cuts}

    def read(e: Expr) -> Expr | None:
        if isinstance(e, Load) and e.array in by_name:
            name, indices = by_name[e.array].place(e.indices, taken)
            return replace(e, array=name, indices=indices)
        return None

    def write(s: Stmt) -> Body | None:
        if isinstance(s, Store) and s.array in by_name:
            name, indices = by_name[s.array].place(s.indices, taken)
            return (replace(s, array=name, indices=indices),)
        return None

    def changed(body: Body) -> Body:
        return map_body(map_exprs(body, read), write)

    linked = tuple(
        s
        for s, b in outside
        if isinstance(s, For) and s is not nest and any(True for n in by_name for _ in _accesses(b, n))
    )
    copies = [changed(body) for body in copies]
    rest = [(s, b if s is nest else changed(b)) for s, b in outside]
    bodies = [*copies, *(b for s, b in rest if s is not nest)]
    loaded = {e.array for b in bodies for s in walk(b) for e in _loads(s)}
    unread = {name for cut in cuts for name in cut.names.values()} - loaded

    def useful(s: Stmt) -> Body | None:
        """A store of what no one reads is left out, unless it takes an element from a stream."""
        if isinstance(s, Store) and s.array in unread and not isinstance(s.value, Get):
            return ()
        if isinstance(s, Alloc) and s.name in by_name:
            cut = by_name[s.name]
            return tuple(replace(s, name=n, type=cut.type) for _, n in sorted(cut.names.items()))
        return None

    statements = tuple((s, b if s is nest else map_body(b, useful)) for s, b in rest)
    return Parts(statements, tuple(map_body(c, useful) for c in copies), linked)


def _loads(stmt: Stmt) -> Iterator[Load]:
    yield from (e for root in own_exprs(stmt) for e in walk_expr(root) if isinstance(e, Load))
