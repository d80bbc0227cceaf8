"""The IDX format, in which MNIST is distributed: a big-endian header, then unsigned bytes.

Header: a 32-bit magic number 0x000008DD (0x08 = unsigned byte, DD = number of dimensions), then one 32-bit
length per dimension. Files are often gzipped.
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import DataError

GZIP_MAGIC = b"\x1f\x8b"

_ELEMENT_TYPES = {
    0x08: "unsigned byte",
    0x09: "signed byte",
    0x0B: "int16",
    0x0C: "int32",
    0x0D: "float32",
    0x0E: "float64",
}
LARGEST = 1 << 30
_DOWNLOAD = "download or copy the file again"


def gunzip(raw: bytes, path: Path) -> bytes:
    """The content of a gzip file of one or more members.

    Raises:
        DataError: the stream ends early, fails its checksum, is followed by something else, or is empty.
    """
    parts = []
    rest = raw
    while rest.startswith(GZIP_MAGIC):
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            parts.append(member.decompress(rest, LARGEST))
        except zlib.error as error:
            raise DataError(
                f"{path}: the gzip data is corrupt: {error}", code="BF-D003", remedy=_DOWNLOAD
            ) from None
        if member.unconsumed_tail:
            raise DataError(
                f"{path}: unpacks to more than {LARGEST >> 20} MiB, which no data set of this kind does",
                code="BF-D005",
                remedy=_DOWNLOAD,
            )
        if not member.eof:
            got = sum(map(len, parts))
            raise DataError(
                f"{path}: the gzip data is truncated: it ends after {len(raw)} bytes, {got} bytes unpacked",
                code="BF-D003",
                remedy=_DOWNLOAD,
            )
        rest = member.unused_data
    if rest.strip(b"\0"):
        raise DataError(
            f"{path}: {len(rest)} bytes of something else follow the gzip data",
            code="BF-D003",
            remedy=_DOWNLOAD,
        )
    content = b"".join(parts)
    if not content:
        raise DataError(f"{path}: the gzip file is empty inside", code="BF-D003", remedy=_DOWNLOAD)
    return content


def looks_like_idx(raw: bytes) -> bool:
    """Whether the first bytes can be an IDX magic number, of any element type."""
    return raw[:2] == b"\0\0" and (len(raw) < 4 or (raw[2] in _ELEMENT_TYPES and 1 <= raw[3] <= 8))


def parse(raw: bytes, path: Path, *, dims: int) -> NDArray[np.uint8]:
    """The array in `raw`, unpacked IDX bytes: uint8 with `dims` dimensions, read-only.

    Args:
        dims: 1 for labels, 3 for grey images, 4 for colour images.

    Raises:
        DataError: another magic number, or a length that disagrees with the header.
    """
    if len(raw) < 4:
        raise DataError(
            f"{path}: the IDX file is truncated: {len(raw)} bytes, {4 - len(raw)} short of a magic number",
            code="BF-D003",
            remedy=_DOWNLOAD,
        )
    (magic,) = struct.unpack_from(">I", raw)
    if magic != 0x0800 | dims:
        raise _wrong_magic(magic, path, dims)
    start = 4 + 4 * dims
    if len(raw) < start:
        raise DataError(
            f"{path}: the IDX file is truncated: {len(raw)} bytes, {start - len(raw)} short of a header",
            code="BF-D003",
            remedy=_DOWNLOAD,
        )
    shape = struct.unpack_from(f">{dims}I", raw, 4)
    size = math.prod(shape)
    surplus = len(raw) - start - size
    if surplus:
        extent = " x ".join(map(str, shape))
        state = (
            f"truncated, {-surplus} bytes short" if surplus < 0 else f"followed by {surplus} unexpected bytes"
        )
        raise DataError(
            f"{path}: the IDX data is {state}: the header says {extent} = {size} bytes, "
            f"the file has {len(raw) - start}",
            code="BF-D003",
            remedy=_DOWNLOAD,
        )
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _wrong_magic(magic: int, path: Path, dims: int) -> DataError:
    wanted = "labels" if dims == 1 else "images"
    expected = f"expected {wanted} (magic 0x{0x0800 | dims:08x})"
    element, found = magic >> 8, magic & 0xFF
    if element in _ELEMENT_TYPES and element != 0x08:
        return DataError(
            f"{path}: holds {_ELEMENT_TYPES[element]} elements (IDX magic 0x{magic:08x}); {expected}",
            code="BF-D002",
            remedy="convert the file to unsigned bytes",
        )
    if element == 0x08 and found == 1:
        return DataError(
            f"{path}: is an IDX labels file (magic 0x{magic:08x}); {expected}",
            code="BF-D002",
            remedy="give the images file (its name has 'images' and 'idx3' in it); the labels beside it are "
            "found by name, or named by labels=",
        )
    if element == 0x08 and dims == 1:
        return DataError(
            f"{path}: is an IDX images file (magic 0x{magic:08x}); {expected}",
            code="BF-D002",
            remedy="give the labels file (its name has 'labels' and 'idx1' in it)",
        )
    if element == 0x08 and found >= 1:
        return DataError(
            f"{path}: is an IDX file of {found} dimensions (magic 0x{magic:08x}); {expected}",
            code="BF-D002",
            remedy=f"give a file of {dims} dimensions: count, then the image's own",
        )
    return DataError(
        f"{path}: is not an IDX file (magic 0x{magic:08x}); {expected}",
        code="BF-D002",
        remedy="give an MNIST file as distributed, raw or gzipped, or an .npz",
    )
