"""Generated C++, compiled with g++ and run, against plain Python; and the errors on the way."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from tests.build import hls_kernels
from tests.build.hls_programs import operator_zoo, random_programs
from tests.build.hls_support import module_from, project_plan, simulate
from tests.strategies import load

from bitfold import customize
from bitfold.build.hls import csim, emit, write
from bitfold.build.hls.csim import find_compiler, find_headers
from bitfold.build.hls.simulation import HlsModule
from bitfold.diagnostics import BuildError
from bitfold.frontend import parse
from bitfold.lang import Int, UInt
from bitfold.lowering.mlir import passmanager
from bitfold.lowering.pipeline import lower_to_hls
from bitfold.lowering.to_mlir import Lowered

PAIRS = [
    (UInt(1), Int(1)),
    (UInt(7), Int(12)),
    (Int(33), UInt(65)),
    (Int(200), UInt(129)),
]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long programs that run for an instant compile faster without optimization."""
    monkeypatch.setenv("CXXFLAGS", "-O0")


def reuse_values(lowered: Lowered) -> None:
    """Make values that are used in several places, and far from where they are computed."""
    with lowered.context:
        passes = "builtin.module(func.func(cse,loop-invariant-code-motion,cse))"
        passmanager.PassManager.parse(passes).run(lowered.module.operation)


@pytest.mark.csim
@pytest.mark.slow
def test_every_operator_on_every_kind_of_type(quick: None, tmp_path: Path) -> None:
    simulate(module_from(operator_zoo(PAIRS), tmp_path, "zoo").top, tmp_path)


@pytest.mark.csim
@pytest.mark.slow
@pytest.mark.parametrize("change", [None, reuse_values])
def test_random_programs(change: None, quick: None, tmp_path: Path) -> None:
    simulate(module_from(random_programs(1, 6), tmp_path, "programs").top, tmp_path, change=change)


@pytest.mark.csim
@pytest.mark.parametrize("kernel", ["binary_dense", "stream_dense", "network", "varying", "numbers"])
def test_layers(kernel: str, tmp_path: Path) -> None:
    simulate(getattr(hls_kernels, kernel), tmp_path, images=20)


@pytest.mark.csim
def test_what_synthesis_sees_computes_the_same(tmp_path: Path) -> None:
    simulate(hls_kernels.binary_dense, tmp_path, like_synthesis=True)


@pytest.mark.csim
def test_awkward_names_wide_constants_and_an_updated_argument(quick: None, tmp_path: Path) -> None:
    source = """
from bitfold.lang import *
import numpy as np
W = np.array([(1 << 99) - 5, 7, 0, 1 << 64], object)
S = np.array([-(1 << 79), -1, 5, (1 << 79) - 1], object)


def load(seen: uint8[2, 3], hex: UInt(100)[4], printf: Int(80)[4]):
    std = rom(W, UInt(100)[4])
    mismatches = rom(S, Int(80)[4])
    for struct in range(4):
        hex[struct] = std[struct]
        printf[struct] = mismatches[struct]
    for i in range(2):
        for main in range(3):
            seen[i, main] += i * 3 + main
"""
    simulate(module_from(source, tmp_path, "names").load, tmp_path)


def small_project(folder: Path) -> Path:
    source = """
from bitfold.lang import *


def top(x: uint8[4], y: uint16[4]):
    for i in range(4):
        y[i] = x[i] * 2
"""
    return write(project_plan(module_from(source, folder, "small_kernel").top, "small"), folder / "small")


@pytest.mark.csim
def test_a_wrong_word_is_found_and_shown(quick: None, tmp_path: Path) -> None:
    project = small_project(tmp_path)
    vectors = project / "vectors.txt"
    lines = vectors.read_text().splitlines()
    last = lines[-1].split()
    right = int(last[2], 16)
    last[2] = f"{right ^ 0x100:x}"
    vectors.write_text("\n".join([*lines[:-1], " ".join(last), ""]))
    found = csim(project)
    assert (found.images, found.mismatches) == (2, 1)
    assert found.detail == f"first mismatch: image 1, y word 2: got {right:x}, expected {right ^ 0x100:x}"
    assert found.outputs["y"][1, 2] == right
    assert found.outputs["y"].dtype == np.uint16


@pytest.mark.csim
@pytest.mark.parametrize(
    ("count", "detail"), [(3, "word 3: got nothing, expected"), (5, "a word is left over in y")]
)
def test_a_stream_with_too_few_or_too_many_words_is_a_mismatch(
    count: int, detail: str, tmp_path: Path
) -> None:
    def source(n: int) -> str:
        return f"""
from bitfold.lang import *


def top(x: uint8[8], y: uint8[4] @ stream):
    for i in range({n}):
        y.put(x[i])
"""

    wrong = module_from(source(count), tmp_path, "wrong").top
    right = module_from(source(4), tmp_path, "right").top
    project = write(project_plan(right, "words"), tmp_path / "project")
    text = emit(lower_to_hls(parse(wrong))).text
    (project / "words.cpp").write_text(f'#include "words.h"\n{text}')
    found = csim(project)
    assert found.mismatches == 2
    assert detail in found.detail
    assert bool(found.outputs) == (count > 4)


