"""Random small networks, as source: chains of kernels with rates of their own, forks that join again."""

from __future__ import annotations

from hypothesis import strategies as st

HEAD = "from bitfold.lang import *\n"


@st.composite
def stages(draw: st.DrawFn, name: str, words: int, source: str = "c: Stream[uint8]") -> tuple[str, int]:
    """A kernel that gets `words` words and puts some: its text, and how many."""
    ii, inner = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    early, late = draw(st.integers(0, inner - 1)), draw(st.integers(0, inner - 1))
    kind = draw(st.sampled_from(["more", "fewer", "whole"]))
    head = f"def {name}({source}, d: Stream[uint8]):\n    v: uint8 = 0\n"
    if kind == "more":
        return (
            f"{head}    for i in range({words}):\n        for j in pipeline(range({inner}), ii={ii}):\n"
            f"            if j == {early}:\n                v = c.get()\n"
            f"            if j >= {late}:\n                d.put(v)\n",
            words * (inner - late),
        )
    if kind == "fewer":
        every = draw(st.integers(1, words))
        return (
            f"{head}    for i in range({words}):\n        for j in range({inner}):\n"
            f"            if j == {early}:\n                v = c.get()\n"
            f"            if j == {late} and i % {every} == 0:\n                d.put(v)\n",
            -(-words // every),
        )
    return (
        f"{head}    for i in pipeline(range({words}), ii={ii}):\n        v = c.get()\n"
        f"    for i in range({inner + 1}):\n        d.put(v)\n",
        inner + 1,
    )


def source_of(words: int, streams: int = 1) -> str:
    puts = "".join(f"        c{n}.put(x[i])\n" for n in range(streams))
    params = ", ".join(f"c{n}: Stream[uint8]" for n in range(streams))
    return f"def source(x: uint8[{words}], {params}):\n    for i in range({words}):\n{puts}"


@st.composite
def chains(draw: st.DrawFn) -> str:
    """source -> some stages -> sink."""
    words = draw(st.integers(1, 5))
    text, calls, declared = source_of(words), ["source(x, s0)"], []
    first = words
    for n in range(draw(st.integers(1, 3))):
        stage, words = draw(stages(f"stage{n}", words))
        text += stage
        declared.append(n)
        calls.append(f"stage{n}(s{n}, s{n + 1})")
    last = len(declared)
    text += f"def sink(c: Stream[uint8], y: uint8[{words}]):\n"
    text += f"    for i in range({words}):\n        y[i] = c.get()\n"
    streams = "".join(
        f"    s{n} = empty(Stream[uint8, {draw(st.integers(1, 4))}])\n" for n in range(last + 1)
    )
    body = "".join(f"    {c}\n" for c in (*calls, f"sink(s{last}, y)"))
    return f"{HEAD}{text}def top(x: uint8[{first}], y: uint8[{words}]):\n{streams}{body}"


@st.composite
def forks(draw: st.DrawFn) -> str:
    """A source with two streams, a stage on each, and a kernel that joins them in an order of its own."""
    words = draw(st.integers(1, 5))
    one, first = draw(stages("one", words))
    two, second = draw(stages("two", words))
    loops = [
        f"    for i in range({first}):\n        v = a.get()\n",
        f"    for i in range({second}):\n        v = b.get()\n",
    ]
    if first == second and draw(st.booleans()):
        loops = [f"    for i in range({first}):\n        v = a.get()\n        v = b.get()\n"]
    elif draw(st.booleans()):
        loops.reverse()
    join = (
        "def join(a: Stream[uint8], b: Stream[uint8], y: uint8[1]):\n    v: uint8 = 0\n"
        + "".join(loops)
        + "    y[0] = v\n"
    )
    streams = "".join(
        f"    {n} = empty(Stream[uint8, {draw(st.integers(1, 4))}])\n" for n in ("s0", "s1", "s2", "s3")
    )
    calls = "    source(x, s0, s1)\n    one(s0, s2)\n    two(s1, s3)\n    join(s2, s3, y)\n"
    head = f"def top(x: uint8[{words}], y: uint8[1]):\n"
    return f"{HEAD}{source_of(words, 2)}{one}{two}{join}{head}{streams}{calls}"
