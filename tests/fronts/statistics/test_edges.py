import numpy as np
import pytest

from pareto_explorer.fronts import edge_sentences, knob_edges
from pareto_explorer.fronts.core.domains import KnobDomain
from tests.fronts.statistics.test_half_samples import box, random_family, table
from tests.fronts.twins_ranges import edge

UNIT = KnobDomain("uniform", (0.0, 1.0))


def edges(places, drawn, domain=UNIT, m=2):
    points = table({"f": drawn}, m, knobs={"f": places})
    return knob_edges(points, box(m), {"f": {"lr": domain}})


def reaching(*volumes):
    """One replicate, one point per configuration that dominates so much."""
    return {0: [[(0.0, 1.0 - volume)] for volume in volumes]}


def test_a_family_that_is_best_at_an_end_by_hand():
    places = [0.02, 0.3, 0.6, 0.95]
    found = edges(places, reaching(0.1, 0.3, 0.6, 0.8))
    assert found.to_dict("records") == [
        {"family": "f", "knob": "lr", "domain": "[0, 1]", "end": "upper", "best": "f-003",
         "lost": pytest.approx(0.25)}
    ]  # fmt: skip
    assert edge_sentences(found) == ["lr: the best of f lie at the upper end of [0, 1]; widen it."]
    (lower,) = edges(places, reaching(0.8, 0.6, 0.3, 0.1))["end"]
    assert lower == "lower"


@pytest.mark.parametrize(
    ("why", "places", "volumes"),
    [
        ("the best is inside", [0.02, 0.3, 0.6, 0.85], (0.1, 0.3, 0.6, 0.8)),
        ("little is lost", [0.02, 0.3, 0.6, 0.95], (0.1, 0.3, 0.78, 0.8)),
        ("the other side is better without it", [0.02, 0.3, 0.6, 0.95], (0.1, 0.5, 0.3, 0.8)),
        ("nothing is reached", [0.02, 0.3, 0.6, 0.95], (0.0, 0.0, 0.0, 0.0)),
        ("too few configurations", [0.3, 0.6, 0.95], (0.3, 0.6, 0.8)),
    ],
)
def test_what_is_no_edge(why, places, volumes):
    assert edges(places, reaching(*volumes)).empty, why


@pytest.mark.parametrize("n", [4, 8, 16])
def test_a_knob_that_sweeps_the_trade_off_has_no_edge(n):
    places = (np.arange(n) + 0.5) / n
    for power in (0.5, 1.0, 2.0):
        drawn = {0: [[(x, (1 - x**power) ** (1 / power))] for x in places.tolist()]}
        assert edges(places, drawn).empty


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("seed", range(25))
def test_agrees_with_the_definition(m, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    drawn, places = random_family(rng, n, m, low=0.4), rng.random(n).round(1)
    if seed % 2:  # such that edges are common
        order = np.argsort(places)
        for replicate, of_replicate in drawn.items():
            best = sorted(of_replicate, key=lambda own: min(map(max, own)), reverse=True)
            drawn[replicate] = [best[int(np.flatnonzero(order == i)[0])] for i in range(n)]
    found = edges(places, drawn, m=m)["end"].tolist()
    assert found == [end for end in [edge(drawn, places.tolist(), (1.0,) * m)] if end]


def test_chance_seldom_looks_like_an_edge_and_a_trend_does():
    rng = np.random.default_rng(0)
    alarms, missed, due = 0, 0, 0
    for _ in range(200):
        places = (rng.permutation(8) + rng.random(8)) / 8  # balanced
        volumes = rng.uniform(0.2, 0.9, 8)
        alarms += not edges(places, reaching(*volumes)).empty
        due += places.max() >= 0.9
        trend = np.exp(-3 * (1 - places))
        missed += places.max() >= 0.9 and edges(places, reaching(*trend)).empty
    assert alarms <= 20
    assert due > 100
    assert missed <= due / 5


def test_choices_and_unbounded_knobs_have_no_edge():
    places, drawn = [0.0, 0.3, 0.6, 1.0], reaching(0.1, 0.3, 0.6, 0.8)
    assert not edges(places, drawn).empty
    for domain in (KnobDomain("choice", (0.0, 0.3, 0.6, 1.0)), KnobDomain("normal", (0.5, 0.2))):
        assert edges(places, drawn, domain).empty


def test_families_with_the_same_edge_are_told_together():
    drawn = reaching(0.1, 0.3, 0.6, 0.8)
    places = [0.02, 0.3, 0.6, 0.95]
    points = table(dict.fromkeys("abc", drawn), knobs=dict.fromkeys("abc", places))
    found = knob_edges(points, box(), {name: {"lr": UNIT} for name in "abc"})
    assert edge_sentences(found) == [
        "lr: the best of a, b and 1 other lie at the upper end of [0, 1]; widen it."
    ]
    assert edge_sentences(found.iloc[:0]) == []


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_infinity_lies_at_the_end_of_a_range():
    found = edges([0.02, 0.3, 0.6, np.inf], reaching(0.1, 0.3, 0.6, 0.8))
    assert found["end"].tolist() == ["upper"]
