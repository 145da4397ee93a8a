from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pareto_explorer.fronts.statistics.sign_flips import max_t
from pareto_explorer.reports.cards.runs import runs_card
from pareto_explorer.reports.html import render_page
from pareto_explorer.reports.shared.material import Card, Material
from pareto_explorer.results import Run
from pareto_explorer.results.combining import combine_runs
from pareto_explorer.results.run import load_run
from tests.synthetic import write_synthetic_run

LEFT_OUT = "mgda/kl_heldout"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Run]]:
    """Runs of one task and box with other draws, by name."""
    folder = tmp_path_factory.mktemp("runs")

    def written(*names: str) -> list[Run]:
        runs = []
        for seed, name in enumerate(names):
            path = folder / name
            if not path.exists():
                write_synthetic_run(path, replicates=8, seed=seed)
            run = load_run(path)
            spec = run.manifest["spec"]
            spec = spec | {"search": spec["search"] | {"seed": seed}}
            runs.append(replace(run, manifest=run.manifest | {"name": name, "spec": spec}))
        return [replace(run, box=runs[0].box) for run in runs]

    return written


def card_of(runs: list[Run]) -> tuple[Card, Material]:
    material = Material(combine_runs(runs))
    return runs_card(material), material


def test_each_family_is_paired_by_seed(parts: Callable[..., list[Run]]) -> None:
    card, material = card_of(parts("one", "two"))
    (pair,) = card.context["pairs"]
    assert pair["title"] == "two minus one"
    assert len(pair["rows"]) == 7
    rows = []
    for row in pair["rows"]:
        first, second = (
            material.hypervolumes[f"{run}: {row['family']}"].per_replicate for run in ("one", "two")
        )
        differences = [second[r] - first[r] for r in sorted(first)]
        assert row["differences"] == pytest.approx(differences, abs=1e-12)
        assert row["value"] == pytest.approx(np.mean(differences))
        rows.append(differences)
    p_values = [p for p in max_t(np.array(rows)) if p >= 0.001]
    shown = [float(row["corrected"]) for row in pair["rows"] if row["corrected"] != "<0.001"]
    assert shown == pytest.approx(p_values, abs=6e-4)
    assert card.data is not None
    assert len(card.data) == 7


def test_a_draw_of_its_own_is_told_and_the_same_one_is_not(
    parts: Callable[..., list[Run]],
) -> None:
    one, two = parts("one", "two")
    card, _ = card_of([one, two])
    by_family = {row["family"]: row for row in card.context["pairs"][0]["rows"]}
    assert by_family["upgrad/kl_heldout"]["drawn"] == "3 and 3 configurations, none the same"
    assert by_family["none"]["drawn"] == ""
    assert "does not include what that draw did" in card.how_to_read
    assert card.context["pairs"][0]["changes"] == [("search.seed", "0", "1")]

    copy = replace(one, directory=two.directory, manifest=one.manifest | {"name": "copy"})
    same, _ = card_of([one, copy])
    assert not any(row["drawn"] for row in same.context["pairs"][0]["rows"])
    assert "does not include" not in same.how_to_read
    assert (
        same.sentence
        == "copy against one, 7 common families: none can be told apart over 8 replicates."
    )


def test_what_differs_whatever_the_seeds_and_the_draw_is_told(
    parts: Callable[..., list[Run]],
) -> None:
    one, two = parts("one", "two")
    worse = one.points["forget_gap"] + 0.3 * (one.points["family"] == "upgrad/kl_heldout")
    changed = replace(
        one,
        directory=two.directory,
        points=one.points.assign(forget_gap=worse),
        manifest=one.manifest | {"name": "worse"},
    )
    card, _ = card_of([one, changed])
    assert "upgrad/kl_heldout better in one; of 6 nothing can be told." in card.sentence
    (first, *others) = card.context["pairs"][0]["rows"]
    assert first["family"] == "upgrad/kl_heldout"
    assert first["differs"]
    assert first["better"] == "0 of 8"
    assert not any(row["differs"] for row in others)


def test_a_family_of_one_run_alone_is_listed(parts: Callable[..., list[Run]]) -> None:
    one, two = parts("one", "two")
    without = replace(two, points=two.points[two.points["family"] != LEFT_OUT])
    card, material = card_of([one, without])
    (pair,) = card.context["pairs"]
    assert pair["alone"] == {"one": [LEFT_OUT]}
    assert LEFT_OUT not in [row["family"] for row in pair["rows"]]
    assert f"In one alone: {LEFT_OUT}." in render_page("runs", [card], material)


def test_of_several_runs_each_is_set_against_the_first(parts: Callable[..., list[Run]]) -> None:
    card, material = card_of(parts("one", "two", "three"))
    assert [pair["title"] for pair in card.context["pairs"]] == ["two minus one", "three minus one"]
    html = render_page("runs", [card], material)
    assert html.count("of what differs") == 0
    assert html.count("What differs in the specification: 1") == 2


def test_few_replicates_claim_nothing(parts: Callable[..., list[Run]]) -> None:
    few: list[Any] = [
        replace(run, points=run.points[run.points["replicate"] < 3]) for run in parts("one", "two")
    ]
    card, _ = card_of(few)
    assert "3 replicates cannot tell them apart; it takes 6" in card.sentence
    assert not card.context["tested"]


def test_there_is_none_of_one_run(material: Material) -> None:
    assert runs_card(material).absent
