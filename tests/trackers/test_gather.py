"""What trackers are given: all points under their names, the same at every export."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace

import pandas as pd
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.loading import load_run
from pareto_explorer.results import combine_runs
from pareto_explorer.runs import keep_model, read_manifest, write_manifest
from pareto_explorer.schema.columns import checkpoints_of
from pareto_explorer.trackers.gather import sweep_record
from tests.synthetic import write_synthetic_run
from tests.trackers.conftest import BEATEN, KEPT, keep, write_run


def trial(record, trial_id):
    return next(each for each in record.trials if each.trial_id == trial_id)


def test_replicates_have_the_metrics_of_their_rows(run):
    found = trial(sweep_record(run, models=False), "mgda-kl_heldout-1").replicates[1]
    rows = run.points.query("trial_id == 'mgda-kl_heldout-1' and replicate == 1")
    assert [row.step for row in found.rows] == rows["step"].tolist() == [20, 40, 60]
    assert [row.values["forget_gap"] for row in found.rows] == rows["forget_gap"].tolist()
    assert [row.values["samples"] for row in found.rows] == rows["samples"].tolist()
    assert [row.values["cosine"] for row in found.rows] == rows["cosine"].tolist()
    assert [row.seconds for row in found.rows] == rows["seconds"].tolist()
    assert found.params == {
        "trial_id": "mgda-kl_heldout-1",
        "family": "mgda/kl_heldout",
        "method": "jacobian_descent",
        "aggregator": "mgda",
        "forget_loss": "kl_heldout",
        "lr": rows["config.lr"].iloc[0],
        "optimizer": "sgd",
        "replicate": 1,
        "training_seed": 1,
        "unlearning_seed": 101,
    }
    assert found.tags["pareto_explorer.task"] == "digits"
    assert found.tags["training_seed"] == "1"


def test_trials_have_the_means_and_the_spreads(run):
    found = trial(sweep_record(run, models=False), "mgda-kl_heldout-1").means
    means = run.means().query("trial_id == 'mgda-kl_heldout-1'")
    for metric in ("retain_gap", "retain_gap.std"):
        assert [row.values[metric] for row in found.rows] == means[metric].tolist()


def test_the_sweep_has_its_hypervolumes_and_its_report(run):
    found = sweep_record(run, models=False).sweep
    volumes = run.hypervolume()
    (row,) = found.rows
    for family, volume in volumes.items():
        assert row.values[f"hypervolume/{family}"] == volume.mean
    assert row.values["hypervolume/all families"] == run.pooled_hypervolume().mean
    assert found.params["budget.steps"] == 60
    assert found.params["box.objectives.1.metric"] == "retain_gap"
    (report,) = found.artifacts
    assert set(report.files) == {"index.html", "summary.md", "front.csv", "hypervolume.json"}


def test_endings_are_told_with_their_reasons(run):
    record = sweep_record(run, models=False)
    failed = trial(record, "fine_tune-0")
    assert failed.means.status == failed.replicates[0].status == "failed"
    assert failed.replicates[0].tags["error"].startswith("RuntimeError")
    assert failed.means.rows == ()
    assert record.sweep.status == "finished"


def test_a_sweep_that_goes_on_is_running(run):
    points = run.points.assign(
        trial_status=run.points["trial_status"].where(run.points["trial_id"] != "none-0")
    )
    record = sweep_record(replace(run, points=points), models=False)
    assert trial(record, "none-0").means.status == "running"
    assert record.sweep.status == "running"
    planned = replace(run, manifest=run.manifest | {"trials": 99})
    assert sweep_record(planned, models=False).sweep.status == "running"


def test_models_at_one_step_have_their_position_in_the_names(run):
    moved = run.points.assign(position=0.25, forget_gap=0.5)
    points = pd.concat([run.points, moved], ignore_index=True)
    found = trial(sweep_record(replace(run, points=points), models=False), "none-0")
    (row,) = found.replicates[0].rows
    assert row.values["forget_gap/at_0.25"] == 0.5
    assert row.values["forget_gap"] != 0.5


def test_kept_models_of_the_front_go_with_their_cards(run):
    front = [each[:2] for each in checkpoints_of(run.front())]
    assert KEPT in front
    assert BEATEN[::2] not in front
    record = sweep_record(run)
    found = {r.key.split("/", 1)[1]: r.artifacts for r in record.records() if "/" in r.key}
    assert {key for key, artifacts in found.items() if artifacts} == {
        f"{KEPT[0]}/0",
        f"{KEPT[0]}/1",
    }
    (artifact,) = found[f"{KEPT[0]}/1"]
    assert artifact.name == "step-60"
    weights = "replicate-1-step-60.safetensors"
    assert set(artifact.files) == {weights, "README.md"}
    assert weights in artifact.files["README.md"]
    assert not any(
        r.artifacts for t in sweep_record(run, models=False).trials for r in t.replicates.values()
    )


def test_it_is_the_same_wherever_the_run_is_and_follows_what_it_holds(run, tmp_path):
    copy = tmp_path / "elsewhere" / "run"
    shutil.copytree(run.directory.path, copy)
    first, moved = sweep_record(run), sweep_record(load_run(copy))
    assert moved.sweep.key == first.sweep.key
    assert moved.digest == first.digest
    assert len({record.key for record in first.records()}) == len(list(first.records()))
    assert len({record.short_key for record in first.records()}) == len(list(first.records()))
    other = replace(run, manifest=run.manifest | {"written": "2031-05-06T07:08:10+00:00"})
    assert sweep_record(other).sweep.key != first.sweep.key
    points = run.points[run.points["step"] != 60]
    assert sweep_record(replace(run, points=points)).digest != first.digest
    before = moved.digest
    (copy / "report" / "summary.md").write_text("changed")
    assert moved.digest != before


def test_code_that_a_run_names_is_not_run(tmp_path, monkeypatch):
    (tmp_path / "named_by_a_run.py").write_text("raise SystemExit('it was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    run = write_run(tmp_path / "run")
    manifest = read_manifest(run.directory)
    manifest["spec"]["task"] = {"name": "named_by_a_run:task"}
    manifest["spec"]["families"][0]["method"] = "named_by_a_run:method"
    write_manifest(run.directory, manifest)
    record = sweep_record(load_run(tmp_path / "run"))
    assert record.sweep.tags["pareto_explorer.task"] == "named_by_a_run:task"
    assert "named_by_a_run" not in sys.modules


def test_a_report_that_leads_elsewhere_is_not_sent(tmp_path):
    run = write_run(tmp_path / "run")
    secret = tmp_path / "secret"
    secret.write_text("mine")
    page = run.directory.report / "front.csv"
    page.unlink()
    page.symlink_to(secret)
    with pytest.raises(InputError, match=r"^report: .*front\.csv' is a symbolic link"):
        sweep_record(run)


def test_weights_of_another_point_are_not_sent(tmp_path):
    run = write_run(tmp_path / "run")
    other = keep(run.directory, "fine_tune-1", 0, 40)
    keep_model(run.directory, *KEPT[:1], 0, KEPT[1], other)
    with pytest.raises(InputError, match="fine_tune-1"):
        sweep_record(run)


def test_runs_without_a_specification_or_a_report_go_too(tmp_path):
    directory = write_synthetic_run(tmp_path / "run", configurations=1)
    manifest = read_manifest(directory)
    for name in ("spec", "facts", "written"):
        del manifest[name]
    write_manifest(directory, manifest | {"imported": {"kind": "a table"}})
    record = sweep_record(load_run(directory.path))
    assert record.sweep.artifacts == ()
    assert record.sweep.started == 0.0
    assert record.sweep.tags["pareto_explorer.task"] == ""


def test_several_runs_together_are_refused(run, tmp_path):
    second = write_run(tmp_path / "second")
    with pytest.raises(InputError, match="export one after the other"):
        sweep_record(combine_runs([run, second]))


@pytest.mark.parametrize(
    "written", [None, 5, "", "soon", "0001-01-01T00:00:00", "1969-07-20T20:17:40+00:00"]
)
def test_without_a_time_that_trackers_take_a_sweep_begins_at_none(run, written):
    told = replace(run, manifest=run.manifest | {"written": written})
    assert {record.started for record in sweep_record(told, models=False).records()} == {0.0}
