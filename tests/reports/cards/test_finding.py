from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from pareto_explorer.fronts import (
    Box,
    FamilyHypervolume,
    HypervolumeResult,
    efficacy_fidelity_box,
)
from pareto_explorer.fronts.statistics.comparison import compare_families
from pareto_explorer.fronts.statistics.resampling import interval
from pareto_explorer.reports.cards.differences import differences_card
from pareto_explorer.reports.cards.failures import failures_card
from pareto_explorer.reports.cards.finding import (
    finding_card,
    leader_sentences,
    optimism_sentence,
)
from pareto_explorer.reports.cards.hypervolume import hypervolume_card
from pareto_explorer.reports.shared.material import Material

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


BOX_MEANS = "the box, which spans each objective from its best value to the worst that counts"


def test_terms_are_explained_where_they_first_occur() -> None:
    few = " ".join(said({"a": volume(0.8, 0.9), "b": volume(0.5, 0.6)}))
    noise = [0.00, 0.01, 0.02, 0.03, 0.04, 0.05]
    enough = " ".join(said({name: volume(*noise) for name in "ab"}))
    one = " ".join(said({"a": volume(0.8), "b": volume(0.5)}))
    alone = " ".join(said({"a": volume(0.8, 0.9)}))
    for text in (few, enough, one, alone):
        assert re.search(r"hypervolume|$", text).end() == text.index(" (the share of the possible")
        assert re.search(r"replicates?|$", text).end() == text.index(" (each repeats every trial")
        assert text.count("box") == text.count(BOX_MEANS) == 1
    zero = said({"a": volume(0.0, 0.0)})[0]
    assert zero.index(BOX_MEANS) < zero.index("every hypervolume (the share of it that")


def test_the_leaders_numbers_follow_with_their_bounds_and_scale() -> None:
    _, numbers = said({"a": volume(0.8, 0.9), "b": volume(0.5, 0.6)})
    assert numbers == (
        f"The mean is 0.850 over 2 replicates, range 0.800 to 0.900; 1 would be all of {BOX_MEANS}."
    )
    _, numbers = said({"a": volume(*[0.8] * 7), "b": volume(*[0.2] * 7)})
    assert ", 95 % bootstrap interval 0.800 to 0.800; 1 would be" in numbers


def test_another_draw_that_could_turn_a_lead_of_few_replicates_is_told() -> None:
    volumes = {"a": volume(0.8, 0.9), "b": volume(0.7, 0.6), "c": volume(0.1, 0.1)}
    shares = {"b": 0.6, "c": 1.0}
    pairs = [replace(c, draw_share=shares.get(c.second)) for c in compare_families(volumes)]
    last = leader_sentences(volumes, pairs)[-1]
    assert last == "Another draw of the configurations could put b first."


def test_one_replicate_claims_nothing() -> None:
    first, numbers = said({"a": volume(0.8), "b": volume(0.5)})
    assert "1 replicate (each repeats every trial with other seeds) is too few" in first
    assert numbers.startswith("It is 0.800 in the only replicate; 1 would be")


def test_nothing_inside_the_box_is_said() -> None:
    (text,) = said({"a": volume(0.0, 0.0)})
    assert text.startswith("No family has a point inside the box")


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
            "Chosen on the other replicates, the front of a still has 0.700; by that measure the "
            "mean of b is larger.",
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
    assert card.sentence.startswith(f"{best} has the largest mean hypervolume")
    assert card.sentence.endswith("are too few to tell families apart: it takes 6.")
    answer, limits = card.context["answer"], card.context["limits"]
    assert answer[0].startswith("The mean is")
    assert "as near to the retrained model as another retrained model does" in answer[-1]
    assert any("lie at or beyond the reference point" in text for text in limits)
    assert limits[-1] == "Of 19 trials, 2 failed and 1 diverged."
    assert card.context["sentences"] == [*answer, *limits]


def test_a_run_without_points_has_one_sentence_and_its_trials(empty: Material) -> None:
    card = finding_card(empty)
    assert "no front to show" in card.sentence
    assert len(card.context["sentences"]) == 1


def test_before_the_first_trial_nothing_is_said_to_have_finished(material: Material) -> None:
    card = finding_card(changed(material, points=material.run.points.iloc[:0], manifest={}))
    assert card.context["sentences"] == ["No trial has started."]


