"""Computations, memory, streams and calls as C++."""

from __future__ import annotations

from dataclasses import replace

from bitfold.build.hls import module as mlir
from bitfold.build.hls import reals
from bitfold.build.hls.body import Body, Handler, Memory
from bitfold.build.hls.ccode import BOOL, Code, Operand, ap, as_native, literal, name
from bitfold.build.hls.operators import arithmetic, expression
from bitfold.build.hls.pragmas import array_pragmas, memory_pragmas
from bitfold.lang.types import FloatType, IntType
from bitfold.lowering.dialect import bits, is_float
from bitfold.lowering.mlir import ir

_INDEX = IntType(64, True)
_INDEX_OPS = {"arith.addi": "+", "arith.subi": "-", "arith.muli": "*"}
_INDEX_DIVIDE = {"arith.floordivsi": "floordiv", "arith.remsi": "mod"}
_HINTS = {"popcount": "count", "cmp": "holds", "xnor": "agree", "shl": "shifted", "shr": "shifted"}
_COMPUTE = (
    *(
        "add",
        "sub",
        "mul",
        "floordiv",
        "mod",
        "shl",
        "shr",
        "and",
        "or",
        "xor",
        "neg",
        "invert",
        "cmp",
        "select",
    ),
    *("div", "trunc", "math", "pow"),
    *("xnor", "popcount", "get_bit", "set_bit", "reverse", "min", "max", "abs", "cast", "bitcast"),
)


def constant(body: Body, op: ir.Operation) -> None:
    if is_float(op.result.type):
        value = ir.FloatAttr(op.attributes["value"]).value
        body.values.constant(op.result, reals.constant(value, FloatType(bits(op.result.type))))
        return
    type = _INDEX if op.name == "arith.constant" else mlir.int_type(op.result.type)
    body.values.constant(op.result, literal(int(op.attributes["value"].value), type))


def compute(body: Body, op: ir.Operation) -> None:
    reads: set[ir.Value] = set()
    kind = op.name.removeprefix("bf.")
    if any(is_float(v.type) for v in (*op.operands, op.result)):
        given = [(body.take(v, reads), mlir.scalar_type(v.type)) for v in op.operands]
        detail = mlir.text(op.attributes, "fn" if kind == "math" else "pred")
        code = reals.expression(kind, detail, given, mlir.scalar_type(op.result.type))
        body.values.define(op.result, code, reads, hint=_HINTS.get(kind, detail or "value"))
        return
    args = [Operand(body.take(v, reads), mlir.int_type(v.type)) for v in op.operands]
    code = expression(kind, mlir.text(op.attributes, "pred"), args, mlir.int_type(op.result.type))
    body.values.define(op.result, code, reads, hint=_HINTS.get(kind, "value"))


def index_arithmetic(body: Body, op: ir.Operation) -> None:
    reads: set[ir.Value] = set()
    a, b = (as_native(body.take(v, reads)) for v in op.operands)
    if op.name in _INDEX_OPS:
        code = arithmetic(_INDEX_OPS[op.name], a, b, None, (_INDEX, _INDEX))
    else:
        kind = _INDEX_DIVIDE[op.name]
        high = a.high // max(1, b.low) if kind == "floordiv" else min(a.high, b.high - 1)
        code = expression(kind, "", [Operand(a, _INDEX), Operand(b, _INDEX)], _INDEX)
        code = replace(code, low=0, high=max(0, high))
    body.values.define(op.result, code, reads, hint="index")


def convert(body: Body, op: ir.Operation) -> None:
    """bf.condition, and bf.to_index and bf.from_index: C++ converts by itself."""
    reads: set[ir.Value] = set()
    code = body.take(op.operands[0], reads)
    if op.name == "bf.from_index":
        code = as_native(code).ranged(mlir.int_type(op.result.type))
    body.values.define(op.result, code, reads)


def alloca(body: Body, op: ir.Operation) -> None:
    type = op.result.type
    memory = Memory(mlir.text(op.attributes, "bf.name", "local"), mlir.element_type(type), mlir.shape(type))
    body.memories[op.result] = memory
    if not memory.dims:
        body.undeclared[op.result] = op.block
        return
    memory.name = body.names.declare(memory.name)
    if memory.dims == (1,) and "bf.state" not in op.attributes and body.effects.is_number(op.result):
        memory.dims = ()
        body.statement(f"{ap(memory.elem)} {memory.name};")
        return
    declaration = f"{ap(memory.elem)} {memory.name}{''.join(f'[{d}]' for d in memory.dims)}"
    if "bf.state" not in op.attributes:
        body.statement(f"{declaration};")
    else:
        body.static(declaration, mlir.text(op.attributes, "bf.state"))
    body.pragmas(array_pragmas(memory.name, mlir.partitions(op.attributes)))
    body.pragmas(memory_pragmas(memory.name, "ram", mlir.text(op.attributes, "bf.memory")))


def get_global(body: Body, op: ir.Operation) -> None:
    type = op.result.type
    known = body.globals[mlir.text(op.attributes, "name")]
    body.memories[op.result] = Memory(known, mlir.element_type(type), mlir.shape(type))
    body.pragmas(array_pragmas(known, mlir.partitions(op.attributes)))
    body.pragmas(memory_pragmas(known, "rom", mlir.text(op.attributes, "bf.memory")))


