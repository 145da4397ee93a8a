"""The text task: generated sentences about eight topics, for a transformer encoder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pareto_explorer.errors import InputError, brief, unknown
from pareto_explorer.tasks.builtin.build import forget_parts
from pareto_explorer.tasks.builtin.text.encoder import TextEncoder
from pareto_explorer.tasks.builtin.text.sentences import LENGTH, SUBCLASSES, VOCABULARY, Source
from pareto_explorer.tasks.builtin.text.words import DOMAINS, TOPICS
from pareto_explorer.tasks.core.groups import Groups
from pareto_explorer.tasks.core.positions import check_seed
from pareto_explorer.tasks.core.recipes import Recipe, parse_recipe
from pareto_explorer.tasks.core.task import UnlearningTask
from pareto_explorer.tasks.forget.requests import (
    ForgetRequest,
    RandomSubset,
    Subclass,
)

__all__ = ["text"]

_RECIPE = Recipe(epochs=15, lr=0.005, weight_decay=0.01, optimizer="adamw")
_MODEL = {"width": 64, "depth": 2, "heads": 4, "dropout": 0.1}


def text(
    forget: ForgetRequest | None = None,
    seed: int = 0,
    train_size: int = 2400,
    ambiguity: float = 0.6,
    model: Mapping[str, Any] | None = None,
    recipe: str | Mapping[str, Any] | None = None,
) -> UnlearningTask:
    """Builds a task of sentences made from a seed: no data are needed.

    A sentence such as ``last week clara served every famous match near the strange net`` is about
    one of eight topics, two from each of four domains (sport, stage, science, home). Its two nouns
    and its verb tell which; all else is drawn alike for all topics. Each of the three is
    ambiguous with probability ``ambiguity``: then the noun is one that another topic shares, such
    as *match* or *net*, or the verb says nothing. So some sentences fit two topics, and a
    model that knows such ones has memorised them. No sentence occurs twice.

    Inputs are int64 token ids of shape (n, 16), padded with 0; `sentences` turns them into words.
    Classes are topics, superclasses domains, and every topic has two subclasses, such as
    ``football_game`` and ``football_club``, by the nouns that they use.

    Args:
        forget: What to forget; 10 % of the training samples by default. A ``class`` request drops
            the class from validation and test (see `WholeClass`) and has the other topic of its
            domain as adjacent set; a ``subclass`` is asked for by its name or number.
        seed: Seed of the sentences and of the forget request.
        train_size: Training sentences. Held-out and validation set have a quarter as many each,
            the test set half as many.
        ambiguity: In [0, 1].
        model: Options of `TextEncoder`: ``width``, ``depth``, ``heads`` and ``dropout``.
        recipe: See `parse_recipe`; by default AdamW for 15 epochs.

    Raises:
        InputError: When an option is out of its range or the request does not fit.
    """
    _check(seed, train_size, ambiguity)
    make = partial(TextEncoder, len(VOCABULARY), len(TOPICS), LENGTH, **_model_options(model))
    sizes = {
        "train": train_size,
        "heldout": train_size // 4,
        "validation": train_size // 4,
        "test": train_size // 2,
    }
    source = Source(seed, ambiguity)
    sets = {name: source.draw(size) for name, size in sizes.items()}
    train, validation, test = (sets[name].samples for name in ("train", "validation", "test"))
    groups = Groups(
        class_names=tuple(TOPICS),
        superclass_of=tuple(i // 2 for i in range(len(TOPICS))),
        subclass_names=SUBCLASSES,
        subclass_of=sets["train"].subclass,
    )
    request = RandomSubset() if forget is None else forget
    if isinstance(request, Subclass) and request.subclass is None:
        raise InputError(
            f"task.forget.label: {request.label} asks for a cluster of inputs, and these are words;"
            f" name a subclass, such as {{kind: subclass, subclass: {SUBCLASSES[0]}}}."
        )
    parts = forget_parts(request, train, validation, test, len(TOPICS), seed, groups)
    own = {"classes": list(TOPICS), "domains": list(DOMAINS), "ambiguity": ambiguity}
    return UnlearningTask(
        name="text",
        train=parts.train,
        heldout=sets["heldout"].samples,
        validation=parts.validation,
        test=parts.test,
        forget_indices=parts.forget_indices,
        n_classes=len(TOPICS),
        model=make,
        recipe=parse_recipe(recipe, _RECIPE),
        facts=parts.facts(own),
        adjacent_indices=parts.adjacent_indices,
        planted=parts.planted,
    )


_MOST_SENTENCES = 1_000_000


def _check(seed: int, train_size: int, ambiguity: float) -> None:
    check_seed("task.seed", seed)
    least = 4 * len(SUBCLASSES)
    if type(train_size) is not int or not least <= train_size <= _MOST_SENTENCES:
        raise InputError(
            f"task.train_size: {brief(train_size)} must be a whole number from {least} to"
            f" {_MOST_SENTENCES:,}, so that every set has every subclass."
        )
    if type(ambiguity) not in (int, float) or not 0 <= ambiguity <= 1:
        raise InputError(f"task.ambiguity: {brief(ambiguity)} must be a number from 0 to 1.")


def _model_options(given: Mapping[str, Any] | None) -> dict[str, Any]:
    if not isinstance(given, Mapping | None):
        raise InputError(
            f"task.model: {brief(given)} is no mapping; give options of the encoder, such as"
            " {width: 64, depth: 2}."
        )
    options = dict(given or {})
    for name, value in options.items():
        if name not in _MODEL:
            raise unknown("task.model: field", name, _MODEL)
        rate = name == "dropout"
        valid = type(value) in (int, float) and 0 <= value < 1 if rate else type(value) is int
        if not valid or not (rate or value > 0):
            wanted = "a number of at least 0 and below 1" if rate else "a whole number above 0"
            raise InputError(f"task.model.{name}: {value!r} must be {wanted}.")
    chosen = {**_MODEL, **options}
    if chosen["width"] % chosen["heads"]:
        raise InputError(
            f"task.model.width: {chosen['width']} must be a multiple of heads, which is"
            f" {chosen['heads']}."
        )
    return chosen
