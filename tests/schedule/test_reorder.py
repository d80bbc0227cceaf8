"""reorder: what is legal is granted and gives the same bits, what would change a result is refused."""

from __future__ import annotations

import pytest
from tests.schedule.kernels_used import dense
from tests.schedule.ladder import check_llvm, check_python, inputs
from tests.strategies import KernelCase

from bitfold.diagnostics import ScheduleError
from bitfold.ir.nodes import Alloc, walk
from bitfold.lang import Partition
from bitfold.schedule import Schedule, customize

HEAD = """\
from bitfold.lang import *

def kernel(a: uint8[8], b: Int(5)[8, 8], n: UInt(3)[8], x: bit[8, 8]):
"""


def scheduled(body: str, *axes: str) -> tuple[KernelCase, Schedule]:
    lines = [f"    {line}\n" for line in body.strip("\n").splitlines()]
    case = KernelCase(HEAD + "".join(lines), {})
    s = customize(case.function)
    s.reorder(*axes)
    return case, s


LEGAL = {
    "a column at a time": """
for i in range(8):
    for j in range(8):
        b[i, j] = b[i, j] * 3 + a[j]
""",
    "a stencil along one loop": """
for i in range(8):
    for j in range(1, 8):
        b[i, j] = b[i, j - 1] + 1
""",
    "a stencil whose distance is positive in both": """
for i in range(1, 8):
    for j in range(1, 8):
        b[i, j] = b[i - 1, j - 1] + b[i - 1, j]
""",
    "a wrapping sum": """
for i in range(8):
    for j in range(8):
        a[0] += b[i, j] * 77
""",
    "a sum and a difference": """
for i in range(8):
    for j in range(8):
        a[0] += b[i, j]
        a[0] -= b[j, i]
""",
    "a sum written the other way round": """
for i in range(8):
    for j in range(8):
        a[i] = b[i, j] + a[i]
""",
    "a sum that is cast to the type it is stored as": """
for i in range(8):
    for j in range(8):
        a[j] = uint8(a[j] + b[i, j])
""",
    "a histogram": """
for i in range(8):
    for j in range(8):
        a[n[i]] += 1
""",
    "an exclusive or, a product, an and": """
for i in range(8):
    for j in range(8):
        a[0] ^= n[i]
        a[1] *= n[j] + 1
        a[2] &= n[j]
""",
    "a maximum that cannot wrap": """
for i in range(8):
    for j in range(8):
        a[i] = max(a[i], n[j])
""",
    "an accumulator for each iteration": """
for i in range(8):
    acc: Int(6) = 0
    for j in range(8):
        acc = Int(6)(acc + b[i, j])
    a[i] = acc
""",
    "a maximum for each iteration": """
for i in range(8):
    best: Int(5) = -16
    for j in range(8):
        best = max(best, b[i, j])
    a[i] = best
""",
    "an array for each iteration": """
for i in range(2, 8, 3):
    t = full(Int(3)[2], -1)
    t[0] = 2
    for j in range(8):
        t[j % 2] += b[i, j]
    a[i] = t[0] * t[1]
""",
    "statements around, themselves in loops": """
for i in range(8):
    for p in range(3):
        a[i] += p
    for j in range(8):
        b[i, j] += a[i]
    for p in range(2):
        n[i] = b[i, p]
""",
    "a condition on the loops": """
for i in range(8):
    for j in range(8):
        if i + j > 6 and j != 3:
            b[i, j] = a[i]
        else:
            b[i, j] -= 1
""",
    "a condition that reads what is not written": """
for i in range(8):
    for j in range(8):
        if a[i] > n[j]:
            b[i, j] = 1
""",
    "loops that count from elsewhere by steps": """
for i in range(1, 8, 2):
    for j in range(3, 8, 2):
        b[i, j] = b[i, j - 2] + b[i - 1, j]
""",
    "loops whose names mean something to isl": """
for i in range(8):
    for j in range(8):
        for mod in range(2):
            for e0 in range(2):
                b[i, j] += mod * -3 + e0 + a[7 - j]
""",
    "an index with a negative coefficient": """
for i in range(8):
    for j in range(8):
        b[7 - i, 7 + j * -1] = a[j] + b[7 - i, 7 - j]
""",
}

