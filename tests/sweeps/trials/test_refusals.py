from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from pareto_explorer.metrics import generation
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.trials.refusals import (
    known_or_any,
    refused_methods,
    refused_metrics,
)
from tests.tasks.answers import answering_task
from tests.tasks.sequences import sequence_task
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


@pytest.mark.parametrize(
    ("task", "asked", "said"),
    [
        (
            sequence_task(),
            {"objectives": "tofu"},
            "objectives.0.metric: this task has no truth_distance, which needs right and wrong "
            "answers to the questions of the forget set; choose another metric or task.",
        ),
        (
            small_task(),
            {"objectives": "tofu"},
            "objectives.0.metric: this task has no truth_distance, which needs sequences with a "
            "label per token; choose another metric or task.",
        ),
        (
            sequence_task(),
            {"search": {"mode": "explore", "constraints": ["js_divergence <= 0.1"]}},
            "search.constraints: this task has no js_divergence, which needs one label per sample; "
            "choose another metric or task.",
        ),
    ],
)
def test_what_is_not_measured_on_a_kind_of_task_is_refused(task, asked, said):
    spec = SweepSpec.from_mapping(
        {"task": {"name": "digits"}, "families": [{"method": "none"}], **asked}
    )
    assert str(next(iter(refused_metrics(spec, task)))) == said
    assert list(refused_metrics(spec, answering_task())) == [] or "js" in said


def test_answers_that_cannot_be_compared_are_refused_before_anything_is_trained(monkeypatch):
    spec = SweepSpec.from_mapping({"task": {"name": "digits"}, "families": [{"method": "none"}]})
    monkeypatch.setitem(sys.modules, "rouge_score", None)
    generation._rouge.cache_clear()
    assert list(refused_metrics(spec, answering_task("never"))) == []
    (refused,) = refused_metrics(spec, answering_task("every"))
    generation._rouge.cache_clear()
    assert "install pareto-explorer[language]" in str(refused)


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
