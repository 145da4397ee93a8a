"""The cards whose heart is a figure: they apply, say what they show, and carry their data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from pareto_explorer.figures import DARK, LIGHT
from pareto_explorer.fronts.statistics.importance import ImportanceResult
from pareto_explorer.reports.cards import importance
from pareto_explorer.reports.cards.anytime import anytime_card
from pareto_explorer.reports.cards.attainment import attainment_card
from pareto_explorer.reports.cards.diagnostics import diagnostics_card
from pareto_explorer.reports.cards.importance import importance_card
from pareto_explorer.reports.html import render_page
from pareto_explorer.reports.shared.material import Material

CARDS = (anytime_card, attainment_card, diagnostics_card)


@pytest.mark.parametrize("make", CARDS)
def test_the_first_picks_are_the_families_that_the_figure_shows(
    make: Any, material: Material
) -> None:
    card = make(material)
    assert not card.reason
    assert card.data is not None
    assert not card.data.empty
    picks = {entry["name"]: entry["shown"] for entry in card.context["families"]}
    ranked = [name for name in material.hypervolumes if name in picks]
    assert list(picks) == ranked
    for trace in card.draw(LIGHT).data:
        if str(trace.legendgroup).startswith("family "):
            assert trace.visible == picks[trace.legendgroup.removeprefix("family ")]


@pytest.mark.parametrize("make", CARDS)
def test_views_that_a_button_offers_are_in_the_figure(make: Any, material: Material) -> None:
    card = make(material)
    meta = card.draw(DARK).layout.meta
    assert set(card.context.get("views", ())) == set(meta.get("views", ()))


def test_a_crowd_shows_its_leaders_and_says_so(material: Material) -> None:
    points = material.run.points
    copies = [
        points.assign(family=points["family"] + f" {i}", trial_id=points["trial_id"] + f"-{i}")
        for i in range(3)
    ]
    crowd = Material(replace(material.run, points=pd.concat(copies, ignore_index=True)))
    for make, shown in ((anytime_card, 8), (attainment_card, 3), (diagnostics_card, 8)):
        card = make(crowd)
        assert sum(entry["shown"] for entry in card.context["families"]) == shown
        assert f"only the {shown} families" in card.how_to_read


def test_the_attainment_sentence_counts_replicates(many: Material) -> None:
    card = attainment_card(many)
    assert "in all 8 replicates, in at least 4, and in the best one" in card.sentence


def test_attainment_that_does_not_apply_says_why(
    empty: Material, material_of: Callable[..., Material]
) -> None:
    assert "finite point" in attainment_card(empty).reason
    assert "at least two" in attainment_card(material_of(1)).reason
    assert "drawn for two objectives" in attainment_card(material_of(3, objectives=3)).reason


def test_anytime_that_does_not_apply_says_why(
    empty: Material, material_of: Callable[..., Material]
) -> None:
    assert "finite point" in anytime_card(empty).reason
    alone = material_of(3, 1).run
    ends = alone.points[alone.points["step"] == alone.points["step"].max()]
    once = Material(replace(alone, points=ends))
    assert "was shown once" in anytime_card(once).reason
    unpaid = alone.points.assign(samples=0, seconds=0.0)
    assert "was not recorded" in anytime_card(Material(replace(alone, points=unpaid))).reason


def test_single_runs_grow_with_what_was_spent_on_them(material_of: Callable[..., Material]) -> None:
    card = anytime_card(material_of(3, 1))
    assert card.context["views"] == ("seconds", "samples")
    assert card.sentence == (
        "How each family's hypervolume grew with the seconds of compute and samples spent on it."
    )
    assert "any so many" not in card.how_to_read


def test_the_order_of_trials_counts_where_it_is_the_search(material: Material) -> None:
    card = anytime_card(material)
    assert card.context["views"] == ("configurations", "seconds", "samples")
    assert "any so many" in card.sentence
    spec = material.run.manifest["spec"] | {"search": {"mode": "explore"}}
    run = replace(material.run, manifest=material.run.manifest | {"spec": spec})
    for searched in (run, replace(material.run, members={"a": material.run, "b": run})):
        card = anytime_card(Material(searched))
        assert card.context["views"] == ("trials", "seconds", "samples")
        assert "any so many" not in card.sentence
        assert "subsets" not in card.how_to_read


def test_diagnostics_that_were_not_recorded_are_told(material: Material) -> None:
    points = material.run.points
    plain = replace(material.run, points=points[points["family"] == "fine_tune"])
    assert "combined the gradients" in diagnostics_card(Material(plain)).reason
    assert "2 families took no such steps" in diagnostics_card(material).sentence


def test_importance_applies_from_twenty_trials_on(
    material: Material, material_of: Callable[..., Material], empty: Material
) -> None:
    assert "at least 20" in importance_card(material).reason
    assert "finite point" in importance_card(empty).reason
    material = material_of(2, 20)
    card = importance_card(material)
    assert not card.reason
    assert card.data is not None
    assert set(card.data.columns) == {"target", "knob", "importance", "std"}
    assert "trials with" in card.how_to_read
    assert card.draw is not None
    height = card.draw(LIGHT).layout.height
    assert f'style="--height:{height}px"' in render_page("run", [card], material)


def test_targets_that_the_knobs_do_not_explain_are_named(
    material_of: Callable[..., Material], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.DataFrame([{"target": "retain_gap", "knob": "lr", "importance": 0.3, "std": 0.0}])
    found = ImportanceResult(table, {"forget_gap": 0.01, "retain_gap": 0.4}, "", "note")
    monkeypatch.setattr(importance, "knob_importance", lambda *_, **__: found)
    sentence = importance_card(material_of(2, 8)).sentence
    assert sentence.endswith("They explain nothing that holds of forget gap.")
