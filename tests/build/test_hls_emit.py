"""HLS C++ as text: golden files, names, and the forms that matter to the hardware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.build import hls_kernels
from tests.build.hls_support import module_from, project_plan

from bitfold.build.hls import emit
from bitfold.build.hls.names import Names, identifier
from bitfold.diagnostics import BuildError
from bitfold.frontend import parse
from bitfold.ir.nodes import Function, Program
from bitfold.lowering.dialect import BF
from bitfold.lowering.mlir import ir
from bitfold.lowering.pipeline import lower_to_hls
from bitfold.lowering.to_mlir import Lowered

HEADER = "from bitfold.lang import *\n"


def emitted(source: str, folder: Path, name: str = "top") -> str:
    return emit(lower_to_hls(parse(getattr(module_from(HEADER + source, folder, "kernels"), name)))).text


def statements(text: str) -> list[str]:
    """The lines inside functions, without comments and pragmas."""
    return [line.split("//")[0].strip() for line in text.splitlines() if line.startswith("  ")]


def from_mlir(text: str) -> Lowered:
    """A module written by hand."""
    context = ir.Context()
    with context, ir.Location.unknown():
        BF.load()
        return Lowered(context, ir.Module.parse(text), Program((Function("f", (), ()),), {}), ())


@pytest.mark.parametrize("kernel", ["binary_dense", "stream_dense", "network", "varying", "numbers"])
def test_golden(kernel: str, golden: Callable[[str, str], None]) -> None:
    made = project_plan(getattr(hls_kernels, kernel), kernel)
    golden(f"hls/{kernel}.cpp", made.files[f"{kernel}.cpp"].decode())


def test_golden_project_files(golden: Callable[[str, str], None]) -> None:
    made = project_plan(hls_kernels.stream_dense, "stream_dense")
    for file in ("run_vitis.tcl", "run_vivado.tcl", "tb.cpp", "weights.h", "manifest.json"):
        golden(f"hls/stream_dense/{file}", made.files[file].decode())


def test_statements_and_loops_name_their_python_line() -> None:
    text = emit(lower_to_hls(parse(hls_kernels.stream_dense))).text
    counters = ("int mo", "ko = 0;", "++mo;", "if (++ko")
    for line in (each.strip() for each in text.splitlines()):
        if line.endswith((";", "{")) and not line.startswith((*counters, "void ")):
            raise AssertionError(f"no location: {line}")


def test_a_flattened_nest_counts_without_division(tmp_path: Path) -> None:
    text = emitted(
        """
def top(x: uint8[2, 3, 4], y: uint16[2]):
    for i, j, k in pipeline(grid(2, 3, 4), ii=2):
        y[i] = x[i, j, k] + y[i]
""",
        tmp_path,
    )
    assert "i_j_k: for (int step = 0; step < 2 * 3 * 4; ++step) {" in text
    assert "#pragma HLS PIPELINE II=2" in text
    assert "/ " not in text.replace("// ", "")
    assert "%" not in text
    assert statements(text)[-8:] == [
        "if (++k == 4) {",
        "k = 0;",
        "if (++j == 3) {",
        "j = 0;",
        "++i;",
        "}",
        "}",
        "}",
    ]


def test_a_loop_of_one_iteration_costs_no_counter(tmp_path: Path) -> None:
    text = emitted(
        """
def top(x: uint8[4], y: uint8[4]):
    for i, j in pipeline(grid(1, 4), ii=1):
        y[i * 4 + j] = x[i * 4 + j]
""",
        tmp_path,
    )
    assert "i_j: for (int j = 0; j < 4; ++j) {" in text
    assert "y[j] = x[j];" in text


def test_loops_with_other_bounds_and_steps(tmp_path: Path) -> None:
    text = emitted(
        """
def top(n: uint8[1], y: uint8[256]):
    for i in range(3, 200, 7):
        for j in range(i, n[0]):
            y[j] = i
