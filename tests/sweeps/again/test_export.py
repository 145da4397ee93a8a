from __future__ import annotations

import hashlib
import shutil
import sys

import pytest
import torch
import yaml
from safetensors.torch import load_file, save
from typer.testing import CliRunner

from pareto_explorer.cli.app import app, main
from pareto_explorer.errors import InputError
from pareto_explorer.fronts import retrain_gap_box
from pareto_explorer.metrics import evaluator_of
from pareto_explorer.results.exporting import check_destination
from pareto_explorer.runs import (
    PointsWriter,
    RunDirectory,
    read_manifest,
    read_points,
    write_manifest,
)
from pareto_explorer.runs.kept_models import expect_shapes, keep_model, write_kept_models
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.again.export import NotReproduced, export_model
from pareto_explorer.sweeps.again.reproduce import local_landmarks, reproduce
from pareto_explorer.sweeps.driver.provenance import machine, versions
from pareto_explorer.sweeps.trials.model_store import serialise
from pareto_explorer.sweeps.trials.replicate import Bench, run_replicate
from pareto_explorer.tasks import LandmarkCache, UnlearningTask, make_task, restore_model

TRIAL = "upgrad-kl_uniform-000"


@pytest.fixture(scope="module")
def ran(tmp_path_factory, cache_dir):
    """One trial with two unlearning seeds, run without Ray: run directory, task, landmarks."""
    spec = SweepSpec.from_mapping(
        {
            "task": {"name": "digits"},
            "replicates": {"training_seeds": [0], "unlearning_seeds": [0, 1]},
            "budget": {"steps": 4, "batch_size": 32, "evaluate_every": 2},
            "families": [
                {
                    "method": "jacobian_descent",
                    "aggregator": "upgrad",
                    "forget_loss": "kl_uniform",
                    "lr": 0.01,
                }
            ],
            "search": {"configurations": 1},
        }
    )
    task = make_task(spec.task)
    torch.set_num_threads(spec.resources.threads)
    landmarks = local_landmarks(task, 0, LandmarkCache(cache_dir))
    bench = Bench(task, {0: landmarks}, "cpu")
    run = RunDirectory(tmp_path_factory.mktemp("export") / "run")
    write_manifest(run, {"spec": spec.to_mapping(), "box": retrain_gap_box([0.9]).to_dict()})
    [plan] = spec.plan()
    with PointsWriter(run) as writer:
        for replicate in spec.replicate_list():
            points = run_replicate(bench, plan, replicate, spec.budget)
            writer.append([point.row for point in points])
        writer.finish(plan.trial_id, "finished")
    assert plan.trial_id == TRIAL
    return run, task, landmarks


