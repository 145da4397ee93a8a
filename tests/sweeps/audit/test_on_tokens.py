"""What models of sequences are asked in an audit, and what comes of it, without Ray."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pareto_explorer.audits.compute import Point, samples_table, statistics_table
from pareto_explorer.audits.records import DATA, HALVES, NONE, Journal, Shadow, read_shadows
from pareto_explorer.metrics import score
from pareto_explorer.runs import RunDirectory
from pareto_explorer.sweeps.audit import relearning
from pareto_explorer.sweeps.audit.halves import first_half, half_task, other_half
from pareto_explorer.sweeps.audit.models import (
    How,
    UnlearnedPoint,
    ask,
    ask_half,
    ask_landmarks,
    ask_unlearned,
    questions,
)
from pareto_explorer.sweeps.audit.probe import forgotten_label
from pareto_explorer.sweeps.audit.relearning import CHECKPOINTS, given_back, relearning_curve
from pareto_explorer.sweeps.spec.families import TrialPlan, expand_families
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.replicate import Landmarks
from pareto_explorer.tasks import restore_model, train_landmark
from pareto_explorer.tasks.core.tokens import IGNORED
from tests.tasks.answers import answering_task
from tests.tasks.sequences import sequences

HOW = How(BudgetSpec(steps=6, batch_size=8, evaluate_every=6), "cpu", 1)
SEEDS = range(4)
POINT = Point("descent-000", 6)


def unlearned(seed: int) -> UnlearnedPoint:
    (family,) = expand_families(
        [
            {
                "method": "jacobian_descent",
                "aggregator": "weighted_sum",
                "forget_loss": "negative_cross_entropy",
                "lr": 0.005,
            }
        ]
    )
    return UnlearnedPoint(
        TrialPlan(POINT.trial_id, family, family.knobs), Replicate(seed, seed, 0), POINT.step
    )


@pytest.fixture(scope="module")
def task():
    return answering_task(epochs=25)


@pytest.fixture(scope="module")
def landmarks(task) -> dict[int, Landmarks]:
    kinds = ("original", "retrained")
    return {seed: Landmarks(*(train_landmark(task, k, seed) for k in kinds)) for seed in SEEDS}


@pytest.fixture(scope="module")
def models(task, landmarks):
    data = questions(task)
    found = {DATA: data}
    for seed, states in landmarks.items():
        one = {seed: states}
        recover = seed < 2
        said = ask_landmarks(task, one, data, HOW, recover=recover)
        found |= {Shadow(kind, seed): arrays for kind, arrays in said.items()}
        found[POINT.shadow(seed)] = ask_unlearned(
            task, one, data, HOW, unlearned(seed), recover=recover
        )
        for half in HALVES:
            other = train_landmark(other_half(task, seed, half), "retrained", seed)
            for point, shadow in (
                (None, Shadow("original", seed, half=half)),
                (unlearned(seed), POINT.shadow(seed, half)),
            ):
                own = {seed: Landmarks(other, states.retrained)}
                found[shadow] = ask_half(task, own, half, data, HOW, point)
    return found


def test_margins_are_log_odds_of_the_probability_of_each_answer(task, landmarks) -> None:
    model, data = restore_model(task, landmarks[0].original, "cpu"), questions(task)
    said = ask(model, task, data)
    assert set(said) == {"forget", "retain", "test"}
    for row in range(3):
        ids, labels = task.test.inputs[row], task.test.labels[row]
        log_p = model(ids[None])[0].detach().log_softmax(1).double()
        asked = (labels != IGNORED).nonzero().squeeze(1)
        p = torch.stack([log_p[place - 1, labels[place]] for place in asked]).mean().exp()
        expected = float((p / (1 - p)).log())
        assert said["test"][row] == pytest.approx(expected, rel=1e-4)
        assert data["test_labels"][row] == len(asked)


def test_an_audit_of_sequences_gives_all_that_needs_no_classes(models) -> None:
    table = statistics_table(models, SEEDS, [POINT, Point(NONE, 0)])
    found = set(table["audit"])
    assert found == {
        "u_lira", "excess_auc", "memorisation", "leakage", "relearning", "klom", "rmia",
        "population",
    }  # fmt: skip
    values = table.set_index(["trial_id", "statistic", "set", "seeds"])["value"]
    assert values[NONE, "attack_accuracy", "forget", "all"].item() > 0.9
    assert values[NONE, "threshold_auc", "forget", "all"].item() > 0.9
    samples = samples_table(models, [POINT])
    assert samples["label"].tolist() == models[DATA]["forget_labels"].tolist()


def test_what_models_say_is_kept_and_read_again(models, tmp_path) -> None:
    run = RunDirectory(tmp_path)
    journal = Journal(run)
    for shadow, arrays in models.items():
        journal.add(shadow, arrays)
    journal.close()
    again = read_shadows(run)
    assert again.keys() == models.keys()
    for shadow, arrays in models.items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(again[shadow][name], values)


def test_relearning_counts_answers_said_exactly(task, landmarks, models) -> None:
    curve = models[Shadow("original", 0)]["relearn"]
    assert len(curve) == len(CHECKPOINTS)
    model = restore_model(task, landmarks[0].original, "cpu").eval()
    assert np.array_equal(curve, relearning_curve(model, task, questions(task), 8, 0))
    held_back = task.forget.take(torch.as_tensor(~given_back(8)).nonzero().squeeze(1))
    with torch.no_grad():
        assert curve[0] == score(model, held_back, task).exact
    assert forgotten_label(task) is None


def test_a_model_that_diverges_while_it_relearns_says_nothing_exactly(
    task, landmarks, monkeypatch
) -> None:
    monkeypatch.setattr(relearning, "_LR", 1e30)
    model = restore_model(task, landmarks[0].original, "cpu").eval()
    assert relearning_curve(model, task, questions(task), 8, 0)[1:].tolist() == [0, 0, 0]


def test_halves_keep_refusals_and_the_retained_sample(task) -> None:
    language = replace(task.language, refusals=sequences(8, 50))
    whole = replace(task, language=language)
    mask = torch.as_tensor(first_half(8, 3))
    half = half_task(whole, 3, "first")
    assert torch.equal(half.language.refusals.inputs, language.refusals.inputs[mask])
    kept, before = half.language.retain_sample, language.retain_sample
    assert torch.equal(half.train.inputs[kept], whole.train.inputs[before])
    other = other_half(whole, 3, "first")
    assert torch.equal(other.language.refusals.inputs, language.refusals.inputs[~mask])
    assert torch.equal(other.language.retain_sample, before)
