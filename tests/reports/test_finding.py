from __future__ import annotations

from pareto_explorer.fronts import (
    Box,
    FamilyHypervolume,
    HypervolumeResult,
    efficacy_fidelity_box,
)
from pareto_explorer.reports.cards.finding import finding_sentences

BOX: Box = efficacy_fidelity_box()


def volume(*values: float, points: int = 9) -> FamilyHypervolume:
    mean = sum(values) / len(values)
    return FamilyHypervolume(
        mean=mean,
        per_replicate=dict(enumerate(values)),
        interval=(min(values), max(values)),
        of_means=HypervolumeResult(mean, BOX, points, 1, 0),
        n_points=points,
        n_beyond=0,
        n_excluded=0,
    )


def test_a_clear_leader_is_told_with_its_range() -> None:
    text = " ".join(finding_sentences({"a": volume(0.8, 0.9), "b": volume(0.5, 0.6)}))
    assert text == (
        "a dominates the largest share of the box: hypervolume 0.850 on average over 2 replicates "
        "(range 0.800 to 0.900). b follows with 0.550 (0.500 to 0.600); its range and the leader's "
        "do not overlap over 2 replicates."
    )


def test_overlap_is_admitted() -> None:
    text = " ".join(finding_sentences({"a": volume(0.5, 0.9), "b": volume(0.5, 0.6)}))
    assert (
        "range of b overlaps with the leader's, so these replicates do not separate the two" in text
    )


def test_overlap_with_another_than_the_runner_up_is_admitted() -> None:
    volumes = {"a": volume(0.8, 0.9), "b": volume(0.7, 0.75), "c": volume(0.4, 0.82)}
    assert "The range of c overlaps with the leader's" in " ".join(finding_sentences(volumes))


def test_many_overlaps_are_counted() -> None:
    volumes = {name: volume(0.5, 0.9) for name in "abcdef"}
    text = " ".join(finding_sentences(volumes))
    assert "The ranges of b, c, d and 2 others overlap with the leader's" in text
    assert "do not separate them" in text


def test_one_replicate_claims_nothing() -> None:
    text = " ".join(finding_sentences({"a": volume(0.8), "b": volume(0.5)}))
    assert "in the only replicate" in text
    assert "nothing tells this lead from chance" in text


def test_one_family_has_no_rival() -> None:
    assert "no other family" in " ".join(finding_sentences({"a": volume(0.8, 0.9)}))


def test_nothing_inside_the_box_is_said() -> None:
    (text,) = finding_sentences({"a": volume(0.0, 0.0)})
    assert "every hypervolume is 0" in text


def test_no_usable_point_is_said() -> None:
    for volumes in ({}, {"a": volume(0.0, points=0)}):
        (text,) = finding_sentences(volumes)
        assert "no front to show" in text
