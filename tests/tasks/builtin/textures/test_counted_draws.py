from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.tasks.builtin.textures.counted_draws import CountedDraws, scramble


def plain_scramble(value: int) -> int:
    for shift, factor in ((16, 0x21F0AAAD), (15, 0x735A2D97)):
        value = ((value ^ (value >> shift)) * factor) % 2**32
    return value ^ (value >> 15)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_scramble_is_what_unbounded_integers_give(value: int) -> None:
    assert scramble(torch.tensor([value])).item() == plain_scramble(value)


def test_scramble_permutes() -> None:
    values = torch.cat((torch.arange(50_000), torch.arange(2**32 - 50_000, 2**32)))
    assert len(scramble(values).unique()) == len(values)


def test_a_sample_draws_the_same_in_any_batch() -> None:
    together, alone = CountedDraws(3, torch.arange(7, 12)), CountedDraws(3, torch.tensor([9]))
    for _ in range(3):
        assert torch.equal(together.uniform()[2], alone.uniform()[0])
    cells = torch.arange(-8, 8).reshape(1, 4, 4)
    assert torch.equal(together.per_cell()(cells)[2], alone.per_cell()(cells)[0])


def test_draws_are_uniform_and_unrelated() -> None:
    n = 20_000
    draws = CountedDraws(0, torch.arange(n))
    values = torch.stack([draws.uniform().flatten() for _ in range(4)])
    shifted = CountedDraws(0, torch.arange(1, n + 1)).uniform().flatten()
    other_stream = CountedDraws(0, torch.arange(n), stream=1).uniform().flatten()
    other_seed = CountedDraws(1, torch.arange(n)).uniform().flatten()
    values = torch.cat((values, shifted[None], other_stream[None], other_seed[None]))
    assert values.min() >= 0
    assert values.max() < 1
    counts = torch.stack([row.histc(20, 0, 1) for row in values])
    assert ((counts - n / 20).abs() < 5 * (n / 20) ** 0.5).all()
    related = torch.corrcoef(values) - torch.eye(len(values))
    assert related.abs().max() < 5 / n**0.5


def test_ranges_scale_the_draw() -> None:
    index = torch.arange(100)
    unit, wide = CountedDraws(0, index).uniform(), CountedDraws(0, index).uniform(-2, 6)
    assert unit.shape == (100, 1, 1)
    assert torch.allclose(wide, 8 * unit - 2)


def test_cells_have_draws_of_their_own() -> None:
    cells = torch.arange(10_000).reshape(1, 100, 100)
    values = CountedDraws(0, torch.arange(2)).per_cell()(cells)
    assert values.shape == (2, 100, 100)
    assert abs(values.mean().item() - 0.5) < 0.02
    assert len(values.unique()) > 19_900  # of 24 bits; a few meet by chance
