"""The README's example is run, and what it prints is what the README shows."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

from bitfold.schedule import Schedule
from bitfold.schedule.on_arrays import ArrayPrimitives
from bitfold.schedule.on_loops import LoopPrimitives


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


def test_the_table_of_primitives_has_all_of_them_with_their_parameters(repo: Path) -> None:
    text = (repo / "README.md").read_text()
    table = text.split("## Schedule primitives")[1].split("\n## ")[0]
    shown = {name: args for name, args in re.findall(r"`(\w+)\((.*?)\)`[,|a-z `]", table)}
    methods = {
        name: method
        for owner in (LoopPrimitives, ArrayPrimitives, Schedule)
        for name, method in vars(owner).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }
    listed = {name: args for name, args in shown.items() if name in methods}
    assert set(methods) - set(listed) <= {"build"}
    for name, args in listed.items():
        signature = inspect.signature(methods[name]).parameters
        for given in re.findall(r"(\w+)=", args):
            assert given in signature, f"{name}({given}=...)"
        optional = [p.name for p in signature.values() if p.default is not p.empty and p.name != "unsafe"]
        assert [o for o in optional if o not in args] == [], name