@pytest.fixture
def no_rerun(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("nothing should run again")

    monkeypatch.setattr("pareto_explorer.sweeps.again.export.reproduce", fail)


def test_a_model_that_was_not_kept_is_run_again_and_has_the_metrics_of_its_row(
    ran, cache_dir, tmp_path
):
    run, task, landmarks = ran
    target = tmp_path / "model.safetensors"
    done = export_model(run.path, TRIAL, 1, 2, target, cache_dir=cache_dir)
    assert done.path == target
    assert done.difference == 0
    assert done.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    models = [restore_model(task, state) for state in (landmarks.original, landmarks.retrained)]
    measured = evaluator_of(task, *models)(restore_model(task, load_file(target)))
    points = read_points(run)
    row = points[(points["replicate"] == 1) & (points["step"] == 2)].iloc[0]
    for metric, value in measured.items():
        assert row[metric] == pytest.approx(value, abs=1e-9), metric


def test_replicates_and_steps_have_weights_of_their_own(ran, cache_dir, tmp_path):
    run, *_ = ran
    hashes = {
        export_model(
            run.path, TRIAL, replicate, step, tmp_path / "m.safetensors", cache_dir=cache_dir
        ).sha256
        for replicate, step in ((0, 4), (1, 2), (1, 4))
    }
    assert len(hashes) == 3


def altered(run: RunDirectory, folder, **change) -> RunDirectory:
    """A copy of the run with another row of the first point, that of replicate 0 and step 2."""
    copy = RunDirectory(folder / "run")
    shutil.copytree(run.path, copy.path)
    copy.journal.unlink()
    points = read_points(copy)
    first = (points["replicate"] == 0) & (points["step"] == 2)
    assert first.sum() == 1
    for name, value in change.items():
        points.loc[first, name] = value
    points.to_parquet(copy.points)
    return copy


@pytest.mark.parametrize("recorded", [0.123, None])
def test_a_model_that_differs_from_its_row_is_not_written(ran, cache_dir, tmp_path, recorded):
    run = altered(ran[0], tmp_path, retain_gap=recorded)
    target = tmp_path / "model.safetensors"
    target.write_bytes(b"former")
    said = r"differs from its row by .*nothing was written.* Nothing that the run records of its"
    with pytest.raises(NotReproduced, match=said):
        export_model(run.path, TRIAL, 0, 2, target, cache_dir=cache_dir)
    assert target.read_bytes() == b"former"
    if recorded:
        export_model(run.path, TRIAL, 0, 2, target, cache_dir=cache_dir, tolerance=0.2)
        assert target.read_bytes() != b"former"


@pytest.mark.parametrize("differs", [False, True])
def test_the_command_names_versions_that_differ_where_values_do(
    ran, cache_dir, tmp_path, capsys, monkeypatch, differs
):
    run = altered(ran[0], tmp_path, **({"retain_gap": 0.123} if differs else {}))
    origin = {"versions": versions() | {"torch": "1.0"}, "machine": machine(1)}
    write_manifest(run, read_manifest(run) | origin)
    monkeypatch.chdir(tmp_path)
    words = ["reproduce", str(run.path), "--trial", TRIAL, "--replicate", "0", "--step", "2"]
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", *words, "--cache", str(cache_dir)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code or 0) == differs
    told = f"torch 1.0 there, {versions()['torch']} here" in capsys.readouterr().out
    assert told == differs
    again = reproduce(run.path, TRIAL, 0, 2, cache_dir=cache_dir)
    assert [change.name for change in again.changes] == ["torch"]
    assert bool(again.explanation()) == differs


def test_a_kept_model_is_copied_byte_by_byte(ran, no_rerun, tmp_path):
    run, *_ = ran
    content = save({"w": torch.arange(3.0)})
    keep_model(run, "kept", 0, 2, content)
    done = export_model(run.path, "kept", 0, 2, tmp_path / "m.safetensors")
    assert done.difference is None
    assert done.path.read_bytes() == content
    assert done.sha256 == hashlib.sha256(content).hexdigest()


def test_a_damaged_kept_model_is_run_again(ran, cache_dir, tmp_path):
    run, *_ = ran
    path = keep_model(run, TRIAL, 0, 4, b"weights")
    path.write_bytes(b"damaged")
    done = export_model(run.path, TRIAL, 0, 4, tmp_path / "m.safetensors", cache_dir=cache_dir)
    assert done.difference == 0
    assert load_file(done.path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.pt", r"does not end in \.safetensors; write '.*model\.safetensors'"),
        ("missing/model.safetensors", "missing' is not a folder"),
        ("folder.safetensors", "is a folder; name a file"),
    ],
)
def test_a_destination_that_cannot_be_is_refused_first(ran, no_rerun, tmp_path, name, message):
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(InputError, match=message):
        check_destination(tmp_path / name)
    with pytest.raises(InputError, match=message):
        export_model(ran[0].path, TRIAL, 0, 2, tmp_path / name)


def test_a_destination_without_a_name_is_refused():
    said = r"`destination`: '\.' does not .* write 'model\.safetensors'"
    with pytest.raises(InputError, match=said):
        check_destination("")


def test_a_failed_write_is_one_sentence_and_leaves_nothing(ran, no_rerun, tmp_path, monkeypatch):
    keep_model(ran[0], "kept", 1, 2, save({"w": torch.arange(3.0)}))

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(InputError, match=r"`destination`: .* cannot be written \(No space left"):
        export_model(ran[0].path, "kept", 1, 2, tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("point", "message"),
    [
        (("x", 0, 2), "`trial_id`: 'x' is not known"),
        ((TRIAL, 5, 2), "`replicate`: 5 is not known"),
        ((TRIAL, 0, 3), "`step`: 3 is not known"),
    ],
)
def test_points_that_do_not_exist_are_one_sentence(ran, tmp_path, point, message):
    with pytest.raises(InputError, match=message):
        export_model(ran[0].path, *point, tmp_path / "m.safetensors")


