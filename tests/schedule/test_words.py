"""pack of elements of any width, loops over lanes as work on whole words, and transpose: the same results."""

from __future__ import annotations

from contextlib import suppress
from math import prod
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.schedule.ladder import check_llvm, check_python, inputs
from tests.strategies import KernelCase

from bitfold.diagnostics import ScheduleError
from bitfold.lang import Int, IntType, UInt, bit
from bitfold.schedule import Schedule, customize

SEEDS = (0, 1)
EXAMPLES = settings.default.max_examples
# A seed has nothing to shrink.
UNSHRUNK = settings(phases=(Phase.explicit, Phase.reuse, Phase.generate))
ARRAYS = ("a", "b", "c")


class Lanes:
    """A random kernel of loops over the lanes of rows of three arrays."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.lanes = rng.choice((2, 3, 4, 8))
        self.plain = rng.random() < 0.6  # lane by lane in all its loops, so that they can become words
        self.words = rng.choice((1, 2, 3))
        # Without a tail, all lanes of the last word are elements.
        self.size = self.lanes * self.words - (not self.plain and rng.random() < 0.3)
        width = rng.choice((1, 1, 2, 5, 8, 13, 40, 64))
        one = rng.choice((bit, UInt(width), Int(width)))
        self.types = {
            n: one if self.plain or rng.random() < 0.8 else rng.choice((bit, Int(5), UInt(9))) for n in ARRAYS
        }
        self.loops = 0
        body = "".join(self._loop() for _ in range(rng.randint(1, 3)))
        params = ", ".join(f"{n}: {t}[3, {self.size}]" for n, t in self.types.items())
        self.case = KernelCase(f"from bitfold.lang import *\n\n\ndef kernel({params}):\n{body}", {})

    def _loop(self) -> str:
        """`for p: for o: for i:` over rows, words and lanes."""
        n = self.loops = self.loops + 1
        self.p, self.o, self.i = f"p{n}", f"o{n}", f"i{n}"
        lines = [f"for {self.p} in range(1, 3):", f"    for {self.o} in range({self.words}):"]
        lines += [f"        for {self.i} in range({self.lanes}):"]
        guard = self.size < self.lanes * self.words
        if guard:
            lines.append(f"            if {self._element} < {self.size}:")
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            lines += [f"            {'    ' * guard}{line}" for line in self._statement()]
        return "".join(f"    {line}\n" for line in lines)

    @property
    def _element(self) -> str:
        return f"{self.o} * {self.lanes} + {self.i}"

    def _statement(self) -> list[str]:
        store = f"{self._place(self.rng.choice(ARRAYS))} = {self._value(2)}"
        if self.rng.random() < 0.3:
            other = f"{self._place(self.rng.choice(ARRAYS))} = {self._value(1)}"
            return [f"if {self._condition()}:", f"    {store}", "else:", f"    {other}"]
        return [store]

    def _place(self, array: str) -> str:
        rows = [self.p, self.p, self.p, f"{self.p} - 1", "0", f"{self.o} % 2"]
        rows += ["abs(a[0, 0]) % 3"] * (not self.plain)
        row = self.rng.choice(rows)
        lane = self._element
        if not self.plain and self.rng.random() < 0.1:
            lane = self.rng.choice(("0", f"({lane}) * 0 + {self.i} % {self.size}"))
        return f"{array}[{row}, {lane}]"

    def _condition(self) -> str:
        data = f"{self._place('b')} > 0"
        uniform = (f"{self.p} == 1", f"{self.o} > 0")
        return self.rng.choice(uniform if self.plain else (*uniform, f"{self.i} > 1", data))

    def _value(self, depth: int) -> str:
        rng = self.rng
        if not depth or rng.random() < 0.3:
            return rng.choice((*(self._place(n) for n in ARRAYS * 2), "1", "0", "-3"))
        x, y = self._value(depth - 1), self._value(depth - 1)
        chosen = f"({x} if {self._condition()} else {y})"
        if self.plain and self.types["a"] != bit:
            return chosen
        values = [
            chosen,
            f"({x} & {y})",
            f"({x} | {y})",
            f"({x} ^ {y})",
            f"xnor({self._bit()}, {self._bit()})",
        ]
        if not self.plain:
            values += [f"{rng.choice(list(self.types.values()))}({x})", f"({x} + {y})"]
        return rng.choice(values)

    def _bit(self) -> str:
        return f"bit({self._value(0)})"

    def schedule(self, s: Schedule) -> None:
        for n in ARRAYS:
            if self.plain:
                s.pack(n, self.lanes)
            elif self.rng.random() < 0.8:
                s.pack(n, self.rng.choice((self.lanes, self.lanes, self.lanes, 1, 5)))


def scheduled(seed: int) -> tuple[KernelCase, Schedule]:
    made = Lanes(Random(seed))
    s = customize(made.case.function)
    made.schedule(s)
    return made.case, s


@settings(UNSHRUNK, max_examples=EXAMPLES)
@given(st.integers(0, 1 << 30))
def test_whole_words_do_not_change_the_results(seed: int) -> None:
    case, s = scheduled(seed)
    for given_seed in SEEDS:
        args = inputs(case.program, given_seed)
        check_python(s.program, args, case.run(args))


@settings(UNSHRUNK, max_examples=max(EXAMPLES // 3, 1))
@given(st.integers(0, 1 << 30))
def test_whole_words_do_not_change_what_is_compiled(seed: int) -> None:
    _, s = scheduled(seed)
    check_llvm(s.program, SEEDS)


def turned(seed: int) -> tuple[KernelCase, Schedule]:
    """A kernel with a constant and a local array of up to three dimensions, both in another order."""
    rng = Random(seed)
    elem: IntType = rng.choice((bit, UInt(rng.randint(1, 40)), Int(rng.randint(1, 40))))
    dims = [rng.randint(1, 5) for _ in range(rng.randint(1, 3))]
    shape, index = ", ".join(map(str, dims)), ", ".join("ijk"[: len(dims)])
    values = [rng.randint(elem.low, elem.high) for _ in range(prod(dims))]
    nest = [f"{'    ' * d}for {v} in range({n}):" for d, (v, n) in enumerate(zip("ijk", dims, strict=False))]
    inner = "    " * len(dims)
    lines = [f"t = zeros({elem}[{shape}])", *nest, f"{inner}t[{index}] = x[{index}] ^ W[{index}]"]
    lines += [*nest, f"{inner}y[{index}] = t[{index}] + W[{index}]"]
    body = "".join(f"    {line}\n" for line in lines)
    rom = f"W = typed(np.array({values}, np.{elem.storage}).reshape({dims}), {elem})"
    head = "import numpy as np\n\nfrom bitfold.lang import *\n\n"
    case = KernelCase(f"{head}{rom}\n\n\ndef kernel(x: {elem}[{shape}], y: {elem}[{shape}]):\n{body}", {})
    s = customize(case.function)
    requests = []
    for array in ("t", "W"):
        order = rng.sample(range(1, len(dims) + 1), len(dims))
        lanes = rng.randint(1, 6)
        requests += [(s.transpose, (array, *order)), (s.pack, (array, lanes))]
    rng.shuffle(requests)
    for request, args in requests:
        if rng.random() < 0.8:
            with suppress(ScheduleError):
                request(*args)
    return case, s


@settings(UNSHRUNK, max_examples=max(EXAMPLES // 2, 1))
@given(st.integers(0, 1 << 30))
def test_transpose_does_not_change_the_results(seed: int) -> None:
    case, s = turned(seed)
    for given_seed in SEEDS:
        args = inputs(case.program, given_seed)
        check_python(s.program, args, case.run(args))


@settings(UNSHRUNK, max_examples=max(EXAMPLES // 8, 1))
@given(st.integers(0, 1 << 30))
def test_transpose_does_not_change_what_is_compiled(seed: int) -> None:
    _, s = turned(seed)
    check_llvm(s.program, SEEDS)
