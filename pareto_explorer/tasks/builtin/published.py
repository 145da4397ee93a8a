"""From a published image data set to a task: the split, the request and the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from pareto_explorer.errors import InputError, brief
from pareto_explorer.tasks.core.groups import Groups
from pareto_explorer.tasks.core.recipes import RECIPES, Recipe, parse_recipe
from pareto_explorer.tasks.core.splits import PublishedSplit, published_split, stratified_split
from pareto_explorer.tasks.core.task import Samples, UnlearningTask
from pareto_explorer.tasks.data.augment import CropFlip
from pareto_explorer.tasks.forget.adjacent_set import select_adjacent_set
from pareto_explorer.tasks.forget.forget_set import select_forget_set
from pareto_explorer.tasks.forget.requests import ForgetRequest, RandomSubset, WholeClass
from pareto_explorer.tasks.models.specs import ModelSpec, parse_model

__all__ = ["PublishedImages", "TaskOptions", "published_task"]


@dataclass(frozen=True, eq=False)
class PublishedImages:
    """A data set as it was published.

    Attributes:
        train: Training images, uint8 of shape (n, C, H, W), and their labels.
        test: Test images and their labels.
        groups: What is known of the classes; ``class_names`` are always given.
        strata: What the split takes equal shares of, (n,); the labels by default.
        facts: What reports tell beside the usual.
    """

    train: Samples
    test: Samples
    groups: Groups
    strata: Tensor | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


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
    test = images.test
    groups = images.groups.take(split.training)
    n_classes = len(groups.class_names)
    request = options.forget
    labels, forget_indices = select_forget_set(
        request, train, n_classes, options.seed, groups, split
    )
    adjacent_indices = select_adjacent_set(request, train, forget_indices, groups)
    facts: dict[str, Any] = {
        "forget": request.model_dump(mode="json", exclude_none=True),
        "seed": options.seed,
        "model": options.model.facts(),
        **images.facts,
    }
    if isinstance(request, WholeClass):
        facts["forget_class"] = groups.class_names[request.label]
        validation, test = validation.without(request.label), test.without(request.label)
    if adjacent_indices is not None:
        facts["adjacent_classes"] = groups.classes_of(train.labels[adjacent_indices])
    return UnlearningTask(
        name=name,
        train=Samples(train.inputs, labels),
        heldout=heldout,
        validation=validation,
        test=test,
        forget_indices=forget_indices,
        n_classes=n_classes,
        model=options.model.factory(
            n_classes=n_classes, shape=tuple(train.inputs.shape[1:]), mean=mean, std=std
        ),
        recipe=options.recipe,
        facts=facts,
        adjacent_indices=adjacent_indices,
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
