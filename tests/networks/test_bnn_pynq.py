"""Importing BNN-PYNQ: the shipped folders, folders of any packing, and one error for each bad one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitfold.cli import main
from bitfold.diagnostics import DataError, UsageError
from bitfold.networks import topology
from bitfold.networks.bnn_pynq import read
from bitfold.networks.datasets import mnist_test
from bitfold.networks.weights_io import Weights, load_weights

Array = np.ndarray[Any, Any]

LFC = ((1024, 784), (1024, 1024), (1024, 1024), (10, 1024))
PACKINGS = {
    "lfc": ((32, 64, 32, 16), (64, 32, 64, 8)),
    "cnv": ((16, 32, 16, 16, 4, 1, 1, 1, 4), (3, 32, 32, 32, 32, 32, 4, 8, 1)),
}


def shapes_of(network: str, classes: int = 10) -> tuple[tuple[int, int], ...]:
    return topology.cnv_shapes(classes) if network == "cnv" else (*LFC[:-1], (classes, 1024))


def up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def export(
    folder: Path,
    layers: Sequence[tuple[Array, Array | None]],
    pes: Sequence[int],
    simds: Sequence[int],
    *,
    ends: int = 64,
    pad_bits: Array | int = 1,
) -> None:
    """Write (weights, thresholds as stored) of all layers as BNN-PYNQ does.

    `ends` is what the first layer's columns (of LFC) and the last layer's rows are padded to; `pad_bits`
    fills the padding columns of a row.
    """
    folder.mkdir(exist_ok=True)
    for k, ((w, t), pe, simd) in enumerate(zip(layers, pes, simds, strict=True)):
        rows = up(up(len(w), ends if k == len(layers) - 1 else 1), pe)
        columns = up(up(w.shape[1], ends if k == 0 and len(layers) == 4 else 1), simd)
        padded = np.ones((rows, columns), np.uint8)
        padded[: len(w)] = np.resize(pad_bits, columns)
        padded[: len(w), : w.shape[1]] = w
        for p in range(pe):
            words = [
                sum(int(bit) << lane for lane, bit in enumerate(group))
                for row in padded[p::pe]
                for group in row.reshape(-1, simd)
            ]
            np.array(words, "<u8").tofile(folder / f"{k}-{p}-weights.bin")
            if t is not None:
                stored = np.concatenate([t, np.full(rows - len(t), 32767)])[p::pe]
                stored.astype("<i8").tofile(folder / f"{k}-{p}-thres.bin")


def random_layers(network: str, seed: int, classes: int = 10) -> list[tuple[Array, Array | None]]:
    rng = np.random.default_rng(seed)
    layers: list[tuple[Array, Array | None]] = []
    for k, (out, fan_in) in enumerate(shapes_of(network, classes)):
        low, high = (-3000, 3000) if network == "cnv" and k == 0 else (0, fan_in)
        layers.append((rng.integers(0, 2, (out, fan_in), dtype=np.uint8), rng.integers(low, high, out)))
    return layers


# The shipped folders


def test_shipped_lfc_is_as_accurate_as_reported(shared_data: Path) -> None:
    found = read(shared_data / "bnn-pynq" / "mnist-lfcW1A1", "lfc")
    test = mnist_test()
    labels = found.weights.infer(test.as_bits()).argmax(axis=1)
    assert (labels == test.labels).sum() == 9834
    assert [(p.pe, p.simd) for p in found.packings] == list(zip(*PACKINGS["lfc"], strict=True))


def test_shipped_cnv_is_found_in_its_packing_without_biases(shared_data: Path) -> None:
    found = read(shared_data / "bnn-pynq" / "cifar10-cnvW1A1", "cnv")
    assert found.weights.biases is None
    assert [(p.pe, p.simd) for p in found.packings] == list(zip(*PACKINGS["cnv"], strict=True))
    assert found.weights.shapes == topology.cnv_shapes(10)


# Any packing


packing = st.tuples(st.integers(1, 40), st.integers(1, 64))


@pytest.mark.parametrize("network", ["lfc", "cnv"])
@given(data=st.data())
@settings(max_examples=3)
def test_import_inverts_an_export_in_any_packing(
    network: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("export")
    classes = data.draw(st.sampled_from([1, 10, 43, 65]), "classes")
    layers = random_layers(network, data.draw(st.integers(0, 99), "seed"), classes)
    packings = [data.draw(packing, "PE, SIMD") for _ in layers]
    pad_bits = data.draw(st.sampled_from([1, 0]), "padding bits")
    ends = data.draw(st.sampled_from([1, 64]), "ends")
    if network == "cnv":
        layers[-1] = (layers[-1][0], None)
    pes, simds = zip(*packings, strict=True)
    export(folder, layers, pes, simds, ends=ends, pad_bits=pad_bits)

    found = read(folder, network, classes=classes)

    assert [p.pe for p in found.packings] == list(pes)
    for (w, _), ours in zip(layers, found.weights.weights, strict=True):
        np.testing.assert_array_equal(ours, w)
    for k, ((w, stored), ours) in enumerate(zip(layers[:-1], found.weights.thresholds, strict=True)):
        assert stored is not None
        fan_in = w.shape[1]
        if network == "cnv" and k == 0:
            sums = np.arange(-27 * 128, 27 * 128 + 1)[:, None]
            np.testing.assert_array_equal(sums >= ours, 2 * sums > stored)
        else:
            extra = (found.packings[k].columns - fan_in) * (
                1 - pad_bits
            )  # matches of padding: input bits are 0
            counts = np.arange(fan_in + 1)[:, None]
            np.testing.assert_array_equal(counts >= ours, counts + extra > stored)
    counts = np.random.default_rng(1).integers(0, layers[-1][0].shape[1] + 1, (200, classes))
    stored = layers[-1][1] if layers[-1][1] is not None else 0
    biases = found.weights.biases if found.weights.biases is not None else 0
    np.testing.assert_array_equal((2 * counts + biases).argmax(axis=1), (counts - stored).argmax(axis=1))


def test_padding_columns_of_mixed_bits_count_row_by_row(tmp_path: Path) -> None:
    layers = random_layers("lfc", 5)
    export(tmp_path / "x", layers, (8, 8, 8, 8), (64, 60, 60, 60), pad_bits=0)
    # Of one row of each layer, turn the padding bits (in the last word) on.
    for k in (1, 3):
        path = tmp_path / "x" / f"{k}-0-weights.bin"
        words = np.fromfile(path, "<u8")
        sf = up(1024, 60) // 60
        words[sf - 1] |= np.uint64(((1 << 60) - 1) & ~((1 << (1024 % 60)) - 1))
        words.tofile(path)
    found = read(tmp_path / "x", "lfc").weights
    spare = up(1024, 60) - 1024
    hidden, last = layers[1][1], layers[3][1]
    assert hidden is not None
    assert last is not None
    assert found.thresholds[1][0] == hidden[0] + 1
    np.testing.assert_array_equal(found.thresholds[1][1:], np.clip(hidden[1:] + 1 - spare, 0, 1025))
    assert found.biases is not None
    true = last - spare
    true[0] = last[0]
    np.testing.assert_array_equal(found.biases, 1024 - 2 * true)


@pytest.mark.parametrize("stored", [[32767] * 4 + [0] * 6, [-(2**62), 2**62, 500, 501] + [510] * 6])
def test_extreme_last_thresholds_keep_the_class(tmp_path: Path, stored: list[int]) -> None:
    layers = random_layers("lfc", 6)
    layers[-1] = (layers[-1][0], np.array(stored))
    export(tmp_path / "x", layers, (8, 8, 8, 2), (64, 64, 64, 64))
    biases = read(tmp_path / "x", "lfc").weights.biases
    assert biases is not None
    counts = np.random.default_rng(2).integers(0, 1025, (300, 10))
    scores = 2 * counts - 1024 + biases
    expected = [max(range(10), key=lambda c: int(row[c]) - stored[c]) for row in counts]
    np.testing.assert_array_equal(scores.argmax(axis=1), expected)
    assert np.abs(scores).max() <= 32767


def test_equal_last_thresholds_are_no_biases(tmp_path: Path) -> None:
    layers = random_layers("lfc", 6)
    layers[-1] = (layers[-1][0], np.full(10, 700))
    export(tmp_path / "x", layers, (8, 8, 8, 2), (64, 64, 64, 64))
    assert read(tmp_path / "x", "lfc").weights.biases is None


def test_weights_that_leave_the_highest_lane_unused_can_be_read(tmp_path: Path) -> None:
    layers = random_layers("lfc", 8)
    layers[1][0][:, 31::32] = 0
    pes, simds = PACKINGS["lfc"]
    export(tmp_path / "x", layers, pes, simds)
    found = read(tmp_path / "x", "lfc")  # the shipped SIMD fits
    np.testing.assert_array_equal(found.weights.weights[1], layers[1][0])

    layers[1][0][:, 15::16] = 0
    export(tmp_path / "y", layers, pes, (64, 16, 64, 8))
    with pytest.raises(DataError, match="layer 1 has 64 x 1024 weight words with bits in 15 lanes"):
        read(tmp_path / "y", "lfc")
    found = read(tmp_path / "y", "lfc", simd=(64, 16, 64, 8))
    np.testing.assert_array_equal(found.weights.weights[1], layers[1][0])


# A folder to spoil


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "lfc"
    export(folder, random_layers("lfc", 3, 12), *PACKINGS["lfc"])
    (folder / "classes.txt").write_text("\n".join("abcdefghijkl"))
    return folder


@pytest.fixture
def spoilt(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "lfc"))


def test_classes_are_counted_in_classes_txt_unless_given(spoilt: Path) -> None:
    assert read(spoilt, "lfc").weights.dims == (784, 1024, 1024, 1024, 12)
    assert read(spoilt, "lfc", classes=3).weights.classes == 3
    (spoilt / "classes.txt").unlink()
    assert read(spoilt, "lfc").weights.classes == 10


def resize(name: str, change: int) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        raw = (folder / name).read_bytes()
        (folder / name).write_bytes(raw[:change] if change < 0 else raw + bytes(change))

    return spoil


def replaced_by_folder(folder: Path) -> None:
    (folder / "1-2-weights.bin").unlink()
    (folder / "1-2-weights.bin").mkdir()


def without_pe(layer: int, pe: int) -> Callable[[Path], object]:
    return lambda folder: [(folder / f"{layer}-{pe}-{kind}.bin").unlink() for kind in ("weights", "thres")]


def all_files(layer: int, change: int) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        for path in sorted(folder.glob(f"{layer}-*-weights.bin")):
            resize(path.name, change)(folder)

    return spoil


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing weights": (
        lambda f: (f / "1-5-weights.bin").unlink(),
        r"1-5-weights.bin: no such file",
    ),
    "missing thresholds": (lambda f: (f / "0-31-thres.bin").unlink(), "0-31-thres.bin: no such file"),
    "no hidden thresholds": (
        lambda f: [p.unlink() for p in f.glob("2-*-thres.bin")],
        "2-0-thres.bin: no such file",
    ),
    "missing PE in the middle": (without_pe(1, 7), "1-7-weights.bin: no such file"),
    "missing last PE": (without_pe(1, 63), "layer 1 has 63 x 512 weight words"),
    "missing last PE of the last layer": (without_pe(3, 15), "layer 3 has 15 x 512 weight words"),
    "missing layer": (lambda f: [p.unlink() for p in f.glob("3-*.bin")], "has no files of layer 3"),
    "extra layer": (lambda f: shutil.copy(f / "0-0-thres.bin", f / "4-0-thres.bin"), "files of a layer 4"),
    "empty": (lambda f: (f / "2-3-weights.bin").write_bytes(b""), "2-3-weights.bin: the file is empty"),
    "cut within a word": (resize("2-3-weights.bin", -3), "2-3-weights.bin: has 4093 bytes, which is no"),
    "short": (resize("2-3-weights.bin", -8), "2-3-weights.bin: has 4088 bytes, but 2-0-weights.bin has 4096"),
    "too long": (resize("2-0-weights.bin", 8), "2-1-weights.bin: has 4096 bytes, but .* has 4104"),
    "all short": (all_files(2, -8), "layer 2 has 32 x 511 weight words .* cannot be 1024 rows of 1024"),
    "all too long": (all_files(2, 4096), "layer 2 has 32 x 1024 weight words"),
    "thresholds of W1A2": (
        lambda f: [p.write_bytes(p.read_bytes() * 3) for p in f.glob("0-*-thres.bin")],
        "layer 0 has .* and 32 x 96 thresholds",
    ),
    "a folder for a file": (replaced_by_folder, "1-2-weights.bin: is a folder"),
    "no class": (lambda f: (f / "classes.txt").write_text("\n \n"), "classes.txt: names no class"),
    "more classes than rows": (
        lambda f: (f / "classes.txt").write_text("x\n" * 65),
        "layer 3 has .* cannot be 65 rows",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), BAD.values(), ids=BAD)
def test_bad_folder_is_one_error(spoilt: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(spoilt)
    with pytest.raises(DataError, match=message) as caught:
        read(spoilt, "lfc")
    assert str(spoilt) in caught.value.message
    assert caught.value.remedy


def test_wrong_network_names_the_other_one(spoilt: Path) -> None:
    with pytest.raises(DataError, match="has no files of layer 4; cnv has the layers 0 to 8") as caught:
        read(spoilt, "cnv")
    assert caught.value.remedy == "it looks like --network lfc"
    with pytest.raises(UsageError, match="no network 'sfc'"):
        read(spoilt, "sfc")


def test_arguments_that_make_no_sense_are_one_error(spoilt: Path) -> None:
    with pytest.raises(UsageError, match="a network of 0 classes"):
        read(spoilt, "lfc", classes=0)
    with pytest.raises(UsageError, match="SIMD is given for 3 layers; lfc has 4"):
        read(spoilt, "lfc", simd=(1, 2, 3))
    with pytest.raises(DataError, match=r"layer 0 .* cannot be 1024 rows of 784 weights at SIMD 32"):
        read(spoilt, "lfc", simd=(32, 32, 64, 8))


# The command


def run(*arguments: str | Path) -> int:
    return main(["import", "bnn-pynq", *map(str, arguments)])


def test_command_writes_a_file_that_loads(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "lfc.npz"
    assert run(exported, "--network", "lfc", "--out", out) == 0
    assert "LFC of 12 classes" in capsys.readouterr().out
    found, direct = load_weights(out, (784, 1024, 1024, 1024, None)), read(exported, "lfc").weights
    bits = mnist_test().as_bits()[:20]
    assert isinstance(found, Weights)
    np.testing.assert_array_equal(found.infer(bits), direct.infer(bits))
    assert run(exported, "--network", "lfc", "--out", out, "--classes", "5", "--simd", "64,32,64,8") == 0
    assert load_weights(out).classes == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("{in}/none", "--network", "lfc", "--out", "{out}/w.npz"),
            "the folder cannot be read: No such file",
        ),
        (("{in}/classes.txt", "--network", "lfc", "--out", "{out}/w.npz"), "cannot be read: Not a directory"),
        (("{out}", "--network", "lfc", "--out", "{out}/w.npz"), "holds no parameters of BNN-PYNQ"),
        (("{in}", "--network", "cnv", "--out", "{out}/w.npz"), "it looks like --network lfc"),
        (("{in}", "--network", "sfc", "--out", "{out}/w.npz"), "invalid choice: 'sfc'"),
        (("{in}", "--network", "lfc", "--out", "{out}/no/w.npz"), "w.npz: cannot be written"),
        (("{in}", "--network", "lfc", "--out", "{out}"), "cannot be written: Is a directory"),
        (("{in}", "--network", "lfc"), "required: --out"),
        (
            ("{in}", "--network", "lfc", "--out", "{out}/w.npz", "--classes", "0"),
            "not a whole number above 0",
        ),
        (("{in}", "--network", "lfc", "--out", "{out}/w.npz", "--simd", "1,x"), "not a whole number above 0"),
    ],
)
def test_command_fails_with_status_2_one_message_and_no_file(
    exported: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"{in}": str(exported), "{out}": str(tmp_path)}
    filled = [a.replace("{in}", places["{in}"]).replace("{out}", places["{out}"]) for a in arguments]
    assert run(*filled) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
