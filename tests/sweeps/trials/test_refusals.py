from __future__ import annotations

from dataclasses import replace

import pytest

from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.trials.refusals import (
    known_or_any,
    refused_methods,
    refused_metrics,
)
from tests.tasks.small import small_task

POISON = {"kind": "gaussian_poison"}
CONFUSED = {"kind": "confused", "classes": [0, 1], "count": 4}


@pytest.mark.parametrize(
    ("request_", "refused"),
    [(POISON, ["confusion_error"]), (CONFUSED, ["poison_score"]), (None, None)],
)
def test_what_was_not_planted_cannot_be_an_objective(request_, refused):
    metrics = ["poison_score", "confusion_error"]
    objectives = [{"metric": m, "direction": "min", "ideal": 0, "nadir": 1} for m in metrics]
    spec = SweepSpec.model_validate(
        {"task": {"name": "digits"}, "families": [{"method": "none"}], "objectives": objectives}
    )
    found = [str(error) for error in refused_metrics(spec, small_task(request_))]
    assert len(found) == len(refused or metrics)
    for text, metric in zip(found, refused or metrics, strict=True):
        assert f"this task has no {metric}, which needs a forget request of kind" in text


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"objectives": "indistinguishable"}, "objectives"),
        (
            {"search": {"mode": "explore", "constraints": ["attack_accuracy <= 0.6"]}},
            "search.constraints",
        ),
    ],
)
def test_a_task_with_its_own_original_has_no_models_of_other_seeds(asked, where):
    spec = SweepSpec.from_mapping(
        {
            "task": {"name": "digits"},
            "families": [{"method": "none"}],
            "replicates": {"training_seeds": [0, 1, 2, 3]},
            **asked,
        }
    )
    task = small_task()
    assert list(refused_metrics(spec, task)) == []
    (refused,) = refused_metrics(spec, replace(task, original=task.model().state_dict()))
    assert str(refused).startswith(f"{where}: attack_accuracy compares the models of 4 training")
    assert "this task brings its own original, so there is one; choose another" in str(refused)


def test_a_knob_that_is_read_once_cannot_move():
    path = {"knob": "max_norm", "from": 2.0, "to": 1.0, "levels": 3}
    family = {
        "method": "jacobian_descent",
        "aggregator": "nash_mtl",
        "forget_loss": "kl_uniform",
        "path": path,
    }
    spec = SweepSpec.from_mapping({"task": {"name": "digits"}, "families": [family]})
    refused = [str(error) for _, error in refused_methods(known_or_any(spec), small_task())]
    assert set(refused) == {
        "path: 'max_norm' does not move, since neither NashMTL nor the forget loss reads an "
        "attribute of that name at every step; take another knob."
    }
