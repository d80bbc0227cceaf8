"""Pass channels-to-memory: streams become records in memory, and a wait becomes a call.

A record is six 64-bit words, in this order: where the ring of elements is, how many it holds at most, the
addresses of the two processes, where the first element is in the ring, and how many there are. A kernel that
must wait calls `bitfold_wait(record, to_put)`, which returns when it need not; one that asks, and finds the
stream empty or full, calls `bitfold_pass(record, to_put)`, which lets the others have a turn. The top kernel
goes: it is the scheduler that calls its kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bitfold.ir.network import is_network
from bitfold.lowering.dialect import Stream, Streams, is_float
from bitfold.lowering.mlir import arith, func, ir, scf
from bitfold.lowering.to_mlir import Lowered

WORDS = 6
RING, LIMIT, PRODUCER, CONSUMER, FIRST, COUNT = range(WORDS)
WAIT, PASS = "bitfold_wait", "bitfold_pass"


def channels_to_memory(lowered: Lowered) -> None:
    """Rewrite `lowered.module` in place when its program is a network."""
    if not is_network(lowered.program):
        return
    with lowered.context, ir.Location.unknown():
        body = lowered.module.body
        with ir.InsertionPoint.at_block_begin(body):
            types = [ir.Type.parse("!llvm.ptr"), ir.IntegerType.get_signless(64)]
            for name in (WAIT, PASS):
                func.FuncOp(name, ir.FunctionType.get(types, []), visibility="private")
        kernels = [op for op in body.operations if op.operation.name == "func.func"][2:]
        kernels[-1].operation.erase()
        for kernel in kernels[:-1]:
            block = kernel.operation.regions[0].blocks[0]
            for argument in block.arguments:
                if isinstance(argument.type, (Stream, Streams)):
                    argument.set_type(types[0])
            inputs = [a.type for a in block.arguments]
            kernel.operation.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(inputs, []))
            _block(block)


def _block(block: Any) -> None:
    for op in list(block.operations):
        operation = op.operation
        if operation.name in _RULES:
            with ir.InsertionPoint(operation), operation.location:
                value = _RULES[operation.name](operation)
            for result in operation.results:
                result.replace_all_uses_with(value)
            operation.erase()
            continue
        for region in operation.regions:
            for inner in region.blocks:
                _block(inner)


def _at(op: Any) -> Any:
    streams, position = op.operands
    i64 = ir.IntegerType.get_signless(64)
    words = arith.MulIOp(arith.IndexCastOp(i64, position).result, word(WORDS)).result
    return address(streams, words, i64)


def _get(op: Any) -> Any:
    stream = op.operands[0]
    _wait_if(arith.CmpIPredicate.eq, field(stream, COUNT), word(0), stream, 0)
    first = field(stream, FIRST)
    value = read(_element(stream, first, _signless(op.results[0].type)), _signless(op.results[0].type))
    after = arith.AddIOp(first, word(1)).result
    at_end = arith.CmpIOp(arith.CmpIPredicate.eq, after, field(stream, LIMIT)).result
    write(arith.SelectOp(at_end, word(0), after).result, _place(stream, FIRST))
    write(arith.SubIOp(field(stream, COUNT), word(1)).result, _place(stream, COUNT))
    return _cast(value, op.results[0].type)


def _put(op: Any) -> None:
    stream, value = op.operands
    limit = field(stream, LIMIT)
    _wait_if(arith.CmpIPredicate.uge, field(stream, COUNT), limit, stream, 1)
    count = field(stream, COUNT)
    place = arith.AddIOp(field(stream, FIRST), count).result
    beyond = arith.CmpIOp(arith.CmpIPredicate.uge, place, limit).result
    place = arith.SelectOp(beyond, arith.SubIOp(place, limit).result, place).result
    signless = _signless(value.type)
    write(_cast(value, signless), _element(stream, place, signless))
    write(arith.AddIOp(count, word(1)).result, _place(stream, COUNT))


def _empty(op: Any) -> Any:
    stream = op.operands[0]
    return _look(op, lambda: (arith.CmpIPredicate.eq, field(stream, COUNT), word(0)), 0)


def _full(op: Any) -> Any:
    stream = op.operands[0]
    return _look(op, lambda: (arith.CmpIPredicate.uge, field(stream, COUNT), field(stream, LIMIT)), 1)


def _look(op: Any, compared: Callable[[], tuple[Any, Any, Any]], to_put: int) -> Any:
    """Whether a comparison holds, also after the others had a turn."""
    _wait_if(*compared(), op.operands[0], to_put, PASS)
    return _cast(arith.CmpIOp(*compared()).result, op.results[0].type)


_RULES = {"bf.at": _at, "bf.get": _get, "bf.put": _put, "bf.empty": _empty, "bf.full": _full}


def _wait_if(predicate: Any, left: Any, right: Any, stream: Any, to_put: int, how: str = WAIT) -> None:
    branch = scf.IfOp(arith.CmpIOp(predicate, left, right).result)
    with ir.InsertionPoint(branch.then_block):
        func.CallOp([], how, [stream, word(to_put)])
        scf.YieldOp([])


def _signless(type: Any) -> Any:
    if is_float(type):
        return type
    return ir.IntegerType.get_signless(ir.IntegerType(type).width)


def _cast(value: Any, type: Any) -> Any:
    """Between a signful integer and the signless one of its width, which bf-to-arith makes the same."""
    if value.type == type:
        return value
    made = ir.Operation.create("builtin.unrealized_conversion_cast", results=[type], operands=[value])
    return made.result


def _element(stream: Any, position: Any, type: Any) -> Any:
    return address(read(_place(stream, RING), ir.Type.parse("!llvm.ptr")), position, type)


def _place(stream: Any, number: int) -> Any:
    return address(stream, word(number), ir.IntegerType.get_signless(64))


def field(record: Any, number: int) -> Any:
    """The 64-bit word `number` of a record."""
    return read(_place(record, number), ir.IntegerType.get_signless(64))


def word(value: int) -> Any:
    return arith.constant(ir.IntegerType.get_signless(64), value)


def read(place: Any, type: Any) -> Any:
    return ir.Operation.create("llvm.load", results=[type], operands=[place]).result


def write(value: Any, place: Any) -> None:
    ir.Operation.create("llvm.store", operands=[value, place])


def address(base: Any, position: Any, type: Any) -> Any:
    """Where element `position` (a 64-bit integer) is of an array of `type` that starts at `base`."""
    return ir.Operation.create(
        "llvm.getelementptr",
        results=[ir.Type.parse("!llvm.ptr")],
        operands=[base, position],
        attributes={
            "rawConstantIndices": ir.DenseI32ArrayAttr.get([-(2**31)]),
            "elem_type": ir.TypeAttr.get(type),
        },
    ).result
