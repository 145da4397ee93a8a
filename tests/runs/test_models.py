import hashlib
import json
import subprocess
import sys

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory
from pareto_explorer.runs.models import find_model, keep_model, model_path, read_kept_models


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
        "from pareto_explorer.runs.models import keep_model\n"
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
