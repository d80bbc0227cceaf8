"""Imports go one way: a stage knows the stages before it and nothing of those after it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# What each part may import besides itself. The order is that of the pipeline; ARCHITECTURE.md explains it.
DIAGNOSTICS = {"diagnostics", "markup"}
DEVICES = DIAGNOSTICS | {"devices"}
LANG = DIAGNOSTICS | {"lang"}
IR = LANG | {"ir"}
FRONTEND = IR | {"frontend"}
KERNELS = FRONTEND | {"kernels"}
SCHEDULE = KERNELS | {"schedule"}
LOWERING = SCHEDULE | {"lowering"}
MODEL = LOWERING | DEVICES | {"model"}
BUILD = MODEL | {"build"}
SUMMARY = BUILD | {"markup", "summary"}
API = SUMMARY | {"modules"}
AUTOFOLD = MODEL | {"schedules", "autofold"}
REPORT = BUILD | AUTOFOLD | {"report"}
ANY = (
    API
    | REPORT
    | {"bitfold", "api", "catalogue", "userfile", "schedules", "networks", "cli", "commands"}
    | {"kernels", "explore", "outputs", "paper"}
)
MAY_IMPORT = {
    "diagnostics": set(),
    "markup": set(),
    "outputs": {"diagnostics"},
    "lang": DIAGNOSTICS,
    "ir": LANG,
    "frontend": IR,
    "schedule": KERNELS,
    "lowering": SCHEDULE,
    "devices": DIAGNOSTICS,
    "model": LOWERING | DEVICES | {"build"},
    "autofold": AUTOFOLD,
    "build": LOWERING | DEVICES | {"outputs"},
    "kernels": LANG,
    "schedules": LANG | {"schedule"},
    "report": REPORT,
    "networks": ANY - {"explore", "paper"},
    "explore": ANY - {"cli"},
    "paper": ANY - {"explore"},
    "cli": ANY,
    "__main__": {"cli"},
    "docs": set(),
    "catalogue": SCHEDULE | {"docs"},
    "userfile": DIAGNOSTICS,
    "summary": BUILD | {"markup"},
    "modules": SUMMARY,
    "api": API,
    "commands": ANY,
    "bitfold": API | {"api"},
}


def module_files(repo: Path, package_dir: dict[str, str]) -> Iterator[tuple[str, Path]]:
    """(dotted module name, file) of every module of the distribution; a package counts as `name.__init__`."""
    for package, folder in package_dir.items():
        for path in sorted((repo / folder).rglob("*.py")):
            yield ".".join([package, *path.relative_to(repo / folder).with_suffix("").parts]), path


def part(dotted: str) -> str:
    """The part that a dotted name belongs to: bitfold.ir.nodes -> ir, bitfold.customize -> bitfold."""
    names = dotted.split(".")
    return names[1] if len(names) > 1 and names[1] in MAY_IMPORT else "bitfold"


def imports(module: str, source: str) -> Iterator[tuple[int, str]]:
    """(line, part) for every import of bitfold in a module, wherever in the module it stands."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{origin}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == "bitfold":
                yield node.lineno, part(name)


def violations(module: str, source: str) -> list[str]:
    names = module.removesuffix(".__init__").split(".")
    own = names[1] if len(names) > 1 else "bitfold"
    if own not in MAY_IMPORT:
        return [f"{module}: give '{own}' a place in MAY_IMPORT"]
    allowed = MAY_IMPORT[own] | {own}
    return [
        f"{module}:{line}: {own} imports {other}"
        for line, other in imports(module, source)
        if other not in allowed
    ]


def test_imports_go_one_way(repo, pyproject):
    found = []
    for module, path in module_files(repo, pyproject["tool"]["setuptools"]["package-dir"]):
        found += violations(module, path.read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source", "count"),
    [
        ("bitfold.ir.nodes", "from bitfold.lang.types import UInt", 0),
        ("bitfold.ir.nodes", "from ..lang import types", 0),
        ("bitfold.ir.__init__", "from .nodes import Loop", 0),
        ("bitfold.ir.nodes", "import bitfold.schedule", 1),
        ("bitfold.ir.nodes", "from bitfold import schedule", 1),
        ("bitfold.ir.nodes", "from bitfold import customize", 1),
        ("bitfold.ir.nodes", "from .. import frontend", 1),
        ("bitfold.ir.nodes", "def f():\n    from ..frontend.parse import parse", 1),
        ("bitfold.kernels.dense", "from bitfold.lang import bit\nimport numpy", 0),
        ("bitfold.kernels.dense", "from bitfold.schedule import customize", 1),
        ("bitfold.build.hls.emit", "from ...lowering import lower", 0),
        ("bitfold.later", "", 1),
    ],
)
def test_violations_are_seen(module: str, source: str, count: int):
    assert len(violations(module, source)) == count
