"""MLflow's own client reads back what was written into a local store."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.trackers import export_run
from tests.trackers.conftest import KEPT

pytestmark = pytest.mark.slow  # making a database takes seconds


@pytest.fixture(scope="module")
def store(run, tmp_path_factory):
    """A store that a run was exported to when it had not ended, and then twice."""
    folder = tmp_path_factory.mktemp("a store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _refused)
        patch.setattr(socket, "getaddrinfo", _refused)
        points = run.points[run.points["step"] < 60].assign(trial_status="running")
        early = export_run(replace(run, points=points), "mlflow", folder, models=False)
        late = export_run(run, "mlflow", folder)
        again = export_run(run, "mlflow", folder)
    return folder, early, late, again


def _refused(*_):
    raise AssertionError("something was looked for in a network")


@pytest.fixture(scope="module")
def client(store):
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{store[0] / 'mlflow.db'}")


@pytest.fixture(scope="module")
def records(client):
    """The runs of the experiment by their keys without the sweep's own."""
    experiment = client.get_experiment_by_name("synthetic")
    found = client.search_runs([experiment.experiment_id], max_results=1000)
    keys = [record.data.tags["pareto_explorer.key"].partition("/")[2] for record in found]
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, found, strict=True))


def history(client, record, metric):
    return [(m.step, m.value) for m in client.get_metric_history(record.info.run_id, metric)]


def test_exporting_again_doubles_nothing(run, store, records):
    _, early, late, again = store
    trials = run.points["trial_id"].nunique()
    assert late.new + late.unchanged == len(records) == 1 + 3 * trials
    assert early.new == len(records)
    assert (again.new, again.unchanged) == (0, len(records))


def test_replicates_are_nested_below_their_trials_and_these_below_the_sweep(run, records):
    top = records[""]
    for trial_id in run.points["trial_id"].unique():
        middle = records[trial_id]
        assert middle.data.tags["mlflow.parentRunId"] == top.info.run_id
        for number in (0, 1):
            below = records[f"{trial_id}/{number}"]
            assert below.data.tags["mlflow.parentRunId"] == middle.info.run_id
            assert below.data.tags["training_seed"] == str(number)


def test_every_metric_is_there_once_for_each_step(run, client, records):
    rows = run.points.query("trial_id == 'mgda-kl_heldout-1' and replicate == 1")
    record = records["mgda-kl_heldout-1/1"]
    for metric in ("forget_gap", "test_accuracy", "cosine"):
        wanted = list(zip(rows["step"], rows[metric], strict=True))
        assert history(client, record, metric) == wanted
    means = run.means().query("trial_id == 'mgda-kl_heldout-1'")
    wanted = list(zip(means["step"], means["forget_gap.std"], strict=True))
    assert history(client, records["mgda-kl_heldout-1"], "forget_gap.std") == wanted


def test_parameters_and_endings_are_told(run, records):
    record = records["mgda-kl_heldout-1/1"]
    assert record.data.params["aggregator"] == "mgda"
    lr = run.points.query("trial_id == 'mgda-kl_heldout-1'")["config.lr"].iloc[0]
    assert float(record.data.params["lr"]) == lr
    assert record.info.status == "FINISHED"
    failed = records["fine_tune-0"]
    assert failed.info.status == "FAILED"
    assert failed.data.tags["error"].startswith("RuntimeError: <img")
    assert records[""].info.status == "FINISHED"


def test_hypervolumes_have_names_that_mlflow_takes(run, records):
    found = records[""].data.metrics
    for family, volume in run.hypervolume().items():
        name = "".join(c if c.isalnum() or c in "_-. :/" else "_" for c in family)
        assert found[f"hypervolume/{name}"] == volume.mean


def test_reports_and_front_models_are_artifacts(run, client, records, tmp_path):
    report = client.download_artifacts(records[""].info.run_id, "report", str(tmp_path))
    read = {p.name: p.read_text() for p in type(tmp_path)(report).iterdir()}
    assert read == {p.name: p.read_text() for p in run.directory.report.iterdir()}
    run_id = records[f"{KEPT[0]}/1"].info.run_id
    names = [f.path for f in client.list_artifacts(run_id, "step-60")]
    assert names == ["step-60/README.md", "step-60/replicate-1-step-60.safetensors"]


def test_it_says_how_to_look_at_it(store):
    folder, _, late, _ = store
    assert late.where == str(folder)
    assert late.look == f"mlflow ui --backend-store-uri 'sqlite:///{folder / 'mlflow.db'}'"


def test_a_store_that_cannot_be_used_is_one_sentence(run, tmp_path):
    with pytest.raises(InputError, match=r"^`destination`: MLflow does not take .*nonsense://"):
        export_run(run, "mlflow", "nonsense://me:secret@host/x", models=False)
    with pytest.raises(InputError) as told:
        export_run(run, "mlflow", "nonsense://me:secret@host/x", models=False)
    assert "secret" not in str(told.value)


def test_a_missing_package_is_named_with_the_remedy(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(InputError, match=r"pip install 'pareto-explorer\[trackers\]'"):
        export_run(run, "mlflow", tmp_path / "store")
    assert not (tmp_path / "store").exists()
