"""A handle that a primitive or get_loops gave is valid, or its use names the step that took its loop away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.schedule.kernels_used import twice_each
from tests.schedule.nests import nests
from tests.schedule.requests import Request, apply, requests
from tests.strategies import KernelCase

from bitfold.diagnostics import ScheduleError
from bitfold.schedule import Loop, Schedule, customize
from bitfold.schedule.lookup import loops_of


def handles(s: Schedule) -> list[Loop]:
    """A handle for each loop of the program."""
    return [loop for f in s.program.functions for loop in s.at(f.name).get_loops()]


def said(s: Schedule, loop: Loop) -> str:
    """What the use of a handle is answered; "" when it is valid."""
    try:
        s.trips(loop)
    except ScheduleError as error:
        return "" if "varying" in error.message else error.message
    return ""


@given(nests(), st.lists(requests, min_size=2, max_size=8))
def test_a_handle_is_valid_or_names_the_step_that_removed_its_loop(
    case: KernelCase, made: list[Request]
) -> None:
    s = customize(case.function, **case.dims)
    known = [(loop, len(s.trace)) for loop in handles(s)]
    dead: set[int] = set()
    for request in made:
        apply(s, [request])
        for number, (loop, born) in enumerate(known):
            message = said(s, loop)
            if not message:
                assert number not in dead, "a handle that was dead means another loop now"
                assert loop.name in loops_of(s.program.function(loop.function))
                continue
            dead.add(number)
            steps = [str(step) for step in s.trace[born:] if (loop.function, loop.name) in step.gone]
            assert any(step in message for step in steps), message
        known += [(loop, len(s.trace)) for loop in handles(s)]
        assert all(not said(s, loop) for loop in handles(s))


def test_every_handle_that_a_primitive_returns_is_of_a_loop_that_is_there() -> None:
    s = customize(twice_each)
    first, second = s.fission("i", "j")
    made = [first, second]
    made += s.split(second, 4)
    made += s.tile(first, "j", 2, 3)
    made.append(s.fuse(made[-2], made[-1]))
    made.append(s.rename("k", "column"))
    for loop in made:
        message = said(s, loop)
        assert not message or "is no more: s.at('twice_each')." in message
    assert sum(not said(s, loop) for loop in made) == len([*s.get_loops()])
