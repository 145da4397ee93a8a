"""Files of W&B's offline mode, read back record by record."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.trackers import export_run
from tests.trackers.conftest import KEPT

BLOCK = 32768

pytestmark = pytest.mark.slow


def records(path):
    """The records of a ``.wandb`` file: a header, then chunks in blocks as LevelDB writes logs."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, whole = path.read_bytes(), 7, b""
    while at < len(content):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # a whole one, or the last part
            yield Record.FromString(whole)
            whole = b""


class Written:
    """What one run of W&B holds."""

    def __init__(self, folder):
        (path,) = folder.glob("run-*.wandb")
        self.history, self.artifacts = [], []
        for record in records(path):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                self.run = record.run
            elif kind == "history":
                items = {
                    "/".join([item.key, *item.nested_key]).strip("/"): json.loads(item.value_json)
                    for item in record.history.item
                }
                self.history.append(items)
            elif kind == "artifact":
                self.artifacts.append(record.artifact)
            elif kind == "exit":
                self.code = record.exit.exit_code
        self.config = {u.key: json.loads(u.value_json) for u in self.run.config.update}


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """A folder that a run was exported to when it had not ended, and then twice."""
    pytest.importorskip("wandb")
    folder = tmp_path_factory.mktemp("offline")
    early = replace(run, points=run.points[run.points["step"] < 60])
    sent = [export_run(each, "wandb", folder) for each in (early, run, run)]
    return folder, sent


@pytest.fixture(scope="module")
def written(exported):
    """Each run of W&B by trial and replicate; the sweep's by its name."""
    folders = (exported[0] / "wandb").glob("offline-run-*")
    found = [Written(folder) for folder in folders]
    keys = [
        (w.config["trial_id"], w.config["replicate"]) if "trial_id" in w.config else "sweep"
        for w in found
    ]
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, found, strict=True))


def test_exporting_again_replaces_what_changed_and_doubles_nothing(run, exported, written):
    first, grown, again = exported[1]
    assert len(written) == first.new == 1 + 2 * run.points["trial_id"].nunique()
    assert grown.new > 0
    assert (again.new, again.unchanged) == (0, len(written))


def test_replicates_are_grouped_by_trial(written):
    found = written["mgda-kl_heldout-1", 1]
    assert found.run.run_group == "mgda-kl_heldout-1"
    assert found.run.job_type == "replicate"
    assert found.run.project == "synthetic"
    assert found.config["aggregator"] == "mgda"
    assert found.config["training_seed"] == 1
    assert set(found.run.tags) == {"digits", "mgda/kl_heldout"}


def test_every_metric_is_there_once_for_each_step(run, written):
    rows = run.points.query("trial_id == 'mgda-kl_heldout-1' and replicate == 1")
    history = written["mgda-kl_heldout-1", 1].history
    assert [each["_step"] for each in history] == rows["step"].tolist()
    for metric in ("forget_gap", "test_accuracy", "cosine"):
        assert [each[metric] for each in history] == rows[metric].tolist()


def test_the_sweep_has_hypervolumes_and_endings_are_codes(run, written):
    (history,) = written["sweep"].history
    for family, volume in run.hypervolume().items():
        assert history[f"hypervolume/{family}"] == volume.mean
    assert written["mgda-kl_heldout-1", 1].code == written["sweep"].code == 0
    assert written["fine_tune-0", 1].code == 1


def test_reports_and_front_models_are_artifacts(written):
    def files(artifact):
        return {entry.path for entry in artifact.manifest.contents}

    (report,) = written["sweep"].artifacts
    assert report.type == "report"
    assert files(report) == {"index.html", "summary.md", "front.csv", "hypervolume.json"}
    (model,) = written[KEPT[0], 1].artifacts
    assert model.type == "model"
    assert files(model) == {"README.md", "replicate-1-step-60.safetensors"}
    assert written["mgda-kl_heldout-1", 1].artifacts == []


def test_nothing_of_the_machine_is_told_and_all_stays_in_the_folder(exported, written):
    folder, (sent, *_) = exported
    assert {path.name for path in folder.iterdir()} == {"wandb"}
    assert not list(folder.rglob("requirements.txt"))
    assert not list(folder.rglob("wandb-metadata.json"))
    assert all(not each.run.host for each in written.values())
    assert sent.look == f"wandb sync {folder / 'wandb'}/offline-run-*"


def test_a_server_is_not_a_destination(run):
    with pytest.raises(InputError, match="name a folder and send it with `wandb sync`"):
        export_run(run, "wandb", "https://api.wandb.ai")


def test_another_project_takes_the_runs_over(run, tmp_path):
    few = replace(run, points=run.points.query("trial_id == 'none-0'"))
    sent = [export_run(few, "wandb", tmp_path, name=name, models=False) for name in "abb"]
    assert [(each.new, each.unchanged) for each in sent] == [(3, 0), (3, 0), (0, 3)]
    found = [Written(folder) for folder in (tmp_path / "wandb").glob("offline-run-*")]
    assert [each.run.project for each in found] == ["b"] * 3
