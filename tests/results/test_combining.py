import json
from dataclasses import replace

import pandas as pd
import pytest
import yaml

from pareto_explorer.errors import InputError
from pareto_explorer.reports import write_report
from pareto_explorer.results.combining import combine_runs, read_box
from pareto_explorer.results.run import load_run
from pareto_explorer.runs import read_manifest, write_manifest
from tests.synthetic import write_oracle_free_run, write_synthetic_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several")
    first = load_run(write_synthetic_run(folder / "first").path)
    second = load_run(write_synthetic_run(folder / "second", configurations=2).path)
    for run in (first, second):
        write_manifest(run.directory, run.manifest | {"name": run.directory.path.name})
    return load_run(first.directory.path), load_run(second.directory.path)


def test_families_and_trials_carry_the_name_of_their_run(runs):
    together = combine_runs(runs)
    assert set(together.points["run"]) == {"first", "second"}
    assert len(together.points) == sum(len(run.points) for run in runs)
    volumes = together.hypervolume()
    for run, name in zip(runs, ("first", "second"), strict=True):
        for family, volume in run.hypervolume().items():
            assert volumes[f"{name}: {family}"].per_replicate == volume.per_replicate
    assert together.locate("second: mgda-kl_heldout-0") == (runs[1], "mgda-kl_heldout-0")
    assert runs[0].locate("mgda-kl_heldout-0") == (runs[0], "mgda-kl_heldout-0")
    assert together.name == "first and second"
    assert together.domains["first: fine_tune"] == runs[0].domains["fine_tune"]
    assert set(together.coverage()["family"]) == {
        f"{name}: {family}" for name in ("first", "second") for family in runs[0].domains
    } - {"first: none", "second: none"}


def test_only_replicates_with_the_same_seeds_are_compared(runs, tmp_path):
    first, _ = runs
    fewer = load_run(write_synthetic_run(tmp_path / "fewer", replicates=2).path)
    swapped = fewer.points.assign(
        replicate=1 - fewer.points["replicate"]
    )  # its replicate 0 has the seeds of the other run's replicate 1
    together = combine_runs([first, replace(fewer, points=swapped, box=first.box)])
    assert set(together.points["replicate"]) == {0, 1}
    (note,) = together.notes
    assert note.startswith("Of first, replicate 2 is left out")
    pairs = together.points[["replicate", "training_seed"]].drop_duplicates()
    assert sorted(map(tuple, pairs.to_numpy().tolist())) == [(0, 0), (1, 1)]
    assert sorted(together.landmarks["replicate"]) == [0, 0, 1, 1]
    volume = together.hypervolume()["synthetic: upgrad/kl_heldout"].per_replicate
    own = replace(fewer, box=first.box).hypervolume()["upgrad/kl_heldout"].per_replicate
    assert volume == own


def test_what_cannot_be_compared_is_refused(runs, tmp_path):
    first, second = runs
    with pytest.raises(InputError, match="two or more"):
        combine_runs([first])
    with pytest.raises(InputError, match="name a run twice"):
        combine_runs([first, load_run(first.directory.path)])
    narrow = replace(second.box, reference=(0.9, 1.0))
    with pytest.raises(InputError, match="different boxes"):
        combine_runs([first, replace(second, box=narrow)])
    spec = second.manifest["spec"] | {"task": {"name": "digits", "forget": {"kind": "random"}}}
    with pytest.raises(InputError, match="only runs of one task"):
        combine_runs([first, replace(second, manifest=second.manifest | {"spec": spec})])
    other = second.points.assign(training_seed=second.points["training_seed"] + 50)
    with pytest.raises(InputError, match="no replicate"):
        combine_runs([first, replace(second, points=other)])


def test_runs_of_one_name_are_told_apart_by_their_folders(runs):
    same = [replace(run, manifest=run.manifest | {"name": "digits"}) for run in runs]
    assert list(combine_runs(same).members) == ["first", "second"]


def test_a_box_is_read_from_a_run_a_report_and_a_file(runs, tmp_path):
    box = runs[0].box
    assert read_box(runs[0].directory.path) == box
    written = tmp_path / "hypervolume.json"
    written.write_text(json.dumps({"box": box.to_dict(), "families": {}}))
    assert read_box(written) == box
    by_hand = tmp_path / "box.yaml"
    by_hand.write_text(yaml.safe_dump(box.to_dict()))
    assert read_box(by_hand) == box


@pytest.mark.parametrize(
    "content",
    ["[1, 2]", "objectives: 3", "{", "objectives: []", "!!timestamp x", "[" * 10**5, "9" * 5000],
)
def test_a_file_without_a_box_is_refused(tmp_path, content):
    path = tmp_path / "box.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match="`box`"):
        read_box(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_box(tmp_path / "missing.yaml")


def test_a_manifest_without_a_box_is_refused(tmp_path):
    directory = write_synthetic_run(tmp_path / "run")
    manifest = {k: v for k, v in read_manifest(directory).items() if k not in ("box", "format")}
    write_manifest(directory, manifest)
    with pytest.raises(InputError, match="`box`"):
        read_box(directory.path)


def test_runs_that_retrained_nothing_are_put_together(tmp_path):
    runs = [load_run(write_oracle_free_run(tmp_path / name).path) for name in ("a", "b")]
    together = combine_runs(runs)
    assert set(together.landmarks["landmark"]) == {"original"}
    assert not together.retrained
    assert sorted(together.points["run"].unique()) == ["a", "b"]
    assert together.hypervolume()["a: mgda/kl_heldout"].mean > 0


def test_one_run_of_several_may_bring_the_retrained_models(tmp_path):
    bare = load_run(write_oracle_free_run(tmp_path / "bare").path)
    full = load_run(write_synthetic_run(tmp_path / "full").path)
    measured = full.points.assign(forget_accuracy_gap=0.01, accuracy_drop=0.01)
    full = replace(full, points=measured, box=bare.box, manifest=bare.manifest | {"name": "full"})
    together = combine_runs([bare, full])
    assert together.retrained
    assert len(together.landmarks) == len(full.landmarks)


def test_tasks_that_were_built_in_python_are_told_apart(runs):
    first, second = (
        replace(run, manifest=run.manifest | {"task_given": digest})
        for run, digest in zip(runs, ("ab", "cd"), strict=True)
    )
    with pytest.raises(InputError, match="built in Python differ"):
        combine_runs([first, second])
    same = replace(second, manifest=second.manifest | {"task_given": "ab"})
    assert combine_runs([first, same]).task_given


def test_seeds_of_64_bits_stay_apart(tmp_path):
    paths = []
    for name in ("first", "second"):
        directory = write_synthetic_run(tmp_path / name)
        for path in (directory.points, directory.landmarks):
            table = pd.read_parquet(path)
            large = 2**64 - 1 - table["training_seed"]
            table.assign(training_seed=large).to_parquet(path)
        directory.journal.unlink()
        paths.append(directory.path)
    run = load_run(paths[0])
    seeds = {2**64 - 1, 2**64 - 2, 2**64 - 3}
    assert set(run.points["training_seed"]) == set(run.landmarks["training_seed"]) == seeds
    together = combine_runs([run, load_run(paths[1])])
    assert not together.notes
    assert set(together.points["training_seed"]) == seeds
    assert together.points["replicate"].nunique() == 3
    run.to_json(tmp_path / "points.json")
    written = json.loads((tmp_path / "points.json").read_text())
    assert {row["training_seed"] for row in written} == seeds
    page = write_report(run).read_text(encoding="utf-8")
    assert str(2**64 - 3) in page
