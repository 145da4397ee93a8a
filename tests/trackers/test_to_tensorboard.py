"""Event files, read back record by record."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.trackers import export_run


def events(folder):
    from tensorboardX.proto.event_pb2 import Event

    for path in sorted(folder.glob("events.out.tfevents.*")):
        content, start = path.read_bytes(), 0
        while start < len(content):
            (length,) = struct.unpack_from("<Q", content, start)
            yield Event.FromString(content[start + 12 : start + 12 + length])
            start += 12 + length + 4


def scalars(folder):
    """Steps and values by tag."""
    found = {}
    for event in events(folder):
        for value in event.summary.value:
            if value.WhichOneof("value") == "simple_value":
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def texts(folder):
    return {
        value.tag: value.tensor.string_val[0].decode()
        for event in events(folder)
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == "text"
    }


def sessions(folder):
    """What the table of hyperparameters is told, by its tag."""
    from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

    return {
        value.tag: HParamsPluginData.FromString(value.metadata.plugin_data.content)
        for event in events(folder)
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == "hparams"
    }


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("boards")
    run.export("tensorboard", folder)
    return folder


def test_every_replicate_has_its_curves(run, folder):
    for (trial_id, number), rows in run.points.groupby(["trial_id", "replicate"]):
        name = trial_id.replace(":", "%3A")
        found = scalars(folder / "synthetic" / name / f"replicate-{number}")
        measured = rows[rows["forget_gap"].notna()]
        assert [step for step, _ in found.get("forget_gap", [])] == measured["step"].tolist()
        values = [value for _, value in found.get("forget_gap", [])]
        assert values == pytest.approx(measured["forget_gap"].tolist(), rel=1e-6)


def test_time_is_that_of_unlearning(run, folder):
    rows = run.points.query("trial_id == 'mgda-kl_heldout-1' and replicate == 0")
    found = {
        event.step: event.wall_time
        for event in events(folder / "synthetic" / "mgda-kl_heldout-1" / "replicate-0")
        if event.step
    }
    first = min(found.values())
    passed = (rows["seconds"] - rows["seconds"].min()).tolist()
    assert [at - first for at in found.values()] == pytest.approx(passed, abs=1e-4)


def test_the_sweep_has_its_hypervolumes_and_its_summary(run, folder):
    found = scalars(folder / "synthetic" / "sweep")
    volume = run.hypervolume()["upgrad/kl_heldout"].mean
    assert found["hypervolume/upgrad/kl_heldout"] == [(70, pytest.approx(volume, rel=1e-6))]
    summary = texts(folder / "synthetic" / "sweep")["report/summary.md/text_summary"]
    assert summary == (run.directory.report / "summary.md").read_text(encoding="utf-8")


def test_replicates_are_groups_of_the_table_of_hyperparameters(run, folder):
    ends = []
    for number in (0, 1):
        found = sessions(folder / "synthetic" / "mgda-kl_heldout-1" / f"replicate-{number}")
        start = found["_hparams_/session_start_info"].session_start_info
        assert start.group_name == "mgda-kl_heldout-1"
        assert start.hparams["aggregator"].string_value == "mgda"
        assert start.hparams["training_seed"].number_value == number
        lr = run.points.query("trial_id == 'mgda-kl_heldout-1'")["config.lr"].iloc[0]
        assert start.hparams["lr"].number_value == lr
        ends.append(found["_hparams_/session_end_info"].session_end_info.status)
    failed = sessions(folder / "synthetic" / "fine_tune-0" / "replicate-0")
    ends.append(failed["_hparams_/session_end_info"].session_end_info.status)
    assert ends == [1, 1, 2]  # of TensorBoard: success and failure
    assert sessions(folder / "synthetic" / "sweep") == {}  # TensorBoard finds the columns itself


def test_errors_and_cards_are_texts(folder):
    failed = texts(folder / "synthetic" / "fine_tune-0" / "replicate-0")
    assert failed["error/text_summary"].startswith("    RuntimeError: <img")
    kept = texts(folder / "synthetic" / "upgrad-kl_heldout-0" / "replicate-1")
    assert "replicate-1-step-60.safetensors" in kept["step-60/README.md/text_summary"]


def test_exporting_again_doubles_nothing_and_follows_the_run(run, tmp_path):
    early = replace(run, points=run.points[run.points["step"] < 60])
    first = export_run(early, "tensorboard", tmp_path)
    again = export_run(early, "tensorboard", tmp_path)
    assert (again.new, again.unchanged) == (0, first.new)
    grown = export_run(run, "tensorboard", tmp_path)
    assert grown.new == first.new
    found = scalars(tmp_path / "synthetic" / "mgda-kl_heldout-1" / "replicate-0")["retain_gap"]
    assert [step for step, _ in found] == [20, 40, 60]
    assert [path.name for path in tmp_path.iterdir()] == ["synthetic"]


def test_what_it_has_no_place_for_is_told(run, tmp_path):
    sent = export_run(run, "tensorboard", tmp_path / "my boards", name="../else")
    assert sent.where == str(tmp_path / "my boards" / "..%2Felse")
    assert sent.look == f"tensorboard --logdir '{tmp_path / 'my boards'}'"
    assert "the cards, not the weights" in sent.left_out
    assert export_run(run, "tensorboard", tmp_path, models=False).left_out == ""


def test_a_folder_with_something_else_stays(run, tmp_path):
    (tmp_path / "synthetic").mkdir()
    (tmp_path / "synthetic" / "mine").write_text("mine")
    with pytest.raises(InputError, match="holds something else; choose another `name`"):
        export_run(run, "tensorboard", tmp_path)
    assert (tmp_path / "synthetic" / "mine").read_text() == "mine"
