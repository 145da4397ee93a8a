"""Sequences from what tokenizers make."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import IGNORED, samples_from, task_from
from pareto_explorer.tasks.data.tokenised import sequences_from
from tests.tasks.sequences import VOCABULARY, SmallCausal, sequences


def test_items_are_padded_on_the_right() -> None:
    found = sequences_from(
        [
            {"input_ids": [5, 6, 7], "labels": [IGNORED, 6, 7]},
            {"input_ids": np.array([8, 9]), "attention_mask": [1, 1]},
        ]
    )
    assert found.inputs.tolist() == [[5, 6, 7], [8, 9, 0]]
    assert found.labels.tolist() == [[IGNORED, 6, 7], [IGNORED, 9, IGNORED]]


def test_padding_on_either_side_is_left_out() -> None:
    columns = {
        "input_ids": torch.tensor([[0, 0, 3, 4], [5, 6, 7, 0]]),
        "attention_mask": torch.tensor([[0, 0, 1, 1], [1, 1, 1, 0]]),
        "labels": torch.tensor([[IGNORED, IGNORED, IGNORED, 4], [IGNORED, 6, 7, IGNORED]]),
    }
    found = sequences_from(columns)
    assert found.inputs.tolist() == [[3, 4, 0], [5, 6, 7]]
    assert found.labels.tolist() == [[IGNORED, 4, IGNORED], [IGNORED, 6, 7]]


def test_an_inner_token_that_is_also_the_padding_stays() -> None:
    found = sequences_from([{"input_ids": [4, 0, 5, 0], "attention_mask": [1, 1, 1, 1]}])
    assert found.inputs.tolist() == [[4, 0, 5, 0]]
    assert found.labels.tolist() == [[IGNORED, 0, 5, 0]]


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([{"input_ids": [1, 2], "labels": [1]}], "sample 0 has 2 input_ids and 1 labels"),
        ([{"input_ids": [1.5, 2.5]}], "sample 0 are no sequence of integers"),
        ([{"input_ids": [1, 2]}, {"ids": [1]}], "sample 1 has no input_ids"),
        ([{"input_ids": []}], "sample 0 are no sequence"),
        ({"input_ids": [[1, 2]], "labels": []}, "its columns differ in length"),
        ([{"input_ids": "abc"}], "sample 0 are no sequence"),
        ({"input_ids": None}, "its column input_ids is a NoneType"),
        ({"input_ids": 5}, "its column input_ids is a int"),
        ([{"input_ids": [1, 2], "attention_mask": [0, 0]}], "sample 0 has nothing but padding"),
        ([{"input_ids": [1, -2]}], "sample 0 has the token -2"),
    ],
)
def test_what_is_no_sequence_is_refused(items, told: str) -> None:
    with pytest.raises(InputError, match=told):
        sequences_from(items)


def items(n: int, seed: int) -> list[dict[str, list[int]]]:
    own = sequences(n, seed)
    return [
        {"input_ids": ids.tolist(), "labels": labels.tolist()}
        for ids, labels in zip(own.inputs, own.labels, strict=True)
    ]


def test_a_data_set_of_items_becomes_the_same_samples() -> None:
    found, expected = samples_from(items(9, 0)), sequences(9, 0)
    assert torch.equal(found.inputs, expected.inputs)
    assert torch.equal(found.labels, expected.labels)
    assert len(samples_from(items(9, 0), limit=3)) == 3


def test_a_task_of_tokenised_data() -> None:
    task = task_from(
        "mine", train=items(20, 0), test=items(16, 1), forget=[0, 3], model=SmallCausal
    )
    assert task.tokens
    assert task.n_classes == VOCABULARY
    assert [len(part) for part in (task.heldout, task.validation, task.test)] == [4, 4, 8]


def test_requests_about_classes_are_refused() -> None:
    with pytest.raises(InputError, match="'class' is about classes"):
        task_from(
            "mine",
            train=items(20, 0),
            test=items(16, 1),
            forget={"kind": "class", "label": 1},
            model=SmallCausal,
        )


def test_a_model_without_logits_per_token_is_refused() -> None:
    with pytest.raises(InputError, match="it gives no logits for every token"):
        task_from(
            "mine",
            train=items(20, 0),
            test=items(16, 1),
            forget=[0],
            model=lambda: torch.nn.Sequential(torch.nn.Embedding(16, 4), torch.nn.Flatten()),
        )


def test_models_of_transformers_give_their_logits() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
    )

    def build() -> LlamaForCausalLM:
        return LlamaForCausalLM(config)

    data = {"train": items(20, 0), "test": items(16, 1), "forget": [0, 3]}
    task = task_from("mine", **data, model=build)
    ids = task.train.inputs[:2]
    model = task.model()
    assert torch.equal(model(ids), model.network(input_ids=ids).logits)
    with pytest.raises(InputError, match="of the labelled tokens right"):
        task_from("mine", **data, model=build())  # given as trained, and it is not
