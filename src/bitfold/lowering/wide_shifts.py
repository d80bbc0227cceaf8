"""Shifts of wide integers by amounts that vary, as stages that each shift by a power of two or not at all.

LLVM expands a shift of 1,024 bits by a variable amount into halves of halves, which takes it ten seconds;
shifts by constants are a few instructions per 64 bits. Values are signless, as in the pass `bf-to-arith`.
"""

from __future__ import annotations

from typing import Any

from bitfold.lowering.mlir import arith, ir

WIDE = 128
"""Integers of more bits are shifted in stages: processors shift two registers as one."""


def varies(amount: Any) -> bool:
    """Whether an amount is known only when the program runs."""
    owner = amount.owner
    return not (isinstance(owner, ir.Operation | ir.OpView) and owner.operation.name == "arith.constant")


def shift_left(value: Any, amount: Any, most: int) -> Any:
    """`value << amount` in the width of `value`; `amount`, unsigned, is at most `most`."""
    for k in range(most.bit_length()):
        value = arith.SelectOp(_bit(amount, k), _shifted(arith.ShLIOp, value, 1 << k), value).result
    return value


def shift_right(value: Any, amount: Any, most: int, needed: int) -> Any:
    """The low `needed` bits of `value >> amount`, with the sign; `amount`, unsigned, is at most `most`."""
    for k in reversed(range(most.bit_length())):
        moved = arith.SelectOp(_bit(amount, k), _shifted(arith.ShRSIOp, value, 1 << k), value).result
        value = _low(moved, needed + (1 << k) - 1)  # no later stage reaches further up
    return _low(value, needed)


def one_hot(position: Any, width: int) -> Any:
    """`1 << position` in `width` bits; `position`, unsigned, is below that."""
    value = _constant(1, 1)
    for k in range((width - 1).bit_length()):
        wider = arith.ExtUIOp(_integer(min(2 << k, width)), value).result
        value = arith.SelectOp(_bit(position, k), _shifted(arith.ShLIOp, wider, 1 << k), wider).result
    return value


def _bit(amount: Any, k: int) -> Any:
    """Bit `k` of an amount, which may be narrower."""
    if _width(amount) <= k:
        return _constant(0, 1)
    return _low(_shifted(arith.ShRUIOp, amount, k), 1)


def _shifted(op: Any, value: Any, by: int) -> Any:
    return op(value, _constant(by, _width(value))).result


def _low(value: Any, width: int) -> Any:
    return value if width >= _width(value) else arith.TruncIOp(_integer(width), value).result


def _width(value: Any) -> int:
    return int(ir.IntegerType(value.type).width)


def _integer(width: int) -> Any:
    return ir.IntegerType.get_signless(width)


def _constant(value: int, width: int) -> Any:
    return arith.ConstantOp(_integer(width), ir.IntegerAttr.get(_integer(width), value)).result