def changed(material: Material, **parts: Any) -> Material:
    return Material(replace(material.run, **parts))


def limits_of(material: Material) -> list[str]:
    found = finding_card(material).context["limits"]
    assert isinstance(found, list)
    return found


def test_a_family_with_fewer_trials_is_told_first(material: Material) -> None:
    assert "larger search" not in " ".join(limits_of(material))  # none has nothing to search
    points = material.run.points
    kept = ~points["trial_id"].str.fullmatch("fine_tune-[12]")
    few = changed(material, points=points[kept])
    assert limits_of(few)[0] == (
        "fine_tune has 1 trial, cup/negative_cross_entropy 3: part of the difference is the larger "
        "search."
    )


@pytest.mark.parametrize("budget", [{"samples": 1000}, {"seconds": 3}])
def test_equal_compute_is_no_larger_search_and_no_longer_budget(
    material: Material, budget: dict[str, int]
) -> None:
    points = material.run.points
    few = points[~points["trial_id"].str.fullmatch("fine_tune-[12]")]
    spec = material.run.manifest["spec"] | {"search": {"budget_per_family": budget}}
    told = changed(material, points=few, manifest=material.run.manifest | {"spec": spec})
    assert "part of the difference" not in " ".join(limits_of(told))


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"budget": {"steps": 3}}, False),
        ({"path": {"knob": "lr", "from": 0.1}}, False),
        ({"path": {"knob": "lr", "from": {"uniform": [0.1, 0.2]}}}, True),
    ],
)
def test_neither_a_budget_nor_a_path_is_a_knob_that_is_searched(
    material: Material, own: dict[str, Any], told: bool
) -> None:
    spec = material.run.manifest["spec"]
    entries = [
        entry | {"lr": 0.1} | own if entry["method"] == "fine_tune" else entry
        for entry in spec["families"]
    ]
    points = material.run.points
    run = changed(
        material,
        points=points[~points["trial_id"].str.fullmatch("fine_tune-[12]")],
        manifest=material.run.manifest | {"spec": spec | {"families": entries}},
    )
    assert ("larger search" in " ".join(limits_of(run))) == told


def test_a_family_with_fixed_knobs_may_have_one_trial(material: Material) -> None:
    spec = material.run.manifest["spec"]
    fixed = [
        entry | {"lr": 0.1} if entry["method"] == "fine_tune" else entry
        for entry in spec["families"]
    ]
    points = material.run.points
    baseline = changed(
        material,
        points=points[~points["trial_id"].str.fullmatch("fine_tune-[12]")],
        manifest=material.run.manifest | {"spec": spec | {"families": fixed}},
    )
    assert "larger search" not in " ".join(limits_of(baseline))


def test_a_family_with_fewer_steps_is_told(material: Material) -> None:
    points = material.run.points
    short = changed(
        material, points=points[(points["family"] != "fine_tune") | (points["step"] < 40)]
    )
    assert limits_of(short)[0].startswith("fine_tune has points up to step 20, cup")
    assert limits_of(short)[0].endswith(
        "up to step 60: part of the difference is the longer budget."
    )


def test_nothing_is_distinguishable_while_trials_are_running(many: Material) -> None:
    assert any(c.distinguishable for c in many.comparisons)
    points = many.run.points.copy()
    points.loc[points["trial_id"].isin(["mgda-kl_heldout-0", "none-0"]), "trial_status"] = "running"
    running = changed(many, points=points)
    assert not any(c.distinguishable for c in running.comparisons)
    card = finding_card(running)
    assert card.sentence.endswith(
        " so far; 2 of 19 planned trials have not ended, so no verdict yet."
    )
    assert "behind" not in " ".join([card.sentence, *card.context["sentences"]])
    assert "no verdict yet" in differences_card(running).sentence


def test_missing_replicates_are_told_and_beat_nobody(many: Material) -> None:
    points = many.run.points
    kept = (points["family"] != "mgda/kl_heldout") | (points["replicate"] == 0)
    lacking = changed(many, points=points[kept])
    sentences = finding_card(lacking).context["sentences"]
    assert any("mgda/kl_heldout has 1 of 8 replicates, so it has no" in text for text in sentences)
    for c in lacking.comparisons:
        if "mgda/kl_heldout" in (c.first, c.second):
            assert not c.distinguishable
    assert "1 of 8" not in " ".join(finding_card(many).context["sentences"])
    assert hypervolume_card(lacking).context["fewer"] == {"mgda/kl_heldout": 1}


