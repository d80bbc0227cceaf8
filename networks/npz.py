"""Reading NumPy .npz archives without trusting them, and writing them reproducibly.

Pickled content is never loaded. Whatever is wrong with a file becomes one `DataError` that names it.
"""

from __future__ import annotations

import io
import lzma
import os
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import DataError

Array = NDArray[np.generic]

MAGIC = b"PK"
"""The first bytes of any zip archive, thus of any .npz file."""

_BROKEN = (
    ValueError,
    EOFError,
    OSError,
    KeyError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    SyntaxError,
    lzma.LZMAError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_bytes(path: Path, *, what: str, remedy: str) -> bytes:
    """The content of the regular, non-empty file `path`.

    Args:
        what: what the file should be, as in "MNIST images"; it completes "expected ...".
        remedy: how to come by such a file.

    Raises:
        DataError: there is no such file, it is not a regular file, it cannot be read, or it is empty.
    """
    try:
        if not path.exists():
            raise DataError(f"{path}: no such file; expected {what}", code="BF-D001", remedy=remedy)
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise DataError(f"{path}: is {kind}; expected {what}", code="BF-D001", remedy=remedy)
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(
            f"{path}: cannot be read: {reason}; expected {what}", code="BF-D001", remedy=remedy
        ) from None
    if not raw:
        raise DataError(f"{path}: the file is empty; expected {what}", code="BF-D003", remedy=remedy)
    return raw


class Archive:
    """The arrays of one .npz file, decoded one at a time when asked for.

    Raises (here and from `array`):
        DataError: the bytes are no complete zip archive, an array is pickled, damaged, or no array at all.
    """

    def __init__(self, raw: bytes, path: Path, *, remedy: str) -> None:
        self.path = path
        self._remedy = remedy
        if not raw.startswith(MAGIC):
            raise DataError(
                f"{path}: is not an .npz archive (it starts with {raw[:4].hex(' ')})",
                code="BF-D002",
                remedy=remedy,
            )
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(raw))
        except _BROKEN as error:
            raise DataError(
                f"{path}: the .npz archive is truncated or damaged ({len(raw)} bytes): {error}",
                code="BF-D003",
                remedy=remedy,
            ) from None
        members = self._zip.namelist()
        self.keys = tuple(name.removesuffix(".npy") for name in members if name.endswith(".npy"))
        self._others = tuple(name for name in members if not name.endswith(".npy"))

    def listing(self) -> str:
        """The names present, for messages: "dims, w0, t0" or "no arrays"."""
        if self.keys:
            return ", ".join(self.keys)
        return "no arrays" + (f" but {', '.join(self._others[:4])}" if self._others else "")

    def array(self, key: str) -> Array:
        """The array stored under `key`, of any shape and dtype but object."""
        if key not in self.keys:
            raise DataError(
                f"{self.path}: has no array {key!r}; it holds {self.listing()}",
                code="BF-D010",
                remedy=self._remedy,
            )
        try:
            with self._zip.open(f"{key}.npy") as member:
                loaded: Array = np.lib.format.read_array(member, allow_pickle=False)
                member.read()  # to the end: the archive's checksum is compared there
        except _BROKEN as error:
            if "Object arrays" in str(error):
                raise DataError(
                    f"{self.path}: array {key!r} holds pickled Python objects, which are never loaded",
                    code="BF-D004",
                    remedy=f"save {key!r} with a plain numeric dtype, such as uint8",
                ) from None
            raise DataError(
                f"{self.path}: array {key!r} is truncated or damaged: {error}",
                code="BF-D003",
                remedy=self._remedy,
            ) from None
        return loaded


def write(path: Path, arrays: Mapping[str, Array], *, smallest: bool = False) -> None:
    """Write `arrays` to `path` as compressed .npz: the same arrays give the same bytes.

    Args:
        smallest: compress by LZMA, slower and better than the usual deflate. `np.load` reads either.

    Raises:
        DataError: the file cannot be written.
    """
    buffer = io.BytesIO()
    if smallest:
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, array in arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, as NumPy does
                member.compress_type = zipfile.ZIP_LZMA
                with archive.open(member, "w") as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
    else:
        np.savez_compressed(buffer, allow_pickle=False, **dict(arrays))
    write_bytes(path, buffer.getvalue())


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step.

    Raises:
        DataError: the file cannot be written.
    """
    partial = None
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o666 & ~umask)
        os.replace(partial, path)
    except (OSError, ValueError) as error:
        if partial is not None:
            Path(partial).unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(
            f"{path}: cannot be written: {reason}",
            code="BF-D013",
            remedy="give a file in a folder that exists and is writable",
        ) from None
