"""The record of what is solved, so that an interrupted exploration goes on where it was.

A file of JSON lines: what is explored and its tasks, then each solved task with its points.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from bitfold import __version__
from bitfold.diagnostics import BuildError, DataError
from bitfold.explore.points import Job, Point, Task, point_of

FILE = "explored.jsonl"
_FORMAT = 1


class Store:
    """The record of one job in a folder, which is made when it is not there.

    Raises:
        BuildError: the folder cannot be written.
        DataError: it holds the record of another exploration, or one that is damaged.
    """

    def __init__(self, folder: Path, job: Job) -> None:
        self.path = folder / FILE
        self.job = job
        self.tasks: tuple[Task, ...] = ()
        self.solved: dict[Task, list[Point]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise PermissionError(13, "no permission")
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        except UnicodeDecodeError:
            raise self._damaged(1, "it is no text") from None
        except OSError as error:
            raise BuildError(
                f"the exploration cannot be kept in {folder}: {error.strerror}",
                code="BF-B001",
                remedy="name another, writable folder with --out",
            ) from None
        self._read(text)

    def begin(self, tasks: Sequence[Task]) -> None:
        """Write down the tasks, before any is solved."""
        self.tasks = tuple(tasks)
        self._write(json.dumps({**_described(self.job), "tasks": self.tasks}) + "\n", "w")

    def add(self, task: Task, points: Sequence[Point]) -> None:
        """Keep the points of a solved task, at once and for good."""
        self.solved[task] = list(points)
        self._write(json.dumps({"task": task, "points": [asdict(p) for p in points]}) + "\n", "a")

    def _write(self, line: str, mode: str) -> None:
        try:
            with self.path.open(mode, encoding="utf-8") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise BuildError(
                f"the exploration cannot be kept in {self.path}: {error.strerror}",
                code="BF-B001",
                remedy="name another, writable folder with --out",
            ) from None

    def _read(self, text: str) -> None:
        lines = text.split("\n")
        whole = lines[:-1]  # what does not end in a line break was being written when it was interrupted
        if lines[-1]:
            self._write("".join(f"{line}\n" for line in whole), "w")
        for number, line in enumerate(whole, 1):
            try:
                values = json.loads(line)
                if number == 1:
                    self._head(values)
                else:
                    first, last = (int(v) for v in values["task"])
                    self.solved[first, last] = [point_of(p) for p in values["points"]]
            except (ValueError, KeyError, TypeError) as error:
                raise self._damaged(number, f"{type(error).__name__}: {error}") from None
        unknown = set(self.solved) - set(self.tasks)
        if unknown:
            raise self._damaged(2, "it has a task that is none")

    def _head(self, values: dict[str, Any]) -> None:
        described = _described(self.job)
        other = [k for k, v in described.items() if values[k] != v]
        if other:
            raise DataError(
                f"{self.path} is of another exploration: its {other[0].replace('_', ' ')} differs",
                code="BF-D020",
                remedy="name another folder with --out, or delete this file to begin anew",
            )
        self.tasks = tuple((int(a), int(b)) for a, b in values["tasks"])

    def _damaged(self, line: int, why: str) -> DataError:
        return DataError(
            f"{self.path}:{line}: the record is damaged: {why}",
            code="BF-D003",
            remedy="delete the file to begin anew",
        )


def _described(job: Job) -> dict[str, Any]:
    """What must be the same for points to be of use."""
    digest = ""
    if job.weights is not None:
        made = job.weights
        parts = [np.asarray(a).tobytes() for a in (*made.weights, *made.thresholds)]
        digest = sha256(b"".join([*parts, made.output_biases.tobytes()])).hexdigest()
    return {
        "format": _FORMAT,
        "version": __version__,
        "network": job.network,
        "weights": digest,
        "device": asdict(job.device),
        "objectives": list(job.objectives),
        "budget": [list(b) for b in job.budget],
    }
