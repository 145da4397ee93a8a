from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import (
    Box,
    FamilyHypervolume,
    HypervolumeResult,
    Objective,
    efficacy_fidelity_box,
    family_hypervolumes,
)
from pareto_explorer.fronts.core.domains import KnobDomain
from pareto_explorer.fronts.statistics.comparison import (
    compare_families,
    compare_pairs,
    drawn_once,
    without_verdict,
)
from pareto_explorer.fronts.statistics.half_samples import HalfSamples
from pareto_explorer.fronts.statistics.resampling import Interval, interval
from pareto_explorer.runs import read_manifest, read_points
from tests.fronts.twins_statistics import max_t, signed_rank
from tests.synthetic import write_synthetic_run

BOX = efficacy_fidelity_box()
LOW = [0.40, 0.42, 0.41, 0.43, 0.40, 0.42, 0.41, 0.40]
NEAR = [0.41, 0.41, 0.42, 0.42, 0.41, 0.41, 0.42, 0.39]
FAR = [0.52, 0.51, 0.50, 0.54, 0.53, 0.50, 0.52, 0.51]


def volume(values, box=BOX, half_samples=None):
    return FamilyHypervolume(
        mean=sum(values) / max(len(values), 1),
        per_replicate=dict(enumerate(values)),
        interval=Interval(0.0, 1.0, "range"),
        of_means=HypervolumeResult(0.5, box, 1, 1, 0),
        n_points=1,
        n_beyond=0,
        n_excluded=0,
        half_samples=half_samples,
    )


def compare(**families):
    return compare_families({name: volume(list(values)) for name, values in families.items()})


def by_pair(comparisons):
    return {(c.first, c.second): c for c in comparisons}


def random_volumes(k, n, seed, step=0.0):
    rng = np.random.default_rng(seed)
    return {
        f"f{i:02}": volume((0.5 + step * i + rng.normal(0, 0.05, n)).tolist()) for i in range(k)
    }


def test_one_pair_by_hand():
    b, a = (0.5, 0.4, 0.3, 0.4, 0.5, 0.3), (0.6, 0.6, 0.6, 0.3, 0.9, 0.8)
    (found,) = compare(b=b, a=a)
    assert (found.first, found.second) == ("a", "b")
    # +0.1 +0.2 +0.3 -0.1 +0.4 +0.5: the ranks against are 1.5 of 21
    assert found.differences == pytest.approx({0: 0.1, 1: 0.2, 2: 0.3, 3: -0.1, 4: 0.4, 5: 0.5})
    assert found.mean == pytest.approx(1.4 / 6)
    assert tuple(found.interval) == pytest.approx(
        tuple(interval(list(found.differences.values()))), abs=1e-12
    )
    assert found.probability == pytest.approx(5 / 6)
    # a sum as large needs no flip or that of one ±0.1, for each of the two signs
    assert found.wilcoxon == pytest.approx(2 * 3 / 64)
    assert found.corrected == pytest.approx(2 * 3 / 64)
    assert not found.distinguishable


def test_six_replicates_of_one_sign_are_the_fewest_that_separate():
    for n, p in ((5, 2 / 32), (6, 2 / 64)):
        (found,) = compare(a=[0.5 + 0.01 * i for i in range(n)], b=[0.4] * n)
        assert found.corrected == p
        assert found.distinguishable == (n == 6)
        assert found.wilcoxon == (p if n == 6 else None)
        assert found.probability == 1.0


