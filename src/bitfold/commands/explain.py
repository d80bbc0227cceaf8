"""`bitfold explain`: what the code of an error means, or what a step of a schedule does."""

from __future__ import annotations

import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bitfold explain`."""
    parser.add_argument("code", metavar="CODE", help="the code that an error shows in brackets, or a step")


def command(args: argparse.Namespace) -> int:
    """Print the explanation. Returns the exit status. Raises UsageError for an unknown code or step."""
    from bitfold.catalogue import explain

    print(explain(args.code), end="")
    return 0
