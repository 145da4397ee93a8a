from itertools import product

import numpy as np
import pandas as pd
import pytest

from pareto_explorer.fronts import Box, Objective
from pareto_explorer.fronts.statistics.floor import (
    between_retrained,
    families_inside,
    floor_sentence,
    retrain_floor,
)
from pareto_explorer.runs import read_landmarks, read_manifest, read_points
from tests.fronts.core.test_tables import row, table
from tests.fronts.twins_statistics import gap_between, mean_over_pairs
from tests.synthetic import write_synthetic_run

GAPS = Box((Objective("forget_gap", "min", 0, 1), Objective("retain_gap", "min", 0, 0.1)))


def models(*shifts, kind="retrained"):
    return pd.DataFrame(
        [
            {
                "landmark": kind,
                "replicate": seed,
                "training_seed": seed,
                "forget_gap": 0.0,
                "retain_gap": 0.0,
                "unlearning_accuracy": 0.5 + shift,
                "membership_inference": 0.75,
                "retain_accuracy": 1.0,
                "test_accuracy": 0.875 - shift,
                "validation_accuracy": 0.9,
                "validation_membership_inference": 0.75 - 2 * shift,
                "js_divergence": 0.0,
                "tug_of_war": 1.0,
            }
            for seed, shift in enumerate(shifts)
        ]
    )


LANDMARKS = models(0.0, 0.125, 0.25)  # 1/8, 1/4 and 1/8 apart: 1/6 on average


def test_gaps_by_hand():
    values, pairs = between_retrained(LANDMARKS, ["forget_gap", "retain_gap"])
    assert pairs == [(0, 1), (0, 2), (1, 2)]
    assert values.tolist() == [[1 / 16, 1 / 16], [1 / 8, 1 / 8], [1 / 16, 1 / 16]]
    floor = retrain_floor(LANDMARKS, GAPS)
    assert floor.metrics == ("forget_gap", "retain_gap")
    assert floor.distances.tolist() == values.tolist()
    assert floor.mean == pytest.approx((1 / 12, 1 / 12))
    assert floor.to_dict() == {
        "metrics": ["forget_gap", "retain_gap"],
        "pairs": 3,
        "mean": pytest.approx([1 / 12, 1 / 12]),
    }


def test_another_metric_beside_a_gap_is_placed_by_its_mean_and_measured_by_its_difference():
    metrics = ["forget_gap", "test_accuracy"]
    values, _ = between_retrained(LANDMARKS, metrics)
    assert values[0].tolist() == [1 / 16, 0.875 - 1 / 16]
    box = Box((GAPS.objectives[0], Objective("test_accuracy", "max", 1, 0)))
    assert retrain_floor(LANDMARKS, box).distances[0].tolist() == [1 / 16, 1 / 8]


def test_validation_gaps_and_the_average_gap():
    values, _ = between_retrained(
        LANDMARKS, ["validation_forget_gap", "validation_retain_gap", "average_gap"]
    )
    assert values[1].tolist() == [3 / 8, 0.0, 1 / 8]


def test_axes_without_a_gap_have_no_place_for_pairs_but_a_floor():
    metrics = ["unlearning_accuracy", "test_accuracy"]
    values, pairs = between_retrained(LANDMARKS, metrics)
    assert (values.shape, pairs) == ((0, 2), [])
    box = Box(tuple(Objective(m, "max", 1, 0) for m in metrics))
    assert retrain_floor(LANDMARKS, box).mean == pytest.approx((1 / 6, 1 / 6))


@pytest.mark.parametrize("metric", ["js_divergence", "tug_of_war"])
def test_what_needs_predictions_has_no_floor(metric):
    box = Box((GAPS.objectives[0], Objective(metric, "min", 0, 2)))
    assert retrain_floor(LANDMARKS, box) is None
    assert between_retrained(LANDMARKS, box.metrics)[1] == []
    assert families_inside(table(row("a", 0, 1, 0.1, 0.1)), LANDMARKS, box) == {}


