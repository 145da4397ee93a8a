"""From a published image data set to a task: the split, the request and the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from pareto_explorer.errors import InputError, brief
from pareto_explorer.tasks.builtin.build import forget_parts
from pareto_explorer.tasks.core.recipes import RECIPES, Recipe, parse_recipe
from pareto_explorer.tasks.core.splits import PublishedSplit, published_split, stratified_split
from pareto_explorer.tasks.core.task import Samples, UnlearningTask
from pareto_explorer.tasks.data.augment import CropFlip
from pareto_explorer.tasks.data.published_images import PublishedImages
from pareto_explorer.tasks.forget.requests import ForgetRequest, RandomSubset, WholeClass
from pareto_explorer.tasks.models.specs import ModelSpec, parse_model

__all__ = ["TaskOptions", "published_task"]


class TaskOptions:
    """The checked options that tasks on published images share.

    Args:
        forget: What to forget; 10 % of the training samples at random by default.
        seed: Seed of the split and of the forget request.
        model: The model, see `parse_model`.
        recipe: How landmarks are trained, see `parse_recipe`; ``fast`` by default.
        heldout: Share of the validation part that becomes the held-out set.
        augment: Whether training batches are augmented.

    Raises:
        InputError: When an option is invalid.
    """

    forget: ForgetRequest
    seed: int
    model: ModelSpec
    recipe: Recipe
    heldout: float
    augment: bool

    def __init__(
        self,
        forget: ForgetRequest | None,
        seed: int,
        model: str | Mapping[str, Any],
        recipe: str | Mapping[str, Any] | None,
        heldout: float,
        augment: bool,
    ) -> None:
        if type(seed) is not int or not 0 <= seed < 2**32:
            raise InputError(
                f"task.seed: {brief(seed)} is no seed; give an integer from 0 to 2**32 - 1."
            )
        if type(heldout) is not float or not 0 < heldout < 1:
            raise InputError(
                f"task.heldout: {brief(heldout)} must be a number between 0 and 1, the share of the"
                " validation part that becomes the held-out set."
            )
        if type(augment) is not bool:
            raise InputError(f"task.augment: {brief(augment)} must be true or false.")
        self.forget = RandomSubset() if forget is None else forget
        self.seed = seed
        self.model = parse_model(model)
        self.recipe = parse_recipe(recipe, RECIPES["fast"])
        self.heldout = heldout
        self.augment = augment


def published_task(
    name: str,
    images: PublishedImages,
    options: TaskOptions,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    augment: CropFlip,
) -> UnlearningTask:
    """Splits a data set, applies the forget request and puts the task together.

    Args:
        name: What reports call the task.
        images: The data set.
        options: The user's options.
        mean: Mean of each channel of images in [0, 1].
        std: Standard deviation of each channel.
        augment: What training batches go through where augmentation is wanted.

    Raises:
        InputError: When the data are too few for the split or the request does not fit them.
    """
    strata = images.train.labels if images.strata is None else images.strata
    split = published_split(strata, options.seed)
    train = images.train.take(split.training)
    heldout, validation = _halves(images.train, strata, split, options)
    groups = images.groups.take(split.training)
    n_classes = len(groups.class_names)
    request = options.forget
    parts = forget_parts(
        request, train, validation, images.test, n_classes, options.seed, groups, split
    )
    own: dict[str, Any] = {"model": options.model.facts(), **images.facts}
    if isinstance(request, WholeClass):
        own["forget_class"] = groups.class_names[request.label]
    return UnlearningTask(
        name=name,
        train=parts.train,
        heldout=heldout,
        validation=parts.validation,
        test=parts.test,
        forget_indices=parts.forget_indices,
        n_classes=n_classes,
        model=options.model.factory(
            n_classes=n_classes, shape=tuple(train.inputs.shape[1:]), mean=mean, std=std
        ),
        recipe=options.recipe,
        facts=parts.facts(own),
        adjacent_indices=parts.adjacent_indices,
        planted=parts.planted,
        augment=augment if options.augment else None,
    )


def _halves(
    everything: Samples, strata: Tensor, split: PublishedSplit, options: TaskOptions
) -> list[Samples]:
    """Cuts the validation part into held-out and validation set."""
    shares = (options.heldout, 1 - options.heldout)
    n_validation = len(split.validation)
    parts = stratified_split(strata[split.validation], shares, options.seed) if n_validation else []
    if not parts or not all(len(part) for part in parts):
        raise InputError(
            f"task.heldout: {options.heldout} of a validation part of {n_validation}"
            " images leaves a set empty; bring at least 20 training images per class or another"
            " share."
        )
    return [everything.take(split.validation[part]) for part in parts]
