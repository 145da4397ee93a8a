from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.figures.frame import NEAR, WHOLE, draw_in_frame, frame_info, require_two
from pareto_explorer.figures.shared.style import LIGHT
from pareto_explorer.fronts import Box, Objective
from pareto_explorer.results.run import Run

BOUNDS: dict[str, Any] = {"min": (0.0, 1.0), "max": (1.0, 0.0)}


@pytest.mark.parametrize("directions", list(product(["min", "max"], repeat=2)))
def test_the_near_view_holds_what_is_shown_and_the_ideal(run: Run, directions: Any) -> None:
    metrics = ("unlearning_accuracy", "retain_accuracy")
    box = Box(tuple(Objective(m, d, *BOUNDS[d]) for m, d in zip(metrics, directions, strict=True)))
    shown = np.array([[0.4, 0.5], [0.45, 0.6]])
    frame = frame_info(run.points, run.landmarks, box)
    layout = draw_in_frame(frame, [], LIGHT, near=[shown]).layout
    for axis, name, objective, values in zip(
        (layout.xaxis, layout.yaxis), "xy", box.objectives, shown.T, strict=True
    ):
        low, high = layout.meta["views"][NEAR][f"{name}axis.range"]
        assert tuple(axis.range) == (low, high)
        assert low < high
        for value in (objective.ideal, *values):
            assert low <= value <= high
        whole = layout.meta["views"][WHOLE][f"{name}axis.range"]
        assert whole[0] <= low
        assert high <= whole[1]


def test_the_view_grows_for_points_better_than_the_ideal(run: Run) -> None:
    first, second = frame_info(run.points, run.landmarks, run.box).view
    inside = np.array([[-0.5, 0.01]])
    beyond = np.array([[99.0, 99.0]])
    grown = frame_info(run.points, run.landmarks, run.box, [inside, beyond])
    assert grown.view[0][0] < -0.5
    assert grown.view[0][1] == first[1]
    assert grown.view[1] == second


def test_without_anything_near_the_whole_box_is_shown(run: Run) -> None:
    frame = frame_info(run.points, run.landmarks, run.box)
    views = draw_in_frame(frame, [], LIGHT).layout.meta["views"]
    assert views[NEAR] == views[WHOLE]


def test_landmarks_and_box_are_there_but_no_family(run: Run) -> None:
    figure = draw_in_frame(frame_info(run.points, run.landmarks, run.box), [], LIGHT)
    roles = [trace.meta["role"] for trace in figure.data]
    assert roles[0] == "box"
    assert set(roles) == {"box", "landmark", "reference"}


def test_three_objectives_are_refused(run: Run) -> None:
    box = Box((*run.box.objectives, Objective("test_accuracy", "max", 1.0, 0.5)))
    with pytest.raises(InputError, match=r"test_accuracy are 3; the band is drawn for two"):
        require_two(box, "the band")
