"""The simulation word by word: equal to stepping cycle by cycle, and stream depths that are the least."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.chains import chains, forks
from tests.model.stepping import step
from tests.strategies import load

from bitfold.diagnostics import DeadlockError, ScheduleError, StreamError, UsageError
from bitfold.ir.nodes import Alloc, Program
from bitfold.model.cycles import model
from bitfold.model.events import net_of
from bitfold.model.fifos import auto_depths, set_depths
from bitfold.model.simulate import simulate
from bitfold.networks.run import Options, scheduled
from bitfold.schedule import customize


def program_of(source: str) -> Program:
    return customize(load(source)["top"]).program


def shipped(network: str, schedule: str) -> Program:
    return scheduled(Options(network, schedule))[2].program


@given(st.one_of(chains(), forks()), st.integers(1, 4), st.sampled_from([0, 0, 1, 3]))
def test_the_simulation_is_what_stepping_through_the_cycles_gives(
    source: str, images: int, deep: int
) -> None:
    program = program_of(source)
    net = net_of(program, deep)
    expected = step(net, net.streams, images)
    if expected.stuck:
        with pytest.raises(DeadlockError):
            simulate(program, images=images, pipeline_depth=deep)
        return
    found = simulate(program, images=images, pipeline_depth=deep)
    assert found.completed == tuple(expected.ends[-1])
    for p, use in enumerate(found.processes):
        assert use.first_end == expected.ends[p][0], use.name
        assert (use.waits_for_input, use.waits_for_room) == (expected.for_input[p], expected.for_room[p])
    for j, fifo in enumerate(found.fifos):
        assert Counter(dict(fifo.histogram)) == +expected.occupancy[j], fifo.name
        assert fifo.high_water == max(n for n, cycles in expected.occupancy[j].items() if cycles)
        assert fifo.high_water <= fifo.depth


@given(st.one_of(chains(), forks()))
def test_a_proven_interval_is_that_of_many_more_images(source: str) -> None:
    program = program_of(source)
    try:
        found = simulate(program)
    except DeadlockError:
        return
    assert found.steady
    ends = step(net_of(program), net_of(program).streams, len(found.completed) + 24).ends[-1]
    assert ends[-1] - ends[-13] == 12 * found.interval_cycles


@given(st.one_of(chains(), forks()))
def test_auto_depths_are_the_least_that_keep_the_interval(source: str) -> None:
    program = program_of(source)
    depths = auto_depths(program)
    slowest = max(use.trace.cycles for use in net_of(program).processes)
    assert simulate(program, depths=depths).interval_cycles == slowest
    for name in (n for n, depth in depths.items() if depth > 1):
        try:
            less = simulate(program, depths={**depths, name: depths[name] - 1})
        except DeadlockError:
            continue
        assert less.interval_cycles > slowest, name


@pytest.mark.parametrize("network", ["sfc", "lfc"])
@pytest.mark.parametrize("schedule", ["fold_a", "finn_max", "finn_fix"])
def test_networks_with_such_depths_are_as_fast_as_the_closed_form_says(network: str, schedule: str) -> None:
    program = shipped(network, schedule)
    closed = model(program, 200.0)
    for use, layer in zip(simulate(program, images=1).processes, closed.layers, strict=True):
        assert (use.name, use.cycles) == (layer.name, layer.cycles)
    depths = auto_depths(program)
    deeper = set_depths(program, depths)
    assert simulate(deeper, images=12).interval_cycles == closed.interval_cycles
    assert simulate(deeper, images=4) == simulate(program, depths=depths, images=4)
    assert auto_depths(program) == depths, "the same every time"


def test_any_depth_of_lfc_smaller_by_one_slows_it_down() -> None:
    program = shipped("lfc", "finn_max")
    depths, closed = auto_depths(program), model(program, 200.0).interval_cycles
    larger = [n for n, depth in depths.items() if depth > 1]
    assert larger
    for name in larger:
        less = {**depths, name: depths[name] - 1}
        assert simulate(program, depths=less).interval_cycles > closed, name


def test_a_layer_that_works_on_after_its_input_holds_the_one_before_back_unless_a_stream_is_deep() -> None:
    program = shipped("lfc", "finn_max")
    channels = [s.name for s in program.top.body if isinstance(s, Alloc) and s.type.streamed]
    shallow = simulate(program, depths=dict.fromkeys(channels, 2))
    assert shallow.interval_cycles > 1.2 * model(program, 200.0).interval_cycles
    assert any(use.waits_for_room for use in shallow.processes)
    for use in shallow.processes:
        assert use.cycles + use.waits_for_input + use.waits_for_room == shallow.interval_cycles


CASES = {
    "a put that depends on data": ("if x[i] > 3:\n            c.put(x[i])", ScheduleError, "depends on data"),
    "too many words": ("c.put(x[i])\n        c.put(x[i])", StreamError, "8 words of 's' are put"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_simulated_is_refused(case: str) -> None:
    inner, error, text = CASES[case]
    source = f"""
