"""DATAFLOW in the C++: where the schedule asks for it, and refused where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.build.hls_support import module_from

from bitfold.build.hls import emit
from bitfold.diagnostics import BuildError
from bitfold.frontend import parse
from bitfold.lowering.pipeline import lower_to_hls


def emitted(source: str, folder: Path) -> str:
    module = module_from("from bitfold.lang import *\n" + source, folder, "kernels")
    return emit(lower_to_hls(parse(module.top))).text


def test_kernels_run_one_after_another_unless_the_schedule_says_dataflow(tmp_path: Path) -> None:
    kernels = """
def first(x: uint8[4], h: uint8[4]):
    for i in range(4):
        h[i] = x[i]


def top(x: uint8[4], y: uint8[4]):
    h = empty(uint8[4])
    first(x, h)
    first(h, y)
"""
    assert "DATAFLOW" not in emitted(kernels, tmp_path)
    assert "#pragma HLS DATAFLOW" in emitted(kernels.replace("def top", "@dataflow\ndef top"), tmp_path)


IMPOSSIBLE = {
    "several kernels read h": """
@dataflow
def top(x: uint8[4], y: uint8[4], z: uint8[4]):
    h = empty(uint8[4])
    first(x, h)
    first(h, y)
    first(h, z)
""",
    "it does more than call kernels": """
@dataflow
def top(x: uint8[4], y: uint8[4], z: uint8[4]):
    first(x, y)
    for i in range(4):
        z[i] = 0
""",
}


@pytest.mark.parametrize("why", IMPOSSIBLE)
def test_what_cannot_be_a_dataflow_region_is_refused(why: str, tmp_path: Path) -> None:
    first = """
def first(x: uint8[4], y: uint8[4]):
    for i in range(4):
        y[i] = x[i]

"""
    with pytest.raises(BuildError, match=f"'top' cannot be a dataflow region: {why}"):
        emitted(first + IMPOSSIBLE[why], tmp_path)


def test_an_array_of_one_process_is_declared_in_it(tmp_path: Path) -> None:
    """A DATAFLOW region has arrays only from one process to the next."""
    text = emitted(
        """
def first(x: uint8[4], h: uint8[4], t: uint8[4]):
    for i in range(4):
        t[i] = x[i]
    for j in range(4):
        h[j] = t[3 - j]

def second(h: uint8[4], y: uint8[4]):
    for i in range(4):
        y[i] = h[i]

@dataflow
def top(x: uint8[4], y: uint8[4]):
    t = empty(uint8[4])
    h = empty(uint8[4])
    first(x, h, t)
    second(h, y)
""",
        tmp_path,
    )
    assert "static void first(const ap_uint<8> x[4], ap_uint<8> h[4]) {" in text
    assert text.index("ap_uint<8> t[4];") < text.index("void top(")
    assert "  first(x, h);" in text
