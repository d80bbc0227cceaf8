"""The command line: `bitfold run sfc --schedule fold_a`, and what `python networks/sfc.py` calls."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from bitfold import __version__
from bitfold.commands import build as build_command
from bitfold.commands.output import count
from bitfold.diagnostics import BitfoldError, BuildError, UsageError
from bitfold.outputs import check_file, check_page, write_file

if TYPE_CHECKING:
    from rich.console import Console

    from bitfold.networks.run import Options, Result

EXIT_MISMATCH = 1
EXIT_ERROR = 2


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors look like all others, and which takes no shortened options."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, code="BF-U001", remedy=f"{self.prog} --help lists the options")


def main(argv: Sequence[str] | None = None) -> int:
    """The `bitfold` command. Returns the exit status: 0, 1 when a simulation differs, 2 for an error."""
    parser = _Parser(prog="bitfold", description="Binarized networks from Python to CPU code and HLS C++.")
    parser.add_argument("--version", action="version", version=f"bitfold {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    run = commands.add_parser("run", help="run a network", description="Run a network.")
    run.add_argument("network", nargs="?", help="which network (see --list)")
    _add_run_options(run)
    run.set_defaults(action=_run)
    report = commands.add_parser(
        "report", help="run a network and write a report of it", description="Write a report of a network."
    )
    report.add_argument("network", nargs="?", help="which network (bitfold run --list)")
    _add_report_options(report)
    report.set_defaults(action=_report)
    paper = commands.add_parser(
        "paper",
        help="compare with the FINN paper's results",
        description="The FINN paper's six designs on the ZC706: its figures beside ours.",
    )
    _add_paper_options(paper)
    paper.set_defaults(action=_paper)
    imported = commands.add_parser(
        "import",
        help="import trained parameters",
        description="Import parameters that another project trained.",
    )
    _add_import_options(imported)
    imported.set_defaults(action=_import)
    build = commands.add_parser(
        "build",
        help="build a kernel of your own",
        description="Build a kernel of your own: code for the CPU, or an HLS C++ project.",
    )
    build_command.add_options(build)
    build.set_defaults(action=build_command.command)
    explain = commands.add_parser(
        "explain", help="explain an error's code", description="Explain an error's code, such as BF-L012."
    )
    explain.add_argument("code", metavar="CODE", help="the code that an error shows in brackets")
    explain.set_defaults(action=_explain)
    explored = commands.add_parser(
        "explore",
        help="find all designs that no other beats",
        description="Find all designs of a network that no other beats in every objective.",
    )
    _add_explore_options(explored)
    explored.set_defaults(action=_explore)
    return _guarded(lambda: _command(parser.parse_args(argv)))


def _command(args: argparse.Namespace) -> int:
    status: int = args.action(args)
    return status


def script(network: str, argv: Sequence[str] | None = None) -> int:
    """What `python networks/<network>.py` does: `bitfold run <network>`."""
    parser = _Parser(prog=f"{network}.py", description=f"Run {network.upper()}.")
    _add_run_options(parser)
    return _guarded(lambda: _run(parser.parse_args(argv, argparse.Namespace(network=network))))


def main_script(network: str) -> NoReturn:
    """Run `script` and exit with its status."""
    sys.exit(script(network))


def _guarded(command: Callable[[], int]) -> int:
    """Run a command; a user's mistake becomes one message on stderr and exit status 2."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - closed by the one who started us
    try:
        status = command()
        sys.stdout.flush()
        return status
    except BitfoldError as error:
        print(error.render(), file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _drop_output()
        return 0
    except OSError as error:
        _drop_output()
        print(
            BuildError(f"the output cannot be written: {error.strerror}", code="BF-B001").render(),
            file=sys.stderr,
        )
        return EXIT_ERROR


def _drop_output() -> None:
    """Let what is still buffered for stdout go nowhere, so that the exit does not try it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _add_run_options(parser: argparse.ArgumentParser) -> None:
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


def _add_report_options(parser: argparse.ArgumentParser) -> None:
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


def _add_explore_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("network", help="which network")
    add(
        "--objective",
        default="fps,lut",
        metavar="A,B,...",
        help="two or more of fps, latency, lut, bram, ff, uram and dsp (fps,lut)",
    )
    add("--device", default="zc706", metavar="NAME", help="a device's name or its FILE.toml (zc706)")
    add("--budget", metavar="lut=N,bram=N", help="the most that a design may take")
    add("--weights", type=Path, metavar="FILE", help="trained weights (bundled)")
    add("--out", type=Path, metavar="DIR", help="where the results go (out/explore-<network>)")
    add("--jobs", type=count, metavar="N", help="processes on this machine (one for each core)")
    add("--cluster", metavar="ADDRESS", help="a Dask scheduler, such as tcp://host:8786, in place of --jobs")


def _explore(args: argparse.Namespace) -> int:
    from bitfold.explore.command import run

    return run(args, _console())


def _add_paper_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--cifar10", type=Path, metavar="FILE", help="CIFAR-10's whole test set (its first 1,000 images)")
    add("--images", type=count, metavar="N", help="classify only the first N images of each test set")
    add("--no-accuracy", action="store_true", help="classify nothing")
    add("--out", type=Path, metavar="FILE", help="write the comparison as .html or .md as well")
    add("--json", type=Path, metavar="FILE", help="write it as JSON as well")


def _simd(text: str) -> tuple[int, ...]:
    return tuple(count(part) for part in text.split(","))


def _add_import_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("format", choices=("bnn-pynq",), help="who wrote the folder: bnn-pynq")
    add("folder", type=Path, metavar="DIR", help="the folder of parameters, such as cnvW1A1")
    add("--network", required=True, choices=("lfc", "cnv"), help="the network they are of")
    add("--out", type=Path, required=True, metavar="FILE", help="the weights file to write (.npz)")
    add("--classes", type=count, metavar="N", help="how many classes (lines of classes.txt, else 10)")
    add("--simd", type=_simd, metavar="N,N,...", help="SIMD of each layer, where the files leave it open")


def _explain(args: argparse.Namespace) -> int:
    from bitfold.catalogue import explain

    print(explain(args.code), end="")
    return 0


def _import(args: argparse.Namespace) -> int:
    from bitfold.networks.bnn_pynq import read
    from bitfold.networks.weights_io import save_weights

    found = read(args.folder, args.network, classes=args.classes, simd=args.simd)
    save_weights(args.out, found.weights)
    print(f"{args.out}: {args.network.upper()} of {found.weights.classes} classes")
    for k, ((out, fan_in), p) in enumerate(zip(found.weights.shapes, found.packings, strict=True)):
        padded = f", padded to {p.rows} x {p.columns}" if (p.rows, p.columns) != (out, fan_in) else ""
        print(f"  layer {k}: {out} x {fan_in} weights, from PE {p.pe}, SIMD {p.simd}{padded}")
    return 0


def _console() -> Console:
    """Where results go: at most 100 columns, and no complaint when nobody reads them."""
    from rich.console import Console

    class _Console(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    console = _Console(width=None if sys.stdout.isatty() else 100)
    console.width = max(72, min(console.width, 100))
    return console


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


def _run(args: argparse.Namespace) -> int:
    from bitfold.networks import report
    from bitfold.networks.run import REPORT, project_folder, run

    console = _console()
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
    result = run(options, console)
    report.show(result, console)
    _write_outputs(result, args.json, page, console)
    return EXIT_MISMATCH if result.csim is not None and result.csim.mismatches else 0


def _report(args: argparse.Namespace) -> int:
    from bitfold.networks import report
    from bitfold.networks.run import REPORT, project_folder, run

    console = _console()
    options = _options(args, "bitfold report", out=args.project, print_after=None)
    project = project_folder(options)
    page = project / REPORT if args.out is None else args.out
    _check_outputs(args.json, page, project)
    result = run(options, console)
    report.headline(result, console)
    _write_outputs(result, args.json, page, console)
    return EXIT_MISMATCH if result.csim is not None and result.csim.mismatches else 0


def _paper(args: argparse.Namespace) -> int:
    from bitfold.paper.command import main as compare_with_paper

    return compare_with_paper(args, _console())


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
