"""Streams used in ways that cannot be meant are refused where they stand, with what to write instead."""

from __future__ import annotations

import textwrap

import pytest
from tests.frontend.refusals import HEAD, check_refused
from tests.strategies import load

from bitfold.frontend import parse

PUTS = """\
def puts(x: int8[4], c: Stream[int8, 4]):
    for i in range(4):
        c.put(x[i])
"""
GETS = """\
def gets(c: Stream[int8], y: int8[4]):
    for i in range(4):
        y[i] = c.get()
"""


def network(top: str, *kernels: str) -> str:
    body = textwrap.indent(textwrap.dedent(top), "    ")
    return "\n\n".join([HEAD, PUTS, GETS, *kernels, f"def kernel(x: int8[4], y: int8[4]):\n{body}\n"])


INNER = """\
def inner(c: Stream[int8], y: int8[4]):
    y[0] = c.get()
"""


def in_consumer(body: str, type: str = "Stream[int8, 4]") -> str:
    """A network whose `gets` is `it`, with this body."""
    it = f"def it(c: {type}, y: int8[4]):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    return network(f"c = empty({type})\nit(c, y)", INNER, it)


TYPES = {
    "depth 0": ("c = empty(«Stream[int8, 0]»)", "the depth of Stream[int8, 0] is 0", "correct the type"),
    "a negative depth": ("c = empty(«Stream[int8, -3]»)", "at least 1 element"),
    "a depth that varies": ("c = empty(«Stream[int8, x[0]]»)", "is not a type", "a constant depth"),
    "a depth that is no integer": ("c = empty(«Stream[int8, 'n']»)", "the depth of a stream is one integer"),
    "of arrays": ("c = empty(«Stream[int8[4], 2]»)", "a stream carries integers"),
    "of nothing": ("c = empty(«Stream»)", "'Stream' is not a type", "Stream[int8, 4]"),
    "an empty array": ("c = empty(«Stream[int8, 2][0]»)", "a dimension of Stream[int8, 2][0] is 0"),
    "zeros": ("c = «zeros(Stream[int8, 2])»", "which starts empty", "c = empty(Stream[int8, 2])"),
    "full": ("c = «full(Stream[int8, 2], 1)»", "which starts empty"),
    "an annotation with a value": ("«c: Stream[int8, 2] = 3»", "'3' is no stream", "empty(Stream[int8, 2])"),
    "another annotation": ("«c: Stream[int8, 2] = empty(Stream[int8, 3])»", "is not of that type"),
    "declared twice": ("c: Stream[int8, 2]\n«c: Stream[int8, 2]»", "'c' is already a stream here"),
}
ENDS = {
    "two producers": (
        "c = empty(Stream[int8, 4])\nputs(x, c)\n«puts(x, c)»\ngets(c, y)",
        "a second kernel puts into the stream 'c'",
        "the first one is called here",
        "a third kernel merge",
    ),
    "two consumers": (
        "c = empty(Stream[int8, 4])\nputs(x, c)\ngets(c, y)\n«gets(c, y)»",
        "a second kernel gets from the stream 'c'",
        "the first one is called here",
        "the stream is declared here",
        "duplicate the elements",
    ),
    "no producer": ("«c = empty(Stream[int8, 4])»\ngets(c, y)", "no kernel puts into the stream 'c'"),
    "no consumer": ("«c = empty(Stream[int8, 4])»\nputs(x, c)", "no kernel gets from the stream 'c'"),
    "no kernels": ("«c: Stream[int8, 4]»", "no kernel puts into the stream 'c'", "drop 'c'"),
    "a put in the top": (
        "c = empty(Stream[int8, 4])\n«c.put(x[0])»\ngets(c, y)",
        "it uses the stream 'c' itself",
        "a kernel of its own",
    ),
    "a loop in the top": (
        "c = empty(Stream[int8, 4])\n«for i in range(2)»:\n    puts(x, c)\ngets(c, y)",
        "it does more than declare and call",
    ),
    "a store in the top": (
        "c = empty(Stream[int8, 4])\nputs(x, c)\ngets(c, y)\n«y[0] = 1»",
        "they all run at the same time",
    ),
    "an array for a stream": ("puts(x, «x»)", "puts takes Stream[int8, 4] for 'c', but this is int8[4]"),
    "a stream for an array": ("c: Stream[int8, 4]\nputs(«c», c)", "but this is Stream[int8, 4]"),
    "another element type": ("c: Stream[int16, 4]\nputs(x, «c»)", "but this is Stream[int16, 4]"),
    "an array of streams for a stream": ("c: Stream[int8, 4][2]\nputs(x, «c»)", "shape (2,)"),
    "one stream of an array without a consumer": (
        "«c = empty(Stream[int8, 4][2])»\nputs(x, c[0])",
        "no kernel gets from the stream 'c_0'",
    ),
    "one stream of an array, and the whole": (
        "c = empty(Stream[int8, 4][2])\nputs(x, c[0])\ngets(«c», y)",
        "'c' is passed whole here, and one stream of it in another call",
        "single streams only",
    ),
    "a stream that is not there": (
        "c = empty(Stream[int8, 4][2])\nputs(x, c[«2»])",
        "index 2 is outside 'c': there are 2 streams",
    ),
    "a stream that data choose": (
        "c = empty(Stream[int8, 4][2])\nputs(x, «c[x[0]]»)",
        "has to be known before the kernel runs",
        "static(range(4))",
    ),
    "some of the streams": (
        "c = empty(Stream[int8, 4][4])\nputs(x, «c[1:3]»)",
        "has to be known before the kernel runs",
    ),
    "a put to one stream in the top": (
        "c = empty(Stream[int8, 4][1])\nputs(x, c[0])\n«c[0].put(1)»",
        "it uses the stream 'c_0' itself",
    ),
}
USES = {
    "a put of a fraction": ("c.put(«0.5»)", "0.5 is a Python float", "int(0.5)"),
    "a put of nothing": ("«c.put()»", "'c.put' takes one value", "c.put(v)"),
    "a put of two values": ("«c.put(1, 2)»", "'c.put' takes one value"),
    "a put by name": ("«c.put(value=1)»", "'c.put' takes one value"),
    "a get with an argument": ("y[0] = «c.get(1)»", "'c.get' takes no arguments"),
    "a get under a condition": ("y[0] = y[1] if y[2] else «c.get()»", "inside a larger expression"),
    "a get in an and": (
        "y[0] = y[1] > 0 and «c.get()» > 1",
        "on a line of its own first: `v: int8 = c.get()`",
    ),
    "a get in a chain": ("y[0] = 1 < y[0] < «c.get()»", "inside a larger expression"),
    "a get as an index of a store": ("y[«c.get()»] = 1", "inside a larger expression"),
    "a get in an updated place": ("y[«c.get()»] += 1", "inside a larger expression"),
    "a get after a look": ("y[0] = c.empty() + «c.get()»", "after a look at a stream"),
    "a put inside an expression": ("y[0] = «c.put(1)» + 1", "c.put(v) gives no value"),
    "a put as a value": ("y[0] = «c.put(1)»", "c.put(v) gives no value"),
    "a look that is dropped": ("«c.empty()»", "the value of 'c.empty()' is not used"),
    "an unknown method": ("y[0] = «c.peek()»", "has no 'peek'", "get(), put(v), empty(), full()"),
    "an index of one stream": ("y[0] = «c[0]».get()", "one stream, not an array", "write c.get()"),
    "an element of a stream": ("y[0] = «c[0]»", "'c' is a stream and cannot be indexed", "c.get()"),
    "a stream as a value": (
        "y[0] = «c» + 1",
        "'c' is a stream (Stream[int8, 4])",
        "take the next one: c.get()",
    ),
    "an assignment to a stream": ("«c = 3»", "'c' is already a stream here"),
    "a store into a stream": ("«c[0]» = 3", "'c' is a stream and cannot be indexed"),
}
ARRAYS = {
    "out of range": ("y[0] = c[«5»].get()", "index 5 can be outside 'c[5]': there are 3 streams", "0..2"),
    "below range": ("y[0] = c[«-4»].get()", "index -4 can be outside"),
    "perhaps out of range": ("y[0] = c[«y[0]»].get()", "index -128..127 can be outside", "% 3"),
    "a loop too long": ("for i in range(4):\n    y[0] = c[«i»].get()", "index 0..3 can be outside"),
    "no index": ("y[0] = «c».get()", "an array of streams of 1 dimensions", "write c[i].get()"),
    "too many indices": ("y[0] = «c[0, 1]».get()", "an array of streams of 1 dimensions"),
    "one as an argument": ("inner(«c[0]», y)", "'c' is a parameter", "declare the array in the top kernel"),
    "an element": ("y[0] = «c[0]» + 1", "'c[0]' is a stream", "c[0].get()"),
}


