"""HLS projects as plans and as folders: deterministic, whole or not at all, never over somebody's files."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from tests.build import hls_kernels
from tests.build.hls_support import module_from, project_plan

from bitfold.build import folder as folder_module
from bitfold.build.hls import Plan, Port, Vectors, plan, write
from bitfold.build.hls.vectors import parse_outputs, vector_text
from bitfold.build.zc706 import ZC706
from bitfold.diagnostics import BitfoldError, BuildError, UsageError
from bitfold.frontend import parse
from bitfold.lang import ArrayType, Int, UInt, packed
from bitfold.lang.types import bit
from bitfold.lowering.pipeline import lower_to_hls


@pytest.fixture(scope="module")
def made() -> Plan:
    return project_plan(hls_kernels.binary_dense, "dense")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_device_is_the_boards() -> None:
    assert (ZC706.part, ZC706.clock_ns) == ("xc7z045ffg900-2", 5.0)
    assert (ZC706.lut, ZC706.ff, ZC706.bram36, ZC706.dsp) == (218_600, 437_200, 545, 900)


def test_the_same_program_gives_the_same_bytes(made: Plan) -> None:
    again = project_plan(hls_kernels.binary_dense, "dense")
    assert again.files == made.files
    assert again.digest == made.digest
    assert project_plan(hls_kernels.network, "dense").digest != made.digest


def test_the_manifest_describes_the_files(made: Plan) -> None:
    manifest = json.loads(made.files["manifest.json"])
    assert manifest["top"] == "binary_dense"
    assert manifest["digest"] == made.digest
    assert manifest["device"]["part"] == ZC706.part
    listed = {name: sha256(data).hexdigest() for name, data in made.files.items() if name != "manifest.json"}
    assert manifest["files"] == listed
    assert [p["direction"] for p in manifest["ports"]] == ["in", "out"]


def test_scripts_name_the_part_the_clock_and_the_files(made: Plan) -> None:
    for script in ("run_vitis.tcl", "run_vivado.tcl"):
        text = made.files[script].decode()
        assert "set_part {xc7z045ffg900-2}" in text
        assert "create_clock -period 5 -name default" in text
        assert "set_top binary_dense" in text
        for line in text.splitlines():
            if line.startswith("add_files"):
                assert line.removeprefix("add_files ").removeprefix("-tb ").split()[0] in made.files


def test_a_project_is_written_whole(made: Plan, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "project"
    assert write(made, out) == out
    assert contents(out) == dict(made.files)
    assert [p.name for p in out.parent.iterdir()] == ["project"], "no temporary folder stays behind"


def test_an_earlier_project_is_replaced_and_the_tools_results_stay(made: Plan, tmp_path: Path) -> None:
    out = write(project_plan(hls_kernels.network, "network"), tmp_path / "project")
    (out / "network_prj").mkdir()
    (out / "network_prj" / "report.rpt").write_text("hours of synthesis")
    write(made, out)
    assert contents(out) == {**made.files, "network_prj/report.rpt": b"hours of synthesis"}


def test_a_folder_with_other_files_is_refused(made: Plan, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(BuildError, match="did not write") as caught:
        write(made, tmp_path)
    assert caught.value.remedy
    assert contents(tmp_path) == {"thesis.tex": b"precious"}
    (tmp_path / "manifest.json").write_text('{"generator": "somebody else"}')
    with pytest.raises(BuildError, match="did not write"):
        write(made, tmp_path)


def test_an_empty_folder_is_taken(made: Plan, tmp_path: Path) -> None:
    write(made, tmp_path / "new")
    (tmp_path / "empty").mkdir()
    write(made, tmp_path / "empty")
    assert contents(tmp_path / "empty") == contents(tmp_path / "new")


def test_a_file_in_the_place_of_the_folder_is_refused(made: Plan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BuildError, match="is a file"):
        write(made, tmp_path / "file")
    with pytest.raises(BuildError, match="cannot be a folder"):
        write(made, tmp_path / "file" / "below")
    assert contents(tmp_path) == {"file": b"x"}


def test_a_failure_half_way_leaves_the_earlier_project(
    made: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = project_plan(hls_kernels.network, "network")
    out = write(earlier, tmp_path / "project")

    def full_disk(self: Path, data: bytes) -> int:
        if self.name == "tb.cpp":
            raise OSError(28, "No space left on device")
        return len(data)

    def stuck(source: Path, target: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(BuildError, match="No space left on device") as caught:
        write(made, out)
    assert caught.value.remedy
    monkeypatch.undo()
    monkeypatch.setattr(folder_module.os, "replace", stuck)
    with pytest.raises(BuildError, match="Input/output error"):
        write(made, out)
    assert contents(tmp_path / "project") == dict(earlier.files)
    assert [p.name for p in tmp_path.iterdir()] == ["project"]


def test_a_link_to_a_project_is_followed_and_its_other_files_stay(made: Plan, tmp_path: Path) -> None:
    real = write(project_plan(hls_kernels.network, "network"), tmp_path / "real")
    (real / "sfc_prj").mkdir()
    (real / "sfc_prj" / "report.rpt").write_text("precious")
    (tmp_path / "link").symlink_to("real")
    write(made, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (real / "sfc_prj" / "report.rpt").read_text() == "precious"
    assert {p.name for p in real.iterdir()} == {*made.files, "sfc_prj"}


def test_a_manifest_that_is_not_ours_protects_its_folder(made: Plan, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"generator": "bitfold hls"}')
    with pytest.raises(BuildError, match="did not write"):
        write(made, tmp_path)


def test_a_folder_without_permission_is_refused(
    made: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(**_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(folder_module.tempfile, "mkdtemp", denied)  # root may write anywhere
    with pytest.raises(BuildError, match="Permission denied") as caught:
        write(made, tmp_path / "project")
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["", "2fast", "a/b", "a b", "tb", "weights", "bitfold", "größe"])
def test_a_name_that_cannot_be_a_file_and_a_macro_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name an HLS project") as caught:
        project_plan(hls_kernels.binary_dense, name)
    assert caught.value.remedy


X = np.zeros((2, 98), np.uint8)
Y = np.zeros((2, 64), np.uint8)


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        ({}, {"y": Y}, "no vectors for the input x"),
        ({"x": X}, {}, "no vectors for the output y"),
        ({"x": X, "z": X}, {"y": Y}, "no input 'z'"),
        ({"x": X}, {"y": Y, "x": X}, "no output 'x'"),
        ({"x": X[:, :97]}, {"y": Y}, r"'x' have shape \(2, 97\)"),
        ({"x": X[0]}, {"y": Y}, r"'x' have shape \(98,\)"),
        ({"x": X + 2}, {"y": Y}, r"'x' go from 2 to 2; bit holds 0 to 1"),
        ({"x": X[:1]}, {"y": Y}, "different numbers of images: 1, 2"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(
    inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray], message: str
) -> None:
    lowered = lower_to_hls(parse(hls_kernels.binary_dense))
    with pytest.raises(UsageError, match=message) as caught:
        plan(lowered, Vectors(inputs, outputs), "dense")
    assert isinstance(caught.value, BitfoldError)
    assert caught.value.remedy


def test_vectors_are_read_back_as_they_were_written() -> None:
    rng = np.random.default_rng(3)
    types = {
        "narrow": ArrayType(Int(5), (3,)),
        "wide": ArrayType(Int(80), (2, 2)),
        "full": ArrayType(UInt(64), (2,)),
        "packed": ArrayType(UInt(70), (2, 2)) @ packed(100),
    }
    values = {
        "narrow": rng.integers(-16, 16, (4, 3)).astype(np.int8),
        "wide": np.array([[[-(1 << 79), 5], [-1, (1 << 79) - 1]]] * 4, object),
        "full": np.array([[(1 << 64) - 1, 0]] * 4, np.uint64),
        "packed": rng.integers(0, 2, (4, 2, 100)).astype(np.uint8),
    }
    ports = [Port(n, n, t, read=False, written=True) for n, t in types.items()]
    text, images = vector_text(ports, Vectors(outputs=values))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines[0] == "4"
    found = parse_outputs([Port.from_json(p.as_json()) for p in ports], lines[1:], images)
    for name, expected in values.items():
        assert found[name].dtype == expected.dtype
        assert np.array_equal(found[name], expected)
    assert types["packed"].logical == ArrayType(bit, (2, 100))


def test_an_argument_that_is_read_and_written_is_driven_and_compared(tmp_path: Path) -> None:
    source = """
from bitfold.lang import *


def top(x: uint8[2], y: uint8[2], unused: uint8[2]):
    for i in range(2):
        y[i] += x[i]
"""
    made = project_plan(module_from(source, tmp_path, "kernels").top, "inout")
    assert [(p.driven, p.written) for p in made.ports] == [(True, False), (True, True), (True, False)]
    text = made.files["vectors.txt"].decode()
    assert "y: 2 words of 8 bits, before the run" in text
    assert "y: 2 words of 8 bits, after the run" in text
