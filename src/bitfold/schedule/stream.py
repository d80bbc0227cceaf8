"""stream: an array becomes a first-in first-out channel, where its elements are written and read in order."""

from __future__ import annotations

from dataclasses import replace

from bitfold.diagnostics import Note, ScheduleError
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import CallKernel, Function, Program, Rom, walk
from bitfold.schedule.channel import Link, cleaned, link, relink
from bitfold.schedule.dataflow import check_processes
from bitfold.schedule.dependence import accesses
from bitfold.schedule.ends import only_sets_lanes, reader, writer
from bitfold.schedule.layout import retype
from bitfold.schedule.lookup import arrays_of, declared_at, find_array, is_count
from bitfold.schedule.pack import pack

MAX_DEPTH = 1 << 20


def stream(program: Program, function: Function, array: str, lanes: int = 0, depth: int = 0) -> Program:
    """Pass `array` through a channel: element by element, `lanes` of them at a time, or by words if packed.

    A parameter of the top kernel becomes a port. What is read again is kept in a local buffer as it arrives:

        for m_o in range(4):                    x_buffer = empty(UInt(49)[16] @ packed(784))
            for k_o in range(16):               for m_o in range(4):
                use(x[k_o])             ->          for k_o in range(16):
                                                        x_word: UInt(49) = 0
                                                        if m_o == 0:
                                                            x_word = x.get()
                                                            x_buffer[k_o] = x_word
                                                        else:
                                                            x_word = x_buffer[k_o]
                                                        use(x_word)

    Stores become `put`; a word of which a kernel sets the lanes is put when it is complete.

    An array between two kernels becomes a channel of `depth` words. Named from one of these kernels, only
    that end becomes a stream; the lanes of the two ends may differ, and a width converter is put between
    them. An end that is left an array gets a process that fills or empties it.

    Legal when the elements are first read, or written, each once and in row-major order, and none is read
    before it arrives; isl decides.

    Raises:
        ScheduleError: another order, several producers or consumers, a stream already, packed by another
            number of lanes, or kernels that a stream would let run at the same time although they may not.
    """
    made = _streamed(program, function, array, lanes, depth)
    known = {f.name for f in program.functions if f.concurrent}
    for owner in made.functions:
        if owner.concurrent and owner.name not in known:
            check_processes(made, owner)
    return made


def _streamed(program: Program, function: Function, array: str, lanes: int, depth: int) -> Program:
    """What `stream` makes, which may not be a network of processes."""
    type = find_array(function, array)
    if not is_count(depth, 0, MAX_DEPTH):
        raise ScheduleError(
            f"a channel holds 1 to {MAX_DEPTH} elements, not {depth!r}",
            code="BF-S026",
            span=declared_at(function, array),
            remedy="leave the depth out for 2",
        )
    if type.streamed and _whole(program, function, array):
        raise ScheduleError(
            f"{array!r} of {function.name!r} is a stream already",
            code="BF-S028",
            span=declared_at(function, array),
            remedy="stream each array once",
        )
    if any(isinstance(s, Rom) and s.name == array for s in walk(function.body)):
        raise ScheduleError(
            f"{array!r} of {function.name!r} is a constant, which no kernel writes",
            code="BF-S028",
            span=declared_at(function, array),
            remedy="stream what one kernel writes and another reads",
        )
    if function is program.top and array in {p.name for p in program.states}:
        raise ScheduleError(
            f"{array!r} of {function.name!r} is a state, whose elements stay where they are",
            code="BF-S028",
            span=declared_at(function, array),
            remedy="stream what one kernel writes and another reads",
        )
    if array not in {p.name for p in function.params}:
        for writes in (True, False):
            found = link(program, function, array)
            end = found.producer if writes else found.consumer
            if not end.type(program).streamed:
                program = _end(program, found, writes, lanes, depth)
                function = program.function(function.name)
        return program
    if function.name == program.top.name:
        return _port(program, array, lanes)
    return _parameter(program, function, array, lanes, depth)


def _whole(program: Program, function: Function, array: str) -> bool:
    """Whether there is no end of what `array` links that could still become a stream."""
    if array in {p.name for p in function.params}:
        return True
    found = link(program, function, array)
    return found.producer.type(program).streamed and found.consumer.type(program).streamed


def to(program: Program, function: Function, array: str, consumer: str, depth: int = 0) -> Program:
    """Stream `array` to the kernel `consumer`, which reads what another kernel writes.

        h = empty(uint8[8])             h = empty(uint8[8] @ stream(depth=4))
        first(x, h)             ->      first(x, h)
        second(h, y)                    second(h, y)

    The same as `stream`, of both ends, and checked to end at that kernel.

    Raises:
        ScheduleError: what `stream` raises, or another kernel reads the array.
    """
    found = link(program, function, array)
    if found.consumer.call.callee != consumer:
        raise ScheduleError(
            f"{array!r} of {function.name!r} is read by {found.consumer.call.callee!r}, not {consumer!r}",
            code="BF-S029",
            span=declared_at(function, array),
            notes=[Note("it is passed here", found.consumer.call.span)],
            remedy=f"to({array!r}, {found.consumer.call.callee!r})",
        )
    return stream(program, function, array, depth=depth)