def test_ties_count_half_and_zeros_are_dropped_from_the_ranks():
    (found,) = compare(a=[0.5, 0.5, 0.6, 0.7, 0.4, 0.5], b=[0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert found.probability == (2 + 0.5 * 3) / 6
    assert found.wilcoxon == pytest.approx(signed_rank([1, 2, -1]))


def test_families_that_are_equal_up_to_rounding_are_not_distinguishable():
    a = [0.1 + 0.2, 0.3, 0.7, 0.6, 0.5, 0.4, 0.2]
    (found,) = compare(a=[x + 1e-16 for x in a], b=a)
    assert (found.mean, found.probability, found.wilcoxon) == (0.0, 0.5, 1.0)
    assert (found.corrected, found.distinguishable) == (1.0, False)
    assert tuple(found.interval) == (0.0, 0.0)


def test_the_published_example_of_the_signed_rank_test():
    # Darwin's maize, Rayner et al. (2005), as in scipy's documentation: exact p 0.041259765625
    d = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]
    (found,) = compare(a=[0.5 + x / 1000 for x in d], b=[0.5] * 15)
    assert found.wilcoxon == pytest.approx(0.041259765625, abs=1e-12)


def test_the_signed_rank_test_agrees_with_scipy_without_ties():
    from scipy.stats import wilcoxon

    rng = np.random.default_rng(0)
    for n in (6, 9, 14, 30):
        d = rng.normal(0.02, 0.05, n)
        (found,) = compare(a=(0.5 + d).tolist(), b=[0.5] * n)
        assert found.wilcoxon == pytest.approx(wilcoxon(d, method="exact").pvalue, abs=1e-12)


few = st.integers(-3, 3).map(lambda k: k / 8)  # ties and zeros


@settings(deadline=None, max_examples=40)
@given(st.integers(6, 8).flatmap(lambda n: st.lists(st.lists(few, min_size=n, max_size=n),
                                                     min_size=2, max_size=4)))  # fmt: skip
def test_p_values_agree_with_the_definitions(values):
    families = {f"f{i}": volume(row) for i, row in enumerate(values)}
    found = compare_families(families)
    rows = [list(c.differences.values()) for c in found]
    assert [c.corrected for c in found] == pytest.approx(max_t(rows), abs=1e-12)
    assert [c.wilcoxon for c in found] == pytest.approx(
        [signed_rank(row) for row in rows], abs=1e-12
    )
    for c in found:
        own = [families[name].per_replicate for name in (c.first, c.second)]
        assert c.differences == {r: own[0][r] - own[1][r] for r in own[0]}


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 6), st.integers(2, 9), st.integers(0, 1000))
def test_properties(k, n, seed):
    families = random_volumes(k, n, seed, step=0.03)
    found = compare_families(families)
    assert len(found) == k * (k - 1) // 2
    ranked = sorted(families, key=lambda name: -families[name].mean)
    assert [(c.first, c.second) for c in found] == list(combinations(ranked, 2))
    assert all(c.mean >= -1e-12 and 0 <= c.probability <= 1 for c in found)
    assert all(2 / 2**n <= c.corrected <= 1 for c in found)
    assert all(c.distinguishable == (c.corrected <= 0.05) for c in found)
    for c in found:  # correcting never helps
        (alone,) = compare_families({name: families[name] for name in (c.first, c.second)})
        assert alone.corrected <= c.corrected
        assert (alone.mean, alone.wilcoxon) == (c.mean, c.wilcoxon)
        assert tuple(alone.interval) == pytest.approx(tuple(c.interval), abs=1e-12)
    assert compare_families(dict(reversed(families.items()))) == found
    order = np.random.default_rng(seed).permutation(n)
    shuffled = {
        name: volume([family.per_replicate[r] for r in order]) for name, family in families.items()
    }
    for c, again in zip(found, compare_families(shuffled), strict=True):
        assert again.corrected == pytest.approx(c.corrected, abs=1e-12)
        assert again.probability == pytest.approx(c.probability)


def test_one_family_far_ahead_does_not_hide_what_the_others_show():
    # step-down: once the large differences are rejected, they no longer compete with the small ones
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 0.01, (3, 10))
    c, b, a = (0.2 + noise[0]).tolist(), (0.212 + noise[1]).tolist(), (0.9 + noise[2]).tolist()
    found = by_pair(compare(a=a, b=b, c=c))
    assert found["a", "b"].corrected == found["a", "c"].corrected == 2 / 1024
    alone = by_pair(compare(b=b, c=c))["b", "c"].corrected
    assert found["b", "c"].corrected == alone


@pytest.mark.parametrize("draw", ["normal", "exponential"])
def test_among_equal_families_hardly_any_is_told_apart(draw):
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(300):
        values = getattr(rng, draw)(size=(6, 7))
        found = compare_families({str(i): volume(row.tolist()) for i, row in enumerate(values)})
        wrong += any(c.distinguishable for c in found)
    # 15 pairs: uncorrected, some pair is "significant" in about 4 of 10 cases
    assert wrong / 300 <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 300)


