"""How errors are shown."""

from __future__ import annotations

import linecache

import pytest

from bitfold.diagnostics import (
    BitfoldError,
    BuildError,
    DataError,
    LanguageError,
    Note,
    ScheduleError,
    Span,
    UsageError,
    choices,
)

FILE = "<diagnostics test>"
LONG = "x = " + " + ".join(f"term{i}" for i in range(100))
LINES = ["first = 1", "    second = 2", "\tthird = 3", LONG, ""]


@pytest.fixture(autouse=True)
def source():
    linecache.cache[FILE] = (1, None, [f"{line}\n" for line in LINES], FILE)
    yield
    del linecache.cache[FILE]


def test_an_error_shows_the_place_the_line_and_the_remedy():
    error = LanguageError("it is wrong", span=Span(FILE, 2, 4, 10), remedy="make it right")
    assert str(error) == (
        "<diagnostics test>:2:5: error: it is wrong\n"
        " 2 |     second = 2\n"
        "   |     ^^^^^^\n"
        "help: make it right"
    )


def test_notes_show_the_other_places():
    notes = [Note("this one first", Span(FILE, 1, 0, 5)), Note("and the weather")]
    text = str(ScheduleError("they conflict", span=Span(FILE, 2, 4, 10), notes=notes))
    assert text.splitlines()[3:] == [
        "<diagnostics test>:1:1: note: this one first",
        " 1 | first = 1",
        "   | ^^^^^",
        "note: and the weather",
    ]


def test_tabs_stay_under_tabs():
    assert Span(FILE, 3, 1, 6).excerpt() == " 3 | \tthird = 3\n   | \t^^^^^"


def test_without_an_end_one_character_is_marked():
    assert Span(FILE, 1, 6).excerpt() == " 1 | first = 1\n   |       ^"


def test_a_span_past_the_line_marks_one_character():
    assert Span(FILE, 1, 8, 99).excerpt().endswith("        ^")


@pytest.mark.parametrize(
    "span", [Span(FILE, 5), Span(FILE, 99), Span("no such file", 3), Span("<generated>", 0)]
)
def test_a_line_that_cannot_be_read_is_left_out(span: Span):
    assert span.excerpt() == ""
    assert str(BitfoldError("wrong", span=span)) == f"{span}: error: wrong"


def test_of_a_very_long_line_a_part_is_shown():
    for name in ("term1 ", "term50", "term99"):
        col = LONG.index(name)
        line, carets = Span(FILE, 4, col, col + 6).excerpt().splitlines()
        assert len(line) < 180
        assert line[carets.index("^") : carets.rindex("^") + 1] == name
    assert line.startswith(" 4 | ...")


def test_an_error_without_a_place():
    assert str(UsageError("no such thing", remedy="look again")) == "error: no such thing\nhelp: look again"


@pytest.mark.parametrize("kind", [LanguageError, ScheduleError, BuildError, DataError, UsageError])
def test_every_error_is_a_bitfold_error(kind: type[BitfoldError]):
    with pytest.raises(BitfoldError, match="oops") as caught:
        raise kind("oops")
    assert (caught.value.message, caught.value.span, caught.value.remedy, caught.value.notes) == (
        "oops",
        None,
        None,
        (),
    )


def test_choices_name_the_nearest_first():
    assert choices("fold_b", ["cpu", "fold_a"]) == "did you mean 'fold_a'? known: cpu, fold_a"
    assert choices("zzz", ["cpu", "fold_a"]) == "known: cpu, fold_a"
    assert choices("zzz", []) == "known: none"
