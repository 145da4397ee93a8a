"""The task of short sequences with all that can be measured of a language model beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from pareto_explorer.tasks import Samples, UnlearningTask
from pareto_explorer.tasks.core.language import Answers, Language, Speech
from tests.tasks.sequences import END, sequence_task, sequences


def words(texts: Sequence[Sequence[int]]) -> list[str]:
    return [" ".join(f"w{token}" for token in text) for text in texts]


def answers(n: int, seed: int, wrong: int = 3) -> Answers:
    return Answers(
        sequences(n, seed), tuple(sequences(n, 100 * seed + other) for other in range(1, 1 + wrong))
    )


def cut(samples: Samples, n: int) -> Samples:
    return samples.take(torch.arange(n))


def answering_task(generate: str = "never", epochs: int = 60, **changes: Any) -> UnlearningTask:
    """Adjacent are the first six retained samples; 16 of the retained ones are measured."""
    task = sequence_task(epochs, adjacent_indices=torch.arange(8, 14))
    language = Language(
        forget=answers(8, 5),
        retain_sample=torch.arange(10, 26),
        retain=answers(16, 6),
        knowledge={"facts": answers(5, 7, 2), "names": answers(4, 8, 2)},
        compressed={"forget": torch.arange(8) + 9, "heldout": torch.arange(8) + 11},
        speech=Speech(decode=words, end=END, most=5, generate=generate),
    )
    return replace(task, language=language, **changes)
