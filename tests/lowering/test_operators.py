"""Every operator of the language, lowered for every mix of signedness and width, against Python."""

from __future__ import annotations

import numpy as np
import pytest
from tests.strategies import load, random_array

from bitfold.build.llvm.jit import CpuModule
from bitfold.frontend import parse
from bitfold.lang import Int, IntType, UInt

COUNT = 48
FORMS = {
    "add": "a[i] + b[i]",
    "sub": "a[i] - b[i]",
    "mul": "a[i] * b[i]",
    "floordiv": "a[i] // (abs(b[i]) + 1)",
    "floordiv by a negative": "a[i] // (-1 - abs(b[i]))",
    "floordiv by constants": "a[i] // 3 + a[i] // -4 + a[i] // 8",
    "mod": "a[i] % (abs(b[i]) + 1)",
    "mod by a negative": "a[i] % (-1 - abs(b[i]))",
    "mod by constants": "a[i] % 3 + a[i] % -5 * 8 + a[i] % 16 * 64",
    "shl": "a[i] << UInt(7)(b[i])",
    "shr": "a[i] >> UInt(9)(b[i])",
    "shr by constants": "(a[i] >> 1) + (a[i] >> 300)",
    "and or xor": "(a[i] & b[i]) + (a[i] | b[i]) + (a[i] ^ b[i])",
    "neg invert": "-a[i] + ~b[i]",
    "abs": "abs(a[i]) - abs(b[i])",
    "min": "min(a[i], b[i], 5)",
    "max": "max(a[i], b[i], -5)",
    "compare": "(a[i] < b[i]) + (a[i] <= b[i]) * 2 + (a[i] == b[i]) * 4 + (a[i] != b[i]) * 8",
    "compare with constants": "(a[i] > 0) + (a[i] >= -1) * 2 + (7 < b[i]) * 4",
    "logic": "(a[i] > b[i] and b[i] != 0) + (a[i] == 0 or not b[i] > 1) * 2",
    "select": "a[i] if a[i] > b[i] else b[i] - 1",
    "cast": "Int(5)(a[i]) + UInt(3)(b[i]) + Int(77)(a[i]) + UInt(150)(b[i])",
    "get_bit": "get_bit(a[i], UInt(6)(b[i])) + get_bit(b[i], 0) * 2",
    "popcount": "popcount(UInt(90)(a[i])) * 100 + popcount(UInt(1)(b[i]))",
    "xnor": "xnor(UInt(70)(a[i]), UInt(70)(b[i]), 70) + xnor(UInt(1)(a[i]), UInt(1)(b[i]))",
    "set_bit": "set_bit(UInt(100)(a[i]), UInt(6)(b[i]), b[i]) + set_bit(UInt(2)(a[i]), 1, b[i])",
    "get_slice": "get_slice(a[i], 4, 2) + get_slice(b[i], 90, 0)",
    "get_slice at a position": "get_slice(a[i], UInt(5)(b[i]) + 6, UInt(5)(b[i]))",
    "set_slice": "set_slice(a[i], 4, 2, b[i]) + set_slice(b[i], UInt(5)(a[i]) + 1, UInt(5)(a[i]), 2)",
    "reverse": "reverse(a[i], 70) + reverse(b[i], 1) + reverse(a[i] + b[i], 5) + reverse(b[i], 64)",
    "concat": "concat((a[i], 3), (b[i], 70), (i, 2)) + concat((b[i], 5))",
    "bitcast": "bitcast(UInt(9)(a[i]), Int(9)) + bitcast(Int(70)(b[i]), UInt(70)) + bitcast(1, Int(2))",
}
MIXES = [
    (UInt(1), UInt(1)),
    (Int(1), UInt(1)),
    (Int(2), UInt(7)),
    (UInt(8), Int(8)),
    (Int(13), Int(31)),
    (UInt(32), Int(33)),
    (Int(63), UInt(64)),
    (UInt(64), Int(64)),
    (UInt(65), Int(5)),
    (Int(100), UInt(100)),
    (Int(128), Int(127)),
    (Int(129), UInt(128)),
    (UInt(200), Int(200)),
]


