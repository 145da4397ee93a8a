from __future__ import annotations

import math
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.spec.domains import Domain, compare_configurations, parse_knob
from pareto_explorer.sweeps.spec.draws import BalancedDraws

SEEDS = st.integers(-(2**40), 2**40)
INSIDE = st.floats(2**-31, 1 - 2**-31)  # what BalancedDraws may give
SCALES = {
    "uniform": (Domain("uniform", (-2.0, 6.0)), lambda v: (v + 2) / 8),
    "loguniform": (Domain("loguniform", (0.001, 0.1)), lambda v: math.log(v / 0.001, 100)),
    "normal": (Domain("normal", (5.0, 0.1)), lambda v: norm.cdf(v, 5, 0.1)),
}
"""Domains, and what takes their values to the quantiles."""


def configurations(knobs, number, seed=0, where="family", also=()):
    names = [name for name, d in knobs.items() if isinstance(d, Domain) and d.drawn]
    return compare_configurations(where, knobs, number, BalancedDraws([*names, *also], seed))


@pytest.mark.parametrize(
    ("value", "inside"),
    [
        ({"uniform": [0.2, 0.8]}, lambda v: 0.2 <= v <= 0.8),
        ({"loguniform": [0.001, 0.1]}, lambda v: 0.001 <= v <= 0.1),
        ({"quniform": [0, 1, 0.25]}, lambda v: v in (0, 0.25, 0.5, 0.75, 1)),
        ({"quniform": [0.3, 0.7, 0.1]}, lambda v: 0.3 <= v <= 0.7),
        ({"quniform": [0.05, 0.95, 0.1]}, lambda v: 0.1 <= v <= 0.9 and round(v, 1) == round(v, 9)),
        ({"randint": [1, 4]}, lambda v: v in (1, 2, 3) and type(v) is int),
        ({"lograndint": [1, 100]}, lambda v: 1 <= v < 100 and type(v) is int),
        ({"normal": [5, 0.1]}, lambda v: 4 < v < 6 and type(v) is float),
        ({"choice": ["sgd", "adamw"]}, lambda v: v in ("sgd", "adamw")),
    ],
)
@given(quantile=INSIDE)
def test_values_stay_inside_their_domain(value, inside, quantile):
    assert inside(parse_knob("lr", value).at(quantile))


@pytest.mark.parametrize("kind", SCALES)
@given(quantile=st.floats(0.001, 0.999))
def test_a_value_lies_at_its_quantile_on_the_scale_of_its_domain(kind, quantile):
    domain, scale = SCALES[kind]
    assert scale(domain.at(quantile)) == pytest.approx(quantile, abs=1e-9)


@pytest.mark.parametrize("kind", SCALES)
@given(seed=SEEDS, k=st.integers(0, 6))
def test_each_of_equal_parts_of_the_range_gets_one_configuration(kind, seed, k):
    domain, scale = SCALES[kind]
    drawn = configurations({"momentum": 0.9, "knob": domain}, 2**k, seed)
    assert sorted(int(scale(c["knob"]) * 2**k) for c in drawn) == list(range(2**k))
    assert all(c["momentum"] == 0.9 for c in drawn)


@pytest.mark.parametrize(
    ("domain", "values"),
    [
        (Domain("choice", ("a", "b", "c")), "abc"),
        (Domain("randint", (2, 9)), range(2, 9)),
        (Domain("quniform", (0.25, 1.0, 0.25)), (0.25, 0.5, 0.75, 1.0)),
    ],
)
@given(seed=SEEDS, k=st.integers(0, 6))
def test_values_that_can_be_counted_get_equal_shares(domain, values, seed, k):
    found = Counter(c["knob"] for c in configurations({"knob": domain}, 2**k, seed))
    share = 2**k / len(values)
    assert set(found) <= set(values)
    assert all(share - 2 < found[value] < share + 2 for value in values)


@given(seed=SEEDS, number=st.integers(1, 64))
def test_families_share_the_quantiles_of_shared_knobs(seed, number):
    narrow = {"lr": Domain("uniform", (0.0, 1.0))}
    wide = {"lr": Domain("uniform", (0.0, 10.0)), "weight": Domain("uniform", (0.0, 1.0))}
    first = configurations(narrow, number, seed, also=["weight"])
    second = configurations(wide, number, seed)
    assert [c["lr"] * 10 for c in first] == pytest.approx([c["lr"] for c in second])


