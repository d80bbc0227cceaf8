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
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import BitfoldError, DataError, Note, ScheduleError, Span, UsageError, choices
from bitfold.networks import datasets
from bitfold.networks.datasets import Dataset
from bitfold.networks.weights_io import Weights, bundled, load_weights
from bitfold.schedule import Schedule

SCHEDULES = ("fold_a", "finn_max", "finn_fix", "cpu")
AUTO = "auto"
"""The schedule that is found for a requirement; it has no function of its own."""

ScheduleFunction = Callable[[Schedule], object]


@dataclass(frozen=True)
class Network:
    """A network that can be run.

    Attributes:
        image: rows, columns and, of colour images, channels of what it classifies.
        dims: the layer widths of a fully connected network, which takes bits; None of one that takes pixels.
        build: makes its kernel from weights.
        classes: what the classes are called, where the bundled weights are used.
    """

    name: str
    title: str
    image: tuple[int, ...]
    dims: tuple[int, ...] | None
    build: Callable[[Weights], Callable[..., None]]
    classes: tuple[str, ...]

    def load_weights(self, path: Path | None) -> Weights:
        """Its weights from a file, or those that come with Bitfold. Raises DataError."""
        if path is None:
            return bundled(self.name)
        if self.dims is None:
            return load_weights(path, network=self.name)
        return load_weights(path, (*self.dims[:-1], None))

    def test_set(self) -> Dataset:
        """The labelled images that come with Bitfold."""
        return datasets.cifar10_test_1000() if self.dims is None else datasets.mnist_test()

    def inputs(self, data: Dataset) -> NDArray[np.uint8]:
        """The images as the kernel takes them: bits (N, inputs), or pixels (N, rows * columns, channels).

        Raises:
            DataError: images of another size, or bits where pixels are needed.
        """
        if data.n_pixels != prod(self.image):
            size = " x ".join(map(str, self.image))
            raise DataError(
                f"{data.name}: images have {data.n_pixels} pixels; {self.name} takes {prod(self.image)}",
                remedy=f"give images of {size}",
            )
        if self.dims is not None:
            return data.as_bits()
        if data.pixels is None:
            raise DataError(f"{data.name}: holds bits; {self.name} takes pixels", remedy="give pixels 0..255")
        return data.pixels.reshape(len(data), -1, self.image[-1])


def networks() -> tuple[str, ...]:
    """The names of the networks."""
    return ("sfc", "lfc", "cnv")


def find_network(name: str) -> Network:
    """The network of that name. Raises UsageError that lists them when there is none."""
    if name not in networks():
        raise UsageError(f"there is no network named {name!r}", remedy=choices(name, networks()))
    module = importlib.import_module(f"bitfold.networks.{name}")
    return Network(name, module.TITLE, module.IMAGE, module.DIMS, module.network, module.CLASSES)


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
            remedy=f"{choices(name, (*SCHEDULES, AUTO))}; or give your own as FILE.py:FUNCTION",
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
