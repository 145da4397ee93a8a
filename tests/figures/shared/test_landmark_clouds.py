from __future__ import annotations

import pandas as pd
import pytest

from pareto_explorer.figures.shared.landmark_clouds import landmark_clouds


@pytest.fixture
def landmarks() -> pd.DataFrame:
    rows = []
    for seed, shift in enumerate((0.0, 0.02, 0.06)):
        rows.append(("original", seed, seed, 0.5 + shift, 0.01, 0.2, 0.9, 0.8, 0.1))
        rows.append(("retrained", seed, seed, 0.0, 0.0, 0.7 + shift, 0.95, 0.9 - shift, 0.6))
    names = "landmark replicate training_seed forget_gap retain_gap unlearning_accuracy"
    return pd.DataFrame(
        rows,
        columns=[*names.split(), "retain_accuracy", "test_accuracy", "membership_inference"],
    )


def test_every_replicate_of_both_landmarks_is_drawn(landmarks: pd.DataFrame) -> None:
    original, retrained, _ = landmark_clouds(landmarks, ["forget_gap", "retain_gap"])
    assert original.values[:, 0].tolist() == pytest.approx([0.5, 0.52, 0.56])
    assert retrained.values.tolist() == [[0, 0]] * 3
    assert [text.split("<br>")[1] for text in retrained.hover] == [
        f"training seed {seed}" for seed in range(3)
    ]


def test_retrained_models_are_compared_with_each_other(landmarks: pd.DataFrame) -> None:
    between = landmark_clouds(landmarks, ["forget_gap", "retain_gap"])[2]
    assert between.kind == "between"
    shifts = [0.02, 0.06, 0.04]  # half of it: the other half of each gap does not differ
    assert between.values.tolist() == [pytest.approx([s / 2, s / 2]) for s in shifts]


def test_each_pair_is_named_by_its_training_seeds_and_distances(landmarks: pd.DataFrame) -> None:
    between = landmark_clouds(landmarks, ["forget_gap", "test_accuracy"])[2]
    assert [text.split("<br>")[1] for text in between.hover] == [
        f"training seeds {a} and {b}" for a, b in ((0, 1), (0, 2), (1, 2))
    ]
    assert between.values[0].tolist() == [pytest.approx(0.01), pytest.approx(0.89)]
    assert "0.89" in between.hover[0]


def test_axes_that_are_no_gaps_show_the_models_themselves(landmarks: pd.DataFrame) -> None:
    clouds = landmark_clouds(landmarks, ["unlearning_accuracy", "retain_accuracy"])
    assert [cloud.kind for cloud in clouds] == ["original", "retrained"]
    assert clouds[1].values[:, 0].tolist() == pytest.approx([0.7, 0.72, 0.76])


def test_distances_that_need_predictions_are_not_guessed(landmarks: pd.DataFrame) -> None:
    landmarks = landmarks.assign(js_divergence=0.0)
    clouds = landmark_clouds(landmarks, ["forget_gap", "js_divergence"])
    assert [cloud.kind for cloud in clouds] == ["original", "retrained"]


def test_a_training_seed_shared_by_replicates_counts_once(landmarks: pd.DataFrame) -> None:
    twice = pd.concat([landmarks, landmarks.assign(replicate=landmarks["replicate"] + 3)])
    for once, again in zip(
        landmark_clouds(landmarks, ["forget_gap", "retain_gap"]),
        landmark_clouds(twice, ["forget_gap", "retain_gap"]),
        strict=True,
    ):
        assert once.values.tolist() == again.values.tolist()


def test_no_landmarks_yet_draw_none(landmarks: pd.DataFrame) -> None:
    assert landmark_clouds(landmarks.iloc[:0, :3], ["forget_gap", "retain_gap"]) == ()


def test_one_seed_has_no_distance_to_another(landmarks: pd.DataFrame) -> None:
    clouds = landmark_clouds(landmarks.iloc[:2], ["forget_gap", "retain_gap"])
    assert [cloud.kind for cloud in clouds] == ["original", "retrained"]
