"""The textures task: procedural images whose hardness is a matter of choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from pareto_explorer.errors import InputError, brief, first_line, unknown
from pareto_explorer.tasks.builtin.build import forget_parts
from pareto_explorer.tasks.builtin.textures.images import MOST_SUPERCLASSES, TextureClasses
from pareto_explorer.tasks.builtin.textures.sets import TextureMaker, describe_difficulty
from pareto_explorer.tasks.core.groups import Groups
from pareto_explorer.tasks.core.recipes import RECIPES, parse_recipe
from pareto_explorer.tasks.core.task import Samples, UnlearningTask
from pareto_explorer.tasks.data.augment import CropFlip
from pareto_explorer.tasks.forget.requests import ForgetRequest, RandomSubset
from pareto_explorer.tasks.models.specs import parse_model

__all__ = ["textures"]

_MEAN, _STD = (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)
_MOST_PIXELS = 4 * 10**9  # of all training images, three bytes each
_FIRST = {"train": 0, "heldout": 1 << 30, "validation": 2 << 30, "test": 3 << 30}
"""Number of each set's first image: no image is in two sets, and none depends on a set's size."""


def textures(
    forget: ForgetRequest | None = None,
    seed: int = 0,
    superclasses: int = 5,
    subclasses: int = 4,
    labels: Literal["fine", "coarse"] = "fine",
    train_size: int = 45_000,
    entanglement: float = 0.3,
    label_noise: float = 0.0,
    difficulty: float = 0.8,
    size: int = 32,
    augment: bool = False,
    model: str | Mapping[str, Any] = "resnet18",
    recipe: str | Mapping[str, Any] | None = None,
    device: str = "cpu",
) -> UnlearningTask:
    """Builds a task of coloured textures, made from a seed: no data are needed.

    A superclass is a family of textures (stripes, blobs, checks, cells, ...; from the eleventh on
    the same families warped), a subclass a range of the family's shape parameter. Colours,
    positions, rotations and irregularities are drawn for each image and tell nothing.

    Two knobs set how hard unlearning is. *Entanglement* pulls the subclasses of a superclass
    together: their shape ranges overlap from 0.6 on and are one range at 1, where a subclass
    is a random part of its superclass. *Difficulty* blends the texture of another class into every
    image, with the share difficulty·Beta(1, 3): from 1/2 on, a part (1 - 1/(2·difficulty))³ of
    all images shows more of the other class, so that a model has to memorise it and errs on
    as large a part of unseen images at least: 2.3 % at 0.7, 5.3 % at 0.8, 8.8 % at 0.9.

    Held-out and validation set have an eighteenth of ``train_size`` each, the test set two ninths
    of it: 2,500, 2,500 and 10,000 by default, which are CIFAR-10's proportions. Classes are equally
    frequent.

    Args:
        forget: What to forget; 10 % of the training samples by default. It is applied to the true
            labels. A ``class`` request drops the class from validation and test (see
            `WholeClass`); ``class`` and ``subclass`` requests give the task an adjacent set, the
            rest of the superclass.
        seed: Seed of the images, of the label noise and of the forget request.
        superclasses: Number of families, 1 to 20.
        subclasses: Number of subclasses of each.
        labels: ``fine``: classes are subclasses; ``coarse``: classes are superclasses.
        train_size: Training images, at least 18 per subclass.
        entanglement: In [0, 1].
        label_noise: Share of the training samples with a wrong label, uniform over the others,
            besides those of a ``mislabelled`` request.
        difficulty: Largest share of another class's texture in an image, in [0, 1].
        size: Height and width in pixels.
        augment: Whether training batches are cropped and flipped at random, which makes
            memorising take longer.
        model: See `parse_model`.
        recipe: See `parse_recipe`; ``fast`` by default.
        device: Where the images are made, for example ``cuda``. On one type of device the same
            seed gives the same images; between types a pixel may differ by one level.

    Raises:
        InputError: When an option is out of its range or the request does not fit.
    """
    classes = _checked_classes(superclasses, subclasses, labels, entanglement)
    _check_range("seed", seed, 0, 2**63 - 1)
    _check_range("size", size, 8, 1024)
    most = _MOST_PIXELS // size**2
    _check_range("train_size", train_size, 18 * superclasses * subclasses, most)
    for name, share, high in (("label_noise", label_noise, 0.9), ("difficulty", difficulty, 1)):
        _check_share(name, share, high)
    if type(augment) is not bool:
        raise InputError(f"task.augment: {brief(augment)} must be true or false.")
    spec, training = parse_model(model), parse_recipe(recipe, RECIPES["fast"])
    fine = labels == "fine"
    maker = TextureMaker(classes, fine, difficulty, size, seed, _device(device))
    counts = (train_size, train_size // 18, train_size // 18, train_size * 2 // 9)
    sets = {
        name: maker.make(first, count)
        for (name, first), count in zip(_FIRST.items(), counts, strict=True)
    }
    train, validation, test = (sets[name].samples for name in ("train", "validation", "test"))
    groups = _groups(classes, fine, sets["train"].subclass)
    n_classes = len(groups.class_names)
    request = RandomSubset() if forget is None else forget
    parts = forget_parts(request, train, validation, test, n_classes, seed, groups)
    trained = parts.train.labels
    noisy = _with_noise(trained, train.labels, label_noise, n_classes, seed)
    own = {
        "classes": list(groups.class_names),
        "entanglement": entanglement,
        "label_noise": {"share": label_noise, "samples": int((noisy != trained).sum())},
        "difficulty": describe_difficulty(difficulty, sets, parts.forget_indices),
        "model": spec.facts(),
    }
    return UnlearningTask(
        name="textures",
        train=Samples(train.inputs, noisy),
        heldout=sets["heldout"].samples,
        validation=parts.validation,
        test=parts.test,
        forget_indices=parts.forget_indices,
        n_classes=n_classes,
        model=spec.factory(n_classes=n_classes, shape=(3, size, size), mean=_MEAN, std=_STD),
        recipe=training,
        facts=parts.facts(own),
        adjacent_indices=parts.adjacent_indices,
        planted=parts.planted,
        augment=CropFlip() if augment else None,
    )


def _with_noise(trained: Tensor, true: Tensor, share: float, n_classes: int, seed: int) -> Tensor:
    """Gives a share of the samples that the request has left alone a wrong label."""
    count = round(share * len(trained))
    alone = (trained == true).nonzero().squeeze(1)
    generator = torch.Generator().manual_seed(seed)
    chosen = alone[torch.randperm(len(alone), generator=generator)[:count]]
    shift = torch.randint(1, n_classes, (len(chosen),), generator=generator)
    noisy = trained.clone()
    noisy[chosen] = (noisy[chosen] + shift) % n_classes
    return noisy


def _groups(classes: TextureClasses, fine: bool, subclass: Tensor) -> Groups:
    families = classes.names
    names = tuple(f"{name}_{k}" for name in families for k in range(classes.subclasses))
    if fine:
        superclass = tuple(s for s in range(len(families)) for _ in range(classes.subclasses))
        return Groups(class_names=names, superclass_of=superclass)
    return Groups(class_names=families, subclass_names=names, subclass_of=subclass)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = first_line(error).rstrip(".")
        raise InputError(f"task.device: {name!r} cannot make images ({reason}).") from None
    return device


def _checked_classes(
    superclasses: int, subclasses: int, labels: str, entanglement: float
) -> TextureClasses:
    _check_range("superclasses", superclasses, 1, MOST_SUPERCLASSES)
    _check_range("subclasses", subclasses, 1, 1000)
    _check_share("entanglement", entanglement, 1)
    if labels not in ("fine", "coarse"):
        raise unknown("task.labels", labels, ("fine", "coarse"))
    if superclasses * (subclasses if labels == "fine" else 1) < 2:
        raise InputError(
            f"task.superclasses: {superclasses} makes a single {labels} class; ask for at least 2."
        )
    return TextureClasses(superclasses, subclasses, entanglement)


def _check_range(name: str, value: object, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise InputError(
            f"task.{name}: {brief(value)} must be an integer from {low:,} to {high:,}."
        )


def _check_share(name: str, value: object, high: float) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= high:
        raise InputError(f"task.{name}: {brief(value)} must be a number from 0 to {high}.")
