"""`bitfold run`: run a network, and print what was found."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bitfold.commands.networks import add_inputs, carry_out, options_of
from bitfold.diagnostics import UsageError

if TYPE_CHECKING:
    from bitfold.networks.run import Options


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bitfold run`."""
    parser.add_argument("network", nargs="?", help="which network (see --list)")
    add_script_options(parser)


def add_script_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bitfold run` but for the network, which a script of its own knows."""
    add = parser.add_argument
    add_inputs(parser)
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


def command(args: argparse.Namespace) -> int:
    """Run the network as the options say. Returns the exit status: 1 when a simulation differs."""
    from bitfold.networks import report
    from bitfold.networks.run import REPORT, project_folder

    if args.list:
        _list()
        return 0
    options = options_of(args, "bitfold run", out=args.out, print_after=args.print_after)
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
    page = project_folder(options) / REPORT if args.report is True else args.report
    return carry_out(options, args.json, page, report.show)


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
