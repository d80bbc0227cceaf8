"""Distributions built once for the tests of this folder, from a copy of the sources."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

FOLDERS = ("src", "build", "docs", "kernels", "networks", "schedules")
FILES = ("pyproject.toml", "setup.cfg", "README.md", "LICENSE", "NOTICE")


@dataclass(frozen=True)
class Distributions:
    """Two wheels: one built from the sources, one from an sdist of them."""

    wheel: Path
    wheel_of_sdist: Path


@pytest.fixture(scope="session")
def pyproject(repo: Path) -> dict:
    return tomllib.loads((repo / "pyproject.toml").read_text())


@pytest.fixture(scope="session")
def distributions(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    source = tmp_path_factory.mktemp("source")
    for folder in FOLDERS:
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(repo / folder, source / folder, ignore=ignore)
    for file in FILES:
        shutil.copy(repo / file, source)

    made = tmp_path_factory.mktemp("dist")
    _build(source, made / "direct", "--wheel")
    _build(source, made / "via-sdist")  # an sdist, then a wheel from the unpacked sdist
    (wheel,) = (made / "direct").glob("*.whl")
    (again,) = (made / "via-sdist").glob("*.whl")
    return Distributions(wheel, again)


def _build(source: Path, out: Path, *what: str) -> None:
    """Builds with this environment's setuptools, faster than with a fresh one. -P: PyPA's build, not ours."""
    command = [sys.executable, "-P", "-m", "build", "--no-isolation", *what, "--outdir", out, source]
    done = subprocess.run(command, cwd=out.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
