"""`bitfold run` and `bitfold report`: run a network, and write what was found."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from bitfold.commands.output import MISMATCH, console, count
from bitfold.diagnostics import UsageError
from bitfold.outputs import check_file, check_page, write_file

if TYPE_CHECKING:
    from rich.console import Console

    from bitfold.networks.run import Options, Result


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bitfold run`, but for the network."""
    add = parser.add_argument
    _add_inputs(parser)
    add("--csim", type=count, default=0, metavar="N", help="simulate the HLS C++ on N images with g++")
    add("--out", type=Path, metavar="DIR", help="where the HLS project goes (out/<network>-<schedule>)")
    add("--json", type=Path, metavar="FILE", help="write the result as JSON as well")
    add(
        "--report",
        type=Path,
        nargs="?",
        const=True,
        metavar="FILE",
        help="write it as a page of HTML as well (report.html in the HLS project)",
    )
    add("--emit", choices=("python", "mlir", "hls"), help="print the scheduled program in this form and stop")
    add("--print-after", metavar="PASS", help="print the program after this pass (see --list)")
    add("--list", action="store_true", help="list networks, schedules and passes, and stop")


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bitfold report`, but for the network."""
    add = parser.add_argument
    _add_inputs(parser)
    add("--csim", type=count, default=0, metavar="N", help="simulate the HLS C++ on N images with g++")
    add("--out", type=Path, metavar="FILE", help="the page to write (report.html in the HLS project)")
    add("--project", type=Path, metavar="DIR", help="where the HLS project goes (out/<network>-<schedule>)")
    add("--json", type=Path, metavar="FILE", help="write the same content as JSON as well")


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    """What to run: the network's schedule, images and weights."""
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


def _options(args: argparse.Namespace, command: str, out: Path | None, print_after: str | None) -> Options:
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


def run_network(args: argparse.Namespace) -> int:
    """What `bitfold run` does. Returns the exit status: 1 when a simulation differs."""
    from bitfold.networks import report
    from bitfold.networks.run import REPORT, project_folder, run

    shown = console()
    if args.list:
        _list()
        return 0
    options = _options(args, "bitfold run", out=args.out, print_after=args.print_after)
    if args.emit is not None:
        given = ("csim", "json", "report", "out", "images", "print_after", "data")
        ignored = [n for n in given if getattr(args, n)]
        if ignored:
            option = ignored[0].replace("_", "-")
            raise UsageError(
                f"--emit only prints the program; --{option} has no part in it",
                code="BF-U002",
                remedy="drop one",
            )
        print(_emitted(options, args.emit), end="")
        return 0
    project = project_folder(options)
    page = project / REPORT if args.report is True else args.report
    _check_outputs(args.json, page, project)
    result = run(options, shown)
    report.show(result, shown)
    _write_outputs(result, args.json, page, shown)
    return MISMATCH if result.csim is not None and result.csim.mismatches else 0


def report_network(args: argparse.Namespace) -> int:
    """What `bitfold report` does: a run whose result goes into a page."""
    from bitfold.networks import report
    from bitfold.networks.run import REPORT, project_folder, run

    shown = console()
    options = _options(args, "bitfold report", out=args.project, print_after=None)
    project = project_folder(options)
    page = project / REPORT if args.out is None else args.out
    _check_outputs(args.json, page, project)
    result = run(options, shown)
    report.headline(result, shown)
    _write_outputs(result, args.json, page, shown)
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


def _emitted(options: Options, form: str) -> str:
    from bitfold.ir.printer import module_text
    from bitfold.lowering.pipeline import lower_to_hls
    from bitfold.lowering.to_mlir import module_text as mlir_text
    from bitfold.networks.run import scheduled, with_depths

    program = with_depths(options, scheduled(options)[2].program)
    if form == "python":
        return module_text(program)
    lowered = lower_to_hls(program)
    if form == "mlir":
        return mlir_text(lowered)
    from bitfold.build.hls.emit import emit

    return emit(lowered).text


def _list() -> None:
    from bitfold.devices import known_devices
    from bitfold.lowering.pipeline import HLS_STEPS, LLVM_STEPS
    from bitfold.networks.catalog import AUTO, SCHEDULES, networks

    print(f"networks:     {', '.join(networks())}")
    print(f"schedules:    {', '.join((*SCHEDULES, AUTO))}, or your own FILE.py:FUNCTION")
    print(f"devices:      {', '.join(known_devices())}, or your own FILE.toml")
    print(f"passes, CPU:  {', '.join(LLVM_STEPS)}")
    print(f"passes, HLS:  {', '.join(HLS_STEPS)}")
