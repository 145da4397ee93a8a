import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.fronts import (
    OBJECTIVES,
    Box,
    Objective,
    forget_nadir,
    nothing_to_forget,
    retrain_floor,
    retrain_gap_box,
)
from pareto_explorer.fronts.statistics.floor import mean_between_retrained
from pareto_explorer.fronts.statistics.to_forget import far_originals, original_gaps

RETRAIN_GAP = OBJECTIVES["retrain_gap"].metrics
GAPS = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def landmarks_of(gaps, shifts, **columns):
    """Originals with these forget gaps; retrained models at these places in both forget metrics."""
    shared = {"retain_accuracy": 1.0, "test_accuracy": 0.98, "retain_gap": 0.001}
    originals = [
        {"landmark": "original", "training_seed": seed, "forget_gap": gap, **shared}
        for seed, gap in enumerate(gaps)
    ]
    retrained = [
        {
            "landmark": "retrained",
            "training_seed": seed,
            "forget_gap": 0.0,
            "unlearning_accuracy": 0.02 + shift,
            "membership_inference": 0.03 + shift,
            **shared,
        }
        for seed, shift in enumerate(shifts)
    ]
    table = pd.DataFrame(originals + retrained).assign(**columns)
    return table.assign(replicate=table["training_seed"])


def box_of(landmarks):
    floor = mean_between_retrained(landmarks, "forget_gap")
    return retrain_gap_box(original_gaps(landmarks, "forget_gap"), floor=floor)


MNIST = landmarks_of([0.0042, 0.0125], [0.0, 0.0069])  # 10 % at random, ResNet-20
ORDINARY = landmarks_of([0.85, 0.84, 0.86], [0.0, 0.02, 0.01])


def test_mnist_at_random_has_nothing_to_forget_and_a_box_of_twice_the_floor():
    said = nothing_to_forget(MNIST, RETRAIN_GAP)
    assert said == (
        "These metrics cannot show forgetting here: in 1 of 2 training seeds the original model "
        "is no farther from retraining than two retrained models are from each other (forget gap "
        "0.0042 to 0.0125, against 0.0069). No family is ranked; an audit of the forgotten "
        "samples, another forget request (wrong labels, a whole class) or another objective can "
        "show more."
    )
    assert box_of(MNIST).objectives[0].nadir == pytest.approx(2 * 0.0069)
    assert forget_nadir([0.0042, 0.0125], 0.0069, 0.1) == (
        0.0138,
        "twice the retrain floor of 0.0069, as there is nothing to forget",
    )


def test_an_ordinary_box_is_the_smallest_original_gap_to_the_last_bit():
    assert nothing_to_forget(ORDINARY, RETRAIN_GAP) == ""
    assert box_of(ORDINARY) == Box(
        (Objective("forget_gap", "min", 0, 0.84), Objective("retain_gap", "min", 0, 0.1))
    )
    nadir = forget_nadir([0.85, 0.84, 0.86], 0.01, 0.1)
    assert nadir == (0.84, "the smallest forget gap of an original model")


def test_one_original_that_is_near_by_chance_is_set_aside():
    landmarks = landmarks_of([0.005, 0.3, 0.2], [0.0, 0.01, 0.01])
    assert nothing_to_forget(landmarks, RETRAIN_GAP) == ""
    assert box_of(landmarks).objectives[0].nadir == 0.2
    assert "above the retrain floor of 0.00667" in forget_nadir([0.005, 0.3, 0.2], 1 / 150, 0.1)[1]


def test_as_near_as_retrained_models_are_is_near_and_half_of_the_seeds_are_enough():
    assert far_originals([0.2, 0.2], 0.2) == []
    assert far_originals([0.2, 0.3], 0.2) == []
    assert far_originals([0.2, 0.3, 0.4], 0.2) == [0.3, 0.4]
    assert far_originals([0.1 + 0.2], 0.3) == []  # rounding
    said = nothing_to_forget(landmarks_of([0.01, 0.02], [0.0, 0.02]), RETRAIN_GAP)
    assert "in every training seed the original model is no farther" in said
    assert "(forget gap 0.01 to 0.02, against 0.02)" in said