@pytest.mark.parametrize("case", TYPES)
def test_a_wrong_type(case: str):
    check_refused(network(TYPES[case][0]), *TYPES[case][1:])


@pytest.mark.parametrize("case", ENDS)
def test_ends_that_do_not_meet(case: str):
    check_refused(network(ENDS[case][0]), *ENDS[case][1:])


@pytest.mark.parametrize("case", USES)
def test_a_wrong_use(case: str):
    check_refused(in_consumer(USES[case][0]), *USES[case][1:])


@pytest.mark.parametrize("case", ARRAYS)
def test_a_wrong_use_of_an_array_of_streams(case: str):
    check_refused(in_consumer(ARRAYS[case][0], "Stream[int8, 4][3]"), *ARRAYS[case][1:])


def test_a_kernel_with_both_ends():
    text = check_refused(
        f"{HEAD}def both(«c: Stream[int8, 4]», y: int8[4]):\n    c.put(y[0])\n    y[1] = c.get()\n\n"
        "def kernel(y: int8[4]):\n    c: Stream[int8, 4]\n    both(c, y)\n",
        "'both' both puts into the stream 'c' and gets from it",
        "use two streams",
    )
    assert "    c.put(y[0])\n" in text
    assert "c.get()\n" in text


def test_full_belongs_to_the_end_that_puts():
    check_refused(
        in_consumer("if c.full():\n    y[0] = c.get()").replace(
            "c: Stream[int8, 4],", "«c: Stream[int8, 4]»,"
        ),
        "both puts into the stream 'c' and gets from it",
        "only the kernel that gets asks `empty()`",
    )


