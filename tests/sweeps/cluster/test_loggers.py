"""Ray's own loggers, as far as they work without a network."""

from __future__ import annotations

import struct
import sys

import pytest

from pareto_explorer import run_sweep
from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.cluster.loggers import loggers_for, require_packages

PACKAGES = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb", "aim": "aim"}


def small(space: dict, *loggers: str) -> SweepSpec:
    space["replicates"] = {"training_seeds": [0]}
    space["families"] = space["families"][1:]
    return SweepSpec.from_mapping(space | {"loggers": [*loggers], "checkpoints": {"keep": "none"}})


def scalars(path) -> dict[str, list[tuple[int, float]]]:
    """Names with their steps and values, from a file of TensorBoard's events."""
    from tensorboardX.proto.event_pb2 import Event

    content, start, found = path.read_bytes(), 0, {}
    while start < len(content):
        (length,) = struct.unpack_from("<Q", content, start)
        event = Event.FromString(content[start + 12 : start + 12 + length])
        start += 12 + length + 4
        for value in event.summary.value:
            if value.WhichOneof("value") == "simple_value":
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def expected(run) -> dict[str, list[tuple[int, float]]]:
    """Steps and test accuracies of every trial; there is one replicate."""
    return {
        str(name): list(zip(rows["step"], rows["test_accuracy"], strict=True))
        for name, rows in run.points.groupby("trial_id")
    }


@pytest.mark.ray
@pytest.mark.slow
def test_tensorboard_and_mlflow_get_every_report(cluster, cache_dir, space, tmp_path):
    from mlflow.tracking import MlflowClient

    out = tmp_path / "run"
    run = run_sweep(small(space, "tensorboard", "mlflow"), out, cache_dir=cache_dir)
    wanted, found = expected(run), {}
    for path in (out / "tune").glob("*/events.out.tfevents.*"):
        found[path.parent.name] = scalars(path)["ray/tune/test_accuracy"]
    assert found.keys() == wanted.keys()
    for name, pairs in wanted.items():
        assert [step for step, _ in found[name]] == [step for step, _ in pairs] == [3, 6]
        assert [v for _, v in found[name]] == pytest.approx([v for _, v in pairs], rel=1e-6)

    client = MlflowClient(f"sqlite:///{out / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("run")
    found = {}
    for record in client.search_runs([experiment.experiment_id]):
        history = client.get_metric_history(record.info.run_id, "test_accuracy")
        found[record.data.params["trial_id"]] = sorted((m.step, m.value) for m in history)
        assert record.info.status == "FINISHED"
        assert record.data.params["family"] == "fine_tune"
    assert found == wanted


@pytest.mark.parametrize(("name", "package"), PACKAGES.items())
def test_a_package_that_is_missing_is_one_sentence(monkeypatch, tmp_path, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError) as told:
        loggers_for([name], RunDirectory(tmp_path))
    assert str(told.value) == (
        f"loggers: {name!r} needs a package that is not installed; run `pip install {package}` "
        "or take it out of the list."
    )
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError) as again:
        require_packages(["tensorboard", name])
    assert str(again.value) == str(told.value)


@pytest.mark.ray
def test_nothing_runs_when_a_package_is_missing(cluster, cache_dir, space, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "aim", None)
    with pytest.raises(InputError, match="loggers: 'aim' needs"):
        run_sweep(small(space, "aim"), tmp_path / "run", cache_dir=cache_dir)
    assert not (tmp_path / "run").exists()


def test_a_logger_that_does_not_exist_is_refused(space):
    with pytest.raises(InputError, match=r"loggers\.0: .*'tensorboard', 'mlflow', 'wandb'.*'csv'"):
        small(space, "csv")


def test_none_is_on_by_default(space, tmp_path):
    spec = SweepSpec.from_mapping(space)
    assert loggers_for(spec.loggers, RunDirectory(tmp_path)) == []