def load(body: Body, op: ir.Operation) -> None:
    memref = op.operands[0]
    body.declare({memref})
    reads = {memref}
    place = body.place(memref, list(op.operands)[1:], reads)
    memory = body.memories[memref]
    body.values.define(op.result, name(place, ap(memory.elem)), reads, hint=f"{memory.name}_value")


def store(body: Body, op: ir.Operation) -> None:
    memref = op.operands[1]
    value = body.take(op.operands[0])
    declares = memref in body.undeclared and body.undeclared[memref] == op.block
    if not declares:
        body.declare({memref})
    place = body.place(memref, list(op.operands)[2:])
    body.values.settle_before({memref})
    memory = body.memories[memref]
    if value.unwrapped is not None and value.type == ap(memory.elem):
        value = value.unwrapped
    if declares:
        memory = body.name_scalar(memref)
        const = "const " if _is_set_once(memref) else ""
        body.statement(f"{const}{ap(memory.elem)} {memory.name} =", f"{value.text};")
    else:
        body.statement(*_assignment(place, value))


def _is_set_once(memref: ir.Value) -> bool:
    """Whether the one store to a scalar is its only change."""
    uses = [use.owner.name for use in memref.uses]
    return uses.count("memref.store") == 1 and "func.call" not in uses


def _assignment(place: str, value: Code) -> tuple[str, str]:
    """`place =` and `value;`, as an update where the value starts from what is there."""
    if value.update is not None:
        op, parts = value.update
        if parts[0].text == place:
            if op == "[]":
                return f"{place}[{parts[1].text}] =", f"{parts[2].text};"
            return f"{place} {op}=", f"{parts[1].text};"
    return f"{place} =", f"{value.text};"


def channel(body: Body, op: ir.Operation) -> None:
    type = op.result.type
    title = mlir.text(op.attributes, "bf.name", "stream")
    memory = Memory(body.names.declare(title), mlir.element_type(type), mlir.shape(type))
    body.memories[op.result] = memory
    dims = "".join(f"[{d}]" for d in memory.dims)
    named = dims or f'("{memory.name}")'
    body.statement(f"hls::stream<{ap(memory.elem)}> {memory.name}{named};")
    body.pragmas([f"STREAM variable={memory.name} depth={mlir.number(op.attributes, 'depth')}"])


def at(body: Body, op: ir.Operation) -> None:
    """One stream of an array of streams, which the operation that follows uses."""
    streams = body.memories[op.operands[0]]
    place = body.place(op.operands[0], [op.operands[1]])
    body.memories[op.result] = Memory(place, streams.elem, ())


def look(body: Body, op: ir.Operation) -> None:
    """bf.empty and bf.full: evaluated where they stand, since a get or put may follow."""
    stream = op.operands[0]
    body.values.settle_before({mlir.channel(stream)})
    asked = f"{body.memories[stream].name}.{op.name.removeprefix('bf.')}()"
    code = replace(name(asked, BOOL), low=0, high=1)
    body.values.define(op.result, code, {mlir.channel(stream)}, effect=True, hint=op.name.removeprefix("bf."))


def get(body: Body, op: ir.Operation) -> None:
    stream = op.operands[0]
    memory = body.memories[stream]
    body.values.settle_before({mlir.channel(stream)})
    code = name(f"{memory.name}.read()", ap(memory.elem))
    hint = f"{memory.name.partition('[')[0]}_word"
    body.values.define(op.result, code, {mlir.channel(stream)}, effect=True, hint=hint)


def put(body: Body, op: ir.Operation) -> None:
    stream, value = op.operands[0], body.take(op.operands[1])
    body.values.settle_before({mlir.channel(stream)})
    body.statement(f"{body.memories[stream].name}.write({value.text});")


def call(body: Body, op: ir.Operation) -> None:
    body.enter(op)
    callee = mlir.text(op.attributes, "callee")
    given = zip(op.operands, body.effects.scalars[callee], strict=True)
    args = ", ".join(_argument(body.memories[v], scalar) for v, scalar in given)
    body.statement(f"{body.callees[callee]}({args});")


def _argument(memory: Memory, scalar: bool) -> str:
    """What a call passes for a number, or for an array or stream."""
    return memory.name + "[0]" * (len(memory.dims) if scalar else 0)


def nothing(body: Body, op: ir.Operation) -> None:
    """func.return and scf.yield: the closing brace says it."""


HANDLERS: dict[str, Handler] = {
    **{f"bf.{kind}": compute for kind in _COMPUTE},
    **dict.fromkeys((*_INDEX_OPS, *_INDEX_DIVIDE), index_arithmetic),
    "arith.constant": constant,
    "bf.constant": constant,
    "bf.at": at,
    "bf.channel": channel,
    "bf.condition": convert,
    "bf.empty": look,
    "bf.from_index": convert,
    "bf.to_index": convert,
    "bf.full": look,
    "bf.get": get,
    "bf.put": put,
    "func.call": call,
    "func.return": nothing,
    "memref.alloca": alloca,
    "memref.get_global": get_global,
    "memref.load": load,
    "memref.store": store,
    "scf.yield": nothing,
}
