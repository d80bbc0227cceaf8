"""Rewriting keeps what it does not change, and gives copies names of their own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.frontend.refusals import in_kernel
from tests.strategies import KernelCase, assert_same, kernels

from bitfold.ir import build
from bitfold.ir.nodes import Const, Declare, For, LoopVar, Op, Store, walk
from bitfold.ir.rewrite import (
    bindings,
    bound_names,
    fresh,
    freshen,
    loop_path,
    map_body,
    map_exprs,
    numbered,
    rename,
    replace_loop,
    substitute,
)
from bitfold.ir.run import run_python
from bitfold.ir.verify import verify


@given(kernels())
def test_changing_nothing_keeps_the_body(case: KernelCase):
    body = case.program.top.body
    assert map_exprs(body, lambda e: None) == body
    assert all(a is b for a, b in zip(map_body(body, lambda s: None), body, strict=True))
    assert rename(body, {}) == body


@given(kernels(), st.integers(0, 99))
def test_renaming_everything_changes_no_result(case: KernelCase, seed: int):
    program = case.program
    top = program.top
    inner = bindings(top) - {p.name for p in top.params}
    renamed = program.with_function(
        type(top)(
            top.name, top.params, rename(top.body, {n: f"{n}_renamed" for n in inner}), kernel=top.kernel
        )
    )
    verify(renamed)
    args = case.make_inputs(seed)
    expected = case.run(args)
    run_python(renamed, *args)
    assert_same(args, expected)


@given(kernels())
def test_a_copy_binds_other_names(case: KernelCase):
    top = case.program.top
    inner = tuple(s for s in top.body if isinstance(s, For))
    taken = bound_names(top)
    copy = freshen(inner, set(taken))
    bound = {s.var for s in walk(copy) if isinstance(s, For)}
    bound |= {s.name for s in walk(copy) if isinstance(s, Declare)}
    assert not bound & taken


def body(text: str) -> tuple[For, ...]:
    return KernelCase(in_kernel(text), {}).program.top.body  # type: ignore[return-value]


def test_substitution_simplifies():
    (loop,) = body("for i in range(4):\n    x[i] = i * 2")
    (store,) = substitute(loop.body, {"i": build.const(3)})
    assert isinstance(store, Store)
    assert store.indices[0] == Const(3, low=3, high=3)
    assert store.value == Const(6, low=6, high=6)


def test_the_path_to_a_loop_includes_conditions():
    branch = "else:\n        for j in range(2):\n            x[j] = 1"
    nest = body(f"for i in range(4):\n    if x[i] > 1:\n        pass\n    {branch}")
    path = loop_path(nest, "j")
    assert path is not None
    assert [type(s).__name__ for s in path] == ["For", "If", "For"]
    assert loop_path(nest, "k") is None


def test_a_loop_can_be_replaced_by_its_body():
    nest = body("for i in range(4):\n    for j in range(2):\n        x[i] = 1")
    (outer,) = replace_loop(nest, "j", lambda loop: loop.body)
    assert isinstance(outer, For)
    assert isinstance(outer.body[0], Store)
    assert outer.body[0].indices == (LoopVar("i", low=0, high=3),)


def test_fresh_names_are_numbered():
    taken = {"k", "k_1"}
    assert [fresh("k", taken), fresh("k", taken), fresh("m", taken)] == ["k_2", "k_3", "m"]
    assert {"k_2", "k_3", "m"} <= taken


def test_new_names_avoid_what_a_kernel_calls_and_what_the_language_says():
    source = in_kernel("helper(z)").replace(
        "def kernel", "def helper(z: bit[8]):\n    z[0] = 1\n\ndef kernel"
    )
    names = bound_names(KernelCase(source, {}).program.top)
    assert {"x", "y", "z", "helper", "kernel", "range", "uint8", "popcount"} <= names


def test_what_folding_leaves_of_a_replaced_variable_is_not_replaced_again() -> None:
    """(3 + (i + 1)) % 4 is i for i in 0..2, and no longer the i that became i + 1."""
    i, shifted = build.loop_var("i", 0, 3), build.loop_var("i", 0, 2)
    index = build.binary(Op.MOD, build.binary(Op.ADD, build.const(3), i), build.const(4))
    moved = build.binary(Op.ADD, shifted, build.const(1))
    found = build.rebuild(index, lambda e: moved if isinstance(e, LoopVar) else None)
    assert found == shifted


def test_numbered_names_are_names() -> None:
    assert numbered("h", (0, -1, 12)) == "h_0_m1_12"
    assert numbered("h", (-1,)).isidentifier()
