from __future__ import annotations

from dataclasses import replace

from pareto_explorer.reports.cards.points import points_card
from pareto_explorer.reports.shared.material import Material


def test_without_points_it_says_why(empty: Material) -> None:
    assert "No trial has given a finite point yet." in points_card(empty).reason


def test_it_promises_only_what_there_is(material: Material, oracle_free: Material) -> None:
    assert "distance to the retrained model" in points_card(material).how_to_read
    card = points_card(oracle_free)
    assert "retrained" not in card.how_to_read
    assert "the commands that run it again" in card.how_to_read
    run = replace(material.run, manifest=material.run.manifest | {"task_given": "ab" * 32})
    assert "commands" not in points_card(Material(run)).how_to_read
