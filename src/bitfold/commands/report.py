"""`bitfold report`: run a network, and write what was found as a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from bitfold.commands.networks import add_inputs, check_outputs, options_of, write_outputs
from bitfold.commands.output import MISMATCH, console


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bitfold report`."""
    add = parser.add_argument
    add("network", nargs="?", help="which network (bitfold run --list)")
    add_inputs(parser)
    add("--out", type=Path, metavar="FILE", help="the page to write (report.html in the HLS project)")
    add("--project", type=Path, metavar="DIR", help="where the HLS project goes (out/<network>-<schedule>)")
    add("--json", type=Path, metavar="FILE", help="write the same content as JSON as well")


def command(args: argparse.Namespace) -> int:
    """Run the network and write the page. Returns the exit status: 1 when a simulation differs."""
    from bitfold.networks import report
    from bitfold.networks.run import REPORT, project_folder, run

    shown = console()
    options = options_of(args, "bitfold report", out=args.project, print_after=None)
    project = project_folder(options)
    page = project / REPORT if args.out is None else args.out
    check_outputs(args.json, page, project)
    result = run(options, shown)
    report.headline(result, shown)
    write_outputs(result, args.json, page, shown)
    return MISMATCH if result.csim is not None and result.csim.mismatches else 0