@pytest.mark.parametrize(("a", "b"), MIXES, ids=lambda t: str(t))
def test_operators(a: IntType, b: IntType) -> None:
    """One kernel holds all forms, so that LLVM runs once for each mix."""
    head = ", ".join([f"a: {a}[{COUNT}]", f"b: {b}[{COUNT}]", f"y: Int(420)[{len(FORMS)}, {COUNT}]"])
    lines = [f"        y[{n}, i] = {form}\n" for n, form in enumerate(FORMS.values())]
    source = (
        f"from bitfold.lang import *\n\ndef kernel({head}):\n    for i in range({COUNT}):\n{''.join(lines)}"
    )
    function = load(source)["kernel"]
    given = [random_array(t, (COUNT,), seed) for seed, t in enumerate((a, b))]
    shape = (len(FORMS), COUNT)
    actual = np.zeros(shape, object)
    CpuModule(parse(function))(*given, actual)
    for i in range(COUNT):
        scope = {
            **vars(__import__("bitfold.lang").lang),
            "a": {i: int(given[0][i])},
            "b": {i: int(given[1][i])},
            "i": i,
        }
        for n, (name, form) in enumerate(FORMS.items()):
            expected = int(eval(form, scope))
            assert actual[n, i] == expected, f"{name}: {form} at a={scope['a'][i]}, b={scope['b'][i]}"


def test_stores_wrap() -> None:
    source = """
from bitfold.lang import *

def kernel(a: Int(70)[8], p: Int(5)[8], q: UInt(3)[8], r: Int(64)[8], s: UInt(130)[8], t: bit[8]):
    for i in range(8):
        p[i] = a[i]
        q[i] = a[i] * 3
        r[i] = a[i] - 1
        s[i] = a[i] * a[i] * a[i]
        t[i] = a[i] + 1
"""
    function = load(source)["kernel"]
    a = random_array(Int(70), (8,), 5)
    types = [Int(5), UInt(3), Int(64), UInt(130), UInt(1)]
    results = [np.zeros(8, t.storage) for t in types]
    CpuModule(parse(function))(a, *results)
    wanted = [lambda v: v, lambda v: v * 3, lambda v: v - 1, lambda v: v**3, lambda v: v + 1]
    for type, result, value in zip(types, results, wanted, strict=True):
        assert [int(v) for v in result] == [type.wrap(value(int(v))) for v in a]


def test_only_the_chosen_side_is_evaluated() -> None:
    """The other side would read outside the array."""
    source = """
from bitfold.lang import *

def kernel(a: int32[4], y: int32[8]):
    for i in range(8):
        y[i] = a[i] if i < 4 else -1
        if i < 4 and a[i] > 0:
            y[i] += 1
        if i > 3 or a[i] < 0:
            y[i] += 2
"""
    a, y = np.array([3, -4, 0, 5], np.int32), np.zeros(8, np.int32)
    CpuModule(parse(load(source)["kernel"]))(a, y)
    assert y.tolist() == [4, -2, 0, 6, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "width", [1, 2, 7, 8, 9, 17, 31, 33, 49, 63, 64, 65, 78, 100, 127, 128, 129, 200, 784]
)
@pytest.mark.parametrize("signed", [False, True])
def test_constants_of_any_width_read_back_as_they_are(width: int, signed: bool) -> None:
    elem = IntType(width, signed)
    values = np.array(
        [elem.low, elem.high, 0, elem.wrap(1), elem.wrap(-1), elem.wrap(0x5A5A5A5A5A5A5A5A5A)], object
    )
    table = values.astype(elem.storage)
    body = f"    r = rom(table, {elem}[6])\n    for i in range(6):\n        y[i] = r[i]\n"
    namespace = load(f"from bitfold.lang import *\n\ndef kernel(y: {elem}[6]):\n{body}")
    namespace["table"] = table
    y = np.zeros(6, elem.storage)
    CpuModule(parse(namespace["kernel"]))(y)
    assert y.tolist() == values.tolist()
