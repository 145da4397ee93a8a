"""Images of procedural textures: which class an image shows, and how clearly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pareto_explorer.tasks.builtin.textures.counted_draws import CountedDraws
from pareto_explorer.tasks.builtin.textures.families import FAMILIES, warp

__all__ = ["MOST_SUPERCLASSES", "TextureClasses", "blend_weights", "paint"]

MOST_SUPERCLASSES = 2 * len(FAMILIES)
"""Every family once as it is, and once warped."""

_WIDTH = 0.4  # of a subclass's range of shapes, in units of the distance at entanglement 0
_CONTRAST = 0.45  # length of the swing between two colours, in units of the full scale
_NOISE = 0.06  # largest deviation of a pixel by noise, in units of the full scale


@dataclass(frozen=True)
class TextureClasses:
    """The classes of a textures task.

    Subclass k of K has the shape parameters within ±0.2/K of 0.5 + (1 - entanglement)·(c_k - 0.5)
    with c_k = (k + 0.5)/K: at entanglement 0 the subclasses of a superclass lie apart, from 0.6 on
    their ranges overlap, and at 1 they are one.

    Attributes:
        superclasses: Number of families, 1 to `MOST_SUPERCLASSES`.
        subclasses: Number of subclasses of each.
        entanglement: How close these are to each other, in [0, 1].
    """

    superclasses: int
    subclasses: int
    entanglement: float

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each superclass."""
        plain = list(FAMILIES)
        every = plain + [f"warped_{name}" for name in plain]
        return tuple(every[: self.superclasses])

    def shape(self, subclass: Tensor, draw: Tensor) -> Tensor:
        """Shape parameter of images of subclasses (B,), given a draw in [0, 1) each (B, 1, 1)."""
        within = (subclass % self.subclasses)[:, None, None].to(torch.float32)
        centre = (within + 0.5) / self.subclasses
        centre = 0.5 + (1 - self.entanglement) * (centre - 0.5)
        return centre + _WIDTH / self.subclasses * (draw - 0.5)


def blend_weights(draw: Tensor, difficulty: float) -> Tensor:
    """Share of a foreign texture in each image, from one uniform draw each.

    The share is ``difficulty`` times a Beta(1, 3) variable: most images are clear, and for
    difficulties above 1/2 a part (1 - 1/(2·difficulty))³ of them shows more of the foreign class
    than of its own.
    """
    return difficulty * (1 - (1 - draw) ** (1 / 3))


def paint(
    classes: TextureClasses,
    subclass: Tensor,
    foreign: Tensor,
    weight: Tensor,
    index: Tensor,
    seed: int,
    size: int,
) -> Tensor:
    """Paints a batch of images.

    Colours, contrasts and all that the families draw are those of the image's number, so an image
    is the same in any batch.

    Args:
        classes: The classes.
        subclass: Class of each image, (B,), superclass by superclass.
        foreign: Class whose texture is blended in, (B,).
        weight: Its share, (B,).
        index: Numbers of the images, (B,), distinct within a task.
        seed: Seed of the task.
        size: Height and width in pixels.

    Returns:
        uint8 images (B, 3, size, size), on the device of ``index``.
    """
    own = _layer(classes, subclass, index, seed, size, stream=1)
    other = _layer(classes, foreign, index, seed, size, stream=2)
    image = own + weight[:, None, None, None] * (other - own)
    draws = CountedDraws(seed, index, stream=3)
    pixels = torch.arange(size * size, device=index.device).reshape(1, size, size)
    grain = torch.stack([draws.per_cell()(pixels) for _ in range(3)], dim=1)
    image = image + _NOISE * (2 * grain - 1)
    return (image.clamp(0, 1) * 255).round().to(torch.uint8)


def _layer(
    classes: TextureClasses, subclass: Tensor, index: Tensor, seed: int, size: int, stream: int
) -> Tensor:
    """One texture per image in colours of its own, float (B, 3, size, size)."""
    device = index.device
    field = torch.empty(len(index), size, size, device=device)
    ticks = (torch.arange(size, device=device, dtype=torch.float32) + 0.5) / size
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    families = list(FAMILIES.values())
    superclass = subclass // classes.subclasses
    for number in range(classes.superclasses):
        members = (superclass == number).nonzero().squeeze(1)
        if len(members) == 0:
            continue
        draws = CountedDraws(seed, index[members], stream)
        shape = classes.shape(subclass[members], draws.uniform())
        u, v = x.expand(len(members), -1, -1), y.expand(len(members), -1, -1)
        if number >= len(families):
            u, v = warp(u, v, draws)
        field[members] = families[number % len(families)](u, v, shape, draws)
    return _coloured(field, CountedDraws(seed, index, stream + 3))


def _coloured(field: Tensor, draws: CountedDraws) -> Tensor:
    """Swings around a drawn colour towards another, by the same distance in every image."""
    swings = [draws.uniform(-1, 1) for _ in range(3)]
    length = torch.sqrt(sum((swing * swing for swing in swings), torch.full_like(swings[0], 1e-6)))
    middles = [draws.uniform(0.35, 0.65) for _ in range(3)]
    channels = [
        middle + _CONTRAST / length * swing * field
        for middle, swing in zip(middles, swings, strict=True)
    ]
    return torch.stack(channels, dim=1)
