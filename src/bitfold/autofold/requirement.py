"""Requirements as users state them, checked, and as limits in cycles and counts."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, isfinite

from bitfold.autofold.parts import IMPOSSIBLE
from bitfold.autofold.result import Requirement
from bitfold.devices import Device
from bitfold.diagnostics import UsageError, choices
from bitfold.model.resources import SHELL

RESOURCES = ("lut", "ff", "bram36", "uram", "dsp")
_ALIASES = {"bram": "bram36"}
_FORM = "such as lut=50000,bram=120"
_ROUNDING = 1e-9


def requirement(
    *,
    fps: float | None = None,
    latency_us: float | None = None,
    fastest: bool = False,
    budget: Mapping[str, float] | None = None,
) -> Requirement:
    """A checked requirement; without a rate and a latency it is `fastest`.

    Raises:
        UsageError: a number that is not positive and finite, an unknown resource, or `fastest` with a rate or
            a latency.
    """
    for name, value in (("fps", fps), ("latency", latency_us)):
        if value is not None and not (isfinite(value) and value > 0):
            raise UsageError(
                f"a {name} of {value:g} makes no sense", code="BF-U030", remedy="give a number above 0"
            )
    if fastest and (fps is not None or latency_us is not None):
        raise UsageError(
            "the fastest folding and one for a rate or a latency are two requirements",
            code="BF-U002",
            remedy="drop one: --max, or --fps and --latency-us",
        )
    checked: dict[str, float] = {}
    for given, most in (budget or {}).items():
        name = _ALIASES.get(given.lower(), given.lower())
        if name not in RESOURCES:
            raise UsageError(
                f"there is no resource {given!r} to budget",
                code="BF-U003",
                remedy=choices(name, ("bram", *RESOURCES)),
            )
        if name in checked:
            raise UsageError(
                f"the budget names {name} twice", code="BF-U030", remedy=f"name each once, {_FORM}"
            )
        if not (isfinite(most) and most >= 0):
            raise UsageError(
                f"a budget of {most:g} {name} makes no sense", code="BF-U030", remedy=f"give numbers, {_FORM}"
            )
        checked[name] = most
    neither = fps is None and latency_us is None
    return Requirement(fps, latency_us, fastest or neither, tuple(sorted(checked.items())))


def parse_budget(text: str) -> dict[str, float]:
    """`lut=50000,bram=120` as a mapping. Raises UsageError for another form."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = part.partition("=")
        try:
            value = float(number.replace("_", ""))
        except ValueError:
            value = float("nan")
        if not equals or not name.strip() or not isfinite(value):
            raise UsageError(
                f"{part!r} is no budget of a resource", code="BF-U030", remedy=f"write it {_FORM}"
            )
        if name.strip() in found:
            raise UsageError(
                f"the budget names {name.strip()} twice", code="BF-U030", remedy=f"name each once, {_FORM}"
            )
        found[name.strip()] = value
    return found


def most_cycles(asked: Requirement, device: Device) -> tuple[int, int]:
    """(interval, latency) that are allowed, in cycles at the device's clock."""
    interval = latency = IMPOSSIBLE - 1
    if asked.fps is not None:
        interval = _cycles(device.clock_mhz * 1e6 / asked.fps)
    if asked.latency_us is not None:
        latency = _cycles(device.clock_mhz * asked.latency_us)
        interval = min(interval, latency)  # no kernel may be slower than an image is to be
    return interval, latency


def _cycles(most: float) -> int:
    """Whole cycles; rounding in the division must not cost one."""
    return floor(min(most * (1 + _ROUNDING), IMPOSSIBLE - 1))


def limits(asked: Requirement, device: Device) -> dict[str, int]:
    """The most of each resource: what of the device is usable, less the shell, and what the budget says."""
    budget = dict(asked.budget)
    found = {}
    for name, there, shell in (
        ("lut", device.lut, SHELL.lut),
        ("ff", device.ff, SHELL.ff),
        ("bram18", 2 * device.bram36, SHELL.bram18),
        ("uram", device.uram, SHELL.uram),
        ("dsp", device.dsp, SHELL.dsp),
    ):
        most = max(0, floor(device.usable * there + _ROUNDING) - shell)
        given = budget.get("bram36" if name == "bram18" else name)
        if given is not None:
            most = min(most, floor(given * (2 if name == "bram18" else 1) + _ROUNDING))
        found[name] = most
    return found
