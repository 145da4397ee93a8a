import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory
from pareto_explorer.runs import kept_models as models
from pareto_explorer.runs.files.model_files import ModelFiles
from pareto_explorer.runs.kept_models import (
    find_model,
    keep_model,
    model_path,
    read_kept_models,
    record_models,
    write_kept_models,
)


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path)


def test_a_kept_model_is_found_with_its_hash(run):
    path = keep_model(run, "upgrad-000", 1, 60, b"weights")
    assert path == run.path / "models" / "upgrad-000" / "replicate-1-step-60.safetensors"
    assert find_model(run, "upgrad-000", 1, 60) == path
    assert path.read_bytes() == b"weights"
    assert read_kept_models(run) == {
        "upgrad-000/replicate-1-step-60.safetensors": {
            "trial_id": "upgrad-000",
            "replicate": 1,
            "step": 60,
            "sha256": hashlib.sha256(b"weights").hexdigest(),
        }
    }


def test_what_was_not_kept_is_not_found(run):
    assert find_model(run, "upgrad-000", 0, 60) is None
    assert not (run.path / "models").exists()
    keep_model(run, "upgrad-000", 0, 60, b"weights")
    for other in (("upgrad-001", 0, 60), ("upgrad-000", 1, 60), ("upgrad-000", 0, 40)):
        assert find_model(run, *other) is None


def test_a_damaged_or_missing_file_is_not_used(run):
    path = keep_model(run, "t", 0, 1, b"weights")
    path.write_bytes(b"Weights")
    assert find_model(run, "t", 0, 1) is None
    path.unlink()
    assert find_model(run, "t", 0, 1) is None
    keep_model(run, "t", 0, 1, b"again")
    assert find_model(run, "t", 0, 1) == path


def test_a_file_that_the_manifest_does_not_know_is_not_used(run):
    path = model_path(run, "t", 0, 1)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    assert find_model(run, "t", 0, 1) is None


def test_keeping_again_replaces_and_keeps_the_others(run):
    keep_model(run, "a", 0, 1, b"one")
    keep_model(run, "b", 0, 1, b"two")
    keep_model(run, "a", 0, 1, b"three")
    assert find_model(run, "a", 0, 1).read_bytes() == b"three"
    assert find_model(run, "b", 0, 1).read_bytes() == b"two"
    assert len(read_kept_models(run)) == 2


@pytest.mark.parametrize("trial", ["..", ".", "../../outside", "/etc/x", "a/b", "a\\b", "...", "ü"])
def test_no_trial_leads_out_of_the_folder(run, trial):
    path = keep_model(run, trial, 0, 1, b"weights")
    assert path.resolve().parent.parent == (run.path / "models").resolve()
    assert find_model(run, trial, 0, 1) == path


def test_different_trials_never_share_a_file(run):
    trials = ["a/b", "a%2Fb", "a b", "a+b", "..", "%2E%2E", "a", "A"]
    assert len({model_path(run, trial, 0, 1) for trial in trials}) == len(trials)


def test_several_processes_lose_nothing(run):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pareto_explorer.runs import RunDirectory\n"
        "from pareto_explorer.runs.kept_models import keep_model\n"
        "for step in range(15):\n"
        "    keep_model(RunDirectory(Path(sys.argv[1])), sys.argv[2], 0, step, b'weights')\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(run.path), name]) for name in ("a", "b")
    ]
    assert [process.wait() for process in started] == [0, 0]
    assert len(read_kept_models(run)) == 30


@pytest.mark.parametrize("text", ["{", "[]", '{"models": []}', '{"models": {"a": {}}}', "{}"])
def test_a_damaged_manifest_is_one_sentence(run, text):
    (run.path / "models").mkdir()
    (run.path / "models" / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"models: '.*manifest\.json' is damaged"):
        find_model(run, "a", 0, 1)


def test_a_failed_write_leaves_the_former_model(run, monkeypatch):
    path = keep_model(run, "a", 0, 1, b"one")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        keep_model(run, "a", 0, 1, b"two")
    monkeypatch.undo()
    assert find_model(run, "a", 0, 1).read_bytes() == b"one"
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name]
    assert json.loads((run.path / "models" / "manifest.json").read_text())["models"]


def entry(step: int, content: bytes = b"weights") -> dict:
    sha256 = hashlib.sha256(content).hexdigest()
    return {"trial_id": "a", "replicate": 0, "step": step, "sha256": sha256}


def name(step: int) -> str:
    return f"a/replicate-0-step-{step}.safetensors"


@pytest.fixture
def journal(run):
    (run.path / "models").mkdir()
    return run.path / "models" / "manifest.jsonl"


def test_changes_are_read_on_top_of_the_manifest(run):
    write_kept_models(run, {name(step): entry(step) for step in (1, 2)})
    record_models(run, {name(3): entry(3), name(1): None})
    record_models(run, {name(3): entry(3, b"others"), name(4): entry(4)})
    record_models(run, {name(4): None, name(5): None})
    assert read_kept_models(run) == {name(2): entry(2), name(3): entry(3, b"others")}


def test_the_manifest_takes_over_the_changes(run, journal):
    record_models(run, {name(1): entry(1), name(2): entry(2)})
    record_models(run, {name(1): None})
    changes, kept = journal.read_bytes(), read_kept_models(run)
    write_kept_models(run, kept)
    assert journal.read_bytes() == b""
    assert read_kept_models(run) == kept == {name(2): entry(2)}
    journal.write_bytes(changes)  # killed between the two
    assert read_kept_models(run) == kept