# ---- a kernel's end


def _parameter(program: Program, function: Function, array: str, lanes: int, depth: int) -> Program:
    """Stream `array` where `function` is called."""
    position = [p.name for p in function.params].index(array)
    for caller in program.functions:
        for call in caller.body:
            if isinstance(call, CallKernel) and call.callee == function.name:
                passed = call.args[position]
                if passed in {p.name for p in caller.params}:
                    return stream(program, caller, passed, lanes, depth)
                found = link(program, caller, passed)
                if call not in (found.producer.call, found.consumer.call):
                    raise ScheduleError(
                        f"{array!r} of {function.name!r} is neither read nor written",
                        code="BF-S028",
                        span=declared_at(function, array),
                        remedy="leave the parameter out",
                    )
                return _end(program, found, found.producer.call is call, lanes, depth)
    raise ScheduleError(
        f"{function.name!r} is called under a loop or a condition",
        code="BF-S028",
        span=function.span,
        remedy="a stream's kernel is called once: move the loop into it",
    )


def _end(program: Program, found: Link, writes: bool, lanes: int, depth: int) -> Program:
    """Stream one end of what links two kernels."""
    split = found.split()
    end = split.producer if writes else split.consumer
    callee, parameter = end.place(program)
    program = cleaned(program.with_function(split.owner))
    program = _packed(program, callee, parameter, lanes)
    program = _ends(program, callee, parameter, writes)
    owner = program.function(found.owner.name)
    owner = retype(owner, end.array, lambda t: replace(t, streamed=True, layout=(), memory=""))
    return relink(program, replace(split, owner=owner), depth)


def _packed(program: Program, kernel: str, array: str, lanes: int) -> Program:
    """`array` packed by `lanes`, where that is asked for."""
    type = arrays_of(program.function(kernel))[array]
    if not lanes or (lanes == 1 and not type.lanes_of):
        return program
    return pack(program, program.function(kernel), array, lanes)


def _ends(program: Program, kernel: str, array: str, writes: bool) -> Program:
    """`get` or `put` in the kernel that uses the parameter, and streamed types on the way to it."""
    chain = _chain(program, kernel, array)
    where, name = chain[-1]
    leaf = program.function(where)
    program = program.with_function(writer(leaf, name) if writes else reader(leaf, name))
    for owner, parameter in chain:
        changed = retype(
            program.function(owner), parameter, lambda t: replace(t, streamed=True, layout=(), memory="")
        )
        program = program.with_function(changed)
    return program


def _chain(program: Program, kernel: str, array: str) -> list[tuple[str, str]]:
    """The kernels that hand the parameter on, down to the one that uses it."""
    chain = [(kernel, array)]
    while True:
        owner, name = chain[-1]
        function = program.function(owner)
        users = [s for s in walk(function.body) if any(a.array == name for a in accesses(program, s))]
        users += [s for s in walk(function.body) if isinstance(s, CallKernel) and name in s.args]
        calls = [
            (s, i) for s in users if isinstance(s, CallKernel) for i, a in enumerate(s.args) if a == name
        ]
        calls = list(dict.fromkeys(calls))
        if not calls:
            return chain
        call, position = calls[0]
        others = [s for s in users if s is not call]
        if others or len(calls) > 1:
            raise ScheduleError(
                f"{name!r} of {owner!r} is used in several places; a stream has one end in a program",
                code="BF-S028",
                span=(others or [call])[0].span,
                notes=[Note("it is also passed here", call.span)],
                remedy="copy it to a second array in a kernel of its own",
            )
        if call not in function.body:
            raise ScheduleError(
                f"{name!r} is passed to {call.callee!r} under a loop or a condition",
                code="BF-S028",
                span=call.span,
                remedy="a stream's kernel is called once: move the loop into it",
            )
        chain.append((call.callee, program.function(call.callee).params[position].name))


# ---- a port of the top kernel


def _port(program: Program, array: str, lanes: int) -> Program:
    top = program.top
    where, name = _chain(program, top.name, array)[-1]
    leaf = program.function(where)
    read, written = parameter_effects(program, leaf)[[p.name for p in leaf.params].index(name)]
    if read == written and not only_sets_lanes(leaf, name):
        raise ScheduleError(
            f"{name!r} of {where!r} is {'both read and written' if read else 'not used'}",
            code="BF-S028",
            span=declared_at(leaf, name),
            remedy="stream arrays that go one way",
        )
    program = _packed(program, top.name, array, lanes)
    return _ends(program, top.name, array, written)
