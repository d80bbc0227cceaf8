"""The page in headless Chromium: on a desk, on a phone, in the dark and on paper; reachable for everyone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.report.builds import content, forked, result

from bitfold.report import page

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright: pip install 'bitfold[test]'"
)

pytestmark = pytest.mark.browser
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
KINDS = ("sfc-fold_a", "sfc-cpu", "forked")
DESK, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for kind in KINDS:
        at = folder / f"{kind}.html"
        at.write_text(page(forked() if kind == "forked" else content(*kind.split("-")), at))
        found[kind] = at
    return found


def opened(browser, file: Path, size=DESK, **settings):
    """A tab with the page, without a network, which reports any error or request for another file."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, offline=True, **settings)
    tab = context.new_page()
    tab.set_default_timeout(20_000)
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: asked.append(message.text))
    tab.on("pageerror", lambda error: asked.append(str(error)))
    tab.goto(file.as_uri())
    assert asked == [file.as_uri()]
    return tab


WIDTH = "document.documentElement.scrollWidth"
OUTSIDE = """[...document.querySelectorAll('main *, header *')].filter(e => e.getClientRects().length
    && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, pre, svg'))
    .map(e => e.outerHTML.slice(0, 80))"""


BOXES = "[...document.querySelectorAll('.kernel')].map(e => e.getBoundingClientRect().toJSON())"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [DESK, PHONE, (320, 640)], ids=lambda s: str(s[0]))
def test_nothing_is_wider_than_the_screen(browser, files, kind, size):
    tab = opened(browser, files[kind], size)
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert tab.evaluate(WIDTH) <= size[0]
    assert tab.evaluate(OUTSIDE) == []
    tab.context.close()


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(DESK, "light"), (DESK, "dark"), (PHONE, "dark")],
    ids=["desk", "desk-dark", "phone-dark"],
)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_accessible(browser, files, kind, size, scheme):
    """axe-core finds nothing: contrast, names, headings, tables, what a keyboard can reach."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab = opened(browser, files[kind], size, color_scheme=scheme)
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = axe.Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
    tab.evaluate("document.querySelector('h1').style.opacity = 0.3")
    assert axe.Axe().run(tab).violations_count == 1, "it would have found a fault"
    tab.context.close()


def test_colours_follow_the_scheme(browser, files):
    seen = {}
    for scheme in ("light", "dark"):
        tab = opened(browser, files["sfc-fold_a"], color_scheme=scheme)
        seen[scheme] = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        tab.context.close()
    assert seen["light"] == "rgb(255, 255, 255)"
    assert max(map(int, seen["dark"][4:-1].split(","))) < 64


def test_a_phone_reads_from_top_to_bottom(browser, files):
    tab = opened(browser, files["sfc-fold_a"], PHONE)
    boxes = tab.evaluate(BOXES)
    assert len(boxes) == 7
    assert all(a["bottom"] <= b["top"] + 1 for a, b in pairwise(boxes))
    assert all(b["width"] > 300 for b in boxes)
    assert tab.locator("svg[aria-label^=Roofline]:visible").count() == 1
    assert tab.locator("svg[aria-label^=Roofline]:visible").bounding_box()["width"] > 330
    tab.context.close()


def test_boxes_of_a_desk_stand_side_by_side(browser, files):
    tab = opened(browser, files["sfc-fold_a"])
    assert len({box["top"] for box in tab.evaluate(BOXES)}) == 2
    tab.context.close()


def test_bars_are_as_long_as_their_numbers(browser, files):
    tab = opened(browser, files["sfc-fold_a"])
    part = tab.evaluate("""(() => { const bar = document.querySelector('.bars .bar');
        return bar.querySelector('.design').getBoundingClientRect().width / bar.clientWidth })()""")
    assert part == pytest.approx(7655 / 218_600, abs=0.002)
    dots = tab.evaluate("""[...document.querySelectorAll('figure.broad circle')].map(c =>
        [c.parentNode.querySelector('title').textContent, +c.getAttribute('cx'), +c.getAttribute('cy')])""")
    places = {about.split(":")[0]: (x, y) for about, x, y in dots}
    assert len(places) == 7
    assert places["SFC-max"][0] == places["SFC"][0] == places["SFC-fix"][0]  # the same network
    assert places["SFC-max"][1] < places["SFC"][1] < places["SFC-fix"][1]
    tab.context.close()


def test_code_is_folded_away_and_opens(browser, files):
    tab = opened(browser, files["sfc-fold_a"])
    listing = tab.locator("details pre").first
    assert not listing.is_visible()
    tab.locator("summary").first.click()
    assert listing.is_visible()
    assert "popcount(xnor(" in listing.inner_text()
    tab.context.close()


def test_links_to_code_open(browser):
    folder = result().hls_dir
    at = folder / "report.html"
    at.write_text(page(content(), at))
    tab = opened(browser, at)
    for text in ("sfc.cpp", "networks/sfc.py:37"):
        link = tab.get_by_role("link", name=text, include_hidden=True).first
        target = tab.evaluate("e => e.href", link.element_handle())
        file = Path(target.removeprefix("file://").partition("#")[0])
        assert file.is_file()
    tab.context.close()


@pytest.mark.parametrize("kind", ["sfc-fold_a", "forked"])
def test_paper_has_all_of_it(browser, files, kind, tmp_path):
    """Printed, the code is there too, nothing is cut off at the right, and no page is nearly empty."""
    pdfium = pytest.importorskip("pypdfium2")
    tab = opened(browser, files[kind], color_scheme="dark")
    tab.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    tab.context.close()
    with pdfium.PdfDocument(tmp_path / "report.pdf") as document:
        texts = [p.get_textpage().get_text_range() for p in document]
        assert all(p.get_size() == pytest.approx((595, 842), abs=2) for p in document)
        corner = document[0].render(scale=1).to_numpy()[5, 5]
    assert corner.min() == 255, "paper is white, whatever the scheme"
    whole = "\n".join(texts)
    assert "Why this folding" in whole
    assert "def " in whole
    assert len(texts) <= 10
    assert all(len(text) > 150 for text in texts[:-1])
    if kind == "sfc-fold_a":
        for word in ("popcount(xnor(", "binary_dense_2", "218,600 LUTs", "state machine"):
            assert word in whole
