"""The report as JSON: what the schema promises, and numbers that a reader can check."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from tests.report.builds import content, forked, rerun, result

from bitfold import report
from bitfold.devices import find_device
from bitfold.model.operations import operations, port_bytes
from bitfold.networks.catalog import find_network, find_schedule
from bitfold.networks.report import as_json, build_of
from bitfold.report.published import DESIGNS, OPERATIONS, PORT_BYTES
from bitfold.schedule import customize

CASES = [("sfc", "fold_a"), ("sfc", "cpu"), ("lfc", "finn_fix")]


def validated(found: object) -> None:
    Draft202012Validator(report.schema()).validate(found)


def test_the_schema_is_one():
    Draft202012Validator.check_schema(report.schema())


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_what_is_written_fits_the_schema(case):
    found = json.loads(json.dumps(content(*case), allow_nan=False))
    validated(found)
    assert found["schema"] == "bitfold-report"
    assert found["schema_version"] == report.SCHEMA_VERSION


def test_a_network_that_is_no_chain_fits_the_schema():
    validated(json.loads(json.dumps(forked(), allow_nan=False)))


def test_the_schema_describes_every_field():
    found = content()
    assert set(report.schema()["required"]) == set(found)
    assert set(report.schema()["properties"]["layers"]["items"]["required"]) == set(found["layers"][0])


@pytest.mark.parametrize("change", [{"fps": "fast"}, {"schema_version": 2}, {"accuracy": 98.03}])
def test_the_schema_refuses_what_is_wrong(change):
    assert list(Draft202012Validator(report.schema()).iter_errors({**content(), **change}))


def test_the_same_run_gives_the_same_content():
    again = as_json(rerun("sfc", "fold_a", 50))
    differ = {key for key, value in content().items() if again[key] != value}
    assert differ <= {*content()["how"]["measured"], "hls_dir"}


def test_sums_agree():
    found = content()
    total = found["resources"]["total"]
    for name in total:
        assert total[name] == sum(k[name] for k in found["resources"]["kernels"].values())
        assert total[name] == sum(i[name] for i in found["resources"]["items"])
    assert found["operations"] == sum(layer["operations"] for layer in found["layers"])
    assert max(layer["busy"] for layer in found["layers"]) == 1


@pytest.mark.parametrize("name", ["sfc", "lfc", "cnv"])
@pytest.mark.parametrize("schedule", [None, "finn_max", "cpu"])
def test_operations_do_not_depend_on_the_schedule(name, schedule):
    network = find_network(name)
    s = customize(network.build(network.load_weights(None)))
    if schedule:
        find_schedule(schedule)(s)
    assert sum(operations(s.program).values()) == OPERATIONS[name]
    assert port_bytes(s.program) == PORT_BYTES[name]


def test_operations_are_two_for_a_synapse():
    weights = find_network("sfc").load_weights(None)
    assert OPERATIONS["sfc"] == 2 * sum(w.size for w in weights.weights)


def test_the_roofline_is_the_papers():
    line = content()["roofline"]
    assert line["peak_ops_per_s"] == pytest.approx(218_600 * 0.7 / 2.5 * 200e6)
    assert line["ops_per_s"] == pytest.approx(668_672 * 781_250)
    assert line["operations_per_byte"] == pytest.approx(668_672 / 119)
    assert line["bound"] == "compute"
    fastest = max(OPERATIONS[d.network] * d.fps for d in DESIGNS)
    assert fastest < line["peak_ops_per_s"]


def test_slow_memory_bounds_a_design():
    board = replace(find_device("zc706"), memory_gb_s=0.001)
    line = report.content(replace(build_of(result()), device=board))["roofline"]
    assert line["bound"] == "memory"
    board = replace(board, memory_gb_s=None)
    line = report.content(replace(build_of(result()), device=board))["roofline"]
    assert (line["bound"], line["memory_bytes_per_s"]) == ("compute", None)


def test_streams_name_their_ends():
    streams = {s["name"]: s for s in content()["streams"]}
    assert streams["h0"] == {
        "name": "h0",
        "port": False,
        "streamed": True,
        "width": 16,
        "words": 16,
        "depth": 16,
        "from": ["binary_dense_0"],
        "to": ["binary_dense_1"],
    }
    assert streams["x"]["port"]
    assert streams["x"]["from"] == []
    arrays = {s["name"]: s for s in content("sfc", "cpu")["streams"]}
    assert arrays["h0"]["depth"] is None
    assert arrays["h0"]["to"] == ["binary_dense_1"]


def test_layers_know_their_lines():
    found = content()
    layer = found["layers"][0]
    assert layer["called"]["file"].endswith("sfc.py")
    assert layer["source"]["file"].endswith("dense.py")
    lines = result().cpp.splitlines()
    for each in found["layers"]:
        assert f"void {each['name']}(" in lines[each["cpp_line"] - 1]
        assert each["python"].startswith(f"def {each['name']}(")
