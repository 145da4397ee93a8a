"""A search for models that no attacker tells from retrained ones, from its file to its report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from pareto_explorer.cli.app import app
from pareto_explorer.errors import InputError
from pareto_explorer.results.run import Run, load_run
from pareto_explorer.sweeps import SweepSpec, check
from pareto_explorer.sweeps.driver.run_box import new_box
from pareto_explorer.sweeps.trials.landmark_training import landmark_metrics
from pareto_explorer.sweeps.trials.measured_here import measure_landmarks
from pareto_explorer.sweeps.trials.replicate import Landmarks
from pareto_explorer.tasks import LandmarkCache, Mislabelled, UnlearningTask
from tests.tasks.small import small_task

SEEDS = [0, 1, 2, 3]
METRICS = ("attack_accuracy", "excess_forget")
MAPPING = {
    "task": {"name": f"{__name__}:wrong_labels"},
    "replicates": {"training_seeds": SEEDS},
    "budget": {"steps": 6, "batch_size": 16, "evaluate_every": 2},
    "objectives": {"preset": "indistinguishable", "tolerance": 0.3},
    "families": [{"method": "fine_tune", "lr": {"loguniform": [0.01, 0.5]}}, {"method": "none"}],
    "search": {
        "mode": "explore",
        "sampler": "tpe",
        "configurations": 4,
        "constraints": ["excess_forget <= 0.2"],
    },
    "early_stopping": {"grace": 2},
}


def wrong_labels() -> UnlearningTask:
    return small_task(Mislabelled(fraction=0.2), epochs=4)


def told(*arguments: object) -> Result:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture(scope="module")
def folder(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indistinguishable")
    (folder / "space.yaml").write_text(yaml.safe_dump(MAPPING))
    sweep = ("sweep", folder / "space.yaml", "--out", folder / "run", "--cache", folder / "cache")
    assert "Hypervolume by family" in told(*sweep).output
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return load_run(folder / "run")


@pytest.mark.ray
def test_every_point_has_them(run: Run) -> None:
    assert set(run.points["status"]) == {"ok"}
    assert run.points["trial_id"].nunique() == 4
    assert np.isfinite(run.points[list(METRICS)]).all(axis=None)
    same = run.points.groupby(["trial_id", "step"])["excess_forget"].nunique()
    assert (same == 1).all()  # of four seeds, all have the statistic itself
    original = run.landmarks[run.landmarks["landmark"] == "original"]["attack_accuracy"].tolist()
    nothing = run.points[run.points["family"] == "none"]
    assert len(nothing)
    for _, rows in nothing.groupby("trial_id"):
        assert rows["attack_accuracy"].tolist() == original


@pytest.mark.ray
def test_the_box_goes_from_chance_to_doing_nothing(run: Run) -> None:
    attack, retain = run.box.objectives
    landmarks = run.landmarks.set_index("landmark")["attack_accuracy"]
    assert (landmarks["retrained"] == 0.5).all()
    assert (attack.ideal, attack.nadir) == (0.5, landmarks["original"].min())
    assert (retain.metric, retain.ideal, retain.nadir) == ("retain_gap", 0, 0.3)
    assert run.hypervolume()["none"].mean == 0
    rule = yaml.safe_load((run.directory.path / "sweep.yaml").read_text())["box_rule"]
    assert rule == "nadir of attack_accuracy: the smallest one of an original model"


@pytest.mark.ray
def test_a_choice_and_a_model_run_again_know_them(run: Run, folder: Path) -> None:
    worst = run.front()["attack_accuracy"].max()
    chosen = told("select", run.directory.path, "--max", f"attack_accuracy={worst + 0.01}")
    assert "attack_accuracy" in chosen.output
    assert "not audited" not in chosen.output
    point = run.front().iloc[0]
    again = told(
        *("reproduce", run.directory.path, "--trial", point["trial_id"], "--replicate", 1),
        *("--step", point["step"], "--cache", folder / "cache", "--trust"),
    )
    assert "agrees: the largest difference is 0" in again.output
    assert "attack_accuracy" not in again.output  # no model has it by itself


@pytest.mark.ray
def test_the_report_says_that_replicates_share_their_models(run: Run) -> None:
    summary = (run.directory.path / "report" / "summary.md").read_text(encoding="utf-8")
    assert "Attack accuracy" in summary
    assert "so replicates are not independent and intervals are approximate" in summary


def landmarks_of(task: UnlearningTask, cache: LandmarkCache, metrics: tuple[str, ...]):
    measured = {}
    for seed in SEEDS:
        own = Landmarks(*(cache.obtain(task, kind, seed) for kind in ("original", "retrained")))
        measured[seed] = measure_landmarks(task, {seed: own}, seed, "cpu")
    return pd.DataFrame(
        {"landmark": kind, "training_seed": seed, **found}
        for seed, kinds in landmark_metrics(measured, metrics).items()
        for kind, found in kinds.items()
    )


def test_originals_that_nobody_tells_from_retrained_ones_are_refused(tmp_path: Path) -> None:
    task, cache = small_task(), LandmarkCache(tmp_path)  # a tenth of the data at random
    spec = SweepSpec.from_mapping({**MAPPING, "task": {"name": "digits"}, "early_stopping": None})
    said = "objectives: indistinguishable needs original models that are told from retrained ones"
    assert not any(said in text for text in check(spec, task, cache_dir=tmp_path).errors)
    with pytest.raises(InputError, match=said):
        new_box(spec, landmarks_of(task, cache, spec.across_seeds))
    (refused,) = check(spec, task, cache_dir=tmp_path).errors
    assert refused.startswith(said)
