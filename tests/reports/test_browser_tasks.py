"""What people open the page for, each within three actions from its top."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pareto_explorer.reports import write_report
from pareto_explorer.results.combining import load_runs
from tests.synthetic import HOSTILE_ERROR, write_synthetic_run

pytestmark = pytest.mark.browser

MOST = 3
IN_SIGHT = """(node) => {  // its first line, since a paragraph may be longer than a phone
  const { top, width } = node.getBoundingClientRect();
  return width > 0 && top >= 0 && top + 20 <= innerHeight && node.checkVisibility();
}"""


class Reader:
    """Someone at the top of the page, whose clicks, keys and inputs are counted."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.actions = 0

    def click(self, selector: str, text: str = "") -> None:
        """Clicks what can be seen without scrolling."""
        target = self.page.locator(selector, has_text=text).first
        assert target.evaluate(IN_SIGHT), f"{selector} {text!r} is not in sight"
        target.click()
        self.actions += 1

    def fill(self, selector: str, value: str) -> None:
        """Gives an input a value."""
        target = self.page.locator(selector).first
        assert target.evaluate(IN_SIGHT), f"{selector} is not in sight"
        target.fill(value)
        self.actions += 1

    def reads(self, selector: str, text: str = "") -> str:
        """What can be read there now; at most three actions may have led to it."""
        assert self.actions <= MOST
        target = self.page.locator(selector, has_text=text).first
        assert target.evaluate(IN_SIGHT), f"{selector} {text!r} is not in sight"
        return str(target.inner_text())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one task side by side, with ties, failures and other draws."""
    folder = tmp_path_factory.mktemp("tasks")
    paths = [folder / name for name in ("first", "second")]
    for seed, path in enumerate(paths):
        run = write_synthetic_run(path, replicates=8, configurations=4, seed=seed)
        (run.path / "errors").mkdir()
        (run.path / "errors" / "cup-negative_cross_entropy-2.txt").write_text("Traceback")
    return write_report(load_runs(paths, paths[0]), folder / "report")


@pytest.fixture(params=[1440, pytest.param(390, marks=pytest.mark.slow)])
def reader(chromium: Any, report: Path, request: pytest.FixtureRequest) -> Iterator[Reader]:
    context = chromium.new_context(
        viewport={"width": request.param, "height": 900}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(report.as_uri())
    yield Reader(page)
    context.close()


def contents(reader: Reader, title: str) -> None:
    """Follows an entry of the contents, which on a phone has to be brought into sight first."""
    link = reader.page.locator(".contents a", has_text=title)
    if not link.evaluate("(node) => node.getBoundingClientRect().right <= innerWidth"):
        reader.page.locator(".contents").evaluate("(bar) => bar.scrollTo({ left: 1e6 })")
        link.scroll_into_view_if_needed()
        reader.actions += 1
    reader.click(".contents a", title)


def test_which_families_tie(reader: Reader) -> None:
    told = reader.reads("#finding .sentence")
    assert "cannot be told from it" in told
    if "others" in told:
        reader.click("#finding .limits > summary")
        told = reader.reads("#finding .limits > p")
    assert "second: upgrad/kl_heldout" in told


def test_why_did_this_trial_fail(reader: Reader) -> None:
    contents(reader, "Failures")
    assert HOSTILE_ERROR in reader.reads("#failures .cause")
    row = "#failures tbody tr:has-text('first: cup-negative_cross_entropy-2')"
    assert "cup/negative_cross_entropy" in reader.reads(f"{row} .family")
    assert "intensity = 0.75" in reader.reads(f"{row} .family")
    assert reader.reads(f"{row} .place").endswith("first/errors/cup-negative_cross_entropy-2.txt")
    assert re.match(
        r"pareto-explorer reproduce .*first --trial", reader.reads(f"{row} .runs-again")
    )


def test_compare_two_runs(reader: Reader) -> None:
    contents(reader, "Run against run")
    assert reader.reads("#runs .sentence").startswith("second against first, 7 common families")
    row = "#runs tbody tr:has-text('upgrad/kl_uniform')"
    assert re.search(r"[+−]0\.\d{3}\s.*[+−]0\.\d{3} to [+−]0\.\d{3}", reader.reads(row), re.DOTALL)
    assert "none the same" in reader.reads(f"{row} small")


def test_what_should_i_try_next(reader: Reader) -> None:
    contents(reader, "What to try next")
    assert "trials failed" in reader.reads("#next .what")
    reader.click("#next li:first-child a", "Show")
    assert HOSTILE_ERROR in reader.reads("#failures .cause")


def test_give_me_a_model_within_two_percent_of_retain_gap(reader: Reader) -> None:
    pytest.importorskip("pareto_explorer.reports.cards.choose")
    if reader.page.viewport_size["width"] < 1100:  # beside the front, where there is room
        contents(reader, "Choose a model")
    reader.click("[data-rule=tolerance]")
    reader.fill("#choose input[type=text][aria-label='retain gap at most']", "0.02")
    assert "at most 0.02" in reader.reads("#choose .why")
    assert ", step " in reader.reads("#choose .taken")
