from __future__ import annotations

from dataclasses import replace

import pandas as pd

from pareto_explorer.reports.cards.ranges import ranges_card
from pareto_explorer.reports.shared.material import Material


def test_every_drawn_knob_has_a_row(material: Material) -> None:
    card = ranges_card(material)
    assert card.data is not None
    found = set(map(tuple, card.data[["family", "knob"]].to_numpy().tolist()))
    drawn = {(f, knob) for f, knobs in material.run.domains.items() for knob in knobs}
    assert found == drawn
    assert len(card.context["rows"]) == len(drawn)
    (intensity,) = (row for row in card.context["rows"] if row["knob"] == "intensity")
    # 0.25, 0.5 and 0.75: both halves
    assert (intensity["domain"], intensity["tried"]) == ("[0, 1]", "100 %")
    assert intensity["hole"] == "25 %, 0 to 0.25"


def test_warnings_are_told(material: Material) -> None:
    card = ranges_card(material)
    assert card.context["sentences"] == material.range_warnings
    assert any("of fine_tune: only 1 of 2" in sentence for sentence in material.range_warnings)
    assert "tried evenly" not in card.sentence
    even = material.run.points[material.run.points["family"] == "none"]
    assert "No knob" in ranges_card(Material(replace(material.run, points=even))).reason


def test_an_edge_is_named_in_the_table_and_in_words(material: Material) -> None:
    points = material.run.points
    own = points[points["trial_id"] == "fine_tune-1"]
    trials = [(0.001, 0.8), (0.01, 0.6), (0.03, 0.5), (0.1, 0.1)]
    copies = [
        own.assign(trial_id=f"fine_tune-{i}", forget_gap=gap, **{"config.lr": lr})
        for i, (lr, gap) in enumerate(trials)
    ]
    table = pd.concat(copies, ignore_index=True)
    run = replace(material.run, points=table)
    card = ranges_card(Material(run))
    assert card.context["rows"][0]["end"] == "upper end"
    assert card.context["sentences"][0] == (
        "lr: the best of fine_tune lie at the upper end of [0.001, 0.1]; widen it."
    )


def test_a_search_may_leave_parts_out(material: Material) -> None:
    spec = material.run.manifest["spec"] | {"search": {"mode": "explore"}}
    run = replace(material.run, manifest=material.run.manifest | {"spec": spec})
    assert not any("tried" in sentence for sentence in Material(run).range_warnings)


def test_a_run_that_does_not_record_its_ranges_says_so(material: Material) -> None:
    card = ranges_card(Material(replace(material.run, domains={})))
    assert "does not record" in card.reason
