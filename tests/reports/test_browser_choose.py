"""The card that chooses in a browser: a rule, a model, and the commands that take it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pareto_explorer.cli.app import app
from pareto_explorer.errors import InputError
from pareto_explorer.reports.cards.choose import choose_card
from pareto_explorer.reports.html import render_page, render_sections
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results.run import Run, load_run
from tests.reports.shared.test_explorer_data import crowd
from tests.reports.test_browser import browser, visit

__all__ = ["browser", "visit"]  # fixtures

pytestmark = pytest.mark.browser

HEARD = "window.heard = []; document.addEventListener('chosen', (e) => heard.push(e.detail));"
SAID = "() => document.querySelector('#choose .answer').innerText.split(/\\s+/).join(' ')"


@pytest.fixture(scope="module")
def run(run_path: Path) -> Run:
    return load_run(run_path)


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a page with this card alone, whose updates a test can send."""
    contexts, trouble = [], []

    def open_page(material: Material, width: int = 1000, **options: Any) -> Any:
        path = tmp_path / "page.html"
        html = render_page("page", [choose_card(material)], material)
        hook = 'sections.onPayload("choose", update);'
        assert hook in html
        exposed = f"Object.assign(window, {{ update, sections }}); {hook}"
        path.write_text(html.replace(hook, exposed), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.add_init_script(HEARD)
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture
def page(opened: Callable[..., Any], run: Run) -> Any:
    return opened(Material(run))


def press(page: Any, rule: str) -> None:
    page.locator(f"[data-rule={rule}]").click()


def tolerate(page: Any, text: str) -> None:
    press(page, "tolerance")
    page.get_by_label("retain gap at most", exact=True).fill(text)


def chosen(page: Any) -> str:
    return str(page.evaluate("heard.at(-1).ids[0]"))


def command(page: Any, name: str) -> list[str]:
    return shlex.split(
        page.locator(f"#choose [aria-label='Copy the command: {name}']").get_attribute("data-copy")
    )


def test_the_script_says_what_the_report_says_without_one(
    opened: Callable[..., Any], run: Run
) -> None:
    material = Material(run)
    plain = opened(material, java_script_enabled=False)
    assert not plain.locator("#choose .rules").is_visible()
    texts = plain.locator("#choose .answer").inner_text().split()
    assert opened(material).evaluate(SAID).split() == texts


def test_two_percent_of_retain_gap_in_two_actions(page: Any, run: Run) -> None:
    tolerate(page, "2 %")
    selection = run.select(maximum={"retain_gap": 0.02})
    assert chosen(page) == f"{selection.trial_id}@{selection.step}"
    assert selection.reason in page.locator("#choose").text_content()
    tolerate(page, "0.02")
    assert chosen(page) == f"{selection.trial_id}@{selection.step}"


def test_every_export_command_takes_the_model_that_is_shown(page: Any, run: Run) -> None:
    def check() -> None:
        words = command(page, "export")
        at = words.index("--export")
        assert words[at : at + 2] == ["--export", "model.safetensors"]
        result = CliRunner().invoke(app, [*words[1:at], *words[at + 2 :], "--json"])
        assert result.exit_code == 0, result.output
        found = json.loads(result.output)
        assert chosen(page) == f"{found['trial_id']}@{found['step']}"
        assert found["reason"] in page.locator("#choose").text_content()
        taken.add(chosen(page))

    taken: set[str] = set()
    check()
    press(page, "closest")
    check()
    press(page, "weights")
    page.get_by_label("forget gap", exact=True).fill("0.3")
    page.get_by_label("retain gap", exact=True).fill("0,9")
    check()
    tolerate(page, "1e-2")
    check()
    page.get_by_label("one standard error").check()
    check()
    page.locator("#choose select").select_option("mgda/kl_heldout")
    press(page, "knee")
    check()
    assert len(taken) >= 3


def test_what_no_model_keeps_is_told_as_select_does(page: Any, run: Run) -> None:
    with pytest.raises(InputError) as error:
        run.select(maximum={"retain_gap": 1e-6})
    tolerate(page, "0.0001%")
    assert str(error.value) in page.locator("#choose").text_content()
    assert page.evaluate("heard.at(-1).ids") == []
    tolerate(page, "")
    assert "Type a tolerance" in page.locator("#choose .rest").text_content()
    tolerate(page, "much")
    assert (
        page.get_by_label("retain gap at most", exact=True).get_attribute("aria-invalid") == "true"
    )
    press(page, "knee")
    assert chosen(page) == "upgrad-kl_heldout-0@60"


def test_the_keyboard_moves_a_tolerance(page: Any, run: Run) -> None:
    press(page, "tolerance")
    slider = page.get_by_label("retain gap at most, slider")
    slider.focus()
    page.keyboard.press("Home")
    field = page.get_by_label("retain gap at most", exact=True)
    strictest = float(field.input_value())
    page.keyboard.press("PageUp")
    assert float(field.input_value()) > strictest
    page.keyboard.press("End")
    assert field.input_value() == ""
    assert slider.evaluate("(each) => each === document.activeElement")


def test_an_update_keeps_the_rule_and_follows_the_data(page: Any, run: Run) -> None:
    tolerate(page, "2%")
    before = chosen(page)
    points = run.points[run.points["trial_id"] != before.split("@")[0]]
    smaller = Run(run.directory, run.manifest, points, run.landmarks, run.box, run.shown)
    page.evaluate("(next) => update(next)", dict(choose_card(Material(smaller)).payload or {}))
    selection = smaller.select(maximum={"retain_gap": 0.02})
    assert chosen(page) == f"{selection.trial_id}@{selection.step}" != before
    assert page.get_by_label("retain gap at most", exact=True).input_value() == "2%"
    assert page.locator("[data-rule=tolerance]").get_attribute("aria-pressed") == "true"


def test_of_a_large_run_one_standard_error_says_what_it_looks_at(
    opened: Callable[..., Any], run: Run
) -> None:
    material = crowd(Material(run), 22)
    page = opened(material)
    closest = material.run.select(rule="closest")
    press(page, "closest")
    assert chosen(page) == f"{closest.trial_id}@{closest.step}"
    assert "--rule" in command(page, "export")
    assert not page.get_by_text("One standard error looks at").is_visible()
    page.get_by_label("one standard error").check()
    n = len(material.validation_means)
    assert page.get_by_text(f"looks at 1,000 of {n:,} models").is_visible()
    assert "--trial" in command(page, "export")


def test_on_a_narrow_touch_screen_it_fits_and_can_be_hit(
    opened: Callable[..., Any], run: Run
) -> None:
    page = opened(Material(run), 390, has_touch=True, is_mobile=True)
    press(page, "tolerance")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    low = page.locator("#choose .rules :is(button, input, select):visible, .orders button")
    small = low.evaluate_all(
        "(all) => all.map((each) => each.closest('label') ?? each)"
        ".filter((each) => each.getBoundingClientRect().height < 44).map((each) => each.outerHTML)"
    )
    assert small == []
    sizes = page.locator("#choose *").evaluate_all(
        "(all) => all.map((each) => parseFloat(getComputedStyle(each).fontSize))"
    )
    assert min(sizes) >= 12


def test_a_link_shows_the_same_choice(opened: Callable[..., Any], run: Run) -> None:
    page = opened(Material(run))
    tolerate(page, "1 %")
    page.get_by_label("one standard error").check()
    page.locator("#choose select").select_option("mgda/kl_heldout")
    page.wait_for_url(re.compile("family"))
    before, link = page.evaluate(SAID), page.url
    again = opened(Material(run))
    assert again.evaluate(SAID) != before
    again.goto(link)
    again.reload()
    assert again.evaluate(SAID) == before
    assert again.get_by_label("retain gap at most", exact=True).input_value() == "0.01"


def test_the_chosen_model_is_pinned_by_a_button(page: Any) -> None:
    page.evaluate(
        "document.addEventListener('pin', ({ detail }) => { window.pinned = detail.id; })"
    )
    press(page, "closest")
    button = page.get_by_role("button", name="Pin", exact=True)
    button.click()
    assert page.evaluate("window.pinned") == chosen(page)
    tolerate(page, "0.0001%")
    assert button.is_disabled()


def test_a_family_that_an_update_brings_has_its_swatch(
    opened: Callable[..., Any], run: Run
) -> None:
    points = run.points[run.points["family"] != "mgda/kl_heldout"]
    page = opened(Material(replace(run, points=points)))
    material = Material(run)
    (section,) = render_sections([choose_card(material)], material)
    sent = f'{{"sections":{{"choose":{section.to_json()}}},"order":["choose"]}}'
    page.evaluate("(text) => sections.update(JSON.parse(text))", sent)
    page.locator("#choose select").select_option("mgda/kl_heldout")
    style = material.styles["mgda/kl_heldout"]
    looks = page.locator("#choose .taken .swatch").get_attribute("style")
    assert looks == f"--on-light:{style.light};--on-dark:{style.dark}"
