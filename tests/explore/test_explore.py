"""Exploration: exact fronts, resumed runs, processes and a Dask cluster, bad records."""

from __future__ import annotations

import csv
import itertools
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitfold import customize
from bitfold.devices import Device, find_device
from bitfold.diagnostics import BuildError, DataError, ScheduleError, UsageError
from bitfold.explore import Job, Point, explore, points
from bitfold.explore.points import Task, parse_objectives, solve
from bitfold.explore.runners import cluster, here, processes
from bitfold.explore.store import FILE
from bitfold.kernels.classify import label_select
from bitfold.kernels.dense import binary_dense, output_scores
from bitfold.lang import bit, empty, int16, uint8
from bitfold.model.cycles import model
from bitfold.model.resources import estimate
from bitfold.schedules.folding import fold_layers

ZC706 = find_device("zc706")


def tiny(weights: object) -> Callable[..., None]:
    rng = np.random.default_rng(3)
    W0, W1 = rng.integers(0, 2, (6, 12), np.uint8), rng.integers(0, 2, (3, 6), np.uint8)
    T, B = rng.integers(3, 9, 6).astype(np.int16), rng.integers(-3, 4, 3).astype(np.int16)

    def tiny(x: bit[12], scores: int16[3], label: uint8[1]):
        h = empty(bit[6])
        s = empty(int16[3])
        binary_dense(x, W0, T, h)
        output_scores(h, W1, B, s)
        label_select(s, scores, label)

    return tiny


class TinyNetwork:
    name = "tiny"
    build = staticmethod(tiny)

    def load_weights(self, path: object) -> None:
        return None


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "find_network", lambda name: TinyNetwork())


def job(*objectives: str, device: Device = ZC706, network: str = "tiny", **more: Any) -> Job:
    return Job(network, None, device, objectives or ("fps", "lut"), **more)


@cache
def everything() -> list[Point]:
    found = []
    for pe0, simd0, pe1, simd1 in itertools.product((1, 2, 3, 6), (1, 3, 4, 12), (1, 3), (1, 2, 6)):
        s = customize(tiny(None))
        fold_layers(s, {"binary_dense": (pe0, simd0), "output_scores": (pe1, simd1)})
        cost, timed = estimate(s.program).total, model(s.program, 200)
        made = (("binary_dense", pe0, simd0), ("output_scores", pe1, simd1))
        counts = (cost.lut, cost.ff, cost.bram36, cost.uram, cost.dsp)
        times = (timed.interval_cycles, timed.latency_cycles, timed.fps, timed.latency_us)
        found.append(Point(*times, *counts, made))
    return found


@pytest.mark.parametrize("objectives", [("fps", "lut"), ("latency", "lut", "ff"), ("fps", "latency", "lut")])
def test_the_front_is_exact(known: None, objectives: tuple[str, ...], tmp_path: Path) -> None:
    found = explore(job(*objectives), tmp_path).points
    goals = {tuple(p.goal(o) for o in objectives) for p in found}
    assert len(goals) == len(found) > 2
    for other in everything():
        goal = tuple(other.goal(o) for o in objectives)
        assert any(all(a <= b for a, b in zip(mine, goal, strict=True)) for mine in goals), other
    for point in found:
        s = customize(tiny(None))
        fold_layers(s, {name: (pe, simd) for name, pe, simd in point.folding})
        assert estimate(s.program).total.lut == point.lut
        assert model(s.program, 200).interval_cycles == point.interval_cycles


