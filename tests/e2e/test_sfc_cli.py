"""`python networks/sfc.py` as a user runs it: output, JSON, and every wrong input."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

KEYS = {
    "network",
    "schedule",
    "device",
    "clock_mhz",
    "images",
    "accuracy",
    "interval_cycles",
    "latency_cycles",
    "fps",
    "latency_us",
    "cpu_images_per_s",
    "compile_s",
    "hls_dir",
    "csim",
    "layers",
}


def sfc(
    repo: Path, cwd: Path, *args: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repo / "networks" / "sfc.py"), *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **(env or {})})


def refused(found: subprocess.CompletedProcess[str], *words: str) -> None:
    """One message with all `words`, a remedy, status 2, and no traceback."""
    assert found.returncode == 2, found.stdout + found.stderr
    assert "Traceback" not in found.stderr
    assert found.stderr.count("error[") == 1
    assert "help:" in found.stderr
    for word in words:
        assert word in found.stderr, found.stderr


def fold_file(folder: Path, name: str, pe: int, simd: int) -> None:
    """A schedule of the user's own, mine.py:name, that folds the first layer."""
    lines = (
        "from bitfold.schedules.folding import fold",
        f"def {name}(s):",
        f"    fold(s.at('binary_dense_0'), {pe}, {simd})",
    )
    (folder / "mine.py").write_text("\n".join(lines) + "\n")


def test_a_run_prints_a_table_of_at_most_100_columns_and_writes_json(repo: Path, tmp_path: Path) -> None:
    found = sfc(repo, tmp_path, "--schedule", "fold_a", "--images", "500", "--json", "r.json")
    assert found.returncode == 0, found.stderr
    assert max(map(len, found.stdout.splitlines())) <= 100
    assert "binary_dense_0" in found.stdout
    result = json.loads((tmp_path / "r.json").read_text())
    assert result.keys() >= KEYS
    assert result["images"] == 500
    assert result["accuracy"] > 0.95
    assert result["interval_cycles"] == max(layer["cycles"] for layer in result["layers"])
    assert result["csim"] is None
    assert (tmp_path / result["hls_dir"] / "manifest.json").is_file()


def test_a_run_says_what_the_design_takes_of_the_device(repo: Path, tmp_path: Path) -> None:
    found = sfc(repo, tmp_path, "--schedule", "finn_max", "--images", "20", "--json", "r.json")
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    head = next(line for line in lines if "weight memory" in line)
    assert head.split()[-2:] == ["LUT", "BRAM"]
    rows = [line for line in lines if line.strip().startswith(("binary_dense", "channels, ports"))]
    resources = json.loads((tmp_path / "r.json").read_text())["resources"]
    total, kernels = resources["total"], resources["kernels"]
    assert f"{kernels['binary_dense_0']['lut']:,}" in rows[0].split()
    assert f"{kernels['sfc']['lut']:,}" in rows[-1].split(), "what is between the kernels has its own row"
    for kind in ("lut", "ff", "bram36", "uram", "dsp"):
        assert sum(kernel[kind] for kernel in kernels.values()) == total[kind]
        assert sum(item[kind] for item in resources["items"]) == total[kind]
    assert all(item["line"] and item["what"] for item in resources["items"])
    assert f"{total['lut']:,} LUT ({total['lut'] / 218_600:.1%})" in found.stdout


@pytest.mark.parametrize(
    ("schedule", "interval", "latency"), [("finn_max", 16, 62), ("finn_fix", 22_222, 80_000)]
)
def test_the_papers_schedules_reach_the_papers_rates(
    repo: Path, tmp_path: Path, schedule: str, interval: int, latency: int
) -> None:
    found = sfc(repo, tmp_path, "--schedule", schedule, "--images", "20", "--json", "r.json")
    assert found.returncode == 0, found.stderr
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["interval_cycles"] <= interval
    assert result["latency_cycles"] <= latency


def test_fifo_auto_writes_depths_that_reach_the_closed_forms_interval(repo: Path, tmp_path: Path) -> None:
    words = {}
    for fifo in ("given", "auto"):
        options = ("--schedule", "finn_fix", "--images", "20", "--fifo", fifo, "--json", "r.json")
        found = sfc(repo, tmp_path, *options, "--out", fifo)
        assert found.returncode == 0, found.stderr
        assert "too shallow" not in found.stdout
        result = json.loads((tmp_path / "r.json").read_text())
        assert result["simulated"]["interval_cycles"] == pytest.approx(result["interval_cycles"], rel=0.01)
        words[fifo] = sum(stream["depth"] for stream in result["simulated"]["fifos"])
        written = (tmp_path / fifo / "sfc.cpp").read_text()
        for stream in result["simulated"]["fifos"]:
            assert f"STREAM variable={stream['name']} depth={stream['depth']}\n" in written
    assert words["auto"] < words["given"]


