"""Every entry of the catalogue is exercised: its example gives that error, or a trigger of ours does."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.errors.triggers import TRIGGERS

from bitfold.catalogue import Entry, entries, introduction
from bitfold.cli import main
from bitfold.diagnostics import BitfoldError

KERNEL = "from bitfold.lang import *\n\n\ndef f(x: int8[4]):\n    x[0] = 1\n"


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with kernel.py in it; modules and paths are as before afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("CXX", os.environ.get("CXX", "g++"))
    (tmp_path / "kernel.py").write_text(KERNEL)
    return tmp_path


def run_python(code: str, entry: Entry, folder: Path) -> None:
    """Run an example as a file of the user's; it must end with the entry's error."""
    before = [introduction(""), introduction(entry.code[3])]
    parts = [*(block for text in before for block in blocks(text, "python")), code]
    file = folder / "example.py"
    file.write_text("\n".join(parts))
    with pytest.raises(BitfoldError) as caught:
        exec(compile(file.read_text(), str(file), "exec"), {"__name__": "example"})
    assert caught.value.code == entry.code, str(caught.value)
    assert caught.value.remedy, str(caught.value)


def run_console(text: str, entry: Entry, capsys: pytest.CaptureFixture[str]) -> None:
    """Run the commands of an example; the last one must show the entry's error."""
    status = 0
    for line in text.splitlines():
        prompt, program, *args = shlex.split(line)
        assert (prompt, program) == ("$", "bitfold")
        status = main(args)
    assert status == 2
    shown = capsys.readouterr().err
    assert f"error[{entry.code}]: " in shown, shown


@pytest.mark.parametrize("entry", entries(), ids=lambda e: e.code)
def test_the_error_of_an_entry_happens(
    entry: Entry, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    python, console = blocks(entry.text, "python"), blocks(entry.text, "console")
    trigger: Callable[[Path, pytest.MonkeyPatch], object] | None = TRIGGERS.get(entry.code)
    assert python or console or trigger, (
        f"give {entry.code} an example in docs/errors.md (a block of `python`, or of `console` with lines "
        "$ bitfold ...), or where nobody could run one, a trigger in tests/errors/triggers.py"
    )
    for code in python:
        run_python(code, entry, folder)
    for text in console:
        run_console(text, entry, capsys)
    if trigger is not None:
        with pytest.raises(BitfoldError) as caught:
            trigger(folder, monkeypatch)
        assert caught.value.code == entry.code, str(caught.value)
        assert caught.value.remedy, str(caught.value)
