"""Reading images and labels: the bundled test set, every accepted form, and one error for each bad file."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitfold.diagnostics import DataError
from bitfold.networks import npz
from bitfold.networks.datasets import Dataset, Split, binarize_mnist, load, main, mnist_test

COUNT = 6
DIGITS = np.random.default_rng(1).integers(0, 256, (COUNT, 28, 28), dtype=np.uint8)
CLASSES = np.array([3, 1, 4, 1, 5, 9], np.uint8)


def idx_bytes(array: np.ndarray[Any, Any]) -> bytes:
    return struct.pack(f">I{array.ndim}I", 0x0800 | array.ndim, *array.shape) + array.tobytes()


def saved(path: Path, **arrays: Any) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def assert_is_digits(found: Dataset) -> None:
    assert found.pixels is not None
    np.testing.assert_array_equal(found.pixels, DIGITS.reshape(COUNT, 784))
    np.testing.assert_array_equal(found.labels, CLASSES)
    assert found.pixels.dtype == np.uint8
    assert len(found) == COUNT


# The bundled set

BITS_SHA256 = "89ba780dee8bae72a6e99d565e97bc93a9069e969c7ec81008f4a5cdf9e778a7"
LABELS_SHA256 = "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"


def test_bundled_set_holds_all_10000_test_images_with_mnist_label_counts() -> None:
    found = mnist_test()
    assert found.bits is not None
    assert found.labels is not None
    assert found.pixels is None
    assert found.bits.shape == (10_000, 784)
    assert set(np.unique(found.bits)) == {0, 1}
    assert np.bincount(found.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert hashlib.sha256(found.bits.tobytes()).hexdigest() == BITS_SHA256
    assert hashlib.sha256(found.labels.tobytes()).hexdigest() == LABELS_SHA256


def test_first_bundled_image_is_a_seven() -> None:
    found = mnist_test()
    assert found.bits is not None
    assert found.labels is not None
    image = found.bits[0].reshape(28, 28)
    assert found.labels[0] == 7
    assert image[9].sum() > 10, "the bar"
    assert not image[:6].any()
    assert not image[27].any()


def test_binarizing_twice_gives_the_same_bytes_and_the_same_bits(tmp_path: Path) -> None:
    source = saved(tmp_path / "digits.npz", x_test=DIGITS, y_test=CLASSES)
    for name in ("a.npz", "b.npz"):
        binarize_mnist(source, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = load(tmp_path / "a.npz")
    np.testing.assert_array_equal(again.bits, DIGITS.reshape(COUNT, 784) >= 128)
    np.testing.assert_array_equal(again.labels, CLASSES)


def test_binarize_command_reports_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = saved(tmp_path / "digits.npz", x_test=DIGITS, y_test=CLASSES)
    assert main(["binarize-mnist", "--data", str(source), "--out", str(tmp_path / "bits.npz")]) == 0
    assert "6 images" in capsys.readouterr().out


def test_binarize_command_fails_with_status_2_and_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["binarize-mnist", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "o.npz")]) == 2
    assert "no such file" in capsys.readouterr().err
    source = saved(tmp_path / "digits.npz", x_test=DIGITS, y_test=CLASSES)
    assert main(["binarize-mnist", "--data", str(source), "--out", str(tmp_path / "no" / "o.npz")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    unlabelled = saved(tmp_path / "unlabelled.npz", x_test=DIGITS)
    assert main(["binarize-mnist", "--data", str(unlabelled), "--out", str(tmp_path / "o.npz")]) == 2
    assert "has no labels" in capsys.readouterr().err


# Accepted forms


@pytest.mark.parametrize("dot", ["-", "."])
@pytest.mark.parametrize("gz", ["", ".gz"])
def test_idx_images_bring_the_labels_beside_them(tmp_path: Path, dot: str, gz: str) -> None:
    pack: Callable[[bytes], bytes] = gzip.compress if gz else bytes
    images = written(tmp_path / f"t10k-images{dot}idx3-ubyte{gz}", pack(idx_bytes(DIGITS)))
    written(tmp_path / f"t10k-labels{dot}idx1-ubyte{gz}", pack(idx_bytes(CLASSES)))
    assert_is_digits(load(images))
    assert_is_digits(load(tmp_path))


def test_labels_beside_the_images_may_be_packed_otherwise(tmp_path: Path) -> None:
    images = written(tmp_path / "t10k-images-idx3-ubyte", idx_bytes(DIGITS))
    written(tmp_path / "t10k-labels-idx1-ubyte.gz", gzip.compress(idx_bytes(CLASSES)))
    assert_is_digits(load(images))


def test_images_without_a_labels_file_have_no_labels(tmp_path: Path) -> None:
    assert load(written(tmp_path / "t10k-images-idx3-ubyte", idx_bytes(DIGITS))).labels is None
    assert load(written(tmp_path / "mine", idx_bytes(DIGITS))).labels is None


def test_labels_may_be_named(tmp_path: Path) -> None:
    images = written(tmp_path / "mine", idx_bytes(DIGITS))
    assert_is_digits(load(images, written(tmp_path / "classes", idx_bytes(CLASSES))))
    assert_is_digits(load(images, saved(tmp_path / "classes.npz", labels=CLASSES)))


@pytest.mark.parametrize("keys", [("x_test", "y_test"), ("images", "labels"), ("x", "y")])
def test_npz_is_read_under_its_usual_keys(tmp_path: Path, keys: tuple[str, str]) -> None:
    path = saved(tmp_path / "digits.npz", **{keys[0]: DIGITS, keys[1]: CLASSES})
    assert_is_digits(load(path))
    assert_is_digits(load(written(tmp_path / "digits.gz", gzip.compress(path.read_bytes()))))


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    path = saved(tmp_path / "digits.npz", x=DIGITS, y=CLASSES)
    assert_is_digits(load(path.rename(tmp_path / "t10k-images-idx3-ubyte.png")))


def test_split_chooses_between_train_and_test(tmp_path: Path) -> None:
    both = {"x_train": DIGITS[:4], "y_train": CLASSES[:4], "x_test": DIGITS[4:], "y_test": CLASSES[4:]}
    path = saved(tmp_path / "digits.npz", **both)
    assert len(load(path, split=Split.TRAIN)) == 4
    assert len(load(path)) == 2
    for name, part in (("train", slice(0, 4)), ("t10k", slice(4, 6))):
        written(tmp_path / f"{name}-images-idx3-ubyte", idx_bytes(DIGITS[part]))
        written(tmp_path / f"{name}-labels-idx1-ubyte", idx_bytes(CLASSES[part]))
    np.testing.assert_array_equal(load(tmp_path, split=Split.TRAIN).labels, CLASSES[:4])
    np.testing.assert_array_equal(load(tmp_path).labels, CLASSES[4:])


@pytest.mark.parametrize("shape", [(COUNT, 784), (COUNT, 28, 28, 1), (COUNT, 1, 28, 28)])
def test_npz_images_may_be_flat_or_have_a_channel_of_one(tmp_path: Path, shape: tuple[int, ...]) -> None:
    assert_is_digits(load(saved(tmp_path / "d.npz", x=DIGITS.reshape(shape).astype(np.int64), y=CLASSES)))


def test_bool_images_are_bits(tmp_path: Path) -> None:
    found = load(saved(tmp_path / "d.npz", x=DIGITS >= 128, y=CLASSES))
    assert found.pixels is None
    np.testing.assert_array_equal(found.as_bits(), load(saved(tmp_path / "p.npz", x=DIGITS)).as_bits())


def test_colour_images_have_shape_and_column_labels_as_in_cifar(tmp_path: Path) -> None:
    colour = np.arange(2 * 32 * 32 * 3).astype(np.uint8).reshape(2, 32, 32, 3)
    found = load(saved(tmp_path / "c.npz", x_test=colour, y_test=[[1], [2]]), shape=(32, 32, 3))
    assert found.n_pixels == 3072
    assert found.labels is not None
    assert found.labels.tolist() == [1, 2]
    assert len(load(written(tmp_path / "c.idx", idx_bytes(colour)), shape=(32, 32, 3))) == 2


def test_a_pixel_of_128_is_bit_1_and_127_is_bit_0() -> None:
    found = Dataset("two pixels", pixels=np.array([[127, 128]], np.uint8))
    assert found.as_bits().tolist() == [[0, 1]]


def test_take_cuts_images_and_labels_alike() -> None:
    found = mnist_test().take(3)
    assert len(found) == 3
    assert found.labels is not None
    assert found.labels.tolist() == [7, 2, 1]
    assert len(found.take(100)) == 3


def test_npz_written_holds_no_time_of_writing(tmp_path: Path) -> None:
    npz.write(tmp_path / "a.npz", {"x": CLASSES})
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


# Errors: each is one DataError that names the file, what was found and what is expected, and how to mend it

IMAGES = idx_bytes(DIGITS)
LABELS = idx_bytes(CLASSES)
GZ = gzip.compress(IMAGES)
CORRUPT_GZ = GZ[:40] + bytes(8) + GZ[48:]
ARCHIVE_HEAD = b"PK\x03\x04" + bytes(60)

BAD_FILES = {
    "empty": (b"", "file is empty"),
    "header cut off": (IMAGES[:10], "10 bytes, 6 short of a header"),
    "magic cut off": (IMAGES[:3], "3 bytes, 1 short of a magic number"),
    "images cut off": (
        IMAGES[:-100],
        r"truncated, 100 bytes short: the header says 6 x 28 x 28 = 4704 bytes",
    ),
    "more than the header says": (IMAGES + b"abc", "followed by 3 unexpected bytes"),
    "header with a huge count": (IMAGES[:4] + b"\xff" * 4 + IMAGES[8:], "truncated"),
    "labels as images": (
        LABELS,
        "is an IDX labels file .magic 0x00000801.; expected images .magic 0x00000803.",
    ),
    "four dimensions": (idx_bytes(DIGITS[..., None]), "IDX file of 4 dimensions"),
    "float IDX": (b"\0\0\x0d\x03" + bytes(12), "holds float32 elements"),
    "no IDX type": (b"\0\0\x07\x03" + bytes(12), "no known format .it starts with 00 00 07 03."),
    "images of 27 x 28": (
        idx_bytes(DIGITS[:, :27]),
        r"uint8 \(6, 27, 28\); expected images of 28 x 28 pixels",
    ),
    "no images": (idx_bytes(DIGITS[:0]), "holds no images"),
    "only 0 and 1": (idx_bytes(DIGITS % 2), "only 0 and 1"),
    "truncated gzip": (GZ[:-200], "gzip data is truncated"),
    "truncated gzip header": (GZ[:5], "gzip data is truncated"),
    "corrupt gzip": (CORRUPT_GZ, "gzip data is corrupt"),
    "gzip and more": (GZ + b"tail", "4 bytes of something else follow"),
    "gzip of nothing": (gzip.compress(b""), "empty inside"),
    "gzip of text": (gzip.compress(b"hello, world"), "no known format"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(20), "is a PNG picture"),
    "JPEG": (b"\xff\xd8\xff\xe0" + bytes(20), "is a JPEG picture"),
    "npy": (b"\x93NUMPY\x01\0" + bytes(20), "is a single .npy array"),
    "pickle": (b"\x80\x04K*.", "is a Python pickle"),
    "text": (b"label,pixel0\n7,0\n", "no known format .it starts with 6c 61 62 65."),
    "zip cut off": (ARCHIVE_HEAD, "truncated or damaged"),
}


def assert_one_error(caught: pytest.ExceptionInfo[DataError], path: Path) -> None:
    error = caught.value
    assert str(path) in error.message
    assert error.remedy
    assert error.__cause__ is None


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_file_is_one_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = written(tmp_path / "digits", content)
    with pytest.raises(DataError, match=message) as caught:
        load(path)
    assert_one_error(caught, path)


BAD_ARRAYS: dict[str, tuple[dict[str, Any], str]] = {
    "no images key": (
        {"data": DIGITS, "target": CLASSES},
        "none of the arrays x_test, images, x; it holds data, target",
    ),
    "no arrays": ({}, "it holds no arrays"),
    "pickled images": ({"x": np.array([{}, None])}, "'x' holds pickled Python objects"),
    "pickled labels": ({"x": DIGITS, "y": CLASSES.astype(object)}, "'y' holds pickled Python objects"),
    "float images": ({"x": DIGITS / 255}, r"float64 \(6, 28, 28\); expected uint8 pixels"),
    "text images": ({"x": DIGITS.astype(str)}, "expected uint8 pixels"),
    "pixels too large": ({"x": DIGITS.astype(np.int32) * 2}, "pixels range from 0 to 5..; expected 0..255"),
    "pixels below zero": ({"x": DIGITS.astype(np.int16) - 128}, "pixels range from -128"),
    "scalar images": ({"x": np.uint8(3)}, r"uint8 \(\); expected images of 28 x 28"),
    "one image": ({"x": DIGITS[0]}, r"uint8 \(28, 28\); expected images of 28 x 28"),
    "no images": ({"x": DIGITS[:0]}, "holds no images"),
    "images transposed": ({"x": DIGITS.transpose(1, 2, 0)}, "expected images of 28 x 28 pixels"),
    "label 10": ({"x": DIGITS, "y": CLASSES + 6}, "label 10 of image 2 is no class; expected 0..9"),
    "label below zero": ({"x": DIGITS, "y": -CLASSES.astype(np.int8)}, "label -3 of image 0"),
    "five labels": ({"x": DIGITS, "y": CLASSES[:5]}, "has 5 labels for 6 images"),
    "float labels": ({"x": DIGITS, "y": CLASSES / 1}, "labels are float64"),
    "one-hot labels": (
        {"x": DIGITS, "y": np.eye(10, dtype=np.uint8)[CLASSES]},
        r"labels are uint8 \(6, 10\)",
    ),
}


@pytest.mark.parametrize(("arrays", "message"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_bad_array_is_one_error(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    path = saved(tmp_path / "digits.npz", **arrays)
    with pytest.raises(DataError, match=message) as caught:
        load(path)
    assert_one_error(caught, path)


def test_every_truncation_of_an_npz_is_one_error(tmp_path: Path) -> None:
    whole = saved(tmp_path / "digits.npz", x=DIGITS, y=CLASSES).read_bytes()
    for size in [*range(0, 60), *range(60, len(whole), 97), len(whole) - 1]:
        path = written(tmp_path / "cut.npz", whole[:size])
        with pytest.raises(DataError) as caught:
            load(path)
        assert_one_error(caught, path)


def test_damage_anywhere_in_an_npz_is_one_error_or_harmless(tmp_path: Path) -> None:
    # Harmless where it hits bytes of the zip that mean nothing here, such as dates.
    whole = saved(tmp_path / "digits.npz", x=DIGITS, y=CLASSES).read_bytes()
    for at in range(0, len(whole), 23):
        path = written(tmp_path / "bad.npz", whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            found = load(path)
        except DataError as error:
            assert str(path) in error.message  # noqa: PT017
        else:
            if found.labels is not None:  # else the damage was to the name y
                assert_is_digits(found)


def test_missing_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file; expected images") as caught:
        load(tmp_path / "t10k-images-idx3-ubyte")
    assert_one_error(caught, tmp_path)


def test_folder_without_the_files_says_which_were_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no train images; looked for train-images-idx3-ubyte") as caught:
        load(tmp_path, split=Split.TRAIN)
    assert_one_error(caught, tmp_path)


@pytest.mark.parametrize("path", ["digits\0.npz", "long" * 100], ids=["null character", "too long"])
def test_path_that_cannot_be_is_one_error(path: str) -> None:
    with pytest.raises(DataError, match=r"cannot be read|no such file"):
        load(path)


BAD_LABELS = {
    "missing": (None, "no such file; expected labels"),
    "images as labels": (
        IMAGES,
        "is an IDX images file .magic 0x00000803.; expected labels .magic 0x00000801.",
    ),
    "too few": (idx_bytes(CLASSES[:4]), "has 4 labels for 6 images of .*digits"),
    "none": (idx_bytes(CLASSES[:0]), "has 0 labels for 6 images"),
    "cut off": (LABELS[:-2], "truncated, 2 bytes short"),
    "too large": (idx_bytes(CLASSES + 1), "label 10 of image 5 is no class"),
    "text": (b"3 1 4 1 5 9", "no known format"),
}


@pytest.mark.parametrize(("content", "message"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_bad_labels_file_is_one_error(tmp_path: Path, content: bytes | None, message: str) -> None:
    images = written(tmp_path / "digits", IMAGES)
    labels = tmp_path / "classes"
    if content is not None:
        labels.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load(images, labels)
    assert_one_error(caught, labels)


def test_folder_given_as_labels_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder; expected labels"):
        load(written(tmp_path / "digits", IMAGES), tmp_path)


def test_bad_labels_file_beside_the_images_is_not_passed_over(tmp_path: Path) -> None:
    images = written(tmp_path / "t10k-images-idx3-ubyte", IMAGES)
    labels = written(tmp_path / "t10k-labels-idx1-ubyte", b"")
    with pytest.raises(DataError, match="file is empty; expected labels") as caught:
        load(images)
    assert_one_error(caught, labels)


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"pixels": DIGITS[0], "bits": DIGITS[0]},
        {"pixels": DIGITS},
        {"pixels": DIGITS[0].astype(np.int32)},
        {"pixels": DIGITS[0], "labels": CLASSES},
    ],
    ids=["neither", "both", "three dimensions", "int32", "label count"],
)
def test_dataset_refuses_arrays_that_do_not_fit(arrays: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="data set mine"):
        Dataset("mine", **arrays)
