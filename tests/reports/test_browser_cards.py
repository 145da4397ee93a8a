"""What the cards' own buttons do, in a browser."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pareto_explorer.audits.records import write_audit
from pareto_explorer.reports import write_report
from pareto_explorer.results.run import load_run
from pareto_explorer.runs import read_manifest, write_manifest
from pareto_explorer.sweeps.audit.pictures import png
from tests.audited import computed_audits
from tests.reports.test_browser import DRAW_ALL, browser, visit
from tests.synthetic import write_synthetic_run

__all__ = ["browser", "visit"]  # fixtures

pytestmark = pytest.mark.browser

VISIBLE = """([card, family]) => document.querySelector(`[data-figure=${card}]`).data
  .filter((t) => t.legendgroup === 'family ' + family).map((t) => t.visible)"""


def unfold(page: Any, card: str) -> Any:
    """Opens a card, if it is folded, and waits for its figure."""
    page.locator(f"#{card} > .fold").evaluate_all("(all) => all.forEach((f) => { f.open = true; })")
    page.wait_for_selector(f"[data-figure={card}].drawn")
    return page


@pytest.mark.parametrize(
    "card",
    [
        "anytime",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("attainment", "diagnostics")),
    ],
)
def test_a_pick_hides_and_shows_its_family_only_in_its_figure(
    visit: Callable[..., Any], card: str
) -> None:
    page = unfold(visit(), card)
    pick = page.locator(f"#{card} .pick", has_text="upgrad/kl_heldout")
    before = page.evaluate(VISIBLE, [card, "upgrad/kl_uniform"])
    for expected in ("false", "true"):
        pick.focus()
        page.keyboard.press("Enter")
        assert pick.get_attribute("aria-pressed") == expected
        shown = page.evaluate(VISIBLE, [card, "upgrad/kl_heldout"])
        assert set(shown) == {expected == "true"}
        assert page.evaluate(VISIBLE, [card, "upgrad/kl_uniform"]) == before
    entry = page.locator("#front .families .entry", has_text="upgrad/kl_heldout")
    assert entry.get_attribute("aria-pressed") == "true"


@pytest.mark.slow
def test_anytime_changes_its_axis(visit: Callable[..., Any]) -> None:
    page = unfold(visit(), "anytime")
    axis = "document.querySelector('[data-figure=anytime]').layout.xaxis.title.text"
    ends = "document.querySelector('[data-figure=anytime]').data.map((t) => t.x.at(-1))"
    shape = "document.querySelector('[data-figure=anytime]').data.at(-2).line.shape"
    configurations = page.evaluate(ends)
    assert page.evaluate(shape) == "linear"
    samples = page.locator("#anytime .views button", has_text="samples")
    samples.click()
    assert page.evaluate(axis) == "samples processed, one replicate"
    assert page.evaluate(ends) != configurations
    assert page.evaluate(shape) == "hv"
    assert samples.get_attribute("aria-pressed") == "true"
    page.locator("#anytime .views button", has_text="configurations").click()
    assert page.evaluate(ends) == configurations
    assert samples.get_attribute("aria-pressed") == "false"


@pytest.mark.slow
@pytest.mark.parametrize("card", ["attainment", "differences"])
def test_the_whole_box_can_be_shown(visit: Callable[..., Any], card: str) -> None:
    page = unfold(visit(), card)
    high = f"document.querySelector('[data-figure={card}]')._fullLayout.xaxis.range[1]"
    near = page.evaluate(high)
    page.locator(f"#{card} .views button", has_text="the whole box").click()
    assert page.evaluate(high) > near
    page.locator(f"#{card} .views button", has_text="near the front").click()
    assert page.evaluate(high) == pytest.approx(near)


@pytest.mark.slow
def test_a_phone_gets_one_panel_below_the_other(visit: Callable[..., Any]) -> None:
    domains = """['xaxis', 'xaxis2', 'xaxis3'].map((axis) =>
      document.querySelector('[data-figure=diagnostics]')._fullLayout[axis].domain)"""
    narrow, wide = (unfold(visit(width), "diagnostics").evaluate(domains) for width in (390, 1440))
    assert narrow == [[0, 1]] * 3
    assert len({tuple(domain) for domain in wide}) == 3


@pytest.mark.slow
def test_figures_of_cards_follow_the_colour_scheme(visit: Callable[..., Any]) -> None:
    page = visit(color_scheme="dark")
    white = "[data-figure=differences] .main-svg[style*='rgb(255, 255, 255)']"
    tint = """document.querySelector('[data-figure=differences]').data
      .find((t) => t.meta.role === 'lead').fillcolor"""
    dark = page.evaluate(tint)
    assert page.locator(white).count() == 0
    page.emulate_media(color_scheme="light")
    page.wait_for_selector(white)
    assert page.evaluate(tint) != dark


@pytest.mark.slow
def test_a_long_table_shows_its_leaders_and_the_rest_on_demand(
    browser: Any, tmp_path: Path
) -> None:
    run = write_synthetic_run(tmp_path / "run")
    points = load_run(run.path).points
    points = pd.concat(
        [
            points.assign(family=points["family"] + f" {i}", trial_id=points["trial_id"] + f" {i}")
            for i in range(2)
        ]
    )
    run.journal.unlink()
    points.to_parquet(run.points, index=False)
    manifest = read_manifest(run)
    domains = {
        f"{name} {i}": knobs for name, knobs in manifest["domains"].items() for i in range(2)
    }
    write_manifest(run, manifest | {"domains": domains})
    page = browser.new_page()
    page.goto(write_report(run.path).as_uri())
    rows = page.locator("#hypervolume table").first.locator("tbody tr:visible")
    assert rows.count() == 8
    page.get_by_role("button", name="Show all 14 families").first.click()
    assert rows.count() == 14
    page.close()


@pytest.mark.slow
def test_an_audit_is_shown_on_a_phone_too(browser: Any, tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run")
    rows = load_run(run.path).front().head(2)
    audits = computed_audits(list(zip(rows["trial_id"], rows["step"].astype(int), strict=True)))
    picture = base64.b64encode(png(np.arange(64, dtype=np.uint8).reshape(8, 8))).decode("ascii")
    write_audit(run, audits.table, audits.samples.assign(picture=picture))
    errors: list[str] = []
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(write_report(run.path).as_uri())
    page.evaluate(DRAW_ALL)
    widths = page.locator("#audit img.sample").evaluate_all("all => all.map((i) => i.naturalWidth)")
    assert widths == [8] * 10
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for name in ("audit", "audit-attacks", "audit-samples", "audit-papers"):
        with page.expect_download() as download:
            page.locator(f"[data-csv={name}]").click()
        assert download.value.suggested_filename == f"{name}.csv"
        assert len(pd.read_csv(download.value.path()))
    assert errors == []
    page.close()
