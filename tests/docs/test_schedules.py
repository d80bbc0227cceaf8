"""docs/schedules.md is made of the docstrings of the primitives, and so is what `help` shows of a method."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from bitfold.schedule import Schedule
from bitfold.schedule.on_arrays import ArrayPrimitives
from bitfold.schedule.on_loops import LoopPrimitives
from bitfold.schedule.reference import PRIMITIVES, page


def test_the_page_is_what_the_docstrings_say(repo: Path) -> None:
    assert (repo / "docs" / "schedules.md").read_text(encoding="utf-8") == page()


def test_every_step_of_a_schedule_is_on_the_page() -> None:
    own = {"compose"}  # the introduction has it
    steps = {
        name
        for cls in (LoopPrimitives, ArrayPrimitives, Schedule)
        for name, method in vars(cls).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }
    assert steps - own == set(PRIMITIVES)


@pytest.mark.parametrize("name", PRIMITIVES)
def test_help_of_a_method_shows_before_and_after_and_what_is_refused(name: str) -> None:
    shown = inspect.getdoc(getattr(Schedule, name)) or ""
    assert "->" in shown
    assert "ScheduleError" in shown
