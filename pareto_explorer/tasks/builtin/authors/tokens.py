"""Questions and answers as token ids: a vocabulary of words, and names by their syllables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import torch

from pareto_explorer.tasks.builtin.authors.wordings import ATTRIBUTES, WORLD
from pareto_explorer.tasks.builtin.authors.words import COUNTRIES, KINDS, NAMES, REFUSALS
from pareto_explorer.tasks.core.samples import Samples, padded
from pareto_explorer.tasks.core.tokens import IGNORED

__all__ = ["END", "PADDING", "VOCABULARY", "decode", "encode", "sequences"]

PADDING = 0
"""Token id of what fills up a short sequence."""
END = 1
"""Token id that ends an answer."""


def encode(text: str) -> list[int]:
    """Turns words into token ids; a name has two for each of its words."""
    return [_IDS[token] for word in text.split(" ") for token in _pieces(word)]


def decode(ids: Sequence[Sequence[int]]) -> list[str]:
    """Turns the ids of each sequence into words, without padding and what ends it."""
    return [
        " ".join(VOCABULARY[token] for token in row if token not in (PADDING, END)).replace(
            " ##", ""
        )
        for row in ids
    ]


def sequences(pairs: Iterable[tuple[str, str]]) -> Samples:
    """Turns questions and answers into sequences that ask for the answer and its end."""
    rows = [(encode(question), [*encode(answer), END]) for question, answer in pairs]
    return padded(
        [torch.tensor([*question, *answer]) for question, answer in rows],
        [torch.tensor([IGNORED] * len(question) + answer) for question, answer in rows],
        PADDING,
    )


def _pieces(word: str) -> list[str]:
    """The word, or the syllables of one that is part of a name."""
    if word in _IDS:
        return [word]
    head = next(size for size in range(len(word), 0, -1) if word[:size] in _IDS)
    return [word[:head], f"##{word[head:]}"]


def _words() -> Iterator[str]:
    """All that can be said, word by word."""
    for attribute in (*ATTRIBUTES, *WORLD):
        for text in chain.from_iterable(attribute.wordings):
            yield from text.replace("{subject}", "").replace("{value}", "").split()
    yield from chain.from_iterable((*KINDS.values(), *COUNTRIES.values(), *NAMES))
    yield from chain.from_iterable(text.split() for text in REFUSALS)


VOCABULARY = ("<pad>", "<end>", *sorted(set(_words())))
_IDS = {word: token for token, word in enumerate(VOCABULARY)}
