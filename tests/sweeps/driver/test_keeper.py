from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import front
from pareto_explorer.runs import RunDirectory
from pareto_explorer.runs.agreement import key_of
from pareto_explorer.runs.files.model_files import ModelFiles, model_name
from pareto_explorer.runs.kept_models import find_model, keep_model, read_kept_models
from pareto_explorer.sweeps.driver.keeper import Keeper, ModelStore
from tests.sweeps.twins_keeping import BOX, N, row, sweeps, table, wanted

POLICIES = ["front", "final", "all", "none"]


class Sweep:
    """A run directory, its points table, and the workers' part."""

    def __init__(self, path: Path, policy: str = "front", n: int = N, uri: bool = False) -> None:
        self.run, self.policy, self.n = RunDirectory(path / "run"), policy, n
        self.run.path.mkdir()
        self.storage = path / "bucket" if uri else self.run.path
        self.store = ModelStore(self.storage.as_uri() if uri else self.storage, waits=())
        self.rows, self.finished = [], []
        self.start()

    def start(self) -> None:
        """A driver, with what the points table of the finished trials says."""
        self.rows = [one for one in self.rows if one["trial_id"] in self.finished]
        points = table(self.rows, self.finished)
        self.keeper = Keeper(self.run, self.store, BOX, self.policy, self.n, points)

    def report(self, *rows, model: nn.Module | None = None) -> None:
        kept = [self.write(one, model) for one in rows]
        self.rows += rows
        self.keeper.report(rows, kept)

    def write(self, one, model: nn.Module | None = None):
        return self.store.write(*key_of(one)[:3], model or nn.Linear(1, 1), one["position"])

    def ended(self, trial_id: str) -> None:
        self.finished.append(trial_id)
        self.keeper.ended(trial_id)

    @property
    def points(self) -> set:
        """The points that have a file, all files being those of a point."""
        folder, found = self.storage / "models", set()
        for path in folder.glob("*/*"):
            replicate, step, *position = path.stem.split("-")[1::2]
            place = (int(replicate), int(step), float(position[0]) if position else 0.0)
            found.add((path.parent.name, *place))
            assert f"{path.parent.name}/{path.name}" == model_name(path.parent.name, *place)
        return found

    def check(self) -> None:
        """Files, manifest and counts agree with each other, and every file fits its hash."""
        names = {model_name(*point) for point in self.points}
        entries = read_kept_models(self.run)
        assert entries.keys() == names
        assert self.keeper.count == len(names)
        sizes = [(self.storage / "models" / name).stat().st_size for name in names]
        assert self.keeper.size == sum(sizes)
        for point in self.points:
            assert find_model(self.run, *point) is not None


@pytest.fixture(params=[False, True], ids=["folder", "uri"])
def sweep(request, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "pareto_explorer.runs.kept_models.user_cache_path", lambda _: tmp_path / "cache"
    )
    return Sweep(tmp_path, uri=request.param)


@contextmanager
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def play(sweep: Sweep, events, check) -> None:
    for event in events:
        if isinstance(event, str):
            sweep.ended(event)
        else:
            sweep.report(*event)
        check()


@pytest.mark.parametrize("policy", POLICIES)
@settings(deadline=None, max_examples=25)
@given(events=sweeps())
def test_never_holds_more_or_less_than_what_is_wanted(policy, events):
    with folder() as path:
        sweep = Sweep(path, policy)

        def check():
            assert sweep.points == wanted(policy, sweep.rows, sweep.finished)
            sweep.check()

        play(sweep, events, check)
        sweep.keeper.close()
        trials = {one["trial_id"] for one in sweep.rows}
        assert sweep.points == wanted(policy, sweep.rows, trials)
        sweep.check()
        folders = [path for path in (sweep.storage / "models").glob("*/") if path.is_dir()]
        assert policy == "none" or all(any(path.iterdir()) for path in folders)


@pytest.mark.parametrize("policy", POLICIES)
@settings(deadline=None, max_examples=25)
@given(events=sweeps(), cut=st.integers(0, 20), last=st.sampled_from(["", "written", "in table"]))
def test_a_killed_driver_leaves_nothing_behind_that_the_next_one_cannot_use(
    policy, events, cut, last
):
    """Killed between reports, between a file and its row, or between a row and its entry."""
    with folder() as path:
        sweep = Sweep(path, policy)
        play(sweep, events[:cut], sweep.check)
        if last and cut < len(events) and not isinstance(events[cut], str):
            for one in events[cut] if policy != "none" else ():
                sweep.write(one)
            if last == "in table":
                sweep.rows += events[cut]
                sweep.finished.append(events[cut][0]["trial_id"])
        had = sweep.points
        sweep.start()
        sweep.check()
        # What a lost trial had pushed off the front is gone and can be run again.
        assert sweep.points == had & wanted(policy, sweep.rows, sweep.finished)
        done = set(sweep.finished)
        trials = [e if isinstance(e, str) else e[0]["trial_id"] for e in events]
        left = [e for e, t in zip(events, trials, strict=True) if t not in done]
        play(sweep, left, sweep.check)
        assert sweep.points <= wanted(policy, sweep.rows, sweep.finished)
        assert sweep.points >= wanted(policy, sweep.rows, sweep.finished) & {
            key_of(one) for event in left if not isinstance(event, str) for one in event
        }


