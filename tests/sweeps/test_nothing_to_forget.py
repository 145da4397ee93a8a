"""Sweeps whose original models are as near to retraining as retrained models are."""

from __future__ import annotations

import pytest
import yaml

from pareto_explorer.fronts import Box
from pareto_explorer.results.run import load_run
from pareto_explorer.sweeps import SweepSpec, check
from pareto_explorer.sweeps.driver import run_trials
from pareto_explorer.sweeps.driver.execute import execute
from pareto_explorer.sweeps.driver.run_box import new_box
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.tasks import LandmarkCache
from tests.fronts.statistics.test_to_forget import MNIST, ORDINARY
from tests.sweeps.checks.test_check import task_of


class Told(Progress):
    def __init__(self):
        super().__init__()
        self.told = []

    def stage(self, text):
        self.told.append(text)

    def begin(self, *arguments):
        super().begin(*arguments)
        self.told.append("the first trial")

    @property
    def warnings(self):
        return [text for text in self.told if text.startswith("warning: ")]


@pytest.fixture
def spec(space):
    return SweepSpec.from_mapping({**space, "families": [{"method": "none"}]})


def test_the_box_is_told_with_its_rule(spec):
    box, rule = new_box(spec, MNIST)
    assert box.objectives[0].nadir == pytest.approx(0.0138)
    assert rule.startswith("nadir of forget_gap: twice the retrain floor of 0.0069")
    assert new_box(spec, ORDINARY)[1].endswith("the smallest forget gap of an original model")


@pytest.mark.ray
def test_the_sweep_warns_before_its_first_trial_and_keeps_its_box(
    cluster, cache_dir, spec, tmp_path, monkeypatch
):
    monkeypatch.setattr(run_trials, "landmark_rows", lambda *_, **__: MNIST.to_dict("records"))
    progress = Told()
    run = execute(spec, tmp_path / "run", cache_dir=cache_dir, progress=progress)
    (warning,) = progress.warnings
    assert "cannot show forgetting here" in warning
    assert progress.told.index(warning) < progress.told.index("the first trial")
    manifest = yaml.safe_load(run.sweep_yaml.read_text())
    assert manifest["box_rule"].startswith("nadir of forget_gap: twice the retrain floor")
    assert load_run(run.path).box.objectives[0].nadir == pytest.approx(0.0138)

    earlier = {key: value for key, value in manifest.items() if key != "box_rule"}
    earlier["box"]["objectives"][0]["nadir"] = 0.0042  # as this sweep was swept before
    run.sweep_yaml.write_text(yaml.safe_dump(earlier))
    longer = spec.model_copy(update={"retries": 1})
    execute(longer, run.path, cache_dir=cache_dir, progress=Told())
    continued = yaml.safe_load(run.sweep_yaml.read_text())
    assert continued["spec"]["retries"] == 1
    assert Box.from_dict(continued["box"]).objectives[0].nadir == 0.0042
    assert "box_rule" not in continued


def test_a_check_says_so_once_the_landmarks_are_trained(spec, tmp_path):
    task, cache = task_of(), LandmarkCache(tmp_path)
    assert not _warned(spec, task, tmp_path)
    for seed in spec.replicates.training_seeds:
        for kind in ("original", "retrained"):
            cache.obtain(task, kind, seed)
    assert _warned(spec, task, tmp_path)


def _warned(spec, task, cache_dir):
    found = check(spec, task, cache_dir=cache_dir)
    return any("cannot show forgetting here" in text for text in found.warnings)
