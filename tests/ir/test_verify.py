"""The verifier accepts what the front end makes and catches each way in which a stage can go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from tests.frontend.refusals import HEAD
from tests.strategies import KernelCase, kernels

from bitfold.ir import build
from bitfold.ir.nodes import (
    Alloc,
    Assign,
    CallKernel,
    Declare,
    Expr,
    For,
    Get,
    Load,
    Op,
    Param,
    Program,
    Put,
    Rom,
    Stmt,
    Store,
)
from bitfold.ir.verify import MalformedError, verify
from bitfold.lang import bit, cyclic, int8, int16, packed, stream, uint8

SOURCE = f"""{HEAD}
W = np.array([1, 2, 3, 4], np.uint8)

def helper(a: uint8[4]):
    a[0] = W[1]

def kernel(x: uint8[4], y: int8[4]):
    t: int16 = 0
    for i in range(4):
        t += x[i]
    helper(x)
"""


@given(kernels())
def test_what_the_front_end_makes_is_well_formed(case: KernelCase):
    verify(case.program)


def with_body(*body: Stmt, params: tuple[Param, ...] = ()) -> Program:
    """The program of SOURCE with statements and parameters added to its top kernel."""
    program = KernelCase(SOURCE, {}).program
    top = program.top
    return program.with_function(replace(top, params=(*top.params, *params), body=(*top.body, *body)))


ZERO = build.const(0)
T = build.local("t", int16)
X0 = build.load("x", (ZERO,), uint8)
STREAM = Param("s", uint8[4] @ stream)


def loop(*body: Stmt, var: str = "j", high: int = 4, step: int = 1, flatten: bool = False) -> For:
    return For(var, ZERO, build.const(high), step, body, flatten=flatten)


def store(value: Expr, array: str = "x") -> Store:
    return Store(array, (ZERO,), value)


WRONG: dict[str, tuple[Callable[[], Program], str]] = {
    "a name bound twice": (lambda: with_body(Declare("t", uint8, ZERO)), "t is bound twice"),
    "a name of the language": (
        lambda: with_body(Declare("range", uint8, ZERO)),
        "range means something else",
    ),
    "a name of a callee": (lambda: with_body(Declare("helper", uint8, ZERO)), "helper means something else"),
    "a name of a constant": (
        lambda: with_body(Rom("v", uint8[4], "W_rom"), Declare("W_rom", uint8, ZERO)),
        "W_rom means something else",
    ),
    "an unknown scalar": (lambda: with_body(store(build.local("u", uint8))), "u is no scalar here"),
    "a scalar of a block that is left": (
        lambda: with_body(loop(Declare("u", uint8, ZERO)), store(build.local("u", uint8))),
        "u is no scalar here",
    ),
    "a narrower scalar": (lambda: with_body(store(replace(T, low=0))), "has not the range of int16"),
    "a narrower element": (lambda: with_body(store(replace(X0, high=7))), "has not the range of uint8"),
    "a scalar of another type": (lambda: with_body(Assign("t", uint8, ZERO)), "t is no uint8 here"),
    "an unknown array": (lambda: with_body(store(ZERO, "u")), "u is no array here"),
    "an array of a block that is left": (
        lambda: with_body(loop(Alloc("u", uint8[4])), store(ZERO, "u")),
        "u is no array here",
    ),
    "a wrong number of indices": (
        lambda: with_body(store(Load("x", (ZERO, ZERO), low=0, high=255))),
        "x is indexed with 2 indices",
    ),
    "a loop variable outside": (lambda: with_body(store(build.loop_var("i", 0, 3))), "i is no loop around"),
    "a loop variable of a smaller range": (
        lambda: with_body(loop(store(build.loop_var("j", 0, 2)))),
        "j has the range 0..2",
    ),
    "a step of 0": (lambda: with_body(loop(step=0)), "loop j has step 0"),
    "a flattened loop of two": (
        lambda: with_body(loop(loop(var="k"), store(ZERO), flatten=True)),
        "loop j cannot be flattened",
    ),
    "a flattened loop that never runs": (
        lambda: with_body(loop(loop(var="k"), high=0, flatten=True)),
        "loop j cannot be flattened",
    ),
    "a constant that is written": (
        lambda: with_body(Rom("v", uint8[4], "W_rom"), store(ZERO, "v")),
        "constant v is written",
    ),
    "an unknown constant": (lambda: with_body(Rom("v", uint8[4], "V")), "there is no constant V"),
    "a constant of another shape": (
        lambda: with_body(Rom("v", uint8[5], "W_rom")),
        r"rom v has shape \(4,\)",
    ),
    "an impossible layout": (lambda: with_body(Alloc("u", uint8[4] @ cyclic(2, 2))), "u: cyclic"),
    "an impossible packing": (lambda: with_body(Alloc("u", uint8[4] @ packed(99))), "u: 4 words"),
    "an empty array": (lambda: with_body(Alloc("u", uint8[0])), "must be at least 1"),
    "a callee that is not there": (lambda: with_body(CallKernel("g", ("x",))), "g is called before"),
    "too few arguments": (lambda: with_body(CallKernel("helper", ())), "helper gets 0 arguments"),
    "an argument of another type": (lambda: with_body(CallKernel("helper", ("y",))), r"takes uint8\[4\] but"),
    "an argument that is not there": (lambda: with_body(CallKernel("helper", ("u",))), "u is no array here"),
    "a stream that is indexed": (
        lambda: with_body(store(ZERO, "s"), params=(STREAM,)),
        "the stream s is indexed",
    ),
    "an array that is no stream": (lambda: with_body(Put("x", ZERO)), "x is no stream here"),
    "a get inside an expression": (
        lambda: with_body(store(build.binary(Op.ADD, build.get("s", uint8), T)), params=(STREAM,)),
        r"s.get\(\) inside an expression",
    ),
    "a get from an array": (lambda: with_body(store(Get("x", low=0, high=255))), "x is no stream here"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_malformed_program_is_caught(name: str):
    made, message = WRONG[name]
    verify(with_body())
    with pytest.raises(MalformedError, match=f"in kernel: .*{message}"):
        verify(made())


def test_two_kernels_of_one_name_are_caught():
    program = KernelCase(SOURCE, {}).program
    with pytest.raises(MalformedError, match="two kernels named kernel"):
        verify(replace(program, functions=(*program.functions, program.top)))


def test_a_kernel_called_before_it_is_defined_is_caught():
    program = KernelCase(SOURCE, {}).program
    with pytest.raises(MalformedError, match="helper is called before it is defined"):
        verify(replace(program, functions=program.functions[::-1]))


def test_streams_are_well_formed_where_they_stand_alone():
    verify(with_body(store(build.get("s", uint8)), Put("s", T), params=(STREAM,)))


def test_programs_are_equal_when_they_say_the_same():
    one, other = KernelCase(SOURCE, {}).program, KernelCase(f"\n\n{SOURCE}", {}).program
    assert one == other
    assert one != with_body(store(ZERO))
    changed = {name: np.array([9, 2, 3, 4], np.uint8) for name in one.constants}
    assert one != replace(one, constants=changed)
    assert one.function("helper").params[0].type == uint8[4]
    assert (bit[3], int8[3]) == (bit[3], int8[3])
