"""Each example computes what its reference does, on every rung, and its design is what the README says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bitfold import Schedule, customize
from bitfold.ir.run import run_python
from bitfold.lang import StreamEnd, typed

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


@pytest.fixture(scope="module", params=NAMES)
def example(request: pytest.FixtureRequest) -> ModuleType:
    spec = importlib.util.spec_from_file_location(request.param, EXAMPLES / f"{request.param}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kernel_of(example: ModuleType) -> Any:
    """The kernel that has the name of the file."""
    return getattr(example, example.__name__)


def scheduled(example: ModuleType) -> Schedule:
    s = customize(kernel_of(example))
    example.schedule(s)
    return s


def case(example: ModuleType, s: Schedule, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The arguments of a call, outputs all ones, and what they should be afterwards."""
    given = list(example.inputs(np.random.default_rng(seed)))
    expected = list(example.reference(*given))
    params = s.program.arguments
    assert len(params) == len(given) + len(expected)
    made = params[len(given) :]
    outputs = [p.decoded(np.ones(p.type.logical.dims, p.type.logical.elem.storage)) for p in made]
    for param, found in zip(made, expected, strict=True):
        assert (found.shape, found.dtype) == (param.type.logical.dims, param.dtype)
    return [*given, *outputs], [*given, *expected]


def same(found: list[np.ndarray], expected: list[np.ndarray], rung: str) -> None:
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_array_equal(a, b, err_msg=f"argument {i}, {rung}")


def forget(example: ModuleType) -> None:
    """Give arrays that live between calls their initial values."""
    for value in vars(example).values():
        if hasattr(value, "reset"):
            value.reset()


def test_the_kernel_as_plain_python_computes_its_reference(example: ModuleType) -> None:
    unscheduled = customize(kernel_of(example))
    given, expected = case(example, unscheduled, seed=0)
    forget(example)
    params = unscheduled.program.arguments
    arrays = [typed(a, p.fixed or p.type.elem) for a, p in zip(given, params, strict=True)]
    kernel_of(example)(*(StreamEnd(a) if p.type.streamed else a for a, p in zip(arrays, params, strict=True)))
    same(arrays, expected, "plain Python")


def test_the_scheduled_kernel_computes_its_reference_compiled(example: ModuleType) -> None:
    s = scheduled(example)
    module = s.build(target="llvm")
    for seed in (0, 1):
        given, expected = case(example, s, seed)
        module.reset()
        module(*given)
        same(given, expected, "LLVM")


def test_the_scheduled_program_as_python_computes_its_reference(example: ModuleType) -> None:
    s = scheduled(example)
    given, expected = case(example, s, seed=2)
    run_python(s.program, *given)
    same(given, expected, "scheduled IR")


@pytest.mark.csim
def test_the_hls_cpp_computes_its_reference(example: ModuleType, tmp_path: Path) -> None:
    s = scheduled(example)
    given, expected = case(example, s, seed=3)
    s.build(target="hls", project=tmp_path / "project")(*given)
    same(given, expected, "C++")


def test_main_says_that_it_is_right(example: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    example.main()
    printed = capsys.readouterr().out
    assert "cycles     " in printed
    assert re.search(r"equal to the reference: True|at most \d\.\d steps", printed)
    assert "False" not in printed


def test_the_design_is_what_the_readme_says(example: ModuleType) -> None:
    summary = scheduled(example).summary
    total = summary.resources.total
    row = f"{summary.cycles:,} | {total.lut:,} | {total.bram36:g} | {total.dsp}"
    text = (EXAMPLES / "README.md").read_text()
    (line,) = re.findall(rf"^\| \[{example.__name__}\]\({example.__name__}\.py\) .*$", text, re.MULTILINE)
    assert row in line, f"the README's line should end with | {row} |"
    loops = [r for r in summary.loops if r.how.startswith("pipeline")]
    assert loops, "a design without a pipelined loop"
    slow = {r.name for r in loops if r.how != "pipeline II=1"}
    assert slow == ({"i"} if example.__name__ == "histogram" else set())
    assert all(usage <= 0.7 for usage in summary.resources.utilization(summary.device).values())
