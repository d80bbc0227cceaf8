"""Device files: those that come with bitfold load, a user's own does, and a bad one says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bitfold.build.zc706 import ZC706
from bitfold.devices import find_device, known_devices, read_device
from bitfold.diagnostics import DataError, UsageError

GOOD = """
name = "Mine"
part = "xc7a35t"
clock_mhz = 125.5
lut = 20_800
ff = 41_600
bram36 = 50
dsp = 90
"""


@pytest.mark.parametrize("name", known_devices())
def test_every_device_file_loads(name: str) -> None:
    device = find_device(name)
    assert device.name.lower().replace(" ", "-") == name
    assert device.ff == 2 * device.lut, "every family here has two flip-flops to a LUT"
    assert device.clock_ns * device.clock_mhz == pytest.approx(1000)


@pytest.mark.parametrize("name", known_devices())
def test_every_device_file_names_its_source(name: str, repo: Path) -> None:
    text = (repo / "src/bitfold/devices" / f"{name}.toml").read_text(encoding="utf-8")
    assert "Data Sheet" in text
    assert "memory_gb_s:" in text
    assert "memory_gb_s =" in text or "left out" in text


def test_the_devices_of_the_published_designs_are_known() -> None:
    assert {"zc706", "pynq-z1", "pynq-z2", "ultra96", "zcu104", "u250"} <= set(known_devices())
    assert find_device("ZC706") == ZC706
    assert (ZC706.lut, ZC706.bram36) == (218_600, 545), "XC7Z045"
    assert find_device("pynq-z1").lut == 53_200, "XC7Z020"


def test_an_unknown_device_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        find_device("zc760")
    assert "did you mean 'zc706'" in str(caught.value)
    assert all(name in str(caught.value) for name in known_devices())


def test_a_file_of_the_users_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    device = find_device(str(file))
    assert (device.name, device.clock_mhz, device.lut, device.uram) == ("Mine", 125.5, 20_800, 0)
    assert (device.memory_gb_s, device.usable) == (None, 1.0)
    assert find_device(file) == device


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("lut = 20_800\n", ""), "does not say: lut"),
        (GOOD.replace("20_800", "-1"), "lut is -1; it must be an integer of at least 1"),
        (GOOD.replace("bram36 = 50", "bram36 = true"), "bram36 is True"),
        (GOOD.replace("dsp = 90", 'dsp = "90"'), "dsp is '90'"),
        (GOOD.replace("125.5", "0"), "clock_mhz is 0; it must be a positive number"),
        (GOOD.replace("125.5", "nan"), "clock_mhz is nan"),
        (GOOD + "usable = 70\n", "usable is 70; it must be a number above 0 and at most 1"),
        (GOOD + "luts = 3\n", "no field 'luts'"),
        (GOOD.replace('"Mine"', '""'), "name is ''"),
        ("name = ", "is no TOML"),
    ],
)
def test_a_bad_file_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(DataError) as caught:
        read_device(file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)
    assert "help: " in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        find_device(tmp_path / "none.toml")
    (tmp_path / "text.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="UTF-8"):
        find_device(tmp_path / "text.toml")
