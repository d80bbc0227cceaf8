"""Pictures (PNG, JPEG, ...) of any size as inputs of a network, by Pillow (`pip install 'bitfold[images]'`).

Colour pictures are made as BNN-PYNQ makes them for its CIFAR-10 networks: shrunk with antialiasing to fit
32 x 32 at their own aspect ratio, never enlarged, and centred on white. Transparent parts show that white.

Digits become 28 x 28 grey values by the same steps, light on black as in MNIST: a picture whose edge is light
is taken for dark ink on paper and inverted.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitfold.diagnostics import BuildError, DataError
from bitfold.networks import npz

_REMEDY = "save it again as an 8-bit PNG"
_SIGNATURES = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    **{f"P{kind}".encode() + end: "PNM" for kind in range(1, 7) for end in (b"\n", b" ", b"\r", b"\t")},
}
_GREY_16 = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_MID_GREY = 128


def kind(raw: bytes) -> str | None:
    """The format of a picture, by its first bytes; None when it is none that is known here."""
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "WebP"
    return next((name for magic, name in _SIGNATURES.items() if raw.startswith(magic)), None)


def in_folder(folder: Path) -> list[Path]:
    """The pictures in a folder, known by their content, in the order of their names; other files are ignored.

    Raises:
        DataError: the folder or a file in it cannot be read.
    """
    try:
        return [path for path in sorted(folder.iterdir()) if path.is_file() and kind(_head(path))]
    except OSError as error:
        raise DataError(
            f"{error.filename}: cannot be read: {error.strerror}",
            code="BF-D001",
            remedy="make it readable, or move it elsewhere",
        ) from None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def read(paths: Sequence[Path], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The pictures as uint8 (N, P), row by row; of colour (red, green, blue) for each pixel.

    Args:
        shape: of one image, (rows, columns) for digits or (rows, columns, 3) for colour; P is its product.

    Raises:
        BuildError: Pillow is not installed.
        DataError: a file is missing, unreadable, damaged, or no picture; or `shape` is neither of the two.
    """
    if len(shape) != 2 and shape[2:] != (3,):
        raise DataError(
            f"{paths[0]}: is a picture, which cannot become an image of shape {shape}",
            code="BF-D006",
            remedy="store the images as arrays in an .npz",
        )
    made = [_fitted(path, shape) for path in paths]
    return np.stack(made).reshape(len(made), -1)


def _pillow() -> Any:
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise BuildError(
            "Pillow is not installed, which reads pictures",
            code="BF-B015",
            remedy="pip install 'bitfold[images]'",
        ) from None
    return Image, ImageOps


def _fitted(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """One picture as uint8 of `shape`."""
    raw = npz.read_bytes(path, what="a picture", remedy="give a PNG, JPEG or other picture file")
    named = kind(raw)
    if named is None:
        raise DataError(
            f"{path}: is no picture (it starts with {raw[:4].hex(' ')})", code="BF-D002", remedy=_REMEDY
        )
    image_module, _ = _pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow remarks on odd but readable files
            picture = _eight_bit(raw)
            grey = len(shape) == 2
            flat = _digit(picture) if grey else _over(picture.convert("RGBA"), 255).convert("RGB")
            return _centred(flat, shape[1], shape[0], 0 if grey else (255, 255, 255))
    except Exception as error:  # Pillow raises whatever a damaged file provokes
        reason = str(error) or type(error).__name__
        if isinstance(error, image_module.UnidentifiedImageError):
            reason = "it is damaged"
        raise DataError(
            f"{path}: is a {named} picture that cannot be read: {reason}", code="BF-D003", remedy=_REMEDY
        ) from None


def _eight_bit(raw: bytes) -> Any:
    """The first picture in the file, upright, with samples of 8 bits or fewer."""
    image_module, operations = _pillow()
    with image_module.open(io.BytesIO(raw)) as opened:
        opened.load()
        picture = operations.exif_transpose(opened)
    if picture.mode == "F":
        raise ValueError("its samples are floats")
    if picture.mode not in _GREY_16:
        return picture
    samples = np.asarray(picture).astype(np.int64)
    if samples.min() < 0 or samples.max() > 0xFFFF:
        raise ValueError("its samples have more than 16 bits")
    return image_module.fromarray((samples >> 8).astype(np.uint8))


def _over(picture: Any, background: int) -> Any:
    """An RGBA picture on a background of one grey."""
    image_module, _ = _pillow()
    ground = image_module.new("RGBA", picture.size, (background, background, background, 255))
    ground.alpha_composite(picture)
    return ground


def _digit(picture: Any) -> Any:
    """Grey values, light on dark."""
    _, operations = _pillow()
    colours = picture.convert("RGBA")
    channels = np.asarray(colours.convert("LA"), np.float64)
    seen = channels[..., 1].sum()
    ink = (channels[..., 0] * channels[..., 1]).sum() / seen if seen else 0.0
    transparent = channels[..., 1].min() < 255
    background = 0 if transparent and ink >= _MID_GREY else 255  # so that light ink on nothing stays visible
    grey = _over(colours, background).convert("L")
    values = np.asarray(grey)
    edge = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    return operations.invert(grey) if np.median(edge) >= _MID_GREY else grey


def _centred(picture: Any, columns: int, rows: int, background: int | tuple[int, ...]) -> NDArray[np.uint8]:
    """Shrunk to fit, if it is larger, and pasted in the middle of the background."""
    image_module, _ = _pillow()
    picture.thumbnail((columns, rows), image_module.Resampling.LANCZOS, reducing_gap=None)
    ground = image_module.new(picture.mode, (columns, rows), background)
    ground.paste(picture, ((columns - picture.width) // 2, (rows - picture.height) // 2))
    return np.array(ground, np.uint8)
