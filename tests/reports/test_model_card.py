import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pareto_explorer import load_run
from pareto_explorer.cli.app import app
from pareto_explorer.fronts.selection.select import select
from pareto_explorer.reports.model_card import (
    ModelFile,
    loader_snippet,
    render_model_card,
    spread,
    standing,
)
from pareto_explorer.reports.shared.commands import reproduce_command
from pareto_explorer.runs import keep_model, read_manifest, write_manifest
from tests.audited import audits_of
from tests.synthetic import (
    HOSTILE_KNOB,
    HOSTILE_LOSS,
    write_oracle_free_run,
    write_synthetic_run,
)

ROOT = Path(__file__).parents[2]
FILE = ModelFile("model.safetensors", "ab" * 32, 1, None)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return load_run(write_synthetic_run(tmp_path_factory.mktemp("card") / "run").path)


def card_of(run, file=FILE, **options):
    return render_model_card(run, select(run.points, run.box, **options), file)


def rows(card, heading):
    """The cells of the first table under a heading."""
    section = card.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_an_objective_that_only_its_validation_twin_has_is_left_out(run):
    points = run.points.drop(columns="forget_gap")
    table = standing(select(points, run.box), points, run.landmarks)
    assert table.index[:2].tolist() == ["retain_gap", "validation_forget_gap"]


def test_the_chosen_model_stands_beside_the_landmarks(run):
    selection = select(run.points, run.box)
    table = standing(selection, run.points, run.landmarks)
    assert table.index[:4].tolist() == [
        "forget_gap",
        "retain_gap",
        "validation_forget_gap",
        "validation_retain_gap",
    ]
    assert len(table) == 14
    chosen = run.points.query(f"trial_id == '{selection.trial_id}' and step == {selection.step}")
    for kind in ("original", "retrained"):
        own = run.landmarks[run.landmarks["landmark"] == kind]["test_accuracy"]
        assert table.loc["test_accuracy", kind] == pytest.approx(own.mean())
        assert table.loc["test_accuracy", f"{kind}.std"] == pytest.approx(own.std())
    assert table.loc["test_accuracy", "chosen"] == pytest.approx(chosen["test_accuracy"].mean())
    assert table.loc["forget_gap", "chosen.std"] == pytest.approx(chosen["forget_gap"].std())


def test_landmarks_count_once_for_each_training_seed_and_may_be_missing(run):
    selection = select(run.points, run.box)
    twice = pd.concat([run.landmarks, run.landmarks.assign(replicate=9)])
    pd.testing.assert_frame_equal(
        standing(selection, run.points, twice), standing(selection, run.points, run.landmarks)
    )
    none = standing(selection, run.points, run.landmarks.iloc[:0])
    assert none[["original", "retrained"]].isna().all(axis=None)
    assert none["chosen"].notna().all()


def test_the_card_says_all_that_one_must_know(run):
    selection = select(run.points, run.box, maximum={"retain_gap": 0.02})
    card = card_of(run, maximum={"retain_gap": 0.02})
    assert f"\n# {selection.trial_id}, step {selection.step}\n" in card
    assert "replicate 1 of 3 (training seed 1, unlearning seed 101)" in card
    assert f"| sha256 | {'ab' * 32} |" in card
    assert f"Rule tolerance: {selection.reason}." in card
    assert "- validation_retain_gap at most 0.02" in card
    assert f"It is {selection.picked_from}." in card
    assert "best of many noisy models looks better than it is" in card
    assert "The test set was not looked at" in card
    assert "- forget: 108" in card
    assert "hypervolume" in card
    assert [cells[0] for cells in rows(card, "Hypervolume of the sweep")[2:]] == [
        selection.family,
        "all families",
    ]
    assert f"forget gap from 0 to {run.box.objectives[0].nadir:.4g}" in card
    assert "- torch 2.15.0" in card
    assert "- git commit 0123456789abcdef0123456789abcdef01234567" in card
    moved = replace(run, shown="run")
    assert reproduce_command(moved, selection.trial_id, 1, selection.step) in card
    knobs = {cells[0]: cells[1] for cells in rows(card, "Method")[2:]}
    assert knobs["aggregator"] == "upgrad"
    assert knobs["forget loss"] == "kl_heldout"
    assert float(knobs["lr"]) == pytest.approx(selection.knobs["lr"], rel=1e-3)


