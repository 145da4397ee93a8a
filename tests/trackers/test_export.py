"""The tracker is chosen by name, from Python and on the command line."""

from __future__ import annotations

import sys

import pytest

from pareto_explorer.cli.app import main
from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.trackers import TRACKERS, export_run


def test_an_unknown_tracker_is_refused(run):
    with pytest.raises(InputError, match="did you mean 'mlflow'"):
        export_run(run, "mlfow")


@pytest.mark.parametrize(
    ("to", "package"), [("mlflow", "mlflow"), ("tensorboard", "tensorboardX"), ("wandb", "wandb")]
)
def test_a_missing_package_is_one_sentence_and_nothing_is_written(
    run, to, package, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError) as told:
        export_run(run, to, tmp_path / "out", models=False)
    assert str(told.value) == (
        f"`to`: {to!r} needs the package {package!r}, which is not installed; run "
        "pip install 'pareto-explorer[trackers]'."
    )
    assert not (tmp_path / "out").exists()
    assert to in TRACKERS


def test_only_mlflow_takes_an_address(run):
    with pytest.raises(InputError, match="'https://x' is none; name a folder"):
        export_run(run, "tensorboard", "https://x")


def test_a_folder_that_cannot_be_made_is_one_sentence(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot be written"):
        export_run(run, "tensorboard", tmp_path / "file" / "below", models=False)


def test_the_command_says_where_it_went_and_how_to_look(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for said in ("27 runs written, 0 unchanged", "0 runs written, 27 unchanged"):
        words = ["export", str(run.directory.path), "--to", "tensorboard", "--no-models"]
        monkeypatch.setattr(sys, "argv", ["pareto-explorer", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        assert capsys.readouterr().out.splitlines() == [
            f"tensorboard: {said}: trackers/tensorboard/synthetic",
            "look: tensorboard --logdir trackers/tensorboard",
        ]
