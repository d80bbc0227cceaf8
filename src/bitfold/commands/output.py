"""What commands share: counts in options, and files for results."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bitfold.diagnostics import BuildError


def count(text: str) -> int:
    """A whole number above 0, as an option's type."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return value


def check_writable(path: Path) -> None:
    """Refuse a place for the result that cannot be written, before any work."""
    try:
        target = path.resolve()
        parent = target.parent
        reason = "it is a folder" if target.is_dir() else ""
        reason = reason or ("" if parent.is_dir() else f"there is no folder {path.parent}")
        writable = os.access(target if target.exists() else parent, os.W_OK)
        reason = reason or ("" if writable else "no permission")
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    if reason:
        raise BuildError(
            f"the result cannot be written to {path}: {reason}",
            code="BF-B001",
            remedy="name a file in an existing, writable folder",
        )


def write_text(path: Path, text: str) -> None:
    """Write a result. Raises BuildError."""
    try:
        path.write_text(text)
    except OSError as error:
        raise BuildError(
            f"the result cannot be written to {path}: {error.strerror}",
            code="BF-B001",
            remedy="name a writable file",
        ) from None
