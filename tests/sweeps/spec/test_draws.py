from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.sweeps.spec.draws import BalancedDraws

SEEDS = st.integers(-(2**70), 2**70)


@given(seed=SEEDS, k=st.integers(0, 6), block=st.integers(0, 20))
def test_each_of_equal_parts_gets_one_of_the_first_quantiles(seed, k, block):
    draws = BalancedDraws(["lr", "weight", "intensity"], seed)
    for quantiles in draws.quantiles(64, block).values():
        parts = np.floor(quantiles[: 2**k] * 2**k).astype(int)
        assert sorted(parts) == list(range(2**k))


@given(seed=SEEDS, k=st.integers(0, 3))
def test_the_first_two_knobs_are_balanced_together(seed, k):
    found = BalancedDraws(["lr", "weight"], seed).quantiles(4**k)
    cells = {
        (int(lr * 2**k), int(w * 2**k))
        for lr, w in zip(found["lr"], found["weight"], strict=True)
    }  # fmt: skip
    assert len(cells) == 4**k


@given(seed=SEEDS, number=st.integers(1, 64))
def test_more_quantiles_begin_with_fewer_and_later_names_change_nothing(seed, number):
    few = BalancedDraws(["lr"], seed).quantiles(number)
    many = BalancedDraws(["lr", "weight", "lr"], seed).quantiles(64)
    assert list(many) == ["lr", "weight"]
    np.testing.assert_array_equal(few["lr"], many["lr"][:number])


def test_quantiles_are_never_0_or_1():
    for seed in range(200):
        found = np.array(list(BalancedDraws("abc", seed).quantiles(64).values()))
        assert ((found > 0) & (found < 1)).all()


def test_another_seed_name_or_block_gives_other_quantiles():
    first = BalancedDraws(["lr", "weight"], 0)
    found = [
        first.quantiles(8)["lr"],
        first.quantiles(8)["weight"],
        first.quantiles(8, block=1)["lr"],
        BalancedDraws(["lr"], 1).quantiles(8)["lr"],
    ]
    assert len({tuple(q) for q in found}) == 4


def test_quantiles_are_uniform_over_seeds():
    found = [BalancedDraws(["lr"], seed).quantiles(1)["lr"][0] for seed in range(2000)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)
    assert np.std(found) == pytest.approx(12**-0.5, abs=0.02)


def test_there_may_be_any_number_of_names():
    names = [f"knob {number}" for number in range(130)]
    found = BalancedDraws(names, 0).quantiles(4)
    assert list(found) == names
    assert all(sorted(np.floor(q * 4)) == [0, 1, 2, 3] for q in found.values())
