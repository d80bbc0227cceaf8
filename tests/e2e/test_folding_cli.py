"""Requirements and exploration on the command line: what they give, and every wrong input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bitfold.cli import main

SMALL = ("--fps", "9000", "--images", "20")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    status = main(args)
    said = capsys.readouterr()
    return status, said.out, said.err


def refused(capsys: pytest.CaptureFixture[str], args: Sequence[str], *words: str) -> None:
    status, _, error = run(capsys, *args)
    assert status == 2, error
    assert error.count("error[") == 1
    assert "help:" in error
    for word in words:
        assert word in error, error
    assert not Path("out").exists(), "nothing is left half-written"


def test_a_rate_gives_a_folding_with_reasons_and_a_schedule_that_makes_the_same_program(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, error = run(capsys, "run", "sfc", *SMALL, "--json", "a.json")
    assert status == 0, error
    assert "why this folding, for at least 9,000 images/s on the ZC706" in out
    assert "cheapest of" in out
    assert max(map(len, out.splitlines())) <= 100
    made = json.loads(Path("a.json").read_text())
    assert made["fps"] >= 9000
    assert made["folding"]["requirement"] == "at least 9,000 images/s"
    assert made["simulated"]["interval_cycles"] == made["interval_cycles"]
    assert [layer["reason"] for layer in made["folding"]["layers"]]
    file = Path(made["hls_dir"]) / "folding.py"
    again = ("run", "sfc", "--schedule", f"{file}:folding")
    assert run(capsys, *again, "--images", "20", "--json", "b.json")[0] == 0
    same = json.loads(Path("b.json").read_text())
    assert same["resources"] == made["resources"]
    assert same["layers"] == made["layers"]
    emitted = [run(capsys, *args, "--emit", "hls")[1] for args in (again, ("run", "sfc", "--fps", "9000"))]
    assert emitted[0] == emitted[1]


def test_another_device_has_another_clock_and_other_limits(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, error = run(
        capsys,
        "run",
        "sfc",
        "--latency-us",
        "200",
        "--device",
        "pynq-z1",
        "--images",
        "9",
        "--json",
        "r.json",
    )
    assert status == 0, error
    made = json.loads(Path("r.json").read_text())
    assert made["device"] == "PYNQ-Z1"
    assert made["latency_us"] <= 200
    assert made["latency_us"] == pytest.approx(made["latency_cycles"] / made["clock_mhz"])
    assert "PYNQ-Z1" in out
    assert "xc7z020" in Path(made["hls_dir"], "run_vitis.tcl").read_text()


def test_auto_without_a_requirement_is_the_fastest_within_the_budget(
    capsys: pytest.CaptureFixture[str],
) -> None:
    args = ("run", "sfc", "--schedule", "auto", "--budget", "lut=2_600,bram=20", "--images", "9")
    assert run(capsys, *args, "--json", "r.json")[0] == 0
    made = json.loads(Path("r.json").read_text())
    assert made["resources"]["total"]["lut"] <= 2600
    assert made["resources"]["total"]["bram36"] <= 20
    assert made["folding"]["requirement"].startswith("as fast as it fits")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--fps", "0"), ("--fps", "'0' is not a number above 0")),
        (("--fps", "-5"), ("'-5' is not a number above 0",)),
        (("--fps", "nan"), ("'nan'",)),
        (("--fps", "inf"), ("'inf'",)),
        (("--fps", "fast"), ("'fast'",)),
        (("--latency-us", "0"), ("--latency-us",)),
        (("--fps", "9000", "--max"), ("--max",)),
        (("--latency-us", "9", "--max"), ("--max",)),
        (("--fps", "9000", "--schedule", "fold_a"), ("--fps", "fold_a")),
        (("--max", "--schedule", "mine.py:fold"), ("--max", "mine.py:fold")),
        (("--budget", "lut=abc"), ("'lut=abc'", "lut=50000,bram=120")),
        (("--budget", "lut"), ("'lut'",)),
        (("--budget", ""), ("no budget",)),
        (("--budget", "lut=1,lut=2"), ("twice",)),
        (("--budget", "bram=1,bram36=2"), ("twice",)),
        (("--budget", "luts=5"), ("'luts'", "did you mean 'lut'?")),
        (("--budget", "lut=nan"), ("'lut=nan'",)),
        (("--budget", "lut=-3"), ("-3",)),
        (("--fps", "9000", "--device", "zc707"), ("'zc707'", "did you mean 'zc706'?")),
        (("--device", "nowhere.toml"), ("nowhere.toml",)),
        (("--fps", "9000", "--budget", "lut=10"), ("no folding of 'sfc'", "at most 10 lut", "10 LUT usable")),
        (
            ("--fps", "1e9"),
            ("1,000,000,000", "the best possible is 25,000,000 images/s (8 cycles)", "LUT usable"),
        ),
        (("--latency-us", "0.001"), ("the best possible is",)),
        (("--schedule", "autos"), ("did you mean 'auto'?",)),
    ],
)
def test_a_wrong_requirement_is_refused(
    args: tuple[str, ...], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, ("run", "sfc", *args), *words)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("explore", "vgg"), ("'vgg'",)),
        (("explore", "sfc", "--objective", "fps,beauty"), ("'beauty'",)),
        (("explore", "sfc", "--objective", "fps"), ("fps,lut",)),
        (("explore", "sfc", "--jobs", "0"), ("--jobs",)),
        (("explore", "sfc", "--jobs", "2", "--cluster", "tcp://h:1"), ("--jobs", "--cluster")),
        (("explore", "sfc", "--device", "z"), ("'z'",)),
        (("explore", "sfc", "--budget", "lut=x"), ("'lut=x'",)),
        (("explore", "sfc", "--budget", "lut=10", "--jobs", "1", "--out", "e"), ("no design of 'sfc' fits",)),
    ],
)
def test_a_wrong_exploration_is_refused(
    args: tuple[str, ...], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, args, *words)


def test_an_exploration_prints_its_front(capsys: pytest.CaptureFixture[str]) -> None:
    args = ("explore", "sfc", "--budget", "lut=1950", "--jobs", "1", "--out", "e")
    status, out, error = run(capsys, *args)
    assert status == 0, error
    assert "SFC on the ZC706 at 200 MHz" in out
    assert max(map(len, out.splitlines())) <= 100
    assert Path("e/front.csv").is_file()
    status, out, error = run(capsys, *args)
    assert status == 0, error
    assert "parts were solved before" in out
