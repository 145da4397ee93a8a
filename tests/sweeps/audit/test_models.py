"""What models are asked, their halves and their relearning, without Ray."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from pareto_explorer.audits.records import HALVES
from pareto_explorer.sweeps.audit import models as module
from pareto_explorer.sweeps.audit.halves import first_half, half_task
from pareto_explorer.sweeps.audit.models import (
    How,
    UnlearnedPoint,
    ask,
    ask_half,
    ask_landmarks,
    ask_unlearned,
    questions,
)
from pareto_explorer.sweeps.audit.probe import SHOTS, forgotten_label, probe_accuracies
from pareto_explorer.sweeps.audit.relearning import CHECKPOINTS, given_back, relearning_curve
from pareto_explorer.sweeps.spec.families import TrialPlan, expand_families
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.tasks import train_landmark, train_model
from tests.tasks.small import small_task

BUDGET = BudgetSpec(steps=4, batch_size=8, evaluate_every=2)
HOW = How(BUDGET, "cpu", 1)


def point(step: int = 4, **family: object) -> UnlearnedPoint:
    (found,) = expand_families([{"method": "fine_tune", "lr": 0.01} | family])
    return UnlearnedPoint(TrialPlan("fine_tune-000", found, found.knobs), Replicate(0, 0, 0), step)


@pytest.fixture(scope="module")
def task():
    return small_task(epochs=4)


@pytest.fixture(scope="module")
def landmarks(task) -> dict[int, Landmarks]:
    kinds = ("original", "retrained")
    return {0: Landmarks(*(train_landmark(task, kind, 0) for kind in kinds))}


def test_margins_are_those_of_the_probabilities(task):
    model, data = train_model(task, task.train, 0), questions(task)
    said = ask(model, task, data)
    for name, samples in (("forget", task.forget), ("test", task.test)):
        p = model(samples.inputs).double().softmax(1)
        own = p.gather(1, samples.labels[:, None])[:, 0]
        expected = (own.log() - (1 - own).log()).detach().numpy()
        np.testing.assert_allclose(said[name], expected, rtol=1e-3, atol=1e-3)
        np.testing.assert_array_equal(said[f"{name}_class"], p.argmax(1).numpy())
    assert said["forget"].dtype == np.float32
    assert 0 <= said["ece"] <= 1
    assert 0 <= said["zrf"] <= 1


def test_large_sets_are_thinned_and_the_forget_set_is_not(task, monkeypatch):
    monkeypatch.setattr(module, "CONTROLS", 7)
    data = questions(task)
    assert len(data["retain"]) == len(data["test"]) == 7
    assert set(data["retain"]) <= set(task.retain_indices.tolist())
    assert data["forget"].tolist() == task.forget_indices.tolist()


def test_an_unlearned_model_is_that_of_the_sweep(task, landmarks):
    rows = {
        row["step"]: row
        for row, *_ in run_replicate(Bench(task, landmarks, "cpu"), *point()[:2], BUDGET)
    }
    for step in (2, 4):
        recorded = {name: v for name, v in rows[step].items() if isinstance(v, float)}
        again = point(step)._replace(recorded=recorded)
        asked = ask_unlearned(task, landmarks, questions(task), HOW, again, recover=True)
        assert asked["difference"] == 0.0
        assert len(asked["relearn"]) == len(CHECKPOINTS)
    other = point(2)._replace(recorded=recorded)
    said = ask_unlearned(task, landmarks, questions(task), HOW, other, recover=False)
    assert said["difference"] > 0


def test_a_model_that_diverges_says_nothing(task, landmarks):
    ruined = point(method="gradient_ascent", lr=1e30)
    assert ask_unlearned(task, landmarks, questions(task), HOW, ruined, recover=False) == {}
    assert ask_half(task, landmarks, "first", questions(task), HOW, ruined) == {}


def test_halves_are_complementary_and_keep_everything_else(task):
    parts = [half_task(task, 3, half) for half in HALVES]
    mask = first_half(len(task.forget), 3)
    for part, mine in zip(parts, (mask, ~mask), strict=True):
        assert len(part.train) == len(task.retain) + mine.sum()
        torch.testing.assert_close(part.retain.inputs, task.retain.inputs)
        torch.testing.assert_close(part.forget.inputs, task.forget.inputs[torch.as_tensor(mine)])
    assert not np.array_equal(mask, first_half(len(mask), 4))
    np.testing.assert_array_equal(mask, first_half(len(mask), 3))


def test_halves_keep_the_neighbours_of_the_forget_set():
    task = small_task({"kind": "class", "label": 1})
    assert task.adjacent is not None
    part = half_task(task, 0, "first")
    assert part.adjacent is not None
    torch.testing.assert_close(part.adjacent.inputs, task.adjacent.inputs)


def test_halves_keep_what_was_planted_in_them():
    task = small_task({"kind": "gaussian_poison", "fraction": 0.2})
    parts = [half_task(task, 0, half) for half in HALVES]
    mask = torch.as_tensor(first_half(len(task.forget), 0))
    for part, mine in zip(parts, (mask, ~mask), strict=True):
        torch.testing.assert_close(part.planted.values, task.planted.values[mine])


def test_a_half_is_asked_about_the_whole_forget_set(task, landmarks):
    original = train_landmark(half_task(task, 0, "first"), "original", 0)
    own = {0: Landmarks(original, landmarks[0].retrained)}
    for what in (None, point()):
        said = ask_half(task, own, "first", questions(task), HOW, what)
        assert said["forget"].shape == said["mask"].shape == (len(task.forget),)


def test_relearning_leaves_the_model_alone_and_repeats_itself(task):
    model, data = train_model(task, task.retain, 0), questions(task)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    curves = [relearning_curve(model, task, data, 8, seed=5) for _ in range(2)]
    np.testing.assert_array_equal(*curves)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    held_back = ~given_back(len(task.forget))
    right = ask(model, task, data)["forget_class"] == data["forget_labels"]
    assert curves[0][0] == right[held_back].mean()


def test_landmarks_are_told_apart(task, landmarks):
    said = ask_landmarks(task, landmarks, questions(task), HOW, recover=True)
    for kind, samples in (("original", task.train), ("retrained", task.retain)):
        expected = ask(train_model(task, samples, 0), task, questions(task))
        np.testing.assert_array_equal(said[kind]["forget"], expected["forget"])
        assert "relearn" in said[kind]


@pytest.mark.parametrize("label", [0, 2])
def test_a_probe_finds_a_class_whose_features_are_there(label):
    task = small_task({"kind": "class", "label": label}, epochs=8)
    models = [train_model(task, samples, 0) for samples in (task.train, task.retain)]
    before = [value.clone() for value in models[0].state_dict().values()]
    original, retrained = (probe_accuracies(model, task, 1) for model in models)
    assert forgotten_label(task) == label
    assert original.shape == retrained.shape == (len(SHOTS),)
    assert (original > 0.8).all()
    assert retrained[0] <= original[0]
    np.testing.assert_array_equal(original, probe_accuracies(models[0], task, 1))
    assert all(map(torch.equal, before, models[0].state_dict().values()))


def test_there_is_no_probe_where_no_class_is_forgotten(task):
    assert forgotten_label(task) is None
    assert probe_accuracies(train_model(task, task.train, 0), task, 0) is None


def test_a_part_of_a_class_is_probed_on_what_no_probe_is_given():
    task = small_task({"kind": "subclass", "label": 1, "parts": 2})
    model = train_model(task, task.train, 0)
    assert len(task.forget) < max(SHOTS)  # nothing is left
    assert probe_accuracies(model, task, 0) is None
    copies = task.train.take(torch.arange(len(task.train)).repeat(3))
    every = torch.cat([task.forget_indices + i * len(task.train) for i in range(3)])
    part = replace(
        task,
        train=copies,
        forget_indices=every,
        adjacent_indices=None,
    )
    found = probe_accuracies(model, part, 0)
    assert found.shape == (len(SHOTS),)
    assert (found > 0.8).all()


class HeadFirst(nn.Module):
    """A model whose head is made before the layers beneath it."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 3)
        self.body = nn.Linear(2, 6)
        self.spare = nn.Linear(4, 4)  # never called

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(inputs).relu())


def test_a_probe_is_given_what_the_logits_are_made_of():
    task = replace(small_task({"kind": "class", "label": 1}, epochs=8), model=HeadFirst)
    model = train_model(task, task.train, 0)
    assert probe_accuracies(model, task, 0).shape == (len(SHOTS),)
    assert probe_accuracies(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), task, 0) is not None
    assert (
        probe_accuracies(nn.Sequential(nn.Linear(2, 4), nn.AdaptiveAvgPool1d(3)), task, 0) is None
    )


def test_a_landmark_that_diverges_says_nothing(task, landmarks):
    ruined = {
        name: torch.full_like(v, torch.nan)
        for name, v in landmarks[0].original.items()
        if v.is_floating_point()
    }
    states = {0: Landmarks(landmarks[0].original | ruined, landmarks[0].retrained)}
    said = ask_landmarks(task, states, questions(task), HOW, recover=True)
    assert said["original"] == {}
    assert "relearn" in said["retrained"]
    assert ask_unlearned(task, states, questions(task), HOW, point(), recover=False) == {}
