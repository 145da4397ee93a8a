import math

import numpy as np
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import (
    OBJECTIVES,
    efficacy_fidelity_box,
    indistinguishable_box,
    oracle_free_box,
    oracle_free_doubt,
    original_excess,
    retrain_gap_box,
    tofu_box,
)


def test_retrain_gap_scores_every_original_model_0_and_the_retrained_one_0_gap():
    gaps = [0.5, 0.25, 0.75]
    box = retrain_gap_box(gaps)
    assert box.metrics == OBJECTIVES["retrain_gap"].metrics
    assert box.normalise([[0.0, 0.0], [0.25, 0.1]]).tolist() == [[0, 0], [1, 1]]
    assert (box.normalise([[gap, 0.0] for gap in gaps])[:, 0] >= 1).all()
    assert retrain_gap_box(gaps, tolerance=0.2).objectives[1].nadir == 0.2


@pytest.mark.parametrize(
    ("gaps", "tolerance", "message"),
    [
        ([], 0.1, "needs the forget gap of an original model"),
        ([0.3, math.nan], 0.1, "forget_gap of original model 1: nan is not finite"),
        ([0.3], 0.0, "tolerance: 0.0 is not above 0"),
        ([0.3], math.nan, "tolerance: nan is not finite"),
    ],
)
def test_retrain_gap_refuses_what_cannot_be_measured(gaps, tolerance, message):
    with pytest.raises(InputError, match=message):
        retrain_gap_box(gaps, tolerance)


def test_efficacy_fidelity_maximises_both_accuracies():
    box = efficacy_fidelity_box()
    assert box.metrics == OBJECTIVES["efficacy_fidelity"].metrics
    assert box.normalise([[1.0, 1.0], [0.0, 0.0], [0.75, 1.0]]).tolist() == [
        [0, 0],
        [1, 1],
        [0.25, 0],
    ]


def test_oracle_free_scores_every_original_model_0():
    gaps = [0.05, 0.04, 0.08]
    box = oracle_free_box(gaps)
    assert box.metrics == OBJECTIVES["oracle_free"].metrics
    assert box.normalise([[0.0, 0.0], [0.04, 0.1]]).tolist() == [[0, 0], [1, 1]]
    assert (box.normalise([[gap, 0.0] for gap in gaps])[:, 0] >= 1).all()
    assert oracle_free_box(gaps, tolerance=0.02).objectives[1].nadir == 0.02
    assert [name for name, p in OBJECTIVES.items() if not p.needs_retrained] == ["oracle_free"]


@pytest.mark.parametrize(
    ("gaps", "tolerance", "message"),
    [
        ([], 0.1, "more of the forget set right than of the validation set"),
        ([0.3, 0.0], 0.1, r"their accuracies differ by \[0.3, 0.0\]"),
        ([0.3, -0.77], 0.1, r"their accuracies differ by \[0.3, -0.77\]"),
        ([math.inf], 0.1, "forget_accuracy_gap of original model 0: inf is not finite"),
        ([0.3], -1.0, "tolerance: -1.0 is not above 0"),
    ],
)
def test_oracle_free_refuses_what_cannot_be_measured(gaps, tolerance, message):
    with pytest.raises(InputError, match=message):
        oracle_free_box(gaps, tolerance)


def test_indistinguishable_scores_every_original_model_0_and_chance_1():
    accuracies = [0.98, 0.9, 1.0, 0.95]
    box = indistinguishable_box(accuracies)
    assert box.metrics == OBJECTIVES["indistinguishable"].metrics
    assert box.normalise([[0.5, 0.0], [0.9, 0.1], [0.7, 0.05]]) == pytest.approx(
        np.array([[0, 0], [1, 1], [0.5, 0.5]])
    )
    assert (box.normalise([[a, 0.0] for a in accuracies])[:, 0] >= 1).all()
    assert indistinguishable_box(accuracies, tolerance=0.02).objectives[1].nadir == 0.02


@pytest.mark.parametrize(
    ("accuracies", "tolerance", "message"),
    [
        ([], 0.1, "told from retrained ones with an accuracy of 0.55 or more in every training"),
        ([0.6, 0.53], 0.1, r"theirs are \[0.6, 0.53\]; forget something else"),
        ([0.6, math.nan], 0.1, "attack_accuracy of original model 1: nan is not finite"),
        ([0.9], 0.0, "tolerance: 0.0 is not above 0"),
    ],
)
def test_indistinguishable_refuses_what_is_told_by_chance_alone(accuracies, tolerance, message):
    with pytest.raises(InputError, match=message):
        indistinguishable_box(accuracies, tolerance)


@pytest.mark.parametrize("kind", ["mislabelled", "class", "subclass", "mixture"])
def test_unseen_samples_are_the_wrong_aim_for_some_requests(kind):
    facts = {"forget": {"kind": kind}}
    doubt = oracle_free_doubt(OBJECTIVES["oracle_free"].metrics, facts)
    assert doubt.startswith("the forget accuracy gap aims at")
    assert doubt.endswith(".")
    assert oracle_free_doubt(OBJECTIVES["retrain_gap"].metrics, facts) == ""


@pytest.mark.parametrize("facts", [{}, {"forget": 108}, {"forget": {"kind": "random"}}])
def test_unseen_samples_are_taken_for_the_aim_of_other_requests(facts):
    assert oracle_free_doubt(OBJECTIVES["oracle_free"].metrics, facts) == ""


def test_the_registry_goes_by_its_own_names():
    assert all(name == preset.name for name, preset in OBJECTIVES.items())
    assert all(preset.summary and preset.source for preset in OBJECTIVES.values())


def test_tofu_goes_from_the_originals_to_the_retrained_models():
    box = tofu_box([0.6, 0.5], [0.25, 0.75])
    assert box.metrics == OBJECTIVES["tofu"].metrics
    assert box.normalise([[0.0, 0.6], [0.25, 0.4]]).tolist() == [[0, 0], [1, 1]]
    assert tofu_box([0.6], [0.25], tolerance=0.2).objectives[1].nadir == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("utilities", "distances", "tolerance", "message"),
    [
        ([0.6], [0.0], 0.1, "tofu needs original models whose truth ratios differ"),
        ([0.6], [], 0.1, "tofu needs original models whose truth ratios differ"),
        ([math.nan], [0.2], 0.1, "model_utility of original model 0: nan is not finite"),
        ([0.6], [0.2], 0.0, "tolerance: 0.0 is not above 0"),
    ],
)
def test_tofu_refuses_what_cannot_be_measured(utilities, distances, tolerance, message):
    with pytest.raises(InputError, match=message):
        tofu_box(utilities, distances, tolerance)


def test_unseen_samples_are_those_of_the_kind_of_task():
    seen = {"unlearning_accuracy": 0.25, "validation_accuracy": 0.5, "heldout_accuracy": 0.125}
    assert original_excess(seen) == 0.25
    assert original_excess(seen | {"forget_probability": 0.9}) == 0.625