def test_a_leader_with_fewer_replicates_is_told_so() -> None:
    numbers = said({"a": volume(0.9), "b": volume(*[0.5] * 8)})[1]
    assert numbers.startswith("It is 0.900 in 1 of 8 replicates; ")
    numbers = said({"a": volume(0.9, 0.8), "b": volume(*[0.5] * 8)})[1]
    assert numbers.startswith("The mean is 0.850 over 2 of 8 replicates, range")


def test_notes_of_the_run_come_first(material: Material) -> None:
    noted = changed(material, notes=("Replicate 2 is left out.",))
    assert limits_of(noted)[0] == "Replicate 2 is left out."


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"search": {"mode": "explore"}}, "not which family is better at equal budgets"),
        ({"early_stopping": {"grace": 20}}, "families spent unequal budgets"),
    ],
)
def test_unequal_budgets_are_told(material: Material, part: dict[str, Any], told: str) -> None:
    manifest = material.run.manifest
    unequal = changed(material, manifest=manifest | {"spec": manifest["spec"] | part})
    assert told in " ".join(finding_card(unequal).context["sentences"])
    assert told not in " ".join(finding_card(material).context["sentences"])


def test_in_explore_mode_the_answer_says_what_its_ranking_means(many: Material) -> None:
    manifest = many.run.manifest
    explored = changed(
        many, manifest=manifest | {"spec": manifest["spec"] | {"search": {"mode": "explore"}}}
    )
    *_, search, _ = finding_card(explored).context["answer"]
    assert search.startswith("One search drew the trials")


def test_the_first_sentence_names_few_and_a_later_one_all(many: Material) -> None:
    card = finding_card(many)
    behind = [pair.second for pair in many.comparisons[:6] if pair.distinguishable]
    assert len(behind) == 5
    assert f"{behind[0]}, {behind[1]} and 3 others are clearly behind" in card.sentence
    (in_full,) = [text for text in card.context["answer"] if "clearly behind" in text]
    assert all(name in in_full for name in ("upgrad/kl_uniform", "cup/negative_cross_entropy"))


def test_a_verdict_stands_in_the_first_sentence(many: Material) -> None:
    card = finding_card(many)
    assert re.search("clearly (behind|ahead)", card.sentence)
    assert "--set" not in card.sentence


def test_without_a_retrained_model_it_says_what_stands_in(oracle_free: Material) -> None:
    told = finding_card(oracle_free).context
    assert told["answer"][-1].startswith("No model was retrained, so nothing says how near")
    assert told["limits"][0].startswith("The forget accuracy gap takes what the original model")
    facts = {"forget": {"kind": "class", "label": 3}}
    run = replace(oracle_free.run, manifest=oracle_free.run.manifest | {"facts": facts})
    limits = finding_card(Material(run)).context["limits"]
    assert "but this task forgets a whole class" in limits[0]


def test_with_one_it_does_not(material: Material) -> None:
    told = " ".join(finding_card(material).context["sentences"])
    assert "No model was retrained" not in told
    assert "forget accuracy gap" not in told


def test_trials_that_are_planned_and_have_not_started_have_not_ended(many: Material) -> None:
    total = len(many.trials)
    assert many.unfinished == (0, total)
    short = changed(many, manifest=many.run.manifest | {"trials": total + 26})
    assert short.unfinished == (26, total + 26)
    assert not any(pair.distinguishable for pair in short.comparisons)
    card = finding_card(short)
    assert f"26 of {total + 26} planned trials have not ended, so no verdict yet." in card.sentence
    said = f"Of {total + 26} planned trials, 2 failed, 1 diverged and 26 not finished."
    assert said in card.context["sentences"]
    assert failures_card(short).sentence.startswith(
        f"3 trials of {total + 26} did not run to the end, and 26 have not started. "
    )
    ended = many.run.points.assign(trial_status="finished")
    reason = f"None of the {total} trials that ended; 26 of {total + 26} have not started."
    assert failures_card(changed(short, points=ended)).reason == reason
