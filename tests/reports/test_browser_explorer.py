"""The linked explorer in a browser: what one part selects, the others show."""

from __future__ import annotations

import io
import json
import shlex
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pareto_explorer.fronts import Box, Objective
from pareto_explorer.reports.cards.front import front_card
from pareto_explorer.reports.cards.points import points_card
from pareto_explorer.reports.html import render_page
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results import load_runs
from pareto_explorer.results.run import MEMBER, load_run
from tests.reports.shared.test_explorer_data import crowd
from tests.reports.test_browser import HOSTILE, PLACE, browser, visit
from tests.synthetic import write_synthetic_run

__all__ = ["browser", "visit"]  # fixtures

pytestmark = pytest.mark.browser

PIXELS = """async () => {
  const sheet = document.querySelector('.plane canvas');
  sheet.parentElement.scrollIntoView({block: 'center'});  // it is drawn when it is seen
  const frame = () => new Promise(requestAnimationFrame);
  do await frame(); while (sheet.closest('[aria-busy=true]'));
  const { data } = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] + data[i + 3]) % 1000003;
  return sum;
}"""
TOO_SMALL = """() => ['button', 'select', 'summary']
  .flatMap((tag) => [...document.querySelectorAll(`.explorer ${tag}`)])
  .filter((node) => node.checkVisibility() && !node.closest('.modebar'))
  .filter((node) => node.getBoundingClientRect().height < 44).map((node) => node.textContent)"""
UNREADABLE = """() => [...document.querySelectorAll('.explorer *')]
  .filter((node) => node.checkVisibility())
  .filter((node) => [...node.childNodes].some((part) => part.nodeType === 3 && part.data.trim()))
  .filter((node) => parseFloat(getComputedStyle(node).fontSize) < 12)
  .map((node) => node.textContent)"""
PIN = """(id) => {
  document.addEventListener('pinned', ({detail}) => { window.told = detail.ids; });
  document.dispatchEvent(new CustomEvent('pin', {detail: {id}}));
}"""
# What a picture of the canvas above the axes holds, to see whether it has changed
DOTS = """(of) => {
  const sheet = document.querySelector(of);
  const { data } = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] + data[i + 3]) % 1000003;
  return sum;
}"""
# The embedded data with one family and one point more, as a page that is live would take it
NEW_FAMILY = """() => {
  const data = JSON.parse(document.getElementById('payloads').textContent).front;
  data.families.push({...data.families[0], name: 'quite new', volume: 0.5, counts: [1, 1, 0]});
  data.family.push(data.families.length - 1);
  data.level.push(1);
  data.trial.texts.push('trial-new');
  data.trial.codes.push(data.trial.texts.length - 1);
  for (const column of data.columns) for (const part of [column, column.spread ?? {}]) {
    if (part.values) part.values.push(part.values[0]);
    if (part.codes) part.codes.push(part.codes[0]);
  }
  data.rows += 1;
  window.take(data);
}"""


@pytest.fixture
def means(run_path: Path) -> pd.DataFrame:
    return load_run(run_path).means()


@pytest.fixture
def page(visit: Callable[..., Any]) -> Any:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.wait_for_selector(".dots", state="attached")
    return page


