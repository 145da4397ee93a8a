"""Labels per token: what is asked, its losses, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import CrossEntropyLoss, functional

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.trials.given_task import digest_of
from pareto_explorer.tasks import IGNORED, Answers, Language, Samples
from pareto_explorer.tasks.core.tokens import asked, cross_entropy, per_sample
from tests.tasks.sequences import VOCABULARY, SmallCausal, sequence_task, sequences
from tests.tasks.small import small_task


def logits_of(samples: Samples, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(*samples.inputs.shape, VOCABULARY, generator=draw, dtype=torch.float64)


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_is_that_of_shifted_tensors(seed: int) -> None:
    samples = sequences(5, seed)
    logits = logits_of(samples, seed).requires_grad_()
    expected = CrossEntropyLoss(ignore_index=IGNORED)(
        logits[:, :-1].reshape(-1, VOCABULARY), samples.labels[:, 1:].reshape(-1)
    )
    found = cross_entropy(logits, samples.labels)
    torch.testing.assert_close(found, expected)
    own, other = (torch.autograd.grad(loss, logits)[0] for loss in (found, expected))
    torch.testing.assert_close(own, other)


def test_the_loss_of_a_sequence_is_the_mean_over_its_tokens() -> None:
    samples = sequences(6, 1)
    logits = logits_of(samples)
    found = per_sample(logits, samples.labels)
    for row in range(6):
        one = cross_entropy(logits[row : row + 1], samples.labels[row : row + 1])
        torch.testing.assert_close(found[row], one)


def test_one_label_each_goes_through_untouched() -> None:
    logits, labels = torch.randn(4, 3), torch.tensor([0, 2, 1, 1])
    found = asked(logits, labels)
    assert found.logits is logits
    assert found.labels is labels
    assert found.row.tolist() == [0, 1, 2, 3]
    assert torch.equal(cross_entropy(logits, labels), functional.cross_entropy(logits, labels))
    expected = functional.cross_entropy(logits, labels, reduction="none")
    assert torch.equal(per_sample(logits, labels), expected)


@settings(max_examples=30, deadline=None)
@given(columns=st.integers(1, 5), seed=st.integers(0, 9))
def test_padding_on_the_right_changes_nothing(columns: int, seed: int) -> None:
    torch.manual_seed(seed)
    model, samples = SmallCausal().double(), sequences(4, seed)
    more = Samples(
        functional.pad(samples.inputs, (0, columns)),
        functional.pad(samples.labels, (0, columns), value=IGNORED),
    )
    losses = [per_sample(model(part.inputs), part.labels) for part in (samples, more)]
    torch.testing.assert_close(*losses)
    assert torch.equal(more.trimmed().inputs, samples.trimmed().inputs)
    trimmed = samples.trimmed()
    torch.testing.assert_close(per_sample(model(trimmed.inputs), trimmed.labels), losses[0])


def test_trimming_keeps_every_label() -> None:
    samples = sequences(3, 2)
    trimmed = samples.trimmed()
    assert (trimmed.labels != IGNORED).sum() == (samples.labels != IGNORED).sum()
    assert bool((trimmed.labels[:, -1] != IGNORED).any())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: Samples(s.inputs, torch.full_like(s.labels, IGNORED)), "no label after"),
        (lambda s: Samples(s.inputs, s.labels.clamp(max=3)), "a label is the token at its own"),
        (lambda s: Samples(s.inputs + VOCABULARY, s.labels), "outside the vocabulary of 16"),
    ],
)
def test_sequences_that_ask_for_nothing_sensible_are_refused(change, told: str) -> None:
    task = sequence_task()
    with pytest.raises(InputError, match=told) as caught:
        replace(task, test=change(task.test))
    assert str(caught.value).startswith("test: ")


def test_labels_fit_the_inputs() -> None:
    with pytest.raises(InputError, match="give token ids of the same shape"):
        Samples(torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 4, dtype=torch.int64))
    with pytest.raises(InputError, match="give token ids of the same shape"):
        Samples(torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.int64))


def test_sets_have_labels_of_one_kind() -> None:
    plain = Samples(torch.zeros(3, 7, dtype=torch.int64), torch.tensor([0, 1, 2]))
    with pytest.raises(InputError, match=r"^test: its samples have a label each"):
        replace(sequence_task(), test=plain)


def test_the_parts_of_language_fit_the_task() -> None:
    right = sequences(8, 4)
    language = Language(forget=Answers(right, (sequences(8, 5),)), refusals=sequences(8, 6))
    task = sequence_task(language=language)
    assert task.to("cpu").language is not None


def known(first: int, second: int, name: str = "world_facts") -> Language:
    return Language(knowledge={name: Answers(sequences(first, 1), (sequences(second, 2),))})


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            Language(forget=Answers(sequences(8, 4), (sequences(7, 5),))),
            "language.forget.wrong: 7 rows do not match 8",
        ),
        (Language(refusals=sequences(5, 5)), "language.refusals: 5 rows do not match 8"),
        (
            Language(refusals=Samples(torch.zeros(8, 3).long(), torch.zeros(8).long())),
            "language.refusals: it has no sequences with a label per token",
        ),
        (known(4, 3), "language.world_facts.wrong: 3 rows do not match 4"),
        (known(4, 4, "forget"), "language.knowledge: 'forget' names another part"),
        (
            Language(retain=Answers(sequences(5, 1), ())),
            "language.retain.right: 5 rows do not match 24",
        ),
        (
            Language(retain_sample=torch.tensor([9, 999])),
            "language.retain_sample: 999 is no retained sample",
        ),
        (
            Language(retain_sample=torch.tensor([9, 3])),
            "language.retain_sample: 3 is no retained sample",
        ),
        (Language(retain_sample=torch.tensor([9, 9])), "language.retain_sample: it is empty or"),
        (
            Language(compressed={"forget": torch.ones(3)}),
            "language.compressed.forget: 3 rows do not match 8",
        ),
        (Language(compressed={"train": torch.ones(3)}), "language.compressed: set: 'train'"),
    ],
)
def test_parts_of_language_that_do_not_fit_are_refused(language: Language, told: str) -> None:
    with pytest.raises(InputError) as caught:
        sequence_task(language=language)
    assert str(caught.value).startswith(told)


def test_a_task_of_classes_has_no_language() -> None:
    with pytest.raises(InputError, match=r"^language: the labels are classes"):
        replace(small_task(), language=Language())


def test_other_answers_make_another_task() -> None:
    def digest(seed: int) -> str:
        answers = Answers(sequences(8, 4), (sequences(8, seed),))
        return digest_of(sequence_task(language=Language(forget=answers)))

    assert digest(5) == digest(5) != digest(6)


def test_another_retained_sample_makes_another_task() -> None:
    one, other = (
        digest_of(sequence_task(language=Language(retain_sample=torch.tensor(rows))))
        for rows in ([9, 12], [9, 13])
    )
    assert one != other
