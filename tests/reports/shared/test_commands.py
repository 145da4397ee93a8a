from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from pareto_explorer import load_run
from pareto_explorer.reports.shared.commands import reproduce_call, reproduce_command
from pareto_explorer.results.combining import combine_runs
from pareto_explorer.results.run import Run
from tests.synthetic import write_synthetic_run

TRIAL = "mgda-kl_heldout-0"
SHIPPED = {"method": "jacobian_descent", "aggregator": ["mgda", "cup"], "forget_loss": "kl_uniform"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return load_run(write_synthetic_run(tmp_path_factory.mktemp("commands") / "a run").path)


def naming(run: Run, task: object, *families: object) -> Run:
    spec = {"task": task, "families": list(families)}
    return replace(run, manifest=run.manifest | {"spec": spec})


@pytest.mark.parametrize(
    ("task", "family", "own"),
    [
        ({"name": "digits"}, SHIPPED, False),
        ({"name": "digits", "path": "a:b"}, SHIPPED | {"name": "a:b"}, False),
        ({"name": "mine:task"}, SHIPPED, True),
        ({"name": "digits"}, SHIPPED | {"aggregator": ["mgda", "mine:Rule"]}, True),
        ({"name": "digits"}, SHIPPED | {"forget_loss": "mine:loss"}, True),
        ({"name": "digits"}, {"method": "mine:Method"}, True),
        (None, "damaged", False),
    ],
)
def test_the_search_space_is_asked_for_where_a_run_names_code(run, task, family, own):
    given = naming(run, task, family)
    words = shlex.split(reproduce_command(given, TRIAL, 2, 40))
    point = ["--trial", TRIAL, "--replicate", "2", "--step", "40"]
    space = ["--space", "SPACE.yaml"] if own else []
    assert words == ["pareto-explorer", "reproduce", run.shown, *point, *space]
    given = "task=task, spec=spec)" if own else "task=task)"
    call = reproduce_call(naming(run, task, family), TRIAL, 2, 40)
    assert call == f"pareto_explorer.sweeps.reproduce({run.shown!r}, {TRIAL!r}, 2, 40, {given}"


def test_the_file_is_never_one_that_the_run_names(run):
    swept = replace(run, manifest=run.manifest | {"command": "pareto-explorer sweep evil.yaml"})
    assert "evil" not in reproduce_command(swept, TRIAL, 0, 20)


def test_of_several_runs_only_those_that_name_code_ask_for_it(run, tmp_path):
    other = load_run(write_synthetic_run(tmp_path / "other").path)
    both = combine_runs(
        [
            naming(run, {"name": "digits"}, SHIPPED),
            naming(other, {"name": "digits"}, {"method": "m:M"}),
        ]
    )
    one, two = both.members
    assert "--space" not in reproduce_command(both, f"{one}: {TRIAL}", 0, 20)
    assert reproduce_command(both, f"{two}: {TRIAL}", 0, 20).endswith(
        "--step 20 --space SPACE.yaml"
    )
