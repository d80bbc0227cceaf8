"""Explore a network: solve the tasks that are not solved yet, and write the front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bitfold.explore.outputs import write
from bitfold.explore.points import Job, Point, best, tasks_of
from bitfold.explore.runners import Runner, here
from bitfold.explore.store import Store


@dataclass(frozen=True)
class Explored:
    """The front, the files it is in, and how many of the tasks an earlier run had solved."""

    points: tuple[Point, ...]
    files: tuple[Path, ...]
    tasks: int
    resumed: int


def explore(
    job: Job, folder: Path, *, runner: Runner = here, progress: Callable[[int, int], None] | None = None
) -> Explored:
    """Find all designs that no other beats in every objective, and write them to `folder`.

    What is solved is kept in the folder: after an interruption the same call goes on from there. `progress`
    is called with the numbers of solved and of all tasks.

    Raises:
        BuildError: the folder cannot be written, or the runner fails.
        DataError: the folder holds another exploration's record, or a damaged one.
        ScheduleError: no design fits on the device.
    """
    store = Store(folder, job)
    resumed = len(store.solved)
    if not store.tasks:
        store.begin(tasks_of(job))
    report = progress or (lambda done, total: None)
    report(resumed, len(store.tasks))
    missing = [task for task in store.tasks if task not in store.solved]
    if missing:
        for task, points in runner(job, missing):
            store.add(task, points)
            report(len(store.solved), len(store.tasks))
    found = [p for task in store.tasks for p in store.solved[task]]
    points = best(list(dict.fromkeys(found)), job.objectives)
    return Explored(tuple(points), write(job, points, folder), len(store.tasks), resumed)