def test_the_metrics_are_those_of_the_landmarks_the_choice_and_the_file(run):
    selection = select(run.points, run.box)
    key = (run.points["trial_id"] == selection.trial_id) & (run.points["step"] == selection.step)
    table = {cells[0]: cells[1:] for cells in rows(card_of(run), "Metrics")[2:]}
    expected = standing(selection, run.points, run.landmarks).loc["forget_gap"]
    own = run.points[key & (run.points["replicate"] == 1)]["forget_gap"].item()
    assert table["forget_gap"] == [
        spread(expected["original"], expected["original.std"]),
        spread(expected["retrained"], expected["retrained.std"]),
        spread(expected["chosen"], expected["chosen.std"]),
        f"{own:.4f}",
    ]


def test_moves_are_listed_with_their_errors(run):
    selection = select(run.points, run.box)
    section = card_of(run).split("## How it was chosen")[1].split("## Data")[0]
    assert len(selection.moves) > 0
    for move in selection.moves:
        change = move.changes["validation_forget_gap"]
        assert f"| {move.trial_id} | {move.step} | {change:+.4f} (standard error " in section


def test_origin_and_one_standard_error_are_told(run):
    again = ModelFile("model.safetensors", "cd" * 32, 0, 2.5e-8)
    card = card_of(run, again, one_standard_error=True)
    assert "run again; the largest difference to its row is 2.5e-08" in card
    assert "One standard error: " in card
    assert "kept by the sweep" in card_of(run)
    assert "One standard error" not in card_of(run)


def test_a_named_model_is_not_said_to_be_chosen_blindly(run):
    selection = select(run.points, run.box)
    card = card_of(run, trial_id=selection.trial_id, step=selection.step)
    assert "It was named by its trial and step" in card
    assert "The test set was not looked at" not in card
    assert "Who names a model after looking at its metrics" in card


def test_a_choice_without_validation_twins_says_so(run):
    card = card_of(run, maximum={"average_gap": 0.5})
    assert "So is average_gap, which has no validation twin" in card
    assert "The test set was not looked at" not in card


def test_hostile_text_stays_text(run):
    card = card_of(run, families=[f"weighted_sum/{HOSTILE_LOSS}"])
    assert HOSTILE_KNOB not in card
    assert "\\<script\\>" in card
    assert "<b>" not in card.replace("\\<b", "")
    assert all(len(cells) == 2 for cells in rows(card, "Method"))


def test_a_fence_cannot_be_closed_from_inside(run):
    selection = select(run.points, run.box)
    card = render_model_card(replace(run, shown="runs/```\n# x"), selection, FILE)
    assert "````sh\n" in card


def test_the_versions_come_with_the_processor_and_the_gpu(run):
    versions = card_of(run).partition("## Versions")[2]
    assert "- torch 2.15.0\n" in versions
    assert "- processor: A fast one @ 3 GHz\n- gpu: B 200\n" in versions


def test_a_run_from_elsewhere_has_neither_commands_nor_a_task(run, tmp_path):
    directory = write_synthetic_run(tmp_path / "run")
    manifest = read_manifest(directory)
    for key in ("spec", "facts", "versions", "machine", "git_commit"):
        del manifest[key]
    write_manifest(directory, manifest | {"imported": {"from": "csv"}})
    card = card_of(load_run(directory.path))
    assert "Run it again" not in card
    assert "pareto-explorer reproduce" not in card
    assert "make_task" not in card
    assert "load_file('model.safetensors')" in card
    assert card.count("Not recorded in the run.") == 2


def test_one_replicate_has_no_spread(tmp_path):
    run = load_run(write_synthetic_run(tmp_path / "run", replicates=1).path)
    card = card_of(run, ModelFile("model.safetensors", "ab" * 32, 0, None))
    assert "±" not in card.split("## Metrics")[1].split("|", 1)[1]
    assert "standard error" not in card


