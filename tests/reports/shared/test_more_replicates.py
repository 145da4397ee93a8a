from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from pareto_explorer import run_sweep
from pareto_explorer.errors import InputError
from pareto_explorer.reports.shared.more_replicates import replicates_option
from pareto_explorer.runs import read_manifest, write_manifest
from pareto_explorer.sweeps import SweepSpec
from tests.synthetic import write_synthetic_run


def manifest(command: str = "pareto-explorer sweep digits", **seeds: list[int]) -> dict[str, Any]:
    spec = SweepSpec.load("digits").to_mapping()
    return {"command": command, "spec": spec | {"replicates": seeds}}


@pytest.mark.parametrize(
    ("training", "unlearning", "change"),
    [
        ([0, 1], [0], "replicates.training_seeds=[0,1,2,3,4,5]"),
        ([7, 1], [3], "replicates.training_seeds=[7,1,0,2,3,4]"),
        ([0, 1], [0, 1], "replicates.training_seeds=[0,1,2]"),
        ([0], [0], "replicates.training_seeds=[0,1,2,3,4,5]"),
        ([0], [0, 1, 2], "replicates.unlearning_seeds=[0,1,2,3,4,5]"),
    ],
)
def test_the_option_gives_six_replicates(
    training: list[int], unlearning: list[int], change: str
) -> None:
    run = manifest(training_seeds=training, unlearning_seeds=unlearning)
    assert shlex.split(replicates_option(run, 6)) == ["--set", change]
    both = [f"replicates={run['spec']['replicates']}".replace("'", ""), change]
    assert len(SweepSpec.load("digits", both).replicate_list()) >= 6


def test_enough_replicates_and_foreign_runs_need_no_option() -> None:
    assert replicates_option(manifest(training_seeds=[0, 1, 2], unlearning_seeds=[0, 1]), 6) == ""
    assert replicates_option({}, 6) == ""
    assert replicates_option({"spec": {"family": "method"}}, 6) == ""


def test_a_model_that_is_trained_already_gets_unlearning_seeds() -> None:
    run = manifest(training_seeds=[0], unlearning_seeds=[0]) | {"facts": {"original": "given"}}
    assert "unlearning_seeds=[0,1,2,3,4,5]" in replicates_option(run, 6)


def test_a_sweep_from_python_gets_an_argument() -> None:
    run = manifest("", training_seeds=[0, 1], unlearning_seeds=[3])
    seeds = {"training_seeds": [0, 1, 2, 3, 4, 5], "unlearning_seeds": [3]}
    assert replicates_option(run, 6) == f"replicates={seeds}"


def test_a_run_cannot_be_given_more_replicates_in_place(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run")
    before = SweepSpec.load("digits", ["replicates.training_seeds=[0,1]"])
    write_manifest(run, read_manifest(run) | {"spec": before.to_mapping()})
    after = SweepSpec.load("digits", ["replicates.training_seeds=[0,1,2,3,4,5]"])
    with pytest.raises(InputError, match=r"replicates differs.*another folder with `out`"):
        run_sweep(after, run.path)
