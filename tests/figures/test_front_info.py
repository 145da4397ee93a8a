from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.figures.front_info import front_info, staircase
from pareto_explorer.fronts import Box, Objective, hypervolume
from pareto_explorer.results.run import Run

DIRECTIONS = list(product(["min", "max"], repeat=2))


def box_of(directions: Any) -> Box:
    """A box from 0 to 10 whose ideal is the good end."""
    return Box(
        tuple(
            Objective(name, d, *((0.0, 10.0) if d == "min" else (10.0, 0.0)))
            for name, d in zip(("forget_gap", "retain_gap", "mine"), directions, strict=False)
        )
    )


def towards(directions: Any, cost: Any) -> np.ndarray:
    """Turns costs (0 is best, 10 worst) into metric values."""
    signs = np.array([d == "min" for d in directions])
    return np.where(signs, cost, 10 - np.asarray(cost, float))


def table(
    values: np.ndarray, family: str = "a", metrics: Any = ("forget_gap", "retain_gap")
) -> Any:
    rows = []
    for trial, value in enumerate(values):
        for replicate, shift in enumerate((-0.5, 0.5)):
            rows.append(
                {
                    "trial_id": f"{family}{trial}", "family": family, "method": "m",
                    "aggregator": family, "forget_loss": "l", "replicate": replicate,
                    "training_seed": replicate, "unlearning_seed": 9, "step": 20, "samples": 1,
                    "seconds": 0.5, "status": "ok", "trial_status": "finished", "error": None,
                    "config.lr": 0.1, **dict(zip(metrics, value + shift, strict=True)),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def no_landmarks() -> pd.DataFrame:
    names = ["landmark", "replicate", "training_seed", "forget_gap", "retain_gap", "mine"]
    return pd.DataFrame(columns=names)


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_staircase_by_hand_in_every_direction(directions: Any) -> None:
    costs = [[2, 6], [4, 3], [5, 5], [7, 1], [12, 0]]  # (5, 5) is dominated, (12, 0) outside
    stairs = [[2, 10], [2, 6], [4, 6], [4, 3], [7, 3], [7, 1], [10, 1]]
    found = staircase(towards(directions, costs), box_of(directions))
    np.testing.assert_allclose(found, towards(directions, stairs))


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_front_and_hypervolume_agree_with_the_figure(directions: Any) -> None:
    costs = np.array([[2.0, 6], [4, 3], [5, 5], [7, 1]])
    box = box_of(directions)
    info = front_info(table(towards(directions, costs)), no_landmarks(), box)
    (family,) = info.families
    np.testing.assert_allclose(family.values, towards(directions, costs))
    assert family.on_front.tolist() == [True, True, False, True]
    assert [trial for trial, *_ in family.keys] == ["a0", "a1", "a2", "a3"]
    np.testing.assert_allclose(info.pooled_stairs, family.stairs)
    assert info.reference == pytest.approx(towards(directions, [10, 10]))
    for (low, high), value in zip(info.view, info.reference, strict=True):
        assert low < min(value, 10 - value) < max(value, 10 - value) < high


costs_lists = st.lists(st.tuples(*[st.integers(0, 12)] * 2), max_size=12)


@settings(deadline=None)
@given(costs=costs_lists, directions=st.sampled_from(DIRECTIONS))
def test_the_shaded_area_is_the_hypervolume(costs: Any, directions: Any) -> None:
    values = towards(directions, np.array(costs, float).reshape(-1, 2))
    box = box_of(directions)
    area = np.vstack([staircase(values, box), towards(directions, [10, 10])]) / 10
    x, y = area.T
    shoelace = abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2
    assert shoelace == pytest.approx(hypervolume(values, box).value, abs=1e-9)


def test_inputs_are_left_alone() -> None:
    values = np.array([[2.0, 6], [4, 3]])
    values.setflags(write=False)
    points = table(values)
    before = points.copy()
    front_info(points, no_landmarks(), box_of(("min", "min")))
    pd.testing.assert_frame_equal(points, before)


def test_points_beyond_the_box_and_outside_the_view_are_counted() -> None:
    points = table(np.array([[2.0, 6], [10.2, 1], [30, 1], [4, 10]]))
    info = front_info(points, no_landmarks(), box_of(("min", "min")))
    assert (info.n_beyond, info.n_outside) == (3, 1)


def test_landmarks_widen_the_view() -> None:
    far = no_landmarks()
    far.loc[0] = ["original", 0, 0, 14.0, 3.0, 0.0]
    points = table(np.array([[2.0, 6]]))
    info = front_info(points, far, box_of(("min", "min")))
    assert info.view[0][1] > 14
    assert info.landmarks[0].values.tolist() == [[14.0, 3.0]]


def test_a_family_without_a_usable_point_keeps_its_place() -> None:
    points = pd.concat([table(np.array([[2.0, 6]])), table(np.array([[1.0, 1]]), "b")])
    points.loc[points["family"] == "b", "status"] = "diverged"
    info = front_info(points.reset_index(drop=True), no_landmarks(), box_of(("min", "min")))
    a, b = info.families
    assert (len(a.values), len(b.values), len(b.stairs)) == (1, 0, 0)


def test_three_objectives_have_no_staircase() -> None:
    directions = ("min", "max", "min")
    metrics = ("forget_gap", "retain_gap", "mine")
    points = table(towards(directions, np.array([[2.0, 6, 1], [4, 3, 9]])), metrics=metrics)
    info = front_info(points, no_landmarks(), box_of(directions))
    assert info.families[0].values.shape == (2, 3)
    assert len(info.view) == 3
    assert len(info.pooled_stairs) == 0


def test_hover_of_a_run_says_everything(run: Run) -> None:
    info = front_info(run.points, run.landmarks, run.box)
    family = next(f for f in info.families if f.name.startswith("weighted_sum"))
    text = family.hover[0]
    for part in ("lr = ", "&lt;b&gt;loss&lt;/b&gt;", "step 20", "1/101, 2/102", "±"):
        assert part in text
    assert "<b>loss" not in text
    for constant in ("optimizer", "weight = 0.3", "note"):  # one value in all that have it
        assert constant not in text
    assert len(family.hover) == len(family.values) == len(family.keys)
