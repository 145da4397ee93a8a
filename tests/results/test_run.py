import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from html import escape
from inspect import signature
from pathlib import Path

import pandas as pd
import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, front, hypervolume_json, retrain_gap_box, select
from pareto_explorer.reports import write_report
from pareto_explorer.results.run import load_run
from pareto_explorer.runs import RunDirectory, read_manifest, write_manifest
from pareto_explorer.schema.checkpoint_ids import as_checkpoint, checkpoint_id
from pareto_explorer.schema.columns import checkpoints_of
from tests.synthetic import write_synthetic_run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return write_synthetic_run(tmp_path_factory.mktemp("results") / "run")


def test_a_run_is_loaded_with_all_its_parts(directory):
    run = load_run(str(directory.path))
    assert run.directory == directory
    assert len(run.points) == 156
    assert run.landmarks["landmark"].value_counts().to_dict() == {"original": 3, "retrained": 3}
    originals = run.landmarks[run.landmarks["landmark"] == "original"]
    assert run.box == retrain_gap_box(originals["forget_gap"].tolist())
    assert run.manifest["name"] == "synthetic"


def test_front_and_hypervolume_use_the_box_of_the_run(directory):
    run = load_run(directory.path)
    assert run.front().equals(front(run.points, run.box))
    assert run.front()["on_front"].all()
    assert run.means()["on_front"].sum() == len(run.front())
    written = hypervolume_json(run.points, run.box)
    assert {name: family.mean for name, family in run.hypervolume().items()} == {
        name: family["hypervolume"] for name, family in written["families"].items()
    }
    assert all(family.box == run.box for family in run.hypervolume().values())
    assert run.pooled_hypervolume().mean == written["pooled"]["hypervolume"]


def test_ranges_are_those_that_the_manifest_records(directory, tmp_path):
    run = load_run(directory.path)
    assert set(run.coverage()["family"]) == {family for family, own in run.domains.items() if own}
    assert list(run.edges()) == ["family", "knob", "domain", "end", "best", "lost"]
    older = write_synthetic_run(tmp_path)
    manifest = read_manifest(older)
    del manifest["domains"]
    write_manifest(older, manifest)
    assert load_run(tmp_path).coverage().empty
    assert load_run(tmp_path).edges().empty


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"has no sweep\.yaml"):
        load_run(tmp_path)


def test_a_run_without_a_readable_box_is_refused(tmp_path):
    directory = write_synthetic_run(tmp_path)
    manifest = read_manifest(directory)
    manifest["box"]["objectives"][1]["nadir"] = "0,1"
    write_manifest(directory, manifest)
    with pytest.raises(InputError, match=r"sweep\.yaml': box\.objectives\.1: nadir of "):
        load_run(tmp_path)
    del manifest["box"]
    write_manifest(directory, manifest)
    with pytest.raises(InputError, match=r"box: missing in '.*sweep\.yaml'"):
        load_run(tmp_path)


