"""`bitfold paper`: the paper's figures beside ours, each marked with where it comes from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tests.e2e.test_sfc_cli import refused
from tests.report.test_page import Checked

from bitfold.cli import main
from bitfold.diagnostics import DataError, UsageError
from bitfold.paper import Comparison, compare
from bitfold.paper.compare import gathered
from bitfold.paper.show import html, markdown, show, summary
from bitfold.report.published import DESIGNS


@pytest.fixture(scope="module")
def found() -> Comparison:
    """Without classifying."""
    return gathered(compare(accuracy=False))


def bitfold(cwd: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bitfold.paper", *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_all_six_designs_are_there(found):
    assert [d.title for d in found.designs] == [d.title for d in DESIGNS]
    assert {(d.network, d.schedule) for d in found.designs} == {
        (n, s) for n in ("sfc", "lfc", "cnv") for s in ("finn_max", "finn_fix")
    }


def test_rates_and_latencies_are_the_papers(found):
    judged = [f for d in found.designs for f in d.figures if f.met is not None]
    assert len(judged) == 12
    assert not found.missed
    assert found.met
    assert all(abs(f.deviation) <= 0.05 for f in judged)


def test_figures_say_where_they_come_from(found):
    sources = {(d.title, f.name): f.source for d in found.designs for f in d.figures}
    assert {k for k, source in sources.items() if source == "abstract"} == {
        ("SFC-max", "fps"),
        ("SFC-max", "latency_us"),
        ("CNV-max", "fps"),
        ("CNV-max", "latency_us"),
    }
    assert {f.how for d in found.designs for f in d.figures} == {"modelled"}
    data = found.as_json()
    assert data["met"] is True
    fps = data["designs"][0]["figures"]["fps"]
    assert fps["ratio"] == pytest.approx(12_500_000 / 12_361_000, rel=0.001)
    assert fps["how"] == "modelled"
    assert fps["source"] == "abstract"


def test_every_form_has_every_figure(found):
    console = Console(width=100, record=True, quiet=False, file=open(os.devnull, "w"))
    show(found, console)
    console.file.close()
    forms = [console.export_text(), markdown(found), Checked(html(found)).text]
    for text in forms:
        for d in DESIGNS:
            assert d.title in text
        for word in ("12,361,000", "91,131", "114.5", "283", "+2.5%", "pass", "modelled", "recalled"):
            assert word in text
        assert summary(found) in " ".join(text.split())
        assert "Accuracies were not measured." in " ".join(text.split())
    assert "https:" not in html(found)
    assert html(found) == html(found)


def test_markdown_is_a_table(found):
    lines = [x for x in markdown(found).splitlines() if x.startswith("|")]
    assert len(lines) == 2 + 6 * 4
    assert len({line.count("|") for line in lines}) == 1


def test_the_command_writes(tmp_path):
    found = bitfold(tmp_path, "--no-accuracy", "--json", "p.json", "--out", "p.html")
    assert found.returncode == 0, found.stderr
    assert json.loads((tmp_path / "p.json").read_text())["schema"] == "bitfold-paper"
    assert "12,361,000" in Checked((tmp_path / "p.html").read_text()).text
    assert bitfold(tmp_path, "--no-accuracy", "--out", "p.md").returncode == 0
    assert (tmp_path / "p.md").read_text().startswith("# FINN's designs on the ZC706")
    assert sorted(os.listdir(tmp_path)) == ["p.html", "p.json", "p.md"]


def test_it_fails_where_a_rate_or_a_latency_is_missed(monkeypatch, capsys):
    monkeypatch.setattr(sys.modules["bitfold.paper.compare"], "WITHIN", 0.03)
    assert main(["paper", "--no-accuracy"]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "of the paper's: CNV-max's latency, us (+4.0%), SFC-fix's latency, us (+3.5%)." in shown


def test_accuracies_are_measured():
    first = next(iter(compare(images=100)))
    accuracy = first.figure("accuracy")
    assert accuracy is not None
    assert (accuracy.how, accuracy.met, first.images) == ("measured", None, 100)
    assert accuracy.ours > 0.9
    assert accuracy.deviation == pytest.approx(accuracy.ours - 0.9583)


def test_ones_own_cifar10_is_used(tmp_path):
    images = np.zeros((3, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "few.npz", images=images, labels=np.zeros(3, np.uint8))
    np.savez(tmp_path / "unlabelled.npz", images=images)
    with pytest.raises(UsageError, match="10 images are asked for"):
        next(compare(images=10, cifar10=tmp_path / "few.npz"))
    with pytest.raises(DataError, match="no labels"):
        next(compare(cifar10=tmp_path / "unlabelled.npz"))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--images", "0"], ["--images", "'0'"]),
        (["--images", "5", "--no-accuracy"], ["--no-accuracy"]),
        (["--images", "10001"], ["10001"]),
        (["--cifar10", "missing.npz"], ["missing.npz"]),
        (["--out", "p.txt"], ["p.txt", "p.html or p.md"]),
        (["--out", "folder"], ["it is a folder"]),
        (["--out", "nowhere/p.md"], ["no folder"]),
        (["--json", "folder"], ["it is a folder"]),
        (["--out", "p.md", "--json", "p.md"], ["both"]),
    ],
    ids=lambda v: " ".join(v)[:25],
)
def test_mistakes(tmp_path, args, words):
    (tmp_path / "folder").mkdir()
    refused(bitfold(tmp_path, *args), *words)
    assert os.listdir(tmp_path) == ["folder"]
