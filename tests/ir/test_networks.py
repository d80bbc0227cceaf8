"""Process networks as Python: kernels take turns, and a network that cannot go on says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.ir import networks
from tests.schedule.ladder import inputs, python_result
from tests.strategies import assert_same, load

from bitfold.cli import _guarded
from bitfold.diagnostics import DeadlockError, StreamError
from bitfold.frontend import parse
from bitfold.ir.nodes import Program
from bitfold.ir.printer import module_text
from bitfold.ir.run import run_python
from bitfold.ir.verify import MalformedError, verify
from bitfold.lang import Stream, int8, typed
from bitfold.lang.array import StreamEnd

HEAD = "from bitfold.lang import *\n"
ONE_AND_ONE = """
def puts(x: int8[4], c: Stream[int8]):
    for i in range({puts}):
        c.put(x[i % 4])

def gets(c: Stream[int8], y: int8[4]):
    for i in range({gets}):
        y[i % 4] = c.get()

def kernel(x: int8[4], y: int8[4]):
    c = empty(Stream[int8, {depth}])
    puts(x, c)
    gets(c, y)
"""
LOOP = """
def first(a: Stream[int8], b: Stream[int8]):
    for i in range(3):
        b.put(a.get())

def second(b: Stream[int8], a: Stream[int8], y: int8[1]):
    for i in range(3):
        v: int8 = b.get()
        y[0] += v
        a.put(v)

def kernel(y: int8[1]):
    a = empty(Stream[int8])
    b = empty(Stream[int8])
    first(a, b)
    second(b, a, y)
"""


def counted(puts: int, gets: int, depth: int = 2) -> str:
    return ONE_AND_ONE.format(puts=puts, gets=gets, depth=depth)


def program(source: str) -> Program:
    return parse(load(HEAD + source)["kernel"])


def refused(source: str | Program, error: type[StreamError] = DeadlockError) -> str:
    """The report of a network that does not end as it should; its arrays stay as they are."""
    made = program(source) if isinstance(source, str) else source
    args = inputs(made, 3)
    before = [a.copy() for a in args]
    with pytest.raises(StreamError) as caught:
        run_python(made, *args)
    assert type(caught.value) is error
    assert_same(args, before)
    return str(caught.value)


@pytest.mark.parametrize("kernel", [*networks.FEED_FORWARD, networks.with_filled_array])
@pytest.mark.parametrize("seed", range(3))
def test_a_network_in_order_is_what_its_kernels_do_one_by_one(kernel: Callable[..., Any], seed: int):
    made = parse(kernel)
    verify(made)
    args = inputs(made, seed)
    after = [a.copy() for a in args]
    views = [typed(a, p.type.elem) for a, p in zip(after, made.top.params, strict=True)]
    kernel(*(StreamEnd(v) if p.type.streamed else v for v, p in zip(views, made.top.params, strict=True)))
    assert_same(python_result(made, args), after)


def test_a_cycle_of_kernels_goes_round():
    x, y = np.array([1, 2, 3, -4, 100, 100], np.int8), np.zeros(6, np.int16)
    run_python(parse(networks.feedback), x, y)
    assert y.tolist() == np.cumsum(x.astype(int)).tolist()


@pytest.mark.parametrize("kernel", [*networks.FEED_FORWARD, networks.feedback, networks.shallow])
def test_a_printed_network_parses_to_the_same_program(kernel: Callable[..., Any]):
    made = parse(kernel)
    text = module_text(made)
    again = parse(load(text)[made.top.name])
    assert again == made
    assert module_text(again) == text


def test_gets_inside_an_expression_keep_their_order():
    made = program("""
def puts(x: int8[4], c: Stream[int8]):
    for i in range(4):
        c.put(x[i])

def gets(c: Stream[int8], y: int16[4]):
    y[0] += c.get() * 100 - c.get()
    if c.get() > c.get():
        y[1] = 1
    else:
        y[1] = 2

def kernel(x: int8[4], y: int16[4]):
    c = empty(Stream[int8])
    puts(x, c)
    gets(c, y)
""")
    y = np.full(4, 7, np.int16)
    run_python(made, np.array([3, 4, 5, 6], np.int8), y)
    assert y.tolist() == [303, 2, 7, 7]


def test_a_get_may_drop_its_value():
    made = program(counted(4, 4).replace("y[i % 4] = c.get()", "c.get()\n        y[i % 4] = 5"))
    y = np.zeros(4, np.int8)
    run_python(made, y.copy(), y)
    assert y.tolist() == [5] * 4


def test_a_shallow_fork_and_join_names_the_depth_that_does():
    text = refused(parse(networks.shallow))
    for words in (
        "'shallow' stands still: a stream is too shallow",
        "'fork' waits to put into 'a', which is full (depth 2)",
        "        a.put(x[i])\n",
        "'join' waits to get from 'b', which is empty (depth 2)",
        "help: with depth 5 of 'a' it runs to its end: write a = empty(Stream[int8, 5])",
    ):
        assert words in text
    assert text.count("networks.py:") == 3


def test_several_streams_can_be_too_shallow():
    text = refused("""