def test_many_replicates_use_random_flips_and_always_the_same():
    found = compare_families(random_volumes(4, 14, 0, step=0.02))
    assert found == compare_families(random_volumes(4, 14, 0, step=0.02))
    assert min(c.corrected for c in found) >= 1 / 4096
    assert any(c.distinguishable for c in found)
    rows = [[c.differences[r] for r in range(14)] for c in found]
    assert [c.corrected for c in found] == pytest.approx(max_t(rows), abs=0.02)


def test_many_families():
    found = compare_families(random_volumes(35, 10, 3, step=0.01))
    assert len(found) == 595
    assert {c.first for c in found[:34]} == {found[0].first}


def test_names_break_ties():
    found = compare(c=[0.5, 0.5], a=[0.5, 0.5], b=[0.5, 0.5])
    assert [(c.first, c.second) for c in found] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_fewer_than_two_families_or_replicates():
    assert compare_families({}) == []
    assert compare(a=[0.5, 0.6]) == []
    assert compare(a=[], b=[]) == []
    (found,) = compare(a=[0.5], b=[0.25])
    assert (found.corrected, found.wilcoxon, found.distinguishable) == (None, None, False)
    assert found.interval.kind == "single"


def test_families_of_different_boxes_are_not_compared():
    other = Box((Objective("unlearning_accuracy", "max", 1, 0), Objective("x", "max", 1, 0)))
    with pytest.raises(InputError, match="different boxes"):
        compare_families({"a": volume([0.5]), "b": volume([0.5], other)})


def test_families_are_paired_over_the_replicates_that_both_were_run_in():
    rest = {"a": volume(FAR), "c": volume(LOW)}
    found = by_pair(compare_families({**rest, "b": volume([0.1])}))
    assert found["a", "b"].differences == pytest.approx({0: FAR[0] - 0.1})
    assert (found["a", "b"].corrected, found["a", "b"].interval.kind) == (None, "single")
    assert found["a", "c"].distinguishable
    for n in (5, 6, 7):
        pair = by_pair(compare_families({**rest, "b": volume([0.1] * n)}))["a", "b"]
        assert len(pair.differences) == n
        assert pair.corrected == 2 / 2**n  # what is missing flips without a trace
        assert pair.distinguishable == (n >= 6)
        assert pair.interval == interval(list(pair.differences.values()))


def test_five_common_replicates_never_separate():
    families = {"a": volume([0.9] * 12), "b": volume([0.1] * 5)}
    assert not compare_families(families)[0].distinguishable


def test_families_without_a_common_replicate_are_not_compared():
    other = replace(volume([0.5]), per_replicate={7: 0.5})
    assert compare_families({"a": volume([0.5]), "b": other}) == []


def test_who_is_better_where_both_were_run_beats_the_larger_mean():
    # b is better in each common replicate, though a has the larger mean over its own
    a = [0.3, 0.31, 0.32, 0.3, 0.31, 0.32, 0.9, 0.9, 0.9]
    families = {"a": volume(a), "b": volume([x + 0.1 for x in a[:6]])}
    (found,) = compare_families(families)
    assert (found.first, found.ahead, found.behind) == ("a", "b", "a")


def halves(*samples, values=FAR):
    """Half-samples that are as good in every replicate."""
    return HalfSamples({r: np.array(samples) for r in range(len(values))}, (), {})


def test_a_lead_that_another_draw_would_reverse_is_not_distinguishable():
    low = volume(LOW, half_samples=halves(0.4))
    for held, total in ((19, 20), (18, 20), (20, 20), (94, 100), (95, 100)):
        samples = halves(*[0.5] * held, *[0.3] * (total - held))
        (found,) = compare_families({"a": volume(FAR, half_samples=samples), "b": low})
        assert found.draw_share == held / total
        assert found.distinguishable == (held / total >= 0.95)
        assert found.corrected == 2 / 2**8


def test_the_draw_alone_separates_nothing():
    families = {"a": volume(FAR[:5], half_samples=halves(0.5, 0.6)),
                "b": volume(LOW[:5], half_samples=halves(0.4, 0.3))}  # fmt: skip
    (found,) = compare_families(families)
    assert found.draw_share == 1.0
    assert not found.distinguishable


