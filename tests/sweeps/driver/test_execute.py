from __future__ import annotations

import itertools
import json
import math
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from pareto_explorer import load_run, run_sweep
from pareto_explorer.cli.app import main
from pareto_explorer.errors import InputError
from pareto_explorer.reports import write_report
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.reports.shared.next_steps import next_steps
from pareto_explorer.runs import find_model
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.again.reproduce import local_landmarks, reproduce
from pareto_explorer.sweeps.driver.continuing import extends
from pareto_explorer.sweeps.driver.provenance import machine, versions
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.parts import ExploreSearch
from pareto_explorer.sweeps.trials.trainable import Job, UnlearningTrial
from pareto_explorer.tasks import LandmarkCache, make_task

pytestmark = pytest.mark.ray

KEY = ["trial_id", "replicate", "step"]


def planned(spec: SweepSpec) -> set[tuple[str, int, int]]:
    """Every evaluation of every trial; one that does nothing is evaluated at its start."""
    ids = [plan.trial_id for plan in spec.plan()]
    nothing = {name for name in ids if name.startswith("none")}
    steps = range(spec.budget.evaluate_every, spec.budget.steps + 1, spec.budget.evaluate_every)
    replicates = range(len(spec.replicate_list()))
    return {
        *itertools.product(nothing, replicates, (0,)),
        *itertools.product(set(ids) - nothing, replicates, steps),
    }


def keys(points: pd.DataFrame) -> list[tuple[str, int, int]]:
    return list(points[KEY].itertuples(index=False, name=None))


