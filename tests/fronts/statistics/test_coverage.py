from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from pareto_explorer.fronts import coverage_sentences, knob_coverage
from pareto_explorer.fronts.core.domains import KnobDomain
from tests.fronts.twins_ranges import largest_hole, share_tried

LR = KnobDomain("loguniform", (0.001, 0.1))


def points(**families):
    """One row per trial, with the knob's value."""
    return pd.DataFrame(
        [
            {"trial_id": f"{family}-{i}", "family": family, "config.lr": value}
            for family, values in families.items()
            for i, value in enumerate(values)
        ]
    )


def covered(values, domain=LR):
    (row,) = knob_coverage(points(f=values), {"f": {"lr": domain}}).to_dict("records")
    return row


def test_an_unlucky_draw_by_hand():
    # quantiles 0.02, 0.11, 0.19 and 0.20 of the range in logs
    row = covered([0.001 * 100**q for q in (0.11, 0.02, 0.20, 0.19)])
    assert (row["configurations"], row["parts"], row["tried"]) == (4, 4, 0.25)
    assert row["largest_hole"] == pytest.approx(0.8)
    assert (row["hole_from"], row["hole_to"]) == pytest.approx((0.001 * 100**0.2, 0.1))
    assert row["poor"]
    table = knob_coverage(points(f=[0.0011, 0.0012]), {"f": {"lr": LR}})
    assert coverage_sentences(table) == [
        "lr of f: only 1 of 2 equal parts of [0.001, 0.1] tried, and nothing between 0.0012 and "
        "0.1."
    ]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_range_agrees_with_the_definition(places):
    row = covered(places, KnobDomain("uniform", (0.0, 1.0)))
    parts = max(2**k for k in range(6) if 2**k <= len(places))
    assert row["parts"] == parts
    assert row["tried"] == pytest.approx(share_tried(places, parts))
    assert row["largest_hole"] == pytest.approx(largest_hole(places))
    assert row["poor"] == (len(places) == 1 or share_tried(places, parts) < 0.75)


@pytest.mark.parametrize("n", [2, 3, 4, 6, 8, 11, 16, 50])
@pytest.mark.parametrize(
    "domain",
    [LR, KnobDomain("randint", (0, 6)), KnobDomain("quniform", (0, 1, 0.1)),
     KnobDomain("lograndint", (1, 40)), KnobDomain("normal", (0, 1))],
    ids=lambda domain: domain.kind,
)  # fmt: skip
def test_a_balanced_draw_covers_every_range(n, domain):
    quantiles = qmc.Sobol(1, seed=n).random_base2(6)[:n, 0]
    inverse = {
        "loguniform": lambda q: 0.001 * 100**q,
        "randint": lambda q: int(q * 6),
        "quniform": lambda q: int(q * 11) / 10,
        "lograndint": lambda q: int(40**q),
        "normal": lambda q: NormalDist().inv_cdf(min(max(q, 1e-9), 1 - 1e-9)),
    }[domain.kind]
    row = covered([inverse(q) for q in quantiles], domain)
    assert row["tried"] == 1.0
    assert not row["poor"]


def test_a_choice_is_measured_by_its_options():
    domain = KnobDomain("choice", ("a", "b", "c"))
    row = covered(["a", "a", "b", "a"], domain)
    assert (row["parts"], row["untried"]) == (3, "c")
    assert row["tried"] == pytest.approx(2 / 3)
    assert np.isnan(row["largest_hole"])
    assert row["poor"]
    table = knob_coverage(points(f=["a", "a", "b", "a"]), {"f": {"lr": domain}})
    assert coverage_sentences(table) == ["lr of f: of {a, b, c}, c was never tried."]
    assert covered([32.0, 64.0], KnobDomain("choice", (32, 64)))["tried"] == 1.0
    assert covered(["True", "False"], KnobDomain("choice", (True, False)))["tried"] == 1.0
    assert covered(["a", "b"], domain)["tried"] == 1.0  # as many as could be


def test_one_configuration_says_nothing_of_the_range():
    row = covered([0.01])
    assert row["poor"]
    table = knob_coverage(points(f=[0.01]), {"f": {"lr": LR}})
    assert "one value of [0.001, 0.1] was tried" in coverage_sentences(table)[0]


def test_families_with_the_same_draw_are_warned_of_together():
    drawn = {name: [0.001, 0.0012, 0.0011, 0.0013] for name in "abcd"}
    table = knob_coverage(
        points(**drawn, e=[0.001, 0.09, 0.02, 0.004]), {name: {"lr": LR} for name in "abcde"}
    )
    (sentence,) = coverage_sentences(table)
    assert sentence.startswith("lr of a, b and 2 others: only 1 of 4 equal parts")
    assert table.set_index("family")["poor"].to_dict() == dict.fromkeys("abcd", True) | {"e": False}


def test_only_what_was_drawn_counts():
    table = points(f=[0.01, 0.02], g=[None, None])
    domains = {"f": {"lr": LR, "weight": LR}, "g": {"lr": LR}, "gone": {"lr": LR}, "none": {}}
    assert knob_coverage(table, domains)[["family", "knob"]].to_numpy().tolist() == [["f", "lr"]]
    assert knob_coverage(table, {}).empty
    assert coverage_sentences(knob_coverage(table, {})) == []


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_infinity_is_an_option_as_any_other_and_the_end_of_a_range():
    choice = KnobDomain("choice", (0.1, float("inf")))
    tried = covered([0.1, 0.1, float("inf"), 0.1], choice)
    assert (tried["tried"], tried["untried"]) == (1.0, "")
    assert covered([0.1, 0.1], choice)["untried"] == "inf"
    for domain in (LR, KnobDomain("normal", (0, 1)), KnobDomain("quniform", (0, 1, 0.1))):
        row = covered([-np.inf, 0.01, 0.05, np.inf], domain)
        assert 0 <= row["tried"] <= 1