def test_the_code_of_an_exported_card_runs_wherever_its_folder_is(tmp_path):
    from safetensors.torch import load, save

    from pareto_explorer.tasks import make_task

    run = load_run(write_synthetic_run(tmp_path / "run", configurations=1).path)
    selection = select(run.points, run.box)
    content = save(make_task(run.manifest["spec"]["task"]).model().state_dict())
    keep_model(run.directory, selection.trial_id, 0, selection.step, content)
    made, moved = tmp_path / "made", tmp_path / "moved"
    made.mkdir()
    words = ["select", str(run.directory.path), "--export", str(made / "my model.safetensors")]
    assert CliRunner().invoke(app, words).exit_code == 0
    made.rename(moved)
    run.directory.path.rename(tmp_path / "gone")
    card = (moved / "my model.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in card
    snippet = card.split("```python\n")[1].split("\n```")[0]
    assert snippet == loader_snippet(run.manifest, "my model.safetensors")
    check = (
        "\nimport json\n"
        "assert not model.training\n"
        "print(json.dumps({k: float(v.sum()) for k, v in model.state_dict().items()}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", snippet + check],
        capture_output=True,
        text=True,
        check=False,
        cwd=moved,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    loaded = load(content)
    assert json.loads(done.stdout) == {k: float(v.sum()) for k, v in loaded.items()}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("/home/me/data/tofu", "tofu"),
        ("C:\\data\\tofu", "tofu"),
        ("~/tofu", "tofu"),
        ("file:///data/tofu", "tofu"),
        ("data/tofu", "data/tofu"),
        ("mean/std", "mean/std"),
    ],
)
def test_paths_of_this_machine_are_in_no_card(run, written, shown):
    spec = run.manifest["spec"] | {"task": {"name": "tofu", "files": [written]}}
    elsewhere = replace(run, shown=written, manifest=run.manifest | {"spec": spec})
    card = card_of(elsewhere)
    assert f"'files': ['{shown}']" in card
    assert f"pareto-explorer reproduce {shown} " in card
    assert ("# its files: beside this one" in card) == (written != shown)


def test_spreads_are_short():
    assert spread(0.12345, 0.01) == "0.1235 ± 0.0100"
    assert spread(0.5, np.nan) == "0.5000"
    assert spread(np.nan, np.nan) == "–"


def test_a_run_that_retrained_nothing_has_no_column_for_it(tmp_path):
    run = load_run(write_oracle_free_run(tmp_path / "run").path)
    card = card_of(run)
    table = rows(card, "Metrics")
    assert table[0] == ["metric", "original", "chosen", "this model"]
    assert {len(cells) for cells in table} == {4}
    assert table[2][0] == "forget_accuracy_gap"
    assert "Original models: mean ± standard deviation over training seeds." in card
    assert "No model was retrained" in card
    assert "forget_accuracy_gap and accuracy_drop, which have no validation twin" in card
    assert "The test set was not looked at." in card


def test_a_task_that_was_built_in_python_is_asked_for(run, tmp_path):
    directory = write_synthetic_run(tmp_path / "run")
    write_manifest(directory, read_manifest(directory) | {"task_given": "ab" * 32})
    given = load_run(directory.path)
    selection = select(given.points, given.box)
    card = card_of(given)
    point = f"'run', {selection.trial_id!r}, 1, {selection.step}"
    assert f"reproduce({point}, task=task, spec=spec)" in card
    assert "pareto-explorer reproduce" not in card
    assert "make_task" not in card
    assert "restore_model(task, load_file('model.safetensors'), 'cpu')" in card


def test_the_audit_of_the_choice_is_told(run):
    selection = select(run.points, run.box)
    audited = replace(run)
    vars(audited)["audits"] = audits_of([(selection.trial_id, selection.step)])
    card = card_of(audited)
    assert "tells " in card
    assert "from a retrained model in 95 % of single looks" in card
    found = rows(card, "Would a strong attacker notice?")
    assert found[0][1:] == [
        "this configuration",
        "doing nothing",
        "retraining gets",
        "models a side",
    ]
    told = next(row for row in found if row[0].startswith("U-LiRA"))
    assert told[1:] == ["0.9500", "1.0000", "0.5030", "8"]
    assert not re.search(r"\b(private|safe|certified)\b", card)


def test_a_choice_that_was_not_audited_says_so(run):
    other = replace(run)
    vars(other)["audits"] = audits_of([("elsewhere", 1)])
    for card in (card_of(run), card_of(other)):
        assert "It was not audited." in card
        assert "single looks" not in card


@pytest.mark.parametrize(
    ("budget", "said"),
    [({"batch_norm_statistics": "recompute"}, True), ({"steps": 3}, False), (None, False)],
)
def test_recomputed_statistics_of_batch_norm_are_told(run, budget, said):
    spec = run.manifest["spec"] | {"budget": budget}
    card = card_of(replace(run, manifest=run.manifest | {"spec": spec}))
    assert ("| statistics of batch norm, if it has any | recomputed" in card) == said
