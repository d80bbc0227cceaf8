"""Which networks run in order, and as what: decided before they are compiled."""

from __future__ import annotations

import pytest
from tests.ir import networks
from tests.strategies import load

from bitfold.frontend import parse
from bitfold.ir.nodes import Program
from bitfold.ir.verify import verify
from bitfold.lowering.channels import channels_to_arrays, room, runs_in_order
from bitfold.lowering.skeleton import always_ends

FORK = """from bitfold.lang import *

def fork(x: int8[6], got: Stream[int8], b: Stream[int8], n: int8[1]):
    for i in range(6):
        if i % 2 == 0 and i < {until}:
            got.put(x[i])
        n[0] += x[i]
    for i in range(3):
        b.put(x[i])

def alone(x: int8[6], z: int8[6]):
    for i in range(6):
        z[i] = x[i]

def take(got: Stream[int8], y: int8[6], i: int8[1]):
    y[0] += got.get() + i[0]

def join(got: Stream[int8], b: Stream[int8], y: int8[6]):
    i = zeros(int8[1])
    for j in range(3):
        take(got, y, i)
        y[0] -= b.get()

def kernel(x: int8[6], y: int8[6], z: int8[6], n: int8[1]):
    a = empty(Stream[int8, {depth}])
    b = empty(Stream[int8, 1])
    fork(x, a, b, n)
    alone(x, z)
    join(a, b, y)
"""

SHORTER = """
def kernel(x: int8[6], y: int16[6]):
    t = empty(int16[6])
    c = empty(Stream[int8, 5])
    keep(x, t, c)
    negate(t, y, c)
"""


def fork(depth: int, until: int | str = 6) -> Program:
    return parse(load(FORK.format(depth=depth, until=until))["kernel"])


def test_a_network_that_takes_the_same_turns_each_time_is_tried_out():
    assert always_ends(parse(networks.deep))
    assert not always_ends(parse(networks.shallow))
    assert not always_ends(parse(networks.crossed))


@pytest.mark.parametrize(("depth", "ends"), [(1, False), (2, True), (3, True)])
def test_conditions_on_loop_variables_are_known(depth: int, ends: bool):
    assert always_ends(fork(depth)) is ends
    assert runs_in_order(fork(depth)) is ends


def test_elements_that_are_left_or_missing_are_no_proper_end():
    assert not always_ends(fork(3, until=4))
    assert not always_ends(fork(3, until="x[i]"))


def test_an_order_that_arrays_ask_for_counts():
    assert always_ends(parse(networks.with_array))
    source = load(f"from tests.ir.networks import *\nfrom bitfold.lang import *\n{SHORTER}")
    assert not always_ends(parse(source["kernel"]))


def test_known_counts_make_arrays():
    program = channels_to_arrays(parse(networks.chain))
    verify(program)
    assert "Stream" not in str(program)
    assert [str(p.type) for p in program.function("pairs").params] == ["int8[6]", "int16[3]"]
    unknown = parse(networks.filtered)
    assert channels_to_arrays(unknown) is unknown


def test_there_is_room_for_all_that_can_be_put():
    assert room(parse(networks.filtered)) == {"c": 7}
    assert room(parse(networks.fanned)) == {"c": 6, "a": 6, "b": 6}
