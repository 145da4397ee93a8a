"""Replicates that step together through a whole sweep, and their points one by one again."""

from __future__ import annotations

import pytest

from pareto_explorer.runs import read_points
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.again.reproduce import reproduce
from pareto_explorer.sweeps.driver.execute import execute
from pareto_explorer.sweeps.live.progress import Progress

pytestmark = pytest.mark.ray


class Told(Progress):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def stage(self, text: str) -> None:
        self.told.append(text)


def test_replicates_that_step_together_are_swept_and_reproduced(
    cluster, space, cache_dir, tmp_path
):
    space["replicates"] = {"training_seeds": [0], "unlearning_seeds": [0, 1, 2]}
    space |= {"search": {"configurations": 1}, "resources": {"bundle": 2}}
    told = Told()
    run = execute(
        SweepSpec.from_mapping(space), tmp_path / "run", cache_dir=cache_dir, progress=told
    )
    points = read_points(run)
    assert set(points["trial_status"]) == {"finished"}
    sizes = points.groupby(["method", "replicate"])["bundle"].agg(list)
    pair = sizes["jacobian_descent"]
    assert [pair[0], pair[1]] == [[2.0, 2.0]] * 2
    assert points["bundle"].notna().sum() == 4
    [alone, bundled] = sorted(text for text in told.told if text.startswith("resources.bundle"))
    assert alone.endswith(
        "fine_tune: one replicate at a time, as method FineTune steps one model at a time"
    )
    assert "kl_uniform: 2 replicates in one step; a bundle took its steps" in bundled
    first = points[points["method"] == "jacobian_descent"]["trial_id"].iloc[0]
    for replicate in (1, 2):
        again = reproduce(run.path, first, replicate, 6, cache_dir=cache_dir)
        assert again.largest_difference == 0.0
