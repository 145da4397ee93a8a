"""Greedy generation with a causal model, and how much of the right answers it says."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.metrics.evaluation import Diverged
from pareto_explorer.metrics.token_scores import batch_rows
from pareto_explorer.tasks import IGNORED, Samples, Speech, UnlearningTask
from pareto_explorer.tasks.models.logits import logits_of

__all__ = ["generate", "mean_recall", "require_rouge"]


def generate(
    model: nn.Module, samples: Samples, task: UnlearningTask, speech: Speech
) -> list[list[int]]:
    """Lets a model answer, each time with the most probable token.

    A prompt is what stands before the first label of a sequence. Every answer grows at its own
    place, where padding stood: a causal model sees nothing of what is to its right, so prompts of
    all lengths go through it together. There is no cache, so a token costs a pass over its prompt.

    Args:
        model: In eval mode, on the samples' device.
        samples: Sequences with their prompts.
        task: What the model is of.
        speech: When an answer ends.

    Returns:
        The ids of each answer without its end.

    Raises:
        Diverged: A logit is not finite.
    """
    prompts = (samples.labels != IGNORED).int().argmax(1)
    answers: list[list[int]] = [[] for _ in range(len(samples))]
    order = prompts.argsort(descending=True, stable=True)
    start = 0
    while start < len(samples):
        most = int(prompts[order[start]]) + speech.most
        rows = order[start : start + batch_rows(task, most)]
        answered = _answer(model, samples.inputs[rows], prompts[rows], task, speech)
        for row, answer in zip(rows.tolist(), answered, strict=True):
            answers[row] = answer
        start += len(rows)
    return answers


def _answer(
    model: nn.Module, inputs: Tensor, lengths: Tensor, task: UnlearningTask, speech: Speech
) -> list[list[int]]:
    """Goes on from the first tokens of each row, ``lengths`` (B,) of them."""
    longest = int(lengths.max())
    ids = inputs.new_full((len(inputs), longest + speech.most), speech.end)
    ids[:, :longest] = inputs[:, :longest]
    speaking = torch.arange(len(inputs), device=inputs.device)
    for said in range(speech.most):
        places = lengths[speaking] + said
        logits = logits_of(model, ids[speaking, : int(places.max())], task)
        last = logits[torch.arange(len(speaking), device=inputs.device), places - 1]
        if not bool(last.isfinite().all()):
            raise Diverged("The model's logits are not finite where it generates.")
        tokens = last.argmax(1).to(ids.dtype)
        ids[speaking, places] = tokens
        speaking = speaking[tokens != speech.end]
        if not len(speaking):
            break
    answers = []
    for row, length in zip(ids.tolist(), lengths.tolist(), strict=True):
        answer = row[length : length + speech.most]
        answers.append(answer[: answer.index(speech.end)] if speech.end in answer else answer)
    return answers


def mean_recall(model: nn.Module, samples: Samples, task: UnlearningTask, speech: Speech) -> float:
    """Returns the mean ROUGE-L recall of generated answers, with stemming.

    Source: Lin, "ROUGE" (2004), by the package ``rouge_score``, as in TOFU.

    Args:
        model: In eval mode, on the samples' device.
        samples: Sequences with their prompts and right answers.
        task: What the model is of.
        speech: How answers end, and are read.
    """
    asked_for = [
        [token for token, label in zip(*row, strict=True) if label != IGNORED]
        for row in zip(samples.inputs.tolist(), samples.labels.tolist(), strict=True)
    ]
    wanted = [[token for token in answer if token != speech.end] for answer in asked_for]
    right = speech.decode(wanted)
    said = speech.decode(generate(model, samples, task, speech))
    recall = _rouge()
    return sum(map(recall, right, said)) / len(right)


def require_rouge() -> None:
    """Refuses to compare generated answers where what does it is not installed.

    Raises:
        InputError: ``rouge_score`` is missing.
    """
    _rouge()


@cache
def _rouge() -> Callable[[str, str], float]:
    """What gives the ROUGE-L recall of a text that is wanted in one that is said."""
    try:
        from rouge_score import rouge_scorer
    except ImportError:
        raise InputError(
            "generate: generated answers are compared by the package rouge_score; install "
            "pareto-explorer[language], or set generate to never."
        ) from None
    scorer: Any = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=True)
    return lambda wanted, said: float(scorer.score(wanted, said)["rougeL"].recall)
