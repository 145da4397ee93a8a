"""Ten families of procedural textures, each with one shape parameter.

A field maps coordinates and a shape parameter t in [0, 1] to values of about [-1, 1]. Position,
rotation and all irregularities are drawn for each image, and no family depends on direction or
handedness, so crops and flips keep the class. Everything is element-wise, so an image does
not depend on the batch that it is made in.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pareto_explorer.tasks.builtin.textures.counted_draws import CountedDraws

__all__ = ["FAMILIES", "Field", "warp"]

#: (x (B, H, W), y (B, H, W), t (B, 1, 1), draws) -> (B, H, W); the image spans one unit.
Field = Callable[[Tensor, Tensor, Tensor, CountedDraws], Tensor]

_TURN = 2 * math.pi
_WAVES = 10


def stripes(x: Tensor, y: Tensor, t: Tensor, draws: CountedDraws) -> Tensor:
    """Parallel waves; t is their density."""
    along, _ = _rotated(x, y, _TURN * draws.uniform())
    return torch.sin(_TURN * (_scale(2.5, 8, t) * along + draws.uniform()))


def checks(x: Tensor, y: Tensor, t: Tensor, draws: CountedDraws) -> Tensor:
    """A chess board; t is the density of its squares."""
    u, v = _lattice(x, y, _scale(1.5, 5, t), draws)
    return torch.tanh(4 * torch.sin(_TURN * u) * torch.sin(_TURN * v))


def rings(x: Tensor, y: Tensor, t: Tensor, draws: CountedDraws) -> Tensor:
    """Rings around a point; t is their density."""
    radius = _length(x - draws.uniform(0.2, 0.8), y - draws.uniform(0.2, 0.8))
    return torch.sin(_TURN * (_scale(2.5, 8, t) * radius + draws.uniform()))


def blobs(x: Tensor, y: Tensor, t: Tensor, draws: CountedDraws) -> Tensor:
    """A labyrinth as of reaction and diffusion; t is the density of its walls."""
    return torch.tanh(2 * _noise(x, y, _scale(1.8, 6, t), 1.0, draws))


def cells(x: Tensor, y: Tensor, t: Tensor, draws: CountedDraws) -> Tensor:
    """Voronoi cells with dark borders; t is their density."""
    u, v = _lattice(x, y, _scale(2.5, 8, t), draws)
    column, row = u.floor(), v.floor()
    across, down = draws.per_cell(), draws.per_cell()
    first = second = torch.full_like(u, 9.0)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            number = ((row + dy) * 4096 + column + dx).to(torch.int64)
            point_x, point_y = column + dx + across(number), row + dy + down(number)
            distance = _length(point_x - u, point_y - v)
            second = torch.minimum(second, torch.maximum(first, distance))
            first = torch.minimum(first, distance)
    return torch.tanh(7 * (second - first) - 1.2)


def streaks(x: Tensor, y: Tensor, t: Tensor, draws: CountedDraws) -> Tensor:
    """Brushed noise; t is how much its strokes cross."""
    u, v = _rotated(x, y, _TURN * draws.uniform())
    return torch.tanh(1.5 * _noise(u, v, draws.uniform(4.0, 5.0), _scale(0.03, 0.4, t), draws))


def dots(x: Tensor, y: Tensor, t: Tensor, draws: CountedDraws) -> Tensor:
    """Round dots on a square lattice; t is their size."""
    u, v = _lattice(x, y, draws.uniform(3.0, 3.6), draws)
    distance = _length(u - u.floor() - 0.5, v - v.floor() - 0.5)
    return torch.tanh(9 * (_scale(0.14, 0.42, t) - distance))


def bricks(x: Tensor, y: Tensor, t: Tensor, draws: CountedDraws) -> Tensor:
    """Courses of bricks; t is their length."""
    u, v = _lattice(x, y, draws.uniform(4.5, 5.5), draws)
    row = v.floor()
    course = u / _scale(0.8, 3.2, t) + 0.5 * torch.remainder(row, 2)
    gap_x = (0.5 - (course - course.floor() - 0.5).abs()) * _scale(0.8, 3.2, t)
    gap_y = 0.5 - (v - row - 0.5).abs()
    return torch.tanh(8 * torch.minimum(gap_x, gap_y) - 1)


def honeycomb(x: Tensor, y: Tensor, t: Tensor, draws: CountedDraws) -> Tensor:
    """Three gratings at equal angles; t is their density."""
    u, v = _lattice(x, y, _scale(2, 6.5, t), draws)
    half, tall = 0.5 * u, math.sqrt(0.75) * v
    waves = torch.cos(_TURN * u) + torch.cos(_TURN * (half + tall))
    return (waves + torch.cos(_TURN * (half - tall))) * 0.6


def spirals(x: Tensor, y: Tensor, t: Tensor, draws: CountedDraws) -> Tensor:
    """Three arms around a point, of either handedness; t is how tightly they wind."""
    u, v = x - draws.uniform(0.3, 0.7), y - draws.uniform(0.3, 0.7)
    hand = torch.where(draws.uniform() < 0.5, -1.0, 1.0)
    turns = hand * _scale(1.5, 6, t) * _length(u, v) + draws.uniform()
    return torch.sin(3 * torch.atan2(v, u) + _TURN * turns)


FAMILIES: dict[str, Field] = {
    field.__name__: field
    for field in (
        stripes,
        blobs,
        checks,
        cells,
        rings,
        dots,
        streaks,
        bricks,
        spirals,
        honeycomb,
    )
}
"""Families by name, in the order in which tasks take them."""


def warp(x: Tensor, y: Tensor, draws: CountedDraws) -> tuple[Tensor, Tensor]:
    """Bends the coordinates as if the texture lay on crumpled cloth."""
    bent = []
    for own, other in ((x, y), (y, x)):
        wave = draws.uniform(1.0, 1.6) * other + 0.4 * own + draws.uniform()
        bent.append(own + 0.07 * torch.sin(_TURN * wave))
    return bent[0], bent[1]


def _scale(low: float, high: float, t: Tensor) -> Tensor:
    """Goes from low to high in equal ratios."""
    return low * torch.exp(math.log(high / low) * t)


def _rotated(x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return x * cosine + y * sine, y * cosine - x * sine


def _lattice(x: Tensor, y: Tensor, density: Tensor, draws: CountedDraws) -> tuple[Tensor, Tensor]:
    """Coordinates in units of a turned and shifted lattice's cells."""
    u, v = _rotated(x, y, _TURN * draws.uniform())
    return u * density + draws.uniform(0, 2), v * density + draws.uniform(0, 2)


def _length(x: Tensor, y: Tensor) -> Tensor:
    return torch.sqrt(x * x + y * y)


def _noise(
    x: Tensor, y: Tensor, density: Tensor, spread: Tensor | float, draws: CountedDraws
) -> Tensor:
    """Sum of waves of one density in drawn directions, a share ``spread`` of all directions."""
    total = torch.zeros_like(x)
    for _ in range(_WAVES):
        angle = math.pi * spread * draws.uniform(-0.5, 0.5)
        along, _ = _rotated(x, y, angle)
        wave = density * draws.uniform(0.85, 1.15) * along + draws.uniform()
        total = total + torch.sin(_TURN * wave)
    return total * math.sqrt(2 / _WAVES)