@pytest.mark.parametrize(
    "landmarks",
    [
        LANDMARKS.iloc[:0],
        LANDMARKS.iloc[:1],
        LANDMARKS.assign(training_seed=0),
        LANDMARKS.assign(landmark="original"),
        LANDMARKS.drop(columns="test_accuracy"),
        LANDMARKS.assign(test_accuracy=[0.5, np.nan, np.nan]),
    ],
    ids=["none", "one", "one seed", "originals", "no metric", "one finite"],
)
def test_fewer_than_two_retrained_models_have_no_floor(landmarks):
    assert retrain_floor(landmarks, GAPS) is None
    assert "no retrain floor" in floor_sentence(None, {})


def test_a_training_seed_shared_by_replicates_counts_once():
    twice = pd.concat([LANDMARKS, LANDMARKS.assign(replicate=LANDMARKS["replicate"] + 3)])
    assert retrain_floor(twice, GAPS).distances.shape == (3, 2)


def test_agrees_with_plain_loops(tmp_path):
    landmarks = read_landmarks(write_synthetic_run(tmp_path / "run", replicates=6))
    chosen = [r for r in landmarks.to_dict("records") if r["landmark"] == "retrained"]
    assert len(chosen) == 6
    parts = ("unlearning_accuracy", "membership_inference"), ("retain_accuracy", "test_accuracy")
    expected = [
        mean_over_pairs(chosen, lambda a, b, names=names: gap_between(a, b, names))
        for names in parts
    ]
    assert retrain_floor(landmarks, GAPS).mean == pytest.approx(expected, abs=1e-12)
    shuffled = landmarks.sample(frac=1, random_state=0)
    assert retrain_floor(shuffled, GAPS).mean == pytest.approx(expected, abs=1e-12)


def gap_rows(family, *gaps, step=1, status="ok"):
    return [
        row(family, replicate, step, None, None, family=family, status=status)
        | ({"forget_gap": f, "retain_gap": r} if status == "ok" else {})
        for replicate, (f, r) in enumerate(gaps)
    ]


def test_families_inside_by_hand():
    points = table(
        *gap_rows("on it", (1 / 12, 0), (1 / 12, 1 / 12)),
        *gap_rows("on average", (0.0, 0.05), (0.15, 0.05)),
        *gap_rows("beyond in one", (0.01, 0.01), (0.01, 0.5)),
        *gap_rows("near in two points", (0.01, 0.5), (0.01, 0.5)),
        *gap_rows("near in two points", (0.5, 0.01), (0.5, 0.01), step=2),
        *gap_rows("diverged", (0.01, 0.01)),
        *gap_rows("diverged", (0, 0), (0, 0), status="diverged", step=2),
    )
    assert families_inside(points, LANDMARKS, GAPS) == {
        "beyond in one": False,
        "diverged": False,
        "near in two points": False,
        "on average": True,
        "on it": True,
    }


# The retrained models of replicates 0 and 1 are at (0.5, 0.25) and (0.625, 0.25): 1/8 and 0 apart.
@pytest.mark.parametrize("directions", list(product(["min", "max"], repeat=2)), ids="/".join)
def test_other_metrics_are_compared_with_the_same_replicate_in_every_direction(directions):
    landmarks = pd.DataFrame(
        {
            "landmark": "retrained",
            "replicate": [0, 1],
            "training_seed": [0, 1],
            "cost": [0.5, 0.625],
            "gain": [0.25, 0.25],
        }
    )
    box = Box(
        tuple(
            Objective(m, d, float(d == "max"), float(d == "min"))
            for m, d in zip(("cost", "gain"), directions, strict=True)
        )
    )
    points = table(
        row("a", 0, 1, 0.375, 0.25, family="on the one side"),
        row("a", 1, 1, 0.5, 0.25, family="on the one side"),
        row("b", 0, 1, 0.625, 0.25, family="on the other"),
        row("b", 1, 1, 0.75, 0.25, family="on the other"),
        row("c", 0, 1, 0.625, 0.25, family="in another replicate's place"),
        row("c", 1, 1, 0.425, 0.25, family="in another replicate's place"),
        row("d", 0, 1, 1.0, 0.25, family="around it"),
        row("d", 1, 1, 0.125, 0.25, family="around it"),
    )
    assert families_inside(points, landmarks, box) == {
        "around it": False,
        "in another replicate's place": False,
        "on the one side": True,
        "on the other": True,
    }
    lone = landmarks.assign(replicate=[0, 7])  # replicate 1 has no retrained model to compare with
    assert not any(families_inside(points, lone, box).values())


