from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pareto_explorer.cli.app import app
from pareto_explorer.errors import InputError
from pareto_explorer.results.run import load_run
from pareto_explorer.runs.remote.copies import local_path
from tests.synthetic import write_synthetic_run


@pytest.fixture
def stored(tmp_path, monkeypatch) -> Path:
    """A run in storage; its URI is ``file://`` and this path."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return write_synthetic_run(tmp_path / "stored").path


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_path_is_itself(tmp_path):
    assert local_path(tmp_path / "run") == tmp_path / "run"
    assert local_path("sqlite:///run.db") == Path("sqlite:///run.db")


def test_a_run_in_storage_is_read_and_nothing_is_written_there(stored):
    before = files(stored)
    run = load_run(f"file://{stored}")
    pd.testing.assert_frame_equal(run.points, load_run(stored).points)
    assert run.shown == f"file://{stored}"
    assert run.directory.path != stored
    assert files(run.directory.path) == before
    assert files(stored) == before


def test_what_has_changed_is_read_again(stored):
    first = load_run(f"file://{stored}")
    (stored / "new.txt").write_text("new")
    (stored / "points.jsonl").unlink(missing_ok=True)
    again = load_run(f"file://{stored}").directory.path
    assert again == first.directory.path
    assert (again / "new.txt").read_text() == "new"
    assert not (again / "points.jsonl").exists()


def test_commands_take_a_uri_and_print_it(stored):
    uri = f"file://{stored}"
    done = CliRunner().invoke(app, ["select", uri, "--max", "retain_gap=0.05"])
    assert done.exit_code == 0, done.output
    assert f"pareto-explorer reproduce {uri}" in done.output
    done = CliRunner().invoke(app, ["report", uri])
    assert done.exit_code == 0, done.output
    assert Path(done.output.removeprefix("report: ").strip()).exists()


def test_storage_without_a_run_is_one_sentence(stored, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty': holds no run \(sweep\.yaml is missing\)"):
        load_run(f"file://{tmp_path / 'empty'}")

    def away(*_):
        raise OSError("nobody answers")

    monkeypatch.setattr("pareto_explorer.runs.files.storage.Storage.files", away)
    with pytest.raises(InputError, match=r"cannot be read \(nobody answers\); check the name"):
        load_run(f"file://{stored}")
