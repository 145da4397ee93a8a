from __future__ import annotations

from pareto_explorer.reports.cards.explorer import explorer_card
from pareto_explorer.reports.material import Material


def test_it_counts_what_it_shows(material: Material) -> None:
    card = explorer_card(material)
    means = material.run.means()
    assert card.sentence.startswith(f"{len(means)} points, of which {len(material.front)} are on")
    assert card.context["n_family_front"] == means["on_family_front"].sum()
    assert card.payload is not None
    assert card.payload["rows"] == len(means)


def test_its_table_is_the_front_with_commands(material: Material) -> None:
    data = explorer_card(material).data
    assert data is not None
    assert data["family"].tolist() == material.front["family"].tolist()
    assert data["run again"].str.startswith("pareto-explorer reproduce ").all()
    assert data["configuration"].str.contains("lr=").any()


def test_without_points_it_says_why(empty: Material) -> None:
    card = explorer_card(empty)
    assert "No trial has given a finite point yet." in card.reason
    assert card.payload is None


def test_three_objectives_add_an_axis(material_of: object) -> None:
    material = material_of(objectives=3)  # type: ignore[operator]
    card = explorer_card(material)
    assert card.context["depth"]
    assert card.payload is not None
    assert card.payload["axes"] == ["forget_gap", "retain_gap", "test_accuracy"]
