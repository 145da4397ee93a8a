from __future__ import annotations

import dataclasses
import sys

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from pareto_explorer import sweeps
from pareto_explorer.cli import check as check_command
from pareto_explorer.cli.app import app, main
from pareto_explorer.cli.check import duration
from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory, write_manifest
from pareto_explorer.sweeps.checks.estimate import Estimate, Line
from pareto_explorer.sweeps.checks.families import FamilyCheck
from pareto_explorer.sweeps.checks.model import ModelFacts
from pareto_explorer.terminal import Terminal

FAMILIES = [
    {"method": "jacobian_descent", "aggregator": "upgrad", "forget_loss": "kl_uniform"},
    {"method": "ssd"},
]


@pytest.fixture
def space(tmp_path):
    def write(**parts):
        path = tmp_path / "space.yaml"
        path.write_text(yaml.safe_dump({"task": {"name": "digits"}, "families": FAMILIES} | parts))
        return str(path)

    return write


def command(*arguments, cache):
    return CliRunner().invoke(
        app,
        ["check", *arguments, "--cache", str(cache)],
        env={"COLUMNS": "120"},
        catch_exceptions=False,
    )


def test_a_good_space_is_shown_and_ends_with_0(space, tmp_path):
    done = command(space(), cache=tmp_path / "cache")
    assert done.exit_code == 0, done.output
    for said in (
        "retain           970        10   float32 1x8x8",
        "37,282 parameters",
        "upgrad/kl_uniform",
        "untrained weights",
        "train landmarks            6",
        "digits: no errors, no warnings",
        "checking: data\n",
        "checking: family 2 of 2: ssd\n",
    ):
        assert said in done.stdout
    assert not (tmp_path / "cache").exists()


def test_errors_are_all_listed_and_end_with_2(space, tmp_path):
    broken = "tests.sweeps.checks.test_check:of_wrong_shape"
    families = [FAMILIES[0] | {"forget_loss": broken}, {"method": "entanglement"}]
    done = command(space(families=families), cache=tmp_path)
    assert done.exit_code == 2
    lines = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert any("upgrad/of_wrong_shape" in line for line in lines)
    assert any("entanglement" in line for line in lines)
    assert "Estimate" not in done.stdout
    assert f"digits: {len(lines)} errors" in done.stdout


def test_warnings_end_with_0(space, tmp_path):
    done = command(space(), "--set", "resources.custom.fast=1", cache=tmp_path)
    assert done.exit_code == 0
    assert "warning: resources: a trial books cpu 1, fast 1" in done.stdout
    assert "sweep on a cluster with --address, or book less" in done.stdout
    assert "digits: no errors, 1 warning" in done.stdout


def test_a_bad_file_is_one_sentence(space, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", "check", space(), "--set", "budget=1"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_terminal_gets_a_status_instead_of_lines(space, tmp_path, monkeypatch):
    monkeypatch.setattr(Console, "is_terminal", True)
    monkeypatch.setenv("TERM", "dumb")
    done = command(space(), cache=tmp_path)
    assert done.exit_code == 0
    assert "checking: data\n" not in done.stdout


@pytest.fixture
def run_directory(tmp_path):
    run = RunDirectory(tmp_path / "run")
    write_manifest(run, {"spec": {"task": {"name": "digits"}}, "box": []})
    return run.path


@pytest.mark.parametrize("name", ["", "sweep.yaml"])
def test_a_run_is_told_from_a_search_space(run_directory, name):
    with pytest.raises(InputError) as told:
        command(str(run_directory / name), cache=run_directory)
    assert str(told.value) == (
        f"search space: {str(run_directory / name)!r} belongs to a run; give the file that was "
        f"swept, or save what {str(run_directory / 'sweep.yaml')!r} holds under 'spec' as one."
    )


def test_a_directory_is_told_from_a_search_space(space, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="is a directory; give a search-space file or the name"):
        command(str(tmp_path), cache=tmp_path)
    with pytest.raises(InputError, match="there is no file"):
        command(str(tmp_path / "none.yaml"), cache=tmp_path)
    with pytest.raises(InputError, match="expected path=value"):
        command(space(), "--set", "budget", cache=tmp_path)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (25e-6, "25 us"),
        (0.0123, "12.3 ms"),
        (0.9996e-3, "1 ms"),
        (0.9996, "1 s"),
        (5.678, "5.68 s"),
        (600, "10 min"),
        (36_000, "10 h"),
        (4_443_120, "1,234 h"),
    ],
)
def test_times_are_readable(seconds, said):
    assert duration(seconds) == said


def test_shared_cards_give_a_span(capsys):
    found = Estimate((Line("trials", 8, 80.0),), 4, 20.0, 80.0, at_most=True)
    check_command._print_estimate(Terminal(), found)
    shown = " ".join(capsys.readouterr().out.split())
    assert "4 at a time: at most about 20 s to 80 s" in shown


def test_a_failed_family_has_a_line(capsys):
    result = sweeps.CheckResult(
        "mine", "cpu", "cached", (), None, (FamilyCheck("upgrad", failed="why"),), 4.0, None, ()
    )
    check_command._print(Terminal(), result)
    shown = capsys.readouterr().out
    assert "failed" in shown
    assert "on 1/4 of the data and scaled up" in " ".join(shown.split())
    check_command._print(Terminal(), dataclasses.replace(result, batch_shrunk=2.5))
    shown = " ".join(capsys.readouterr().out.split())
    assert "on 1/4 of the data and with 1/2.5 of a batch and scaled up" in shown
    assert "this process holds, which grows with the batch" in shown


def test_a_model_without_an_output_tensor_shows_no_shape_of_it(capsys):
    model = ModelFacts("Net", 163, 0, 652, (), 8)
    result = sweeps.CheckResult("mine", "cpu", "", (), model, (), 1.4, None, ())
    check_command._print(Terminal(), result)
    assert "model: Net, 163 parameters, 652 bytes\n" in capsys.readouterr().out
