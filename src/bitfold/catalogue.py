"""The catalogue of errors: docs/errors.md, an entry for each code of a `BitfoldError`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bitfold.diagnostics import UsageError, choices

CODE = re.compile(r"BF-[LSNBCDU]\d{3}")
_SECTION = re.compile(r"^# (?P<letter>[LSNBCDU]): .*$", re.MULTILINE)
_ENTRY = re.compile(r"^## (?P<code>BF-[LSNBCDU]\d{3}): (?P<title>.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of mistake. `text` is Markdown: what is wrong, an example, a remedy."""

    code: str
    title: str
    text: str


@cache
def text() -> str:
    """docs/errors.md."""
    return files("bitfold.docs").joinpath("errors.md").read_text(encoding="utf-8")


@cache
def entries() -> tuple[Entry, ...]:
    """All entries, in the order of the document."""
    whole = text()
    found = []
    for match in _ENTRY.finditer(whole):
        rest = whole[match.end() :]
        ends = [end.start() for pattern in (_ENTRY, _SECTION) if (end := pattern.search(rest))]
        found.append(Entry(match["code"], match["title"], rest[: min(ends, default=len(rest))].strip()))
    return tuple(found)


def introduction(letter: str) -> str:
    """What stands under the heading of a letter's section, before its entries; the document's own for ""."""
    whole = text()
    sections = {m["letter"]: m.end() for m in _SECTION.finditer(whole)}
    rest = whole[sections[letter] if letter else 0 :]
    end = (_ENTRY if letter else _SECTION).search(rest)
    return rest[: end.start() if end else len(rest)].strip()


def explain(code: str) -> str:
    """The entry of a code as Markdown, `BF-` and case may be left out; or that of a step of a schedule.

    Raises:
        UsageError: there is no such code or step.
    """
    if code.isidentifier() and not CODE.fullmatch(f"BF-{code.upper()}"):
        return _step(code)
    wanted = code.upper()
    wanted = wanted if wanted.startswith("BF-") else f"BF-{wanted}"
    for entry in entries():
        if entry.code == wanted:
            return f"{entry.code}: {entry.title}\n\n{entry.text}\n"
    known = [e.code for e in entries()]
    raise UsageError(
        f"there is no error {code!r}",
        code="BF-U003",
        remedy=f"a code looks like BF-L001; the last ones are {_last(known)}",
    )


def _step(name: str) -> str:
    from bitfold.schedule.reference import PRIMITIVES, entry  # takes longer to import than all errors do

    if name not in PRIMITIVES:
        raise UsageError(
            f"there is no error and no step of a schedule called {name!r}",
            code="BF-U003",
            remedy=f"give a code, such as BF-L001, or a step: {choices(name, sorted(PRIMITIVES))}",
        )
    return entry(name).removeprefix("### ")


def _last(known: list[str]) -> str:
    return ", ".join({code[3]: code for code in known}.values())