@pytest.mark.csim
def test_the_compiled_hls_code_equals_the_cpu_bit_for_bit(repo: Path, tmp_path: Path) -> None:
    found = sfc(
        repo, tmp_path, "--schedule", "finn_max", "--images", "200", "--csim", "200", "--json", "r.json"
    )
    assert found.returncode == 0, found.stderr
    assert json.loads((tmp_path / "r.json").read_text())["csim"] == {"images": 200, "mismatches": 0}


def test_two_runs_write_the_same_bytes(repo: Path, tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert sfc(repo, tmp_path / name, "--images", "20", "--out", "hls").returncode == 0
        folder = tmp_path / name / "hls"
        contents.append({p.name: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()})
    assert contents[0] == contents[1]


def test_bitfold_run_is_the_same_command(repo: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bitfold", "run", "sfc", "--images", "20", "--json", "r.json"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert json.loads((tmp_path / "r.json").read_text())["schedule"] == "fold_a"


def test_emitted_python_is_a_file_that_runs_and_parses_to_the_same_program(
    repo: Path, tmp_path: Path
) -> None:
    text = sfc(repo, tmp_path, "--schedule", "cpu", "--emit", "python").stdout
    (tmp_path / "emitted_sfc.py").write_text(text)
    check = (
        "from emitted_sfc import sfc\n"
        "from bitfold.frontend import parse\n"
        "from bitfold.ir.printer import module_text\n"
        "import sys; sys.stdout.write(module_text(parse(sfc)))\n"
    )
    again = subprocess.run([sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True)
    assert again.stdout == text, again.stderr


@pytest.mark.parametrize(("form", "word"), [("mlir", "bf.xnor"), ("hls", "#pragma HLS PIPELINE")])
def test_emit_prints_the_program_in_the_form_asked_for(
    repo: Path, tmp_path: Path, form: str, word: str
) -> None:
    found = sfc(repo, tmp_path, "--emit", form)
    assert found.returncode == 0
    assert word in found.stdout
    assert not list(tmp_path.iterdir())


def test_print_after_shows_the_program_after_a_pass(repo: Path, tmp_path: Path) -> None:
    found = sfc(repo, tmp_path, "--images", "5", "--print-after", "flatten-pipelines")
    assert "in pipeline(grid(16, 16), ii=1):" in found.stdout


def test_list_names_networks_schedules_and_passes(repo: Path, tmp_path: Path) -> None:
    found = sfc(repo, tmp_path, "--list")
    assert found.returncode == 0
    for word in ("sfc", "finn_max", "bf-to-arith", "flatten-pipelines"):
        assert word in found.stdout


def test_the_users_own_raw_and_gzipped_files_give_the_same_accuracy(repo: Path, tmp_path: Path) -> None:
    from bitfold.networks.datasets import mnist_test

    data = mnist_test().take(300)
    assert data.labels is not None
    images = (data.as_bits() * 255).astype(np.uint8)
    raw = b"\x00\x00\x08\x03" + np.array([300, 28, 28], ">i4").tobytes() + images.tobytes()
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(raw))
    labels = b"\x00\x00\x08\x01" + np.array([300], ">i4").tobytes() + data.labels.tobytes()
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(labels)
    for args in (["--images", "300"], ["--data", "t10k-images-idx3-ubyte.gz"]):
        assert sfc(repo, tmp_path, *args, "--json", f"r{len(args)}{args[0][2]}.json").returncode == 0
    found = [json.loads(p.read_text())["accuracy"] for p in tmp_path.glob("r*.json")]
    assert len(found) == 2
    assert found[0] == found[1]


def test_a_schedule_of_the_users_own_runs(repo: Path, tmp_path: Path) -> None:
    fold_file(tmp_path, "quick", 32, 28)
    found = sfc(repo, tmp_path, "--schedule", "mine.py:quick", "--images", "50", "--json", "r.json")
    assert found.returncode == 0, found.stderr
    layers = json.loads((tmp_path / "r.json").read_text())["layers"]
    assert (layers[0]["pe"], layers[0]["simd"], layers[0]["cycles"]) == (32, 28, 224)


# ---- wrong input


def test_a_pe_that_does_not_divide_is_refused_with_the_divisors(repo: Path, tmp_path: Path) -> None:
    fold_file(tmp_path, "bad", 48, 49)
    found = sfc(repo, tmp_path, "--schedule", "mine.py:bad")
    refused(found, "dense.py:", "for m in range(M):", "^", "48", "1, 2, 4, 8, 16, 32, 64, 128, 256")
    assert not (tmp_path / "out").exists()


def test_a_simd_that_does_not_divide_is_refused_with_the_divisors(repo: Path, tmp_path: Path) -> None:
    fold_file(tmp_path, "bad", 16, 64)
    refused(sfc(repo, tmp_path, "--schedule", "mine.py:bad"), "for k in range(K):", "49", "56")


def test_an_unknown_layer_is_refused_with_the_layers_known(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def bad(s):\n    s.at('binary_dense_9')\n")
    refused(sfc(repo, tmp_path, "--schedule", "mine.py:bad"), "binary_dense_9", "output_scores")


def test_an_unknown_schedule_is_refused_with_those_known(repo: Path, tmp_path: Path) -> None:
    refused(sfc(repo, tmp_path, "--schedule", "fold_b"), "fold_b", "did you mean 'fold_a'?", "finn_max")


def test_an_unknown_network_is_refused(repo: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bitfold", "run", "resnet"]
    refused(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True), "resnet", "known: sfc")


def test_a_schedule_file_with_a_python_error_is_one_message(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def bad(s):\n    s.splitt('m', 4)\n")
    refused(sfc(repo, tmp_path, "--schedule", "mine.py:bad"), "splitt")
    (tmp_path / "mine.py").write_text("def bad(s:\n")
    refused(sfc(repo, tmp_path, "--schedule", "mine.py:bad"), "mine.py", "is not Python")


def test_an_unknown_option_or_value_is_refused(repo: Path, tmp_path: Path) -> None:
    refused(sfc(repo, tmp_path, "--shedule", "fold_a"), "--shedule")
    refused(sfc(repo, tmp_path, "--images", "0"), "'0' is not a whole number above 0")
    refused(sfc(repo, tmp_path, "--images", "10001"), "10000")
    refused(sfc(repo, tmp_path, "--images", "10", "--csim", "11"), "--csim 1 to 10")
    refused(sfc(repo, tmp_path, "--print-after", "inline"), "inline", "bf-to-arith")


def test_truncated_and_foreign_data_files_are_refused(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(
        b"\x00\x00\x08\x03" + np.array([10, 28, 28], ">i4").tobytes() + bytes(784 * 9)
    )
    refused(sfc(repo, tmp_path, "--data", "short"), "short", "784")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    refused(sfc(repo, tmp_path, "--data", "photo.png"), "photo.png")
    refused(sfc(repo, tmp_path, "--data", "missing"), "missing")
    refused(sfc(repo, tmp_path, "--weights", "photo.png"), "photo.png")
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_is_a_file_is_refused_before_any_work(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    refused(sfc(repo, tmp_path, "--out", "taken/hls"), "taken", "--out")
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_folder_with_other_files_is_never_overwritten(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    refused(sfc(repo, tmp_path, "--images", "20", "--out", "mine"), "mine")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_a_json_file_that_cannot_be_written_is_refused_before_any_work(repo: Path, tmp_path: Path) -> None:
    refused(sfc(repo, tmp_path, "--json", "nowhere/r.json"), "nowhere")
    assert not (tmp_path / "out").exists()


def test_a_missing_compiler_is_refused_with_how_to_install_one(repo: Path, tmp_path: Path) -> None:
    found = sfc(repo, tmp_path, "--images", "20", "--csim", "5", env={"PATH": str(tmp_path), "CXX": ""})
    refused(found, "g++", "apt-get install g++")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("assert len(s.trace) == 7, 'seven steps'", "AssertionError: seven steps"),
        ("raise SystemExit(0)", "SystemExit"),
        ("1 // 0", "ZeroDivisionError"),
        ("yield s.at('binary_dense_0')", "generator"),
    ],
)
def test_whatever_goes_wrong_in_a_users_schedule_is_one_message(
    repo: Path, tmp_path: Path, body: str, said: str
) -> None:
    (tmp_path / "mine.py").write_text(f"def bad(s):\n    {body}\n")
    found = sfc(repo, tmp_path, "--schedule", "mine.py:bad")
    refused(found, said)
    assert "mine.py:2:5" in found.stderr or "generator" in said


def test_an_illegal_step_names_the_line_of_the_users_schedule(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def bad(s):\n    s.at('binary_dense_0').split('m', 7)\n")
    refused(sfc(repo, tmp_path, "--schedule", "mine.py:bad"), "mine.py:2:5: note: asked for here")


def test_options_that_would_be_ignored_are_refused(repo: Path, tmp_path: Path) -> None:
    refused(sfc(repo, tmp_path, "--emit", "python", "--csim", "3"), "--csim")
    refused(sfc(repo, tmp_path, "--sched", "cpu"), "--sched")


def test_names_with_brackets_are_shown_as_they_are(repo: Path, tmp_path: Path) -> None:
    found = sfc(repo, tmp_path, "--images", "20", "--out", "[red]x")
    assert found.returncode == 0, found.stderr
    assert "[red]x" in found.stdout


def test_a_reader_that_stops_early_is_no_error_and_a_full_disk_is_one(repo: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} {repo / 'networks' / 'sfc.py'} --images 20"
    piped = f"set -o pipefail; {command} | head -1"
    closed = subprocess.run(["bash", "-c", piped], cwd=tmp_path, capture_output=True, text=True)
    assert closed.returncode == 0, closed.stderr
    full = subprocess.run(
        ["bash", "-c", f"{command} >/dev/full"], cwd=tmp_path, capture_output=True, text=True
    )
    assert full.returncode == 2
    assert "Traceback" not in full.stderr
    assert "No space left on device" in full.stderr
