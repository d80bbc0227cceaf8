"""What there is to run: the networks, the schedules that ship with bitfold, and schedules in users' files."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import linecache
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitfold.diagnostics import BitfoldError, Note, ScheduleError, Span, UsageError, choices
from bitfold.networks.weights_io import Weights
from bitfold.schedule import Schedule

SCHEDULES = ("fold_a", "finn_max", "finn_fix", "cpu")

ScheduleFunction = Callable[[Schedule], object]


@dataclass(frozen=True)
class Network:
    """A network that can be run: its name, its layer widths, and the function that builds its kernel."""

    name: str
    title: str
    dims: tuple[int, ...]
    build: Callable[[Weights], Callable[..., None]]


def networks() -> tuple[str, ...]:
    """The names of the networks."""
    return ("sfc", "lfc")


def find_network(name: str) -> Network:
    """The network of that name. Raises UsageError that lists them when there is none."""
    if name not in networks():
        raise UsageError(f"there is no network named {name!r}", remedy=choices(name, networks()))
    module = importlib.import_module(f"bitfold.networks.{name}")
    widths = "-".join(map(str, module.DIMS))
    return Network(name, f"{name.upper()} {widths}", module.DIMS, module.network)


def find_schedule(name: str) -> ScheduleFunction:
    """A schedule by the name of one that ships, or as FILE.py:FUNCTION.

    Raises:
        UsageError: no schedule of that name (those there are get listed), or no such file or function.
    """
    file, colon, function = name.rpartition(":")
    if colon or name.endswith(".py"):
        return _from_file(file if colon else name, function if colon else Path(name).stem)
    if name not in SCHEDULES:
        raise UsageError(
            f"there is no schedule named {name!r}",
            remedy=f"{choices(name, SCHEDULES)}; or give your own as FILE.py:FUNCTION",
        )
    module = importlib.import_module(f"bitfold.schedules.{name}")
    found: ScheduleFunction = getattr(module, name)
    return found


def _from_file(file: str, function: str) -> ScheduleFunction:
    path = Path(file)
    if not os.path.isfile(path):
        raise UsageError(
            f"there is no schedule file {file!r}", remedy=f"known by name: {', '.join(SCHEDULES)}"
        )
    spec = importlib.util.spec_from_file_location(f"bitfold_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file!r} is not a Python file", remedy="give FILE.py:FUNCTION")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.absolute().parent))  # it may import what lies beside it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"{file} cannot be imported: {type(error).__name__}: {error}", remedy="correct the file"
        ) from error
    found: Any = getattr(module, function, None)
    if not callable(found):
        names = [n for n, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == spec.name]
        raise UsageError(f"{file} has no function {function!r}", remedy=choices(function, names))
    checked: ScheduleFunction = found
    return checked


def apply_schedule(schedule: ScheduleFunction, name: str, s: Schedule) -> None:
    """Run a schedule function. Whatever goes wrong in it becomes one error that names its line."""
    try:
        made = schedule(s)
    except BitfoldError as error:
        where = _line(error, schedule)
        if where is not None:
            error.notes = (*error.notes, Note("asked for here", where))
        raise
    except (Exception, SystemExit) as error:
        raise ScheduleError(
            f"schedule {name!r} fails: {type(error).__name__}: {error}",
            span=_line(error, schedule),
            remedy="a schedule is a function of one argument, the schedule object",
        ) from error
    if inspect.isgenerator(made) or inspect.iscoroutine(made):
        made.close()
        raise ScheduleError(
            f"schedule {name!r} is a generator or async function, which does nothing when called",
            remedy="write it as an ordinary function",
        )


def _line(error: BaseException, schedule: ScheduleFunction) -> Span | None:
    """The line of the schedule's file where the error passed through, innermost."""
    code = getattr(schedule, "__code__", None)
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if code is not None and frame.f_code.co_filename == code.co_filename:
            text = linecache.getline(code.co_filename, line)
            indent = len(text) - len(text.lstrip())
            found = Span(code.co_filename, line, indent, max(indent + 1, len(text.rstrip())))
    return found
