from __future__ import annotations

from dataclasses import replace

from pareto_explorer.fronts.statistics.contributions import family_contributions, knob_contributions
from pareto_explorer.reports.cards.contributions import contributions_card
from pareto_explorer.reports.shared.material import Material


def test_families_and_knobs_are_shown_where_they_are_missed(material: Material) -> None:
    run = material.run
    card = contributions_card(material)
    lost = family_contributions(run.points, run.box)
    shown = [row["contribution"] for row in card.context["families"]]
    assert shown == sorted(shown, reverse=True)
    assert all(row["contribution"] == lost[row["name"]] for row in card.context["families"])
    assert all(row["contribution"] >= 0.0005 for row in card.context["knobs"])
    assert "would be missed less" in card.context["no_family"]


def test_the_data_has_every_family_and_every_value(material: Material) -> None:
    data = contributions_card(material).data
    assert data is not None
    knobs = knob_contributions(material.run.points, material.run.box)
    assert (data["of"] == "family").sum() == 7
    assert (data["of"] == "knob").sum() == len(knobs)
    assert data["contribution"].notna().all()
    assert data.loc[data["of"] == "family", "over_replicates"].notna().all()


def test_no_points_give_a_reason(empty: Material) -> None:
    assert "finite point" in contributions_card(empty).reason


def test_what_all_of_the_front_has_is_no_row(material: Material) -> None:
    assert "method" in [row["knob"] for row in contributions_card(material).context["knobs"]]
    points = material.run.points
    kept = points[points["family"] != "fine_tune"]  # the only other method on the front
    card = contributions_card(Material(replace(material.run, points=kept)))
    assert card.context["shared"] == ["method = jacobian_descent"]
    assert "method" not in [row["knob"] for row in card.context["knobs"]]
