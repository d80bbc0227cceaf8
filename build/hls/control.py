"""Loops and conditions as C++."""

from __future__ import annotations

import math
from dataclasses import replace

from bitfold.build.hls import module as mlir
from bitfold.build.hls.body import Body, Handler
from bitfold.build.hls.ccode import LONG, Code, Operand, Prec, ap, as_native, literal, name, native_type
from bitfold.build.hls.operators import expression
from bitfold.build.hls.pragmas import loop_pragmas
from bitfold.build.hls.reals import select
from bitfold.build.hls.statements import HANDLERS as STATEMENTS
from bitfold.build.hls.statements import constant, nothing
from bitfold.diagnostics import BuildError
from bitfold.lang.types import FloatType, IntType
from bitfold.lowering.mlir import ir

_STREAMS = {"bf.at", "bf.channel", "bf.empty", "bf.full", "bf.get", "bf.put"}
_PLAIN = frozenset(STATEMENTS) - _STREAMS - {"func.call", "memref.alloca", "memref.store"}


def if_(body: Body, op: ir.Operation) -> None:
    if len(op.results) == 1 and all(_is_expression(r.blocks[0]) for r in op.regions):
        _ternary(body, op)
        return
    where = body.where
    condition = body.take(op.operands[0])
    body.enter(op)
    results = []
    for result in op.results:
        results.append(name(body.names.declare("value"), ap(mlir.scalar_type(result.type))))
        body.line(f"{results[-1].type} {results[-1].text};", where)
    body.line(f"if ({condition.text}) {{", where)
    _branch(body, op.regions[0].blocks[0], results)
    if len(op.regions[1].blocks):
        body.line("} else {")
        _branch(body, op.regions[1].blocks[0], results)
    body.line("}")
    for result, code in zip(op.results, results, strict=True):
        body.values.define(result, code)


def _branch(body: Body, block: ir.Block, results: list[Code]) -> None:
    with body.scope():
        body.block(block)
        for value, result in zip(_yielded(block), results, strict=True):
            body.statement(f"{result.text} = {body.take(value).text};")


def _ternary(body: Body, op: ir.Operation) -> None:
    reads: set[ir.Value] = set()
    condition = body.take(op.operands[0], reads)
    type = mlir.scalar_type(op.result.type)
    sides = []
    for block in (region.blocks[0] for region in op.regions):
        body.block(block)
        sides.append(body.take(_yielded(block)[0], reads))
    if isinstance(type, FloatType):
        code = select(condition, sides[0], sides[1], type)
    else:
        args = [Operand(condition, IntType(1, False)), *(Operand(s, type) for s in sides)]
        code = expression("select", "", args, type)
    body.values.define(op.result, code, reads)


def _yielded(block: ir.Block) -> list[ir.Value]:
    return list(block.operations[len(block.operations) - 1].operands)


def _is_expression(block: ir.Block) -> bool:
    """Whether a branch only computes, each value for one use, so that `?:` can hold it."""
    for op in (each.operation for each in block.operations):
        if op.name == "scf.if":
            if len(op.results) != 1 or not all(_is_expression(r.blocks[0]) for r in op.regions):
                return False
        elif op.name not in _PLAIN:
            return False
        if op.name.endswith((".constant", ".yield")):
            continue
        if sum(1 for _ in op.result.uses) > 1:
            return False
    return True


def for_(body: Body, op: ir.Operation) -> None:
    if len(op.results):
        raise BuildError(
            "HLS C++ has no form for a loop with results", code="BF-B011", remedy="please report this"
        )
    body.enter(op)  # names a bound that the loop's body would change: Python computes it once
    low, high, step = (as_native(body.take(v)) for v in op.operands)
    body.values.settle_used(frozenset(v for each in mlir.nested(op) for v in each.operands))
    body.where = mlir.source(op)
    if "bf.flatten" in op.attributes:
        _flat(body, op)
        return
    title = mlir.text(op.attributes, "bf.name", "i")
    label = body.names.label(title)
    body.names.push()
    var = _counter(body.names.declare(title), low.low, max(low.low, high.high - 1), high.high + step.low)
    advance = f"++{var.text}" if step.low == 1 else f"{var.text} += {step.low}"
    head = f"for ({var.type} {var.text} = {low.text}; {var.text} < {high.at(Prec.SHIFT)}; {advance})"
    with body.braces(f"{label}: {head}", body.where):
        body.pragmas(loop_pragmas([op]))
        body.values.constant(_variable(op), var)
        body.block(op.regions[0].blocks[0])
    body.names.pop()


