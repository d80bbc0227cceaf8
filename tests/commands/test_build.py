"""`bitfold build FILE.py:FUNCTION`: what it writes works, and a mistake leaves nothing behind."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.commands.kernels_built import GEMM, NETWORK, ODD

from bitfold.build.hls.csim import find_compiler
from bitfold.cli import main
from bitfold.lang.packing import pack_bits, unpack_bits

SIZES = ("--set", "M=8", "--set", "K=8", "--set", "N=4")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a user's kernels in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "beside", raising=False)
    (tmp_path / "mine.py").write_text(GEMM)
    (tmp_path / "odd.py").write_text(ODD)
    (tmp_path / "beside.py").write_text("WIDTH = 7\n")
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """What a refusal prints: one error with a remedy and nothing else; status 2."""
    before = sorted(Path().rglob("*"))
    assert main(["build", *args]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.count("error") == 1
    assert "help: " in found.err
    assert "Traceback" not in found.err
    assert [p for p in sorted(Path().rglob("*")) if "__pycache__" not in p.parts] == [
        p for p in before if "__pycache__" not in p.parts
    ]
    return found.err


def test_a_kernel_becomes_a_library_that_a_c_program_links(folder: Path, capsys) -> None:
    args = (
        "mine.py:gemm",
        "--schedule",
        "fast",
        "--target",
        "llvm",
        *SIZES,
        "--out",
        "lib",
        "--json",
        "r.json",
    )
    assert main(["build", *args]) == 0
    printed = capsys.readouterr().out
    assert "pipeline II=1" in printed
    assert "32 a call" in printed
    assert "int8[8, 8] @ complete(dim=2)" in printed
    result = json.loads(Path("r.json").read_text())
    assert result["cycles"] == 32
    assert result["target"] == "llvm"
    assert result["resources"]["total"]["dsp"] > 0
    a, b = (np.random.default_rng(1).integers(-128, 128, n, np.int8) for n in ((2, 8, 8), (2, 8, 4)))
    numbers = lambda x: ", ".join(map(str, x.reshape(-1)))  # noqa: E731
    Path("main.cpp").write_text(f"""
#include <cstdio>
#include "gemm.h"
static const int8_t a[] = {{{numbers(a)}}}, b[] = {{{numbers(b)}}};
static int32_t c[3 * 32];
int main() {{
  gemm_batch(2, a, b, c);
  gemm(a, b, c + 64);
  for (int x : c) std::printf("%d ", x);
}}
""")
    build = [find_compiler(), "-no-pie", "-Wall", "-Werror", "-Ilib", "main.cpp", "lib/gemm.o", "-o", "main"]
    subprocess.run(build, check=True)
    found = subprocess.run(["./main"], capture_output=True, text=True, check=True).stdout
    c = a.astype(np.int32) @ b.astype(np.int32)
    np.testing.assert_array_equal(np.array(found.split(), np.int32).reshape(3, 8, 4), [*c, c[0]])


def test_elements_of_any_width_and_words_are_laid_out_as_the_header_says(folder: Path) -> None:
    args = ("odd.py:default", "--schedule", "words", "--target", "llvm", "--out", "lib")
    assert main(["build", *args]) == 0
    header = Path("lib/default_.h").read_text()
    assert "two's complement in the low 5 bits, 0 in those above" in header
    assert "each word holds 8 of 20 elements of bit of a row" in header
    assert "default_batch" not in header, "names that C++ has are changed"
    compiler = [find_compiler(), "-x", "c++", "-fsyntax-only", "-Wall", "-Werror"]
    subprocess.run([*compiler, "lib/default_.h", "-Wno-pragma-once-outside-header"], check=True)
    link = [find_compiler(), "-shared", "-Wl,-z,notext", "lib/default_.o", "-o", "lib.so"]
    subprocess.run(link, check=True, capture_output=True)
    library = ctypes.CDLL("./lib.so")
    x = np.array([-16, -1, 7, 15], np.int8)
    w = np.array([2**64 - 1, 0, 2**64 - 1, 2**36 - 1], np.uint64)
    bits = np.random.default_rng(2).integers(0, 2, 20, np.uint8)
    y, z, n = np.zeros(4, np.uint8), np.zeros(4, np.uint64), np.zeros(20, np.uint8)
    given = (x.view(np.uint8) & 31, w, pack_bits(bits, 8), y, z, n)
    library.default__batch(ctypes.c_int64(1), *(ctypes.c_void_p(g.ctypes.data) for g in given))
    assert ((y.astype(np.int8) << 1) >> 1).tolist() == [-48, -3, 21, 45]
    assert z.tolist() == [0, 1, 0, 0]
    assert (n == 1 - unpack_bits(given[2], 8, 20)).all()


def test_names_in_annotations_get_sizes_and_types(folder: Path, capsys) -> None:
    source = 'from bitfold.lang import *\ndef scale(x: "T[N]", y: "T[N]"):\n    for i in range(x.shape[0]):\n'
    (folder / "scale.py").write_text(source + "        y[i] = x[i] * 3\n")
    more = ("--set", "N=4", "--emit", "python")
    for type, shown in (("int16", "int16[4]"), ("UInt(12)", "UInt(12)[4]"), ("Int(5)", "Int(5)[4]")):
        assert main(["build", "scale.py:scale", "--set", f"T={type}", *more]) == 0
        assert f"x: {shown}" in capsys.readouterr().out
    for wrong in ("T=int16[3]", "T=float", "T=Int('5')", "T=__import__('os')", "T=Int(-1)"):
        assert "sets no size and no type" in refused(capsys, "scale.py:scale", "--set", wrong, *more)


def test_a_network_that_takes_turns_becomes_a_library_too(folder: Path) -> None:
    (folder / "net.py").write_text(NETWORK)
    assert main(["build", "net.py:net", "--target", "llvm", "--out", "lib"]) == 0
    Path("main.cpp").write_text("""
