from __future__ import annotations

import inspect
import sys

import pytest
import typer

from pareto_explorer.cli.app import app, main
from pareto_explorer.cli.wording import _ELSEWHERE, in_options
from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.fronts import select
from pareto_explorer.reports import write_report
from pareto_explorer.results.combining import load_runs
from pareto_explorer.results.run import load_run
from pareto_explorer.sweeps import SweepSpec
from tests.synthetic import write_synthetic_run

COMMANDS = typer.main.get_command(app).commands


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return load_run(write_synthetic_run(tmp_path_factory.mktemp("wording") / "run").path)


@pytest.mark.parametrize(
    ("command", "text", "said"),
    [
        ("sweep", "`out`: 'a'; choose another `out`.", "--out: 'a'; choose another --out."),
        ("select", "`maximum` a=1, `minimum` b=2", "--max a=1, --min b=2"),
        ("select", "`families`, `trial_id` and `step`", "--family, --trial and --step"),
        ("select", "`destination`: no", "--export: no"),
        ("reproduce", "give it with `spec`, or `trust=True`.", "give it with --space, or --trust."),
        ("import", "`out`: no; `study`: no", "OUT: no; --study: no"),
        ("sweep", "with `write_report(out)`", "with `pareto-explorer report --out`"),
        ("report", "`ray up`, `rule`, `trust=True`", "`ray up`, `rule`, `trust=True`"),
    ],
)  # fmt: skip
def test_options_stand_for_arguments(command, text, said):
    assert in_options(text, COMMANDS[command]) == said


def test_what_another_command_takes_is_there_in_python_and_on_the_command_line():
    calls = {"load_runs": load_runs, "write_report": write_report}
    for call, words in _ELSEWHERE.items():
        function, _, argument = call.rstrip(")").partition("(")
        assert argument in inspect.signature(calls[function]).parameters
        _, command, option = words.strip("`").split()
        assert option in {word for one in COMMANDS[command].params for word in one.opts}


@pytest.mark.parametrize(
    ("options", "words", "named"),
    [
        ({"rule": "tolerance"}, ["--rule", "tolerance"], [("`rule`", "--rule"), ("`max", "--max")]),
        ({"maximum": {"retain_gpa": 1}}, ["--max", "retain_gpa=1"], [("`maximum`", "--max")]),
        ({"minimum": {"retain_gap": 2}}, ["--min", "retain_gap=2"], [("`minimum`", "--min")]),
        ({"weights": [1, 2, 3]}, ["--weights", "1,2,3"], [("`weights`", "--weights")]),
        ({"families": ["x"]}, ["--family", "x"], [("`families`", "--family")]),
        ({"trial_id": "x"}, ["--trial", "x"], [("`trial_id`", "--trial"), ("`step`", "--step")]),
    ],
)  # fmt: skip
def test_python_is_told_arguments_and_the_command_line_options(
    run, monkeypatch, capsys, options, words, named
):
    with pytest.raises(InputError) as caught:
        select(run.points, run.box, **options)
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", "select", str(run.directory.path), *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    for argument, option in named:
        assert argument in str(caught.value)
        assert option in said
    assert "--" not in str(caught.value)
    assert "`" not in said


def test_a_change_that_cannot_be_made_names_overrides_or_the_option(monkeypatch, capsys):
    with pytest.raises(InputError, match=r"^`overrides`: expected path=value"):
        SweepSpec.load("digits", ["budget"])
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", "sweep", "digits", "--set", "budget"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err.startswith("error: --set: expected path=value")


def test_an_error_keeps_its_kind(run, monkeypatch, capsys):
    def refuse(*_):
        raise WriteError("see to that, or choose another `out`.")

    monkeypatch.setattr("pareto_explorer.reports.write_report", refuse)
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", "report", str(run.directory.path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: see to that, or choose another --out.\n"
