"""What commands share: where results go, and counts in options."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

MISMATCH = 1
"""The exit status when a simulation's results differ from the CPU's."""


def count(text: str) -> int:
    """A whole number above 0, as an option's type."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return value


def console() -> Console:
    """Where results go: at most 100 columns, and no complaint when nobody reads them."""
    from rich.console import Console

    class _Console(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    made = _Console(width=None if sys.stdout.isatty() else 100)
    made.width = max(72, min(made.width, 100))
    return made
