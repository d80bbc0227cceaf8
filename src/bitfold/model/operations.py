"""How many binary operations a program does for one image, and how many bytes cross its ports.

As the paper counts (FPGA 2017, in its roofline): a multiplication by a weight and the addition of its product
are an operation each, so a synapse is two. A first layer of 8-bit pixels counts the same.
"""

from __future__ import annotations

from math import prod

from bitfold.ir.nodes import Assign, CallKernel, For, Function, If, Program, Stmt, Store, walk
from bitfold.lang.types import ArrayType
from bitfold.model.cycles import accumulation, weight_types


def operations(program: Program) -> dict[str, int]:
    """Operations for one image of each kernel that the top calls, or of the top that calls none."""
    called = [program.function(s.callee) for s in walk(program.top.body) if isinstance(s, CallKernel)]
    return {f.name: of_kernel(f) for f in called or [program.top]}


def of_kernel(function: Function) -> int:
    """Operations of one run of a kernel; what is under a condition counts as done."""
    return 2 * _products(function.body, 1, weight_types(function))


def _products(body: tuple[Stmt, ...], times: int, types: dict[str, ArrayType]) -> int:
    total = 0
    for stmt in body:
        match stmt:
            case For():
                high = stmt.trips if stmt.trips is not None else stmt.high.high - stmt.low.low
                total += _products(stmt.body, times * max(0, high), types)
            case If():
                total += _products(stmt.then, times, types) + _products(stmt.orelse, times, types)
            case Assign() | Store():
                found = accumulation(stmt, types)
                total += times * found[1] if found is not None else 0
    return total


def port_bytes(program: Program) -> int:
    """Bytes that go in and out of the top kernel for one image, without padding of its words."""
    logical = [p.type.logical for p in program.top.params]
    return -(-sum(prod(t.dims) * t.elem.width for t in logical) // 8)
