"""Errors a user can cause, and how they are shown.

Every error that a user's input can provoke is a `BitfoldError`: one message, where in the Python source it
arose (file:line:col with a caret), notes that point at other lines involved, and a remedy. The command line
prints it and exits with status 2; a library caller catches it like any exception. Its code, such as BF-L012,
says what kind of mistake it is: docs/errors.md has an entry for each, which `bitfold explain` prints.
"""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from dataclasses import dataclass

_LONGEST = 160
"""How many characters of a source line a message shows."""


@dataclass(frozen=True, slots=True)
class Span:
    """A place in Python source. Lines count from 1; columns from 0, as in `ast`."""

    file: str
    line: int
    col: int = 0
    end_col: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col + 1}"

    def source(self) -> str:
        """The source line, or "" when it cannot be read."""
        return linecache.getline(self.file, self.line).rstrip("\n")

    def excerpt(self) -> str:
        """The source line with carets under the span, or "" when the source cannot be read.

        Of a very long line only the part around the span is shown.
        """
        text = self.source()
        if not text.strip():
            return ""
        start = max(0, self.col - _LONGEST // 2) if len(text) > _LONGEST else 0
        before = ("..." if start else "") + text[start : self.col]
        after = text[self.col : start + _LONGEST]
        end = self.end_col if self.end_col is not None else self.col + 1
        width = max(1, min(end - self.col, len(after)))
        pad = "".join("\t" if c == "\t" else " " for c in before)
        text = before + after + ("..." if len(text) > start + _LONGEST else "")
        number = str(self.line)
        gutter = " " * len(number)
        return f" {number} | {text}\n {gutter} | {pad}{'^' * width}"


@dataclass(frozen=True, slots=True)
class Note:
    """A further line that takes part in an error, such as the second of two conflicting accesses."""

    message: str
    span: Span | None = None


class BitfoldError(Exception):
    """Root of all errors a user can cause.

    Args:
        message: one sentence that names the thing at fault.
        code: the kind of mistake, such as "BF-L012"; each has an entry in docs/errors.md.
        span: where it stands in the user's Python source, when there is such a place.
        remedy: what to write or do instead.
        notes: other places involved.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        span: Span | None = None,
        remedy: str | None = None,
        notes: Sequence[Note] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.span = span
        self.remedy = remedy
        self.notes = tuple(notes)

    def __str__(self) -> str:
        return self.render()

    def render(self) -> str:
        """The whole error as text, without colour."""
        kind = f"error[{self.code}]: " if self.code else "error: "
        head = f"{self.span}: {kind}" if self.span else kind
        lines = [head + self.message]
        if self.span and (excerpt := self.span.excerpt()):
            lines.append(excerpt)
        for note in self.notes:
            where = f"{note.span}: " if note.span else ""
            lines.append(f"{where}note: {note.message}")
            if note.span and (excerpt := note.span.excerpt()):
                lines.append(excerpt)
        if self.remedy:
            lines.append(f"help: {self.remedy}")
        return "\n".join(lines)


class LanguageError(BitfoldError):
    """A kernel says something the language does not have, or says it with the wrong type or shape."""


class ScheduleError(BitfoldError):
    """A schedule asks for something illegal or names something that does not exist."""


class BuildError(BitfoldError):
    """A back end cannot produce or run its output: a tool is missing, a folder cannot be written."""


class DataError(BitfoldError):
    """A data or weight file is missing, truncated, or not what it should be."""


class StreamError(BitfoldError):
    """A network of kernels that talk by streams ended with elements left in one."""


class DeadlockError(StreamError):
    """A network of kernels that talk by streams cannot go on: each kernel waits for another."""


class CheckError(BitfoldError):
    """A program that was built with checks stored a value that does not fit, or left an array."""


class UsageError(BitfoldError):
    """A command-line argument or a function argument is wrong."""


def choices(given: str, known: Sequence[str]) -> str:
    """A remedy that lists the names known, nearest first when one is close."""
    import difflib

    near = difflib.get_close_matches(given, known, n=1)
    listed = ", ".join(known) if known else "none"
    return (f"did you mean {near[0]!r}? " if near else "") + f"known: {listed}"
