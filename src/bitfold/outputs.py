"""Files that a command writes besides its project: checked before any work, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bitfold.diagnostics import BuildError, UsageError

PAGE = (".html", ".htm")


def check_file(path: Path, what: str, *, made: Path | None = None) -> None:
    """Refuse a file that cannot be written. `made` is a folder that will exist by then.

    Raises:
        BuildError: it is a folder, its folder is missing, or there is no permission.
    """
    try:
        target = path.resolve()
        parent = target.parent
        coming = made is not None and parent == made.resolve() and not parent.exists()
        reason = "it is a folder" if target.is_dir() else ""
        reason = reason or ("" if coming or parent.is_dir() else f"there is no folder {path.parent}")
        writable = coming or os.access(target if target.exists() else parent, os.W_OK)
        reason = reason or ("" if writable else "no permission")
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    if reason:
        raise BuildError(
            f"{what} cannot be written to {path}: {reason}",
            code="BF-B001",
            remedy="name a file in an existing, writable folder",
        )


def check_page(path: Path, what: str = "the report", *, made: Path | None = None) -> None:
    """`check_file` for a page of HTML, whose name must say so: a slip must not cost another file.

    Raises:
        UsageError: it is named otherwise.
        BuildError: as `check_file`.
    """
    if path.suffix.lower() not in PAGE and not path.is_dir():
        raise UsageError(
            f"{what} is a page of HTML, and {path} is not named as one",
            code="BF-U032",
            remedy=f"name it {path.stem or 'report'}.html",
        )
    check_file(path, what, made=made)


def write_file(path: Path, text: str, what: str) -> None:
    """Write `path` with one rename, so that it is never half-written; what is no plain file is written to.

    Raises:
        BuildError: it cannot be written.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():  # a device or a pipe
            target.write_text(text, encoding="utf-8")
            return
        handle, staged = tempfile.mkstemp(dir=target.parent, prefix=".bitfold-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(staged, target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~umask())
            os.replace(staged, target)
        except OSError:
            Path(staged).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BuildError(
            f"{what} cannot be written to {path}: {error.strerror}",
            code="BF-B001",
            remedy="name a writable file",
        ) from None


def umask() -> int:
    """The permissions that this process gives to no new file."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