class Told(Progress):
    """Notes what it is told of the phases."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def stage(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module")
def told():
    return Told()


@pytest.fixture(scope="module")
def finished(cluster, cache_dir, tmp_path_factory, told):
    spec = SweepSpec.from_mapping(
        {
            "task": {"name": "digits"},
            "replicates": {"training_seeds": [0, 1]},
            "budget": {"steps": 6, "batch_size": 32, "evaluate_every": 3},
            "families": [
                {
                    "method": "jacobian_descent",
                    "aggregator": ["upgrad", "mgda"],
                    "forget_loss": "kl_uniform",
                    "lr": {"loguniform": [0.001, 0.05]},
                },
                {"method": "none"},
            ],
            "search": {"configurations": 2},
            "resources": {"cpu": 0.5},  # two trials at once
        }
    )
    out = tmp_path_factory.mktemp("finished") / "run"
    return spec, out, run_sweep(spec, out, cache_dir=cache_dir, progress=told)


def test_the_phases_are_told_as_they_pass(finished, told):
    phases = [line for line in told.lines if not line.endswith(" trained")]
    assert phases[0] == "task: digits"
    assert phases[1].startswith("landmarks: ")
    assert phases[2:] == [
        "landmarks: to be measured, 2 training seeds",
        "trials: 0 of 5 trials done, 2 at a time",
        "report: being written",
    ]


def test_every_planned_point_is_there_once(finished):
    spec, _, run = finished
    expected = planned(spec)
    assert {key for key in expected if key[2] == 0} == {("none-000", r, 0) for r in (0, 1)}
    found = keys(run.points)
    assert set(found) == expected
    assert len(found) == len(expected)
    assert set(run.points["status"]) == {"ok"}
    assert set(run.points["trial_status"]) == {"finished"}


def test_doing_nothing_equals_the_original_model(finished):
    _, _, run = finished
    nothing = run.points[run.points["family"] == "none"].set_index("replicate")
    original = run.landmarks[run.landmarks["landmark"] == "original"].set_index("replicate")
    for metric in ("unlearning_accuracy", "retain_accuracy", "test_accuracy", "forget_gap"):
        assert nothing[metric].tolist() == original[metric].tolist()
    assert run.hypervolume()["none"].mean == 0


def test_the_retrained_model_has_no_gap(finished):
    _, _, run = finished
    retrained = run.landmarks[run.landmarks["landmark"] == "retrained"]
    assert retrained["forget_gap"].tolist() == [0, 0]
    assert retrained["retain_gap"].tolist() == [0, 0]


def test_rows_carry_configuration_cost_and_diagnostics(finished):
    _, _, run = finished
    row = run.points[run.points["family"] == "upgrad/kl_uniform"].iloc[0]
    assert 0.001 <= row["config.lr"] <= 0.05
    assert row["seconds"] > 0
    assert row["samples"] == 3 * 2 * 32 * 2  # steps × batches × batch size × (forward + backward)
    assert -1 <= row["cosine"] <= 1
    assert row["norm_retain"] > 0


def test_all_families_see_the_same_batches(finished):
    _, _, run = finished
    first = run.points[(run.points["step"] == 3) & (run.points["trial_id"].str.endswith("000"))]
    by_family = {name: rows.set_index("replicate") for name, rows in first.groupby("family")}
    assert by_family["upgrad/kl_uniform"]["config.lr"].tolist() == (
        by_family["mgda/kl_uniform"]["config.lr"].tolist()
    )
    assert by_family["upgrad/kl_uniform"]["samples"].tolist() == (
        by_family["mgda/kl_uniform"]["samples"].tolist()
    )


def test_the_manifest_says_what_was_run(finished):
    spec, out, run = finished
    manifest = yaml.safe_load((out / "sweep.yaml").read_text())
    assert manifest["spec"] == spec.to_mapping()
    assert manifest["versions"] == versions()
    assert manifest["machine"] == machine(1)
    assert manifest["machine"]["processor"]
    written = datetime.fromisoformat(manifest["written"])
    assert timedelta() <= datetime.now(UTC) - written < timedelta(days=1)
    assert run.domains.keys() == set(run.points["family"])
    for family in spec.family_list():
        found = {knob: (d.kind, d.arguments) for knob, d in run.domains[family.name].items()}
        assert found == {knob: (d.kind, d.arguments) for knob, d in family.domains.items()}
    nadir = manifest["box"]["objectives"][0]["nadir"]
    original = run.landmarks[run.landmarks["landmark"] == "original"]
    assert nadir == original["forget_gap"].min()
    assert (out / "report" / "index.html").exists()


def test_the_reported_hypervolumes_can_be_recomputed_by_hand(finished):
    _, out, _ = finished
    reported = json.loads((out / "report" / "hypervolume.json").read_text())
    nadirs = [objective["nadir"] for objective in reported["box"]["objectives"]]
    corners: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in pq.read_table(out / "points.parquet").to_pylist():
        corner = (row["forget_gap"] / nadirs[0], row["retain_gap"] / nadirs[1])
        corners.setdefault((row["family"], str(row["replicate"])), []).append(corner)
    assert len(corners) == 6
    for (family, replicate), points in corners.items():
        area, height = 0.0, 1.0
        for x, y in sorted(point for point in points if max(point) < 1):
            if y < height:
                area, height = area + (1 - x) * (height - y), y
        assert reported["families"][family]["per_replicate"][replicate] == pytest.approx(area)


def test_a_finished_sweep_is_not_run_again(finished, cache_dir):
    spec, out, run = finished
    again = run_sweep(spec, out, cache_dir=cache_dir)
    pd.testing.assert_frame_equal(again.points, run.points)


def test_the_same_specification_gives_the_same_points(finished, cache_dir, tmp_path):
    spec, _, run = finished
    again = run_sweep(spec, tmp_path / "again", cache_dir=cache_dir)
    measured = [c for c in run.points if c not in ("seconds", "evaluation_seconds")]
    pd.testing.assert_frame_equal(again.points[measured], run.points[measured])


def test_more_configurations_extend_a_finished_sweep(finished, cache_dir, tmp_path):
    spec, out, short = finished
    shutil.copytree(out, tmp_path / "run")
    longer = SweepSpec.from_mapping(spec.to_mapping() | {"search": {"configurations": 3}})
    extended = run_sweep(longer, tmp_path / "run", cache_dir=cache_dir)
    assert set(keys(extended.points)) == planned(longer)
    kept = extended.points[extended.points["trial_id"].isin(short.points["trial_id"])]
    pd.testing.assert_frame_equal(kept.reset_index(drop=True), short.points)


def test_a_run_of_the_old_rule_is_read_and_reported_but_not_extended(finished, cache_dir, tmp_path):
    spec, out, run = finished
    old = tmp_path / "old"
    shutil.copytree(out, old, ignore=shutil.ignore_patterns("tune"))
    manifest = yaml.safe_load((old / "sweep.yaml").read_text())
    assert manifest.pop("draws") == "scrambled_sobol"
    (old / "sweep.yaml").write_text(yaml.safe_dump(manifest))
    longer = SweepSpec.from_mapping(spec.to_mapping() | {"search": {"configurations": 4}})
    with pytest.raises(InputError, match="drawn independently of each other") as caught:
        run_sweep(longer, old, cache_dir=cache_dir)
    assert "\n" not in str(caught.value)
    pd.testing.assert_frame_equal(load_run(old).points, run.points)
    assert write_report(old).is_file()
    manifest["spec"]["search"]["seed"] = 5  # what a plan would draw today is not what was drawn
    (old / "sweep.yaml").write_text(yaml.safe_dump(manifest))
    row = run.points[run.points["family"] == "mgda/kl_uniform"].iloc[-1]
    point = row["trial_id"], row["replicate"], row["step"]
    assert reproduce(old, *point, cache_dir=cache_dir).largest_difference <= 1e-6
    spec = SweepSpec.from_mapping(manifest["spec"])
    finer = spec.to_mapping() | {"retries": 1}  # may change, and is recorded anew
    pd.testing.assert_frame_equal(
        run_sweep(SweepSpec.from_mapping(finer), old, cache_dir=cache_dir).points, run.points
    )
    assert "draws" not in yaml.safe_load((old / "sweep.yaml").read_text())


def test_another_specification_is_refused_and_nothing_is_overwritten(finished, cache_dir):
    spec, out, _ = finished
    before = {p: p.read_bytes() for p in out.rglob("*.parquet")} | {
        out / "sweep.yaml": (out / "sweep.yaml").read_bytes()
    }
    other = SweepSpec.from_mapping(spec.to_mapping() | {"budget": {"steps": 9}})
    with pytest.raises(InputError, match=r"made by another specification \(budget differs"):
        run_sweep(other, out, cache_dir=cache_dir)
    assert all(path.read_bytes() == content for path, content in before.items())


def test_a_folder_with_other_files_is_refused(cluster, space, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match=r"holds other files \(thesis\.tex"):
        run_sweep(SweepSpec.from_mapping(space), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != ".lock") == ["thesis.tex"]


def test_a_damaged_points_table_is_refused(finished, cache_dir, tmp_path):
    spec, finished_out, _ = finished
    out = tmp_path / "run"
    shutil.copytree(finished_out, out)
    (out / "points.parquet").write_bytes(b"not a table")
    with pytest.raises(InputError, match=r"points\.parquet' is damaged"):
        run_sweep(spec, out, cache_dir=cache_dir)
    assert (out / "points.parquet").read_bytes() == b"not a table"


@pytest.fixture(scope="module")
def troubled(cluster, cache_dir, tmp_path_factory):
    """A sweep in which one family after another comes to grief, and the last one does not."""
    descent = {"method": "jacobian_descent", "aggregator": "upgrad", "forget_loss": "kl_uniform"}
    lr = {"loguniform": [0.001, 0.01]}
    broken = "tests.sweeps.broken"
    spec = SweepSpec.from_mapping(
        {
            "task": {"name": "digits"},
            "replicates": {"training_seeds": [0, 1]},
            "budget": {"steps": 6, "batch_size": 32, "evaluate_every": 3},
            "families": [
                {"name": "diverging", **descent, "lr": 1e9},
                {
                    "name": "failing",
                    **descent,
                    "forget_loss": f"{broken}:raises_at_second_call",
                    "lr": lr,
                },
                {"preset": "hamu_q", "quota": 50.0, "stop_when_infeasible": True},
                {"name": "lost", **descent, "forget_loss": f"{broken}:kills_its_process", "lr": lr},
                {"method": f"{broken}:YieldsTwiceAtTheStart"},
                {"method": "fine_tune", "lr": lr},
            ],
            "search": {"configurations": 2},
        }
    )
    return spec, run_sweep(spec, tmp_path_factory.mktemp("troubled") / "run", cache_dir=cache_dir)


def test_a_sweep_goes_on_after_every_trouble(troubled):
    spec, run = troubled
    assert set(run.points["trial_id"]) == {plan.trial_id for plan in spec.plan()}
    well = run.points[run.points["family"] == "fine_tune"]
    assert well["trial_id"].nunique() == 2
    assert set(well["trial_status"]) == {"finished"}
    assert len(well) == 2 * 2 * 2


def test_a_diverged_trial_keeps_its_rows(troubled):
    diverged = troubled[1].points.query("family == 'diverging'")
    assert set(diverged["trial_status"]) == {"diverged"}
    assert "diverged" in set(diverged["status"])
    assert diverged.loc[diverged["status"] == "diverged", "error"].str.len().gt(0).all()


@pytest.mark.slow
def test_a_trial_that_diverges_before_its_only_evaluation_keeps_its_rows(
    cluster, cache_dir, space, tmp_path
):
    space["families"][0] |= {"lr": 1e9}
    space["budget"]["evaluate_every"] = 6
    run = run_sweep(SweepSpec.from_mapping(space), tmp_path / "run", cache_dir=cache_dir)
    diverged = run.points[run.points["family"] == "upgrad/kl_uniform"]
    assert set(diverged["trial_status"]) == {"diverged"}
    assert "diverged" in set(diverged["status"])
    assert diverged.loc[diverged["status"] == "diverged", "error"].str.len().gt(0).all()
    assert set(run.points.loc[run.points["family"] == "fine_tune", "trial_status"]) == {"finished"}
    assert "failed" not in set(run.points["trial_status"])


def test_a_failing_trial_says_why(troubled):
    run = troubled[1]
    own = run.points[run.points["family"] == "failing"]
    assert set(own["trial_status"]) == {"failed"}
    failed = own[own["status"] == "failed"]
    assert failed["trial_id"].tolist() == ["failing-000", "failing-001"]
    assert failed["error"].str.contains("RuntimeError: broken on purpose").all()
    file = run.directory.path / "errors" / "failing-000.txt"
    assert "raises_at_second_call" in file.read_text()


def test_the_exit_code_says_that_a_trial_failed(
    cluster, cache_dir, space, tmp_path, monkeypatch, capsys
):
    space["families"][0]["forget_loss"] = "tests.sweeps.broken:raises_at_second_call"
    space["families"][0]["aggregator"] = ["upgrad", "mgda"]
    space["search"]["configurations"] = 1
    file = tmp_path / "space.yaml"
    file.write_text(yaml.safe_dump(space))
    arguments = ["sweep", str(file), "--out", str(tmp_path / "run"), "--cache", str(cache_dir)]
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    shown = capsys.readouterr().out
    assert len(re.findall("failed: .*RuntimeError: broken on purpose", shown)) == 2
    assert "2 failed" in shown
    assert str(tmp_path / "run" / "report" / "index.html") in shown
    steps = next_steps(Material(load_run(tmp_path / "run")))
    assert shown.count("next: ") == min(len(steps), 3)
    assert all(f"next: {step.what}. {step.why}" in shown for step in steps[:3])


def test_trials_tell_ray_the_replicate_means(cluster, cache_dir, space):
    spec = SweepSpec.from_mapping(space)
    task = make_task(spec.task)
    plan = next(plan for plan in spec.plan() if plan.family.name == "fine_tune")
    landmarks = {
        seed: local_landmarks(task, seed, LandmarkCache(cache_dir))
        for seed in spec.replicates.training_seeds
    }
    families = {plan.family.name: plan.family}
    job = Job(families, task, landmarks, spec.replicate_list(), spec.budget, "cpu", 1)
    trial = UnlearningTrial.__new__(UnlearningTrial)
    trial.setup(plan.to_config(), job=job)
    result = trial.step()
    accuracies = [row["test_accuracy"] for row in result["rows"]]
    assert len(accuracies) == 2
    assert result["test_accuracy"] == pytest.approx(sum(accuracies) / 2)
    assert result["step"] == 3
    assert result["spent_seconds"] == pytest.approx(sum(r["seconds"] for r in result["rows"]))
    assert not result["done"]
    assert trial.step()["done"]


def test_a_stopped_trial_says_why_and_keeps_its_points(troubled):
    stopped = troubled[1].points.query("family == 'hamu_q'")
    assert set(stopped["trial_status"]) == {"stopped: quota infeasible"}
    assert set(stopped["status"]) == {"ok"}
    assert set(stopped["replicate"]) == {0, 1}
    assert not stopped.duplicated(["trial_id", "replicate"]).any()


def test_a_method_that_cannot_work_on_the_task_is_refused_before_anything_runs(
    cluster, cache_dir, space, tmp_path
):
    space["families"].append({"preset": "entanglement"})
    with pytest.raises(InputError, match="adjacent"):
        run_sweep(SweepSpec.from_mapping(space), tmp_path / "run", cache_dir=cache_dir)
    assert not (tmp_path / "run" / "points.jsonl").exists()


def test_an_objective_that_the_task_does_not_have_is_refused(cluster, cache_dir, space, tmp_path):
    space["objectives"] = [
        {"metric": "adjacent_accuracy", "direction": "max", "ideal": 1, "nadir": 0},
        {"metric": "test_accuracy", "direction": "max", "ideal": 1, "nadir": 0},
    ]
    with pytest.raises(InputError, match=r"objectives\.0\.metric: this task has no adjacent"):
        run_sweep(SweepSpec.from_mapping(space), tmp_path / "run", cache_dir=cache_dir)


def test_a_lost_worker_is_a_failed_trial(troubled):
    lost = troubled[1].points.query("family == 'lost'")
    assert set(lost["trial_status"]) == {"failed"}
    assert lost["trial_id"].nunique() == 2
    assert lost["error"].str.len().gt(0).all()


def test_a_method_that_yields_twice_at_one_step_fails_and_keeps_its_first_model(troubled):
    own = troubled[1].points.query("family == 'YieldsTwiceAtTheStart'")
    assert set(own["trial_status"]) == {"failed"}
    assert own["error"].str.contains(r"yields a model at step 0 after one at step 0; ").all()
    first = own[(own["replicate"] == 0) & (own["step"] == 0)]
    assert len(first) == own["trial_id"].nunique()
    assert set(first["status"]) == {"ok"}
    assert first["forget_gap"].notna().all()


@pytest.mark.slow
def test_a_trial_that_comes_out_differently_after_a_lost_worker_fails_and_keeps_its_points(
    cluster, cache_dir, space, tmp_path
):
    notes = str(tmp_path / "notes")
    space["families"][0] = {"method": "tests.sweeps.broken:DiffersAfterALoss", "notes": notes}
    space |= {"replicates": {"training_seeds": [0]}, "search": {"configurations": 1}, "retries": 1}
    space["checkpoints"] = {"keep": "all"}
    run = run_sweep(SweepSpec.from_mapping(space), tmp_path / "run", cache_dir=cache_dir)
    own = run.points[run.points["family"] == "DiffersAfterALoss"]
    assert own["step"].tolist() == [3, 6]
    assert set(own["status"]) == {"ok"}
    assert set(own["trial_status"]) == {"failed"}
    assert own["error"].str.contains("step 3 was reported twice, with ").all()
    original = run.landmarks[run.landmarks["landmark"] == "original"]
    assert own["test_accuracy"].iloc[0] == original["test_accuracy"].iloc[0]
    trial_id = own["trial_id"].iloc[0]
    assert find_model(run.directory, trial_id, 0, 3) is None  # that of the second report
    assert find_model(run.directory, trial_id, 0, 6) is not None
    assert set(run.points.loc[run.points["family"] == "fine_tune", "trial_status"]) == {"finished"}


def test_two_sweeps_cannot_write_to_one_directory(cluster, cache_dir, space, tmp_path):
    from filelock import FileLock

    with (
        FileLock(tmp_path / ".lock"),
        pytest.raises(InputError, match="another sweep or audit is writing to"),
    ):
        run_sweep(SweepSpec.from_mapping(space), tmp_path, cache_dir=cache_dir)


def test_a_run_loads_from_its_directory(finished):
    _, out, run = finished
    loaded = load_run(out)
    pd.testing.assert_frame_equal(loaded.points, run.points)
    assert all(math.isfinite(h.mean) for h in loaded.hypervolume().values())


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"concurrency": 2}, True),
        ({"concurrency": 2, "configurations": 50}, True),
        ({"configurations": 50}, True),
        ({"configurations": 39}, False),
        ({"seed": 1}, False),
        ({"seed": 1, "concurrency": 2}, False),
    ],
)
def test_what_of_a_search_may_change(change, allowed):
    made = ExploreSearch(mode="explore").model_dump(mode="json")
    assert extends(made, made | change) is allowed
