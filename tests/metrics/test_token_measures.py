"""Closed forms of what metrics of language models are computed with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.metrics.token_measures import (
    AnswerScores,
    extraction_strength,
    harmonic_mean,
    kolmogorov_smirnov,
    log_odds,
    log_truth_ratios,
    privleak,
    share_of_right,
    token_memorisation,
    truthfulness,
)
from pareto_explorer.metrics.token_scores import Scores


def scores(losses: list[float], **others: list[float]) -> Scores:
    """Of sequences of one token with these losses."""
    nll = torch.tensor(losses, dtype=torch.float64)
    fields = {name: torch.ones_like(nll) for name in Scores._fields} | {"nll": nll}
    return Scores(**fields | {n: torch.tensor(v, dtype=torch.float64) for n, v in others.items()})


def test_extraction_strength_is_one_where_all_is_right_and_zero_without_the_last_token() -> None:
    found = scores([0, 0, 0], tokens=[4, 4, 4], tail=[4, 0, 2])
    assert extraction_strength(found) == pytest.approx((1 + 0 + 0.5) / 3)


def test_an_answer_of_an_end_alone_says_nothing_of_memory() -> None:
    assert token_memorisation(scores([0, 0], inner=[0, 4], inner_right=[0, 1])) == 0.25


def test_truth_ratios_are_geometric_and_survive_any_loss() -> None:
    right, wrong = scores([1.0, 2000.0]), [scores([2.0, 0.0]), scores([4.0, 0.0])]
    found = log_truth_ratios(AnswerScores(right, wrong))
    assert found.tolist() == [-2.0, 2000.0]
    assert truthfulness(AnswerScores(right, wrong)) == pytest.approx((1 - np.exp(-2)) / 2)


def test_the_share_of_the_right_answer() -> None:
    found = share_of_right(AnswerScores(scores([np.log(2)]), [scores([np.log(4)])] * 2))
    assert found == pytest.approx(0.5)


def test_equal_ratios_have_no_distance_and_separate_ones_the_least_p_that_tables_show() -> None:
    values = torch.arange(400, dtype=torch.float64)
    assert kolmogorov_smirnov(values, values) == (0, 1)
    apart = kolmogorov_smirnov(values, values + 400)
    assert apart.distance == 1
    assert apart.p == pytest.approx(1.06e-239, rel=5e-3)
    fewer = kolmogorov_smirnov(values[:200], values[:200] + 400)
    assert fewer.p == pytest.approx(1.94e-119, rel=5e-3)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=9))
def test_one_zero_makes_utility_zero_and_else_it_lies_between_its_parts(parts) -> None:
    assert harmonic_mean([*parts, 0.0]) == 0
    assert min(parts) - 1e-12 <= harmonic_mean(parts) <= np.mean(parts) + 1e-12


def test_privleak_is_minus_100_where_nothing_is_forgotten() -> None:
    assert privleak(1.0, 0.5) == -100
    assert privleak(0.5, 0.5) == 0
    assert privleak(0.25, 0.5) == 50
    assert np.isnan(privleak(0.5, 1.0))


def test_log_odds_are_finite() -> None:
    found = log_odds(torch.tensor([0.0, 0.5, 1.0]))
    assert found[1] == 0
    assert found[0] == pytest.approx(-found[2], rel=1e-4)
    assert np.isfinite(found).all()
