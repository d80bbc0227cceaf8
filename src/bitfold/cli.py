"""The command line: `bitfold run sfc --schedule fold_a`, and what `python networks/sfc.py` calls."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NoReturn

from bitfold import __version__
from bitfold.commands import build, explain, explore, importing, paper, report, run
from bitfold.diagnostics import BitfoldError, BuildError, UsageError

EXIT_ERROR = 2

# command -> (its module, one line for the list of commands, a sentence for its own help)
COMMANDS: dict[str, tuple[ModuleType, str, str]] = {
    "run": (run, "run a network", "Run a network."),
    "report": (report, "run a network and write a report of it", "Write a report of a network."),
    "paper": (
        paper,
        "compare with the FINN paper's results",
        "The FINN paper's six designs on the ZC706: its figures beside ours.",
    ),
    "import": (importing, "import trained parameters", "Import parameters that another project trained."),
    "build": (
        build,
        "build a kernel of your own",
        "Build a kernel of your own: code for the CPU, or an HLS C++ project.",
    ),
    "explain": (
        explain,
        "explain an error's code, or a step of a schedule",
        "Explain an error's code, such as BF-L012, or a step of a schedule, such as reuse_at.",
    ),
    "explore": (
        explore,
        "find all designs that no other beats",
        "Find all designs of a network that no other beats in every objective.",
    ),
}
"""Each module has `add_options(parser)` and `command(args)`, which returns the exit status."""


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
    for name, (module, summary, description) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=description)
        module.add_options(command)
        command.set_defaults(action=module.command)
    return _guarded(lambda: _command(parser.parse_args(argv)))


def _command(args: argparse.Namespace) -> int:
    status: int = args.action(args)
    return status


def script(network: str, argv: Sequence[str] | None = None) -> int:
    """What `python networks/<network>.py` does: `bitfold run <network>`."""
    parser = _Parser(prog=f"{network}.py", description=f"Run {network.upper()}.")
    run.add_script_options(parser)
    parser.set_defaults(network=network)
    return _guarded(lambda: run.command(parser.parse_args(argv)))


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
