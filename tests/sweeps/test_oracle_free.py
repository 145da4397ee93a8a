"""Sweeps that retrain nothing, and sweeps of a task that was built in Python."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import torch
import yaml
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.selection.select import RULES, select
from pareto_explorer.metrics import METRICS
from pareto_explorer.reports import write_report
from pareto_explorer.results.run import load_run
from pareto_explorer.sweeps import SweepSpec, reproduce
from pareto_explorer.sweeps.again.export import export_model
from pareto_explorer.sweeps.again.reproduce import local_landmarks
from pareto_explorer.sweeps.driver.execute import execute
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.trials.given_task import GIVEN, digest_of, names_of, task_of
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.tasks import (
    LandmarkCache,
    Mislabelled,
    RandomSubset,
    UnlearningTask,
    WholeClass,
    digits,
)
from pareto_explorer.tasks.models.fresh import Fresh

FRACTION = 0.1
NEEDS_RETRAINED = [
    name for name, row in METRICS.items() if row.needs_retrained and not row.tokens_only
]

MAPPING = {
    "task": {"name": "digits in a notebook"},
    "objectives": "oracle_free",
    "replicates": {"training_seeds": [0]},
    "budget": {"steps": 4, "batch_size": 32, "evaluate_every": 2},
    "families": [
        {
            "method": "jacobian_descent",
            "aggregator": "upgrad",
            "forget_loss": "kl_uniform",
            "lr": {"loguniform": [0.001, 0.05]},
        },
        {"method": "none"},
    ],
    "search": {"configurations": 2},
}


class Stages(Progress):
    def __init__(self):
        super().__init__()
        self.told = []

    def stage(self, text):
        self.told.append(text)


@pytest.fixture(scope="module")
def task():
    torch.set_num_threads(1)
    made = digits(WholeClass(label=1), seed=2)  # originals know more of it than of unseen digits
    return replace(made, recipe=replace(made.recipe, epochs=4))


@pytest.fixture(scope="module")
def swept(cluster, task, tmp_path_factory):
    folder = tmp_path_factory.mktemp("oracle-free")
    spec, progress = SweepSpec.from_mapping(MAPPING), Stages()
    run = execute(spec, folder / "run", task, cache_dir=folder / "cache", progress=progress)
    write_report(run.path)
    return folder, load_run(run.path), progress


@pytest.mark.ray
def test_nothing_is_retrained_and_nothing_that_needs_it_is_measured(swept):
    folder, run, _ = swept
    assert len(list((folder / "cache").glob("*.safetensors"))) == 1
    assert run.landmarks["landmark"].tolist() == ["original"]
    for table in (run.points, run.landmarks):
        assert not set(NEEDS_RETRAINED) & set(table.columns)
        assert {"forget_accuracy_gap", "accuracy_drop"} <= set(table.columns)
    assert set(run.points["status"]) == {"ok"}


@pytest.mark.ray
def test_the_box_is_the_originals_own_gap_and_the_tolerance(swept):
    _, run, progress = swept
    original = run.landmarks.iloc[0]
    known = 1 - original["unlearning_accuracy"]
    gap, drop = run.box.objectives
    assert gap.metric == "forget_accuracy_gap"
    assert gap.nadir == pytest.approx(abs(known - original["validation_accuracy"]))
    assert (drop.metric, drop.nadir) == ("accuracy_drop", 0.1)
    assert run.hypervolume()["none"].mean == 0
    doubts = [text for text in progress.told if text.startswith("objectives: ")]
    assert len(doubts) == 1
    assert "forgets a whole class" in doubts[0]


@pytest.mark.ray
def test_the_run_has_a_report_and_every_rule_chooses(swept):
    folder, run, _ = swept
    summary = (folder / "run" / "report" / "summary.md").read_text(encoding="utf-8")
    assert "The forget accuracy gap aims at" in summary
    for rule in RULES:
        options = {"weights": {"weights": [1, 1]}, "tolerance": {"maximum": {"accuracy_drop": 1}}}
        assert select(run.points, run.box, rule=rule, **options.get(rule, {})).spared_test


@pytest.mark.ray
def test_its_points_are_run_again_with_the_task_and_only_with_it(swept, task, tmp_path):
    folder, run, _ = swept
    chosen = select(run.points, run.box, trial_id="upgrad-kl_uniform-000", step=4)
    point = (run.directory.path, chosen.trial_id, 0, 4)
    again = reproduce(*point, cache_dir=folder / "cache", task=task)
    assert again.largest_difference == 0
    assert "accuracy_drop" in again.values.index
    with pytest.raises(InputError, match=r"'digits in a notebook' was built in Python .* task="):
        reproduce(*point, cache_dir=folder / "cache")
    with pytest.raises(InputError, match="not the one that the run was made with"):
        reproduce(*point, cache_dir=folder / "cache", task=digits(RandomSubset(fraction=0.2)))
    last = (run.directory.path, "none-000", 0, 0)
    done = export_model(*last, tmp_path / "m.safetensors", cache_dir=folder / "cache", task=task)
    assert done.path.exists()


@pytest.mark.ray
def test_another_task_does_not_continue_the_run(swept, task):
    folder, run, _ = swept
    spec = SweepSpec.from_mapping(MAPPING)
    before = run.points
    with pytest.raises(InputError, match="made with another task than this one"):
        execute(spec, folder / "run", digits(), cache_dir=folder / "cache")
    with pytest.raises(InputError, match=r"built in Python; call run_sweep\(spec, out, task="):
        execute(spec, folder / "run", cache_dir=folder / "cache")
    execute(spec, folder / "run", task, cache_dir=folder / "cache")
    pd.testing.assert_frame_equal(load_run(run.directory.path).points, before)
    manifest = yaml.safe_load((folder / "run" / "sweep.yaml").read_text())
    assert manifest[GIVEN] == digest_of(task)
    assert manifest["spec"]["task"] == {"name": "digits in a notebook"}


def test_a_replicate_needs_no_retrained_model(task, cache_dir):
    spec = SweepSpec.from_mapping(MAPPING)
    both = local_landmarks(task, 0, LandmarkCache(cache_dir))
    alone = local_landmarks(task, 0, LandmarkCache(cache_dir), retrain=False)
    assert alone.retrained is None
    plan, replicate = spec.plan()[0], spec.replicate_list()[0]
    rows = [
        [p.row for p in run_replicate(Bench(task, {0: own}, "cpu"), plan, replicate, spec.budget)]
        for own in (both, alone, Landmarks(both.original))
    ]
    timed = ("seconds", "evaluation_seconds")
    for full, bare in zip(rows[0], rows[1], strict=True):
        assert set(full) - set(bare) == {n for n in NEEDS_RETRAINED if METRICS[n].least_seeds == 1}
        assert {k: v for k, v in bare.items() if k not in timed} == {
            k: full[k] for k in bare if k not in timed
        }
    assert [set(row) for row in rows[1]] == [set(row) for row in rows[2]]


def test_a_task_is_known_by_its_data_split_and_model(task):
    same = digits(WholeClass(label=1), seed=2)
    assert digest_of(task) == digest_of(replace(same, recipe=task.recipe))
    others = [
        same,
        digits(Mislabelled(fraction=0.2)),
        digits(RandomSubset(fraction=0.1)),
        replace(task, test=task.validation),
        replace(task, original=task.model().state_dict()),
    ]
    assert len({digest_of(other) for other in [task, *others]}) == 6


def changing() -> UnlearningTask:
    return digits(Mislabelled(fraction=FRACTION))


@pytest.mark.ray
def test_an_own_task_that_has_changed_neither_continues_nor_reproduces(
    cluster, cache_dir, tmp_path, monkeypatch
):
    families = [{"method": "none"}]
    task = {"name": f"{__name__}:changing"}
    spec = SweepSpec.from_mapping(
        {**MAPPING, "families": families, "task": task, "objectives": "efficacy_fidelity"}
    )
    execute(spec, tmp_path / "run", cache_dir=cache_dir)
    point = (tmp_path / "run", "none-000", 0, 0)
    assert reproduce(*point, cache_dir=cache_dir, spec=spec).largest_difference == 0
    monkeypatch.setattr(f"{__name__}.FRACTION", 0.2)
    with pytest.raises(InputError, match="made with another task than this one"):
        execute(spec, tmp_path / "run", cache_dir=cache_dir)
    with pytest.raises(InputError, match=r"what '.*:changing' returns has changed"):
        reproduce(*point, cache_dir=cache_dir, spec=spec)


def test_a_task_that_a_specification_builds_needs_not_be_given(task):
    manifest = {"spec": {"task": {"name": "digits", "forget": {"kind": "random"}}}}
    assert task_of(manifest, None).facts["forget"]["kind"] == "random"
    assert task_of(manifest, task) is task


def test_the_code_of_a_task_is_named_for_the_workers(task):
    assert f"{task.model.__module__}:digits_cnn" in names_of(task)
    local = replace(task, model=_model, loss=Scaled())
    assert {f"{__name__}:_model", f"{__name__}:Scaled"} <= set(names_of(local))
    instance = replace(task, model=Fresh(nn.Sequential(Own(2, 2))))
    assert f"{__name__}:Own" in names_of(instance)


class Own(nn.Linear):
    """A layer of the user's."""


def _model():
    return torch.nn.Flatten()


class Scaled:
    def __call__(self, logits, labels):
        return torch.nn.functional.cross_entropy(logits, labels)
