from __future__ import annotations

from dataclasses import replace

import pandas as pd

from pareto_explorer.reports.cards.front import front_card
from pareto_explorer.reports.shared.material import Material


def test_it_counts_what_it_shows(material: Material) -> None:
    card = front_card(material)
    means = material.run.means()
    said = f"of {len(means)} points, of which {len(material.front)} are on the front"
    assert said in card.sentence
    assert card.payload is not None
    assert card.payload["rows"] == len(means)
    counts = [
        sum(level) for level in zip(*(f["counts"] for f in card.payload["families"]), strict=True)
    ]
    marks = [means["on_family_front"].sum(), means["on_front"].sum()]
    assert counts == [len(means), *marks]


def test_its_table_is_the_front_with_commands(material: Material) -> None:
    data = front_card(material).data
    assert data is not None
    assert data["family"].tolist() == material.front["family"].tolist()
    assert data["run again"].str.startswith("pareto-explorer reproduce ").all()
    assert data["configuration"].str.contains("lr=").any()


def test_without_points_it_says_why(empty: Material) -> None:
    card = front_card(empty)
    assert "No trial has given a finite point yet." in card.reason
    assert card.payload is None


def test_three_objectives_add_an_axis(material_of: object) -> None:
    material = material_of(objectives=3)  # type: ignore[operator]
    card = front_card(material)
    assert card.context["depth"]
    assert card.payload is not None
    assert card.payload["axes"] == ["forget_gap", "retain_gap", "test_accuracy"]
    assert "Drag to turn" in card.how_to_read
    assert "staircase" not in card.how_to_read


def test_it_tells_only_of_the_landmarks_that_there_are(
    material: Material, oracle_free: Material
) -> None:
    assert "how far two retrained models are" in front_card(material).how_to_read
    card = front_card(oracle_free)
    assert "The original model is there" in card.how_to_read
    assert "retrained" not in card.how_to_read


def test_a_crowd_shows_its_leaders_and_says_so(material: Material) -> None:
    points = material.run.points
    copies = [
        points.assign(family=points["family"] + f" {i}", trial_id=points["trial_id"] + f"-{i}")
        for i in range(3)
    ]
    crowd = Material(replace(material.run, points=pd.concat(copies, ignore_index=True)))
    card = front_card(crowd)
    assert card.payload is not None
    shown = [family["name"] for family in card.payload["families"] if family["shown"]]
    assert len(shown) < len(card.payload["families"])
    assert set(crowd.front["family"]) <= set(shown)
    assert "only the 8 families with the largest hypervolume" in card.how_to_read


def test_a_task_that_was_built_in_python_is_run_again_from_there(material: Material) -> None:
    run = replace(material.run, manifest=material.run.manifest | {"task_given": "ab" * 32})
    card = front_card(Material(run))
    assert card.data is not None
    assert card.payload is not None
    assert "run again" not in card.data
    assert "task=task" in card.payload["no_commands"]
    plain = front_card(material).payload
    assert plain is not None
    assert plain["no_commands"] == ""
