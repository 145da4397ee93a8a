"""Audits of digits: what is known to be found, and that nothing is found where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from pareto_explorer.audits.compute import Point, statistics_table
from pareto_explorer.audits.records import DATA, NONE, Arrays, Shadow
from pareto_explorer.sweeps.audit.models import How, UnlearnedPoint, ask, ask_unlearned, questions
from pareto_explorer.sweeps.spec.families import TrialPlan, expand_families
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.replicate import Landmarks
from pareto_explorer.tasks import LandmarkCache, LandmarkKind, Mislabelled, digits, restore_model

pytestmark = pytest.mark.slow  # twenty-four landmarks

SEEDS = range(8)
POINT = Point("weighted_sum-000", 60)
FAMILY = {
    "method": "jacobian_descent",
    "aggregator": "weighted_sum",
    "forget_loss": "bounded_cross_entropy",
    "weight": 0.872,
    "lr": 0.0061,
}


@pytest.fixture(scope="module")
def task():
    return digits(Mislabelled(fraction=0.1))


@pytest.fixture(scope="module")
def cache(cache_dir: Path) -> LandmarkCache:
    return LandmarkCache(cache_dir)


@pytest.fixture(scope="module")
def landmarks(task, cache) -> dict[Shadow, Arrays]:
    data = questions(task)
    kinds: tuple[LandmarkKind, ...] = ("original", "retrained")
    said = {
        Shadow(kind, seed): ask(restore_model(task, cache.obtain(task, kind, seed)), task, data)
        for kind in kinds
        for seed in SEEDS
    }
    return {DATA: data} | said


def rows(models: Mapping[Shadow, Arrays], point: Point) -> pd.DataFrame:
    table = statistics_table(models, SEEDS, [point])
    found = table[(table["seeds"] == "all") & (table["role"] == "")]
    return found.set_index(["statistic", "set"])


def test_retrained_models_of_other_seeds_pass_for_unlearned_ones(task, cache, landmarks):
    data, models = landmarks[DATA], dict(landmarks)
    for seed in SEEDS:
        other = restore_model(task, cache.obtain(task, "retrained", seed + len(SEEDS)))
        models[POINT.shadow(seed)] = ask(other, task, data)
    found = rows(models, POINT)
    for of in ("forget", "test"):
        attack = found.loc["attack_accuracy", of]
        assert attack["low"] <= 0.5 <= attack["high"]
        assert attack["value"] == pytest.approx(0.5, abs=0.05)
    for of in ("forget", "retain", "test"):
        excess = found.loc["excess_auc2", of]
        assert excess["low"] <= 0 <= excess["high"]


def test_what_a_strong_attacker_sees_of_the_best_configuration(task, cache, landmarks):
    (family,) = expand_families([FAMILY])
    how = How(BudgetSpec(steps=60, batch_size=64, evaluate_every=60), "cpu", 1)
    models = dict(landmarks)
    for seed in SEEDS:
        states = Landmarks(cache.obtain(task, "original", seed))
        plan = TrialPlan(POINT.trial_id, family, family.knobs)
        wanted = UnlearnedPoint(plan, Replicate(seed, seed, 0), POINT.step)
        said = ask_unlearned(task, {seed: states}, landmarks[DATA], how, wanted, recover=False)
        models[POINT.shadow(seed)] = said
    found = rows(models, POINT)["value"]
    assert found["attack_accuracy", "forget"] == pytest.approx(0.948, abs=0.02)
    for of, excess in (("forget", 0.235), ("retain", 0.073), ("test", 0.077)):
        assert found["excess_auc2", of] == pytest.approx(excess, abs=0.03)
    assert found["neurips_f", "forget"] == pytest.approx(0.03, abs=0.02)
    assert found["churn", "forget"] == pytest.approx(0.066, abs=0.03)


def test_doing_nothing_is_seen_at_once(landmarks):
    found = rows(landmarks, Point(NONE, 0))["value"]
    assert found["attack_accuracy", "forget"] > 0.99
    assert found["excess_auc2", "forget"] == pytest.approx(0.25, abs=0.001)
    assert found["excess_auc2", "test"] == pytest.approx(0.144, abs=0.03)
    assert found["neurips_f", "forget"] == pytest.approx(0, abs=0.01)
