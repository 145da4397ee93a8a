"""The report as a reader meets it: in a browser, without a network."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pareto_explorer.results.run import load_run

pytestmark = pytest.mark.browser

PLOT = ".cloud"
# Where a point of the table is in the figure; the plot's own axes say it
PLACE = """async ([x, y]) => {
  const plot = document.querySelector('.cloud');
  plot.scrollIntoView({block: 'center'});
  const frame = () => new Promise(requestAnimationFrame);
  await frame().then(frame);  // scrolling ends before the pointer comes
  const { xaxis, yaxis, _size } = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  return [box.left + _size.l + xaxis.d2p(x), box.top + _size.t + yaxis.d2p(y)];
}"""
DRAW_ALL = """async () => {
  for (const plot of document.querySelectorAll('[data-figure]')) {
    plot.scrollIntoView({block: 'center'});
    while (!plot.classList.contains('drawn')) await new Promise(requestAnimationFrame);
  }
  scrollTo(0, 0);
}"""
HOSTILE = "weighted_sum/mine:<b>loss</b>&'\""


@pytest.fixture(scope="session")
def browser(chromium: Any) -> Any:
    return chromium


@pytest.fixture
def visit(browser: Any, run_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the report; afterwards no error, dialog or request may have happened."""
    contexts, trouble = [], []
    url = (run_path / "report" / "index.html").as_uri()

    def note_request(request: Any) -> None:
        if request.url != url and not request.url.startswith(("data:", "blob:")):
            trouble.append(f"request: {request.url}")

    def open_page(width: int = 1440, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: (trouble.append("dialog"), dialog.dismiss()))
        page.on("request", note_request)
        page.goto(url)
        page.evaluate(DRAW_ALL)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


def hover(page: Any, run_path: Path, family: str) -> str:
    means = load_run(run_path).means().query("on_family_front")
    point = means[means["family"] == family].iloc[0]
    page.mouse.move(*page.evaluate(PLACE, [point["forget_gap"], point["retain_gap"]]))
    page.wait_for_selector(".tip", state="visible")
    return str(page.locator(".tip").text_content())


def test_hovering_shows_the_configuration(visit: Callable[..., Any], run_path: Path) -> None:
    text = hover(visit(), run_path, "upgrad/kl_heldout")
    for part in ("upgrad/kl_heldout", "lr = ", "Forget gap", "±", "step", "3 replicates"):
        assert part in text
    assert "optimizer" not in text  # sgd wherever it is set, which the table says once


def test_markup_in_a_configuration_is_shown_not_executed(
    visit: Callable[..., Any], run_path: Path
) -> None:
    page = visit()
    assert "<b>loss</b>" in hover(page, run_path, HOSTILE)
    assert "note = <script>alert(1)</script>" in page.locator("[data-part=same]").text_content()
    for legend in page.locator(".legend").all():
        assert "<b>loss</b>" in legend.text_content()
    assert '<img src=x onerror="alert(2)">' in page.locator("#failures").text_content()
    assert "note: <script>alert(1)</script>" in page.locator("#specification").text_content()
    assert page.locator("img").count() == 0
    run = "[...document.scripts].filter((s) => s.text.includes('alert(1)')).map((s) => s.type)"
    assert page.evaluate(run) == ["application/json"]  # the explorer's data


def test_copy_button_copies_the_command(visit: Callable[..., Any], run_path: Path) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.locator("#specification summary").click()
    button = page.locator("#specification [data-copy]")
    command = button.get_attribute("data-copy")
    button.click()
    page.wait_for_selector("#said:has-text('copied')", state="attached")
    assert page.evaluate("navigator.clipboard.readText()") == command
    assert "sweep synthetic" in command


def test_a_card_offers_its_data_as_csv(visit: Callable[..., Any], run_path: Path) -> None:
    page = visit()
    with page.expect_download() as download:
        page.locator("#hypervolume [data-csv=hypervolume]").click()
    assert download.value.suggested_filename == "hypervolume.csv"
    read = pd.read_csv(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8")))
    volumes = load_run(run_path).hypervolume()
    assert sorted(read["family"]) == sorted(volumes)


def test_figure_follows_the_colour_scheme(visit: Callable[..., Any]) -> None:
    page = visit(color_scheme="dark")
    text = "getComputedStyle(document.body).color"
    white = f"{PLOT} .main-svg[style*='rgb(255, 255, 255)']"
    dark = page.evaluate(text)
    assert page.locator(white).count() == 0
    page.emulate_media(color_scheme="light")
    page.wait_for_selector(white)
    assert page.evaluate(text) != dark
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector(white, state="detached")


@pytest.mark.slow
def test_printing_uses_light_colours(visit: Callable[..., Any]) -> None:
    page = visit(color_scheme="dark")
    paper = f"document.querySelector('{PLOT}').layout.paper_bgcolor"
    dark = page.evaluate(paper)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(paper) == "#ffffff"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(paper) == dark


@pytest.mark.parametrize(
    "width", [390, *(pytest.param(width, marks=pytest.mark.slow) for width in (820, 1440))]
)
def test_page_never_scrolls_sideways(visit: Callable[..., Any], width: int) -> None:
    page = visit(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    plot = page.locator(PLOT).bounding_box()
    assert plot["x"] >= 0
    assert plot["x"] + plot["width"] <= width


@pytest.mark.slow
def test_nothing_offers_to_upload_the_figure(visit: Callable[..., Any]) -> None:
    titles = visit().evaluate(
        "[...document.querySelectorAll('.modebar-btn')].map(b=>b.dataset.title)"
    )
    assert titles
    assert not [t for t in titles if "share" in t.lower() or "cloud" in t.lower()]
