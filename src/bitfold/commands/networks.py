"""What `bitfold run` and `bitfold report` share: the options of what to run, and the files of the result."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bitfold.commands.output import MISMATCH, count
from bitfold.commands.output import console as terminal
from bitfold.diagnostics import UsageError
from bitfold.outputs import check_file, check_page, write_file

if TYPE_CHECKING:
    from rich.console import Console

    from bitfold.networks.run import Options, Result


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """The options that say what to run: schedule, images, weights, and how many images in C++."""
    add = parser.add_argument
    add("--schedule", metavar="NAME", help="a schedule's name, auto, or FILE.py:FUNCTION (fold_a)")
    _add_requirement_options(parser)
    add(
        "--data",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="your images: IDX, npz, CIFAR-10's batches, a folder, or pictures (bundled test set)",
    )
    add("--labels", type=Path, metavar="PATH", help="their labels, where they are not found beside them")
    add("--weights", type=Path, metavar="FILE", help="trained weights (bundled)")
    add("--images", type=count, metavar="N", help="only the first N images")
    add(
        "--fifo",
        choices=("given", "auto"),
        default="given",
        help="auto: the least stream depths that keep the network as fast as it can be (the schedule's)",
    )
    add("--csim", type=count, default=0, metavar="N", help="simulate the HLS C++ on N images with g++")


def _add_requirement_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--fps", type=_number, metavar="N", help="find the cheapest folding of at least N images/s")
    add("--latency-us", type=_number, metavar="T", help="find the cheapest folding of at most T us")
    add("--max", action="store_true", help="find the fastest folding that fits, and of these the cheapest")
    add(
        "--budget",
        metavar="lut=N,bram=N",
        help="the most that a found folding may take of LUTs, BRAM36 (bram), ff, uram, dsp",
    )
    add("--device", default="zc706", metavar="NAME", help="a device's name or its FILE.toml (zc706)")


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def options_of(args: argparse.Namespace, command: str, out: Path | None, print_after: str | None) -> Options:
    """What to run. Raises UsageError when it is not said, or labels are without images."""
    from bitfold.autofold.options import from_options
    from bitfold.networks.run import Options

    if args.network is None:
        from bitfold.networks.catalog import networks

        raise UsageError(
            "which network?", code="BF-U003", remedy=f"{command} NETWORK, one of: {', '.join(networks())}"
        )
    if args.labels is not None and args.data is None:
        raise UsageError("--labels goes with --data", code="BF-U002", remedy="name the images with --data")
    schedule, asked = from_options(args)
    return Options(
        network=args.network,
        schedule=schedule,
        data=args.data,
        labels=args.labels,
        weights=args.weights,
        images=args.images,
        csim=args.csim,
        out=out,
        print_after=print_after,
        fifo=args.fifo,
        device=args.device,
        requirement=asked,
    )


def carry_out(
    options: Options, data: Path | None, page: Path | None, show: Callable[[Result, Console], None]
) -> int:
    """Run a network, `show` the result, and write it as JSON to `data` and as a page to `page`.

    Returns the exit status: 1 when a simulation differs.
    """
    from bitfold.networks.run import project_folder, run

    console = terminal()
    _check_outputs(data, page, project_folder(options))
    result = run(options, console)
    show(result, console)
    _write_outputs(result, data, page, console)
    return MISMATCH if result.csim is not None and result.csim.mismatches else 0


def _check_outputs(data: Path | None, page: Path | None, project: Path) -> None:
    """Refuse places for the results that cannot be written, before any work."""
    from bitfold.build.hls.project import check_folder

    check_folder(project)
    if data is not None:
        check_file(data, "the result", made=project)
    if page is not None:
        check_page(page, made=project)
    if data is not None and page is not None and data.resolve() == page.resolve():
        raise UsageError(
            f"{page} cannot be both the report and the JSON", code="BF-U002", remedy="name two files"
        )


def _write_outputs(result: Result, data: Path | None, page: Path | None, console: Console) -> None:
    if data is None and page is None:
        return
    from bitfold import report
    from bitfold.networks.report import build_of, point

    found = report.content(build_of(result))
    if data is not None:
        write_file(data, json.dumps(found, indent=2) + "\n", "the result")
    if page is not None:
        write_file(page, report.page(found, page), "the report")
        point(page, console)
