"""What a device has, and how its file is read."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from bitfold.diagnostics import DataError, UsageError, choices


@dataclass(frozen=True, slots=True)
class Device:
    """An FPGA on its board, and the clock its designs run at.

    `bram36` counts 36-kbit block RAMs, `uram` 288-kbit UltraRAMs, `dsp` DSP slices; `memory_gb_s` is the
    bandwidth of the board's memory in 10^9 bytes per second, None when it is not known; `usable` the fraction
    of each resource that a design may plan with, as tools fail to route a full device.
    """

    name: str
    part: str
    lut: int
    ff: int
    bram36: int
    dsp: int
    clock_mhz: float
    uram: int = 0
    memory_gb_s: float | None = None
    usable: float = 1.0

    @property
    def clock_ns(self) -> float:
        """The clock period."""
        return 1000 / self.clock_mhz


def known_devices() -> tuple[str, ...]:
    """The names that `find_device` takes besides paths, sorted."""
    entries = files("bitfold.devices").iterdir()
    return tuple(sorted(e.name.removesuffix(".toml") for e in entries if e.name.endswith(".toml")))


def find_device(given: str | Path) -> Device:
    """The device of that name (in any case), or the one in the file at that path, which ends with .toml.

    Raises:
        UsageError: there is no such device.
        DataError: the file cannot be read or is not a device's.
    """
    text = str(given)
    if text.endswith(".toml"):
        return read_device(Path(given))
    known = known_devices()
    if text.lower() not in known:
        raise UsageError(
            f"there is no device named {text!r}",
            code="BF-U003",
            remedy=f"{choices(text.lower(), known)}; or give the path of a device file (.toml) of your own",
        )
    entry = files("bitfold.devices") / f"{text.lower()}.toml"
    return _device(f"{text.lower()}.toml", entry.read_text(encoding="utf-8"))


def read_device(path: Path) -> Device:
    """The device that a TOML file describes: the fields of `Device`.

    Raises:
        DataError: the file cannot be read, is no TOML, lacks a field, or has a field that is unknown, of
            another type, or out of range.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise DataError(
            f"cannot read the device file {path}: {reason}", code="BF-D001", remedy=_FORM
        ) from error
    return _device(str(path), text)


_FORM = "write one as src/bitfold/devices/zc706.toml is: name, part, clock_mhz, lut, ff, bram36, dsp"
_TEXTS = ("name", "part")
_REALS = ("clock_mhz", "memory_gb_s", "usable")


def _device(file: str, text: str) -> Device:
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{file} is no TOML: {error}", code="BF-D002", remedy=_FORM) from error
    known = [f.name for f in fields(Device)]
    for name in given:
        if name not in known:
            raise DataError(
                f"{file}: a device has no field {name!r}", code="BF-D012", remedy=choices(name, known)
            )
    missing = [f.name for f in fields(Device) if f.default is MISSING and f.name not in given]
    if missing:
        raise DataError(f"{file} does not say: {', '.join(missing)}", code="BF-D012", remedy=_FORM)
    for name, value in given.items():
        if fault := _fault(name, value):
            raise DataError(
                f"{file}: {name} is {value!r}; it must be {fault}", code="BF-D012", remedy="correct the file"
            )
    return Device(**given)


def _fault(name: str, value: Any) -> str | None:
    """What the value of a field must be, when it is not that."""
    if name in _TEXTS:
        return None if isinstance(value, str) and value else "a text"
    number = isinstance(value, (int, float) if name in _REALS else int) and not isinstance(value, bool)
    if name == "usable":
        return None if number and 0 < value <= 1 else "a number above 0 and at most 1"
    if name in _REALS:
        return None if number and 0 < value < float("inf") else "a positive number"
    least = 1 if name in ("lut", "ff") else 0
    return None if number and value >= least else f"an integer of at least {least}"
