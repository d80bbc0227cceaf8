"""Runs and programs that the tests of reports share."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from rich.console import Console

from bitfold import report
from bitfold.devices import find_device
from bitfold.ir.nodes import Program
from bitfold.lang import Stream, empty, int8, int32
from bitfold.model.cycles import model
from bitfold.model.resources import estimate
from bitfold.model.simulate import simulate
from bitfold.networks.report import build_of
from bitfold.networks.run import Options, Result, run
from bitfold.schedule import customize


def result(network: str = "sfc", schedule: str = "fold_a", images: int = 50) -> Result:
    """A run with its project in a new folder; the same one for the same arguments."""
    return _once(network, schedule, images)


@cache
def _once(network: str, schedule: str, images: int) -> Result:
    return rerun(network, schedule, images)


def rerun(network: str, schedule: str, images: int) -> Result:
    out = Path(mkdtemp(prefix="bitfold-report-")) / "project"
    return run(Options(network, schedule, images=images, out=out), Console(quiet=True))


@cache
def content(network: str = "sfc", schedule: str = "fold_a", images: int = 50) -> dict[str, Any]:
    return report.content(build_of(result(network, schedule, images)))


def split(x: int8[16], y: Stream[int8, 4], z: Stream[int8, 16]):
    for i in range(16):
        y.put(x[i])
        z.put(x[i])


def negate(x: Stream[int8, 4], y: Stream[int8, 4]):
    for i in range(16):
        y.put(-x.get())


def add(x: Stream[int8, 4], z: Stream[int8, 16], y: int32[16]):
    for i in range(16):
        y[i] = x.get() + z.get()


def diamond(x: int8[16], y: int32[16]):
    a = empty(Stream[int8, 4])
    b = empty(Stream[int8, 4])
    c = empty(Stream[int8, 16])
    split(x, a, c)
    negate(a, b)
    add(b, c, y)


def program_content(program: Program, title: str = "a program", **given: Any) -> dict[str, Any]:
    """A report of a program that is no network of the catalog."""
    device = given.pop("device", None) or find_device("zc706")
    return report.content(
        report.Build(
            network=program.top.name,
            title=title,
            schedule=given.pop("schedule", "none"),
            program=program,
            device=device,
            model=model(program, device.clock_mhz),
            resources=estimate(program),
            simulated=simulate(program, images=3) if program.top.concurrent else None,
            **given,
        )
    )


@cache
def forked() -> dict[str, Any]:
    """A network whose streams fork and join."""
    return program_content(customize(diamond).program)


def both(x: int8[8], c: Stream[int8, 4][2]):
    for i in range(8):
        c[0].put(x[i])
        c[1].put(x[i])


def join(c: Stream[int8, 4][2], y: int8[8]):
    for i in range(8):
        y[i] = c[0].get() + c[1].get()


def arrays_of_streams(x: int8[8], y: int8[8]):
    c = empty(Stream[int8, 4][2])
    both(x, c)
    join(c, y)


def add_one(x: int8[8], y: int8[8]):
    for i in range(8):
        y[i] = x[i] + 1


def double(x: int8[8]):
    for i in range(8):
        x[i] = x[i] * 2


def called_twice(x: int8[8], y: int8[8]):
    h = empty(int8[8])
    add_one(x, h)
    add_one(h, y)


def in_place(x: int8[8], y: int8[8]):
    h = empty(int8[8])
    add_one(x, h)
    double(h)
    add_one(h, y)


def without_loops(x: int8[8], y: int8[8]):
    y[0] = x[0]
