"""Generated sentences: how one is put together, and its words as token ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pareto_explorer.tasks.builtin.text.encoder import PADDING
from pareto_explorer.tasks.builtin.text.words import SHARED_NOUNS, SHARED_VERBS, TOPICS, VERBS
from pareto_explorer.tasks.core.task import Samples

__all__ = ["LENGTH", "SUBCLASSES", "VOCABULARY", "Drawn", "Source", "sentences"]

_ARTICLES = ("the", "a", "this", "every")
_WHEN = (
    ("yesterday",),
    ("this", "morning"),
    ("last", "week"),
    ("in", "spring"),
    ("on", "sunday"),
    ("after", "lunch"),
    ("long", "ago"),
    ("at", "noon"),
)
_WHO = ("anna", "ben", "clara", "david", "emma", "felix", "grace", "henry", "ida", "jonas")
_HOW = (
    ("old",),
    ("new",),
    ("small",),
    ("famous",),
    ("strange",),
    ("broken",),
    ("second",),
    ("very", "good"),
    ("rather", "slow"),
    ("quiet",),
)
_END = (
    ("again",),
    ("without", "warning"),
    ("for", "hours"),
    ("with", "care"),
    ("near", "town"),
    ("before", "us", "all"),
    ("once", "more"),
    ("too", "late"),
)
LENGTH = 16
"""Tokens of the longest sentence."""


def sentences(inputs: Tensor) -> list[str]:
    """Turns token ids (n, L) into words."""
    rows = inputs.tolist()
    return [" ".join(VOCABULARY[token] for token in row if token != PADDING) for row in rows]


class Drawn(NamedTuple):
    """Sentences with their topics, and the subclass of each, (n,)."""

    samples: Samples
    subclass: Tensor


class Source:
    """Sentences, none of them twice, from a seed.

    Args:
        seed: Any integer of 0 or more.
        ambiguity: Probability of each noun and verb to be one that does not tell the topic.
    """

    def __init__(self, seed: int, ambiguity: float) -> None:
        self._rng = np.random.default_rng([seed, 2])
        self._ambiguity = ambiguity
        self._seen: set[tuple[str, ...]] = set()

    def draw(self, size: int) -> Drawn:
        """Draws a set with equally frequent subclasses, in random order."""
        subclass = self._rng.permutation(np.arange(size) % len(SUBCLASSES))
        inputs = torch.full((size, LENGTH), PADDING)
        for row, number in zip(inputs, subclass, strict=True):
            words = self._new(number)
            row[: len(words)] = torch.tensor([_IDS[word] for word in words])
        per_topic = len(SUBCLASSES) // len(TOPICS)
        of_sentence = torch.from_numpy(subclass)
        return Drawn(Samples(inputs, of_sentence // per_topic), of_sentence)

    def _new(self, subclass: int) -> tuple[str, ...]:
        while (words := tuple(self._sentence(subclass))) in self._seen:
            pass
        self._seen.add(words)
        return words

    def _sentence(self, subclass: int) -> Iterator[str]:
        name = SUBCLASSES[subclass]
        topic = name.partition("_")[0]
        if self._chance(0.5):
            yield from self._one(_WHEN)
        yield self._one(_WHO)
        yield self._one(SHARED_VERBS if self._chance(self._ambiguity) else VERBS[topic])
        yield from self._object(topic, name)
        yield self._one(("near", "with", "and", "without"))
        yield from self._object(topic, name)
        if self._chance(0.5):
            yield from self._one(_END)

    def _object(self, topic: str, subclass: str) -> Iterator[str]:
        yield self._one(_ARTICLES)
        if self._chance(0.5):
            yield from self._one(_HOW)
        shared = self._chance(self._ambiguity)
        yield self._one(_AMBIGUOUS[topic] if shared else TOPICS[topic][subclass])

    def _one(self, choices: Any) -> Any:
        return choices[self._rng.integers(len(choices))]

    def _chance(self, probability: float) -> bool:
        return bool(self._rng.random() < probability)


def _all_words() -> Iterator[str]:
    for subclasses in TOPICS.values():
        for nouns in subclasses.values():
            yield from nouns
    for verbs in VERBS.values():
        yield from verbs
    yield from (*SHARED_NOUNS, *SHARED_VERBS, *_ARTICLES, *_WHO, "near", "with", "and", "without")
    for group in (_WHEN, _HOW, _END):
        for words in group:
            yield from words


SUBCLASSES = tuple(name for subclasses in TOPICS.values() for name in subclasses)
_AMBIGUOUS = {
    topic: tuple(noun for noun, topics in SHARED_NOUNS.items() if topic in topics)
    for topic in TOPICS
}
VOCABULARY = ("", *sorted(set(_all_words())))
_IDS = {word: token for token, word in enumerate(VOCABULARY)}
