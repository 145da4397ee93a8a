from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pareto_explorer.tasks.builtin.textures.counted_draws import CountedDraws
from pareto_explorer.tasks.builtin.textures.families import FAMILIES, warp
from pareto_explorer.tasks.builtin.textures.images import (
    MOST_SUPERCLASSES,
    TextureClasses,
    blend_weights,
    paint,
)

CLASSES = TextureClasses(superclasses=MOST_SUPERCLASSES, subclasses=2, entanglement=0.2)
N_SUBCLASSES = 2 * MOST_SUPERCLASSES


def painted(index: Tensor, weight: float = 0.3, size: int = 16, seed: int = 0) -> Tensor:
    subclass = index % N_SUBCLASSES
    foreign = (subclass + 5) % N_SUBCLASSES
    weights = torch.full((len(index),), weight)
    return paint(CLASSES, subclass, foreign, weights, index, seed, size)


def test_an_image_is_the_same_in_any_batch() -> None:
    index = torch.arange(3 * N_SUBCLASSES + 1)
    whole = painted(index)
    assert whole.shape == (len(index), 3, 16, 16)
    assert whole.dtype == torch.uint8
    for size in (1, 7, 64):
        parts = [painted(part) for part in index.split(size)]
        assert torch.equal(torch.cat(parts), whole)


def test_images_differ_and_come_from_the_seed() -> None:
    index = torch.arange(2 * N_SUBCLASSES)
    images = painted(index)
    assert len(images.flatten(1).unique(dim=0)) == len(index)
    assert torch.equal(images, painted(index))
    assert not torch.equal(images, painted(index, seed=1))


def test_without_a_foreign_share_the_foreign_class_is_not_seen() -> None:
    index = torch.arange(10)
    zeros = torch.zeros(10)
    one, other = (
        paint(CLASSES, index, foreign, zeros, index, 0, 16) for foreign in (index + 1, index + 2)
    )
    assert torch.equal(one, other)


def test_at_a_whole_foreign_share_the_own_class_is_not_seen() -> None:
    index = torch.arange(10)
    ones = torch.ones(10)
    one, other = (paint(CLASSES, own, index, ones, index, 0, 16) for own in (index + 1, index + 2))
    assert (one.int() - other.int()).abs().max() <= 1  # rounding


@pytest.mark.parametrize("name", FAMILIES)
def test_fields_are_bounded_varied_and_shaped_by_t(name: str) -> None:
    ticks = (torch.arange(32) + 0.5) / 32
    y, x = (each.expand(24, -1, -1) for each in torch.meshgrid(ticks, ticks, indexing="ij"))

    def field(t: float, warped: bool = False) -> Tensor:
        draws = CountedDraws(0, torch.arange(24))
        u, v = warp(x, y, draws) if warped else (x, y)
        return FAMILIES[name](u, v, torch.full((24, 1, 1), t), draws)

    for warped in (False, True):
        low, high = field(0.1, warped), field(0.9, warped)
        assert low.shape == (24, 32, 32)
        assert low.abs().max() <= 2
        assert (low.std((1, 2)) > 0.1).all()
        assert ((low - high).abs().mean((1, 2)) > 0.05).all()


def test_entanglement_pulls_subclasses_together() -> None:
    subclass = torch.arange(4).repeat_interleave(500)
    draw = CountedDraws(0, torch.arange(2000)).uniform()

    def ranges(entanglement: float) -> list[tuple[float, float]]:
        shape = TextureClasses(1, 4, entanglement).shape(subclass, draw).reshape(4, 500)
        return [(row.min().item(), row.max().item()) for row in shape]

    def apart(entanglement: float) -> float:
        found = ranges(entanglement)
        return found[1][0] - found[0][1]

    assert all(0 <= low < high <= 1 for low, high in ranges(0.0))
    assert apart(0.0) > apart(0.5) > 0 > apart(0.7) > apart(1.0)
    width = 0.4 / 4
    assert apart(1.0) == pytest.approx(-width, abs=0.01)


@pytest.mark.parametrize("difficulty", [0.0, 0.4, 0.7, 0.9, 1.0])
def test_blend_weights_have_their_distribution(difficulty: float) -> None:
    weight = blend_weights(torch.linspace(0, 1, 100_001)[:-1], difficulty)
    assert weight.min() >= 0
    assert weight.max() <= difficulty
    assert weight.mean().item() == pytest.approx(difficulty / 4, abs=1e-3)
    expected = max(0.0, 1 - 0.5 / difficulty) ** 3 if difficulty else 0.0
    assert (weight > 0.5).float().mean().item() == pytest.approx(expected, abs=1e-3)


def test_names_tell_the_families() -> None:
    assert CLASSES.names[:2] == ("stripes", "blobs")
    assert len(set(CLASSES.names)) == MOST_SUPERCLASSES == 20
    assert TextureClasses(3, 2, 0.0).names == CLASSES.names[:3]
