"""Kernels written by a program: every operator on many types, and random statements."""

from __future__ import annotations

import random

from bitfold.lang import IntType

SAMPLES = 12

# On a and b of the types under test, u: UInt(5), the loop variable i, and the constant array `table`. WA and
# WB stand for the widths of a and b.
EXPRESSIONS = """
a + b
a - b
a * b
a & b
a | b
a ^ b
a == b
a != b
a < b
a <= b
a > b
a >= b
min(a, b)
max(a, b)
min(a, b, 3)
-a
~a
abs(a)
abs(a - b)
-(a - b)
~(a + b)
(a + b) >> 3
a >> u
a << u
(a - b) >> u
1 << u
a >> 300
a // 3
a % 3
a // -3
a % -3
a // (u + 1)
a % (u + 1)
(a - b) // 7
(a - b) % 7
5 // (u + 1)
-5 // (u + 1)
a // (max(b, 0) + 1)
a % (max(b, 0) + 1)
a if a < b else b
-a if u > 3 else b
a if u else 0
1 if a == b else 0
(a < b) + (a > b)
-(a < b)
~(a < b)
(a < b) << 3
(a < b) * a
(a < b) - b
(a < b) == (u > 2)
a < b and b > 3
a < b or not b
not a
(a < b) ^ (u > 1)
(a < b) & get_bit(a, 0)
UInt(5)(a)
Int(5)(a)
UInt(5)(a + b)
Int(3)(a * b)
Int(270)(a)
UInt(270)(a)
UInt(3)(Int(2)(a)) + 1
get_bit(a, u)
get_bit(b, 0)
get_bit(a, 250)
set_bit(UInt(9)(a), 4, b > 1)
set_bit(Int(33)(a), u, get_bit(b, 0))
get_slice(a, 6, 3)
get_slice(b, 100, 2)
get_slice(a - b, u + 5, u)
set_slice(a, 6, 3, b)
set_slice(Int(40)(b), u + 8, u, a - b)
set_slice(0, 100, 90, b)
reverse(a, WA)
reverse(b, 5)
reverse(a - b, 130)
reverse(i, 3)
concat((a, 3), (b, WB), (u, 5))
concat((a < b, 1), (i, 2))
bitcast(a, UInt(WA))
bitcast(a, Int(WA))
popcount(UInt(130)(a))
popcount(UInt(64)(a - b))
popcount(UInt(WA)(a))
popcount(get_bit(a, 0))
xnor(UInt(WA)(a), UInt(WB)(b), 13)
xnor(UInt(WA)(a), UInt(WB)(b), 140)
popcount(xnor(UInt(40)(a), UInt(40)(b), 40))
xnor(get_bit(a, 0), get_bit(b, 0))
a + 5
a - 1000000000000
a * -3
a * 12345678901234567890123
a == 3
a < -5
a <= 300
a > 1180591620717411303424
a + 1267650600228229401496703205376
18446744073709551615 - a
-9223372036854775808 + a
a & 15
a | -16
a ^ 4294967296
i + a
i * 3 - 7
i * a
a == i
i - b
-i
~i
i // 3
i % 3
i >> 1
i << 2
i << 40
i & 3
i >> u
a >> i
a << i
a ^ i
i < u
min(i, 2)
2000000000 * i + i
UInt(2)(i)
xnor(i, u, 6)
popcount(i)
i if a < b else -i
(i == 2) + i
abs(i - 5)
table[UInt(3)(a)]
table[u % 8] if u > 2 else a
table[(i + u) % 8] + table[i % 8]
u > 2 and table[u % 8] > 0
u > 2 or table[u % 8] > 0
""".split("\n")[1:-1]

_HEADER = "from bitfold.lang import *\nimport numpy as np\n"


def operator_zoo(pairs: list[tuple[IntType, IntType]]) -> str:
    """A kernel `top` that evaluates every expression on every pair of types, into 512-bit outputs."""
    lines = [_HEADER, "T = np.array([-5, 3, 7, -100, 100, 0, 1, 2], np.int16)"]
    result = f"Int(512)[{len(EXPRESSIONS)}, {SAMPLES}]"
    arguments = [f"u: UInt(5)[{SAMPLES}]"]
    for k, (a, b) in enumerate(pairs):
        own = f"a_: {_name(a)}[{SAMPLES}], b_: {_name(b)}[{SAMPLES}], u_: UInt(5)[{SAMPLES}]"
        arguments.append(f"a{k}: {_name(a)}[{SAMPLES}], b{k}: {_name(b)}[{SAMPLES}], y{k}: {result}")
        lines += [
            f"def zoo_{k}({own}, y: {result}):",
            "    table = rom(T, int16[8])",
            f"    for i in range({SAMPLES}):",
            f"        a: {_name(a)} = a_[i]",
            f"        b: {_name(b)} = b_[i]",
            "        u: UInt(5) = u_[i]",
        ]
        for j, text in enumerate(EXPRESSIONS):
            lines.append(
                f"        y[{j}, i] = {text.replace('WA', str(a.width)).replace('WB', str(b.width))}"
            )
    lines.append(f"def top({', '.join(arguments)}):")
    lines += [f"    zoo_{k}(a{k}, b{k}, u, y{k})" for k in range(len(pairs))]
    return "\n".join(lines) + "\n"


