"""The command line: `bitfold run sfc --schedule fold_a`, and what `python networks/sfc.py` calls."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from bitfold import __version__
from bitfold.commands import build as build_command
from bitfold.commands import explore as explore_command
from bitfold.commands import importing as import_command
from bitfold.commands import paper as paper_command
from bitfold.commands import run as run_command
from bitfold.diagnostics import BitfoldError, BuildError, UsageError

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
    run_command.add_run_options(run)
    run.set_defaults(action=run_command.run_network)
    report = commands.add_parser(
        "report", help="run a network and write a report of it", description="Write a report of a network."
    )
    report.add_argument("network", nargs="?", help="which network (bitfold run --list)")
    run_command.add_report_options(report)
    report.set_defaults(action=run_command.report_network)
    paper = commands.add_parser(
        "paper",
        help="compare with the FINN paper's results",
        description="The FINN paper's six designs on the ZC706: its figures beside ours.",
    )
    paper_command.add_options(paper)
    paper.set_defaults(action=paper_command.command)
    imported = commands.add_parser(
        "import",
        help="import trained parameters",
        description="Import parameters that another project trained.",
    )
    import_command.add_options(imported)
    imported.set_defaults(action=import_command.command)
    build = commands.add_parser(
        "build",
        help="build a kernel of your own",
        description="Build a kernel of your own: code for the CPU, or an HLS C++ project.",
    )
    build_command.add_options(build)
    build.set_defaults(action=build_command.command)
    explain = commands.add_parser(
        "explain",
        help="explain an error's code, or a step of a schedule",
        description="Explain an error's code, such as BF-L012, or a step of a schedule, such as reuse_at.",
    )
    explain.add_argument("code", metavar="CODE", help="the code that an error shows in brackets, or a step")
    explain.set_defaults(action=_explain)
    explored = commands.add_parser(
        "explore",
        help="find all designs that no other beats",
        description="Find all designs of a network that no other beats in every objective.",
    )
    explore_command.add_options(explored)
    explored.set_defaults(action=explore_command.command)
    return _guarded(lambda: _command(parser.parse_args(argv)))


def _command(args: argparse.Namespace) -> int:
    status: int = args.action(args)
    return status


def script(network: str, argv: Sequence[str] | None = None) -> int:
    """What `python networks/<network>.py` does: `bitfold run <network>`."""
    parser = _Parser(prog=f"{network}.py", description=f"Run {network.upper()}.")
    run_command.add_run_options(parser)
    return _guarded(
        lambda: run_command.run_network(parser.parse_args(argv, argparse.Namespace(network=network)))
    )


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


def _explain(args: argparse.Namespace) -> int:
    from bitfold.catalogue import explain

    print(explain(args.code), end="")
    return 0
