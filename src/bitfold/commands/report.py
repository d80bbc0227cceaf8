"""`bitfold report`: run a network, and write what was found as a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from bitfold.commands.networks import add_inputs, carry_out, options_of


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
    from bitfold.networks.run import REPORT, project_folder

    options = options_of(args, "bitfold report", out=args.project, print_after=None)
    page = project_folder(options) / REPORT if args.out is None else args.out
    return carry_out(options, args.json, page, report.headline)
