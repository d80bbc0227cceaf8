"""The rates that the cycle model claims, against the C++'s own processes, step by step over bounded channels.

Every process is traced: what it reads and writes in each iteration of its pipelined loop. Then all step
together: one makes a step in a cycle when its inputs have come and its outputs have room.
"""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from bitfold.build.hls.csim import find_compiler, find_headers
from bitfold.build.hls.project import Vectors
from bitfold.model.cycles import model
from bitfold.networks.catalog import find_network, find_schedule
from bitfold.networks.run import hls_plan
from bitfold.schedule import customize

STREAM = r"""
#include <cstdio>
#include <queue>
#include <string>
namespace hls {
template <class T> struct stream {
  std::queue<T> q;
  std::string name;
  stream(const char *n) : name(n) {}
  bool port() const { return name.empty(); }
  bool empty() const { return q.empty(); }
  T read() {
    if (port()) return T(0);
    std::printf("R %s\n", name.c_str());
    T v = q.front();
    q.pop();
    return v;
  }
  void write(const T &v) {
    if (port()) return;
    std::printf("W %s\n", name.c_str());
    q.push(v);
  }
};
}  // namespace hls
"""


@dataclass
class Process:
    """What one process reads and writes in each step."""

    steps: list[tuple[list[str], list[str]]] = field(default_factory=list)
    at: int = 0


def traced(folder: Path, name: str, files: Mapping[str, bytes]) -> list[Process]:
    """The processes of an HLS project's top function, in order, from one run on zeros."""
    for file, content in {**files, "hls_stream.h": STREAM.encode()}.items():
        (folder / file).write_bytes(content)
    text = files[f"{name}.cpp"].decode()
    text = text.replace("#pragma HLS INLINE off", r'std::printf("B -\n");')
    text = text.replace("#pragma HLS PIPELINE II=1", r'std::printf("T -\n");')
    ports = re.findall(r"(hls::stream<\S+>) &(\w+)", text[text.index(f"void {name}(") :])
    streams = "".join(f'{type} {port}("");' for type, port in ports)
    call = f"{name}({', '.join(port for _, port in ports)});"
    (folder / "traced.cpp").write_text(f"{text}\nint main() {{ {streams} {call} }}\n")
    flags = ["-std=c++14", "-O1", "-w", "-isystem", str(find_headers()), "-I", str(folder)]
    subprocess.run([find_compiler(), *flags, "-o", "traced", "traced.cpp"], cwd=folder, check=True)
    printed = subprocess.run([folder / "traced"], capture_output=True, text=True, check=True).stdout
    found: list[Process] = []
    for kind, channel in (line.split() for line in printed.splitlines()):
        if kind == "B":
            found.append(Process())
        elif kind == "T":
            found[-1].steps.append(([], []))
        else:
            found[-1].steps[-1][kind == "W"].append(channel)
    return found


def interval(processes: list[Process], depths: Mapping[str, int], images: int) -> int:
    """Cycles between the last two images that leave; a channel's room is what it has when a cycle begins."""
    held: defaultdict[str, int] = defaultdict(int)
    left: list[int] = []
    cycle = 0
    while len(left) < images:
        cycle += 1
        moved: list[tuple[list[str], list[str]]] = []
        for process in processes:
            read, written = process.steps[process.at]
            if all(held[c] for c in read) and all(held[c] < depths[c] for c in written):
                moved.append((read, written))
                process.at = (process.at + 1) % len(process.steps)
                if process is processes[-1] and not process.at:
                    left.append(cycle)
        assert moved, "all stand still"
        for read, written in moved:
            for c in read:
                held[c] -= 1
            for c in written:
                held[c] += 1
    return left[-1] - left[-2]


@pytest.mark.parametrize(
    ("network", "schedule"),
    [("sfc", "fold_a"), ("sfc", "finn_max"), ("sfc", "finn_fix"), ("lfc", "finn_max"), ("cnv", "finn_max")],
)
def test_the_channels_keep_up_with_the_claimed_interval(network: str, schedule: str, tmp_path: Path) -> None:
    known = find_network(network)
    weights = known.load_weights(None)
    s = customize(known.build(weights))
    find_schedule(schedule)(s)
    images = known.inputs(known.test_set().take(1))
    outputs = {"scores": np.zeros((1, weights.classes), np.int16), "label": np.zeros((1, 1), np.uint8)}
    files = hls_plan(s.program, network, Vectors(inputs={"x": images}, outputs=outputs)).files
    processes = traced(tmp_path, network, files)
    pragmas = re.findall(r"STREAM variable=(\w+) depth=(\d+)", files[f"{network}.cpp"].decode())
    depths = {name: int(depth) for name, depth in pragmas}
    assert depths
    claimed = model(s.program, 200.0).interval_cycles
    assert interval(processes, depths, 3) == claimed
    if network != "cnv":  # and they would not with the two words that a channel holds by itself
        assert interval([Process(p.steps) for p in processes], dict.fromkeys(depths, 2), 3) > claimed
