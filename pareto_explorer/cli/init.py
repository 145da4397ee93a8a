"""``pareto-explorer init``: a search space for a task and a question, to be read and changed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.terminal import Terminal, say

__all__ = ["init"]


def init(
    name: Annotated[
        Path | None,
        typer.Argument(
            help="The file to write; .yaml is added.",
            show_default="TASK_QUESTION.yaml",
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="A registered task, or module:function of your own.", show_default="asks for it"
        ),
    ] = None,
    question: Annotated[
        str | None,
        typer.Option(
            help="aggregators, forget-losses, baselines, best-front, one-run, indistinguishable or "
            "without-retraining.",
            show_default="asks for it",
        ),
    ] = None,
) -> None:
    """Write a search space with comments, for a task and a question.

    At a terminal it asks for what is not given. A file that exists is left alone.
    """
    from pareto_explorer.cli.catalogue import catalogue
    from pareto_explorer.cli.questions import QUESTIONS, written_space

    tasks = {one.name: one.summary for one in catalogue(["tasks"])["tasks"]}
    questions = {key: one.text for key, one in QUESTIONS.items()}
    if task is None:
        task = _asked("task", tasks, "A name, its number, or module:function of your own")
    if task not in tasks and ":" not in task:
        raise unknown("`task`", task, tasks)
    if question is None:
        question = _asked("question", questions, "A name or its number")
    if question not in questions:
        raise unknown("`question`", question, questions)
    path = name or Path(f"{task.rpartition(':')[2]}_{question.replace('-', '_')}")
    if not path.name or not str(path).isprintable():
        raise InputError(f"`name`: {str(path)!r} is no name of a file; give another one.")
    if path.suffix not in (".yaml", ".yml"):
        path = path.with_name(f"{path.name}.yaml")
    text = written_space(task, question, quote(str(path)))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(
            f"`name`: {str(path)!r} exists and is left as it is; give another name."
        ) from None
    except OSError as error:
        raise InputError(
            f"`name`: {str(path)!r} cannot be written ({error.strerror}); give another name, in a "
            "folder that exists."
        ) from None
    say(f"search space: {path}")
    say(f"next: pareto-explorer check {quote(str(path))}")


def _asked(what: str, choices: Mapping[str, str], how: str) -> str:
    """What the user answers, a number read as the name that has it.

    Raises:
        InputError: There is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise InputError(
            f"`{what}`: is missing, and nobody can be asked for it here; give one of "
            f"{', '.join(choices)}."
        )
    console = Terminal()
    for number, (name, about) in enumerate(choices.items(), 1):
        console.tell(f"{number:>2}  {name}: {about}")
    names = list(choices)
    while True:
        answer = typer.prompt(f"{how} ({what})").strip()
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        if answer in choices or (what == "task" and ":" in answer):
            return answer
        say(f"{answer!r} is none of them")