def test_rounding_keeps_no_family_out():
    forget, retain = retrain_floor(LANDMARKS, GAPS).mean
    points = table(*gap_rows("f", (np.nextafter(forget, 1), np.nextafter(retain, 1))))
    assert families_inside(points, LANDMARKS, GAPS) == {"f": True}


def test_a_table_without_rows():
    assert families_inside(table(), LANDMARKS, GAPS) == {}
    points = table(*gap_rows("f", (0, 0), (0, 0), status="failed"))
    assert families_inside(points, LANDMARKS, GAPS) == {"f": False}


def test_on_a_run(tmp_path):
    run = write_synthetic_run(tmp_path / "run")
    box = Box.from_dict(read_manifest(run)["box"])
    points, landmarks = read_points(run), read_landmarks(run)
    before = points.copy(deep=True), landmarks.copy(deep=True)
    inside = families_inside(points, landmarks, box)
    assert list(inside) == sorted(points["family"].unique())
    assert not inside["none"]
    pd.testing.assert_frame_equal(points, before[0])
    pd.testing.assert_frame_equal(landmarks, before[1])


def test_sentences():
    floor = retrain_floor(LANDMARKS, GAPS)
    near = "as near to the retrained model as another retrained model does"
    apart = (
        "two of them are 0.0833 in forget gap and 0.0833 in retain gap apart, on average over 3 "
        "pairs of training seeds."
    )
    assert floor_sentence(floor, {"a": False}, 3) == f"No family comes {near}: {apart}"
    apart += " An attacker who looks at each sample may see more: an audit tries."
    assert floor_sentence(floor, {"a": True, "b": False}) == f"a comes {near}: {apart}"
    assert f"{near}, on average over 3 replicates: two" in floor_sentence(floor, {"a": True}, 3)
    assert floor_sentence(floor, dict.fromkeys("abcde", True)) == (
        f"a, b, c and 2 others come {near}: {apart}"
    )
    assert floor_sentence(floor, {"none": True}).startswith("the control none comes")
    assert "pair" not in floor_sentence(retrain_floor(models(0, 0.1), GAPS), {})


@pytest.mark.parametrize("twins", [True, False])
def test_many_checkpoints_that_are_truly_farther_are_rarely_called_inside(twins):
    inside = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        parts = {
            name: 0.5 + 0.02 * rng.normal(size=3)
            for name in LANDMARKS
            if name.endswith(("accuracy", "inference"))
        }
        landmarks = LANDMARKS.assign(**parts)
        # forgetting, membership, retaining, test; then the validation twins of the second and last
        d = np.abs(1.5 * np.sqrt(2) * 0.02 * rng.normal(size=(6, 300)))
        points = pd.DataFrame(
            {
                "trial_id": np.repeat([f"t{i}" for i in range(100)], 3),
                "replicate": np.tile([0, 1, 2], 100),
                "family": "f",
                "step": 1,
                "status": "ok",
                "forget_gap": (d[0] + d[1]) / 2,
                "retain_gap": (d[2] + d[3]) / 2,
            }
        )
        if twins:
            points["validation_forget_gap"] = (d[0] + d[4]) / 2
            points["validation_retain_gap"] = (d[2] + d[5]) / 2
        inside += families_inside(points, landmarks, GAPS)["f"]
    assert inside < 10


def test_a_family_that_is_truly_near_is_inside_though_most_of_it_is_far():
    points = table(
        *gap_rows("f", (0.9, 0.9), (0.9, 0.9)),
        *gap_rows("f", (0.01, 0.02), (0.02, 0.01), step=2),
    )
    assert families_inside(points, LANDMARKS, GAPS) == {"f": True}


def test_the_validation_twins_choose():
    near, far = gap_rows("f", (0.0, 0.0)), gap_rows("f", (0.5, 0.5), step=2)
    points = table(*near, *far).assign(
        validation_forget_gap=[0.4, 0.1], validation_retain_gap=[0.4, 0.1]
    )
    assert families_inside(points, LANDMARKS, GAPS) == {"f": False}
