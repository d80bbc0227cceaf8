"""Every error has a code, every code an entry in docs/errors.md, and no entry is left over."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bitfold import diagnostics
from bitfold.catalogue import CODE, Entry, entries, explain
from bitfold.cli import main
from bitfold.diagnostics import BitfoldError

FOLDERS = ("src", "build", "kernels", "networks", "schedules", "examples")
LETTERS = {
    "LanguageError": "LN",
    "ScheduleError": "S",
    "BuildError": "B",
    "CheckError": "C",
    "DataError": "D",
    "StreamError": "N",
    "DeadlockError": "N",
    "UsageError": "USN",
}
"""The letters that the codes of a class of errors may have."""


def kinds() -> set[str]:
    found = {BitfoldError, *(c for c in vars(diagnostics).values() if isinstance(c, type))}
    return {c.__name__ for c in found if issubclass(c, BitfoldError)}


def sites(source: str) -> Iterator[tuple[int, str, ast.expr | None]]:
    """(line, class, code) of every error that a module makes."""
    known = kinds()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in known:
                yield node.lineno, name, next((k.value for k in node.keywords if k.arg == "code"), None)


def used(repo: Path) -> Iterator[tuple[str, str, ast.expr | None]]:
    for folder in FOLDERS:
        for path in sorted((repo / folder).rglob("*.py")):
            for line, name, code in sites(path.read_text(encoding="utf-8")):
                yield f"{path.relative_to(repo)}:{line}", name, code


def literal(code: ast.expr | None) -> set[str]:
    """The codes that an expression can be: a text, or a choice between texts."""
    match code:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp():
            return literal(code.body) | literal(code.orelse)
    return set()


def next_free(letter: str) -> str:
    numbers = [int(e.code[-3:]) for e in entries() if e.code[3] == letter]
    return f"BF-{letter}{max(numbers, default=0) + 1:03}"


def test_every_error_has_a_code_with_an_entry(repo: Path) -> None:
    known = {e.code for e in entries()}
    wrong = []
    for place, name, code in used(repo):
        codes = literal(code)
        letters = LETTERS.get(name, "LSNBCDU")
        if not codes or not all(CODE.fullmatch(c) and c[3] in letters for c in codes):
            wrong.append(
                f'{place}: {name} needs code="BF-{letters[0]}...": the entry of docs/errors.md whose kind of '
                f"mistake this is, or a new entry there, {next_free(letters[0])}"
            )
        elif codes - known:
            missing = ", ".join(sorted(codes - known))
            wrong.append(f"{place}: {missing} has no entry in docs/errors.md: cause, example, remedy")
    assert not wrong, "\n".join(wrong)


def test_every_entry_is_of_an_error_that_can_happen(repo: Path) -> None:
    raised = {c for _, _, code in used(repo) for c in literal(code)}
    assert not [e.code for e in entries() if e.code not in raised]


def test_codes_are_unique_and_in_order() -> None:
    codes = [e.code for e in entries()]
    assert not [c for c, n in Counter(codes).items() if n > 1]
    assert codes == sorted(codes, key=lambda c: ("LSNBCDU".index(c[3]), c))


@pytest.mark.parametrize("entry", entries(), ids=lambda e: e.code)
def test_an_entry_has_a_cause_and_a_remedy(entry: Entry) -> None:
    assert "**Remedy.**" in entry.text, "say what to do instead: **Remedy.** ..."
    assert entry.text.index("**Remedy.**") > 0, "say what is wrong, or show an example, before the remedy"


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("raise LanguageError('x')", [None]),
        ("raise diagnostics.DataError('x', code='BF-D001')", ["BF-D001"]),
        ("error = UsageError('x', span=s, code='BF-U001')", ["BF-U001"]),
        ("raise ValueError('x')", []),
    ],
)
def test_errors_without_a_code_are_seen(source: str, codes: list[str | None]) -> None:
    assert [next(iter(literal(c)), None) for _, _, c in sites(source)] == codes


def test_an_error_shows_its_code_and_explain_prints_the_entry(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "sfd"]) == 2
    assert capsys.readouterr().err.startswith("error[BF-U003]: there is no network named 'sfd'")
    for spelling in ("BF-U003", "bf-u003", "U003"):
        assert main(["explain", spelling]) == 0
        assert capsys.readouterr().out == explain("BF-U003")
    assert main(["explain", "L999"]) == 2
    assert "the last ones are BF-L" in capsys.readouterr().err


def test_explain_prints_what_a_step_of_a_schedule_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "fuse"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("s.fuse(*axes)\n")
    assert "body(i_j // 8, i_j % 8)" in said
    assert main(["explain", "reuse"]) == 2
    assert "did you mean 'reuse_at'?" in capsys.readouterr().err
