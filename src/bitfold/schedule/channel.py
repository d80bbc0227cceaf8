"""What links two kernels: an array, a channel, or several with the processes that adapt one to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from bitfold.diagnostics import Note, ScheduleError
from bitfold.frontend import parse
from bitfold.ir import build
from bitfold.ir.effects import loads, parameter_effects
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    CallKernel,
    Declare,
    Expr,
    For,
    Function,
    Get,
    Param,
    Program,
    Put,
    Stmt,
    Store,
    walk,
)
from bitfold.ir.rewrite import Body, bindings, bound_names, fresh, map_body, rename
from bitfold.kernels.streams import width_converter
from bitfold.lang.types import DEPTH, ArrayType, IntType, UInt
from bitfold.schedule.ends import only_sets_lanes
from bitfold.schedule.lookup import arrays_of, declared_at

CONVERTER, FROM_ARRAY, TO_ARRAY = "stream_width", "stream_from_array", "stream_to_array"
_ADAPTERS = (CONVERTER, FROM_ARRAY, TO_ARRAY)


@dataclass(frozen=True)
class End:
    """A call that writes or reads `array`, its argument number `position`."""

    call: CallKernel
    position: int

    @property
    def array(self) -> str:
        return self.call.args[self.position]

    def place(self, program: Program) -> tuple[str, str]:
        """The kernel and its parameter."""
        return self.call.callee, program.function(self.call.callee).params[self.position].name

    def type(self, program: Program) -> ArrayType:
        return program.function(self.call.callee).params[self.position].type


@dataclass(frozen=True)
class Link:
    """What `owner` passes from one kernel to another, through `adapters` if there are any."""

    owner: Function
    producer: End
    consumer: End
    adapters: tuple[CallKernel, ...]

    def split(self) -> Link:
        """The link with an array for each end and nothing between them; to be mended by `relink`."""
        gone = {c.args[1] for c in self.adapters} - {self.consumer.array}
        body = tuple(
            s
            for s in self.owner.body
            if not (s in self.adapters or (isinstance(s, Alloc) and s.name in gone))
        )
        owner = replace(self.owner, body=body)
        if self.producer.array != self.consumer.array:
            return replace(self, owner=owner, adapters=())
        shared = self.producer.array
        second = fresh(f"{shared}_in", bound_names(owner))
        args = list(self.consumer.call.args)
        args[self.consumer.position] = second
        call = replace(self.consumer.call, args=tuple(args))

        def change(s: Stmt) -> Body | None:
            if s is self.consumer.call:
                return (call,)
            if isinstance(s, Alloc) and s.name == shared:
                return (s, replace(s, name=second))
            return None

        owner = replace(owner, body=map_body(owner.body, change))
        return Link(owner, self.producer, End(call, self.consumer.position), ())


def link(program: Program, owner: Function, array: str) -> Link:
    """What links two kernels through `array`, a local array of `owner`.

    Raises ScheduleError unless it has one producer and one consumer, called in this order.
    """
    calls: list[CallKernel] = []
    ends = _ends(program, owner, array)
    while _is_adapter(program, call := ends[0].call):
        calls.insert(0, call)
        ends = (_ends(program, owner, call.args[0])[0], ends[1])
    while _is_adapter(program, call := ends[1].call):
        calls.append(call)
        ends = (ends[0], _ends(program, owner, call.args[1])[1])
    return Link(owner, *ends, tuple(calls))


def _is_adapter(program: Program, call: CallKernel) -> bool:
    return program.function(call.callee).kernel in _ADAPTERS


def _ends(program: Program, owner: Function, array: str) -> tuple[End, End]:
    """The call that writes and the call that reads `array`."""
    found: dict[bool, list[End]] = {True: [], False: []}
    for stmt in walk(owner.body):
        if not isinstance(stmt, CallKernel):
            own = {e.array for e in loads(stmt)} | {stmt.array if isinstance(stmt, Store) else ""}
            if array in own:
                raise _not_linked(owner, array, "is used by more than calls of kernels", stmt)
            continue
        if array not in stmt.args:
            continue
        callee = program.function(stmt.callee)
        effects = parameter_effects(program, callee)
        for position, arg in enumerate(stmt.args):
            if arg != array:
                continue
            if stmt not in owner.body:
                raise _not_linked(owner, array, "is passed under a loop or a condition", stmt)
            read, written = effects[position]
            if read and written and only_sets_lanes(callee, callee.params[position].name):
                read = False
            for writes, does in ((True, written), (False, read)):
                if does:
                    found[writes].append(End(stmt, position))
    both = [end for end in found[False] if any(end.call is w.call for w in found[True])]
    if both:
        call = both[0].call
        raise _not_linked(owner, array, f"is both read and written by {call.callee!r}", call)
    for writes, verb in ((True, "written"), (False, "read")):
        if not found[writes]:
            raise _not_linked(owner, array, f"is {verb} by no kernel", None)
        if len(found[writes]) > 1:
            first, second = found[writes][:2]
            where = [Note(f"{first.call.callee!r} is the first", first.call.span)]
            raise _not_linked(owner, array, f"is {verb} by several kernels", second.call, where)
    producer, consumer = found[True][0], found[False][0]
    order = [s for s in owner.body if s in (producer.call, consumer.call)]
    if order[0] is not producer.call:
        raise _not_linked(owner, array, "is not read after it is written", consumer.call)
    return producer, consumer


def _not_linked(
    owner: Function, array: str, why: str, where: Stmt | None, notes: list[Note] | None = None
) -> ScheduleError:
    remedy = "a stream has one producer and one consumer"
    if "read by several" in why:
        remedy += ": give each reader its own, from a duplicator (bitfold.kernels.streams)"
    if "both read and written" in why:
        remedy += ": work on a local array or scalar, and store each element once, when it is done"
    return ScheduleError(
        f"{array!r} of {owner.name!r} cannot be a stream: it {why}",
        code="BF-S027",
        span=declared_at(owner, array) if where is None else where.span,
        notes=[Note(f"{array!r} is declared here", declared_at(owner, array)), *(notes or [])],
        remedy=remedy,
    )


# ---- mending a link


def relink(program: Program, link: Link, depth: int) -> Program:
    """The program with the two ends of a split link joined: by one name, or by adapters."""
    owner, types = link.owner, arrays_of(link.owner)
    source, target = link.producer.array, link.consumer.array
    first, last = types[source], types[target]
    depth = depth or max(first.depth, last.depth)
    if first.crossing == last.crossing:
        body = tuple(s for s in owner.body if not (isinstance(s, Alloc) and s.name == target))
        owner = replace(owner, body=rename(body, {target: source}))
        return cleaned(_deepened(program, owner, [source], depth))
    taken = bound_names(owner)
    steps: list[tuple[str, ArrayType, str, ArrayType]] = []
    here, type = source, first
    end = replace(last, streamed=True, layout=(), memory="")
    if not type.streamed:
        sent = replace(type, streamed=True, layout=(), memory="")
        name = target if sent.crossing == last.crossing else fresh(f"{source}_out", taken)
        steps.append((here, type, name, sent))
        here, type = name, sent
    if type.crossing != end.crossing:
        name = target if last.streamed else fresh(f"{source}_words", taken)
        steps.append((here, type, name, end))
        here, type = name, end
    if here != target:
        steps.append((here, type, target, last))
    calls: list[CallKernel] = []
    for before, before_type, after, after_type in steps:
        label = before if owner.name == program.top.name else f"{owner.name}_{before}"
        made = _adapter(program, before_type, after_type, label)
        program = replace(program, functions=(made, *program.functions))
        calls.append(CallKernel(made.name, (before, after), span=link.consumer.call.span))
    new = [Alloc(a, t, span=link.producer.call.span) for _, _, a, t in steps if a not in types]

    def insert(s: Stmt) -> Body | None:
        if isinstance(s, Alloc) and s.name == source:
            return (s, *new)
        return (*calls, s) if s == link.consumer.call else None

    body = map_body(owner.body, insert)
    names = [name for step in steps for name in (step[0], step[2])]
    return cleaned(_deepened(program, replace(owner, body=body), names, depth))


def _deepened(program: Program, owner: Function, names: list[str], depth: int) -> Program:
    """`owner` back in the program, with channels of this depth. What a channel passes on needs no fill."""

    def change(s: Stmt) -> Body | None:
        if not (isinstance(s, Alloc) and s.name in names):
            return None
        if s.type.streamed:
            return (replace(s, type=replace(s.type, depth=depth or s.type.depth or DEPTH), fill=None),)
        return None if s.name == names[0] else (replace(s, fill=None),)

    return program.with_function(replace(owner, body=map_body(owner.body, change)))


def cleaned(program: Program) -> Program:
    """The program without adapters that nothing calls, its kernels in the order in which they are called."""
    kept: dict[str, Function] = {}

    def visit(function: Function) -> None:
        for s in walk(function.body):
            if isinstance(s, CallKernel) and s.callee not in kept:
                visit(program.function(s.callee))
        kept[function.name] = function

    visit(program.top)
    return replace(program, functions=tuple(kept.values()))


# ---- adapters


def _adapter(program: Program, source: ArrayType, target: ArrayType, label: str) -> Function:
    """A kernel (x: source, y: target) that passes all elements on; `label` ends its name."""
    if source.streamed and target.streamed:
        made, kind = _converter(source, target), CONVERTER
    else:
        made, kind = _copy(source, target), TO_ARRAY if source.streamed else FROM_ARRAY
    taken = {f.name for f in program.functions}.union(*(bindings(f) for f in program.functions))
    span = program.top.span
    return replace(made, name=fresh(f"{kind}_{label}", taken), kernel=kind, span=span)


def _converter(source: ArrayType, target: ArrayType) -> Function:
    rows, elements = prod(source.dims[:-1]), source.lanes_of or source.dims[-1]
    part = source.part if source.lanes_of else source.elem
    assert isinstance(source.elem, IntType), "words hold integers"
    made = parse(width_converter(rows, elements * part.width, source.elem.width, target.elem.width)).top
    types = [replace(t, depth=0, layout=()) for t in (source, target)]
    params = tuple(replace(p, type=t) for p, t in zip(made.params, types, strict=True))
    return replace(made, params=params, body=_pipelined(_as_bits(made, source.elem)))


def _as_bits(converter: Function, elem: IntType) -> Body:
    """The body of a converter, which takes bits, where its stream has elements of type `elem`."""
    taken = bound_names(converter)

    def change(s: Stmt) -> Body | None:
        if not (isinstance(s, (Declare, Assign)) and isinstance(s.value, Get)):
            return None
        name = fresh("element", taken)
        first = Declare(name, elem, build.get(s.value.stream, elem), span=s.span)
        return first, replace(s, value=build.cast(UInt(elem.width), build.local(name, elem)))

    return map_body(converter.body, change) if elem.signed else converter.body


def _pipelined(body: Body) -> Body:
    """`body` with its innermost loops pipelined."""

    def change(s: Stmt) -> Body | None:
        if isinstance(s, For) and not any(isinstance(inner, For) for inner in walk(s.body)):
            return (replace(s, pipeline=1),)
        return None

    return map_body(body, change)


def _copy(source: ArrayType, target: ArrayType) -> Function:
    """Between an array and a stream of the same words."""
    dims = source.dims
    indices: tuple[Expr, ...] = tuple(build.loop_var(f"i{d}", 0, n - 1) for d, n in enumerate(dims))
    if source.streamed:
        last: Stmt = Store("y", indices, build.get("x", source.elem))
    else:
        last = Put("y", build.load("x", indices, source.elem))
    for d, size in reversed(list(enumerate(dims))):
        last = For(f"i{d}", build.const(0), build.const(size), 1, (last,), pipeline=int(d == len(dims) - 1))
    types = [replace(t, depth=0) for t in (source, target)]
    return Function("copy", (Param("x", types[0]), Param("y", types[1])), (last,))
