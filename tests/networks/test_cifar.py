"""CIFAR-10: the bundled part, the official batches in both versions, and pickles that are not trusted."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitfold.diagnostics import DataError
from bitfold.networks import cifar, npz
from bitfold.networks.bnn_pynq import read
from bitfold.networks.datasets import Dataset, Split, cifar10_test_1000, load, main

SHAPE = (32, 32, 3)
COUNT = 5
IMAGES = np.random.default_rng(4).integers(0, 256, (COUNT, *SHAPE), dtype=np.uint8)
LABELS = [3, 8, 0, 9, 1]
PLANES = IMAGES.transpose(0, 3, 1, 2).reshape(COUNT, 3072)
RECORDS = np.column_stack([np.array(LABELS, np.uint8), PLANES]).tobytes()


def python_batch(protocol: int = 2, **changes: Any) -> bytes:
    content = {
        "batch_label": b"testing batch 1 of 1",
        "labels": LABELS,
        "data": PLANES,
        "filenames": [b"x.png"],
    }
    return pickle.dumps({**content, **changes}, protocol=protocol)


def opcode_batch(data: bytes = PLANES.tobytes()) -> bytes:
    """A batch as Python 2 and its NumPy wrote them: str is bytes, and `numpy.core.multiarray`."""

    def text(value: bytes) -> bytes:
        return b"T" + len(value).to_bytes(4, "little") + value

    dtype = b"cnumpy\ndtype\n(" + text(b"u1") + b"K\x00K\x01tR"
    dtype += b"(K\x03" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + text(b"b") + b"tR"
    array += b"(K\x01(K\x05M\x00\x0ct" + dtype + b"\x89" + text(data) + b"tb"
    labels = b"](" + b"".join(b"K" + bytes([label]) for label in LABELS) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(b"labels") + labels + b"u."


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def assert_is_batch(found: Dataset, count: int = COUNT) -> None:
    assert found.pixels is not None
    np.testing.assert_array_equal(found.pixels, np.resize(IMAGES.reshape(COUNT, 3072), (count, 3072)))
    np.testing.assert_array_equal(found.labels, np.resize(LABELS, count))
    assert found.pixels.dtype == np.uint8
    assert found.pixels.flags.c_contiguous


# The bundled part

IMAGES_SHA256 = "da362006b99671213d1a5d856cab2bedf64d40bad4501630ee60f4ceb2d3ec7f"
LABELS_SHA256 = "636a087e604331a0b9dafc94b6e9ade0c9cec72c4400d12473ccdb3e264474c1"


def test_bundled_part_holds_the_first_1000_test_images() -> None:
    found = cifar10_test_1000()
    assert found.pixels is not None
    assert found.labels is not None
    assert found.pixels.shape == (1000, 3072)
    assert found.labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert hashlib.sha256(found.pixels.tobytes()).hexdigest() == IMAGES_SHA256
    assert hashlib.sha256(found.labels.tobytes()).hexdigest() == LABELS_SHA256


def test_shipped_cnv_gives_the_golden_scores_bit_for_bit(shared_data: Path) -> None:
    weights = read(shared_data / "bnn-pynq" / "cifar10-cnvW1A1", "cnv").weights
    data = cifar10_test_1000()
    assert data.pixels is not None
    scores = weights.infer(data.pixels)
    with np.load(shared_data / "cnv_cifar10_golden.npz") as golden:
        np.testing.assert_array_equal((scores.astype(int) + 512) / 2, golden["scores"])
        np.testing.assert_array_equal(data.labels, golden["labels"])
    assert (scores.argmax(axis=1) == data.labels).sum() == 806


def test_command_rebuilds_the_bundled_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path / "test_batch", python_batch())
    for name in ("a.npz", "b.npz"):
        out = ["--out", str(tmp_path / name), "--images", "3"]
        assert main(["take-cifar10", "--data", str(source), *out]) == 0
    assert "3 images" in capsys.readouterr().out
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = load(tmp_path / "a.npz", shape=SHAPE)
    assert_is_batch(again, 3)
    with np.load(tmp_path / "a.npz") as archive:  # any NumPy reads it
        assert archive["images"].shape == (3, *SHAPE)


def test_command_fails_with_status_2_and_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path / "test_batch", python_batch())
    out = ["--out", str(tmp_path / "o.npz")]
    assert main(["take-cifar10", "--data", str(source), *out]) == 2
    assert "has 5 images, not 1000" in capsys.readouterr().err
    npz.write(tmp_path / "unlabelled.npz", {"x": IMAGES})
    assert main(["take-cifar10", "--data", str(tmp_path / "unlabelled.npz"), *out, "--images", "2"]) == 2
    assert "has no pixels with labels" in capsys.readouterr().err
    assert not (tmp_path / "o.npz").exists()


# The official batches


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_python_batch_of_any_protocol_is_read(tmp_path: Path, protocol: int) -> None:
    assert_is_batch(load(written(tmp_path / "mine", python_batch(protocol)), shape=SHAPE))


def test_python_2_batch_is_read(tmp_path: Path) -> None:
    assert_is_batch(load(written(tmp_path / "test_batch", opcode_batch()), shape=SHAPE))


def test_column_major_array_is_read(tmp_path: Path) -> None:
    raw = python_batch(data=np.asfortranarray(PLANES))
    assert_is_batch(load(written(tmp_path / "test_batch", raw), shape=SHAPE))


def test_binary_batch_is_read_also_gzipped(tmp_path: Path) -> None:
    assert_is_batch(load(written(tmp_path / "mine", RECORDS), shape=SHAPE))
    assert_is_batch(load(written(tmp_path / "mine.gz", gzip.compress(RECORDS)), shape=SHAPE))


@pytest.mark.parametrize(
    ("inner", "suffix", "content"),
    [("", "", python_batch()), ("", ".bin", RECORDS), ("cifar-10-batches-py", "", python_batch())],
)
def test_folder_of_batches_has_both_splits(tmp_path: Path, inner: str, suffix: str, content: bytes) -> None:
    for name in (
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ):
        written(tmp_path / inner / (name + suffix), content)
    assert_is_batch(load(tmp_path, shape=SHAPE))
    assert_is_batch(load(tmp_path, shape=SHAPE, split=Split.TRAIN), 25)
    assert load(tmp_path, shape=SHAPE).name == tmp_path.name


def test_labels_given_replace_those_of_the_batch(tmp_path: Path) -> None:
    npz.write(tmp_path / "labels.npz", {"labels": np.full(COUNT, 11, np.uint8)})
    batch = written(tmp_path / "b", RECORDS)
    found = load(batch, tmp_path / "labels.npz", SHAPE, classes=12)
    assert found.labels is not None
    assert found.labels.tolist() == [11] * COUNT
    with pytest.raises(DataError, match=r"label 11 of image 0 is no class; expected 0\.\.9"):
        load(batch, tmp_path / "labels.npz", SHAPE)


# Bad files


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch ran",)


BAD = {
    "empty": (b"", "file is empty"),
    "record cut off": (RECORDS[:-10], "15355 bytes are 4 images of 3073 bytes and 3063 bytes more"),
    "label 10": (
        bytes([3]) + RECORDS[1:3073] + bytes([10]) + RECORDS[1:3073],
        "label 10 of image 1 is no class",
    ),
    "pickle cut off": (python_batch()[:-500], "the pickle is truncated or damaged"),
    "pickle of code": (
        python_batch(data=Evil()),
        r"asks for posix\.system, which no batch",
    ),
    "pickle of a list": (pickle.dumps([1, 2], 2), "is a pickle, but not of data"),
    "no labels": (pickle.dumps({"data": PLANES}, 2), "is a pickle, but not of data"),
    "no data": (pickle.dumps({"labels": LABELS}, 2), "is a pickle, but not of data"),
    "data a list": (python_batch(data=[[0] * 3072]), "is a pickle, but not of data"),
    "floats": (python_batch(data=PLANES / 255), "is a pickle, but not of data"),
    "int8": (python_batch(data=PLANES.view(np.int8)), "is a pickle, but not of data"),
    "images of 28 x 28": (python_batch(data=PLANES[:, :784]), "is a pickle, but not of data"),
    "four labels": (python_batch(labels=LABELS[:4]), "is a pickle, but not of data"),
    "text labels": (python_batch(labels=["cat"] * 5), "is a pickle, but not of data"),
    "huge labels": (python_batch(labels=[2**80] * 5), "is a pickle, but not of data"),
    "label too large": (python_batch(labels=[0, 0, 12, 0, 0]), "label 12 of image 2 is no class"),
    "no images": (python_batch(4, data=PLANES[:0], labels=[]), "is a pickle, but not of data"),
    "array too short": (opcode_batch(PLANES.tobytes()[:-1]), "is a pickle, but not of data"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_batch_is_one_error(
    tmp_path: Path, content: bytes, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "test_batch.bin", content)
    with pytest.raises(DataError, match=message) as caught:
        load(path, shape=SHAPE)
    assert str(path) in caught.value.message
    assert caught.value.remedy
    assert not (tmp_path / "ran").exists()


def test_a_pickle_leaves_the_next_one_unharmed(tmp_path: Path) -> None:
    sets_an_attribute = b"\x80\x02c_codecs\nencode\nN}X\x0c\x00\x00\x00__defaults__)s\x86b."
    with pytest.raises(DataError, match="is a pickle"):
        cifar.parse(sets_an_attribute, tmp_path)
    assert_is_batch(load(written(tmp_path / "good", python_batch()), shape=SHAPE))


def test_every_truncation_of_a_pickle_is_one_error(tmp_path: Path) -> None:
    whole = python_batch()
    for size in [*range(1, 200), *range(200, len(whole), 501), len(whole) - 1]:
        with pytest.raises(DataError):
            cifar.parse(whole[:size], tmp_path)


def test_folder_that_lacks_a_batch_names_it(tmp_path: Path) -> None:
    for k in (1, 2, 4, 5):
        written(tmp_path / f"data_batch_{k}", python_batch())
    with pytest.raises(DataError, match="data_batch_3: no such file; the other batches are there"):
        load(tmp_path, shape=SHAPE, split=Split.TRAIN)
    with pytest.raises(DataError, match=r"no test images; looked for test_batch, test_batch.bin and for"):
        load(tmp_path, shape=SHAPE)


def test_the_archive_itself_is_one_error(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(written(tmp_path / "test_batch", python_batch()), "cifar-10-batches-py/test_batch")
    with pytest.raises(DataError, match="is a tar archive, to be unpacked first"):
        load(tmp_path / "cifar-10-python.tar.gz", shape=SHAPE)


def test_channels_first_are_one_error_that_says_how_to_turn_them(tmp_path: Path) -> None:
    npz.write(tmp_path / "x.npz", {"x": IMAGES.transpose(0, 3, 1, 2)})
    with pytest.raises(DataError, match=r"holds uint8 \(5, 3, 32, 32\)") as caught:
        load(tmp_path / "x.npz", shape=SHAPE)
    assert caught.value.remedy == "put the channels last: x.transpose(0, 2, 3, 1)"


def test_digits_in_place_of_colour_images_are_one_error(tmp_path: Path) -> None:
    npz.write(tmp_path / "digits.npz", {"x": np.zeros((2, 28, 28), np.uint8)})
    with pytest.raises(DataError, match="expected images of 32 x 32 x 3 pixels"):
        load(tmp_path / "digits.npz", shape=SHAPE)
