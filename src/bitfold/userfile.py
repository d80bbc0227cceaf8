"""Functions in users' Python files, as the command line names them: FILE.py:FUNCTION."""

from __future__ import annotations

import importlib.util
import inspect
import linecache
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from bitfold.diagnostics import BitfoldError, Note, ScheduleError, Span, UsageError, choices


def split_reference(text: str) -> tuple[str, str]:
    """The file and the function in FILE.py:FUNCTION; the function is "" where none is named."""
    file, colon, function = text.rpartition(":")
    return (file, function) if colon else (text, "")


def load_file(file: str, what: str = "file", remedy: str = "give FILE.py:FUNCTION") -> ModuleType:
    """Import a Python file. `what` and `remedy` are what a message calls it and says when it is not there.

    The file may import what lies beside it: its folder comes last in `sys.path`, so that no file in it takes
    the place of a module that is installed.

    Raises:
        UsageError: there is no such file, or it cannot be imported; the span is the line at fault in it.
    """
    path = Path(file)
    if not os.path.isfile(path):
        raise UsageError(f"there is no {what} {file!r}", code="BF-U013", remedy=remedy)
    spec = importlib.util.spec_from_file_location(f"bitfold_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file!r} is not a Python file", code="BF-U013", remedy="give FILE.py:FUNCTION")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    folder = str(path.absolute().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    linecache.checkcache(spec.origin)
    try:
        spec.loader.exec_module(module)
    except BitfoldError:
        raise
    except SyntaxError as error:
        raise UsageError(
            f"{file} is not Python: {error.msg}",
            code="BF-U014",
            span=_syntax_span(error, file),
            remedy="correct the file",
        ) from None
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"{file} cannot be imported: {type(error).__name__}: {error}",
            code="BF-U014",
            span=line_of(error, spec.origin),
            remedy="correct the file",
        ) from error
    return module


def find_function(module: ModuleType, file: str, function: str) -> Callable[..., Any]:
    """A function of a file that was loaded. Raises UsageError that lists those it has."""
    found: Any = getattr(module, function, None) if function else None
    if not callable(found):
        functions = inspect.getmembers(module, inspect.isfunction)
        names = [n for n, f in functions if f.__module__ == module.__name__]
        missing = f"{file} has no function {function!r}" if function else f"which function of {file}?"
        raise UsageError(missing, code="BF-U013", remedy=choices(function, names))
    checked: Callable[..., Any] = found
    return checked


def apply_schedule(schedule: Callable[[Any], object], name: str, s: object) -> None:
    """Run a schedule function. Whatever goes wrong in it becomes one error that names its line."""
    file = getattr(getattr(schedule, "__code__", None), "co_filename", None)
    try:
        made = schedule(s)
    except BitfoldError as error:
        where = line_of(error, file)
        if where is not None:
            error.notes = (*error.notes, Note("asked for here", where))
        raise
    except (Exception, SystemExit) as error:
        raise ScheduleError(
            f"schedule {name!r} fails: {type(error).__name__}: {error}",
            code="BF-S031",
            span=line_of(error, file),
            remedy="a schedule is a function of one argument, the schedule object",
        ) from error
    if inspect.isgenerator(made) or inspect.iscoroutine(made):
        made.close()
        raise ScheduleError(
            f"schedule {name!r} is a generator or async function, which does nothing when called",
            code="BF-S031",
            remedy="write it as an ordinary function",
        )


def line_of(error: BaseException, file: str | None) -> Span | None:
    """The line of `file` where an error passed through, innermost."""
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if file is not None and frame.f_code.co_filename == file:
            text = linecache.getline(file, line)
            indent = len(text) - len(text.lstrip())
            found = Span(file, line, indent, max(indent + 1, len(text.rstrip())))
    return found


def _syntax_span(error: SyntaxError, file: str) -> Span | None:
    if error.lineno is None:
        return None
    start = max(0, (error.offset or 1) - 1)
    end = (error.end_offset or 0) - 1 if error.end_lineno == error.lineno else None
    return Span(error.filename or file, error.lineno, start, end if end is not None and end > start else None)