def test_a_stream_of_the_top_kernel():
    check_refused(
        f"{HEAD}def kernel(«c: Stream[int8, 4]», y: int8[4]):\n    y[0] = c.get()\n",
        "parameter 'c' of the top kernel is a stream of unknown length",
        "`c: int8[N] @ stream`",
    )


def test_a_parameter_of_depth_zero():
    check_refused(
        f"{HEAD}def it(«c: Stream[int8, 0]»):\n    c.put(1)\n\n"
        "def kernel(y: int8[4]):\n    c: Stream[int8, 4]\n    it(c)\n",
        "the depth of Stream[int8, 0] is 0",
    )


def test_a_stream_below_the_top():
    check_refused(
        f"{HEAD}{PUTS}\n{GETS}\ndef inner(x: int8[4], y: int8[4]):\n    «c = empty(Stream[int8, 4])»\n"
        "    puts(x, c)\n    gets(c, y)\n\ndef kernel(x: int8[4], y: int8[4]):\n    inner(x, y)\n",
        "'inner' is called by another kernel and declares the stream 'c'",
        "declare it in the top kernel",
    )


def test_one_stream_for_both_parameters_of_a_call():
    check_refused(
        network(
            "c: Stream[int8, 4]\nboth(c, «c»)", "def both(c: Stream[int8], d: Stream[int8]):\n    c.put(1)\n"
        ).replace("    c.put(1)\n", "    v: int8 = c.get()\n    d.put(v)\n"),
        "'c' is passed twice",
    )


def test_one_stream_under_two_names():
    check_refused(
        network(
            "c: Stream[int8, 4]\nputs(x, c)\n«both(c, c, y)»",
            "def both(c: Stream[int8], d: Stream[int8], y: int8[4]):\n    y[0] = c.get() + d.get()\n",
        ),
        "the stream 'c' is passed twice in this call",
        "under one name in 'both'",
    )


def test_a_streamed_array_is_never_empty_or_full():
    check_refused(
        f"{HEAD}def kernel(c: int8[4] @ stream, y: bit[1]):\n    y[0] = «c.empty()»\n",
        "a stream (int8[4] @ stream) has no 'empty'",
        "get(), put(v)",
    )


def test_the_depth_is_that_of_the_stream_that_is_passed():
    program = parse(load(network("c: Stream[int8, 9]\nputs(x, c)\ngets(c, y)"))["kernel"])
    assert [str(p.type) for f in program.functions for p in f.params if p.name == "c"] == [
        "Stream[int8, 9]"
    ] * 2
