"""What results look like in a notebook: small HTML of their own, escaped."""

from __future__ import annotations

from tests.report.builds import result
from tests.report.test_page import NASTY, Checked

from bitfold import markup


def test_results_show_their_numbers():
    run = result()
    assert run.simulated is not None
    for shown, words in (
        (run, ("SFC 784-256-256-256-10, fold_a, ZC706", "781,250 images/s", "binary_dense_0", "16 x 16")),
        (run.model, ("an image every 256 cycles", "output_scores")),
        (run.resources, ("resources, by kernel", "7,655", "33")),
        (run.simulated, ("the first complete after 872", "h2_in")),
    ):
        text = Checked(shown._repr_html_()).text
        for word in words:
            assert word in text


def test_a_schedule_shows_its_program_and_steps():
    from bitfold import customize
    from bitfold.kernels.dense import binary_dense

    s = customize(binary_dense, M=4, K=8)
    s.split("m", 2)
    text = Checked(s._repr_html_()).text
    assert str(s) in text
    assert "s.at('binary_dense').split('m', 2)" in text
    assert "1 step" in text


def test_whatever_is_shown_is_escaped():
    for html in (markup.table(NASTY, (NASTY,), [(NASTY,)]), markup.code(NASTY, NASTY)):
        assert "<script" not in html
        assert NASTY in Checked(html).text


def test_numbers_stand_at_the_right_and_none_is_empty():
    text = Checked(markup.table("t", (), [(1234567, 0.5, None, True)])).text
    assert text == "t1,234,5670.50True"