#include <cstdio>
#include "net.h"
int main() {
  const int8_t x[] = {1, -2, -3, 4, -1, -1, -1, 9, 5, 6, 7, -8};
  int8_t y[] = {0, 10, 0};
  std::printf("%d ", (int)net_batch(2, x, y));
  std::printf("%d %d ", y[0], y[1]);
  std::printf("%d", (int)net(x + 8, y + 2));
}
""")
    build = [find_compiler(), "-no-pie", "-Wall", "-Werror", "-Ilib", "main.cpp", "lib/net.c", "lib/net.o"]
    subprocess.run([*build, "-o", "main"], check=True)
    found = subprocess.run(["./main"], capture_output=True, text=True, check=True).stdout
    assert found == "-1 5 19 0", "the last call leaves an element in a stream"


@pytest.mark.csim
def test_random_inputs_that_leave_an_array_are_reported_at_the_line(folder: Path, capsys) -> None:
    source = "from bitfold.lang import *\ndef count(x: uint8[4], y: int16[100]):\n    for i in range(4):\n"
    (folder / "count.py").write_text(source + "        y[x[i]] = 1\n")
    args = ("count.py:count", "--target", "hls", "--out", "prj", "--csim", "50")
    assert "count.py:4:" in refused(capsys, *args)


@pytest.mark.csim
def test_a_kernel_becomes_an_hls_project_and_is_simulated(folder: Path, capsys) -> None:
    args = (
        "mine.py:gemm",
        "--schedule",
        "mine.py:fast",
        "--target",
        "hls",
        *SIZES,
        "--out",
        "prj",
        "--csim",
        "3",
    )
    assert main(["build", *args, "--seed", "5"]) == 0
    printed = capsys.readouterr().out
    assert "3 calls of random inputs (seed 5), all outputs equal to the CPU's, bit for bit" in printed
    assert {p.name for p in Path("prj").iterdir()} >= {"gemm.cpp", "tb.cpp", "run_vitis.tcl", "manifest.json"}
    first = Path("prj/vectors.txt").read_text()
    assert main(["build", *args, "--seed", "5"]) == 0
    assert Path("prj/vectors.txt").read_text() == first, "the same seed gives the same inputs"


def test_a_simulation_that_differs_gives_status_1(folder: Path, capsys, monkeypatch) -> None:
    from bitfold.build.hls import simulation
    from bitfold.build.hls.csim import CsimResult

    monkeypatch.setattr(simulation, "csim", lambda project: CsimResult(2, 7, "first mismatch: c", {}, 0, 0))
    args = ("mine.py:gemm", "--target", "hls", *SIZES, "--out", "prj", "--csim", "2", "--json", "r.json")
    assert main(["build", *args]) == 1
    assert "7 output words DIFFER from the CPU's; first mismatch: c" in capsys.readouterr().out
    assert json.loads(Path("r.json").read_text())["csim"] == {"calls": 2, "mismatches": 7}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("python", "def gemm("),
        ("mlir", "func.func @gemm"),
        ("hls", "#pragma HLS PIPELINE II=1"),
        ("llvm", "define void @bitfold_batch"),
    ],
)
def test_emit_prints_the_program_and_writes_nothing(folder: Path, capsys, form: str, said: str) -> None:
    before = set(folder.iterdir())
    assert main(["build", "mine.py:gemm", "--schedule", "fast", *SIZES, "--emit", form]) == 0
    assert said in capsys.readouterr().out
    assert {p for p in folder.iterdir() if p.name != "__pycache__"} == before


def test_print_after_shows_a_pass(folder: Path, capsys) -> None:
    args = ("mine.py:gemm", "--schedule", "fast", *SIZES, "--target", "hls", "--out", "prj")
    assert main(["build", *args, "--print-after", "flatten-pipelines"]) == 0
    assert "pipeline(grid(8, 4), ii=1)" in capsys.readouterr().out
    assert "did you mean 'flatten-pipelines'?" in refused(capsys, *args, "--print-after", "flatten-pipeline")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("none.py:gemm",), "there is no file 'none.py'"),
        (("mine.py:gem",), "did you mean 'gemm'?"),
        (("mine.py",), "which function of mine.py?"),
        (("syntax.py:f",), "syntax.py:2:"),
        (("raises.py:f",), "raises.py:3:1"),
        (("mine.py:gemm", "--schedule", "wrong"), "'gemm' has no loop 'q'"),
        (("mine.py:gemm", "--schedule", "broken"), "mine.py:26:5"),
        (("mine.py:gemm", "--schedule", "other.py:fast"), "there is no schedule file 'other.py'"),
        (("mine.py:gemm", "--set", "Q=4"), "has no dimension named Q"),
        (("mine.py:gemm", "--set", "M=0"), "--set M=0 sets no size and no type"),
        (("mine.py:gemm", "--set", "M=4"), "--set gives M twice"),
        (("mine.py:gemm", "--csim", "2"), "--csim simulates HLS C++"),
        (("mine.py:gemm", "--csim", "none"), "is not a whole number above 0"),
        (("mine.py:gemm", "--json", "none/r.json"), "cannot be written"),
        (("mine.py:gemm", "--out", "taken"), "holds files that Bitfold did not write"),
        (("mine.py:gemm", "--device", "zc707"), "did you mean 'zc706'?"),
        (("mine.py:gemm", "--emit", "hls"), "--emit only prints the program"),
    ],
)
def test_a_mistake_is_one_message_and_nothing_is_written(folder: Path, capsys, args, said: str) -> None:
    (folder / "syntax.py").write_text("x = 1\ndef f(:\n")
    (folder / "raises.py").write_text("x = 1\n\n[][x]\n")
    (folder / "taken").mkdir()
    (folder / "taken" / "thesis.txt").write_text("years of work")
    out = () if "--out" in args else ("--out", "lib")
    assert said in refused(capsys, *args, *SIZES, "--target", "llvm", *out)


def test_target_and_folder_must_be_named(folder: Path, capsys) -> None:
    assert "needs --target" in refused(capsys, "mine.py:gemm", *SIZES, "--out", "lib")
    assert "needs --out" in refused(capsys, "mine.py:gemm", *SIZES, "--target", "hls")


def test_a_file_beside_the_kernel_takes_the_place_of_no_installed_module(folder: Path) -> None:
    (folder / "numpy.py").write_text("raise RuntimeError('not this one')\n")
    (folder / "json.py").write_text("raise RuntimeError('nor this one')\n")
    source = "import json\nimport numpy\nimport beside\nfrom bitfold.lang import *\n"
    (folder / "near.py").write_text(source + "def f(x: int8[2]):\n    x[0] = beside.WIDTH\n")
    script = Path(sys.executable).with_name("bitfold")
    command = [str(script), "build", "near.py:f", "--emit", "python"]
    found = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
    assert found.returncode == 0, found.stderr
    assert "x[0] = 7" in found.stdout


def test_a_library_and_a_project_may_follow_each_other_in_a_folder(folder: Path) -> None:
    common = ("mine.py:gemm", *SIZES, "--out", "prj")
    assert main(["build", *common, "--target", "llvm"]) == 0
    (folder / "prj" / "notes.txt").write_text("mine")
    assert main(["build", *common, "--target", "hls"]) == 0
    names = {p.name for p in Path("prj").iterdir()}
    assert "notes.txt" in names
    assert "gemm.cpp" in names
    assert "gemm.o" not in names
