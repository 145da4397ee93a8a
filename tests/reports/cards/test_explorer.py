from __future__ import annotations

from dataclasses import replace

from pareto_explorer.reports.cards.explorer import explorer_card
from pareto_explorer.reports.shared.material import Material


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


def test_it_promises_only_what_there_is(material: Material, oracle_free: Material) -> None:
    assert "distance to the retrained model" in explorer_card(material).how_to_read
    card = explorer_card(oracle_free)
    assert "retrained" not in card.how_to_read
    assert "the commands that run it again" in card.how_to_read
    assert card.context["landmarks"] == [("original", "Original model")]


def test_a_task_that_was_built_in_python_is_run_again_from_there(material: Material) -> None:
    run = replace(material.run, manifest=material.run.manifest | {"task_given": "ab" * 32})
    card = explorer_card(Material(run))
    assert card.data is not None
    assert card.payload is not None
    assert "run again" not in card.data
    assert "task=task" in card.payload["no_commands"]
    assert "commands" not in card.how_to_read
    plain = explorer_card(material).payload
    assert plain is not None
    assert plain["no_commands"] == ""
