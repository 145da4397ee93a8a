"""One card or one number that goes wrong costs that card, never the report."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pareto_explorer import api as facade
from pareto_explorer.cli.app import app
from pareto_explorer.errors import InputError
from pareto_explorer.figures import LIGHT
from pareto_explorer.reports import Card, report, write_report
from pareto_explorer.reports.cards import CARDS, failures_card, specification_card
from pareto_explorer.reports.html import render_page
from pareto_explorer.reports.markdown import render_markdown
from pareto_explorer.reports.shared.material import Material, guarded
from pareto_explorer.results.run import load_run
from tests.synthetic import write_synthetic_run

TABLE = """trial_id,family,loss,acc,config.lr,config.clip
{rows}
"""
MAPPING = """objectives:
  - {metric: loss, direction: min}
  - {metric: acc, direction: max}
"""


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    path = tmp_path_factory.mktemp("broken") / "run"
    return Material(load_run(write_synthetic_run(path).path))


@guarded("front", "The front")
def refusing(material: Material) -> Card:
    raise InputError("values: loss of row 3 is nan; leave it out.")


@guarded("front", "The front")
def failing(material: Material) -> Card:
    raise ValueError("<script>alert(9)</script>\nInput X contains infinity")


@guarded("importance", "Which knobs mattered")
def undrawable(material: Material) -> Card:
    def draw(theme: object) -> None:
        raise RuntimeError(f"no {theme is LIGHT} figure")

    return Card("importance", "Which knobs mattered", draw=draw)


@guarded("diagnostics", "Conflict of the gradients")
def without_context(material: Material) -> Card:
    """Its template finds no families."""
    return Card("diagnostics", "Conflict of the gradients")


@guarded("importance", "Which knobs mattered")
def not_json(material: Material) -> Card:
    return Card("importance", "Which knobs mattered", payload={"x": math.nan})


def test_every_card_is_guarded_under_its_own_key_and_title(material: Material) -> None:
    good = [card(material) for card in CARDS]
    assert not [card.key for card in good if card.broken]
    bad = [card(None) for card in CARDS]  # type: ignore[arg-type]
    assert all(card.broken for card in bad)
    assert [(card.key, card.title) for card in bad] == [(card.key, card.title) for card in good]
    assert all("AttributeError: 'NoneType' object" in card.reason for card in bad)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (refusing, "values: loss of row 3 is nan; leave it out."),
        (failing, "This card could not be drawn (ValueError: <script>alert(9)</script> Input"),
        (undrawable, "This card could not be drawn (RuntimeError: no True figure)."),
        (without_context, "This card could not be drawn (UndefinedError: "),
        (not_json, "This card could not be drawn (ValueError: "),
    ],
)
def test_a_broken_card_says_why_and_the_others_are_there(build, said, material, caplog):
    caplog.set_level(logging.ERROR, "pareto_explorer")
    cards = [failures_card(material), build(material), specification_card(material)]
    html = render_page("run", cards, material)
    assert said in unescape(html)
    assert "<script>alert(9)" not in html
    assert html.count("<section ") == 3
    assert html.count('class="sentence">') == 2
    (record,) = caplog.records
    assert record.name == "pareto_explorer.reports"
    assert isinstance(record.exc_info[1], Exception)
    assert render_markdown("run", cards).count("## ") == 3


def test_a_report_with_a_broken_card_has_all_of_its_files(tmp_path, material, monkeypatch):
    monkeypatch.setattr(report, "CARDS", (failing, failures_card))
    index = write_report(material.run, tmp_path / "report")
    names = sorted(path.name for path in index.parent.iterdir())
    assert names == ["front.csv", "hypervolume.json", "index.html", "summary.md"]
    assert "Input X contains infinity" in (index.parent / "summary.md").read_text(encoding="utf-8")


def test_a_card_whose_table_cannot_be_written_costs_its_section_only() -> None:
    broken = Card("a", "A", context={"sentences": 7})
    text = render_markdown("run", [broken, Card("b", "B", "Fine")])
    assert "This card could not be drawn (TypeError:" in text
    assert "## B\n\nFine" in text


def test_the_log_stays_off_the_terminal(material: Material, capfd) -> None:
    failing(material)
    assert capfd.readouterr() == ("", "")


def test_the_terminal_says_what_a_card_could_not(material, monkeypatch):
    def boom(_material: Material) -> dict[str, float]:
        raise ValueError("boom")

    monkeypatch.setattr(facade, "run_sweep", lambda *_, **__: material.run)
    monkeypatch.setattr(Material, "coverage", property(boom))
    done = CliRunner().invoke(app, ["sweep", "digits", "--out", "unused"])
    assert done.exit_code == 1  # some of its trials failed
    assert done.output.count("This card could not be drawn (ValueError: boom).") == 1
    assert "report: " in done.output


def table(tmp_path: Path, *, large: float = 0.5) -> Path:
    """An imported sweep of 30 trials, clipped at several values, two of them infinite."""
    rng = np.random.default_rng(0)
    clips = [0.05, 0.1, 0.2, "inf", "", "-inf", "1e308"]
    rows = [
        f"t{i},{'ab'[i % 2]},{0.2 + 0.5 * (i % 7 == 3) + 0.1 * rng.random()},{rng.random()},"
        f"{10 ** rng.uniform(-4, -1)},{clips[i % 7]}"
        for i in range(30)
    ]
    rows.append(f"t30,a,{large},{rng.random()},0.01,0.1")
    (tmp_path / "table.csv").write_text(TABLE.format(rows="\n".join(rows)))
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    return tmp_path / "table.csv"


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_an_infinite_knob_is_a_level_of_its_own_on_every_card(tmp_path: Path) -> None:
    run = load_run(table(tmp_path), tmp_path / "mapping.yaml")
    cards = {card.key: card for card in (build(Material(run)) for build in CARDS)}
    assert not [card.key for card in cards.values() if card.broken]
    found = cards["importance"].data
    assert found is not None
    best = found[found["target"] == "loss"].iloc[0]
    assert best["knob"] == "clip"  # infinity alone is worse, which a tree finds in the ranks
    values = cards["contributions"].data
    assert {"-inf", "0.05", "0.1", "0.2", "1e+308", "inf"} <= set(values["value"])
    (clip,) = (c for c in cards["front"].payload["columns"] if c["key"] == "config.clip")
    assert clip["texts"] == ["-inf", "0.05", "0.1", "0.2", "1e+308", "inf"]
    assert clip["log"] is False
    assert clip["codes"].count(-1) == run.means()["config.clip"].isna().sum() > 0
    assert "could not be drawn" not in render_page("run", list(cards.values()), Material(run))


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("large", [1.7e308, -1.7e308, 1e101])
def test_an_imported_value_too_large_to_calculate_with_is_told(tmp_path, large):
    run = load_run(table(tmp_path, large=large), tmp_path / "mapping.yaml")
    last = run.points[run.points["trial_id"] == "t30"].iloc[0]
    assert (last["status"], last["error"]) == ("diverged", "no finite value of loss")
    assert "t30" not in set(run.front()["trial_id"])


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_value_of_a_run_too_large_to_calculate_with_is_told(tmp_path: Path) -> None:
    run = load_run(write_synthetic_run(tmp_path / "run", replicates=1).path)
    points = run.points.copy()
    well = points.index[points["status"] == "ok"]
    points.loc[well[3], "forget_gap"] = -1.7e308
    points.loc[well[:9], "js_divergence"] = 1.7e308
    material = Material(replace(run, points=points))
    cards = {card.key: card for card in (build(material) for build in CARDS)}
    assert not [card.key for card in cards.values() if card.broken]
    sentence = (
        f"1 of {len(well)} measurements counts nowhere: an objective is not finite, or too large"
    )
    assert any(text.startswith(sentence) for text in cards["finding"].context["limits"])
    assert "could not be drawn" not in render_page("run", list(cards.values()), material)
