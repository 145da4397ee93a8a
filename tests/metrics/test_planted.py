"""The metrics of requests that plant something, against their exact nulls and a direct count."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from pareto_explorer.metrics import evaluator_of
from pareto_explorer.tasks import GaussianNoise, Samples, UnlearningTask, task_from, train_model
from tests.tasks.small import SmallNet, small_task

POISON = {"kind": "gaussian_poison", "fraction": 0.5, "noise": 2.0}
CONFUSED = {"kind": "confused", "classes": [0, 2], "count": 40}


def memorising() -> nn.Module:
    return nn.Sequential(nn.Linear(30, 100), nn.ReLU(), nn.Linear(100, 2))


@pytest.fixture(scope="module")
def poisoned() -> tuple[UnlearningTask, nn.Module, nn.Module]:
    """Samples of labels that only memory can give, half of them with noise."""
    draws = torch.Generator().manual_seed(0)
    inputs, labels = torch.randn(300, 30, generator=draws), torch.arange(300) % 2
    data = Samples(inputs, labels)
    task = task_from(
        "memory",
        train=data.take(torch.arange(200)),
        test=data.take(torch.arange(200, 300)),
        forget={"kind": "gaussian_poison", "fraction": 0.5, "noise": 1.0},
        model=memorising,
        recipe={"epochs": 30, "batch_size": 32},
    )
    return task, train_model(task, task.train, 0), train_model(task, task.retain, 0)


def test_without_memory_scores_are_standard_normal_and_with_it_they_are_not(poisoned):
    task, original, retrained = poisoned
    evaluator = evaluator_of(task, original, retrained)
    assert evaluator.retrained is not None
    n = len(task.forget_indices)
    assert abs(evaluator.retrained["poison_score"]) < 3 / math.sqrt(n)
    assert abs(evaluator.retrained["poison_auc"] - 0.5) < 3 / math.sqrt(12 * n)
    assert evaluator.original["poison_score"] > 5 / math.sqrt(n)
    assert evaluator.original["poison_auc"] > 0.5 + 5 / math.sqrt(12 * n)


def test_any_model_is_at_the_null_for_noise_that_it_did_not_see():
    """Over 200 draws of noise the score has the mean 0 and the standard error that are claimed."""
    torch.manual_seed(0)
    model, task = SmallNet(), small_task(POISON)
    clean = task.forget.inputs - task.planted.values
    scores = []
    for seed in range(200):
        noise = 2 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
        inputs = task.train.inputs.clone()
        inputs[task.forget_indices] = clean + noise
        train = replace(task.train, inputs=inputs)
        fresh = replace(task, train=train, planted=GaussianNoise(noise, 2.0))
        scores.append(_slope_score(fresh, model))
    found = torch.tensor(scores) * math.sqrt(len(clean))
    assert abs(float(found.mean())) < 3 / math.sqrt(200)
    assert float(found.std()) == pytest.approx(1, abs=0.15)  # 3 standard errors


def _slope_score(task: UnlearningTask, model: nn.Module) -> float:
    return evaluator_of(task, model, None).original["poison_score"]


def test_a_score_is_the_formula():
    torch.manual_seed(0)
    model, task = SmallNet(), small_task(POISON)
    found = evaluator_of(task, model, None).original
    model.eval()
    scores = []
    for x, xi, y in zip(task.forget.inputs, task.planted.values, task.forget.labels, strict=True):
        clean = (x - xi).requires_grad_()
        loss = nn.functional.cross_entropy(model(clean[None]), y[None])
        (slope,) = torch.autograd.grad(loss, clean)
        flat = float(slope.norm()) == 0  # where no unit of the net is active
        scores.append(0.0 if flat else float(-(xi @ slope) / (2.0 * slope.norm())))
    assert found["poison_score"] == pytest.approx(sum(scores) / len(scores), abs=1e-5)
    below = [0.5 * (1 + math.erf(score / math.sqrt(2))) for score in scores]
    assert found["poison_auc"] == pytest.approx(sum(below) / len(below), abs=1e-5)


def test_the_model_is_left_as_it_was_found():
    model, task = SmallNet(), small_task(POISON)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluator_of(task, model, None)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training


def test_confusion_is_counted():
    torch.manual_seed(0)
    model, task = SmallNet(), small_task(CONFUSED)
    found = evaluator_of(task, model, None).original
    model.eval()
    sets = {"": task.test, "validation_": task.validation, "retain_": task.retain}
    for prefix, samples in sets.items():
        predicted = model(samples.inputs).argmax(1).tolist()
        pairs = list(zip(samples.labels.tolist(), predicted, strict=True))
        both = [pair for pair in pairs if pair[0] in (0, 2)]
        errors = sum(label != guess for label, guess in both) / len(both)
        assert found[f"{prefix}confusion_error"] == pytest.approx(errors)
        assert found[f"{prefix}confusion_swaps"] == pairs.count((0, 2)) + pairs.count((2, 0))


def test_confusion_without_a_sample_of_the_two_classes_is_not_measured():
    task = small_task(CONFUSED)
    only = (task.validation.labels == 1).nonzero().squeeze(1)
    found = evaluator_of(replace(task, validation=task.validation.take(only)), SmallNet(), None)
    assert math.isnan(found.original["validation_confusion_error"])
    assert found.original["confusion_error"] >= 0
