"""unfold: each iteration of a loop nest becomes a kernel of its own; outline: a whole loop nest does."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, product

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    CallKernel,
    Declare,
    Expr,
    For,
    Function,
    Get,
    Load,
    Local,
    Op,
    Param,
    Program,
    Put,
    Rom,
    Stmt,
    Store,
    own_exprs,
    walk,
    walk_expr,
)
from bitfold.ir.rewrite import RESERVED, Body, bound_names, numbered, substitute
from bitfold.schedule.lookup import arrays_of, check_plain, constant_trips, find_loop, path_to
from bitfold.schedule.separate import separate

MOST = 4096


def unfold(program: Program, function: Function, axes: tuple[str, ...], name: str = "") -> Program:
    """Make each iteration of the loops `axes`, nested one in the other, a kernel of its own, which is called.

        def kernel(x: uint8[2], y: uint8[2]):        def pe_0(x: uint8[2], y: uint8[2]):
            for i in range(2):                           y[0] = x[0] ^ 1
                y[i] = x[i] ^ i + 1           ->
                                                     def pe_1(x: uint8[2], y: uint8[2]):
                                                         y[1] = x[1] ^ 2

                                                     def kernel(x: uint8[2], y: uint8[2]):
                                                         pe_0(x, y)
                                                         pe_1(x, y)

    The kernels are called in the order of the iterations, so this is always legal. With `dataflow` they are
    processes that run at the same time, which makes a systolic array of a loop nest. For that a local array
    that each iteration indexes by `axes` becomes an array of its own for each element or row, with one writer
    and one reader, which `stream` makes a channel; what nobody reads, such as what leaves the last row, is
    not written. Other loops of the kernel that use such an array become kernels too, named by their variable,
    with copies of a body for each iteration where an index must be a constant.

    The kernels are named by `name`, or by the kernel and its loops, and by the iteration.

    Raises:
        ScheduleError: the loops are no nest that stands alone in the kernel's body, run a varying number of
            times or more than 4096 in all, are pipelined or unrolled, use a scalar that is declared outside
            or a stream, or call kernels.
    """
    if not axes:
        raise ScheduleError(
            "unfold needs a loop",
            code="BF-S015",
            span=function.span,
            remedy="name the loops of a nest, outermost first",
        )
    nest = _nest(function, axes)
    total = 1
    for loop in nest:
        total *= constant_trips(loop)
    if not 0 < total <= MOST:
        raise ScheduleError(
            f"the loops {', '.join(axes)} of {function.name!r} run {total} times, too many kernels to make",
            code="BF-S037",
            span=nest[0].span,
            remedy=f"unfold at most {MOST} iterations: split a loop and unfold a part of it",
        )
    name = name or f"{function.name}_{'_'.join(axes)}"
    _check_copied(function, nest)
    numbers = list(product(*(range(constant_trips(loop)) for loop in nest)))
    bodies: list[Body] = []
    for each in numbers:
        values: dict[str, Expr] = {
            loop.var: build.binary(Op.ADD, loop.low, build.const(n * loop.step))
            for loop, n in zip(nest, each, strict=True)
        }
        bodies.append(substitute(nest[-1].body, values))
    parts = separate(function, nest, bodies)
    changed = replace(function, body=tuple(s for _, body in parts.statements for s in body))
    maker = _Maker(program, changed)
    calls = [
        maker.call(numbered(name, each), body, nest[0])
        for each, body in zip(numbers, parts.copies, strict=True)
    ]

    def placed(stmt: Stmt, body: Body) -> Body:
        if stmt is nest[0]:
            return tuple(calls)
        return (
            (maker.call(f"{name}_{stmt.var}", body, stmt),)
            if stmt in parts.linked and isinstance(stmt, For)
            else body
        )

    return maker.program_with(tuple(s for stmt, body in parts.statements for s in placed(stmt, body)))


def _check_copied(function: Function, nest: list[For]) -> None:
    """Refuse what cannot be in several kernels: the end of a stream, or a call of one kernel."""
    streams = {name for name, type in arrays_of(function).items() if type.streamed}
    for stmt in walk(nest[-1].body):
        used = streams.intersection(_names(stmt))
        if used or isinstance(stmt, CallKernel):
            call = isinstance(stmt, CallKernel)
            what = f"calls {stmt.callee!r}" if isinstance(stmt, CallKernel) else f"uses stream {min(used)!r}"
            raise ScheduleError(
                f"loop {nest[0].var!r} of {function.name!r} cannot be unfolded: each iteration {what}",
                code="BF-S037",
                span=stmt.span,
                remedy="inline the kernel first" if call else "unfold before you stream",
            )


def outline(program: Program, function: Function, axis: str, name: str = "") -> Program:
    """Make the loop `axis`, with all it holds, a kernel of its own, which is called in its place.

        def kernel(x: uint8[8], y: uint8[8]):        def copy(x: uint8[8], y: uint8[8]):
            for i in range(8):                           for i in range(8):
                y[i] = x[i]                   ->             y[i] = x[i]

                                                     def kernel(x: uint8[8], y: uint8[8]):
                                                         copy(x, y)

    Always legal. A local array that nothing else uses goes with it. `dataflow` asks for a kernel that does
    nothing but call others.

    Raises:
        ScheduleError: the loop stands in another or under a condition, uses a scalar that is declared
            outside, or the name is taken or is no name.
    """
    (loop,) = _nest(function, (axis,), plain=False)
    others = {n for top in function.body if top is not loop for s in walk((top,)) for n in _names(s)}
    own = {s.name for s in function.body if isinstance(s, Alloc) and not s.type.streamed} - others
    own &= {n for s in walk((loop,)) for n in _names(s)}
    made = tuple(s for s in function.body if isinstance(s, Alloc) and s.name in own)
    maker = _Maker(program, function)
    call = maker.call(name or f"{function.name}_{axis}", (*made, loop), loop)
    return maker.program_with(tuple(call if s is loop else s for s in function.body))


def _nest(function: Function, axes: tuple[str, ...], plain: bool = True) -> list[For]:
    """The loops `axes`, checked to be a nest in the kernel's own body."""
    around = path_to(function, axes[0])[:-1]
    loops = [find_loop(function, axis) for axis in axes]
    if around:
        raise ScheduleError(
            f"loop {axes[0]!r} of {function.name!r} stands inside of something else, so what it does cannot "
            "be a kernel of its own",
            code="BF-S037",
            span=loops[0].span,
            notes=[Note("this is around it", around[-1].span)],
            remedy="name the loop around it as well, or the outermost one",
        )
    for outer, inner in pairwise(loops):
        if outer.body != (inner,):
            raise ScheduleError(
                f"loop {inner.var!r} of {function.name!r} is not all that the body of {outer.var!r} holds",
                code="BF-S014",
                span=inner.span,
                notes=[Note(f"loop {outer.var!r} is here", outer.span)],
                remedy="name a loop and the one directly in it, outermost first",
            )
    if plain:
        for loop in loops:
            check_plain(function, loop, "unfold first, then pipeline what the new kernels do")
    return loops


