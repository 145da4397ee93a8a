from __future__ import annotations

from collections.abc import Callable

from pareto_explorer.reports.cards.indicators import indicators_card
from pareto_explorer.reports.shared.material import Material


def test_families_come_in_the_order_of_their_hypervolumes(material: Material) -> None:
    card = indicators_card(material)
    assert [row["family"] for row in card.context["rows"]] == list(material.hypervolumes)
    assert card.context["labels"] == ["IGD+", "Additive ε", "R2", "Vorob'ev deviation"]
    assert all(len(row["cells"]) == 4 for row in card.context["rows"])
    shares = [int(row["share"].removesuffix(" %")) for row in card.context["rows"]]
    assert 98 <= sum(shares) <= 102


def test_three_objectives_have_no_r2(material_of: Callable[..., Material]) -> None:
    card = indicators_card(material_of(3, objectives=3))
    assert "R2" not in card.context["labels"]
    assert "R2" not in card.how_to_read


def test_no_points_give_a_reason(empty: Material) -> None:
    assert "finite point" in indicators_card(empty).reason