""",
        tmp_path,
    )
    assert "i: for (int i = 3; i < 200; i += 7) {" in text
    assert "j: for (int j = i; j < int(n[0]); ++j) {" in text


def test_loops_that_vary_say_how_many_iterations_they_have(tmp_path: Path) -> None:
    text = emitted(
        """
def top(n: uint8[1], far: int32[1], y: uint8[64]):
    for i in range(far[0]):
        y[i & 63] = i
    for i in range(10):
        for _ in range(7):
            for j in pipeline(range(2 * i, 20), ii=1):
                y[j] = i
        for k in range(n[0], n[0] + i):
            y[k & 63] = i
    for i in range(3, n[0], 4):
        y[i & 63] = i
""",
        tmp_path,
    )
    assert [line.split(" ", 3)[3] for line in text.splitlines() if "TRIPCOUNT" in line] == [
        "min=2 max=20 avg=11",
        "min=0 max=264",
        "min=0 max=63",
    ]


def test_numbers_are_scalar_ports(tmp_path: Path) -> None:
    text = emitted(
        """
def scaled(x: int16, by: int16) -> int32:
    return x * by


def top(a: stream_in, n: int16, q: UFixed(8, 4), f: float32) -> (int32, float64):
    return scaled(n, n) + a.get(), float64(f)
""".replace("stream_in", "int8[1] @ stream"),
        tmp_path,
    )
    lines = text.partition("void top(")[2].partition(")")[0].replace(",", "").split("\n")
    assert [line.strip() for line in lines[2:]] == [
        "ap_int<16> n",
        "ap_uint<8> q",
        "float f",
        "ap_int<32> &result_0",
        "double &result_1",
    ]
    assert "static void scaled(ap_int<16> x, ap_int<16> by, ap_int<32> &result) {" in text
    for port in ("n", "q", "f", "result_0", "result_1", "return"):
        assert f"#pragma HLS INTERFACE s_axilite port={port}\n" in text
    assert "[1]" not in text, "no number is an array"


def test_directives(tmp_path: Path) -> None:
    text = emitted(
        """
def top(x: uint8[8] @ block(dim=1, factor=2), y: uint8[8] @ complete(dim=1)):
    for i in unroll(range(8), factor=4):
        y[i] = x[i]
    for i in unroll(range(8)):
        y[i] = y[i] + 1
""",
        tmp_path,
    )
    for pragma in (
        "INTERFACE ap_memory port=x",
        "ARRAY_PARTITION variable=x block factor=2 dim=1",
        "ARRAY_PARTITION variable=y complete dim=1",
        "UNROLL factor=4",
        "UNROLL\n",
    ):
        assert f"#pragma HLS {pragma}" in text
    assert "port=y" not in text, "an array of registers has no memory interface"


@pytest.mark.parametrize(
    ("python", "cpp"),
    [
        ("acc", "acc"),
        ("int", "int_"),
        ("template", "template_"),
        ("bf", "bf_"),
        ("NULL", "NULL_"),
        ("__x", "x"),
        ("a__b", "a_b"),
        ("größe", "gru246u223e"),
        ("_", "v"),
    ],
)
def test_python_names_become_cpp_names(python: str, cpp: str) -> None:
    made = identifier(python)
    if python == "größe":
        assert made.isascii()
        assert made.startswith("gr")
        return
    assert made == cpp


def test_names_never_hide_one_another() -> None:
    names = Names(frozenset({"kernel"}))
    assert names.declare("x") == "x"
    names.push()
    assert names.declare("x") == "x_1"
    assert names.declare("kernel") == "kernel_1"
    names.pop()
    assert names.declare("x") == "x_1"
    assert [names.label("m"), names.label("m")] == ["m", "m_1"]


def test_cpp_keywords_as_python_names(tmp_path: Path) -> None:
    text = emitted(
        """
