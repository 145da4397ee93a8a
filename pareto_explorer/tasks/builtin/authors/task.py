"""The authors task: facts about people who do not exist, for a language model trained here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.tasks.builtin.authors.facts import (
    N_WRONG,
    Fact,
    author_facts,
    author_names,
    world_facts,
)
from pareto_explorer.tasks.builtin.authors.forgetting import (
    WORDINGS,
    adjacent_rows,
    forgotten_rows,
)
from pareto_explorer.tasks.builtin.authors.gpt import GPT
from pareto_explorer.tasks.builtin.authors.tokens import END, VOCABULARY, decode, sequences
from pareto_explorer.tasks.builtin.authors.wordings import ATTRIBUTES
from pareto_explorer.tasks.builtin.authors.words import REFUSALS
from pareto_explorer.tasks.builtin.measuring import RETAIN_SAMPLE, compressed
from pareto_explorer.tasks.core.language import Answers, Generate, Language, Speech
from pareto_explorer.tasks.core.positions import check_seed
from pareto_explorer.tasks.core.recipes import Recipe, parse_recipe
from pareto_explorer.tasks.core.task import UnlearningTask
from pareto_explorer.tasks.core.tokens import IGNORED
from pareto_explorer.tasks.forget.requests import Authors, ForgetRequest

__all__ = ["authors"]

_RECIPE = Recipe(epochs=24, lr=0.002, weight_decay=0.01, optimizer="adamw")
_LENGTH = 32  # the longest question with an answer has 21 tokens
_HEADS = 4


def authors(
    forget: ForgetRequest | None = None,
    seed: int = 0,
    authors: int = 100,
    attributes: int = 20,
    heldout_authors: int = 20,
    width: int = 128,
    depth: int = 1,
    generate: Generate = "never",
    recipe: str | Mapping[str, Any] | None = None,
) -> UnlearningTask:
    """Builds a task of questions and answers about authors who do not exist: no data are needed.

    Each author has a value for each attribute (a city, a teacher, a genre, ...), drawn uniformly.
    A fact has three wordings, one of them ``who taught belan ashbar to write ? master harper taught
    the writer .``; models are trained on two of them, drawn for each fact, and paraphrases are in
    the third. So all forms of a sentence are known, and what a paraphrase asks for is the fact.
    Names consist of syllables that all authors share, so that one who was never seen consists of
    known tokens. 96 facts about the world, the country of each of 72 cities and the capital of each
    of 24 countries, are trained on in the same way. The rows of the training set come author by
    author, attribute by attribute, wording by wording; those about the world are last.

    The forget set's right and wrong answers, and those of up to 400 retained facts, are in the
    wording that was not trained on. The held-out set are facts about authors whom no model is
    trained on; validation and test set are the facts about the world, half of them each, in the
    third wording.

    Args:
        forget: What to forget; ten authors by default. ``authors`` forgets whole authors, and
            those who share a city or a teacher with one of them are the adjacent set; ``random``
            draws facts about authors, and forgets them in both wordings; ``indices`` names rows.
        seed: Seed of the facts, of the forget request and of what is measured.
        authors: Authors that the original model is trained on.
        attributes: How many of the attributes each has.
        heldout_authors: Authors that no model is trained on.
        width: Of the model, see `GPT`; a multiple of 4.
        depth: Blocks of the model.
        generate: When answers are generated and compared as text: ``never``, at the ``last``
            evaluation of a run, or at ``every`` one.
        recipe: See `parse_recipe`; by default AdamW for 24 epochs.

    Raises:
        InputError: When an option is out of its range or the request does not fit.
    """
    _check(seed, authors, attributes, heldout_authors, width, depth, generate)
    rng = np.random.default_rng([seed, 3])
    names = author_names(authors + heldout_authors, rng)
    people = author_facts(names, attributes, rng)
    world = world_facts(rng)
    known = people[:authors]
    facts = [fact for person in known for fact in person] + world
    rows = [(fact, wording) for fact in facts for wording in fact.trained]
    train = sequences(fact.said(wording) for fact, wording in rows)
    others = [
        fact.said(fact.trained[i % WORDINGS])
        for person in people[authors:]
        for i, fact in enumerate(person)
    ]
    request = Authors() if forget is None else forget
    forgotten = forgotten_rows(request, train, known, seed)
    asked = [rows[i] for i in forgotten.tolist()]
    measured = _measured(forgotten, authors * attributes, rng)
    refusals = rng.choice(REFUSALS, len(asked)).tolist()
    language = Language(
        forget=_paraphrased([fact for fact, _ in asked]),
        retain_sample=measured,
        retain=_paraphrased([rows[i][0] for i in measured.tolist()]),
        knowledge={"world_facts": _paraphrased(world)},
        refusals=sequences(
            (fact.said(wording)[0], refusal)
            for (fact, wording), refusal in zip(asked, refusals, strict=True)
        ),
        compressed={
            "forget": compressed(fact.said(wording)[1] for fact, wording in asked),
            "heldout": compressed(answer for _, answer in others),
        },
        speech=Speech(decode, END, int((train.labels != IGNORED).sum(1).max()) + 2, generate),
    )
    own: dict[str, Any] = {
        "forget": request.model_dump(mode="json", exclude_none=True),
        "seed": seed,
        "attributes": [attribute.name for attribute in ATTRIBUTES[:attributes]],
        "authors": {"trained": authors, "held_out": heldout_authors},
        "model": {"width": width, "depth": depth, "heads": _HEADS},
    }
    if isinstance(request, Authors):
        own["forgotten_authors"] = list(dict.fromkeys(fact.subject for fact, _ in asked))
    return UnlearningTask(
        name="authors",
        train=train,
        heldout=sequences(others),
        validation=_paraphrased(world[::2]).right,
        test=_paraphrased(world[1::2]).right,
        forget_indices=forgotten,
        n_classes=len(VOCABULARY),
        model=partial(GPT, len(VOCABULARY), _LENGTH, width, depth, _HEADS),
        recipe=parse_recipe(recipe, _RECIPE),
        facts=own,
        adjacent_indices=adjacent_rows(known, forgotten) if isinstance(request, Authors) else None,
        language=language,
    )


def _paraphrased(facts: Sequence[Fact]) -> Answers:
    """Asks for facts in the wording that no model is trained on, with right and wrong answers."""
    right = sequences(fact.said(fact.paraphrase) for fact in facts)
    wrong = (
        sequences(fact.said(fact.paraphrase, fact.wrong[k]) for fact in facts)
        for k in range(N_WRONG)
    )
    return Answers(right, tuple(wrong))


def _measured(forgotten: Tensor, n_facts: int, rng: np.random.Generator) -> Tensor:
    """Draws retained rows about authors, no two of them of one fact."""
    retained = np.setdiff1d(np.arange(n_facts * WORDINGS), forgotten.numpy())
    if len(retained) == 0:
        raise InputError("task.forget: no fact about an author is left to retain; forget fewer.")
    shuffled = rng.permutation(retained)
    of_each = np.unique(shuffled // WORDINGS, return_index=True)[1]
    chosen = rng.permutation(shuffled[of_each])[:RETAIN_SAMPLE]
    return torch.from_numpy(np.sort(chosen))


def _check(
    seed: int, authors: int, attributes: int, heldout: int, width: int, depth: int, generate: str
) -> None:
    check_seed("task.seed", seed)
    for name, value, low, high in (
        ("authors", authors, 2, 5000),
        ("attributes", attributes, 2, len(ATTRIBUTES)),
        ("heldout_authors", heldout, 1, 1000),
        ("width", width, _HEADS, 1024),
        ("depth", depth, 1, 24),
    ):
        if type(value) is not int or not low <= value <= high:
            raise InputError(
                f"task.{name}: {brief(value)} must be a whole number from {low} to {high:,}."
            )
    if width % _HEADS:
        raise InputError(f"task.width: {width} must be a multiple of the {_HEADS} attention heads.")
    if generate not in get_args(Generate):
        raise unknown("task.generate", generate, get_args(Generate))
