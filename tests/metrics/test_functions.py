"""Of classes, the rows of `schema.METRICS` say the truth about the functions that compute them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from pareto_explorer.metrics import evaluator_of
from pareto_explorer.metrics.functions import ACROSS_SEEDS, OWN, TO_ORIGINAL, TO_RETRAINED
from pareto_explorer.schema import METRICS as ALL
from pareto_explorer.schema import as_measured
from pareto_explorer.tasks import Mislabelled, Samples, UnlearningTask, WholeClass
from tests.tasks.small import SmallNet, small_task

METRICS = {name: row for name in ALL if (row := as_measured(name, tokens=False))}
"""Those of classes."""

PLANTING = {
    "gaussian_poison": {"kind": "gaussian_poison", "fraction": 0.2},
    "confused": {"kind": "confused", "classes": [0, 2], "count": 20},
}
"""A request of every kind that plants something."""


def nets() -> list[nn.Module]:
    found = []
    for seed in range(3):
        torch.manual_seed(seed)
        found.append(SmallNet())
    return found


def forgetting(name: str) -> UnlearningTask:
    """A task that has the metric."""
    request = METRICS[name].request
    return small_task({"": Mislabelled(fraction=0.2), **PLANTING}[request])


def measured(task: UnlearningTask) -> dict[str, float]:
    """The metrics of one untrained net, two others being the landmarks."""
    original, retrained, model = nets()
    return evaluator_of(task, original, retrained)(model)


def test_every_row_has_a_function_and_every_function_a_row() -> None:
    names = [*OWN, *TO_ORIGINAL, *TO_RETRAINED, *ACROSS_SEEDS]
    assert len(names) == len(set(names))
    assert set(names) == set(METRICS)
    assert {*TO_RETRAINED, *ACROSS_SEEDS} == {n for n, m in METRICS.items() if m.needs_retrained}
    assert set(ACROSS_SEEDS) == {n for n, metric in METRICS.items() if metric.least_seeds > 1}
    assert {part for metric in METRICS.values() for part in metric.over} <= set(OWN)


def test_what_needs_an_adjacent_set_is_there_with_one_only() -> None:
    with_one = measured(small_task(WholeClass(label=1, adjacent=2)))
    without = measured(small_task(Mislabelled(fraction=0.2)))
    lacking = [name for name in with_one if name not in without]
    assert list(with_one) == [
        name for name, metric in METRICS.items() if not metric.request and metric.least_seeds == 1
    ]
    assert lacking == [name for name, metric in METRICS.items() if metric.needs_adjacent]


@pytest.mark.parametrize("kind", PLANTING)
def test_the_trace_of_what_was_planted_is_measured_where_it_was(kind: str) -> None:
    planted = measured(small_task(PLANTING[kind]))
    lacking = planted.keys() - measured(forgetting("forget_gap")).keys()
    assert lacking == {name for name, metric in METRICS.items() if metric.request == kind}


@pytest.mark.parametrize("request_", [Mislabelled(fraction=0.2), *PLANTING.values()])
def test_only_what_says_so_reads_the_test_set(request_: Any) -> None:
    task = small_task(request_)
    classes = task.n_classes
    other = replace(task, test=Samples(-task.test.inputs, (task.test.labels + 1) % classes))
    before, after = measured(task), measured(other)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if METRICS[name].reads_test}


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.twin])
def test_a_twin_is_the_metric_itself_with_the_validation_set_as_test_set(name: str) -> None:
    task = forgetting(name)
    found = measured(replace(task, test=task.validation))
    assert found[name] == found[METRICS[name].twin]


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.over])
def test_a_gap_is_the_mean_distance_over_its_parts(name: str) -> None:
    task = small_task(Mislabelled(fraction=0.2))
    original, retrained, model = nets()
    evaluator = evaluator_of(task, original, retrained)
    mine, target = evaluator(model), evaluator.retrained
    distances = [abs(mine[part] - target[part]) for part in METRICS[name].over]
    assert mine[name] == pytest.approx(sum(distances) / len(distances))