def struct(int_: uint8[4], double: uint8[4]):
    for new in range(4):
        auto: uint8 = int_[new]
        double[new] = auto


def top(x: uint8[4], top_: uint8[4]):
    struct(x, top_)
""",
        tmp_path,
    )
    assert "static void struct_(const ap_uint<8> int_[4], ap_uint<8> double_[4]) {" in text
    assert "new_: for (int new_ = 0; new_ < 4; ++new_) {" in text
    assert "const ap_uint<8> auto_ = int_[new_];" in text


def test_parentheses_are_those_that_are_needed(tmp_path: Path) -> None:
    text = emitted(
        """
def top(a: uint8[1], b: uint8[1], y: int64[6]):
    y[0] = a[0] + b[0] * 3 - (a[0] - b[0])
    y[1] = (a[0] + b[0]) * 3
    y[2] = (a[0] | b[0]) & 7
    y[3] = (a[0] + b[0]) >> 1
    y[4] = a[0] < b[0] and b[0] < 7 or a[0] == 1
    y[5] = 1 if a[0] < b[0] else 2 if a[0] == b[0] else 3
""",
        tmp_path,
    )
    for line in (
        "y[0] = a[0] + b[0] * 3 - (a[0] - b[0]);",
        "y[1] = (a[0] + b[0]) * 3;",
        "y[2] = (a[0] | b[0]) & 7;",
        "y[3] = (a[0] + b[0]) >> 1;",
        "y[4] = (a[0] < b[0] && b[0] < 7) || a[0] == 1;",
        "y[5] = a[0] < b[0] ? 1 : a[0] == b[0] ? 2 : 3;",
    ):
        assert line in text


def test_wide_constants_are_built_from_digits(tmp_path: Path) -> None:
    text = emitted(
        """
def top(x: UInt(100)[1], y: UInt(200)[4]):
    y[0] = x[0] + 1267650600228229401496703205375
    y[1] = x[0] + 18446744073709551615
    y[2] = x[0] + 4294967296
    y[3] = x[0] - 170141183460469231731687303715884105728
""",
        tmp_path,
    )
    assert 'x[0] + ap_uint<100>("fffffffffffffffffffffffff", 16)' in text
    assert "x[0] + ap_uint<64>(0xffffffffffffffffULL)" in text
    assert "x[0] + 4294967296LL" in text
    assert "170141183460469231731687303715884105728" not in text


def test_a_constant_wider_than_a_native_word_is_spelled_in_hexadecimal(tmp_path: Path) -> None:
    source = """
import numpy as np
W = np.arange(4 * 98).reshape(4, 98).astype(np.uint8) % 2


def top(x: UInt(98)[1] @ packed(98), y: uint8[4]):
    w = rom(W, UInt(98)[4, 1] @ packed(98))
    for m in range(4):
        y[m] = popcount(xnor(w[m, 0], x[0], 98))
