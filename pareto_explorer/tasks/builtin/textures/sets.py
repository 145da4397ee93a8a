"""Sets of texture images: which numbers are in them, what they show and how clearly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pareto_explorer.tasks.builtin.textures.counted_draws import CountedDraws
from pareto_explorer.tasks.builtin.textures.images import TextureClasses, blend_weights, paint
from pareto_explorer.tasks.core.task import Samples

__all__ = ["TextureMaker", "TextureSet", "describe_difficulty"]

_BATCH = 1024  # images painted at once


class TextureSet(NamedTuple):
    """Images with what is known of them.

    Attributes:
        samples: The images with their true labels, on the CPU.
        subclass: Subclass of each, (n,).
        weight: Share of a foreign texture in each, (n,).
    """

    samples: Samples
    subclass: Tensor
    weight: Tensor


@dataclass(frozen=True)
class TextureMaker:
    """Makes sets of images on a device, batch by batch, and brings them to the CPU.

    Attributes:
        classes: The classes.
        fine: Whether labels are subclasses, not superclasses.
        difficulty: Largest share of another label's texture in an image.
        size: Height and width in pixels.
        seed: Seed of all images.
        device: Where they are painted.
    """

    classes: TextureClasses
    fine: bool
    difficulty: float
    size: int
    seed: int
    device: torch.device

    def make(self, first: int, count: int) -> TextureSet:
        """Makes the ``count`` images from number ``first`` on, subclass after subclass in turn."""
        index = torch.arange(first, first + count)
        subclass = (index - first) % (self.classes.superclasses * self.classes.subclasses)
        draws = CountedDraws(self.seed, index)
        weight = blend_weights(draws.uniform(), self.difficulty).flatten()
        foreign = _foreign(self.classes, subclass, self.fine, draws)
        images = torch.empty(count, 3, self.size, self.size, dtype=torch.uint8)
        for batch in torch.split(torch.arange(count), _BATCH):
            own, other, share, number = (
                values[batch].to(self.device) for values in (subclass, foreign, weight, index)
            )
            painted = paint(self.classes, own, other, share, number, self.seed, self.size)
            images[batch] = painted.cpu()
        labels = subclass if self.fine else subclass // self.classes.subclasses
        return TextureSet(Samples(images, labels), subclass, weight)


def _foreign(classes: TextureClasses, subclass: Tensor, fine: bool, draws: CountedDraws) -> Tensor:
    """Draws a subclass of another label for each image."""
    if fine:
        return _another(subclass, classes.superclasses * classes.subclasses, draws)
    within = (draws.uniform().flatten() * classes.subclasses).long()
    superclass = _another(subclass // classes.subclasses, classes.superclasses, draws)
    return superclass * classes.subclasses + within


def _another(labels: Tensor, count: int, draws: CountedDraws) -> Tensor:
    """Draws a label that differs from the given one, uniform over the ``count`` - 1 others."""
    return (labels + 1 + (draws.uniform().flatten() * (count - 1)).long()) % count


def describe_difficulty(
    difficulty: float, sets: Mapping[str, TextureSet], forgotten: Tensor
) -> dict[str, Any]:
    """Says what share of foreign texture images have, and how many show more of it than their own.

    Args:
        difficulty: Largest share.
        sets: ``train``, ``heldout``, ``validation`` and ``test``.
        forgotten: Positions of the forget set in ``train``, (k,).

    Returns:
        JSON-able facts: the mean share and the share of such images, by set.
    """
    train = sets["train"].weight
    kept = torch.ones(len(train), dtype=torch.bool)
    kept[forgotten] = False
    weights = {"retain": train[kept], "forget": train[forgotten]}
    weights |= {name: sets[name].weight for name in ("heldout", "validation", "test")}
    return {
        "largest_share": difficulty,
        "mean_share": {name: round(float(w.mean()), 4) for name, w in weights.items()},
        "mostly_foreign": {
            name: round(float((w > 0.5).float().mean()), 4) for name, w in weights.items()
        },
    }
