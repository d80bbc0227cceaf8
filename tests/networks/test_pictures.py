"""Pictures as inputs: sizes, modes, transparency and polarity, and one error for each that cannot be read."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bitfold.diagnostics import BuildError, DataError
from bitfold.networks import npz
from bitfold.networks.datasets import cifar10_test_1000, load, mnist_test

COLOUR = (32, 32, 3)
RNG = np.random.default_rng(9)
WHITE = 255


def saved(path: Path, array: np.ndarray[Any, Any], **options: Any) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def colours(path: Path | list[Path]) -> np.ndarray[Any, Any]:
    found = load(path, shape=COLOUR)
    assert found.pixels is not None
    assert found.pixels.dtype == np.uint8
    return found.pixels.reshape(-1, *COLOUR)


def digits(path: Path) -> np.ndarray[Any, Any]:
    found = load(path)
    assert found.pixels is not None
    return found.pixels.reshape(-1, 28, 28)


# Colour


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "ppm"])
def test_a_picture_of_32_x_32_is_taken_as_it_is(tmp_path: Path, suffix: str) -> None:
    pixels = RNG.integers(0, 256, COLOUR, dtype=np.uint8)
    options = {"lossless": True} if suffix == "webp" else {}
    np.testing.assert_array_equal(colours(saved(tmp_path / f"x.{suffix}", pixels, **options))[0], pixels)


def test_test_images_saved_as_pictures_are_the_same_data(tmp_path: Path) -> None:
    part = cifar10_test_1000().take(4)
    assert part.pixels is not None
    assert part.labels is not None
    for k, image in enumerate(part.pixels):
        saved(tmp_path / f"{k}.png", image.reshape(COLOUR))
    npz.write(tmp_path / "labels.npz", {"labels": part.labels})  # no picture: passed over
    found = load(tmp_path, tmp_path / "labels.npz", COLOUR)
    assert found.name == tmp_path.name
    np.testing.assert_array_equal(found.pixels, part.pixels)
    np.testing.assert_array_equal(found.labels, part.labels)
    several = load([tmp_path / "2.png", tmp_path / "0.png"], shape=COLOUR)
    np.testing.assert_array_equal(several.pixels, part.pixels[[2, 0]])
    assert several.labels is None


def test_a_wide_picture_is_shrunk_and_centred_on_white(tmp_path: Path) -> None:
    wide = np.zeros((100, 200, 3), np.uint8)
    wide[..., 0] = 200
    found = colours(saved(tmp_path / "wide.png", wide))[0]
    assert (found[:8] == WHITE).all()
    assert (found[24:] == WHITE).all()
    assert (found[8:24] == [200, 0, 0]).all()


def test_shrinking_is_antialiased(tmp_path: Path) -> None:
    checks = (np.indices((320, 320)).sum(axis=0) % 2 * 255).astype(np.uint8)
    found = colours(saved(tmp_path / "checks.png", checks))[0]
    assert abs(found.astype(int) - 127).max() < 20


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    found = colours(saved(tmp_path / "dot.png", np.zeros((1, 1, 3), np.uint8)))[0]
    assert (found == 0).all(axis=2).sum() == 1
    assert (found[15, 15] == 0).all()


def test_a_jpeg_is_read(tmp_path: Path) -> None:
    found = colours(saved(tmp_path / "x.jpg", np.full((64, 64, 3), (10, 200, 90), np.uint8)))[0]
    assert abs(found.astype(int) - (10, 200, 90)).max() < 5


def test_transparent_parts_show_white(tmp_path: Path) -> None:
    rgba = np.zeros((32, 32, 4), np.uint8)
    rgba[:16] = (0, 0, 255, 255)
    rgba[16:24] = (0, 0, 0, 128)
    found = colours(saved(tmp_path / "x.png", rgba))[0]
    assert (found[:16] == (0, 0, 255)).all()
    assert abs(found[16:24].astype(int) - 127).max() <= 1
    assert (found[24:] == WHITE).all()


def test_palette_with_a_transparent_entry(tmp_path: Path) -> None:
    picture = Image.fromarray(np.repeat([[0] * 32, [1] * 32], 16, axis=0).astype(np.uint8)).convert("P")
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.save(tmp_path / "x.png", transparency=1)
    found = colours(tmp_path / "x.png")[0]
    assert (found[:16] == (255, 0, 0)).all()
    assert (found[16:] == WHITE).all()


@pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
def test_sixteen_bits_are_cut_to_eight(tmp_path: Path, suffix: str) -> None:
    high = RNG.integers(0, 256, (32, 32)).astype(np.uint16)
    found = colours(saved(tmp_path / f"x.{suffix}", high << 8 | 0x80))[0]
    np.testing.assert_array_equal(found, np.repeat(high[..., None], 3, axis=2))


def test_cmyk_grey_and_one_bit_pictures_become_colours(tmp_path: Path) -> None:
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(tmp_path / "a.tiff")
    Image.new("L", (32, 32), 77).save(tmp_path / "b.png")
    Image.new("1", (32, 32), 1).save(tmp_path / "c.png")
    Image.new("LA", (32, 32), (77, 0)).save(tmp_path / "d.png")
    found = colours(tmp_path)
    assert [tuple(image[0, 0].tolist()) for image in found] == [
        (255, 0, 0),
        (77,) * 3,
        (255,) * 3,
        (255,) * 3,
    ]


def test_a_camera_picture_is_turned_upright(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, COLOUR, dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    found = colours(saved(tmp_path / "x.png", pixels, exif=exif))[0]
    np.testing.assert_array_equal(found, np.rot90(pixels, -1))


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    assert (colours(tmp_path / "x.gif")[0] == (255, 0, 0)).all()


# Digits


def a_digit() -> np.ndarray[Any, Any]:
    bits = mnist_test().bits
    assert bits is not None
    return bits[0].reshape(28, 28) * np.uint8(255)


def test_a_digit_in_mnists_size_and_polarity_is_taken_as_it_is(tmp_path: Path) -> None:
    np.testing.assert_array_equal(digits(saved(tmp_path / "7.png", a_digit()))[0], a_digit())


def test_ink_on_paper_is_inverted(tmp_path: Path) -> None:
    np.testing.assert_array_equal(digits(saved(tmp_path / "7.png", 255 - a_digit()))[0], a_digit())


@pytest.mark.parametrize("ink", [0, 255], ids=["black", "white"])
def test_ink_on_nothing_is_light_on_black(tmp_path: Path, ink: int) -> None:
    grey_and_alpha = np.stack([np.full((28, 28), ink, np.uint8), a_digit()], axis=2)
    np.testing.assert_array_equal(digits(saved(tmp_path / "7.png", grey_and_alpha))[0], a_digit())


def test_a_large_coloured_drawing_becomes_28_x_28(tmp_path: Path) -> None:
    large = np.kron(255 - a_digit(), np.ones((10, 10), np.uint8))
    found = digits(saved(tmp_path / "7.png", np.stack([large] * 3, axis=2)))[0]
    assert ((found >= 128) == (a_digit() >= 128)).mean() > 0.99


# Errors

PNG = io.BytesIO()
Image.fromarray(RNG.integers(0, 256, COLOUR, dtype=np.uint8)).save(PNG, "PNG")
FLOATS = io.BytesIO()
Image.fromarray(np.zeros((4, 4), np.float32)).save(FLOATS, "TIFF")
DEEP = io.BytesIO()
Image.fromarray(np.full((4, 4), 70_000, np.int32)).save(DEEP, "TIFF")

BAD = {
    "cut off": (PNG.getvalue()[:-200], "is a PNG picture that cannot be read"),
    "header alone": (PNG.getvalue()[:8], "is a PNG picture that cannot be read"),
    "damaged": (
        PNG.getvalue()[:100] + bytes(50) + PNG.getvalue()[150:],
        "is a PNG picture that cannot be read",
    ),
    "floats": (FLOATS.getvalue(), "is a TIFF picture that cannot be read: its samples are floats"),
    "32 bits": (DEEP.getvalue(), "is a TIFF picture that cannot be read: its samples have more than 16"),
    "empty": (b"", "the file is empty"),
    "text": (b"hello", "no known format"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_picture_is_one_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load(path, shape=COLOUR)
    assert str(path) in caught.value.message
    assert caught.value.remedy


def test_a_picture_too_large_to_be_meant_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "x.png", np.zeros((40, 40), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match="is a PNG picture that cannot be read: Image size"):
        load(path, shape=COLOUR)


def test_files_that_are_missing_or_no_pictures_are_one_error(tmp_path: Path) -> None:
    good = saved(tmp_path / "x.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(DataError, match=r"y.png: no such file; expected a picture"):
        load([good, tmp_path / "y.png"], shape=COLOUR)
    with pytest.raises(DataError, match="is a folder; expected a picture"):
        load([good, tmp_path], shape=COLOUR)
    npz.write(tmp_path / "x.npz", {"x": np.zeros((1, *COLOUR), np.uint8)})
    with pytest.raises(DataError, match=r"x.npz: is no picture"):
        load([good, tmp_path / "x.npz"], shape=COLOUR)
    with pytest.raises(DataError, match="no image files are given"):
        load([], shape=COLOUR)
    with pytest.raises(DataError, match=r"cannot become an image of shape \(8, 8, 4\)"):
        load(good, shape=(8, 8, 4))


def test_labels_of_another_count_than_the_pictures_are_one_error(tmp_path: Path) -> None:
    saved(tmp_path / "x.png", np.zeros((2, 2), np.uint8))
    npz.write(tmp_path / "labels.npz", {"labels": np.array([1, 2], np.uint8)})
    with pytest.raises(DataError, match="has 2 labels for 1 images"):
        load(tmp_path, tmp_path / "labels.npz", COLOUR)
    with pytest.raises(DataError, match="is a PNG picture; expected labels"):
        load(tmp_path, tmp_path / "x.png", COLOUR)


def test_missing_pillow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "x.png", np.zeros((2, 2), np.uint8))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(BuildError, match="Pillow is not installed") as caught:
        load(path, shape=COLOUR)
    assert caught.value.remedy == "pip install 'bitfold[images]'"