"""
    made = project_plan(module_from(HEADER + source, tmp_path, "kernels").top, "wide")
    weights = made.files["weights.h"].decode()
    assert "BITFOLD_ROM(ap_uint<98>, top_w, [4][1]) = {" in weights
    assert '{BITFOLD_HEX(98, "2aaaaaaaaaaaaaaaaaaaaaaaa")},' in weights


def test_widths_above_1024_raise_the_limit_of_the_headers(tmp_path: Path) -> None:
    source = "def top(x: UInt(1500)[1], y: UInt(1500)[1]):\n    y[0] = x[0] + 1\n"
    kernel = module_from(HEADER + source, tmp_path, "kernels").top
    assert "#define AP_INT_MAX_W 2048" in project_plan(kernel, "wide").files["bitfold.h"].decode()


LOOP = """
func.func @f(%y: memref<8xui8> {{bf.name = "y"}}) attributes {{bf.kernel = "f"}} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = {low} to %c4 step %c1 {{
    {between}
    scf.for %j = %c0 to %c4 step %c1 {{
      %v = "bf.constant"() {{value = 1 : ui8}} : () -> ui8
      memref.store %v, %y[%j] : memref<8xui8>
    }} {{{inner}}}
  }} {{bf.flatten, bf.name = "i"}}
  return
}}
"""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": "%c1"}, "count from 0 by 1"),
        ({"between": "%v0 = memref.load %y[%i] : memref<8xui8>"}, "exactly one loop"),
        ({"inner": "bf.unroll = 2 : i64"}, "cannot be unrolled"),
    ],
)
def test_a_nest_that_cannot_run_as_one_is_refused(changes: dict[str, str], message: str) -> None:
    parts = {"low": "%c0", "between": "", "inner": 'bf.name = "j"', **changes}
    with pytest.raises(BuildError, match=message) as caught:
        emit(from_mlir(LOOP.format(**parts)))
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("%d = memref.alloc() : memref<8xui8>", "memref.alloc"),
        (
            "%c = arith.constant 0 : index\n %s = arith.constant 1 : index\n"
            "%r = scf.for %i = %c to %s step %s iter_args(%a = %c) -> (index) { scf.yield %a : index }",
            "a loop with results",
        ),
        ("%d = memref.alloca() : memref<8xi8>", "signless"),
    ],
)
def test_what_has_no_form_in_cpp_is_refused(body: str, message: str) -> None:
    text = f'func.func @f(%y: memref<8xui8> {{bf.name = "y"}}) {{\n{body}\nreturn\n}}'
    with pytest.raises(BuildError, match=message) as caught:
        emit(from_mlir(text))
    assert caught.value.remedy


def test_a_word_taken_from_a_stream_stays_in_order() -> None:
    text = emit(
        from_mlir(
            """
func.func @f(%x: !bf.stream<ui8> {bf.name = "x"}, %y: !bf.stream<ui9> {bf.name = "y"},
             %z: memref<2xui8> {bf.name = "z"}) {
  %c0 = arith.constant 0 : index
  %a = "bf.get"(%x) : (!bf.stream<ui8>) -> ui8
  %b = "bf.get"(%x) : (!bf.stream<ui8>) -> ui8
  %unused = "bf.get"(%x) : (!bf.stream<ui8>) -> ui8
  %s = "bf.sub"(%b, %a) : (ui8, ui8) -> si9
  %t = "bf.cast"(%s) : (si9) -> ui9
  memref.store %a, %z[%c0] : memref<2xui8>
  "bf.put"(%y, %t) : (!bf.stream<ui9>, ui9) -> ()
  return
}
"""
        )
    ).text
    assert statements(text) == [
        "const ap_uint<8> x_word = x.read();",
        "const ap_uint<8> x_word_1 = x.read();",
        "const ap_uint<8> x_word_2 = x.read();",
        "z[0] = x_word;",
        "y.write(ap_uint<9>(x_word_1 - x_word));",
    ]


def test_a_value_read_before_a_store_is_not_read_after_it() -> None:
    text = emit(
        from_mlir(
            """
func.func @f(%x: memref<2xui8> {bf.name = "x"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.load %x[%c0] : memref<2xui8>
  %b = memref.load %x[%c1] : memref<2xui8>
  memref.store %b, %x[%c0] : memref<2xui8>
  memref.store %a, %x[%c1] : memref<2xui8>
  return
}
"""
        )
    ).text
    assert statements(text) == ["const ap_uint<8> x_value = x[0];", "x[0] = x[1];", "x[1] = x_value;"]


def test_the_text_does_not_depend_on_the_folder_of_the_source(tmp_path: Path) -> None:
    source = HEADER + "def top(x: uint8[4], y: uint8[4]):\n    for i in range(4):\n        y[i] = x[i]\n"
    texts = []
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        texts.append(emit(lower_to_hls(parse(module_from(source, folder, "kernels").top))).text)
    assert texts[0] == texts[1]
    assert str(tmp_path) not in texts[0]
