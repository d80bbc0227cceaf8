"""Measure SFC: what is promised of accuracy, equality, rates, times and memory. Run: make bench

Each row gives the limit, what was measured here and now, and how. The CPU rate is also given as a ratio to
the same packed XNOR-popcount loops in C, compiled with `-O3 -march=native` and run in turn with ours.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from table import Row, show, timed

from bitfold.build.llvm.jit import CpuModule
from bitfold.networks import datasets, sfc, weights_io
from bitfold.networks.catalog import find_schedule
from bitfold.schedule import customize

ROOT = Path(__file__).resolve().parent.parent
PYTHON_IMAGES = 20
CSIM_IMAGES = 1000

C_SOURCE = r"""
#include <stdint.h>
static void layer(const uint64_t *w, const int16_t *t, const uint64_t *x, uint64_t *y,
                  int rows, int words, int last) {
  for (int b = 0; b < rows / 64; b++) {
    uint64_t out = 0;
    for (int i = 0; i < 64; i++) {
      const uint64_t *row = w + (b * 64 + i) * words;
      int n = 0;
      for (int k = 0; k < words - 1; k++) n += __builtin_popcountll(~(row[k] ^ x[k]));
      n += __builtin_popcountll(~(row[words - 1] ^ x[words - 1]) & (last == 64 ? ~0ull : (1ull << last) - 1));
      out |= (uint64_t)(n >= t[b * 64 + i]) << i;
    }
    y[b] = out;
  }
}
void sfc(long images, const uint64_t *x, int16_t *scores, const uint64_t **w, const int16_t **t) {
  for (long i = 0; i < images; i++) {
    uint64_t a[4], b[4];
    layer(w[0], t[0], x + i * 13, a, 256, 13, 16);
    layer(w[1], t[1], a, b, 256, 4, 64);
    layer(w[2], t[2], b, a, 256, 4, 64);
    for (int m = 0; m < 10; m++) {
      int n = 0;
      for (int k = 0; k < 4; k++) n += __builtin_popcountll(~(w[3][m * 4 + k] ^ a[k]));
      scores[i * 10 + m] = 2 * n - 256;
    }
  }
}
"""


def main() -> int:
    weights, data = weights_io.bundled("sfc"), datasets.mnist_test()
    rows = [*equality(weights, data), *rates(), *speed(weights, data), *command(), determinism()]
    return show("SFC benchmark", rows)


def bitfold(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "networks" / "sfc.py"), *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)


def run_json(*args: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        bitfold("--out", str(Path(folder) / "hls"), "--json", str(path), *args)
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def equality(weights: weights_io.Weights, data: datasets.Dataset) -> list[Row]:
    """Accuracy, and integer scores in plain Python, LLVM and compiled HLS C++."""
    bits = data.as_bits()
    assert data.labels is not None
    expected = weights.infer(bits)
    kernel = sfc.network(weights)
    scores, label = np.zeros((PYTHON_IMAGES, 10), np.int16), np.zeros((PYTHON_IMAGES, 1), np.uint8)
    began = time.perf_counter()
    for i in range(PYTHON_IMAGES):
        kernel(bits[i], scores[i], label[i])
    python_s = (time.perf_counter() - began) / PYTHON_IMAGES
    same_python = bool((scores == expected[:PYTHON_IMAGES]).all())
    wrong_llvm, accuracy = 0, []
    for name in ("fold_a", "finn_max", "finn_fix", "cpu"):
        s = customize(kernel)
        find_schedule(name)(s)
        got, labels = np.zeros((len(data), 10), np.int16), np.zeros((len(data), 1), np.uint8)
        CpuModule(s.program)(bits, got, labels)
        wrong_llvm += int((got != expected).any(axis=1).sum())
        accuracy.append(float((labels[:, 0] == data.labels).mean()))
    found = run_json("--schedule", "fold_a", "--csim", str(CSIM_IMAGES))
    simulated = found["csim"]
    return [
        Row(
            "accuracy",
            ">= 97.0%",
            f"{min(accuracy):.2%}",
            min(accuracy) >= 0.97,
            "10,000 MNIST test images, LLVM",
        ),
        Row(
            "scores, plain Python",
            "identical",
            f"{PYTHON_IMAGES} images, {python_s:.2f} s each",
            same_python,
            "the kernel called under CPython against integer NumPy",
        ),
        Row(
            "scores, LLVM",
            "identical",
            f"4 schedules x {len(data):,} images, {wrong_llvm} differ",
            wrong_llvm == 0,
            "fold_a, finn_max, finn_fix, cpu against integer NumPy",
        ),
        Row(
            "scores, HLS C++",
            "identical",
            f"{simulated['images']:,} images, {simulated['mismatches']} differ",
            simulated["mismatches"] == 0 and simulated["images"] == CSIM_IMAGES,
            f"sfc.py --schedule fold_a --csim {CSIM_IMAGES}",
        ),
    ]


def rates() -> list[Row]:
    """Interval, latency and FPS by the cycle model."""
    fast, fixed = run_json("--schedule", "finn_max"), run_json("--schedule", "finn_fix")
    return [
        Row(
            "interval, finn_max",
            "16 cycles",
            f"{fast['interval_cycles']}",
            fast["interval_cycles"] == 16,
            "model",
        ),
        Row(
            "latency, finn_max",
            "<= 62 cycles",
            f"{fast['latency_cycles']}",
            fast["latency_cycles"] <= 62,
            "model",
        ),
        Row(
            "rate, finn_fix", ">= 9,000 FPS", f"{fixed['fps']:,.0f}", fixed["fps"] >= 9000, "model at 200 MHz"
        ),
    ]


def speed(weights: weights_io.Weights, data: datasets.Dataset) -> list[Row]:
    """Images per second on one thread, beside the same loops in C."""
    bits = data.as_bits()
    s = customize(sfc.network(weights))
    find_schedule("cpu")(s)
    compiled = CpuModule(s.program)
    scores, labels = np.zeros((len(data), 10), np.int16), np.zeros((len(data), 1), np.uint8)
    native = native_runner(weights, bits)
    ours, theirs = [], []
    for _ in range(15):
        ours.append(timed(lambda: compiled(bits, scores, labels)))
        theirs.append(timed(native))
    rate = len(data) / statistics.median(ours)
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    return [
        Row(
            "CPU rate, schedule cpu",
            ">= 300,000 images/s",
            f"{rate:,.0f} (median of 15); {ratio:.2f} of the C loops",
            rate >= 300_000,
            "one thread, batch of 10,000, input packing included in ours and not in C's",
        )
    ]


def native_runner(weights: weights_io.Weights, bits: np.ndarray) -> Callable[[], object]:
    """The packed network in C, as a call that classifies all images."""
    folder = tempfile.mkdtemp()
    source, library = Path(folder) / "sfc.c", Path(folder) / "sfc.so"
    source.write_text(C_SOURCE)
    compiler = os.environ.get("CC", "gcc")
    flags = ["-O3", "-march=native", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
    run = ctypes.CDLL(str(library)).sfc

    def words(values: np.ndarray) -> np.ndarray:
        size = -(-values.shape[1] // 64) * 8
        packed = np.zeros((len(values), size), np.uint8)
        found = np.packbits(values, axis=1, bitorder="little")
        packed[:, : found.shape[1]] = found
        return packed.view(np.uint64)

    x, scores = words(bits), np.zeros((len(bits), 10), np.int16)
    w = [words(v) for v in weights.weights]
    t = [np.ascontiguousarray(v) for v in weights.thresholds]
    w_pointers = (ctypes.c_void_p * 4)(*(v.ctypes.data for v in w))
    t_pointers = (ctypes.c_void_p * 3)(*(v.ctypes.data for v in t))

    def call() -> None:
        run(
            ctypes.c_long(len(bits)),
            ctypes.c_void_p(x.ctypes.data),
            ctypes.c_void_p(scores.ctypes.data),
            w_pointers,
            t_pointers,
        )

    call()
    assert (scores == weights.infer(bits)).all()
    return call


def command() -> list[Row]:
    """Times and memory of whole commands."""
    found = run_json("--schedule", "cpu")
    began = time.perf_counter()
    folded = run_json("--schedule", "fold_a")
    total = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    compile_s, hls_s = max(found["compile_s"], folded["compile_s"]), max(found["hls_s"], folded["hls_s"])
    return [
        Row(
            "compile, Python to JIT",
            "< 2 s",
            f"{compile_s:.2f} s",
            compile_s < 2,
            "the slower of cpu and fold_a",
        ),
        Row("Python to HLS project", "< 2 s", f"{hls_s:.2f} s", hls_s < 2, "the slower of cpu and fold_a"),
        Row("whole command", "< 15 s", f"{total:.1f} s", total < 15, "sfc.py --schedule fold_a"),
        Row(
            "peak memory",
            "< 700 MB",
            f"{peak:.0f} MB",
            peak < 700,
            "largest process of all runs above, C++ compiler included",
        ),
    ]


def determinism() -> Row:
    """The same command twice, in different folders: the same bytes."""
    digests = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            bitfold("--schedule", "fold_a", "--images", "50", "--out", "hls", cwd=Path(folder))
            digest = hashlib.sha256()
            for path in sorted((Path(folder) / "hls").rglob("*")):
                if path.is_file():
                    digest.update(path.name.encode() + path.read_bytes())
            digests.append(digest.hexdigest()[:12])
    return Row(
        "generated files", "same bytes", " = ".join(digests), len(set(digests)) == 1, "two runs, sha256"
    )


if __name__ == "__main__":
    sys.exit(main())
