"""Every example of docs/language.md is run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "language.md").read_text(encoding="utf-8")
HEADINGS = re.split(r"^## ", PAGE, flags=re.MULTILINE)
EXAMPLES = {
    f"{part.splitlines()[0]} {number}": code
    for part in HEADINGS[1:]
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", part, re.DOTALL), 1)
}
(START,) = re.findall(r"```python\n(.*?)```", HEADINGS[0], re.DOTALL)


def test_there_is_an_example_for_each_heading() -> None:
    assert all("```python\n" in part for part in HEADINGS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_does_what_it_says(name: str, tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text(f"{START}\n{EXAMPLES[name]}")
    command = [sys.executable, "-W", "error", str(file)]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