ILLEGAL = {
    "a skewed stencil": """
for i in range(1, 8):
    for j in range(7):
        b[i, j] = b[i - 1, j + 1]
""",
    "the last write wins": """
for i in range(8):
    for j in range(8):
        a[0] = b[i, j]
""",
    "a sum mixed with a product": """
for i in range(8):
    for j in range(8):
        a[0] += i
        a[0] *= j
""",
    "the accumulator subtracted from": """
for i in range(8):
    for j in range(8):
        a[0] = b[i, j] - a[0]
""",
    "the accumulator read inside": """
for i in range(8):
    for j in range(8):
        a[0] += b[i, j]
        b[j, i] = a[0]
""",
    "the accumulator in its own term": """
for i in range(8):
    for j in range(8):
        a[0] += (b[i, j] * (a[0] + 1)) // 3
""",
    "the accumulator in its own index": """
for i in range(8):
    for j in range(8):
        n[n[j]] += i
""",
    "a minimum that wraps": """
for i in range(8):
    for j in range(8):
        n[0] = min(n[0], b[i, j])
""",
    "a narrow accumulator that saturates": """
for i in range(8):
    for j in range(8):
        a[0] = min(a[0] + n[i], 9) - n[j]
""",
    "a condition that reads what is written": """
for i in range(8):
    for j in range(8):
        if a[j] > i:
            a[j + 0] = n[i]
            a[(j + 1) % 8] = 3
""",
    "an index read from memory": """
for i in range(8):
    for j in range(8):
        b[n[i], n[j]] = i - j
""",
    "a written index": """
for i in range(8):
    for j in range(8):
        b[i, n[i]] += 1
        n[j] = a[i]
""",
    "the bound of a loop inside": """
for i in range(8):
    for j in range(8):
        for p in range(n[j]):
            b[i, p] += 1
        n[(i + j) % 8] = i
""",
    "a scalar that lives across both loops": """
last: Int(5) = 0
for i in range(8):
    for j in range(8):
        b[i, j] += last
        last = b[j, i]
""",
    "what is written before and read in the loop of another iteration": """
for i in range(8):
    a[i] = n[i]
    for j in range(8):
        b[i, j] = a[(i + 1) % 8]
""",
}


@pytest.mark.parametrize("name", LEGAL)
def test_a_legal_order_is_granted_and_gives_the_same_bits(name: str) -> None:
    case, s = scheduled(LEGAL[name], "j", "i")
    loops = [loop.name for loop in s.get_loops()]
    assert loops.index("j") < loops.index("i")
    for seed in range(3):
        args = inputs(case.program, seed)
        check_python(s.program, args, case.run(args))
    check_llvm(s.program, (0, 1))


@pytest.mark.parametrize("name", ILLEGAL)
def test_an_order_that_changes_results_is_refused(name: str) -> None:
    with pytest.raises(ScheduleError):
        scheduled(ILLEGAL[name], "j", "i")


def test_statements_in_the_copies_of_a_split_keep_their_places() -> None:
    """Both parts of a cut split share conditions; each part's statements are told apart all the same."""
    body = """
for i in range(8):
    for j in range(1, 8):
        for p in range(5):
            if n[0] > 2:
                b[i, j] = b[(i + 7) % 8, j - 1] + p
"""
    case = KernelCase(HEAD + "".join(f"    {line}\n" for line in body.strip("\n").splitlines()), {})
    s = customize(case.function)
    s.split("p", 3, cut=True)
    with pytest.raises(ScheduleError, match="cannot change places"):
        s.reorder("j", "i")


def test_three_loops_are_put_in_any_order() -> None:
    for axes in (("k_o", "m", "k_i"), ("k_i", "k_o", "m"), ("k_o", "k_i", "m")):
        s = customize(dense, M=4, K=8)
        s.split("k", 2)
        s.reorder(*axes)
        named = [loop.name for loop in s.get_loops() if loop.name in axes]
        assert tuple(named) == axes
        check_llvm(s.program, (0, 1))


def test_a_partitioned_local_array_keeps_its_partition_when_it_is_expanded() -> None:
    body = """
for i in range(8):
    t = zeros(Int(3)[2, 4])
    for j in range(8):
        t[j % 2, j // 2] += b[i, j]
    a[i] = t[1, 3]
"""
    case = KernelCase(HEAD + "".join(f"    {line}\n" for line in body.strip("\n").splitlines()), {})
    s = customize(case.function)
    s.partition("t", Partition.Cyclic, dim=2, factor=2)
    s.reorder("j", "i")
    (made,) = [stmt for stmt in walk(s.function.body) if isinstance(stmt, Alloc)]
    assert str(made.type) == "Int(3)[8, 2, 4] @ cyclic(dim=3, factor=2)"


def test_loops_that_are_moved_keep_their_names() -> None:
    _, s = scheduled(LEGAL["statements around, themselves in loops"], "j", "i")
    assert [loop.name for loop in s.get_loops()] == ["i_1", "p", "j", "i", "i_2", "p_1"]
