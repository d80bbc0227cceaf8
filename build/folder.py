"""A folder that Bitfold writes: its files appear whole, and what others put there is never touched."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bitfold.diagnostics import BuildError
from bitfold.outputs import umask

MANIFEST = "manifest.json"
HLS, LLVM = "bitfold hls", "bitfold llvm"
"""What a manifest calls the writer of an HLS project and of code for a CPU."""
_MANIFEST_KEYS = {"name", "files", "ports"}
_OTHER_FOLDER = "name another, writable folder; on the command line with --out"


def read_manifest(folder: Path, generator: str = HLS) -> dict[str, Any] | None:
    """The manifest of what `generator` wrote, or None when `folder` holds no such thing."""
    found = _any_manifest(folder)
    return found if found is not None and found["generator"] == generator else None


def _any_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(found, dict) and found.get("generator") in (HLS, LLVM)
    return found if ours and found.keys() >= _MANIFEST_KEYS and isinstance(found["files"], dict) else None


def check_folder(out: Path) -> Path:
    """`out` with links resolved, when a project can be written there; touches nothing.

    Raises:
        BuildError: `out` is a file or a folder with other contents, or it cannot be written.
    """
    try:
        folder = out.resolve()
        if folder.exists() and not folder.is_dir():
            raise BuildError(f"{out} is a file, not a folder", code="BF-B001", remedy=_OTHER_FOLDER)
        if folder.is_dir() and _any_manifest(folder) is None and any(folder.iterdir()):
            raise BuildError(
                f"{out} holds files that Bitfold did not write",
                code="BF-B002",
                remedy="name an empty or new folder, or remove this one yourself",
            )
        existing = folder
        while not existing.exists():
            existing = existing.parent
        if not existing.is_dir():
            raise BuildError(
                f"{out} cannot be a folder: {existing} is a file", code="BF-B001", remedy=_OTHER_FOLDER
            )
        if not os.access(existing, os.W_OK | os.X_OK):
            raise BuildError(
                f"{out} cannot be written: no permission in {existing}", code="BF-B001", remedy=_OTHER_FOLDER
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise BuildError(
            f"{out} cannot be written: {_reason(error)}", code="BF-B001", remedy=_OTHER_FOLDER
        ) from None
    return folder


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def write_files(files: Mapping[str, bytes], out: Path) -> Path:
    """Write the files, a manifest of them included, as the folder `out` and return it.

    A new folder appears whole or not at all. What we wrote there earlier is replaced file by file, each at
    once and the manifest last; what else lies in it is never touched.

    Raises:
        BuildError: `out` is a file or a folder with other contents, or it cannot be written.
    """
    folder = check_folder(Path(out))
    earlier = _any_manifest(folder)
    staging: Path | None = None
    try:
        fresh = not folder.exists()
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".bitfold-", dir=folder.parent if fresh else folder))
        for file, data in files.items():
            (staging / file).write_bytes(data)
        if fresh:
            staging.chmod(0o777 & ~umask())
            os.replace(staging, folder)
        else:
            for file in [*(f for f in files if f != MANIFEST), MANIFEST]:
                os.replace(staging / file, folder / file)
            for file in set(earlier["files"] if earlier else ()) - files.keys():
                (folder / Path(file).name).unlink(missing_ok=True)
    except OSError as error:
        raise BuildError(
            f"cannot write {out}: {_reason(error)}",
            code="BF-B001",
            remedy="name an output folder that you may write to, on a disk with room",
        ) from None
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
    return Path(out)
