"""Which rows of the authors' facts a request forgets, and which retained ones are close to them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.builtin.authors.facts import Fact
from pareto_explorer.tasks.core.samples import Samples
from pareto_explorer.tasks.forget.listed_samples import listed_samples
from pareto_explorer.tasks.forget.requests import Authors, ForgetRequest, Indices, RandomSubset

__all__ = ["WORDINGS", "adjacent_rows", "forgotten_rows"]

WORDINGS = 2
"""Rows of one fact, one after another."""

_SHARED = ("city", "teacher")


def forgotten_rows(
    request: ForgetRequest, train: Samples, authors: list[list[Fact]], seed: int
) -> Tensor:
    """Selects what a request forgets.

    Args:
        request: What to forget.
        train: Row after row: author by author, fact by fact, wording by wording, then others.
        authors: The facts about each author.
        seed: Seed of the draw.

    Returns:
        Ascending positions in ``train``, (k,).

    Raises:
        InputError: When the request does not fit.
    """
    rng = np.random.default_rng([seed, 1])
    per_author = len(authors[0])
    match request:
        case Authors(count=count):
            if count >= len(authors):
                raise InputError(
                    f"task.forget.count: {count} of {len(authors)} authors leaves none to retain;"
                    f" forget at most {len(authors) - 1}."
                )
            return _rows(rng.choice(len(authors), count, replace=False), per_author * WORDINGS)
        case RandomSubset(fraction=fraction):
            n_facts = len(authors) * per_author
            count = round(fraction * n_facts)
            if not 0 < count < n_facts:
                raise InputError(
                    f"task.forget.fraction: {fraction} of {n_facts} facts is {count}; at least one"
                    " fact must be forgotten and one retained."
                )
            return _rows(rng.choice(n_facts, count, replace=False), WORDINGS)
        case Indices():
            listed = listed_samples(request, train.labels, None)
            own = len(authors) * per_author * WORDINGS
            if int(listed[-1]) >= own:
                raise InputError(
                    f"task.forget.indices: row {int(listed[-1])} is a fact about the world, which"
                    f" every model is to retain; name rows from 0 to {own - 1}."
                )
            return listed
        case _:
            raise InputError(
                f"task.forget.kind: {request.kind!r} is about classes or inputs, and these are"
                " questions and answers; ask for authors, random or indices."
            )


def adjacent_rows(authors: list[list[Fact]], forgotten: Tensor) -> Tensor | None:
    """Finds the rows of retained authors who share a city or a teacher with a forgotten one.

    Args:
        authors: The facts about each author.
        forgotten: Positions of all rows of the forgotten authors, (k,).

    Returns:
        Ascending positions, or ``None`` where no author shares any.
    """
    per_author = len(authors[0]) * WORDINGS
    gone = set((forgotten // per_author).tolist())
    shared = {each for author in gone for each in _shared(authors[author])}
    close = [
        author
        for author, facts in enumerate(authors)
        if author not in gone and shared & _shared(facts)
    ]
    return _rows(np.array(close), per_author) if close else None


def _shared(facts: list[Fact]) -> set[tuple[str, str]]:
    named = ((fact.attribute.name, fact.value) for fact in facts)
    return {(name, value) for name, value in named if name in _SHARED}


def _rows(groups: np.ndarray, size: int) -> Tensor:
    """The positions of groups of rows that lie together."""
    starts = torch.from_numpy(np.sort(groups)) * size
    return (starts[:, None] + torch.arange(size)).flatten()