def test_keeping_goes_before_earlier_changes(run):
    keep_model(run, "a", 0, 1, b"weights")
    record_models(run, {name(1): None, name(2): entry(2)})
    assert find_model(run, "a", 0, 1) is None
    path = keep_model(run, "a", 0, 1, b"weights")
    assert find_model(run, "a", 0, 1) == path
    assert read_kept_models(run).keys() == {name(1), name(2)}


def test_a_torn_change_is_left_out_and_gone_with_the_next_manifest(run, journal):
    record_models(run, {name(1): entry(1)})
    with journal.open("ab") as file:
        file.write(b'{"a/replicate-0-st')
    assert read_kept_models(run) == {name(1): entry(1)}
    keep_model(run, "a", 0, 2, b"weights")
    record_models(run, {name(3): entry(3)})
    assert read_kept_models(run).keys() == {name(1), name(2), name(3)}


@pytest.mark.parametrize("line", ["{", "[]", '{"a": {}}', '{"a": 1}', "1"])
def test_damaged_changes_are_one_sentence(run, journal, line):
    journal.write_text(f"{line}\n")
    with pytest.raises(InputError, match=r"models: '.*manifest\.jsonl' is damaged"):
        read_kept_models(run)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"step": 2}, "is not the model of this file"),
        ({"trial_id": "../../outside"}, "is not the model of this file"),
        ({"trial_id": ["a"]}, "is not the model of this file"),
        ({"replicate": False}, "is not the model of this file"),
        ({"sha256": "00"}, "'00' is no sha256"),
        ({"sha256": None}, "None is no sha256"),
    ],
)
@pytest.mark.parametrize("changed", [True, False])
def test_an_entry_is_of_the_file_that_it_stands_at(run, journal, change, problem, changed):
    entries = {name(1): entry(1) | change}
    if changed:
        journal.write_text(json.dumps(entries) + "\n")
    else:
        journal.with_name("manifest.json").write_text(json.dumps({"models": entries}))
    with pytest.raises(InputError, match=rf"manifest.jsonl?' is damaged \(.*{problem}"):
        read_kept_models(run)


@pytest.mark.parametrize("text", ["[" * 10_000, '{"models": {}, "storage": 3}', "\x00"])
def test_what_is_no_manifest_of_models_is_one_sentence(run, journal, text):
    journal.with_name("manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json' is damaged \("):
        read_kept_models(run)


def test_a_change_that_does_not_fit_on_the_disk_leaves_no_trace(run, journal, monkeypatch):
    record_models(run, {name(1): entry(1)})
    before, opened = journal.read_bytes(), Path.open

    class Full:
        def __init__(self, *args, **kwargs):
            self.file = opened(*args, **kwargs)
            self.tell, self.truncate = self.file.tell, self.file.truncate

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, line):
            return self.file.write(line[:9])

    monkeypatch.setattr(Path, "open", lambda *args, **kwargs: Full(*args, **kwargs))
    with pytest.raises(OSError, match="No space left"):
        record_models(run, {name(2): entry(2)})
    monkeypatch.undo()
    assert journal.read_bytes() == before
    record_models(run, {name(3): entry(3)})
    assert read_kept_models(run).keys() == {name(1), name(3)}


def test_a_run_that_was_moved_keeps_its_models(tmp_path):
    keep_model(RunDirectory(tmp_path / "here"), "a", 0, 1, b"weights")
    (tmp_path / "here").rename(tmp_path / "there")
    found = find_model(RunDirectory(tmp_path / "there"), "a", 0, 1)
    assert found == tmp_path / "there" / "models" / name(1)


@pytest.fixture
def bucket(run, tmp_path, monkeypatch):
    """A bucket that the run's models 1 and 2 are in; the manifest is in the run directory."""
    monkeypatch.setattr(models, "user_cache_path", lambda _: tmp_path / "cache")
    storage = ModelFiles((tmp_path / "bucket").as_uri())
    storage.put(name(1), b"weights")
    storage.put(name(2), b"damaged")
    write_kept_models(run, {name(step): entry(step) for step in (1, 2, 3)}, storage.uri)
    return storage


def test_a_model_behind_a_uri_is_downloaded_once(run, bucket):
    found = find_model(run, "a", 0, 1)
    assert found.suffix == ".safetensors"
    assert found.read_bytes() == b"weights"
    bucket.delete([name(1)])
    assert find_model(run, "a", 0, 1) == found


def test_a_download_that_was_damaged_later_is_made_again(run, bucket):
    find_model(run, "a", 0, 1).write_bytes(b"Weights")
    assert find_model(run, "a", 0, 1).read_bytes() == b"weights"


def test_a_damaged_or_missing_model_behind_a_uri_is_not_used(run, bucket, tmp_path):
    assert find_model(run, "a", 0, 2) is None
    assert find_model(run, "a", 0, 3) is None
    assert not (tmp_path / "cache").exists()


def test_what_is_in_the_run_directory_is_not_downloaded(run, bucket, tmp_path):
    path = model_path(run, "a", 0, 1)
    path.parent.mkdir()
    path.write_bytes(b"weights")
    assert find_model(run, "a", 0, 1) == path
    path.write_bytes(b"Weights")
    assert find_model(run, "a", 0, 1).read_bytes() == b"weights"


def test_the_uri_outlives_changes(run, bucket):
    record_models(run, {name(4): entry(4)})
    keep_model(run, "b", 0, 1, b"here")
    assert find_model(run, "a", 0, 1).read_bytes() == b"weights"
    assert find_model(run, "b", 0, 1) == model_path(run, "b", 0, 1)
