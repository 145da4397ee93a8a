from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pareto_explorer.figures import LIGHT
from pareto_explorer.reports.cards.differences import differences_card
from pareto_explorer.reports.shared.material import Material


def test_the_leader_is_set_against_every_other_family(many: Material) -> None:
    card = differences_card(many)
    leader, *others = many.hypervolumes
    assert leader in card.sentence
    assert [row["family"] for row in card.context["rows"]] == others
    for row in card.context["rows"]:
        expected = many.hypervolumes[leader].mean - many.hypervolumes[row["family"]].mean
        assert abs(row["value"] - expected) < 1e-12
    assert card.context["tested"]
    assert any(row["distinguishable"] for row in card.context["rows"])
    assert "21 pairs" in card.how_to_read


def test_few_replicates_have_no_p_values(material: Material) -> None:
    card = differences_card(material)
    assert not card.context["tested"]
    assert {row["corrected"] for row in card.context["rows"]} == {""}
    assert "fewer than 6 replicates" in card.how_to_read
    assert "corrected p" not in card.context["summary"]


def test_the_data_has_all_pairs(material: Material) -> None:
    data = differences_card(material).data
    assert data is not None
    assert len(data) == 7 * 6 / 2


def test_each_lead_says_in_how_many_half_samples_it_holds(many: Material) -> None:
    card = differences_card(many)
    pairs = [pair for pair in many.comparisons if pair.first == many.comparisons[0].first]
    for row, pair in zip(card.context["rows"], pairs, strict=True):
        assert pair.draw_share is not None
        assert abs(float(row["holds"].rstrip(" %")) - 100 * pair.draw_share) <= 1
    assert "half-samples" in card.how_to_read
    assert card.data is not None
    assert card.data["holds_in_half_samples"].tolist() == [c.draw_share for c in many.comparisons]


def test_every_strip_holds_its_marks_and_no_difference(many: Material) -> None:
    low, high = differences_card(many).context["span"]
    assert low <= 0 <= high
    for row in differences_card(many).context["rows"]:
        assert all(low <= value <= high for value in (*row["differences"], *row["ends"]))


def test_the_figure_needs_two_objectives(
    material: Material, material_of: Callable[..., Material]
) -> None:
    card = differences_card(material)
    assert card.draw
    leader, second, *_ = material.hypervolumes
    groups = {t.legendgroup for t in card.draw(LIGHT).data if t.meta["role"] == "median"}
    assert groups == {f"family {leader}", f"family {second}"}
    deep = differences_card(material_of(3, objectives=3))
    assert not deep.draw
    assert deep.context["rows"]
    assert "tinted" not in deep.how_to_read


def test_what_does_not_apply_is_said(
    empty: Material, material: Material, material_of: Callable[..., Material]
) -> None:
    assert "finite point" in differences_card(empty).reason
    assert "at least two" in differences_card(material_of(1)).reason
    points = material.run.points
    alone = replace(material.run, points=points[points["family"] == "fine_tune"])
    assert "no two families" in differences_card(Material(alone)).reason
