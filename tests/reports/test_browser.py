"""The report as a reader meets it: in a browser, without a network."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

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
  const folded = [...document.querySelectorAll('main details:not([open])')];
  folded.forEach((part) => { part.open = true; });
  for (const plot of document.querySelectorAll('[data-figure]')) {
    plot.scrollIntoView({block: 'center'});
    while (!plot.classList.contains('drawn')) await new Promise(requestAnimationFrame);
  }
  folded.forEach((part) => { part.open = false; });
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


@pytest.mark.parametrize("suffix", ["png", pytest.param("svg", marks=pytest.mark.slow)])
def test_a_figure_is_saved_as_on_paper_from_the_keyboard(
    visit: Callable[..., Any], suffix: str
) -> None:
    page = visit(color_scheme="dark")
    button = page.get_by_label(f"Save the figure of “How reliably it is reached” as {suffix}")
    page.locator("#attainment summary").click()
    button.focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == f"synthetic-attainment.{suffix}"
    saved = Path(download.value.path())
    size = page.locator("[data-figure=attainment]").bounding_box()
    if suffix == "png":
        with Image.open(saved) as picture:
            assert picture.size == (round(3 * size["width"]), round(3 * size["height"]))
            assert picture.convert("RGB").getpixel((3, 3)) == (255, 255, 255)
    else:
        text = saved.read_text(encoding="utf-8")
        assert "rgb(255, 255, 255)" in text
        assert f'width="{round(size["width"])}"' in text
    shown = "document.querySelector('[data-figure=attainment]').layout.paper_bgcolor"
    assert page.evaluate(shown) == "#14171c"  # the page stays as it is


@pytest.mark.slow
def test_every_figure_can_be_saved(visit: Callable[..., Any]) -> None:
    cards = visit().locator(".card:has([data-figure])")
    assert cards.count() == cards.locator("[data-image=png]").count() > 3
    assert cards.count() == cards.locator("[data-image=svg]").count()


def test_figures_are_drawn_when_they_come_near(browser: Any, run_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto((run_path / "report" / "index.html").as_uri())
    far, folded = page.locator("#differences"), page.locator("#diagnostics")
    page.evaluate("() => new Promise((done) => requestIdleCallback(done))")
    assert page.locator("[data-figure] .main-svg").count() == 0
    far.locator("[data-figure]").scroll_into_view_if_needed()
    far.locator(".main-svg").first.wait_for(state="visible")
    folded.scroll_into_view_if_needed()
    assert folded.locator(".main-svg").count() == 0
    folded.locator("summary").click()
    folded.locator(".main-svg").first.wait_for(state="visible")
    page.close()


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


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 390])
def test_on_paper_figures_are_whole_and_controls_are_gone(
    browser: Any, run_path: Path, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((run_path / "report" / "index.html").as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 900})  # of A4 within its margins
    plots = page.locator("[data-figure]")
    assert plots.count() == page.locator("[data-figure].drawn").count() > 3
    for box in (plot.bounding_box() for plot in plots.all()):
        assert box["x"] + box["width"] <= 703
        assert 100 < box["height"] < 940  # a page of letter paper within its margins
    for svg in page.locator("[data-figure] .main-svg").all():
        assert svg.bounding_box()["width"] <= 703
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    assert page.locator(".modebar:visible, .card button.no-print:visible").count() == 0
    assert page.locator("details:not([open], .no-print)").count() == 0
    assert page.locator("#specification code:visible").count() > 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
    page.close()


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
