"""Every expression's range holds every value it can take, however it was simplified or rebuilt."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import int_types, random_values

from bitfold import lang
from bitfold.diagnostics import LanguageError
from bitfold.ir import build
from bitfold.ir.linear import linear
from bitfold.ir.nodes import Cmp, Const, Expr, Fn, Local, LoopVar, Op, walk_expr
from bitfold.ir.printer import expr_text
from bitfold.ir.ranges import bits_needed
from bitfold.lang.types import Int, IntType, UInt, covering

NAMESPACE = {name: getattr(lang, name) for name in lang.__all__}
FUNCTIONS = {
    Fn.XNOR: 2,
    Fn.POPCOUNT: 1,
    Fn.GET_BIT: 2,
    Fn.SET_BIT: 3,
    Fn.REVERSE: 1,
    Fn.MIN: 3,
    Fn.MAX: 2,
    Fn.ABS: 1,
    Fn.NEG: 1,
    Fn.INVERT: 1,
    Fn.NOT: 1,
}


@dataclass
class Grown:
    """An expression, how to compute it in Python without the IR, and the names in it with their bounds."""

    expr: Expr
    value: Callable[[dict[str, int]], int]


@dataclass
class Names:
    bounds: dict[str, tuple[int, int]] = field(default_factory=dict)

    def values(self, seed: int) -> dict[str, int]:
        rng = random.Random(seed)
        chosen = {}
        for name, (low, high) in self.bounds.items():
            near = [v for v in (low, high, 0, 1, -1, low + 1, high - 1) if low <= v <= high]
            chosen[name] = rng.choice(near) if rng.random() < 0.6 else rng.randint(low, high)
        return chosen


PYTHON: dict[Op, Callable[[int, int], int]] = {
    Op.ADD: lambda a, b: a + b,
    Op.SUB: lambda a, b: a - b,
    Op.MUL: lambda a, b: a * b,
    Op.FLOORDIV: lambda a, b: a // b,
    Op.MOD: lambda a, b: a % b,
    Op.SHL: lambda a, b: a << b,
    Op.SHR: lambda a, b: a >> b,
    Op.AND: lambda a, b: a & b,
    Op.OR: lambda a, b: a | b,
    Op.XOR: lambda a, b: a ^ b,
}
COMPARE: dict[Cmp, Callable[[int, int], bool]] = {
    Cmp.EQ: lambda a, b: a == b,
    Cmp.NE: lambda a, b: a != b,
    Cmp.LT: lambda a, b: a < b,
    Cmp.LE: lambda a, b: a <= b,
    Cmp.GT: lambda a, b: a > b,
    Cmp.GE: lambda a, b: a >= b,
}
CALLS: dict[Fn, Callable[..., int]] = {
    Fn.XNOR: lang.xnor,
    Fn.POPCOUNT: lang.popcount,
    Fn.GET_BIT: lang.get_bit,
    Fn.SET_BIT: lang.set_bit,
    Fn.REVERSE: lang.reverse,
    Fn.MIN: min,
    Fn.MAX: max,
    Fn.ABS: abs,
    Fn.NEG: lambda a: -a,
    Fn.INVERT: lambda a: ~a,
    Fn.NOT: lambda a: int(not a),
}


@st.composite
def expressions(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[Grown, Names]:
    """Expressions made by the builders; where one refuses its operands, an operand stands in for it."""
    names = Names()

    def leaf() -> Grown:
        name = f"v{len(names.bounds)}"
        match draw(st.sampled_from(["local", "local", "loop", "const"])):
            case "local":
                type: IntType = draw(int_types(70))
                names.bounds[name] = (type.low, type.high)
                return Grown(build.local(name, type), lambda env: env[name])
            case "loop":
                low, span = draw(st.integers(-8, 8)), draw(st.integers(0, 60))
                names.bounds[name] = (low, low + span)
                return Grown(build.loop_var(name, low, low + span), lambda env: env[name])
        value: int = draw(st.integers(-20, 20) | st.integers(-(1 << 70), 1 << 70))
        return Grown(build.const(value), lambda env: value)

    def grow(depth: int) -> Grown:
        if not depth:
            return leaf()
        kind = draw(st.sampled_from(["leaf", "op", "op", "op", "compare", "logic", "select", "cast", "call"]))
        a = grow(depth - 1)
        try:
            return combine(kind, depth, a)
        except LanguageError:
            return a

    def combine(kind: str, depth: int, a: Grown) -> Grown:
        match kind:
            case "leaf":
                return leaf()
            case "op":
                op, b = draw(st.sampled_from(Op)), grow(depth - 1)
                return Grown(
                    build.binary(op, a.expr, b.expr), lambda env: PYTHON[op](a.value(env), b.value(env))
                )
            case "compare":
                cmp, b = draw(st.sampled_from(Cmp)), grow(depth - 1)
                made = build.compare(cmp, a.expr, b.expr)
                return Grown(made, lambda env: int(COMPARE[cmp](a.value(env), b.value(env))))
            case "logic":
                is_and, b = draw(st.booleans()), grow(depth - 1)
                pick = all if is_and else any
                made = build.logic(is_and, a.expr, b.expr)
                return Grown(made, lambda env: int(pick((a.value(env), b.value(env)))))
            case "select":
                b, c = grow(depth - 1), grow(depth - 1)
                made = build.select(a.expr, b.expr, c.expr)
                return Grown(made, lambda env: b.value(env) if a.value(env) else c.value(env))
            case "cast":
                to: IntType = draw(int_types(70))
                return Grown(build.cast(to, a.expr), lambda env: to.wrap(a.value(env)))
        fn = draw(st.sampled_from(sorted(FUNCTIONS, key=str)))
        args = [a, *(grow(depth - 1) for _ in range(FUNCTIONS[fn] - 1))]
        lanes = [draw(st.sampled_from([1, 5, 64]))] if fn in (Fn.XNOR, Fn.REVERSE) else []
        made = build.apply(fn, (*(g.expr for g in args), *map(build.const, lanes)))
        return Grown(made, lambda env: CALLS[fn](*(g.value(env) for g in args), *lanes))

    return grow(draw(st.integers(1, 4))), names


def evaluate(expr: Expr, env: dict[str, int]) -> int:
    return int(eval(expr_text(expr), {**NAMESPACE, **env}))


@given(expressions(), st.integers(0, 1000))
def test_the_range_holds_the_value(grown: tuple[Grown, Names], seed: int):
    root, names = grown
    for each in range(seed, seed + 10):
        env = names.values(each)
        assert evaluate(root.expr, env) == root.value(env)
        for part in walk_expr(root.expr):
            assert part.low <= evaluate(part, env) <= part.high, expr_text(part)


@given(expressions())
def test_the_type_is_the_smallest_that_holds_the_range(grown: tuple[Grown, Names]):
    for part in walk_expr(grown[0].expr):
        assert part.type.low <= part.low <= part.high <= part.type.high
        assert part.type.width == bits_needed(part.low, part.high)
        assert part.type.signed == (part.low < 0)


@given(expressions(), st.integers(0, 1000))
def test_rebuilding_with_known_values_gives_the_value(grown: tuple[Grown, Names], seed: int):
    root, names = grown
    env = names.values(seed)

    def known(e: Expr) -> Expr | None:
        return build.const(env[e.name]) if isinstance(e, (Local, LoopVar)) else None

    rebuilt = build.rebuild(root.expr, known)
    assert isinstance(rebuilt, Const)
    assert rebuilt.value == root.value(env)


@given(expressions())
def test_rebuilding_without_a_change_changes_nothing(grown: tuple[Grown, Names]):
    expr = grown[0].expr
    assert build.rebuild(expr, lambda e: None) is expr


@given(expressions(), st.integers(0, 1000))
def test_a_linear_form_is_the_value(grown: tuple[Grown, Names], seed: int):
    root, names = grown
    env = names.values(seed)
    terms, offset = linear(root.expr)
    if terms is not None:
        assert sum(env[v.name] * factor for v, factor in terms) + offset == root.value(env)


@given(int_types(4096), st.data())
def test_covering_finds_the_type_of_a_range(type: IntType, data: st.DataObject):
    low = data.draw(st.integers(type.low, type.high))
    high = data.draw(st.integers(low, type.high))
    found = covering(low, high)
    assert found.low <= low <= high <= found.high
    assert type.holds(found) or (type.signed and not found.signed and found.width <= type.width)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 0, UInt(1)),
        (0, 1, UInt(1)),
        (0, 2, UInt(2)),
        (5, 255, UInt(8)),
        (-1, 0, Int(1)),
        (-1, 1, Int(2)),
        (-128, 127, Int(8)),
        (-129, 0, Int(9)),
        (-1, 128, Int(9)),
        (-5, -3, Int(4)),
    ],
)
def test_covering(low: int, high: int, expected: IntType):
    assert covering(low, high) == expected
    assert bits_needed(low, high) == expected.width


@given(int_types(100), st.integers(0, 99))
def test_random_values_are_of_their_type(type: IntType, seed: int):
    assert all(type.low <= v <= type.high for v in random_values(type, 20, random.Random(seed)))