def while_(body: Body, op: ir.Operation) -> None:
    """`while (condition)` where one expression says the condition, else an endless loop that it leaves."""
    before, after = (region.blocks[0] for region in op.regions)
    body.enter(op)
    used = frozenset(v for each in mlir.nested(op) for v in each.operands)
    body.values.settle_used(used)
    body.values.settle_before(set())
    where = body.where = mlir.source(op)
    head = len(body.lines)
    with body.scope():
        body.block(before)
        asked = body.take(before.operations[len(before.operations) - 1].operands[0])
        first = body.take_lines(head)
        opening = "while (true)" if first else f"while ({asked.text})"
        body.opening(f"{body.names.label('while_loop')}: {opening} {{", where)
        body.lines += first
        if first:
            body.line(f"if (!{asked.at(Prec.UNARY)}) break;")
        body.block(after)
    body.line("}")


def _counter(text: str, low: int, high: int, reached: int) -> Code:
    """A loop variable with values low..high, wide enough for `reached`, where the loop ends."""
    return replace(name(text, native_type(low, reached) or LONG), low=low, high=high)


def _flat(body: Body, outer: ir.Operation) -> None:
    """A nest marked bf.flatten as one loop that counts its variables up by hand, never by / or %.

    A variable that only ever is 0 is written as 0, so that nothing that it indexes costs a multiplexer.
    """
    nest = [outer]
    while "bf.flatten" in nest[-1].attributes:
        nest.append(_only_loop(body, nest[-1]))
    titles = [mlir.text(loop.attributes, "bf.name", "i") for loop in nest]
    label = body.names.label("_".join(titles))
    counted = [loop for loop in nest if _trips(loop) > 1] or nest[-1:]
    for loop in (each for each in nest if each not in counted):
        body.values.constant(_variable(loop), literal(0, IntType(1, False)))
    trips = [_trips(loop) for loop in counted]
    total = math.prod(trips)
    if len(counted) == 1:
        body.names.push()
    counters = [body.names.declare(mlir.text(loop.attributes, "bf.name", "i")) for loop in counted]
    if len(counted) > 1:
        body.line(f"int {', '.join(f'{c} = 0' for c in counters)};")
        body.names.push()
    step = _counter(body.names.declare("step") if len(counted) > 1 else counters[0], 0, total - 1, total)
    for loop, counter, count in zip(counted, counters, trips, strict=True):
        body.values.constant(_variable(loop), _counter(counter, 0, count - 1, count))
    first = f"{trips[0]}{'LL' if step.type == LONG else ''}"
    until = " * ".join([first, *map(str, trips[1:])])
    head = f"for ({step.type} {step.text} = 0; {step.text} < {until}; ++{step.text})"
    with body.braces(f"{label}: {head}", body.where):
        body.pragmas(loop_pragmas(nest))
        body.block(nest[-1].regions[0].blocks[0])
        if len(counted) > 1:
            _advance(body, counters, trips)
    body.names.pop()


def _variable(loop: ir.Operation) -> ir.Value:
    return loop.regions[0].blocks[0].arguments[0]


def _advance(body: Body, counters: list[str], trips: list[int]) -> None:
    """Count the innermost variable up; at its end start it over and count up the next outer one."""
    if len(counters) == 1:
        body.line(f"++{counters[0]};")
        return
    with body.braces(f"if (++{counters[-1]} == {trips[-1]})"):
        body.line(f"{counters[-1]} = 0;")
        _advance(body, counters[:-1], trips[:-1])


def _only_loop(body: Body, op: ir.Operation) -> ir.Operation:
    """The single loop in the body of a flattened one; constants beside it are taken in."""
    inner = [each.operation for each in op.regions[0].blocks[0].operations]
    loops = [each for each in inner if each.name == "scf.for"]
    others = {each.name for each in inner} - {"scf.for", "scf.yield", "arith.constant"}
    if len(loops) != 1 or others:
        raise BuildError(
            "a flattened loop must hold exactly one loop", code="BF-B011", remedy="please report this"
        )
    for each in inner:
        if each.name == "arith.constant":
            constant(body, each)
    return loops[0]


def _trips(loop: ir.Operation) -> int:
    low, high, step = (_constant_value(v) for v in loop.operands)
    if low != 0 or step != 1 or high is None:
        raise BuildError(
            "a flattened loop must count from 0 by 1 to a constant",
            code="BF-B011",
            remedy="please report this",
        )
    return high


def _constant_value(value: ir.Value) -> int | None:
    owner = value.owner
    if isinstance(owner, ir.Block) or owner.name != "arith.constant":
        return None
    return int(owner.attributes["value"].value)


HANDLERS: dict[str, Handler] = {
    **STATEMENTS,
    "scf.for": for_,
    "scf.if": if_,
    "scf.while": while_,
    "scf.condition": nothing,
}