class _Maker:
    """Makes kernels of parts of `function`."""

    def __init__(self, program: Program, function: Function) -> None:
        self.program = program
        self.function = function
        self.made: list[Function] = []
        self.taken = set(program.constants) | RESERVED
        self.taken = self.taken.union(*(bound_names(f) for f in (*program.functions, function)))

    def call(self, name: str, body: Body, loop: For) -> CallKernel:
        """A call of a new kernel `name` that does what `body` does, a part of `loop`."""
        if name in self.taken or not name.isidentifier() or keyword.iskeyword(name):
            why = "that is taken" if name in self.taken else "that is no name"
            raise ScheduleError(
                f"a kernel cannot be called {name!r}: {why}",
                code="BF-S038",
                span=loop.span,
                remedy="give another name",
            )
        self.taken.add(name)
        types = arrays_of(self.function)
        roms = {s.name: s for s in self.function.body if isinstance(s, Rom)}
        arrays = _outer_arrays(self.function, loop, body)
        params = tuple(Param(a, replace(types[a], depth=0), span=loop.span) for a in arrays if a not in roms)
        constants = tuple(roms[a] for a in arrays if a in roms)
        self.made.append(Function(name, params, (*constants, *body), kernel=name, span=loop.span))
        return CallKernel(name, tuple(p.name for p in params), span=loop.span)

    def program_with(self, body: Body) -> Program:
        """The program with the new kernels, and `body` for the function, without what it does not use."""
        used = {n for s in walk(body) for n in _names(s)}
        body = tuple(s for s in body if not (isinstance(s, (Alloc, Rom)) and s.name not in used))
        functions: list[Function] = []
        for f in self.program.functions:
            mine = f.name == self.function.name
            functions += [*self.made, replace(self.function, body=body)] if mine else [f]
        return replace(self.program, functions=tuple(functions))


def _outer_arrays(function: Function, loop: For, body: Body) -> list[str]:
    """The arrays of the function that `body` uses, in order. ScheduleError for a scalar."""
    own = {s.name for s in walk(body) if isinstance(s, (Alloc, Declare, Rom))}
    scalars = {s.name: s for s in walk(function.body) if isinstance(s, Declare)}
    found: dict[str, None] = {}
    for stmt in walk(body):
        for name in _names(stmt):
            if name in own:
                continue
            if name in scalars:
                raise ScheduleError(
                    f"loop {loop.var!r} of {function.name!r} uses the scalar {name!r}, which a kernel of its "
                    "own does not have",
                    code="BF-S037",
                    span=stmt.span,
                    notes=[Note(f"{name!r} is declared here", scalars[name].span)],
                    remedy="keep it in an array of one element, or declare it inside the loop",
                )
            found[name] = None
    order = list(arrays_of(function))
    return sorted(found, key=order.index)


def _names(stmt: Stmt) -> Iterator[str]:
    """The arrays and scalars that `stmt` itself uses."""
    for root in own_exprs(stmt):
        for e in walk_expr(root):
            match e:
                case Load():
                    yield e.array
                case Local():
                    yield e.name
                case Get():
                    yield e.stream
    match stmt:
        case Store():
            yield stmt.array
        case Assign():
            yield stmt.name
        case Put():
            yield stmt.stream
        case CallKernel():
            yield from stmt.args
