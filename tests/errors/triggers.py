"""What causes the errors that no example can show: a machine that lacks something, or a fault of ours."""

from __future__ import annotations

import ctypes
import gzip
import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.ir import networks

from bitfold import customize
from bitfold.autofold.choose import _verify
from bitfold.build.hls import module as mlir_types
from bitfold.build.hls import simulation
from bitfold.build.hls.csim import CsimResult, csim, find_headers
from bitfold.build.llvm import jit
from bitfold.build.llvm.network import check_platform
from bitfold.devices import find_device
from bitfold.diagnostics import LanguageError
from bitfold.explore import runners
from bitfold.explore.points import Job
from bitfold.explore.store import Store
from bitfold.ir.nodes import Function
from bitfold.lang import int8
from bitfold.lowering.mlir import ir
from bitfold.model.cycles import model
from bitfold.model.resources import estimate
from bitfold.networks import idx
from bitfold.networks.ste import pytorch

Trigger = Callable[[Path, pytest.MonkeyPatch], object]


def kernel(x: int8[4]):
    x[0] = 1


def project(folder: Path) -> simulation.HlsModule:
    return customize(kernel).build(target="hls", project=folder / "project")


def illegal_step(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change() -> Function:
        raise LanguageError("the exact value needs more than 4096 bits", code="BF-L045", remedy="cast it")

    customize(kernel)._apply(change, "split", ())


def no_headers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("XILINX_HLS", "XILINX_VITIS_HLS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    find_headers()


def no_cpp(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = project(folder)
    monkeypatch.setenv("CXXFLAGS", "--no-such-option")
    csim(made.project)


def too_slow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csim(project(folder).project, timeout_s=1e-4)


def crash(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = project(folder)
    (made.project / "tb.cpp").write_text("int main() { return 3; }\n")
    csim(made.project)


def cycle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = customize(networks.feedback).build(target="hls", project=folder / "project")
    made(np.zeros(6, np.int8), np.zeros(6, np.int16))


def other_results(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "csim", lambda project: CsimResult(1, 1, "first mismatch: x", {}, 0, 0))
    project(folder)(np.zeros(4, np.int8))


def signless(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ir.Context():
        mlir_types.int_type(ir.IntegerType.get_signless(8))


def no_stacks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    check_platform()


def no_torch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    pytorch()


def bomb(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "LARGEST", 100)
    idx.gunzip(gzip.compress(bytes(1000)), Path("bomb.gz"))


def other_checkpoint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bitfold.networks.train import _State

    class Torch:
        @staticmethod
        def load(file: object, weights_only: bool) -> dict[str, str]:
            return {"belongs_to": "another training"}

    state = _State.__new__(_State)
    state.torch, state.belongs_to = Torch, "this training"
    (folder / "mine.ckpt").write_bytes(b"x")
    state.load(folder / "mine.ckpt")


def no_libm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    jit.c_function.__wrapped__("exp")


def other_cost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = dict.fromkeys(("lut", "ff", "bram18", "uram", "dsp", "latency"), 0)
    program = customize(kernel).program
    _verify(SimpleNamespace(values=nothing, cycles=0, latency=0), model(program, 200.0), estimate(program))


def no_scheduler(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "CONNECT_S", 1)
    job = Job("sfc", None, find_device("zc706"), ("fps", "lut"))
    list(runners.cluster("tcp://127.0.0.1:9")(job, [(1, 2)]))


def other_exploration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for objectives in (("fps", "lut"), ("fps", "bram")):
        Store(folder, Job("sfc", None, find_device("zc706"), objectives)).begin([(1, 2)])


TRIGGERS: dict[str, Trigger] = {
    "BF-S007": illegal_step,
    "BF-B004": no_headers,
    "BF-B005": no_cpp,
    "BF-B006": too_slow,
    "BF-B007": crash,
    "BF-B008": cycle,
    "BF-B010": other_results,
    "BF-B011": signless,
    "BF-B014": no_stacks,
    "BF-B030": other_cost,
    "BF-B031": no_scheduler,
    "BF-B015": no_torch,
    "BF-B018": no_libm,
    "BF-D005": bomb,
    "BF-D014": other_checkpoint,
    "BF-D020": other_exploration,
}
