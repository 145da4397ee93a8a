"""``pareto-explorer init``: what it writes for every task and question, asks and refuses."""

from __future__ import annotations

import io
import sys
from functools import cache

import pytest
from typer.testing import CliRunner

from pareto_explorer.cli.app import app, main
from pareto_explorer.cli.questions import QUESTIONS, written_space
from pareto_explorer.errors import InputError
from pareto_explorer.sweeps import SweepSpec, check
from pareto_explorer.sweeps.trials.refusals import (
    refused_methods,
    refused_metrics,
    representatives,
)
from pareto_explorer.tasks import TASKS, UnlearningTask, make_task
from pareto_explorer.trust.files import parse_yaml
from tests.docs.test_yaml import _check_task as check_task

OWN = "mine:task"
ON_DISK = ("tofu", "corpus")
SMALL = {"textures": {"train_size": 400, "model": {"name": "resnet18", "width": 2}}}


def spec_of(task: str, question: str) -> SweepSpec:
    return SweepSpec.from_mapping(
        parse_yaml(written_space(task, question, "mine.yaml"), "mine.yaml")
    )


@cache
def built(task: str, forget: str) -> UnlearningTask:
    return make_task({"name": task, "forget": parse_yaml(forget, ""), **SMALL.get(task, {})})


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("task", [*TASKS, OWN])
def test_what_is_written_for_a_task_and_a_question_is_a_search_space(task, question) -> None:
    spec = spec_of(task, question)
    text = written_space(task, question, "mine.yaml")
    assert text.startswith(f"# {QUESTIONS[question].text}\n")
    assert "pareto-explorer check mine.yaml\n" in text
    assert max(map(len, text.splitlines())) <= 100
    assert len(spec.family_list()) >= 4
    assert spec.resources.gpu == 0
    if task == OWN:
        assert spec.task == {"name": OWN}
    elif task not in ON_DISK:
        check_task(spec.task)
    steps = {family.within(spec.budget).steps for family in spec.family_list()}
    assert steps == ({330, 66} if question == "one-run" else {spec.budget.steps})
    sizes = {len(spec.replicate_list())}
    assert sizes <= {3, 6}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("task", ["digits", "text", "authors", "textures"])
def test_the_task_has_what_the_question_needs(task, question) -> None:
    """What ``check`` asks before it runs a step: of metrics, methods, losses, forget requests."""
    spec = spec_of(task, question)
    own = built(task, str(spec.task["forget"]))
    assert list(refused_metrics(spec, own)) == []
    assert list(refused_methods(representatives(spec.family_list()), own)) == []


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_check_finds_nothing(question, tmp_path) -> None:
    found = check(spec_of("digits", question), cache_dir=tmp_path)
    assert [*found.errors, *found.warnings] == []
    assert not any(family.failed for family in found.families)


def command(*arguments: str):
    return CliRunner().invoke(app, ["init", *arguments], catch_exceptions=False)


def test_options_are_enough_and_the_next_command_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("mine", "--task", "digits", "--question", "baselines")
    assert done.exit_code == 0
    assert done.stdout == "search space: mine.yaml\nnext: pareto-explorer check mine.yaml\n"
    SweepSpec.load("mine.yaml")
    command("--task", "package.module:task", "--question", "best-front")
    assert (tmp_path / "task_best_front.yaml").exists()
    command("other.yml", "--task", "text", "--question", "one-run")
    assert (tmp_path / "other.yml").exists()


def test_a_file_that_exists_is_left_alone(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    with pytest.raises(InputError, match=r"^NAME: '.*mine\.yaml' exists and is left as it is"):
        command(str(path), "--task", "digits", "--question", "baselines")
    assert path.read_text() == "mine"


def test_commands_are_quoted_for_the_shell(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("my space", "--task", "digits", "--question", "baselines")
    assert done.stdout.endswith("next: pareto-explorer check 'my space.yaml'\n")
    assert "#   pareto-explorer sweep 'my space.yaml'\n" in (tmp_path / "my space.yaml").read_text()


@pytest.mark.parametrize("name", ["", ".", "/", "a\nb: c", "nowhere/mine", "x" * 300])
def test_what_cannot_be_the_name_of_the_file_is_refused(name, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^NAME: '.*give another"):
        command(name, "--task", "digits", "--question", "baselines")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--task: is missing, and nobody can be asked for it here; give one of digits, "),
        (
            ["--task", "digits"],
            "--question: is missing, and nobody can be asked for it here; give ",
        ),
        (["--task", "digit"], "--task: 'digit' is not known; did you mean 'digits'?"),
        (["--task", OWN, "--question", "base"], "--question: 'base' is not known; did you mean "),
    ],
)
def test_what_is_missing_or_unknown_is_named_by_its_option(
    arguments, said, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as told:
        command(*arguments)
    assert str(told.value).startswith(said)
    assert list(tmp_path.iterdir()) == []


def test_at_a_terminal_it_asks_until_the_answer_is_one(tmp_path, monkeypatch, capsys) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", Terminal("nothing\n99\n1\nbaselines\n"))
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", "init"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    shown = capsys.readouterr().out
    assert shown.count("is none of them") == 2
    assert " 1  digits: 1,797 handwritten digits" in shown
    assert "search space: digits_baselines.yaml\n" in shown
    SweepSpec.load("digits_baselines.yaml")


def test_the_help_names_every_question() -> None:
    (question,) = (
        option.help
        for option in __import__("typer").main.get_command(app).commands["init"].params
        if option.name == "question"
    )
    assert all(name in question for name in QUESTIONS)
