"""What is committed makes sense on any machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

# A home or scratch folder at the start of a path. Pieced together so that this file holds no such path.
HOMES = "|".join(["root", "home/[a-z]", "Users/[A-Za-z]", "work", "tmp/[a-z]"])
MACHINE_PATH = re.compile(rf"(?<![\w.~$}}*/-])/(?:{HOMES})[\w.-]*/?".encode())


def tracked(repo: Path) -> list[Path]:
    """Files that are committed or would be: neither ignored nor deleted."""
    if shutil.which("git") is None or not (repo / ".git").exists():
        pytest.skip("needs a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=True).stdout.split("\0")
    return [repo / name for name in names if name and (repo / name).is_file()]


def is_text(data: bytes) -> bool:
    return b"\0" not in data[:8192]


def test_no_tracked_file_names_a_path_of_one_machine(repo: Path):
    found = []
    for path in tracked(repo):
        data = path.read_bytes()
        if is_text(data):
            hits = MACHINE_PATH.findall(data) + ([str(repo).encode()] if str(repo).encode() in data else [])
            found += [f"{path.relative_to(repo)}: {hit.decode()}" for hit in hits]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", ["/ro" + "ot/x", "see /ho" + "me/ada/x", '"/tm' + 'p/build"'])
def test_machine_paths_are_seen(path: str):
    assert MACHINE_PATH.search(path.encode())


@pytest.mark.parametrize("text", ["https://example.com/home/ada", "out/home/x", "/usr/bin/env", "$X/home/x"])
def test_portable_paths_are_not(text: str):
    assert not MACHINE_PATH.search(text.encode())


def test_no_test_folder_is_a_package(repo: Path):
    """`tests/packaging/__init__.py` would hide the `packaging` distribution, `tests/build/` PyPA's build."""
    assert not [path for path in tracked(repo) if path.match("tests/**/__init__.py")]
