from __future__ import annotations

from typing import Any

import pytest

from pareto_explorer.fronts import (
    Box,
    FamilyHypervolume,
    HypervolumeResult,
    efficacy_fidelity_box,
)
from pareto_explorer.fronts.comparison import compare_families
from pareto_explorer.fronts.resampling import interval
from pareto_explorer.reports.cards.finding import (
    finding_card,
    leader_sentences,
    optimism_sentence,
)
from pareto_explorer.reports.material import Material

BOX: Box = efficacy_fidelity_box()


def volume(*values: float, points: int = 9, fitted: float | None = None) -> FamilyHypervolume:
    mean = sum(values) / len(values)
    return FamilyHypervolume(
        mean=mean,
        per_replicate=dict(enumerate(values)),
        interval=interval(values),
        of_means=HypervolumeResult(mean, BOX, points, 1, 0),
        n_points=points,
        n_beyond=0,
        n_excluded=0,
        cross_fitted=None if fitted is None else dict.fromkeys(range(len(values)), fitted),
    )


def said(volumes: dict[str, FamilyHypervolume]) -> list[str]:
    return leader_sentences(volumes, compare_families(volumes))


def test_the_leader_is_told_with_its_range() -> None:
    first, second = said({"a": volume(0.8, 0.9), "b": volume(0.5, 0.6)})
    assert first == (
        "a dominates the largest share of the box: hypervolume 0.850 on average over 2 replicates "
        "(range 0.800 to 0.900)."
    )
    assert "at least 6 are needed" in second
    assert "a is ahead of b" in second


def test_enough_replicates_give_an_interval_and_a_verdict() -> None:
    noise = [0.00, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06]
    volumes = {
        "a": volume(*(0.8 + x for x in noise)),
        "b": volume(*(0.8 + x for x in reversed(noise))),
        "c": volume(*(0.2 + x for x in noise)),
    }
    first, second, third = said(volumes)
    assert "(95 % bootstrap interval 0.8" in first
    assert "a beats c by 0.6" in second
    assert third == "From a itself, b is not distinguishable."


def test_a_lead_over_everyone_is_said() -> None:
    noise = [0.00, 0.01, 0.02, 0.03, 0.04, 0.05]
    volumes = {n: volume(*(x + y for y in noise)) for n, x in (("a", 0.8), ("b", 0.4))}
    assert said(volumes)[-1] == "The lead of a over each other family is distinguishable."


def test_one_replicate_claims_nothing() -> None:
    text = " ".join(said({"a": volume(0.8), "b": volume(0.5)}))
    assert "in the only replicate" in text
    assert "One replicate cannot separate families" in text


def test_one_family_has_no_rival() -> None:
    assert "no other family" in " ".join(said({"a": volume(0.8, 0.9)}))


def test_nothing_inside_the_box_is_said() -> None:
    (text,) = said({"a": volume(0.0, 0.0)})
    assert "every hypervolume is 0" in text


def test_no_usable_point_is_said() -> None:
    for volumes in ({}, {"a": volume(0.0, points=0)}):
        (text,) = said(volumes)
        assert "no front to show" in text


@pytest.mark.parametrize(
    ("fitted", "expected"),
    [
        ((None, None), ""),
        ((0.80, 0.70), "Chosen on the other replicates, the front of a still has 0.800."),
        ((0.85, 0.70), "Choosing the front of a on the other replicates takes nothing from it."),
        (
            (0.70, 0.75),
            "Chosen on the other replicates, the front of a still has 0.700; by that measure b "
            "leads instead.",
        ),
    ],
)
def test_optimism_is_told(fitted: Any, expected: str) -> None:
    volumes = {
        "a": volume(0.8, 0.9, fitted=fitted[0]),
        "b": volume(0.75, 0.85, fitted=fitted[1]),
    }
    assert optimism_sentence(volumes) == expected


def test_the_card_gives_the_answer_then_its_limits(material: Material) -> None:
    card = finding_card(material)
    best = next(iter(material.hypervolumes))
    assert card.sentence.startswith(f"{best} dominates the largest share")
    answer, limits = card.context["answer"], card.context["limits"]
    assert len(answer) == 2
    assert "Two retrained models are" in answer[-1]
    assert any("lie at or beyond the reference point" in text for text in limits)
    assert limits[-1] == "Of 19 trials, 2 failed and 1 diverged."
    assert card.context["sentences"] == [*answer, *limits]


def test_a_run_without_points_has_one_sentence_and_its_trials(empty: Material) -> None:
    card = finding_card(empty)
    assert "no front to show" in card.sentence
    assert len(card.context["sentences"]) == 1
