"""How landmarks are trained: recipes, by name or field by field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from pareto_explorer.errors import InputError, brief, unknown

__all__ = ["RECIPES", "Recipe", "parse_recipe"]

Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["one_cycle", "multistep", "cosine"]


@dataclass(frozen=True)
class Recipe:
    """How a landmark is trained; by default SGD with Nesterov momentum and a one-cycle schedule.

    Attributes:
        epochs: Passes over the training samples; an incomplete last batch is left out.
        batch_size: Samples per step.
        lr: Learning rate: the peak of ``one_cycle``, the start of the other schedules.
        momentum: Momentum of SGD, or the first beta of AdamW (the second is 0.999); constant over
            the schedule.
        weight_decay: Decay of all parameters.
        schedule: ``one_cycle``: up for 30 % of the steps, then down to nearly nothing, along half
            cosines; ``multistep``: times 0.1 at each milestone; ``cosine``: down to nothing along
            half a cosine.
        milestones: Epochs after which ``multistep`` lowers the learning rate, ascending.
        nesterov: Whether the momentum of SGD is Nesterov's.
        optimizer: ``sgd`` or ``adamw``.

    Raises:
        InputError: When a value is out of its range.
    """

    epochs: int = 25
    batch_size: int = 64
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: Schedule = "one_cycle"
    milestones: tuple[int, ...] = ()
    nesterov: bool = True
    optimizer: Optimizer = "sgd"

    def __post_init__(self) -> None:
        for name, valid, wanted in (
            ("epochs", self.epochs >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("lr", 0 < self.lr < math.inf, "positive"),
            ("momentum", 0 < self.momentum < 1, "between 0 and 1"),
            ("weight_decay", 0 <= self.weight_decay < math.inf, "0 or more"),
        ):
            if not valid:
                raise InputError(f"recipe.{name}: {getattr(self, name)} must be {wanted}.")
        if self.schedule not in get_args(Schedule):
            raise unknown("recipe.schedule", self.schedule, get_args(Schedule))
        if self.optimizer not in get_args(Optimizer):
            raise unknown("recipe.optimizer", self.optimizer, get_args(Optimizer))
        self._check_milestones()

    def _check_milestones(self) -> None:
        found = f"recipe.milestones: {brief(list(self.milestones))}"
        if (self.schedule == "multistep") != bool(self.milestones):
            raise InputError(
                f"{found} with schedule {self.schedule!r}; the schedule multistep needs milestones"
                " and the others have none."
            )
        if any(a >= b for a, b in zip((0, *self.milestones), self.milestones, strict=False)):
            raise InputError(f"{found} must be ascending epochs, from 1 on.")
        if self.milestones and self.milestones[-1] >= self.epochs:
            example = sorted({max(1, self.epochs // 2), max(1, 3 * self.epochs // 4)})
            raise InputError(
                f"{found} must be below the {self.epochs} epochs; give for example {example}."
            )


RECIPES: dict[str, Recipe] = {
    "fast": Recipe(epochs=30, batch_size=512, lr=0.4),
    "published": Recipe(
        epochs=182,
        batch_size=256,
        schedule="multistep",
        milestones=(91, 136),
        nesterov=False,
    ),
}
"""Recipes by name.

``published`` is what the code of Unlearn-Sparse, SalUn and their descendants trains CIFAR models
with by default: SGD, learning rate 0.1 divided by 10 after 91 and 136 of 182 epochs, momentum 0.9,
weight decay 5e-4, batches of 256. ``fast`` takes a sixth of its epochs at large batches: one cycle
up to 0.4, the usual 0.1 per 128 samples, with Nesterov momentum. Both memorise correctly labelled
training data; where wrong labels have to be memorised through an augmentation, give ``fast`` more
epochs.
"""


def parse_recipe(value: Any, default: Recipe) -> Recipe:
    """Reads the ``recipe`` of a search-space file.

    Args:
        value: The name of a recipe; a mapping of fields, which may give the ``name`` of the recipe
            that the others come from; a recipe; or ``None``.
        default: The task's own recipe, which an absent value or missing fields mean.

    Raises:
        InputError: When a name, a field or a value is wrong; the text begins with ``task.recipe``.

    >>> parse_recipe({"name": "published", "epochs": 160}, Recipe()).epochs
    160
    """
    if value is None:
        return default
    if isinstance(value, Recipe):
        return value
    if isinstance(value, str):
        return _named(value)
    if not isinstance(value, Mapping):
        raise InputError(
            f"task.recipe: {brief(value)} is no recipe; give a name ({', '.join(RECIPES)}) or a"
            " mapping such as {name: fast, epochs: 40}."
        )
    given = {str(name): each for name, each in value.items()}
    base = _named(given.pop("name")) if "name" in given else default
    known = [field.name for field in fields(Recipe)]
    for name in given:
        if name not in known:
            raise unknown("task.recipe: field", name, ["name", *known])
    if given.get("schedule", "multistep") != "multistep":
        given.setdefault("milestones", ())
    try:
        return replace(base, **{name: _value(name, each) for name, each in given.items()})
    except InputError as error:
        raise InputError(f"task.{error}") from None


def _named(name: Any) -> Recipe:
    if not isinstance(name, str) or name not in RECIPES:
        raise unknown("task.recipe", name, RECIPES)
    return RECIPES[name]


def _value(name: str, value: Any) -> Any:
    """The value of a field as its type; refuses other types."""
    whole = type(value) is int
    if name in ("schedule", "optimizer") and isinstance(value, str):
        return value
    if name in ("epochs", "batch_size") and whole:
        return value
    if name in ("lr", "momentum", "weight_decay") and (whole or type(value) is float):
        return float(value)
    if name == "nesterov" and type(value) is bool:
        return value
    sequence = isinstance(value, list | tuple)
    if name == "milestones" and sequence and all(type(each) is int for each in value):
        return tuple(value)
    raise InputError(f"recipe.{name}: {brief(value)} must be {_WANTED[name]}.")


_WANTED = {
    **dict.fromkeys(("epochs", "batch_size"), "an integer"),
    **dict.fromkeys(("lr", "momentum", "weight_decay"), "a number"),
    "schedule": f"one of {', '.join(get_args(Schedule))}",
    "optimizer": f"one of {', '.join(get_args(Optimizer))}",
    "nesterov": "true or false",
    "milestones": "a list of epochs",
}
