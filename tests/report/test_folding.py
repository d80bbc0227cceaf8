"""Why this folding: the nearest other foldings are what they are said to be."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from tests.report.builds import program_content
from tests.report.test_page import Checked

from bitfold.autofold import choose
from bitfold.autofold.requirement import requirement
from bitfold.devices import find_device
from bitfold.model.cycles import model
from bitfold.model.resources import estimate
from bitfold.networks.catalog import find_network, find_schedule
from bitfold.report import folding_found, folding_of, page, schema
from bitfold.schedule import customize
from bitfold.schedules.finn_max import FOLDINGS
from bitfold.schedules.fold_a import FOLDINGS as FOLD_A
from bitfold.schedules.folding import fold_network


def built(name: str = "sfc"):
    network = find_network(name)
    return customize(network.build(network.load_weights(None)))


def reasons(s, unscheduled):
    return folding_of(unscheduled, model(s.program, 200), estimate(s.program))


@pytest.fixture(scope="module")
def found():
    s = built()
    before = s.program
    find_schedule("finn_max")(s)
    return reasons(s, before)


def test_the_slowest_layer_is_named(found):
    assert found.bottleneck == "binary_dense_1"
    assert [c.layer for c in found.layers if c.bottleneck] == [
        "binary_dense_1",
        "binary_dense_2",
        "output_scores",
    ]
    assert "sets the rate of 12,500,000 images/s" in found.why


def test_the_others_are_what_the_whole_network_would_have(found):
    """Each alternative, put into the whole network, has the cycles, cost and rate that the report says."""
    tried = 0
    for choice in found.layers[:2]:
        for other in choice.others:
            folding = {"sfc": {**FOLDINGS["sfc"], choice.layer: (other.pe, other.simd)}}
            s = built()
            fold_network(s, "other", folding)
            closed = model(s.program, 200)
            layer = next(x for x in closed.layers if x.name == choice.layer)
            cost = estimate(s.program).kernels()[choice.layer]
            assert (layer.cycles, cost.lut, cost.ff, cost.bram36) == (
                other.cycles,
                other.lut,
                other.ff,
                other.bram36,
            )
            rest = [x.cycles for x in closed.layers if not x.name.startswith("stream_width")]
            assert other.fps == pytest.approx(200e6 / max(rest))
            tried += 1
    assert tried >= 3


def test_others_are_the_nearest(found):
    for choice in found.layers:
        for other in choice.others:
            assert (other.pe * other.simd > choice.pe * choice.simd) == other.larger
            assert (other.cycles < choice.cycles) == other.larger


def test_a_layer_that_is_larger_than_it_needs_to_be_is_told():
    s = built()
    before = s.program
    fold_network(s, "wide", {"sfc": {**FOLD_A["sfc"], "binary_dense_0": (8, 49)}})
    choice = reasons(s, before).layers[1]
    smaller = choice.others[0]
    assert smaller.why_not == "just as fast: -551 LUT, -4 BRAM36, so this layer is larger than it needs to be"
    assert "A smaller folding would be fast enough." in choice.reason


def test_a_layer_scheduled_in_a_way_of_its_own_gets_no_others():
    s = built()
    before = s.program
    fold_network(s, "finn_max", FOLDINGS)
    s.at("binary_dense_0").bind("w", "bram")
    found = reasons(s, before)
    assert found.layers[0].others == ()
    assert "a way of its own" in found.layers[0].reason
    assert found.layers[1].others


def test_kernels_in_turn_have_no_folding():
    s = built()
    before = s.program
    find_schedule("cpu")(s)
    assert reasons(s, before) is None


def test_reasons_of_automatic_folding_are_shown():
    s = built()
    chosen = choose(s, find_device("zc706"), requirement(fps=9000))
    found = folding_found(chosen, model(s.program, 200))
    data = program_content(s.program, folding=found)
    Draft202012Validator(schema()).validate(json.loads(json.dumps(data, allow_nan=False)))
    text = Checked(page(data)).text
    assert "Asked for: at least 9,000 images/s." in text
    for layer in chosen.layers:
        assert layer.reason[1:] in text
        for alternative in layer.alternatives:
            assert alternative.why_not in text
