"""buffer_at: a local copy of what a loop's body writes of an array."""

from __future__ import annotations

from dataclasses import replace

import islpy as isl

from bitfold.diagnostics import ScheduleError
from bitfold.ir import build
from bitfold.ir.nodes import Expr, For, Function, Program, Stmt, Store, walk
from bitfold.ir.rewrite import Body, bound_names, fresh, placed_at, replace_loop
from bitfold.schedule.affine import affine, domain
from bitfold.schedule.lookup import find_array, plain_loop
from bitfold.schedule.window import Buffer, Touch, Window, added, touches, windows


def buffer_at(program: Program, function: Function, array: str, axis: str) -> tuple[Function, str]:
    """Keep what an iteration of `axis` writes of `array` in a local array, and write it back at the end.

        for m in range(8):                    for m in range(8):
            for n in range(16):                   c_buffer = empty(int32[16])
                c[m, n] = 0                       for n in range(16):
            for k in range(32):       ->              c_buffer[n] = 0
                for n in range(16):               for k in range(32):
                    c[m, n] += f(k, n)                for n in range(16):
                                                          c_buffer[n] += f(k, n)
                                                  for c_buffer_1 in range(16):
                                                      c[m, c_buffer_1] = c_buffer[c_buffer_1]

    The local array has the size of what is touched, as isl finds it. Unless isl proves that an iteration
    writes all of it before it reads any, it is filled from the array first. Always legal.

    Raises:
        ScheduleError: the loop's body writes nothing of the array, or the array is packed, a stream, declared
            in the loop or passed to a kernel there; the loop is pipelined or unrolled already.
    """
    loop = plain_loop(function, axis, "buffer first, then pipeline or unroll")
    found = touches(program, function, array, axis)
    if not any(t.write for t in found):
        raise ScheduleError(
            f"loop {axis!r} of {function.name!r} writes nothing of {array!r}",
            code="BF-S025",
            span=loop.span,
            remedy=f"reuse_at({array!r}, {axis!r}) keeps what is read; name a loop that writes the array",
        )
    type, taken = find_array(function, array), bound_names(function)
    inside = frozenset(s.var for s in walk(loop.body) if isinstance(s, For))
    parts = windows(found, type, inside)
    buffer = Buffer(array, fresh(f"{array}_buffer", taken), type, parts, taken)
    sizes = [w.size for w in parts]

    def element(offsets: list[Expr]) -> list[Expr]:
        return [added(w.base, o) for w, o in zip(parts, offsets, strict=True)]

    def filled(offsets: list[Expr]) -> tuple[Body, list[Expr]]:
        at = element(offsets)
        return (Store(buffer.name, buffer.held(offsets), build.load(array, tuple(at), type.elem)),), at

    def returned(offsets: list[Expr]) -> tuple[Body, list[Expr]]:
        at = element(offsets)
        return (Store(array, tuple(at), build.load(buffer.name, buffer.held(offsets), type.elem)),), at

    filling = () if _written_first(found, parts, axis) else buffer.over(sizes, filled)
    first, last = (placed_at(body, loop.span) for body in (filling, buffer.over(sizes, returned)))

    def change(old: For) -> tuple[Stmt, ...]:
        return (
            replace(
                old, body=(replace(buffer.alloc, span=old.span), *first, *buffer.rewritten(old.body), *last)
            ),
        )

    return replace(function, body=replace_loop(function.body, axis, change)), buffer.name


def _written_first(found: list[Touch], parts: list[Window], axis: str) -> bool:
    """Whether each iteration of `axis` writes the whole window, and each element before it is read."""
    depth = max(2 * len(t.instance.loops) + 1 for t in found)
    writes = isl.Map("{ [] -> [] : false }")
    reads = isl.Map("{ [] -> [] : false }")
    for touch in found:
        instance, names = touch.instance, touch.instance.names
        outer = list(names)[: list(names).index(axis) + 1]
        indices = [affine(i, names) for i in touch.indices]
        exact = None not in indices and domain(instance.loops, instance.guards, names).exact
        if touch.write and not exact:
            continue
        if None in indices:
            return False
        key = ", ".join([*(names[o] for o in outer), *map(str, indices)])
        when = isl.Map(f"{{ {instance.head} -> [{key}] : {instance.domain} }}").reverse()
        when = when.apply_range(instance.time(instance, depth))
        if touch.write:
            writes = when if writes.is_empty() else writes.union(when)
        else:
            reads = when if reads.is_empty() else reads.union(when)
    if writes.is_empty():
        return False
    loops = found[0].instance.loops
    at = [loop.var for loop in loops].index(axis) + 1
    names = found[0].instance.names
    elements = [f"e{d}" for d in range(len(parts))]
    limits = [domain(loops[:at], (), names).text]
    for e, part in zip(elements, parts, strict=True):
        base = affine(part.base, names)
        limits.append(f"{base} <= {e} < {base} + {part.size}")
        limits.append(f"0 <= {e} < {part.extent}")
    key = ", ".join([*(names[loop.var] for loop in loops[:at]), *elements])
    whole = isl.Set(f"{{ [{key}] : {' and '.join(limits)} }}")
    if not whole.is_subset(writes.domain()):
        return False
    after = writes.apply_range(isl.Map.lex_lt(writes.get_space().range()))
    return bool(reads.is_empty() or reads.is_subset(after))
