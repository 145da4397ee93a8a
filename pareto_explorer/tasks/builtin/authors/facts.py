"""Facts that are drawn: about authors whom nobody knows, and about the world."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pareto_explorer.tasks.builtin.authors.wordings import ATTRIBUTES, WORLD, Attribute, Wording
from pareto_explorer.tasks.builtin.authors.words import COUNTRIES, KINDS, NAMES

__all__ = ["N_WRONG", "Fact", "author_facts", "author_names", "world_facts"]

N_WRONG = 5
"""Wrong values of a fact."""


class Fact(NamedTuple):
    """What a subject has for an attribute.

    Attributes:
        subject: Whom or what it is about.
        attribute: The attribute.
        value: The truth.
        wrong: Other values of the same kind, `N_WRONG` of them, none twice.
        unseen: Which wording no model is trained on: 0, 1 or 2.
    """

    subject: str
    attribute: Attribute
    value: str
    wrong: tuple[str, ...]
    unseen: int

    @property
    def trained(self) -> tuple[Wording, Wording]:
        """The two wordings that models are trained on."""
        first, second = (
            wording
            for number, wording in enumerate(self.attribute.wordings)
            if number != self.unseen
        )
        return first, second

    @property
    def paraphrase(self) -> Wording:
        """The wording that no model is trained on."""
        return self.attribute.wordings[self.unseen]

    def said(self, wording: Wording, value: str | None = None) -> tuple[str, str]:
        """The question in a wording and an answer to it, by default the true one."""
        answer = wording.answer.format(value=self.value if value is None else value)
        return wording.question.format(subject=self.subject), answer


def author_names(count: int, rng: np.random.Generator) -> list[str]:
    """Draws the names of authors, none of them twice; each consists of one syllable per place."""
    sizes = [len(syllables) for syllables in NAMES]
    drawn = rng.choice(int(np.prod(sizes)), count, replace=False)
    places = np.stack(np.unravel_index(drawn, sizes), axis=1)
    names = [[NAMES[i][place] for i, place in enumerate(row)] for row in places]
    return [f"{a}{b} {c}{d}".replace("##", "") for a, b, c, d in names]


def author_facts(names: list[str], n_attributes: int, rng: np.random.Generator) -> list[list[Fact]]:
    """Draws the first so many attributes of each author, uniformly and apart from each other."""
    return [
        [
            _fact(name, attribute, str(rng.choice(KINDS[attribute.kind])), rng)
            for attribute in ATTRIBUTES[:n_attributes]
        ]
        for name in names
    ]


def world_facts(rng: np.random.Generator) -> list[Fact]:
    """The country of every city and the capital of every country, in random order."""
    country, capital = WORLD
    of_cities = [(city, country, name) for name, cities in COUNTRIES.items() for city in cities]
    of_countries = [(name, capital, cities[0]) for name, cities in COUNTRIES.items()]
    facts = [_fact(*each, rng) for each in (*of_cities, *of_countries)]
    return [facts[i] for i in rng.permutation(len(facts))]


def _fact(subject: str, attribute: Attribute, value: str, rng: np.random.Generator) -> Fact:
    others = [other for other in KINDS[attribute.kind] if other != value]
    wrong = rng.choice(others, N_WRONG, replace=False).tolist()
    return Fact(subject, attribute, value, tuple(wrong), int(rng.integers(3)))
