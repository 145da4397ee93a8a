from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import TASKS, make_task
from tests.tasks.small import small_task


def test_a_registered_task_is_built_with_its_options() -> None:
    task = make_task({"name": "digits", "forget": {"kind": "class", "label": 3}, "seed": 4})
    assert task.name == "digits"
    assert task.facts["forget"] == {"kind": "class", "label": 3}
    assert task.facts["seed"] == 4


def test_options_may_be_left_out() -> None:
    assert make_task({"name": "digits"}).facts["forget"]["kind"] == "mislabelled"


def test_every_entry_is_described() -> None:
    for name, entry in TASKS.items():
        assert name == entry.name
        assert entry.summary.endswith(".")
        assert entry.source


def test_a_task_of_the_users_own_is_imported() -> None:
    options = {"name": "tests.tasks.small:small_task", "forget": {"kind": "random"}, "seed": 3}
    task = make_task(options)
    assert task.name == "small"
    expected = small_task({"kind": "random"}, seed=3)
    assert task.forget_indices.tolist() == expected.forget_indices.tolist()
    assert options["name"] == "tests.tasks.small:small_task"


@pytest.mark.parametrize(
    "forget", [[5, 7], "forget.txt", None, {"kind": "random"}, {3: [1, 2]}, 0.1, math.inf]
)
def test_a_task_of_the_users_own_gets_its_options_as_they_are_written(forget: Any) -> None:
    options = {"name": "tests.tasks.small:anything", "forget": forget, "more": {"b": [forget]}}
    task = make_task(options)
    assert task.facts["given"] == {"forget": forget, "more": {"b": [forget]}}
    assert type(task.facts["given"]["forget"]) is type(forget)


def test_a_registered_task_takes_a_mapping_only() -> None:
    with pytest.raises(InputError, match=r"task\.forget: \[5\] is not a mapping"):
        make_task({"name": "digits", "forget": [5]})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("digits", r"^task: 'digits' is not a mapping"),
        ({}, r"^task\.name: None is not known"),
        ({"name": ["digits"]}, r"^task\.name: \['digits'\] is not known"),
        ({"name": "digit"}, r"^task\.name: 'digit' is not known; did you mean 'digits'\?"),
        ({"name": "no.such:thing"}, r"^task\.name: 'no\.such:thing' cannot be imported"),
        ({"name": "tests.tasks.small:nothing"}, r"^task\.name: .* cannot be imported"),
        ({"name": ":nothing"}, r"^task\.name: ':nothing' cannot be imported"),
        ({"name": "tests.tasks.small:N_CLASSES"}, r"^task\.name: .* is not a function"),
        ({"name": "tests.tasks.small:no_task"}, "must return an UnlearningTask"),
        ({"name": "os:system", "command": "true"}, r"^task\.name: 'os:system' .* is not called"),
        ({"name": "subprocess:run", "args": ["true"]}, r"^task\.name: .* is not called"),
        ({"name": "builtins:exec", "source": ""}, r"^task\.name: .* is not called"),
        ({"name": "pareto_explorer.runs:write_text"}, r"^task\.name: .* is not called"),
        ({"name": "torch:load", "f": "x"}, r"^task\.name: .* is not called"),
        ({"name": "tests.tasks.small:needs_size"}, r"^task\.size: is missing"),
        ({"name": "digits", "sed": 1}, r"^task: option: 'sed' .*did you mean 'seed'\?"),
        ({"name": "digits", "seed": "x"}, r"^task\.seed: 'x'"),
        ({"name": "digits", "forget": {"kind": "random", "fraction": 2}}, r"forget\.fraction: 2"),
        ({"name": "digits", "forget": {"kind": "class", "label": 12}}, r"label: 12 is no class"),
    ],
)
def test_bad_options_get_one_sentence(options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        make_task(options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "def make(): raise FileNotFoundError('data.csv')",
            r"fails \(FileNotFoundError: data.csv, ",
        ),
        ("def make(:", r"cannot be imported \(SyntaxError: "),
        ("raise SystemExit(3)", r"cannot be imported \(SystemExit: 3, "),
        ("{}['missing']", r"cannot be imported \(KeyError: 'missing', broken_task_\d.py line 1\)"),
    ],
)
def test_an_own_task_that_fails_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    name = f"broken_task_{len(code) % 10}"
    (tmp_path / f"{name}.py").write_text(code + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=message):
        make_task({"name": f"{name}:make"})


@pytest.mark.parametrize("name", ["statistics", "yaml", "sys"])
def test_a_module_whose_name_is_taken_is_told_to_be_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    importlib.import_module(name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"has no attribute 'make'\)\.$"):
        make_task({"name": f"{name}:make"})
    (tmp_path / f"{name}.py").write_text("def make(): ...\n")
    with pytest.raises(InputError, match=rf"has this name already: rename '.*{name}\.py'"):
        make_task({"name": f"{name}:make"})


def test_a_dotted_name_is_answered_with_a_colon() -> None:
    with pytest.raises(InputError, match=r"written with a colon: mine\.tasks:make"):
        make_task({"name": "mine.tasks.make"})
