"""`bitfold report` and `--report` as a user runs them: where the page goes, and every wrong input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from tests.e2e.test_sfc_cli import refused, sfc
from tests.report.test_page import Checked

from bitfold import report


def bitfold(cwd: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bitfold", *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_a_report_lies_in_the_project(tmp_path):
    found = bitfold(tmp_path, "report", "sfc", "--images", "20", "--json", "found.json")
    assert found.returncode == 0, found.stderr
    page = tmp_path / "out" / "sfc-fold_a" / "report.html"
    assert "report:         out/sfc-fold_a/report.html" in found.stdout
    read = Checked(page.read_text(encoding="utf-8"))
    assert "SFC 784-256-256-256-10" in read.text
    assert "sfc.cpp" in read.links
    data = json.loads((tmp_path / "found.json").read_text())
    Draft202012Validator(report.schema()).validate(data)
    assert report.page(data, page) != ""
    again = bitfold(tmp_path, "report", "sfc", "--images", "20")
    assert again.returncode == 0, "the page lies in the way of the next run"


def test_run_writes_one_as_well(repo, tmp_path):
    found = sfc(repo, tmp_path, "--images", "5", "--report", "here.html", "--out", "project")
    assert found.returncode == 0, found.stderr
    assert "binary_dense_0" in found.stdout
    assert "project/sfc.cpp" in Checked((tmp_path / "here.html").read_text()).links
    assert sorted(os.listdir(tmp_path)) == ["here.html", "project"]
    found = sfc(repo, tmp_path, "--images", "5", "--report", "--out", "project")
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "project" / "report.html").is_file()


def test_only_measured_numbers_differ_from_run_to_run(tmp_path):
    pages = []
    for _ in range(2):
        assert bitfold(tmp_path, "report", "sfc", "--images", "5", "--json", "a.json").returncode == 0
        data = json.loads((tmp_path / "a.json").read_text())
        data |= dict.fromkeys(("cpu_images_per_s", "compile_s", "hls_s"), 1.0)
        pages.append(report.page(data))
    assert pages[0] == pages[1]


def test_images_without_labels(repo, tmp_path):
    np.savez(tmp_path / "mine.npz", images=np.zeros((3, 28, 28), np.uint8))
    found = bitfold(tmp_path, "report", "sfc", "--data", "mine.npz", "--out", "r.html")
    assert found.returncode == 0, found.stderr
    text = Checked((tmp_path / "r.html").read_text()).text
    assert "has no labels (3 images classified)" in text
    assert "Found: " in text


def test_a_schedule_in_a_file_with_a_name_like_html(tmp_path):
    (tmp_path / "<b>.py").write_text("def fold(s):\n    s.at('label_select').pipeline('i', ii=1)\n")
    found = bitfold(
        tmp_path, "report", "sfc", "--images", "5", "--schedule", "<b>.py:fold", "--out", "r.html"
    )
    assert found.returncode == 0, found.stderr
    text = (tmp_path / "r.html").read_text()
    assert "<code><b>" not in text
    assert "<b>.py:fold" in Checked(text).text


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--out", "nowhere/r.html"], ["nowhere/r.html", "no folder"]),
        (["--out", "folder"], ["folder", "it is a folder"]),
        (["--out", "folder.html"], ["it is a folder"]),
        (["--out", "mine.py"], ["mine.py", "not named as one", "mine.html"]),
        (["--out", "file/r.html"], ["file/r.html"]),
        (["--out", "x" * 300 + ".html"], ["too long"]),
        (["--out", "r.html", "--json", "./r.html"], ["both the report and the JSON"]),
        (["--json", "folder"], ["it is a folder"]),
        (["--project", "file"], ["file is a file"]),
        (["--schedule", "fold_z"], ["fold_z", "fold_a"]),
        (["--images", "0"], ["--images", "'0'"]),
        (["--images", "10001"], ["10001", "has 10000"]),
        (["--labels", "file"], ["--labels goes with --data"]),
    ],
    ids=lambda v: " ".join(v)[:30],
)
def test_mistakes_are_told_before_anything_is_written(tmp_path, args, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("precious")
    (tmp_path / "mine.py").write_text("precious")
    refused(bitfold(tmp_path, "report", "sfc", *args), *words)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "folder.html", "mine.py"]
    assert (tmp_path / "mine.py").read_text() == "precious"


def test_which_network(tmp_path):
    refused(bitfold(tmp_path, "report"), "which network", "sfc, lfc, cnv")
    refused(bitfold(tmp_path, "report", "vgg"), "vgg", "sfc, lfc, cnv")


def test_a_folder_without_permission(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("the superuser may write anywhere")
    (tmp_path / "closed").mkdir(mode=0o500)
    refused(bitfold(tmp_path, "report", "sfc", "--out", "closed/r.html"), "no permission")


def test_emit_has_no_report(repo, tmp_path):
    refused(sfc(repo, tmp_path, "--emit", "python", "--report"), "--report has no part in it")
