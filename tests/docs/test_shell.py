"""Every command of README and documentation exists as it is written, and those that read run."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from pareto_explorer.cli.app import app, main
from pareto_explorer.results.combining import load_runs
from pareto_explorer.sweeps import SweepSpec
from tests.docs.pages import ROOT, Block, all_blocks

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
AS_THEY_ARE = {
    "python3 -m venv .venv",
    ". .venv/bin/activate",
    "ruff check .",
    "ruff format --check .",
    "mypy",
    ".ci/run",
    "mkdocs serve",
    "mkdocs build --strict",
}


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each command of a block."""
    for line in block.text.splitlines():
        for command in line.split("&&"):
            if words := shlex.split(command, comments=True):
                yield words


@pytest.mark.parametrize("block", all_blocks("sh"), ids=str)
def test_commands_are_right(block: Block, reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in commands(block):
        check(words, monkeypatch)


def check(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if " ".join(words) in AS_THEY_ARE:
        return
    match words:
        case ["pareto-explorer", *arguments]:
            check_own(arguments, monkeypatch)
        case ["python", script, *_]:
            assert (ROOT / script).is_file()
        case ["pip", "install", "-e", what]:
            extras = re.fullmatch(r"\.(?:\[([\w,]+)\])?", what)
            assert extras, f"pip install -e {what}"
            known = PROJECT["project"]["optional-dependencies"]
            assert all(extra in known for extra in (extras[1] or "").split(",") if extra)
        case ["pytest", *arguments]:
            check_pytest(arguments)
        case ["ray", "job", "submit", *rest]:
            check(rest[rest.index("--") + 1 :], monkeypatch)
        case _:
            pytest.fail(f"nothing checks {shlex.join(words)}")


def check_own(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line takes the arguments; spaces are valid, runs are read, models chosen."""
    given = ["runs/digits" if word.startswith("RUN") else word for word in arguments]
    group = typer.main.get_command(app)
    context = group.make_context("pareto-explorer", list(given))
    if "--help" in given:
        return
    name, command, rest = group.resolve_command(context, given)
    values = command.make_context(name, rest, parent=context).params
    read: dict[str, Callable[[], object]] = {
        "sweep": lambda: SweepSpec.load(values["space"], values["overrides"] or []),
        "check": lambda: SweepSpec.load(values["space"], values["overrides"] or []),
        "report": lambda: load_runs(values["runs"], values["box"]),
        "serve": lambda: None,
        "select": lambda: run([*given, "--json"], monkeypatch),
        "list": lambda: None,
        "init": lambda: None,
        "import": lambda: None,
        "export": lambda: load_runs([values["run"]]),
        "reproduce": lambda: load_runs([values["run"]]),
        "audit": lambda: load_runs([values["run"]]),
    }
    read[name]()


def run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a command without what it would train or write."""
    if "--export" in arguments:
        at = arguments.index("--export")
        arguments = arguments[:at] + arguments[at + 2 :]
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code


def check_pytest(arguments: list[str]) -> None:
    """Files and markers exist."""
    declared = PROJECT["tool"]["pytest"]["ini_options"]["markers"]
    markers = [each.partition(":")[0] for each in declared]
    if "-m" in arguments:
        at = arguments.index("-m")
        wanted = re.findall(r"\w+", arguments[at + 1])
        assert set(wanted) <= {*markers, "not", "and", "or"}
        arguments = arguments[:at] + arguments[at + 2 :]
    if "-n" in arguments:
        at = arguments.index("-n")
        arguments = arguments[:at] + arguments[at + 2 :]
    for path in arguments:
        assert path.startswith("-") or (ROOT / path).exists()
