"""`bitfold paper`: compare, print, and write."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bitfold.diagnostics import UsageError
from bitfold.outputs import PAGE, check_file, write_file
from bitfold.paper.compare import Design, compare, gathered
from bitfold.paper.show import html, markdown, show
from bitfold.report.published import DESIGNS

MARKDOWN = (".md", ".markdown")


def main(args: argparse.Namespace, console: Console) -> int:
    """Returns the exit status: 1 when a rate or a latency is not close enough to the paper's.

    Raises:
        UsageError, DataError, BuildError: options that do not go together, and images or places that cannot
            be used.
    """
    _check(args)
    designs = compare(images=args.images, cifar10=args.cifar10, accuracy=not args.no_accuracy)
    found = gathered(_watched(designs, console))
    show(found, console)
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


def _watched(designs: Iterator[Design], console: Console) -> Iterator[Design]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("the paper's designs", total=len(DESIGNS))
        for design in designs:
            progress.advance(task)
            yield design
