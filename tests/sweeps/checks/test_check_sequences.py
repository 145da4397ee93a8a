"""What `check` says of sequences with a label per token."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.checks.data import check_data
from pareto_explorer.sweeps.checks.families import thinned
from pareto_explorer.sweeps.checks.model import check_model
from pareto_explorer.sweeps.checks.objectives import check_objectives
from pareto_explorer.tasks import Answers, Language, Samples
from tests.tasks.answers import answering_task
from tests.tasks.sequences import VOCABULARY, SmallCausal, sequence_task, sequences


class Looking(SmallCausal):
    """Sees what comes after a token too."""

    def forward(self, ids: Tensor) -> Tensor:
        logits = super().forward(ids)
        return logits + logits.mean(1, keepdim=True)


def test_sequences_are_described_without_a_finding() -> None:
    sets, findings = check_data(sequence_task())
    assert findings == []
    retain = sets[0]
    task = sequence_task()
    assert retain.labelled == float((task.retain.labels >= 0).sum(1).double().mean())
    assert retain.classes == ()


def test_a_sequence_with_two_answers_is_a_conflict() -> None:
    task = sequence_task()
    inputs, labels = task.train.inputs.clone(), task.train.labels.clone()
    inputs[20], labels[20] = inputs[19], labels[19]
    labels[20, 2] = -100
    _, findings = check_data(replace(task, train=Samples(inputs, labels)))
    assert any("comes with different labels" in finding.text for finding in findings)


def test_a_causal_model_passes_and_another_one_does_not() -> None:
    model, facts, findings = check_model(sequence_task(), "cpu")
    assert findings == []
    assert model is not None
    assert facts is not None
    assert facts.output == (8, 7, VOCABULARY)
    _, _, findings = check_model(sequence_task(model=Looking), "cpu")
    assert [finding.level for finding in findings] == ["error"]
    assert "depend on the tokens after it" in findings[0].text


def test_a_thinned_task_keeps_the_answers_of_what_is_left() -> None:
    task = sequence_task()
    sample = task.retain_indices[::2]
    retain, forget = task.train.take(sample), task.forget
    language = Language(Answers(forget, (forget,)), sample, Answers(retain, (retain,)))
    small = thinned(replace(task, language=language), 12, 2)
    assert small.language is not None
    assert small.language.forget is not None
    assert small.language.retain is not None
    assert small.language.retain_sample is not None
    assert len(small.train) < len(task.train)
    assert torch.equal(small.language.forget.right.inputs, small.forget.inputs)
    measured = small.train.take(small.language.retain_sample)
    assert len(measured) > 0
    assert torch.equal(small.language.retain.right.inputs, measured.inputs)


def test_refusals_stay_where_no_measured_sample_is_left() -> None:
    task = sequence_task()
    language = Language(retain_sample=task.retain_indices[1:2], refusals=sequences(8, 3))
    small = thinned(replace(task, language=language), 12, 2)
    assert small.language is not None
    assert small.language.refusals is not None
    assert len(small.language.refusals) == len(small.forget)


def test_an_empty_heldout_set_is_left_out() -> None:
    task = sequence_task(heldout=sequences(1, 1).take(torch.arange(0)))
    sets, findings = check_data(task)
    assert [own.name for own in sets] == ["retain", "forget", "validation", "test"]
    assert findings == []


def test_sequences_of_other_lengths_stand_beside_each_other() -> None:
    task = replace(sequence_task(), test=sequences(4, 3).trimmed())
    assert check_data(task)[1] == []


def test_an_objective_of_last_models_alone_is_a_warning() -> None:
    objectives = [
        {"metric": "rouge_retain", "direction": "max", "ideal": 1, "nadir": 0},
        {"metric": "forget_gap", "direction": "min", "ideal": 0, "nadir": 1},
    ]
    spec = SweepSpec.from_mapping(
        {"task": {"name": "mine"}, "families": [{"method": "none"}], "objectives": objectives}
    )
    (found,) = check_objectives(spec, answering_task("last"))
    assert found.level == "warning"
    assert found.text.startswith("objectives: rouge_retain is measured of the last model")
    assert check_objectives(spec, answering_task("every")) == []