@pytest.fixture
def drawn(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a page with the explorer of other material."""
    contexts, trouble = [], []

    def open_page(material: Material, told: str = "", width: int = 1440) -> Any:
        path = tmp_path / "page.html"
        html = render_page("page", [front_card(material), points_card(material)], material)
        start = 'document.addEventListener("sections", start);'
        assert start in html
        path.write_text(html.replace(start, start + told), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector(".cloud .main-svg", state="visible")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


def settle(page: Any) -> None:
    """Waits until every part shows the state."""
    page.wait_for_selector(".explorer[aria-busy=true]", state="detached")


def found(page: Any) -> tuple[int, int]:
    """How many points are selected, and of how many."""
    settle(page)
    words = page.locator(".found").text_content().replace(",", "").split()
    return int(words[0]), int(words[words.index("points") - 1])


def rows(page: Any) -> list[str]:
    return page.locator("table.points tbody th .name").all_text_contents()


def every_point(page: Any) -> None:
    page.locator("[data-level='0']").click()
    settle(page)


def download(page: Any) -> pd.DataFrame:
    with page.expect_download() as event:
        page.locator("[data-do=csv]").click()
    return pd.read_csv(io.StringIO(Path(event.value.path()).read_text(encoding="utf-8")))


def drag(page: Any, start: Any, end: Any) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=3)
    page.mouse.move(*end, steps=3)
    page.mouse.up()


def field(page: Any, name: str) -> Any:
    return page.locator(f"input[aria-label='{name}']")


def test_it_starts_with_the_front(page: Any, means: pd.DataFrame) -> None:
    front = means[means["on_front"]].sort_values("forget_gap")
    assert found(page) == (len(front), len(means))
    assert rows(page) == front["family"].tolist()[:10]
    page.locator("[data-level='1']").click()
    assert found(page) == (means["on_family_front"].sum(), len(means))
    every_point(page)
    assert found(page) == (len(means), len(means))


def test_a_brush_in_the_figure_filters_lines_and_table(page: Any, means: pd.DataFrame) -> None:
    every_point(page)
    before = page.evaluate(PIXELS)
    start, end = page.evaluate(PLACE, [0.05, 0.002]), page.evaluate(PLACE, [0.4, 0.05])
    drag(page, start, end)
    page.get_by_role("button", name="Clear filters").wait_for()
    limits = {
        (metric, side): float(field(page, f"{name}: at {side}").input_value())
        for metric, name in (("forget_gap", "Forget gap"), ("retain_gap", "Retain gap"))
        for side in ("least", "most")
    }
    assert limits["forget_gap", "least"] == pytest.approx(0.05, abs=0.01)
    assert limits["forget_gap", "most"] == pytest.approx(0.4, abs=0.01)
    assert limits["retain_gap", "most"] == pytest.approx(0.05, abs=0.003)
    inside = means["forget_gap"].between(0.05, 0.4) & means["retain_gap"].between(0.002, 0.05)
    number, _ = found(page)
    assert number == pytest.approx(inside.sum(), abs=2)
    assert page.evaluate(PIXELS) != before
    table = download(page)
    assert len(table) == number
    assert table["forget_gap"].between(0.04, 0.41).all()
    page.get_by_role("button", name="Clear filters").click()
    assert found(page)[0] == len(means)
    assert page.evaluate(PIXELS) == before


def test_a_brush_on_an_axis_filters_figure_and_table(page: Any, means: pd.DataFrame) -> None:
    every_point(page)
    track = page.locator(".dimension", has_text="Retain gap").locator(".track")
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    middle = box["x"] + box["width"] / 2
    drag(page, (middle, box["y"] + 236), (middle, box["y"] + 200))
    number, total = found(page)
    assert 0 < number < total
    most = float(field(page, "Retain gap: at most").input_value())
    table = download(page)
    assert len(table) == number == (means["retain_gap"] <= most + 1e-9).sum()
    page.mouse.click(middle, box["y"] + 100)
    assert found(page)[0] == total


def test_limits_can_be_typed(page: Any, means: pd.DataFrame) -> None:
    every_point(page)
    limit = field(page, "Forget gap: at most")
    limit.fill("0.1")
    limit.press("Enter")
    assert found(page)[0] == (means["forget_gap"] <= 0.1).sum()
    limit.fill("nonsense")
    limit.press("Enter")
    assert limit.input_value() == "0.1"
    limit.fill("")
    limit.press("Enter")
    assert found(page)[0] == len(means)


def test_filters_add_up_over_knobs_with_missing_values(page: Any, means: pd.DataFrame) -> None:
    every_point(page)
    limit = field(page, "intensity: at least")
    limit.fill("0.5")
    limit.press("Enter")
    field(page, "Step: at least").fill("40")
    field(page, "Step: at least").press("Enter")
    wanted = (means["config.intensity"] >= 0.5) & (means["step"] >= 40)
    table = download(page)
    assert len(table) == found(page)[0] == wanted.sum()
    assert set(table["family"]) == {"cup/negative_cross_entropy"}


def test_a_redraw_leaves_the_field_that_is_typed_into(page: Any, means: pd.DataFrame) -> None:
    every_point(page)
    step = field(page, "Step: at least")
    step.fill("40")
    page.evaluate("() => document.querySelector(\"[data-level='1']\").click()")  # keeps the focus
    settle(page)
    assert step.input_value() == "40"
    step.press("Enter")
    wanted = means["on_family_front"] & (means["step"] >= 40)
    assert found(page)[0] == wanted.sum()
    step.fill("no number")
    step.press("Enter")
    assert step.input_value() == "40"
    assert found(page)[0] == wanted.sum()


def test_texts_are_filtered_by_their_values(page: Any, means: pd.DataFrame) -> None:
    every_point(page)
    page.locator(".dimensions summary").click()
    page.get_by_label("Forget loss", exact=True).check()
    page.get_by_label("Forget loss: only").select_option(label=HOSTILE.partition("/")[2])
    assert found(page)[0] == (means["family"] == HOSTILE).sum()
    page.get_by_label("Forget loss: only").select_option(label="any")
    assert found(page)[0] == len(means)
    page.get_by_label("Forget loss", exact=True).uncheck()
    settle(page)
    assert page.get_by_label("Forget loss: only").count() == 0


def test_the_csv_has_every_column_of_the_selection(page: Any, means: pd.DataFrame) -> None:
    table = download(page).set_index(["trial_id", "step"]).sort_index()
    front = means[means["on_front"]].set_index(["trial_id", "step"]).sort_index()
    assert table.index.tolist() == front.index.tolist()
    for name in ("forget_gap", "retain_gap.std", "config.lr", "test_accuracy", "cosine"):
        assert table[name].tolist() == pytest.approx(front[name].tolist(), rel=5e-3, nan_ok=True)
    assert set(table["config.optimizer"].dropna()) == {"sgd"}


def test_axes_can_be_chosen(page: Any, means: pd.DataFrame) -> None:
    page.locator("[data-axis=x]").select_option("config.lr")
    page.locator("[data-axis=y]").select_option("cosine")
    settle(page)
    titles = "['xaxis', 'yaxis'].map((a) => document.querySelector('.cloud').layout[a].title.text)"
    assert page.evaluate(titles) == ["lr", "Cosine"]
    assert page.locator("table.points thead").get_by_text("Cosine").count() == 1
    page.locator("[data-axis=y]").select_option("retain_gap")
    settle(page)
    assert page.evaluate(titles)[1].startswith("Retain gap, ← lower is better")


def test_sorting_and_paging(page: Any, means: pd.DataFrame) -> None:
    every_point(page)
    page.get_by_role("button", name="Test accuracy").click()
    settle(page)
    header = page.locator("th[aria-sort]", has_text="Test accuracy")
    assert header.get_attribute("aria-sort") == "descending"  # best first
    assert page.evaluate("document.activeElement.textContent").startswith("Test accuracy")
    best = means.sort_values("test_accuracy", ascending=False)
    assert rows(page)[0] == best["family"].iloc[0]
    page.keyboard.press("Enter")
    settle(page)
    assert header.get_attribute("aria-sort") == "ascending"
    assert rows(page)[0] == best["family"].iloc[-1]
    assert page.locator(".pager span").text_content() == f"1–10 of {len(means)}"
    page.get_by_role("button", name="Next").click()
    settle(page)
    assert page.locator(".pager span").text_content() == f"11–20 of {len(means)}"
    assert page.get_by_role("button", name="Previous").is_enabled()


def test_pinning_from_the_keyboard_tells_everything(page: Any, run_path: Path) -> None:
    run = load_run(run_path)
    point = run.means().query("on_front").sort_values("forget_gap").iloc[0]
    button = page.locator(".points .pin").first
    button.focus()
    page.keyboard.press("Enter")
    settle(page)
    assert button.get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.className") == "pin"  # the focus stays
    text = page.locator(".pins").text_content()
    for part in (point["family"], point["trial_id"], f"step {point['step']}", "Original model"):
        assert part in text
    assert f"{point['forget_gap']:.4f} ± {point['forget_gap.std']:.4f}" in text
    retrained = run.landmarks.query("landmark == 'retrained'")["test_accuracy"].mean()
    away = point["test_accuracy"] - retrained
    assert f"{'−' if away < 0 else '+'}{abs(away):.4f} from retrained" in text
    run_words, step = [str(run_path), "--trial", point["trial_id"]], ["--step", str(point["step"])]
    space = ["--space", "SPACE.yaml"]  # a forget loss of the run is code of the user's own
    copied = [shlex.split(command) for command in copies(page)]
    assert copied[:3] == [
        ["pareto-explorer", "reproduce", *run_words, "--replicate", str(replicate), *step, *space]
        for replicate in range(3)
    ]
    assert copied[3:] == [
        ["pareto-explorer", "select", *run_words, *step, "--export", "model.safetensors", *space]
    ]
    page.locator(".pins [data-copy]").last.click()
    page.wait_for_selector("#said:has-text('copied')", state="attached")
    assert shlex.split(page.evaluate("navigator.clipboard.readText()")) == copied[3]


def copies(page: Any) -> list[str]:
    return page.locator(".pins [data-copy]").evaluate_all("all => all.map(b => b.dataset.copy)")


def test_clicking_a_point_pins_it_and_clicking_again_unpins_it(
    page: Any, means: pd.DataFrame
) -> None:
    point = means[means["on_front"]].sort_values("forget_gap").iloc[0]
    place = page.evaluate(PLACE, [point["forget_gap"], point["retain_gap"]])
    page.mouse.click(*place)
    page.wait_for_selector(".pins thead .family")
    assert point["trial_id"] in page.locator(".pins thead").text_content()
    page.mouse.click(*page.evaluate(PLACE, [point["forget_gap"], point["retain_gap"]]))
    page.wait_for_selector(".pins", state="hidden")


def test_several_pins_stand_beside_one_another(page: Any) -> None:
    for number in (0, 2):
        page.locator(".points .pin").nth(number).press("Enter")
        settle(page)
    names = page.locator(".pins thead .name").all_text_contents()
    assert [name[0] for name in names] == ["A", "B"]
    first = page.locator(".pins [data-unpin]").first
    first.focus()
    page.keyboard.press("Enter")
    settle(page)
    assert page.locator(".pins [data-unpin]").count() == 1
    assert page.evaluate("'unpin' in document.activeElement.dataset")  # the focus is not lost
    page.get_by_role("button", name="Unpin all").click()
    settle(page)
    assert page.locator(".pins").is_hidden()


def test_pointing_at_a_point_tells_its_configuration(page: Any, means: pd.DataFrame) -> None:
    point = means[means["on_front"]].sort_values("forget_gap").iloc[0]
    page.mouse.move(*page.evaluate(PLACE, [point["forget_gap"], point["retain_gap"]]))
    page.wait_for_selector(".tip", state="visible")
    text = page.locator(".tip").text_content()
    for part in (point["family"], f"step {point['step']}", "lr = ", "Forget gap", "±"):
        assert part in text


def test_the_legend_filters_figure_and_table_together(page: Any, means: pd.DataFrame) -> None:
    every_point(page)
    entry = page.locator(".families .entry", has_text="fine_tune")
    for hidden in (True, False):
        entry.click()
        shown = means["family"] != "fine_tune" if hidden else means["family"].notna()
        assert found(page)[1] == shown.sum()
        assert entry.get_attribute("aria-pressed") == str(not hidden).lower()
    page.get_by_label(f"Show {HOSTILE} alone").focus()
    page.keyboard.press("Enter")
    assert found(page)[1] == (means["family"] == HOSTILE).sum()
    assert set(rows(page)) == {HOSTILE}
    page.locator("#front").get_by_role("button", name="none", exact=True).click()
    assert found(page) == (0, 0)
    assert "No point passes" in page.locator(".points tbody").first.text_content()
    page.locator("#front").get_by_role("button", name="all", exact=True).click()
    assert found(page)[1] == len(means)


def test_it_follows_the_colour_scheme(page: Any) -> None:
    paper = "document.querySelector('.cloud').layout.paper_bgcolor"
    light, lines = page.evaluate(paper), page.evaluate(PIXELS)
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector(".cloud .main-svg[style*='rgb(20, 23, 28)']")
    assert page.evaluate(paper) != light
    assert page.evaluate(PIXELS) != lines
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(paper) == light
    page.evaluate("dispatchEvent(new Event('afterprint'))")


@pytest.mark.slow
def test_a_phone_pins_by_touch(visit: Callable[..., Any], means: pd.DataFrame) -> None:
    page = visit(390, has_touch=True, is_mobile=True)
    point = means[means["on_front"]].sort_values("forget_gap").iloc[0]
    page.touchscreen.tap(*page.evaluate(PLACE, [point["forget_gap"], point["retain_gap"]]))
    page.wait_for_selector(".pins thead .family", state="attached")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
def test_three_objectives_are_shown_in_space_and_in_the_plane(
    drawn: Callable[[Material], Any], run_path: Path
) -> None:
    run = load_run(run_path)
    box = Box((*run.box.objectives, Objective("js_divergence", "min", 0.0, 0.6)))
    page = drawn(Material(replace(run, box=box)))
    kinds = "[...new Set(document.querySelector('.cloud').data.map((trace) => trace.type))]"
    if page.locator("[data-axis=z]").is_enabled():  # there is WebGL
        assert page.evaluate(kinds) == ["scatter3d"]
        mark = page.locator("[data-draw=original] path")
        in_space = mark.get_attribute("d")  # where Plotly has other marks
        page.locator("[data-axis=z]").select_option("")
        settle(page)
        assert mark.get_attribute("d") != in_space
    assert page.evaluate(kinds) == ["scatter"]
    assert page.locator(".dots:not(.over)").count() == 1
    field(page, "JS divergence: at most").fill("0.1")
    field(page, "JS divergence: at most").press("Enter")
    number, total = found(page)
    assert number < total


@pytest.mark.slow
def test_on_a_phone_space_has_its_titles_whole(drawn: Callable[..., Any], run_path: Path) -> None:
    run = load_run(run_path)
    box = Box((*run.box.objectives, Objective("js_divergence", "min", 0.0, 0.6)))
    page = drawn(Material(replace(run, box=box)), width=390)
    if not page.locator("[data-axis=z]").is_enabled():
        pytest.skip("there is no WebGL")
    picture = """async () => {
      const plot = document.querySelector('.cloud');
      const size = { width: plot.clientWidth, height: plot.clientHeight };
      return (await Plotly.toImage(plot, { format: 'png', ...size })).split(',')[1];
    }"""
    with Image.open(io.BytesIO(b64decode(page.evaluate(picture)))) as image:
        grey = np.asarray(image.convert("L"))
    assert grey.min() < 100
    assert grey[:, [0, 1, -2, -1]].min() > 200  # nothing reaches the sides


@pytest.mark.slow
def test_twenty_thousand_points_are_drawn_and_filtered(
    drawn: Callable[[Material], Any], run_path: Path
) -> None:
    run = load_run(run_path)
    many = crowd(Material(run), 440)
    total = len(many.run.means())
    assert total > 20_000
    page = drawn(many)
    every_point(page)
    number, shown = found(page)
    assert 20_000 <= number == shown <= total
    assert "that lie on top of others are left out" in page.locator("#front").text_content()
    page.locator(".parallel").scroll_into_view_if_needed()
    page.wait_for_selector("[data-part=lines]:has-text('Lines are drawn for')")
    field(page, "Step: at most").fill("20")
    field(page, "Step: at most").press("Enter")
    settle(page)
    assert 0 < found(page)[0] < number


@pytest.mark.slow
def test_with_several_runs_a_command_names_the_run_that_made_the_model(
    drawn: Callable[[Material], Any], run_path: Path
) -> None:
    run = load_run(run_path)
    points = run.points.assign(trial_id="one" + MEMBER + run.points["trial_id"])
    page = drawn(Material(replace(run, points=points, members={"one": run})))
    page.locator(".points .pin").first.press("Enter")
    settle(page)
    words = shlex.split(copies(page)[0])
    assert words[2] == str(run_path)
    assert words[4] in set(run.points["trial_id"])


@pytest.mark.slow
def test_an_imported_run_offers_no_commands(
    drawn: Callable[[Material], Any], run_path: Path
) -> None:
    run = load_run(run_path)
    page = drawn(Material(replace(run, manifest=run.manifest | {"imported": {}})))
    page.locator(".points .pin").first.press("Enter")
    settle(page)
    assert copies(page) == []
    assert "cannot be run again" in page.locator(".pins").text_content()


@pytest.mark.parametrize("what", ["stairs", "pooled", "box", "trails", "original", "between"])
def test_a_switch_draws_something_and_undraws_it(page: Any, what: str) -> None:
    before = page.evaluate(DOTS, ".dots")
    switch = page.locator(f"[data-draw={what}]")
    pressed = switch.get_attribute("aria-pressed")
    switch.click()
    settle(page)
    assert switch.get_attribute("aria-pressed") != pressed
    assert page.evaluate(DOTS, ".dots") != before
    switch.click()
    settle(page)
    assert page.evaluate(DOTS, ".dots") == before


def test_the_area_is_that_of_the_family_pointed_at_or_shown_alone(page: Any) -> None:
    nothing = page.evaluate(DOTS, ".over")
    page.locator(".families .entry").first.hover()
    settle(page)
    lit = page.evaluate(DOTS, ".over")
    assert lit != nothing
    page.mouse.move(5, 5)
    settle(page)
    assert page.evaluate(DOTS, ".over") == nothing
    page.locator(".families .only").first.focus()
    page.keyboard.press("Enter")
    settle(page)
    assert page.evaluate(DOTS, ".over") == lit


def test_the_view_goes_to_the_front_and_back(page: Any, means: pd.DataFrame) -> None:
    ends = "['xaxis', 'yaxis'].map((a) => document.querySelector('.cloud')._fullLayout[a].range)"
    box = page.evaluate(ends)
    page.locator("[data-view=front]").click()
    settle(page)
    (x0, x1), (y0, y1) = page.evaluate(ends)
    front = means[means["on_front"]]
    assert front["forget_gap"].between(x0, x1).all()
    assert front["retain_gap"].between(y0, y1).all()
    assert y1 - y0 < box[1][1] - box[1][0]
    page.locator("[data-view=all]").click()
    settle(page)
    (x0, x1), (y0, y1) = page.evaluate(ends)
    assert means["forget_gap"].between(x0, x1).all()
    assert means["retain_gap"].between(y0, y1).all()
    page.locator("[data-view=box]").click()
    settle(page)
    assert page.evaluate(ends) == box
    assert "Not in this view" in page.locator("[data-part=outside]").text_content()


def test_colours_by_a_number_and_by_a_text(page: Any) -> None:
    families = page.evaluate(DOTS, ".dots")
    page.locator("[data-colour]").select_option("config.lr")
    settle(page)
    assert page.evaluate(DOTS, ".dots") != families
    assert page.locator(".scale .bar").count() == 1
    page.locator("[data-colour]").select_option("aggregator")
    settle(page)
    told = page.locator(".scale .of").all_text_contents()
    assert told == ["cup", "mgda", "upgrad", "weighted_sum", "not set"]
    page.locator("[data-colour]").select_option("family")
    settle(page)
    assert page.locator(".scale").is_hidden()
    assert page.evaluate(DOTS, ".dots") == families


def test_the_search_selects_with_the_filters(page: Any, means: pd.DataFrame) -> None:
    page.locator("[data-level='1']").click()
    page.locator("[data-search]").fill("UPGRAD kl_heldout lr")
    wanted = means["on_family_front"] & (means["family"] == "upgrad/kl_heldout")
    page.wait_for_selector(f".found:has-text('{wanted.sum()} of {len(means)} points selected')")
    settle(page)
    assert set(rows(page)) == {"upgrad/kl_heldout"}
    page.locator("[data-search]").fill("diverged")
    page.wait_for_selector(".points td:has-text('No point passes'), .points .name:has-text('mgda')")
    page.get_by_role("button", name="Clear filters").click()
    assert found(page) == (means["on_family_front"].sum(), len(means))


def test_what_is_the_same_for_all_is_said_once(page: Any) -> None:
    said = page.locator("[data-part=same]").text_content()
    assert "optimizer = sgd" in said
    assert "optimizer" not in page.locator("table.points").text_content()
    assert page.locator("[data-axis=x] option[value='config.optimizer']").count() == 0
    page.locator(".points .pin").first.press("Enter")
    settle(page)
    assert "optimizer" not in page.locator(".pins").text_content()


def test_a_link_shows_the_same(page: Any, visit: Callable[..., Any]) -> None:
    page.locator("[data-level='1']").click()
    page.locator("[data-axis=x]").select_option("config.lr")
    page.locator("[data-colour]").select_option("step")
    page.locator("[data-view=all]").click()
    page.locator("[data-draw=stairs]").click()
    page.locator(".families .entry", has_text="fine_tune").click()
    field(page, "Retain gap: at most").fill("0.05")
    field(page, "Retain gap: at most").press("Enter")
    page.locator(".points .pin").first.press("Enter")
    settle(page)
    page.locator("[data-do=link]").click()
    page.wait_for_selector("#said:has-text('copied')", state="attached")
    link = page.evaluate("navigator.clipboard.readText()")
    dots = page.evaluate(DOTS, ".dots")
    other = visit()
    other.goto("about:blank")
    other.goto(link)
    other.wait_for_selector(".dots", state="attached")
    settle(other)
    assert found(other) == found(page)
    assert rows(other) == rows(page)
    assert other.locator("[data-axis=x]").input_value() == "config.lr"
    assert other.locator("[data-colour]").input_value() == "step"
    assert other.locator("[data-unpin]").count() == 1
    assert other.evaluate(DOTS, ".dots") == dots


def test_a_link_that_makes_no_sense_and_one_to_a_card_change_nothing(page: Any) -> None:
    before = found(page), rows(page)
    for fragment in (
        "level=9&x=nothing&colour=%F0%28&view=1~2&where=~~,forget_gap~a~b&hide=<img>&sort=-&axes=q",
        "hypervolume",
    ):
        page.evaluate("(fragment) => { location.hash = fragment; }", fragment)
        settle(page)
        assert (found(page), rows(page)) == before
    assert page.evaluate("scrollY") > 0  # the card is there


def test_back_to_python_with_the_ids_of_pins_or_of_the_selection(page: Any, run_path: Path) -> None:
    front = load_run(run_path).means().query("on_front").sort_values("forget_gap")
    ids = [f"{t}@{s}" for t, s in zip(front["trial_id"], front["step"], strict=True)]
    copied = []
    for pins in (0, 1):
        for button in page.locator(".points .pin").all()[:pins]:
            button.press("Enter")
            settle(page)
        button = page.locator("[data-do=python]")
        page.wait_for_selector(f"[data-do=python]:has-text('{'1 pinned' if pins else 'selected'}')")
        button.click()
        copied.append(button.get_attribute("data-copy"))
        page.wait_for_selector("#said:has-text('copied')", state="attached")
        page.wait_for_selector("[data-do=python]:has-text('Copy')")
    assert [json.loads(text.removeprefix("run.points_of(")[:-1]) for text in copied] == [
        ids,
        ids[:1],
    ]


def test_points_are_walked_and_pinned_with_the_keyboard(page: Any) -> None:
    page.locator(".cloud").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#said").text_content()
    assert "step" in first
    page.keyboard.press("ArrowRight")
    assert page.locator("#said").text_content() != first
    page.keyboard.press("ArrowLeft")
    assert page.locator("#said").text_content() == first
    page.keyboard.press("Enter")
    settle(page)
    assert page.locator("[data-unpin]").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".tip").is_hidden()


def test_an_axis_is_brushed_with_the_keyboard(page: Any, means: pd.DataFrame) -> None:
    every_point(page)
    track = page.locator(".dimension", has_text="Retain gap").locator(".track")
    track.focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        settle(page)
    most = float(field(page, "Retain gap: at most").input_value())
    number, total = found(page)
    assert number == pytest.approx((means["retain_gap"] <= most).sum(), abs=1)
    assert number < total
    page.keyboard.press("Escape")
    assert found(page)[0] == total


def test_new_data_keeps_what_the_reader_did(drawn: Callable[..., Any], run_path: Path) -> None:
    page = drawn(Material(load_run(run_path)), "window.take = (data) => explorer.take(data);")
    page.locator("[data-level='1']").click()
    page.locator("[data-colour]").select_option("step")
    settle(page)
    page.locator(".points .pin").first.press("Enter")
    page.locator("[data-search]").fill("upgrad")
    wanted = load_run(run_path).means().query("on_family_front")["family"]
    number = wanted.str.startswith("upgrad").sum()
    page.wait_for_selector(f".found:has-text('{number} of')")
    settle(page)
    pinned = page.locator("[data-unpin]").get_attribute("data-unpin")
    before = found(page)
    page.evaluate(NEW_FAMILY)
    settle(page)
    assert page.locator(".families .entry", has_text="quite new").count() == 1
    assert found(page) == (before[0], before[1] + 1)
    assert page.locator("[data-unpin]").get_attribute("data-unpin") == pinned
    assert page.locator("[data-colour]").input_value() == "step"
    assert page.locator("[data-search]").input_value() == "upgrad"


def test_the_choice_is_marked_and_a_pin_asked_for_is_told(page: Any) -> None:
    tell = "(id) => document.dispatchEvent(new CustomEvent('chosen', {detail: {ids: [id]}}))"
    page.evaluate(tell, "none@1")
    settle(page)
    before = page.evaluate(DOTS, ".dots")
    name = page.locator("table.points tbody tr").first.get_attribute("data-id")
    page.evaluate(tell, name)
    settle(page)
    assert page.evaluate(DOTS, ".dots") != before
    page.evaluate(tell, "no such point@1")
    settle(page)
    assert page.evaluate(DOTS, ".dots") == before
    page.evaluate(PIN, name)
    settle(page)
    assert page.evaluate("window.told") == [name]


@pytest.mark.parametrize("of", ["scatter", "parallel"])
def test_pictures_can_be_saved(page: Any, of: str) -> None:
    for kind, start in (("png", b"\x89PNG"), ("svg", b"<svg ")):
        with page.expect_download() as event:
            page.locator(f"[data-image={kind}][data-of={of}]").click()
        assert event.value.suggested_filename == f"synthetic-{of}.{kind}"
        content = Path(event.value.path()).read_bytes()
        assert content.startswith(start)
        if kind == "svg":
            root = ElementTree.fromstring(content)  # noqa: S314 - our own
            shapes = root.findall(".//{http://www.w3.org/2000/svg}path")
            assert len(shapes) > 20
            assert "upgrad/kl_heldout" in content.decode()


def test_every_target_is_as_large_as_a_finger_and_every_text_can_be_read(
    visit: Callable[..., Any],
) -> None:
    page = visit(390, has_touch=True, is_mobile=True)
    assert page.evaluate(TOO_SMALL) == []
    assert page.evaluate(UNREADABLE) == []


@pytest.mark.slow
def test_of_two_runs_colour_is_the_family_and_shape_the_run(
    drawn: Callable[[Material], Any], tmp_path: Path
) -> None:
    paths = [write_synthetic_run(tmp_path / name).path for name in ("old", "new")]
    page = drawn(Material(load_runs([str(path) for path in paths])))
    marks = page.locator(".families li").evaluate_all(
        "all => all.map((li) => [li.querySelector('.name').textContent, "
        "li.querySelector('svg').style.cssText, li.querySelector('path').getAttribute('d')])"
    )
    looks = {name: look for name, *look in marks}
    old, new = looks["old: upgrad/kl_heldout"], looks["new: upgrad/kl_heldout"]
    assert old[0] == new[0]
    assert old[1] != new[1]
    page.locator("[data-colour]").select_option("run")
    settle(page)
    assert page.locator(".scale .of").all_text_contents() == ["old", "new"]
