"""The page as text: it stands alone, its links lead somewhere, and nothing in it is taken for HTML."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator
from tests.report.builds import (
    add_one,
    arrays_of_streams,
    called_twice,
    content,
    forked,
    in_place,
    program_content,
    result,
    without_loops,
)

from bitfold.devices import find_device
from bitfold.report import page, schema
from bitfold.schedule import customize

VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}
NASTY = "<b>&\"'</b><script>alert(1)</script>"


class Checked(HTMLParser):
    """Collects links, ids and headings, and checks that elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []
        self.sources += [found[k] for k in ("src", "srcset", "xlink:href") if k in found]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open, f"{tag} is closed, but not open"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


CASES = [("sfc", "fold_a"), ("sfc", "cpu"), ("lfc", "finn_fix")]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_it_needs_nothing_from_elsewhere(case):
    text = page(content(*case))
    found = Checked(text)
    assert not found.sources
    assert not {"script", "link", "iframe", "img", "object", "embed"} & set(found.tags)
    assert "http:" not in text
    assert "https:" not in text
    assert not re.search(r"url\(|@import|@font-face", text)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_same_content_gives_the_same_bytes(case):
    assert page(content(*case)) == page(copy.deepcopy(content(*case)))


def test_headings_go_down_one_at_a_time_and_links_to_them_work():
    found = Checked(page(content()))
    levels = [int(t[1]) for t in found.tags if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert len(set(found.ids)) == len(found.ids)
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_every_link_leads_to_a_file_and_a_line_of_it():
    folder = result().hls_dir
    found = Checked(page(content(), folder / "report.html"))
    files = {}
    for link in (x for x in found.links if not x.startswith("#")):
        name, _, anchor = link.partition("#")
        target = folder / unquote(name)
        assert target.is_file(), link
        files[target.resolve().name] = target
        if anchor:
            assert 1 <= int(anchor[1:]) <= len(target.read_text().splitlines())
    assert {"sfc.py", "dense.py", "sfc.cpp", "tb.cpp", "weights.h", "run_vitis.tcl"} <= files.keys()
    assert "sfc.cpp" in found.links[[x.startswith("sfc.cpp") for x in found.links].index(True)]


def test_links_follow_the_page(tmp_path):
    away = tmp_path / "a folder" / "page.html"
    away.parent.mkdir()
    links = [x for x in Checked(page(content(), away)).links if not x.startswith("#")]
    assert links
    assert all((away.parent / unquote(x.partition("#")[0])).is_file() for x in links)


def test_without_a_place_there_are_no_links_to_files():
    assert all(link.startswith("#") for link in Checked(page(content())).links)


def test_no_absolute_path_is_shown():
    text = Checked(page(content(), result().hls_dir / "report.html")).text
    assert str(Path.cwd()) not in text
    assert str(result().hls_dir) not in text
    assert "networks/sfc.py:37" in text


def test_whatever_it_shows_is_escaped():
    found = copy.deepcopy(content())
    old = found["layers"][0]["name"]
    text = page(_renamed(found, old, NASTY) | {"title": NASTY, "schedule": NASTY, "data": NASTY})
    assert "<script" not in text
    assert '<b>&"' not in text
    assert text.count("&lt;b&gt;") > 10
    assert NASTY in Checked(text).text


def _renamed(value, old, new):
    if isinstance(value, dict):
        return {(new if k == old else k): _renamed(v, old, new) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(v, old, new) for v in value]
    return new if value == old else value


def test_measured_and_modelled_are_told_apart():
    text = Checked(page(content())).text
    assert "images/s, modelled" in text
    assert "images/s, one thread, measured" in text
    assert "50 images, measured" in text


def test_what_is_shown_are_the_numbers():
    text = " ".join(Checked(page(content())).text.split())
    for shown in ("781,250", "4.64 µs", "7,655", "SIMD 49", "256 cycles, slowest", "522 GOPS"):
        assert shown in text


def test_a_run_without_labels_says_so():
    text = Checked(page({**content(), "accuracy": None, "data": "mine.png", "classes_found": ["7"]})).text
    assert "mine.png has no labels" in text
    assert "Found: 7." in text


def test_kernels_in_turn_have_no_streams():
    text = Checked(page(content("sfc", "cpu"))).text
    assert "they run one after another" in text
    assert "There are no streams" in text
    assert "This schedule folds nothing" in text


def test_a_network_that_forks_is_drawn_with_all_its_streams():
    found = Checked(page(forked()))
    assert "Kernels of the network and the streams between them" in found.text
    for name in ("split", "negate", "add", "a 8 bit, depth 4", "c 8 bit, depth 16"):
        assert name in found.text
    assert "No operation" not in found.text


def test_a_design_that_does_not_fit_says_so():
    found = copy.deepcopy(content())
    found["board"] |= {"lut": 5000, "uram": 0}
    found["resources"]["total"]["uram"] = 3
    found["resources"]["utilization"]["lut"] = 7655 / 5000
    text = Checked(page(found)).text
    assert "153.1%, too much" in text
    assert "there are none, too much" in text


def test_stalls_that_cost_speed_are_told():
    found = copy.deepcopy(content())
    found["simulated"]["interval_cycles"] = 300.0
    assert "streams are too shallow" in Checked(page(found)).text


@pytest.mark.parametrize(
    "kernel", [arrays_of_streams, called_twice, in_place, without_loops, add_one], ids=lambda k: k.__name__
)
@pytest.mark.parametrize("device", ["zc706", "u250", "pynq-z1"])
def test_any_program_has_a_report(kernel, device):
    found = program_content(customize(kernel).program, device=find_device(device))
    Draft202012Validator(schema()).validate(json.loads(json.dumps(found, allow_nan=False)))
    text = Checked(page(found)).text
    assert find_device(device).name in text
    assert "Nothing was classified." in text
    for layer in found["layers"]:
        assert f"def {layer['name']}(" in text