def test_a_diverged_model_is_not_run_again(ran, no_rerun, tmp_path, monkeypatch):
    points = read_points(ran[0]).assign(status="diverged")
    monkeypatch.setattr("pareto_explorer.results.exporting.read_points", lambda _: points)
    with pytest.raises(InputError, match="is diverged; choose a model whose status is ok"):
        export_model(ran[0].path, TRIAL, 1, 2, tmp_path / "m.safetensors")


def test_an_imported_run_cannot_be_run_again(ran, no_rerun, tmp_path):
    run = RunDirectory(tmp_path / "imported")
    write_manifest(run, {"imported": {"from": "csv"}, "box": retrain_gap_box([0.9]).to_dict()})
    with pytest.raises(InputError, match="was imported and kept no weights"):
        export_model(run.path, TRIAL, 0, 2, tmp_path / "m.safetensors")
    keep_model(run, TRIAL, 0, 2, save({"w": torch.arange(3.0)}))
    assert export_model(run.path, TRIAL, 0, 2, tmp_path / "m.safetensors").difference is None


def test_kept_weights_must_be_those_of_the_models_of_the_sweep(ran, no_rerun, tmp_path):
    run, task, _ = ran
    shapes = {name: str([*value.shape]) for name, value in task.model().state_dict().items()}
    expect_shapes(run, shapes)
    keep_model(run, "good", 0, 2, serialise(task.model(), "good", 0, 2))
    keep_model(run, "bad", 0, 2, save({"w": torch.arange(3.0)}))
    try:
        export_model(run.path, "good", 0, 2, tmp_path / "m.safetensors")
        with pytest.raises(InputError, match="holds other tensors than the model of the sweep"):
            export_model(run.path, "bad", 0, 2, tmp_path / "n.safetensors")
    finally:
        write_kept_models(run, {})
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def own_digits() -> UnlearningTask:
    return make_task({"name": "digits"})


@pytest.fixture
def named(ran, tmp_path):
    """The run as one whose task a function of another module makes, and its search-space file."""
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(ran[0].path, run.path)
    manifest = read_manifest(run)
    spec = manifest["spec"] | {"task": {"name": f"{__name__}:own_digits"}}
    write_manifest(run, manifest | {"spec": spec})
    space = tmp_path / "space.yaml"
    space.write_text(yaml.safe_dump(spec))
    return run, space


def test_a_run_that_names_code_is_run_again_where_the_user_says_so(named, cache_dir, tmp_path):
    run, space = named
    point = (run.path, TRIAL, 0, 2)
    target = tmp_path / "m.safetensors"
    with pytest.raises(InputError, match=r"^task\.name: .*`spec`.* `trust=True`"):
        reproduce(*point, cache_dir=cache_dir)
    with pytest.raises(InputError, match=r"^task\.name: .*`spec`.* `trust=True`"):
        export_model(*point, target, cache_dir=cache_dir)
    assert not target.exists()
    assert reproduce(*point, cache_dir=cache_dir, trust=True).largest_difference == 0
    spec = SweepSpec.load(space)
    assert export_model(*point, target, cache_dir=cache_dir, spec=spec).difference == 0


def test_the_commands_take_the_file_or_trust(named, cache_dir, tmp_path):
    run, space = named
    point = ["--trial", TRIAL, "--replicate", "0", "--step", "2", "--cache", str(cache_dir)]
    export = ["--trial", TRIAL, "--step", "4", "--export", str(tmp_path / "m.safetensors")]
    for command in (["reproduce", str(run.path), *point], ["select", str(run.path), *export]):
        command += [] if command[0] == "reproduce" else ["--cache", str(cache_dir)]
        refused = CliRunner().invoke(app, command)
        assert isinstance(refused.exception, InputError)
        for allowed in (["--trust"], ["--space", str(space)]):
            done = CliRunner().invoke(app, [*command, *allowed])
            assert done.exit_code == 0, (done.output, done.exception)
