"""What the page chooses from."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from pareto_explorer.fronts import non_dominated, objective_values
from pareto_explorer.fronts.core.validation_twins import validation_box
from pareto_explorer.reports.shared.choose_data import candidates, choose_data
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results.run import load_run
from tests.reports.shared.test_explorer_data import crowd


@pytest.fixture(scope="module")
def material(run_path: Path) -> Material:
    return Material(load_run(run_path))


@pytest.fixture(scope="module")
def large(material: Material) -> Material:
    return crowd(material, 5)


def test_values_arrive_bit_by_bit(material: Material) -> None:
    run = material.run
    box = validation_box(run.points, run.box)
    means = material.validation_means
    data = choose_data(run.points, means, run.box, box, ["forget_gap"])
    sent = np.frombuffer(base64.b64decode(data["means"]), "<f8").reshape(len(means), 2)
    np.testing.assert_array_equal(sent, objective_values(means, box))
    values = np.frombuffer(base64.b64decode(data["values"]), "<f8").reshape(len(means), 3, 2)
    np.testing.assert_array_equal(values.mean(axis=1), sent)
    assert sum(data["models"]) == data["rows"] == len(means)
    assert sum(data["inside"]) == (~means["beyond_box"]).sum()


def test_of_a_large_run_every_familys_front_is_kept_and_what_is_near(large: Material) -> None:
    means = large.validation_means
    box = validation_box(large.run.points, large.run.box)
    kept = candidates(means, box, 60)
    assert kept.sum() == 60 < len(means)
    assert kept[means["on_family_front"]].all()
    values = box.normalise(objective_values(means, box))
    front = values[means["on_front"].to_numpy()]
    away = np.linalg.norm(values[:, None] - front, axis=2).min(axis=1)
    added = kept & ~means["on_family_front"].to_numpy()
    assert away[added].max() <= away[~kept].min()
    assert candidates(means, box, len(means)).all()
    few = candidates(means, box, 1)
    assert (few == means["on_family_front"]).all()


def test_the_front_of_any_families_is_among_what_is_kept(large: Material) -> None:
    means = large.validation_means
    box = validation_box(large.run.points, large.run.box)
    kept = candidates(means, box, 1)
    families = list(means["family"].unique())
    for some in (families[:1], families[1:4], families):
        among = means["family"].isin(some).to_numpy()
        front = non_dominated(box.normalise(objective_values(means[among], box)))
        assert kept[among][front].all()
