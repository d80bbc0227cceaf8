"""The report as one HTML page: no script, no font, no picture from elsewhere. Same content, same bytes."""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape

from bitfold.report import figures

_RESOURCES = (
    ("lut", "LUT", "lut"),
    ("ff", "Flip-flops", "ff"),
    ("bram36", "BRAM36", "bram36"),
    ("uram", "URAM", "uram"),
    ("dsp", "DSP", "dsp"),
)
_ROLES = {
    "stream_width": "width converter",
    "stream_from_array": "reads an array",
    "stream_to_array": "fills an array",
}
_COSTLIEST = 6


def page(content: dict[str, Any], at: Path | None = None) -> str:
    """The page of a report's `content`, which schema version 1 describes.

    With `at`, the file it will be written to, it links to the Python files and the generated C++ by relative
    paths, where these exist.
    """
    links = _Links(at)
    chain = figures.chain(content)
    layers = content["layers"]
    several = len({layer["name"] for layer in layers}) > 1
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            r=content,
            style=Markup((files("bitfold.report") / "templates" / "style.css").read_text(encoding="utf-8")),
            chain=chain if several else None,
            graph=figures.graph(content) if several and chain is None else None,
            box=figures.BOX,
            outputs=[s for s in content["streams"] if s["port"] and s["from"]],
            slowest=content["interval_cycles"] if content["dataflow"] else None,
            roofs=[r for r in (figures.roof(content, 720, 400), figures.roof(content, 380, 380)) if r],
            timelines=figures.timelines(content["simulated"]) if content["simulated"] else (),
            bars=_bars(content),
            costs=_costs(content),
            links=links,
            project=links.folder(content["hls_dir"]),
        )
    )


def _bars(content: dict[str, Any]) -> list[dict[str, Any]]:
    """What the design and the shell around it take of each resource; parts of the device, 1 for all of it."""
    total, shell, board = content["resources"]["total"], content["resources"]["shell"], content["board"]
    found = []
    for key, name, there in _RESOURCES:
        have = board[there]
        if not have and not total[key]:
            continue
        part = total[key] / have if have else float("inf")
        whole = (total[key] + shell[key]) / have if have else float("inf")
        found.append({"name": name, "used": total[key], "shell": shell[key], "have": have, "part": part})
        scale = max(1.0, whole) if isfinite(whole) else 1.0
        found[-1] |= {
            "width": 100 * min(part, scale) / scale,
            "shell_width": 100 * shell[key] / have / scale if have else 0,
            "mark": 100 * board["usable"] / scale,
            "fits": whole <= board["usable"],
        }
    return found


def _costs(content: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The costliest items of each kernel."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in content["resources"]["items"]:
        found.setdefault(item["kernel"], []).append(item)
    return {
        kernel: sorted(items, key=lambda i: (-i["lut"] - 200 * i["bram36"], i["line"], i["what"]))[
            :_COSTLIEST
        ]
        for kernel, items in found.items()
    }


class _Links:
    """Paths as the page shows them, and relative to it."""

    def __init__(self, at: Path | None) -> None:
        self.start = None if at is None else at.absolute().parent.resolve()

    def label(self, file: str) -> str:
        """A file's name, with its folder where it is one of Bitfold's own."""
        path = Path(file)
        return f"{path.parent.name}/{path.name}" if path.parent in _own_folders() else path.name

    def href(self, file: str, line: int | None = None) -> str | None:
        """A relative link to a file that exists."""
        if self.start is None:
            return None
        try:
            target = Path(file).resolve()
            if not target.exists():
                return None
            relative = Path(os.path.relpath(target, self.start)).as_posix()
        except (OSError, ValueError):
            return None
        return quote(relative) + (f"#L{line}" if line else "")

    def folder(self, name: str | None) -> str | None:
        """A relative link to a folder that exists, ending in a slash."""
        found = self.href(name) if name else None
        return None if found is None else "" if found == "." else f"{found}/"


@cache
def _own_folders() -> frozenset[Path]:
    names = ("kernels", "networks", "schedules")
    return frozenset(Path(str(files(f"bitfold.{name}"))) for name in names)


def environment(package: str) -> jinja2.Environment:
    """The templates of pages in `package`."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )


@cache
def _templates() -> jinja2.Environment:
    made = environment("bitfold.report")
    made.filters |= {
        "n": _number,
        "rate": _rate,
        "pct": _percent,
        "tera": figures.tera,
        "role": _role,
        "breaks": _breaks,
        "sentence": _sentence,
    }
    return made


def _number(value: float) -> str:
    """A count; halves of block RAMs show."""
    return f"{value:,.1f}".removesuffix(".0")


def _rate(value: float) -> str:
    """A rate or a time, to three digits at least."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.3g}"


def _percent(value: float | None) -> str:
    if value is None or not isfinite(value):
        return "there are none"
    return f"{value:.1%}" if value < 0.9995 or value > 1.0005 else "100%"


def _sentence(text: str) -> str:
    """A reason with a capital, unless it begins with a name."""
    first = text.split(" ", 1)[0]
    return text if "_" in first or not text else text[0].upper() + text[1:]


def _breaks(name: str) -> Markup:
    """A name that may be broken after an underscore."""
    return escape(name).replace("_", Markup("_<wbr>"))


def _role(layer: dict[str, Any]) -> str:
    if layer["folds"]:
        return "matrix layer"
    name: str = layer["kernel"]
    return _ROLES.get(name, name.replace("_", " "))
