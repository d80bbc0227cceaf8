"""The README's example is run, and what it prints is what the README shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def test_the_readmes_example_prints_what_the_readme_shows(repo: Path, tmp_path: Path) -> None:
    text = (repo / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (shown,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    (tmp_path / "example.py").write_text(code)
    found = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert found.stdout == shown


def test_the_readme_names_only_make_targets_and_files_that_exist(repo: Path) -> None:
    text = (repo / "README.md").read_text()
    makefile = (repo / "Makefile").read_text()
    for target in re.findall(r"make (sfc|test|bench)\b", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in re.findall(r"`((?:networks|kernels|schedules|src/bitfold|build|benchmarks)/[\w./]*)`", text):
        assert (repo / path).exists(), path


def test_the_refusal_in_the_readme_is_what_a_wrong_factor_gives(repo: Path, tmp_path: Path) -> None:
    text = (repo / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (shown,) = re.findall(r"```\n(example\.py.*?)\n```", text, re.DOTALL)
    wrong = code.replace('s.split("k", 49)', 's.split("k", 50)')
    (tmp_path / "example.py").write_text(wrong)
    found = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True)
    assert shown in found.stderr.replace(f"{tmp_path}/", "")
