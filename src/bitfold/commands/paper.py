"""`bitfold paper`: compare, print, and write."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bitfold.commands.output import console, count
from bitfold.diagnostics import UsageError
from bitfold.outputs import PAGE, check_file, write_file

if TYPE_CHECKING:
    from rich.console import Console

    from bitfold.paper.compare import Design

MARKDOWN = (".md", ".markdown")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bitfold paper`."""
    add = parser.add_argument
    add("--cifar10", type=Path, metavar="FILE", help="CIFAR-10's whole test set (its first 1,000 images)")
    add("--images", type=count, metavar="N", help="classify only the first N images of each test set")
    add("--no-accuracy", action="store_true", help="classify nothing")
    add("--out", type=Path, metavar="FILE", help="write the comparison as .html or .md as well")
    add("--json", type=Path, metavar="FILE", help="write it as JSON as well")


def command(args: argparse.Namespace) -> int:
    """Returns the exit status: 1 when a rate or a latency is not close enough to the paper's.

    Raises:
        UsageError, DataError, BuildError: options that do not go together, and images or places that cannot
            be used.
    """
    from bitfold.paper.compare import compare, gathered
    from bitfold.paper.show import html, markdown, show

    _check(args)
    shown = console()
    designs = compare(images=args.images, cifar10=args.cifar10, accuracy=not args.no_accuracy)
    found = gathered(_watched(designs, shown))
    show(found, shown)
    if args.out is not None:
        text = html(found) if args.out.suffix.lower() in PAGE else markdown(found)
        write_file(args.out, text, "the comparison")
    if args.json is not None:
        write_file(args.json, json.dumps(found.as_json(), indent=2) + "\n", "the comparison")
    sys.stdout.flush()
    return 0 if found.met else 1


def _check(args: argparse.Namespace) -> None:
    if args.no_accuracy and (args.images is not None or args.cifar10 is not None):
        raise UsageError(
            "--no-accuracy needs no images", code="BF-U002", remedy="drop --images and --cifar10, or it"
        )
    if args.out is not None:
        if args.out.suffix.lower() not in (*PAGE, *MARKDOWN) and not args.out.is_dir():
            raise UsageError(
                f"{args.out} is named neither as HTML nor as Markdown",
                code="BF-U032",
                remedy=f"name it {args.out.stem or 'paper'}.html or {args.out.stem or 'paper'}.md",
            )
        check_file(args.out, "the comparison")
    if args.json is not None:
        check_file(args.json, "the comparison")
        if args.out is not None and args.out.resolve() == args.json.resolve():
            raise UsageError(
                f"{args.out} cannot be both the page and the JSON", code="BF-U002", remedy="name two files"
            )


def _watched(designs: Iterator[Design], shown: Console) -> Iterator[Design]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from bitfold.report.published import DESIGNS

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as progress:
        task = progress.add_task("the paper's designs", total=len(DESIGNS))
        for design in designs:
            progress.advance(task)
            yield design
