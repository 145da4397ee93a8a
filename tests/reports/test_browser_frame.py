"""The frame of the page in a browser: contents, folded cards, sizes on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reports.test_browser import DRAW_ALL

pytestmark = pytest.mark.browser

CURRENT = ".contents a[aria-current]"
UNDER_THE_BAR = """(key) => {
  const bar = document.querySelector('.contents').getBoundingClientRect();
  const rail = bar.height > innerHeight / 2;
  return document.getElementById(key).getBoundingClientRect().top - (rail ? 0 : bar.bottom);
}"""
SMALL_TEXT = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest('script, style, noscript, option')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const { width, height } = range.getBoundingClientRect();
    if (!width || !height || !parent.checkVisibility({ visibilityProperty: true })) continue;
    const size = parseFloat(getComputedStyle(parent).fontSize);
    if (size < 12) found.push(`${size} ${node.textContent.trim().slice(0, 40)}`);
  }
  return [...new Set(found)];
}"""
SMALL_TARGETS = """() => [
    ...document.querySelectorAll('button, summary, select, .contents a, .steps a'),
  ]
  .filter((target) => target.checkVisibility({ visibilityProperty: true }))
  .map((target) => [target, target.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < 43.9 || box.width < 43.9))
  .map(([target, { width, height }]) => `${width} x ${height} ${target.outerHTML.slice(0, 90)}`)"""
SIDEWAYS = """() => [...document.querySelectorAll('main *')].filter((node) => {
  const box = node.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && node.checkVisibility()
    && !node.closest('.parallel, .pins, .contents, .unseen, svg, [data-scrolls]');
}).map((node) => node.outerHTML.slice(0, 90))"""


