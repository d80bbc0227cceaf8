"""What a schedule and what it builds look like when printed, and in a notebook."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from bitfold import Partition, customize
from bitfold.lang import empty, int16, int32

OPEN = {"br", "img", "meta"}


def fir(x: int16[64], taps: int16[8], y: int32[64]):
    for n in range(57):
        acc: int32 = 0
        for k in range(8):
            acc += x[n + k] * taps[k]
        y[n] = acc


def half(x: int16["N"], h: int16["N"]):
    for i in range(x.shape[0]):
        h[i] = x[i] // 2


def twice(x: int16[64], y: int16[64]):
    h: int16[64] = empty(int16[64])
    half(x, h)
    half(h, y)


def four(x: int16[64], y: int16[64]):
    for r in range(4):
        half(x, y)


class Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in OPEN:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def text_of(html: str) -> str:
    """The text of well-formed HTML."""
    parser = Balanced()
    parser.feed(html)
    parser.close()
    assert not parser.stack
    return " ".join(parser.text)


@pytest.fixture
def scheduled():
    s = customize(fir)
    s.pipeline("n")
    s.partition("x", Partition.Cyclic, factor=8)
    s.partition("taps")
    return s


def test_a_schedule_shows_its_summary_program_and_steps(scheduled) -> None:
    text = text_of(scheduled._repr_html_())
    assert "pipeline II=1" in text
    assert "57 a call" in text
    assert "for n in pipeline(range(57), ii=1):" in text
    assert "s.at('fir').pipeline('n', ii=1)" in text
    assert repr(scheduled) == "<Schedule of fir: 3 steps>"
    assert scheduled.summary.cycles == 57


def test_a_compiled_kernel_prints_its_summary_and_has_its_llvm_ir(scheduled) -> None:
    module = scheduled.build(target="llvm")
    assert "define void @bitfold_batch" in module.code
    printed = str(module)
    assert "n        57  pipeline II=1      57" in printed
    assert "y          int32[64]  written" in printed
    assert "LLVM IR" in printed.splitlines()[-1]
    assert repr(module) == "<CompiledKernel fir>"
    assert "the scheduled program" in text_of(module._repr_html_())
    x, taps, y = np.arange(64, dtype=np.int16), np.ones(8, np.int16), np.zeros(64, np.int32)
    module(x, taps, y)
    assert y[:57].tolist() == [sum(range(n, n + 8)) for n in range(57)]


def test_an_hls_project_prints_its_summary_and_has_its_c(scheduled, tmp_path: Path) -> None:
    module = scheduled.build(target="hls", project=tmp_path / "fir")
    assert "#pragma HLS PIPELINE II=1" in module.code
    assert str(tmp_path / "fir") in str(module).splitlines()[-1]
    assert "#pragma HLS PIPELINE II=1" in text_of(module._repr_html_())


def test_the_loops_and_costs_of_called_kernels_are_those_of_the_calls() -> None:
    s = customize(twice)
    summary = s.summary
    assert summary.cycles == 128, "one call after the other"
    assert {r.kernel for r in summary.loops} == {"half_0", "half_1"}
    assert "half_0: i" in str(summary)
    s.dataflow()
    assert s.summary.cycles == 64, "the slower of two that run at the same time"


def test_cycles_count_the_loops_around_calls() -> None:
    assert customize(four).summary.cycles == 4 * 64
