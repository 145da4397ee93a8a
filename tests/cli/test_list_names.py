"""``pareto-explorer list``: lines, one name explained, JSON."""

from __future__ import annotations

import json
import sys

import pytest
from typer.testing import CliRunner

from pareto_explorer.cli.app import app, main
from pareto_explorer.cli.catalogue import KINDS, catalogue
from pareto_explorer.sweeps import SweepSpec, find_space
from pareto_explorer.tasks import parse_model, parse_recipe
from pareto_explorer.tasks.core.recipes import Recipe
from pareto_explorer.trust.files import parse_yaml
from tests.cli.on_a_terminal import on_a_terminal, widest
from tests.docs.conftest import SPACE
from tests.docs.test_yaml import _check_task as check_task

EVERYTHING = [(kind, one) for kind, each in catalogue().items() for one in each]


def listed(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["list", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_no_name_is_a_kind() -> None:
    assert not {one.name for _, one in EVERYTHING} & set(KINDS)


@pytest.mark.parametrize(
    ("kind", "entry"), EVERYTHING, ids=[f"{kind}-{one.name}" for kind, one in EVERYTHING]
)
def test_the_example_of_every_name_is_part_of_a_valid_search_space(kind, entry) -> None:
    """As it stands: names, knobs, domains, the task's options and its forget request."""
    if kind == "search-spaces":
        *words, name = entry.example.split()
        assert words == ["pareto-explorer", "sweep"]
        find_space(name)
        return
    content = parse_yaml(entry.example, "example")
    assert entry.name in entry.example
    spec = SweepSpec.from_mapping({**SPACE, **content})
    if entry.name in ("tofu", "corpus") and kind == "tasks":
        spec.task.pop("model")  # of a pretrained model, which is not here
    if kind == "models":
        parse_model(spec.task["model"])
    if kind == "recipes":
        parse_recipe(spec.task["recipe"], Recipe())
    check_task(spec.task) if "root" not in spec.task else None
    for family in spec.family_list():
        for knob, domain in entry.facts.get("sweep", {}).items():
            assert {family.domains[knob].kind: list(family.domains[knob].arguments)} == domain


@pytest.mark.parametrize("kind", KINDS)
def test_a_pipe_gets_one_line_for_each_thing(kind) -> None:
    lines = listed(kind).splitlines()
    assert lines[0].startswith(f"{kind.replace('-', ' ')} ─")
    expected = sum(2 + len(one.lines) for each, one in EVERYTHING if each == kind)
    assert len(lines) == 1 + expected
    assert all(line == line.rstrip() for line in lines)


def test_one_name_is_explained_in_all_that_it_means() -> None:
    text = listed("cup")
    assert text.index("cup (aggregator)\n") < text.index("cup (preset)\n")
    for line in (
        "  source: CUP, Hwang and Lim, arXiv 2510.19226\n",
        "  intensity: 0.5; sweep: {uniform: [0.01, 0.99]}\n    pivot in the dual cone: ",
        "  in a search space:\n    families:\n      - method: jacobian_descent\n",
        "      - preset: cup\n",
    ):
        assert line in text


@pytest.mark.parametrize("name", ["retain_gap", "digits", "tofu", "published", "null_space"])
def test_what_is_known_of_a_name_is_told(name) -> None:
    entries = [one for _, one in EVERYTHING if one.name == name]
    if not entries:
        with pytest.raises(Exception, match="is no name"):
            listed(name)
        return
    text = listed(name)
    for entry in entries:
        assert entry.summary in text
        assert entry.source in text
        assert all(f"    {line}\n" in text for line in entry.example.splitlines())


def test_a_name_that_nothing_has_ends_with_a_suggestion(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", "list", "upgard"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "error: list: 'upgard' is no name and no kind of names; did you mean 'up"
    )
    assert len(said.splitlines()) == 1


def test_json_has_the_same_keys_for_all_names() -> None:
    keys = {"name", "summary", "source", "knobs", "facts", "example"}
    everything = json.loads(listed("--json"), parse_constant=pytest.fail)
    assert list(everything) == list(KINDS)
    assert {frozenset(one) for each in everything.values() for one in each} == {frozenset(keys)}
    assert json.loads(listed("metrics", "--json")) == {"metrics": everything["metrics"]}
    one = json.loads(listed("cup", "--json"))
    assert list(one) == ["aggregators", "presets"]
    (cup,) = one["aggregators"]
    assert cup["knobs"] == [
        {
            "name": "intensity",
            "default": 0.5,
            "domain": {"uniform": [0.01, 0.99]},
            "meaning": "pivot in the dual cone: 0 retains only, 1 forgets only",
        }
    ]
    for knob in (knob for each in everything.values() for one in each for knob in one["knobs"]):
        assert knob.keys() <= {"name", "default", "domain", "required", "meaning"}
        assert ("default" in knob) != ("required" in knob)


@pytest.mark.parametrize("arguments", [(), ("hamu_q",), ("corpus",), ("digits",)])
def test_a_terminal_of_80_columns_is_enough(monkeypatch, capsys, arguments) -> None:
    on_a_terminal(monkeypatch, 80)
    monkeypatch.setattr(sys, "argv", ["pareto-explorer", "list", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert widest(capsys.readouterr().out) <= 80