def test_one_training_seed_has_no_floor_so_only_equality_is_nothing_to_forget():
    assert nothing_to_forget(landmarks_of([0.001], [0.0]), RETRAIN_GAP) == ""
    assert box_of(landmarks_of([0.001], [0.0])).objectives[0].nadir == 0.001
    equal = landmarks_of([0.0], [0.0])
    said = nothing_to_forget(equal, RETRAIN_GAP)
    assert "equals the retrained one before unlearning (forget gap 0)." in said
    assert box_of(equal).objectives[0].nadir == 0.1
    assert forget_nadir([0.0], None, 0.05)[0] == 0.05


def test_retrained_models_that_agree_leave_the_tolerance_where_originals_do_too():
    assert box_of(landmarks_of([0.0, 0.0], [0.0, 0.0])).objectives[0].nadir == 0.1
    assert box_of(landmarks_of([0.1, 0.2], [0.0, 0.0])).objectives[0].nadir == 0.1


def test_only_distances_to_retraining_that_cover_the_forget_set_are_judged():
    assert nothing_to_forget(MNIST, ["forget_gap", "js_divergence"])
    for metrics in (
        OBJECTIVES["efficacy_fidelity"].metrics,
        OBJECTIVES["oracle_free"].metrics,
        ["js_divergence", "retain_gap"],
        ["test_accuracy", "retain_gap"],
    ):
        assert nothing_to_forget(MNIST, metrics) == ""


def test_one_distance_that_shows_forgetting_is_enough():
    twin = {"validation_membership_inference": 0.03, "validation_forget_gap": 0.5}
    landmarks = MNIST.assign(**twin)
    assert nothing_to_forget(landmarks, ["validation_forget_gap", "forget_gap"]) == ""
    near = landmarks.assign(validation_forget_gap=0.001)
    said = nothing_to_forget(near, ["validation_forget_gap", "forget_gap"])
    assert "(validation forget gap 0.001, against 0.00345)" in said


@pytest.mark.parametrize(
    "landmarks",
    [
        MNIST.iloc[:0],
        MNIST.drop(columns="forget_gap"),
        MNIST.assign(forget_gap=np.nan),
        MNIST[MNIST["landmark"] == "retrained"],
        pd.DataFrame(),
    ],
    ids=["no rows", "no metric", "not measured", "no originals", "no columns"],
)
def test_without_originals_nothing_is_said(landmarks):
    assert nothing_to_forget(landmarks, RETRAIN_GAP) == ""


def test_replicates_of_one_training_seed_count_once():
    again = MNIST.assign(replicate=MNIST["replicate"] + 2)
    assert nothing_to_forget(pd.concat([MNIST, again]), RETRAIN_GAP) == nothing_to_forget(
        MNIST, RETRAIN_GAP
    )


@given(GAPS, st.data())
def test_the_floor_is_never_larger_than_the_box(gaps, data):
    n = len(gaps)
    shifts = data.draw(st.lists(st.floats(0, 0.5), min_size=n, max_size=n))
    landmarks = landmarks_of(gaps, shifts)
    box = box_of(landmarks)
    floor = retrain_floor(landmarks, box)
    assert box.objectives[0].nadir > 0
    if floor is not None:
        assert floor.mean[0] < box.objectives[0].nadir


@given(GAPS, st.none() | st.floats(0, 1))
def test_doing_nothing_scores_0_wherever_there_is_something_to_forget(gaps, floor):
    nadir, _ = forget_nadir(gaps, floor, 0.1)
    far = far_originals(gaps, floor)
    assert all(gap >= nadir for gap in far)
    if min(gaps) > (floor or 0) + 1e-9:
        assert nadir == min(gaps)
    if not far and floor is not None and floor > 1e-9:
        assert nadir == 2 * floor