def test_a_run_is_explored_without_torch_and_ray(directory):
    program = textwrap.dedent(
        """
        import sys
        for name in ("torch", "torchvision", "torchjd", "ray", "optuna"):
            sys.modules[name] = None
        from pareto_explorer import load_run
        run = load_run(sys.argv[1])
        assert len(run.front()) > 0
        assert max(family.mean for family in run.hypervolume().values()) > 0.5
        assert len(run.figure().data) > 0
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(directory.path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr


def test_points_leave_as_tables(directory, tmp_path):
    run = load_run(directory.path)
    run.to_csv(tmp_path / "p.csv")
    run.to_parquet(tmp_path / "p.parquet")
    run.to_json(tmp_path / "p.json")
    assert pd.read_parquet(tmp_path / "p.parquet").equals(run.points)
    for table in (pd.read_csv(tmp_path / "p.csv"), pd.read_json(tmp_path / "p.json")):
        assert list(table.columns) == list(run.points.columns)
        assert table["forget_gap"].to_numpy() == pytest.approx(
            run.points["forget_gap"].to_numpy(), nan_ok=True, abs=1e-12
        )
    copy = run.to_dataframe()
    copy["forget_gap"] = 0.0
    assert run.points["forget_gap"].max() > 0


def test_a_run_becomes_a_study_and_a_result(directory):
    run = load_run(directory.path)
    usable = len(run.means())
    assert len(run.to_pymoo().F) == len(run.front())
    assert sum(trial.state.name == "COMPLETE" for trial in run.to_optuna().trials) == usable


def test_a_table_is_loaded_with_a_mapping(tmp_path):
    table = tmp_path / "results.csv"
    table.write_text("model,loss,gain\na,0.1,0.9\nb,0.3,0.95\n")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "columns: {trial_id: model}\n"
        "objectives:\n"
        "- {metric: loss, direction: min, ideal: 0, nadir: 1}\n"
        "- {metric: gain, direction: max, ideal: 1, nadir: 0}\n"
    )
    run = load_run(table, mapping)
    assert len(run.front()) == 2
    assert not run.repeatable
    with pytest.raises(InputError, match="objectives"):
        load_run(table)
    with pytest.raises(InputError, match="`out`"):
        write_report(run)
    assert write_report(run, tmp_path / "report").exists()


def test_it_says_in_a_line_what_it_is(directory, monkeypatch):
    monkeypatch.chdir(directory.path.parent)
    assert repr(load_run("run")) == (
        "<Run 'run': families 7, replicates 3, points 156, objectives forget_gap, retain_gap>"
    )


def test_a_notebook_shows_families_hypervolumes_and_the_front(directory):
    run = load_run(directory.path)
    page = run._repr_html_()
    for family, volume in run.hypervolume().items():
        assert escape(family) in page
        assert f"{volume.mean:.4f}" in page
    assert page.count("<svg") == 1
    assert "<script" not in page
    assert "http" not in page  # nothing is fetched


def test_names_in_a_notebook_are_text(directory):
    run = load_run(directory.path)
    hostile = "<img src=x onerror=alert(1)>$x$"
    points = run.points.assign(family=hostile + run.points["family"])
    page = replace(run, points=points, shown=hostile, notes=(hostile,))._repr_html_()
    assert "<img" not in page
    assert page.count(escape(hostile)) == 2 + run.points["family"].nunique()


def test_a_notebook_shows_what_has_no_picture(directory):
    run = load_run(directory.path)
    page = replace(run, points=run.points.assign(status="failed"))._repr_html_()
    assert "0.0000" in page
    page = replace(run, points=run.points.iloc[:0])._repr_html_()
    assert "Hypervolume of no family." in page
    third = Objective("js_divergence", "min", ideal=0.0, nadir=0.6)
    box = Box((*run.box.objectives, third), (1.0, 1.0, 1.0))
    page = replace(run, box=box)._repr_html_()
    assert "<table>" in page
    assert "<svg" not in page


def test_one_model_is_chosen_as_in_fronts(directory):
    run = load_run(directory.path)
    chosen = run.select(maximum={"retain_gap": 0.02})
    again = select(run.points, run.box, maximum={"retain_gap": 0.02})
    assert chosen.chosen.equals(again.chosen)
    assert chosen.rule == "tolerance"
    named = run.select(trial_id=chosen.trial_id, step=chosen.step)
    assert named.chosen["forget_gap"] == chosen.chosen["forget_gap"]
    assert repr(chosen) == (
        f"<Selection {chosen.trial_id}, step {chosen.step} of {chosen.family}, by tolerance: "
        f"forget_gap {chosen.chosen['forget_gap']:.4f}, "
        f"retain_gap {chosen.chosen['retain_gap']:.4f}, "
        f"lr {chosen.knobs['lr']:.4g}, optimizer sgd>"
    )


def test_every_argument_of_select_is_passed_on(directory):
    run = load_run(directory.path)
    own, ours = (signature(f).parameters for f in (run.select, select))
    assert list(own) == [name for name in list(ours)[2:] if name != "means"]  # it has them
    assert all(own[name].default == ours[name].default for name in own)
    weighted = run.select(weights=[0.2, 0.8], families=["fine_tune"], one_standard_error=True)
    assert (weighted.rule, weighted.families) == ("weights", ("fine_tune",))
    assert weighted.one_standard_error
    early = run.select(minimum={"forget_gap": 0.5}, rule="closest")
    assert early.chosen["validation_forget_gap"] >= 0.5


def test_a_cost_that_was_not_recorded_bounds_nothing(directory):
    run = load_run(directory.path)
    elsewhere = run.manifest | {"imported": {"not_recorded": ["seconds"]}}
    with pytest.raises(InputError, match=r"^seconds: .*not recorded; bound another metric"):
        replace(run, manifest=elsewhere).select(maximum={"seconds": 1.0})


def test_points_are_found_by_the_ids_of_their_checkpoints(directory):
    run = load_run(directory.path)
    ids = [checkpoint_id(*each) for each in checkpoints_of(run.points)][::-1]
    found = run.points_of(ids)
    assert len(found) == len(run.points)
    assert [checkpoint_id(*each) for each in checkpoints_of(found)] == ids
    first, second = ids[4], ids[1]
    some = run.points_of(iter([first, second, first]))
    assert some["replicate"].tolist() == [0, 1, 2, 0, 1, 2]
    pd.testing.assert_frame_equal(some[3:].reset_index(drop=True), run.points_of(second))
    trial_id, step, _ = as_checkpoint(first)
    rows = (run.points["trial_id"] == trial_id) & (run.points["step"] == step)
    pd.testing.assert_frame_equal(run.points_of(first), run.points[rows].reset_index(drop=True))
    assert run.points_of([]).columns.equals(run.points.columns)


def test_positions_and_members_are_parts_of_ids(directory):
    run = load_run(directory.path)
    moved = run.points.assign(position=0.25, trial_id="first@3: " + run.points["trial_id"])
    both = replace(run, points=pd.concat([run.points, moved], ignore_index=True))
    pd.testing.assert_frame_equal(
        both.points_of("first@3: upgrad-kl_heldout-0@20@0.25"),
        both.points_of("upgrad-kl_heldout-0@20").assign(
            position=0.25, trial_id="first@3: upgrad-kl_heldout-0"
        ),
    )


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ("upgrad-kl_heldout-0", "'upgrad-kl_heldout-0' is not the id of a checkpoint"),
        (["none-0@0", "upgrad-kl_heldout-0@21"], "'upgrad-kl_heldout-0@21' is no point of"),
        ("none-0@0@0.5", "'none-0@0@0.5' is no point of"),
    ],
)
def test_an_id_of_no_point_is_refused(ids, said, directory):
    with pytest.raises(InputError, match=f"`ids`: {said}.* write 'TRIAL@STEP'"):
        load_run(directory.path).points_of(ids)


def test_a_note_is_made_on_a_point_of_the_run(directory, tmp_path):
    shutil.copytree(directory.path, tmp_path / "run")
    run = load_run(tmp_path / "run")
    point = checkpoint_id(*checkpoints_of(run.points)[0])
    assert run.annotations == {}
    run.annotate(point, "worth an audit")
    assert [note.text for note in run.annotations[point]] == ["worth an audit"]
    assert load_run(tmp_path / "run").annotations == run.annotations
    trial_id = as_checkpoint(point)[0]
    for nowhere in ("nobody@1", f"{trial_id}@987654", f"{point}@0.5", "none", 5):
        with pytest.raises(InputError, match=r"^`point`: "):
            run.annotate(nowhere, "x")
    with pytest.raises(InputError, match=r"^note: 5 is no text"):
        run.annotate(point, 5)


def test_where_nothing_is_written_a_note_says_where_it_can_be_made(directory, tmp_path):
    shutil.copytree(directory.path, tmp_path / "run")
    stored = load_run((tmp_path / "run").as_uri())
    point = checkpoint_id(*checkpoints_of(stored.points)[0])
    with pytest.raises(InputError, match="pareto-explorer serve"):
        stored.annotate(point, "x")
    foreign = replace(stored, directory=RunDirectory(tmp_path / "points.csv"), shown="points.csv")
    with pytest.raises(InputError, match=r"'points\.csv' is no run directory; .* import"):
        foreign.annotate(point, "x")
    assert not [*tmp_path.rglob("notes.jsonl")]
