"""The wheel holds the source folders, whole and under the right names, and installs as one package."""

from __future__ import annotations

import email
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

from tests.packaging.conftest import Distributions


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> dict[str, bytes]:
    return {name.split("/", 1)[1]: b for name, b in contents(wheel).items() if ".dist-info/" in name}


def on_disk(repo: Path, package_dir: dict[str, str]) -> dict[str, bytes]:
    """What an import of each mapped package can reach, under the name it has when installed."""
    files = {}
    for package, folder in package_dir.items():
        for path in (repo / folder).rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                name = Path(*package.split(".")) / path.relative_to(repo / folder)
                files[name.as_posix()] = path.read_bytes()
    return files


def test_wheel_holds_exactly_the_files_on_disk(repo, pyproject, distributions: Distributions):
    expected = on_disk(repo, pyproject["tool"]["setuptools"]["package-dir"])
    built = {name: b for name, b in contents(distributions.wheel).items() if ".dist-info/" not in name}
    missing = sorted(expected.keys() - built.keys())
    extra = sorted(built.keys() - expected.keys())
    assert not missing, f"add the package or the package-data pattern to pyproject.toml: {missing}"
    assert not extra, f"in the wheel, not on disk: {extra}"
    assert built == expected
    assert "bitfold/py.typed" in built


def test_sdist_builds_the_same_wheel(distributions: Distributions):
    assert distributions.wheel.name == distributions.wheel_of_sdist.name
    assert contents(distributions.wheel) == contents(distributions.wheel_of_sdist)


def test_wheel_carries_license_and_command(distributions: Distributions):
    files = metadata(distributions.wheel)
    assert {"licenses/LICENSE", "licenses/NOTICE"} <= files.keys()
    assert b"bitfold = bitfold.cli:main" in files["entry_points.txt"]
    header = email.message_from_bytes(files["METADATA"])
    assert header["License-Expression"] == "Apache-2.0"
    assert header["Requires-Python"] == ">=3.11"
    assert set(header.get_all("Provides-Extra")) == {"cluster", "csim", "explore", "images", "test", "train"}


def test_wheel_installs_and_imports_from_an_empty_folder(tmp_path, distributions: Distributions):
    fresh = tmp_path / "venv"
    venv.create(fresh, symlinks=True)
    python = fresh / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run([*pip, distributions.wheel], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

    # Dependencies come from this environment: a .pth file adds its folder, but not its editable installs.
    (site,) = fresh.glob("lib/python3.*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    code = "import bitfold, bitfold.kernels, bitfold.build.hls; print(bitfold.build.hls.__file__)"
    done = subprocess.run([python, "-c", code], cwd=empty, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == site / "bitfold" / "build" / "hls" / "__init__.py"
    done = subprocess.run([fresh / "bin" / "bitfold", "--help"], cwd=empty, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