@given(seed=SEEDS, number=st.integers(1, 64))
def test_a_longer_sweep_begins_with_the_shorter_one(seed, number):
    knobs = {"lr": Domain("loguniform", (0.001, 0.1)), "optimizer": Domain("choice", ("a", "b"))}
    assert configurations(knobs, 64, seed)[:number] == configurations(knobs, number, seed)


@given(seed=SEEDS, k=st.integers(0, 4), cells=st.integers(1, 4))
def test_every_cell_of_a_grid_gets_a_balanced_block_of_its_own(seed, k, cells):
    knobs = {
        "intensity": Domain("grid_search", tuple(range(cells))),
        "lr": Domain("uniform", (0.0, 1.0)),
    }
    found = configurations(knobs, cells * 2**k, seed)
    longer = configurations(knobs, cells * 2**k * 3, seed)
    assert longer[: len(found)] == found
    assert len({c["lr"] for c in found}) == len(found)
    for cell in range(cells):
        own = [int(c["lr"] * 2**k) for c in found if c["intensity"] == cell]
        assert sorted(own) == list(range(2**k))


def test_grids_are_crossed_in_order():
    knobs = {
        "intensity": Domain("grid_search", (0.1, 0.2, 0.3)),
        "lr": Domain("grid_search", (1, 2)),
    }
    cells = configurations(knobs, 6)
    assert [(c["intensity"], c["lr"]) for c in cells] == [
        (i, lr) for i in (0.1, 0.2, 0.3) for lr in (1, 2)
    ]


def test_a_family_without_sampled_knobs_has_one_configuration():
    assert configurations({}, 8) == [{}]
    assert configurations({"lr": 0.1}, 8) == [{"lr": 0.1}]


@pytest.mark.parametrize("draws_too", [False, True])
def test_a_grid_that_does_not_fit_is_refused(draws_too):
    knobs = {"intensity": Domain("grid_search", (0.1, 0.2, 0.3))}
    if draws_too:
        knobs["lr"] = Domain("uniform", (0, 1))
    with pytest.raises(InputError, match=r"cup: its grid has 3 cells .* is 4"):
        configurations(knobs, 4, where="cup")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"loguniform": [0, 1]}, r"lr\.loguniform: low must be positive"),
        ({"uniform": [1, 0]}, r"lr\.uniform: low must be below high"),
        ({"uniform": [0]}, r"lr\.uniform: expected \[low, high\], found \[0\]"),
        ({"uniform": ["a", 1]}, r"lr\.uniform: expected finite numbers"),
        ({"uniform": [0, float("nan")]}, r"lr\.uniform: expected finite numbers"),
        ({"uniform": 3}, r"lr\.uniform: expected a list"),
        ({"unifrom": [0, 1]}, r"lr: 'unifrom' is not known; did you mean 'uniform'"),
        ({"uniform": [0, 1], "choice": [1]}, r"lr: expected one domain"),
        ({"normal": [0, 0]}, r"lr\.normal: sd must be positive"),
        ({"randint": [0.5, 2]}, r"lr\.randint: expected whole numbers"),
        ({"quniform": [0, 1, 2]}, r"lr\.quniform: the step"),
        ({"choice": []}, r"lr\.choice: expected a list"),
        ([0.1, 0.2], r"lr: a list is not a knob; write \{choice"),
    ],
)
def test_bad_domains_are_told_in_one_sentence(value, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_knob("lr", value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("domain", "recorded", "drawn"),
    [
        (Domain("loguniform", (0.001, 0.1)), 0.02, 0.02),
        (Domain("randint", (1, 4)), 2.0, 2),
        (Domain("choice", (1, 2)), 2.0, 2),
        (Domain("choice", ("auto", 0.5)), "0.5", 0.5),
        (Domain("choice", ("auto", 0.5)), "auto", "auto"),
        (Domain("choice", (None, 0.5)), pd.NA, None),
        (Domain("grid_search", (True, False)), False, False),
    ],
)
def test_a_value_is_read_back_from_the_table_as_it_was_drawn(domain, recorded, drawn):
    found = domain.recorded(recorded)
    assert (found, type(found)) == (drawn, type(drawn))
