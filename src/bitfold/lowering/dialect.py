"""The `bf` dialect: exact integer arithmetic on types that carry their signedness (`ui7`, `si12`).

Every operation on integers computes the mathematically exact result, and its result type holds all of them;
only `bf.cast` and stores wrap. On floats (`f16`, `f32`, `f64`), operands and result are of one type, to which
the result is rounded. Loops and arrays stay in scf and memref, where these discardable attributes say how
they are scheduled:

    scf.for      bf.name, bf.pipeline (initiation interval), bf.unroll (factor, -1: whole), bf.flatten,
                 bf.rewind, bf.trips (what is known of a varying number of iterations: min, max, avg)
    memref.alloca, memref.get_global, function arguments
                 bf.name, bf.lanes_of (elements packed along the innermost dimension),
                 bf.partition (a list of {kind, dim, factor}), bf.memory, bf.fill,
                 bf.scalar (of an argument: its one element is a number to callers)
    func.func    bf.kernel (its name in Python), bf.dataflow
"""

from __future__ import annotations

import sys
from typing import Any

from bitfold.diagnostics import Span
from bitfold.lang.stream import StreamType
from bitfold.lang.types import ArrayType, ElementType, IntType
from bitfold.lowering.mlir import ext, ir


class BF(ext.Dialect, name="bf"):  # type: ignore[misc, call-arg]
    """The dialect itself; `load` registers it in the current context."""


# The bindings look for a module of this name at each operation of a dialect whose classes they have not seen,
# and search the path again every time that there is none.
sys.modules.setdefault(f"{ext.__package__}.{BF.DIALECT_NAMESPACE}", sys.modules[__name__])

# `!bf.stream<T>`: a first-in first-out channel of T. Built by a call since the fields' types must be objects.
Stream: Any = type(BF.Type)(
    "Stream", (BF.Type,), {"__annotations__": {"element": Any}, "__module__": __name__}, name="stream"
)

# `!bf.streams<T, [3, 4]>`: an array of channels of T.
Streams: Any = type(BF.Type)(
    "Streams",
    (BF.Type,),
    {"__annotations__": {"element": Any, "shape": Any}, "__module__": __name__},
    name="streams",
)


def _define(
    name: str,
    *fields: str,
    attribute: str | None = None,
    kind: Any = None,
    pure: bool = True,
    result: bool = True,
) -> Any:
    """Define `bf.name`: operands of any type, at most one attribute, one result of any type or none."""
    annotations: dict[str, Any] = {} if attribute is None else {attribute: kind}
    annotations |= {operand: ext.Operand[Any] for operand in fields}
    if result:
        annotations["result"] = ext.Result[Any]
    namespace = {"__annotations__": annotations, "__module__": __name__}
    title = "".join(part.capitalize() for part in name.split("_"))
    traits = [ext.Pure] if pure else []
    return type(BF.Operation)(title, (BF.Operation,), namespace, name=name, traits=traits)


Constant = _define("constant", attribute="value", kind=ir.IntegerAttr)
# Python's operators, exact.
Add = _define("add", "lhs", "rhs")
Sub = _define("sub", "lhs", "rhs")
Mul = _define("mul", "lhs", "rhs")
Div = _define("div", "lhs", "rhs")
Floordiv = _define("floordiv", "lhs", "rhs")
Mod = _define("mod", "lhs", "rhs")
Shl = _define("shl", "lhs", "rhs")
Shr = _define("shr", "lhs", "rhs")
And = _define("and", "lhs", "rhs")
Or = _define("or", "lhs", "rhs")
Xor = _define("xor", "lhs", "rhs")
Neg = _define("neg", "value")
Invert = _define("invert", "value")
# pred is one of == != < <= > >=; the result is ui1.
Cmp = _define("cmp", "lhs", "rhs", attribute="pred", kind=ir.StringAttr)
Select = _define("select", "cond", "then", "other")
# The result of xnor is ui<lanes>: the low lanes of both operands compared.
Xnor = _define("xnor", "lhs", "rhs")
Popcount = _define("popcount", "value")
GetBit = _define("get_bit", "word", "position")
SetBit = _define("set_bit", "word", "position", "value")
# The result is ui<width>, of an operand of the same type.
Reverse = _define("reverse", "value")
Min = _define("min", "lhs", "rhs")
Max = _define("max", "lhs", "rhs")
Abs = _define("abs", "value")
# Two's complement wrap or extension to the result type; rounding to a float, of integers by way of f64.
Cast = _define("cast", "value")
# The bits of a float as ui<width>, or of an unsigned integer, with zeros above it, as a float.
Bitcast = _define("bitcast", "value")
# A float without its fraction, wrapped to the result type; 0 of inf and nan.
Trunc = _define("trunc", "value")
# A function of floats, named as in bitfold.lang.
Math = _define("math", "value", attribute="fn", kind=ir.StringAttr)
Pow = _define("pow", "lhs", "rhs")
# Between ui1 and the signless i1 that scf.if takes, and between integers and index.
Condition = _define("condition", "value")
FromIndex = _define("from_index", "value")
ToIndex = _define("to_index", "value")
# A local stream, or array of streams, of at most depth elements each, and one stream of an array by its
# row-major position.
Channel = _define("channel", attribute="depth", kind=ir.IntegerAttr, pure=False)
At = _define("at", "streams", "position")
# Whether a stream is empty or full: ui1.
Empty = _define("empty", "stream", pure=False)
Full = _define("full", "stream", pure=False)
# A blocking read from a stream, and a write to one.
Get = _define("get", "stream", pure=False)
Put = _define("put", "stream", "value", pure=False, result=False)


def integer(type: IntType) -> ir.Type:
    """The MLIR type of an integer of the language, signedness included."""
    make = ir.IntegerType.get_signed if type.signed else ir.IntegerType.get_unsigned
    return make(type.width)


def element(type: ElementType) -> ir.Type:
    """The MLIR type of a scalar or an array element."""
    if isinstance(type, IntType):
        return integer(type)
    return {16: ir.F16Type, 32: ir.F32Type, 64: ir.F64Type}[type.width].get()


def is_float(type: ir.Type) -> bool:
    return isinstance(type, (ir.F16Type, ir.F32Type, ir.F64Type))


def bits(type: ir.Type) -> int:
    """How many bits a scalar has."""
    found: int = (ir.FloatType if is_float(type) else ir.IntegerType)(type).width
    return found


def memory(type: ArrayType) -> ir.Type:
    """The MLIR type of an array, of the stream that carries its elements, or of streams."""
    if isinstance(type, StreamType) and type.shape:
        i64 = ir.IntegerType.get_signless(64)
        return Streams.get(
            element(type.elem), ir.ArrayAttr.get([ir.IntegerAttr.get(i64, d) for d in type.dims])
        )
    if type.streamed:
        return Stream.get(element(type.elem))
    return ir.MemRefType.get(list(type.dims), element(type.elem))


def streams_shape(type: ir.Type) -> tuple[int, ...]:
    """The dimensions of an array of streams."""
    return tuple(int(ir.IntegerAttr(d).value) for d in ir.ArrayAttr(type.shape))


def location(span: Span) -> ir.Location:
    """Where in the user's Python an operation comes from."""
    return ir.Location.file(span.file, span.line, span.col + 1)