from bitfold.lang import *

def one(x: uint8[4], c: Stream[uint8]):
    for i in range(4):
        {inner}

def two(c: Stream[uint8], y: uint8[4]):
    for i in range(4):
        y[i] = c.get()

def top(x: uint8[4], y: uint8[4]):
    s = empty(Stream[uint8])
    one(x, s)
    two(s, y)
"""
    with pytest.raises(error, match=text):
        simulate(program_of(source))


JOINED = """
from bitfold.lang import *

def two(x: uint8[16], a: Stream[uint8], b: Stream[uint8]):
    for i in range(16):
        a.put(x[i])
        b.put(x[i] + 1)

def join(a: Stream[uint8], b: Stream[uint8], y: uint8[16]):
    held = empty(uint8[16])
    for i in range(16):
        held[i] = a.get()
    for i in range(16):
        y[i] = held[i] ^ b.get()

def top(x: uint8[16], y: uint8[16]):
    a = empty(Stream[uint8])
    b = empty(Stream[uint8])
    two(x, a, b)
    join(a, b, y)
"""


def test_a_standstill_says_who_waits_and_which_depth_would_do() -> None:
    program = program_of(JOINED)
    with pytest.raises(DeadlockError) as caught:
        simulate(program)
    text = caught.value.render()
    assert "'two' waits to put into 'b', which is full (depth 2)" in text
    assert "'join' waits to get from 'a', which is empty (depth 2)" in text
    enough = int(text.partition("with depth ")[2].split()[0])
    simulate(program, depths={"b": enough})
    with pytest.raises(DeadlockError):
        simulate(program, depths={"b": enough - 1})


def test_depths_are_checked() -> None:
    for depths in ({"a": 0}, {"c": 4}):
        with pytest.raises(UsageError):
            simulate(program_of(JOINED), depths=depths)
        with pytest.raises(UsageError):
            set_depths(program_of(JOINED), depths)


ARRAYS = """
from bitfold.lang import *

def first(x: uint8[8], a: uint8[8]):
    for i in range(8):
        a[i] = x[i]

def second(a: uint8[8], y: uint8[8]):
    for i in range(8):
        for j in range(3):
            y[i] = a[7 - i]

@dataflow
def top(x: uint8[8], y: uint8[8]):
    a = empty(uint8[8])
    first(x, a)
    second(a, y)
"""


def test_an_array_is_handed_over_as_a_whole_in_blocks_that_take_turns() -> None:
    program = program_of(ARRAYS)
    found = simulate(program)
    assert found.steady
    assert found.interval_cycles == 24
    assert found.latency_cycles == 8 + 24
    assert found.completed[:3] == tuple(step(net_of(program), {}, 3).ends[-1])
    assert [(f.name, f.depth, f.block) for f in found.fifos] == [("a", 2, True)]


def test_kernels_that_run_one_after_another_are_no_network() -> None:
    with pytest.raises(ScheduleError, match="one after another"):
        simulate(shipped("sfc", "cpu"))


def test_a_result_is_json() -> None:
    found = json.loads(json.dumps(simulate(program_of(JOINED), depths={"b": 16}).as_json()))
    assert found["interval_cycles"] == 32.0
    assert {f["name"] for f in found["fifos"]} == {"a", "b"}