# Texts that can hardly be told from what is below them; what cannot be used may be faint.
FAINT_TEXT = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const solid = (colour) => parts(colour)[3] !== 0;
  const linear = (part) => (part <= 10 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || !parent.checkVisibility({ visibilityProperty: true })) continue;
    if (parent.closest('script, style, noscript, option, :disabled')) continue;
    const around = [];
    for (let each = parent; each; each = each.parentElement) around.push(getComputedStyle(each));
    const below = parts(around.map((own) => own.backgroundColor).find(solid));
    const opacity = around.reduce((all, own) => all * own.opacity, 1);
    const ink = parent.namespaceURI.endsWith('svg') ? around[0].fill : around[0].color;
    if (!opacity || !ink.startsWith('rgb')) continue;
    const mixed = below.map((part, i) => parts(ink)[i] * opacity + part * (1 - opacity));
    const [low, high] = [light(mixed), light(below)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(1)} ${node.textContent.trim().slice(0, 40)}`);
  }
  return found;
}"""
LONG = "a_very_long_aggregator_name/and_an_even_longer_forget_loss_with_many_words_in_its_name"


@pytest.fixture
def visit(chromium: Any, run_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the report at a part of it, in a window of this size."""
    contexts, trouble = [], []

    def open_page(width: int = 1440, height: int = 900, part: str = "", **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto((run_path / "report" / "index.html").as_uri() + part)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


def test_the_first_screen_holds_the_finding_in_two_sentences_and_the_front(
    visit: Callable[..., Any],
) -> None:
    page = visit()
    assert page.locator("#finding > p:visible").count() == 2
    assert not page.locator(".limits > p").first.is_visible()
    assert page.locator("#front").bounding_box()["y"] < 450
    page.get_by_text("What limits this").click()
    assert page.locator(".limits > p").first.is_visible()


def test_front_and_choice_share_a_row_where_there_is_room(visit: Callable[..., Any]) -> None:
    boxes = "['front', 'choose'].map((key) => document.getElementById(key).getBoundingClientRect())"
    for width, beside in ((1440, True), (1100, True), (1090, False), (390, False)):
        page = visit(width)
        front, choose = page.evaluate(boxes)
        assert (front["top"] == choose["top"]) is beside
        page.evaluate("document.getElementById('choose').remove()")
        whole = page.locator("#front").bounding_box()["width"]
        assert (front["width"] < whole) is beside
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [1440, 768])
def test_the_contents_stay_lead_to_a_card_open_it_and_say_where_one_is(
    visit: Callable[..., Any], width: int
) -> None:
    page = visit(width, reduced_motion="reduce")
    page.wait_for_selector(CURRENT)
    for key, title in (("anytime", "What it took"), ("hypervolume", "Hypervolume by family")):
        page.locator(".contents").get_by_role("link", name=title).focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(f"{CURRENT}:has-text('{title}')")
        assert -1 <= page.evaluate(UNDER_THE_BAR, key) <= 60
        focused = f"document.getElementById('{key}').contains(document.activeElement)"
        assert page.evaluate(focused)
    assert page.evaluate("document.querySelector('#anytime details').open")
    page.wait_for_selector("[data-figure=anytime] .main-svg", state="attached")
    assert page.locator(".contents").bounding_box()["y"] == 0
    assert page.evaluate("location.hash") == "#hypervolume"
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_selector(f"{CURRENT}:has-text('Specification')")


def test_figures_of_folded_cards_are_drawn_when_they_are_opened(
    visit: Callable[..., Any],
) -> None:
    page = visit(part="#diagnostics")
    page.wait_for_selector("[data-figure=diagnostics] .main-svg")
    assert page.locator("[data-figure=anytime] .main-svg").count() == 0
    page.locator("#anytime summary").first.press("Enter")
    page.wait_for_selector("[data-figure=anytime] .main-svg")
    assert page.locator("#anytime [data-csv]").is_visible()


def test_printing_opens_what_is_folded_and_closes_it_again(visit: Callable[..., Any]) -> None:
    page = visit()
    opened = "document.querySelectorAll('.fold[open]').length"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(opened) == page.locator(".fold").count() > 4
    page.wait_for_selector("[data-figure=anytime] .main-svg", state="attached")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(opened) == 0


def test_without_javascript_links_and_folds_work(visit: Callable[..., Any]) -> None:
    page = visit(java_script_enabled=False)
    page.keyboard.press("Tab")
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.locator(".contents").get_by_role("link", name="What it took").click()
    assert 0 <= page.locator("#anytime").bounding_box()["y"] < 900
    page.locator("#specification summary").click()
    assert page.locator("#specification pre").is_visible()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_a_phone_gets_text_that_can_be_read_and_targets_that_can_be_hit(
    visit: Callable[..., Any], scheme: str
) -> None:
    page = visit(390, 844, has_touch=True, is_mobile=True, color_scheme=scheme)
    page.evaluate(DRAW_ALL)
    page.evaluate(
        "document.querySelectorAll('main details').forEach((all) => { all.open = true; })"
    )
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    assert page.evaluate(SMALL_TEXT) == []
    assert page.evaluate(SMALL_TARGETS) == []
    assert page.evaluate(SIDEWAYS) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_below_it(
    visit: Callable[..., Any], scheme: str
) -> None:
    page = visit(color_scheme=scheme, reduced_motion="reduce")
    page.evaluate(DRAW_ALL)
    page.locator(".entry[data-family='mgda/kl_heldout']").click()  # hidden, and still to be read
    page.locator("#attainment summary").click()
    page.locator("#attainment [data-pick]").first.click()
    page.wait_for_selector("#attainment [data-pick][aria-pressed=false]")
    assert page.evaluate(FAINT_TEXT) == []


def test_a_long_name_leaves_its_number_whole(visit: Callable[..., Any]) -> None:
    page = visit(390)
    lines = """(name) => [...document.querySelectorAll('.families .entry')].map((entry) => {
      entry.querySelector('.name').textContent = name;
      const range = document.createRange();
      range.selectNodeContents(entry.querySelector('.value'));
      return range.getClientRects().length;
    })"""
    assert set(page.evaluate(lines, LONG)) == {1}


def test_paper_is_a4(visit: Callable[..., Any]) -> None:
    content = visit().pdf(prefer_css_page_size=True)
    (size,) = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content))
    assert [round(float(side) * 25.4 / 72) for side in size] == [210, 297]


def test_a_table_that_is_wider_than_the_page_scrolls_on_its_own(visit: Callable[..., Any]) -> None:
    page = visit(962, reduced_motion="reduce")
    page.locator("[data-axis=x]").select_option("average_gap")
    page.locator("[data-axis=y]").select_option("tug_of_war")
    page.wait_for_selector(".points [data-sort=tug_of_war]")
    assert page.evaluate("document.documentElement.scrollWidth") == 962


def test_paper_names_no_family_that_is_hidden(visit: Callable[..., Any]) -> None:
    page = visit()
    entry = page.locator(".entry[data-family=fine_tune]")
    entry.click()
    page.wait_for_selector(".entry[data-family=fine_tune][aria-pressed=false]")
    page.emulate_media(media="print")
    assert not entry.is_visible()