def fork(x: int8[12], a: Stream[int8][2], b: Stream[int8]):
    for i in range(12):
        a[i % 2].put(x[i])
    for i in range(4):
        b.put(x[i])

def relay(a: Stream[int8][2], c: Stream[int8]):
    for i in range(12):
        c.put(a[i % 2].get())

def join(b: Stream[int8], c: Stream[int8], y: int8[12]):
    for i in range(4):
        y[i] = b.get()
    for i in range(12):
        y[i] += c.get()

def kernel(x: int8[12], y: int8[12]):
    a = empty(Stream[int8, 2][2])
    b = empty(Stream[int8, 1])
    c = empty(Stream[int8, 1])
    fork(x, a, b)
    relay(a, c)
    join(b, c, y)
""")
    assert "waits to put into 'a[0]', which is full (depth 2)" in text
    assert "help: with depth 4 of 'a' and depth 3 of 'c' it runs to its end" in text
    assert "a = empty(Stream[int8, 4][2]), c = empty(Stream[int8, 3])" in text


def test_a_consumer_that_starves():
    text = refused(counted(puts=3, gets=4))
    for words in (
        "'kernel' stands still, and no depth of its streams would help",
        "'gets' waits to get from 'c', which is empty (depth 2)",
        "'puts' is over after putting 3 elements into 'c'",
        "let it put as many as 'gets' gets",
    ):
        assert words in text


def test_a_producer_that_nobody_hears():
    text = refused(counted(puts=4, gets=1))
    for words in (
        "no depth of its streams would help",
        "'puts' waits to put into 'c', which is full (depth 2)",
        "'gets' is over after getting 1 element from 'c'",
        "let it get as many as 'puts' puts",
    ):
        assert words in text


def test_elements_that_are_left():
    text = refused(counted(puts=4, gets=3), StreamError)
    for words in (
        "1 element of 'c' is left when all kernels of 'kernel' are over",
        "    c = empty(Stream[int8, 2])\n",
        "'puts' puts 4 elements",
        "'gets' gets 3 elements",
    ):
        assert words in text


def test_a_cycle_without_a_first_element():
    text = refused(LOOP)
    for words in (
        "no depth of its streams would help",
        "'first' waits to get from 'a', which is empty",
        "'second' waits to get from 'b', which is empty",
        "let one of them put an element before it gets one",
    ):
        assert words in text


def test_a_kernel_that_waits_for_the_end_of_another_by_an_array():
    made = parse(
        load(
            HEAD
            + """
def keep(x: int8[6], t: int8[6], c: Stream[int8]):
    for i in range(6):
        t[i] = x[i]
        c.put(x[i])

def negate(t: int8[6], c: Stream[int8], y: int8[6]):
    for i in range(6):
        y[i] = c.get() - t[i]

def kernel(x: int8[6], y: int8[6]):
    t = empty(int8[6])
    c = empty(Stream[int8, 4])
    keep(x, t, c)
    negate(t, c, y)
"""
        )["kernel"]
    )
    text = refused(made)
    assert "'negate' waits for 'keep' to be over, for the array 't'" in text
    assert "help: with depth 6 of 'c' it runs to its end" in text


def test_the_verifier_knows_streams():
    made = program(counted(4, 4))
    gets = made.function("gets")
    params = (replace(gets.params[0], type=int8[2]), *gets.params[1:])
    with pytest.raises(MalformedError, match="c is no stream here"):
        verify(made.with_function(replace(gets, params=params)))
    params = (replace(gets.params[0], type=Stream[int8, 2][3]), *gets.params[1:])
    with pytest.raises(MalformedError, match="the stream c is indexed with 0 indices"):
        verify(made.with_function(replace(gets, params=params)))


def test_the_command_line_shows_the_report_and_ends_with_status_2(capsys: pytest.CaptureFixture[str]):
    made = parse(networks.shallow)

    def command() -> int:
        run_python(made, *inputs(made, 1))
        return 0

    assert _guarded(command) == 2
    assert "'shallow' stands still: a stream is too shallow" in capsys.readouterr().err