def test_the_draw_is_asked_for_the_family_that_is_ahead():
    # a has the larger mean over its own replicates, b is ahead in the common ones
    a = [0.3, 0.31, 0.32, 0.3, 0.31, 0.32, 0.9, 0.9, 0.9]
    families = {
        "a": volume(a, half_samples=halves(0.3, 0.3, 0.3, 0.5, values=a)),
        "b": volume([x + 0.1 for x in a[:6]], half_samples=halves(0.4, 0.4, values=a[:6])),
    }
    (found,) = compare_families(families)
    assert (found.ahead, found.draw_share) == ("b", 0.75)


def test_a_family_that_was_drawn_once_has_no_verdict():
    points = pd.DataFrame(
        {"family": ["a", "b", "b", "c", "d"], "trial_id": ["a-0", "b-0", "b-1", "c-0", "d-0"]}
    )
    lr = {"lr": KnobDomain("uniform", (0, 1))}
    once = drawn_once(points, {"a": lr, "b": lr, "c": {}})
    assert once == {"a"}
    found = without_verdict(compare(a=FAR, b=LOW, c=[x - 0.2 for x in LOW]), once)
    assert [(p.first, p.second) for p in found if p.distinguishable] == [("b", "c")]


def test_a_running_sweep_has_no_verdict():
    found = compare(a=FAR, b=LOW)
    assert found[0].distinguishable
    (held,) = without_verdict(found)
    assert not held.distinguishable
    assert held.corrected == found[0].corrected


def test_plain_data_for_json():
    (found,) = compare(a=[0.5, 0.75], b=[0.25, 0.25])
    assert found.to_dict() == {
        "first": "a",
        "second": "b",
        "mean": 0.375,
        "interval": [0.25, 0.5],
        "interval_kind": "range",
        "interval_covers": "seeds",
        "wilcoxon": None,
        "corrected": 0.5,
        "probability": 1.0,
        "draw_share": None,
        "distinguishable": False,
    }


LOW = [0.40, 0.42, 0.41, 0.43, 0.40, 0.42, 0.41, 0.40]
NEAR = [0.41, 0.41, 0.42, 0.42, 0.41, 0.41, 0.42, 0.39]
FAR = [0.52, 0.51, 0.50, 0.54, 0.53, 0.50, 0.52, 0.51]


def test_a_lead_holds_in_seeds_and_in_draws_or_not():
    (clear,) = compare(a=FAR, b=LOW)
    (close,) = compare(b=LOW, c=NEAR)
    (short,) = compare(a=FAR[:5], b=LOW[:5])
    assert [c.holds_in_seeds for c in (clear, close, short)] == [True, False, False]
    drawn = [replace(clear, draw_share=share) for share in (None, 0.94, 0.95, 1.0)]
    assert [c.holds_in_draws for c in drawn] == [True, False, True, True]


def test_on_a_run(tmp_path):
    run = write_synthetic_run(tmp_path / "run", replicates=8)
    box = Box.from_dict(read_manifest(run)["box"])
    families = family_hypervolumes(read_points(run), box)
    before = {name: dict(family.per_replicate) for name, family in families.items()}
    found = by_pair(compare_families(families))
    assert found["upgrad/kl_heldout", "none"].distinguishable
    assert found["upgrad/kl_heldout", "none"].draw_share == 1.0
    assert found["upgrad/kl_heldout", "none"].interval.kind == "bootstrap"
    assert {name: family.per_replicate for name, family in families.items()} == before


def test_pairs_are_compared_in_the_order_given_and_corrected_for_themselves_alone():
    volumes = {name: volume(values) for name, values in (("a", LOW), ("b", NEAR), ("c", FAR))}
    (turned,) = compare_pairs(volumes, [("a", "c")])
    straight = by_pair(compare_families(volumes))["c", "a"]
    assert turned.mean == pytest.approx(-straight.mean)
    assert turned.ahead == "c"
    assert turned.corrected == pytest.approx(2 / 2**8)
    assert list(by_pair(compare_pairs(volumes, [("b", "a"), ("a", "c")]))) == [
        ("b", "a"),
        ("a", "c"),
    ]
    volumes["d"] = replace(volumes["a"], per_replicate={9: 0.5})
    assert compare_pairs(volumes, [("a", "d")]) == []
    assert compare_pairs(volumes, []) == []