def test_a_dominated_checkpoint_goes_at_once_with_all_its_replicates(sweep):
    for trial, forget in (("a", 0.5), ("b", 0.4)):
        for replicate in range(N):
            sweep.report(row((trial, replicate, 20), forget, 0.9))
            sweep.check()
    assert sweep.points == {("b", 0, 20, 0.0), ("b", 1, 20, 0.0)}
    expected = front(table(sweep.rows, []), BOX)
    assert expected["trial_id"].tolist() == ["b"]


def test_the_file_of_a_point_holds_its_model(sweep):
    torch.manual_seed(0)
    model = nn.Linear(2, 2)
    sweep.report(*(row(("a", r, 20), 0.5, 0.9) for r in range(N)), model=model)
    state = load_file(find_model(sweep.run, "a", 1, 20))
    assert torch.equal(state["weight"], model.weight)


def test_a_point_that_is_reported_again_replaces_its_file(sweep):
    first = [row(("a", r, 20), 0.5, 0.9) for r in range(N)]
    sweep.report(*first)
    model = nn.Linear(3, 3)
    sweep.report(*first, model=model)
    sweep.check()
    assert sweep.points == {("a", 0, 20, 0.0), ("a", 1, 20, 0.0)}
    assert load_file(find_model(sweep.run, "a", 0, 20))["weight"].shape == (3, 3)
    sweep.report(*(row(("b", r, 20), 0.1, 0.9) for r in range(N)))
    sweep.report(*first)
    assert sweep.points == {("b", 0, 20, 0.0), ("b", 1, 20, 0.0)}
    sweep.check()


def test_a_file_that_was_written_again_without_its_row_goes(sweep):
    rows = [row(("a", r, 20), 0.5, 0.9) for r in range(N)]
    sweep.report(*rows)
    sweep.keeper.report([], [sweep.write(rows[0])])
    assert find_model(sweep.run, "a", 0, 20) is None
    assert find_model(sweep.run, "a", 1, 20) is not None
    assert read_kept_models(sweep.run).keys() == {model_name("a", 1, 20)}


def test_rows_without_a_file_are_fine(sweep):
    rows = [row(("a", r, 20), 0.5, 0.9) for r in range(N)]
    sweep.rows += rows
    sweep.keeper.report(rows, [None, sweep.write(rows[1])])
    sweep.check()
    assert sweep.points == {("a", 1, 20, 0.0)}


def test_files_without_a_row_are_deleted(sweep):
    reported, stranger = row(("a", 0, 20), 0.5, 0.9), row(("a", 0, 40), 0.5, 0.9)
    sweep.keeper.report([reported], [sweep.write(reported), sweep.write(stranger)])
    assert sweep.points == {("a", 0, 20, 0.0)}
    sweep.check()


def test_the_end_of_a_trial_removes_what_was_never_reported(sweep):
    sweep.report(*(row(("a", r, 20), 0.5, 0.9) for r in range(N)))
    for trial in ("a", "ab"):
        sweep.write(row((trial, 0, 40)))
    sweep.store.put("a/.replicate-0-step-60.safetensors.4711", b"half")
    sweep.ended("a")
    assert sweep.points == {("a", 0, 20, 0.0), ("a", 1, 20, 0.0), ("ab", 0, 40, 0.0)}
    sweep.ended("ab")
    sweep.check()
    sweep.ended("never heard of")


def test_an_extended_sweep_keeps_what_is_still_worth_it(sweep):
    for trial, values in (("a", (0.1, 0.6)), ("b", (0.5, 0.9))):
        sweep.report(*(row((trial, r, 20), *values) for r in range(N)))
        sweep.ended(trial)
    size = sweep.keeper.size
    sweep.keeper.close()
    sweep.start()
    sweep.check()
    assert sweep.keeper.size == size > 0
    sweep.report(*(row(("c", r, 20), 0.4, 0.9) for r in range(N)))
    sweep.ended("c")
    sweep.keeper.close()
    sweep.check()
    assert {trial for trial, *_ in sweep.points} == {"a", "c"}