def test_the_files_hold_the_front(known: None, tmp_path: Path) -> None:
    found = explore(job(), tmp_path)
    with (tmp_path / "front.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(r["fps"]) for r in rows] == [p.fps for p in found.points]
    assert [int(r["lut"]) for r in rows] == [p.lut for p in found.points]
    assert rows[0]["folding"].startswith("binary_dense=")
    circles = [e for e in ET.parse(tmp_path / "front.svg").iter() if e.tag.endswith("circle")]
    assert len(circles) == len(found.points)
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(tmp_path / "front.parquet")
    assert table["lut"].to_pylist() == [p.lut for p in found.points]
    assert {p.name for p in found.files} == {"front.csv", "front.svg", "front.parquet"}


def interrupted(after: int) -> Callable[[Job, Sequence[Task]], Iterator[tuple[Task, list[Point]]]]:
    def run(job: Job, tasks: Sequence[Task]) -> Iterator[tuple[Task, list[Point]]]:
        for n, task in enumerate(tasks):
            if n == after:
                raise KeyboardInterrupt
            yield task, solve(job, task)

    return run


def test_an_interrupted_exploration_goes_on_where_it_was(known: None, tmp_path: Path) -> None:
    whole = explore(job(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        explore(job(), tmp_path / "cut", runner=interrupted(2))
    record = tmp_path / "cut" / FILE
    record.write_text(record.read_text() + '{"task": [3, ')  # the write that was cut off
    steps: list[tuple[int, int]] = []
    found = explore(job(), tmp_path / "cut", progress=lambda done, total: steps.append((done, total)))
    assert found.points == whole.points
    assert found.resumed == 2
    assert steps == [(n, whole.tasks) for n in range(2, whole.tasks + 1)]
    again = explore(job(), tmp_path / "cut", runner=interrupted(0))
    assert again.resumed == whole.tasks
    assert again.points == whole.points
    for name in ("front.csv", "front.svg"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "no JSON\n" + text,
        lambda text: text.replace('"points"', '"pints"'),
        lambda text: text.replace('"lut":', '"luts":'),
        lambda text: text.replace('"task": [', '"task": [7', 1),
        lambda text: text.replace('"tasks": [', '"tasks": ["a", ', 1),
    ],
)
def test_a_damaged_record_is_refused(known: None, spoil: Callable[[str], str], tmp_path: Path) -> None:
    explore(job(), tmp_path)
    record = tmp_path / FILE
    record.write_text(spoil(record.read_text()))
    with pytest.raises(DataError, match="damaged"):
        explore(job(), tmp_path)


def test_a_record_that_is_no_text_is_refused(known: None, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe\n")
    with pytest.raises(DataError, match="damaged"):
        explore(job(), tmp_path)


def test_another_explorations_folder_is_refused(known: None, tmp_path: Path) -> None:
    explore(job(), tmp_path)
    with pytest.raises(DataError, match="another exploration: its objectives"):
        explore(job("fps", "bram"), tmp_path)
    with pytest.raises(DataError, match="another exploration: its device"):
        explore(job(device=find_device("u250")), tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(known: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match="cannot be kept"):
        explore(job(), tmp_path / "file")
    with pytest.raises(BuildError, match="cannot be kept"):
        explore(job(), tmp_path / "file" / "below")
    if os.geteuid():
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(BuildError, match="cannot be kept"):
            explore(job(), tmp_path / "closed")


def test_a_device_on_which_nothing_fits_is_refused(known: None, tmp_path: Path) -> None:
    nothing = Device("nothing", "none", lut=100, ff=100, bram36=0, dsp=0, clock_mhz=100)
    with pytest.raises(ScheduleError, match="no design of 'tiny' fits on the nothing"):
        explore(job(device=nothing), tmp_path)


@pytest.mark.parametrize("text", ["fps", "fps,speed", "fps,fps", "", ",", "lut,"])
def test_wrong_objectives_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_objectives(text)


def test_processes_find_what_one_finds(tmp_path: Path) -> None:
    small = job(network="sfc", budget=(("lut", 1950),))
    alone = explore(small, tmp_path / "one", runner=here)
    assert explore(small, tmp_path / "two", runner=processes(2)).points == alone.points


def test_a_dask_cluster_finds_what_one_process_finds(known: None, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    alone = explore(job(), tmp_path / "one")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
    ) as made:
        found = explore(job(), tmp_path / "cluster", runner=cluster(made.scheduler_address))
    assert found.points == alone.points


def test_a_cluster_that_does_not_answer_is_said(
    known: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("bitfold.explore.runners.CONNECT_S", 1)
    for address in ("tcp://127.0.0.1:1", "nonsense://", "tcp://"):
        with pytest.raises(BuildError, match="no Dask scheduler answers"):
            explore(job(), tmp_path, runner=cluster(address))


def test_a_cluster_without_workers_is_said(known: None, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None, protocol="tcp") as c,
        pytest.raises(BuildError, match="has no workers"),
    ):
        explore(job(), tmp_path, runner=cluster(c.scheduler_address))