def _name(type: IntType) -> str:
    return f"{'Int' if type.signed else 'UInt'}({type.width})"


def random_programs(seed: int, count: int) -> str:
    """A kernel `top` that calls `count` kernels of random statements on the same inputs."""
    lines = [_HEADER]
    for k in range(count):
        lines += [f"def program_{k}(a: int16[4], b: uint8[4], y: int32[4]):", "    t = zeros(int16[4])"]
        lines += _Writer(random.Random(1000 * seed + k)).block(3, 1)
    lines.append(f"def top(a: int16[4], b: uint8[4], {', '.join(f'y{k}: int32[4]' for k in range(count))}):")
    lines += [f"    program_{k}(a, b, y{k})" for k in range(count)]
    return "\n".join(lines) + "\n"


class _Writer:
    """Writes random statements on the arrays a, b (inputs), y (output), t (local) and scalars of its own."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.scalars: dict[str, str] = {}
        self.loops: list[str] = []
        self.count = 0

    def expression(self, depth: int = 3) -> str:
        rng = self.rng
        if depth == 0 or rng.random() < 0.2:
            return self.leaf()
        a, b = self.expression(depth - 1), self.expression(depth - 1)
        match rng.randrange(8):
            case 0 | 1:
                return f"({a} {rng.choice('+-*&|^')} {b})"
            case 2:
                return f"({a} {rng.choice(['<', '<=', '==', '!=', '>'])} {b})"
            case 3:
                return f"({a} if {self.expression(depth - 1)} else {b})"
            case 4:
                return f"({a} {rng.choice(['and', 'or'])} {b})"
            case 5:
                return f"({a} {rng.choice(['>>', '//', '%'])} {rng.choice([1, 2, 3, 5])})"
            case 6:
                return f"min({a}, {b})"
        return rng.choice([f"(-{a})", f"(~{a})", f"abs({a})", f"uint8({a})", f"popcount(uint8({a}))"])

    def leaf(self) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.4:
            return f"{rng.choice('abyt')}[{self.index()}]"
        if kind < 0.8 and (self.scalars or self.loops):
            return rng.choice([*self.scalars, *self.loops])
        return str(rng.choice([0, 1, 2, -1, -7, 100, 255]))

    def index(self) -> str:
        rng = self.rng
        if self.loops and rng.random() < 0.5:
            return rng.choice(self.loops)
        return f"uint2({self.expression(1)})" if rng.random() < 0.2 else str(rng.randrange(4))

    def block(self, depth: int, indent: int) -> list[str]:
        outer = dict(self.scalars)
        lines = [line for _ in range(self.rng.randrange(2, 5)) for line in self.statement(depth, indent)]
        self.scalars = outer
        return lines

    def statement(self, depth: int, indent: int) -> list[str]:
        """One statement. Scalars get a cast of their own type: plain Python would not wrap them."""
        rng, pad = self.rng, "    " * indent
        kind = rng.random()
        self.count += 1
        if kind < 0.25:
            name, type = f"s{self.count}", rng.choice(["int16", "uint8", "Int(37)"])
            line = f"{pad}{name}: {type} = {type}({self.expression()})"
            self.scalars[name] = type
            return [line]
        if kind < 0.4 and self.scalars:
            name = rng.choice(list(self.scalars))
            prefix = rng.choice(["", f"{name} + ", f"{name} - "])
            return [f"{pad}{name} = {self.scalars[name]}({prefix}{self.expression(2)})"]
        if kind < 0.7 or not depth:
            update = rng.choice(["=", "=", "+=", "-="])
            return [f"{pad}{rng.choice('yt')}[{self.index()}] {update} {self.expression()}"]
        if kind < 0.85:
            lines = [f"{pad}if {self.expression(2)}:", *self.block(depth - 1, indent + 1)]
            if rng.random() < 0.5:
                lines += [f"{pad}else:", *self.block(depth - 1, indent + 1)]
            return lines
        name = f"i{self.count}"
        head = f"{pad}for {name} in range({rng.randrange(1, 5)}):"
        self.loops.append(name)
        body = self.block(depth - 1, indent + 1)
        self.loops.remove(name)
        return [head, *body]