@pytest.mark.parametrize("policy", ["front", "none"])
def test_a_narrower_policy_deletes_what_an_earlier_sweep_kept(tmp_path, policy):
    sweep = Sweep(tmp_path, "all")
    for trial, forget in (("a", 0.5), ("b", 0.4)):
        sweep.report(*(row((trial, r, 20), forget, 0.9) for r in range(N)))
        sweep.ended(trial)
    sweep.keeper.close()
    sweep.policy = policy
    sweep.start()
    sweep.check()
    assert sweep.points == wanted(policy, sweep.rows, sweep.finished)


def test_keeping_none_touches_nothing(tmp_path):
    sweep = Sweep(tmp_path, "none")
    sweep.keeper.report([row(("a", 0, 20), 0.5, 0.9)], [])
    sweep.ended("a")
    sweep.keeper.close()
    assert list(sweep.run.path.iterdir()) == []


def test_a_whole_file_that_the_manifest_lacks_is_taken_up_and_a_torn_one_deleted(sweep):
    rows = [row(("a", r, 20), 0.5, 0.9) for r in range(N)]
    kept = sweep.write(rows[0])
    content = sweep.store.get(kept.file)
    sweep.store.put(model_name("a", 1, 20), content[:-1])
    sweep.rows, sweep.finished = rows, ["a"]
    sweep.start()
    sweep.check()
    assert sweep.points == {("a", 0, 20, 0.0)}
    assert read_kept_models(sweep.run)[kept.file]["sha256"] == kept.sha256


def test_a_file_that_is_gone_is_forgotten(sweep):
    sweep.report(*(row(("a", r, 20), 0.5, 0.9) for r in range(N)))
    sweep.ended("a")
    sweep.store.delete([model_name("a", 0, 20)])
    sweep.start()
    sweep.check()
    assert sweep.points == {("a", 1, 20, 0.0)}


def test_what_cannot_be_deleted_now_is_deleted_later(sweep, monkeypatch):
    monkeypatch.setattr(ModelFiles, "_delete", lambda *_: False)
    for trial, forget in (("a", 0.5), ("b", 0.4)):
        sweep.report(*(row((trial, r, 20), forget, 0.9) for r in range(N)))
    assert {trial for trial, *_ in sweep.points} == {"a", "b"}
    assert find_model(sweep.run, "a", 0, 20) is None
    monkeypatch.undo()
    sweep.keeper.report([], [])
    assert {trial for trial, *_ in sweep.points} == {"b"}


def test_what_could_not_be_deleted_stays_if_it_is_written_again_and_wanted(sweep, monkeypatch):
    rows = [row(("a", r, 20), 0.5, 0.9) for r in range(N)]
    monkeypatch.setattr(ModelFiles, "_delete", lambda *_: False)
    sweep.keeper.report([], [sweep.write(one) for one in rows])
    monkeypatch.undo()
    sweep.report(*rows)
    sweep.keeper.report([], [])
    sweep.check()
    assert len(sweep.points) == N


def test_what_cannot_be_recorded_now_is_recorded_later(sweep, monkeypatch):
    def full(*_):
        raise OSError("full")

    monkeypatch.setattr("pareto_explorer.sweeps.driver.keeper.record_models", full)
    sweep.report(*(row(("a", r, 20), 0.5, 0.9) for r in range(N)))
    assert read_kept_models(sweep.run) == {}
    monkeypatch.undo()
    sweep.report(row(("b", 0, 20), 0.9, 0.5))
    sweep.check()
    assert len(sweep.points) == N + 1


def test_storage_that_fails_at_the_end_leaves_a_whole_manifest(sweep, monkeypatch):
    def unplugged(*_):
        raise OSError("unplugged")

    sweep.report(*(row(("a", r, 20), 0.5, 0.9) for r in range(N)))
    monkeypatch.setattr(ModelFiles, "sizes", unplugged)
    sweep.ended("a")
    with sweep.keeper:
        pass
    monkeypatch.undo()
    sweep.check()
    assert (sweep.run.path / "models" / "manifest.jsonl").read_bytes() == b""


def test_storage_that_cannot_be_written_is_said_before_anything_runs(tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(InputError, match="`out`: models cannot be written"):
        Keeper(RunDirectory(tmp_path), ModelStore(tmp_path), BOX, "front", N, table([], []))


def test_a_model_that_belongs_to_no_point_is_deleted_at_the_start(tmp_path):
    path = keep_model(RunDirectory(tmp_path), "a", 0, 20, b"weights")
    strange = path.with_name("notes.txt")
    strange.write_text("mine")
    Keeper(RunDirectory(tmp_path), ModelStore(tmp_path), BOX, "front", N, table([], []))
    assert not path.exists()
    assert strange.read_text() == "mine"