@pytest.mark.csim
def test_cut_off_vectors_are_reported(quick: None, tmp_path: Path) -> None:
    project = small_project(tmp_path)
    vectors = project / "vectors.txt"
    vectors.write_text(vectors.read_text()[:-20])
    with pytest.raises(BuildError, match="the vector file ends too early") as caught:
        csim(project)
    assert caught.value.remedy


@pytest.mark.csim
def test_cpp_that_does_not_compile_is_reported_with_its_first_error(quick: None, tmp_path: Path) -> None:
    project = small_project(tmp_path)
    (project / "small.cpp").write_text("int x = undefined_name;\n")
    with pytest.raises(BuildError, match=r"error: .*undefined_name") as caught:
        csim(project)
    assert caught.value.remedy is not None
    log = Path(caught.value.remedy.split(" is in ")[1].split(";")[0])
    assert "undefined_name" in log.read_text()
    log.unlink()
    log.parent.joinpath("csim.cpp").unlink()
    log.parent.rmdir()


@pytest.mark.csim
def test_a_compiler_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"took more than 0.05 s"):
        csim(small_project(tmp_path), timeout_s=0.05)


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="is no HLS project"):
        csim(tmp_path)


def test_a_missing_compiler_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = small_project(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(BuildError) as caught:
        csim(project)
    assert caught.value.remedy == "apt-get install g++"
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BuildError, match=r"'no-such-compiler' that CXX names"):
        find_compiler()


def test_missing_headers_are_named_with_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("XILINX_HLS", "XILINX_VITIS_HLS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BuildError) as caught:
        find_headers()
    assert caught.value.remedy == "pip install 'bitfold[csim]'"


def test_headers_of_an_installed_vitis_come_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "ap_int.h").touch()
    monkeypatch.setenv("XILINX_HLS", str(tmp_path))
    assert find_headers() == tmp_path / "include"
    monkeypatch.delenv("XILINX_HLS")
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "vitis_hls"
    tool.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_headers() == tmp_path / "include"


def test_a_packed_output_of_a_called_kernel_is_no_input(tmp_path: Path) -> None:
    source = """
from bitfold.lang import *

def feed(x: bit[64], n: bit[64]):
    for i in range(64):
        n[i] = x[i]

def top(x: bit[64], n: bit[64]):
    feed(x, n)
"""
    s = customize(load(source)["top"])
    s.pack("n", 16)
    x, n = np.random.default_rng(0).integers(0, 2, 64, np.uint8), np.zeros(64, np.uint8)
    HlsModule(s.program, tmp_path / "project")(x, n)
    assert (n == x).all()


BOUND_IN_MEMORY = """\
from bitfold.lang import *

def kernel(a: uint8[4], y: uint8[4]):
    n: UInt(3) = UInt(3)(a[0])
    for i in range(UInt(2)(a[3])):
        a[3] = 0
        y[i] += 1
    for i in range(n):
        n = 0
        y[i // 2] += 5
"""


@pytest.mark.csim
def test_a_bound_is_computed_once(tmp_path: Path) -> None:
    simulate(load(BOUND_IN_MEMORY)["kernel"], tmp_path, images=8)


PARTLY = """\
from bitfold.lang import *

def kernel(x: uint8[4], y: uint8[6]):
    for i in range(4):
        if x[i] > 1:
            y[i] = x[i]
"""


@pytest.mark.csim
def test_what_a_kernel_leaves_alone_of_an_output_stays(tmp_path: Path) -> None:
    built = customize(load(PARTLY)["kernel"]).build(target="hls", project=tmp_path / "p")
    y = np.arange(10, 16, dtype=np.uint8)
    built(np.array([0, 5, 1, 9], np.uint8), y)
    assert y.tolist() == [10, 5, 12, 9, 14, 15]


@pytest.mark.csim
def test_minus_of_minus_is_no_decrement(tmp_path: Path) -> None:
    source = """
from bitfold.lang import *

def kernel(x: int8[2], w: Int(3)[2], y: int16[2], z: Int(80)[2]):
    for i in range(2):
        y[i] = -(-x[i]) - -(-(-w[i]))
        z[i] = -(-z[i])
"""
    module = customize(load(source)["kernel"]).build(target="hls", project=tmp_path / "minus")
    x, w = np.array([-128, 5], np.int8), np.array([-4, 3], np.int8)
    y, z = np.zeros(2, np.int16), np.array([-(1 << 79), 7], object)
    module(x, w, y, z)
    assert (y.tolist(), z.tolist()) == ([-132, 8], [-(1 << 79), 7])
