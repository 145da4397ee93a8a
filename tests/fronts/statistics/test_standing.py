import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pareto_explorer.fronts import (
    FamilyHypervolume,
    HypervolumeResult,
    compare_families,
    efficacy_fidelity_box,
    family_hypervolumes,
    standing,
    standing_sentence,
)
from pareto_explorer.fronts.statistics.comparison import SEPARABLE_FROM, without_verdict
from pareto_explorer.fronts.statistics.resampling import Interval
from pareto_explorer.results.run import load_run
from pareto_explorer.text import listing
from tests.synthetic import write_synthetic_run

BOX = efficacy_fidelity_box()
SCALE = (
    "has the largest mean hypervolume (the share of the possible trade-offs that its models beat)"
)
REPEATED = "(each repeats every trial with other seeds)"
NOISE = [0.00, 0.01, 0.02, 0.03, 0.04, 0.05]


def volumes(**families):
    """Values by replicate, as a list or as a mapping of those that were run."""
    found = {}
    for name, values in families.items():
        run = values if isinstance(values, dict) else dict(enumerate(values))
        mean = sum(run.values()) / len(run)
        found[name] = FamilyHypervolume(
            mean, run, Interval(0.0, 1.0, "range"), HypervolumeResult(mean, BOX, 1, 1, 0), 1, 0, 0
        )
    return found


def up(mean):
    return [mean + x for x in NOISE]


def down(mean):
    return [mean + x for x in reversed(NOISE)]


def drawn(comparisons, shares):
    """The comparisons as they are where the draw counts too."""
    told = [replace(c, draw_share=shares.get((c.first, c.second), 1.0)) for c in comparisons]
    return [replace(c, distinguishable=c.distinguishable and c.draw_share >= 0.95) for c in told]


def said(shares=None, remedy="", **families):
    found = volumes(**families)
    return standing_sentence(standing(found, drawn(compare_families(found), shares or {})), remedy)


def test_a_clear_leader():
    assert said(a=up(0.8), b=up(0.4)) == f"a {SCALE}, clearly ahead of b."
    assert said(a=up(0.8), b=up(0.4), c=up(0.1)) == (
        f"a {SCALE}, clearly ahead of every other family: b and c."
    )


def test_a_tie_is_named_before_those_behind():
    assert said(a=up(0.8), b=down(0.8), d=up(0.2), e=up(0.1)) == (
        f"a {SCALE}, and b cannot be told from it; d and e are clearly behind."
    )
    assert said(a=up(0.8), b=down(0.8), c=[0.84, 0.8, 0.85, 0.8, 0.84, 0.8], d=up(0.2)) == (
        f"a {SCALE}, and b and c cannot be told from it; d is clearly behind."
    )


def test_nothing_can_be_told_apart():
    assert said(a=up(0.8), b=down(0.8)) == f"a {SCALE}, but b cannot be told from it."
    assert said(a=up(0.8), b=down(0.8), c=[0.84, 0.8, 0.85, 0.8, 0.84, 0.8]) == (
        f"a {SCALE}, but no other family can be told from it: b and c."
    )


def test_a_lead_that_another_draw_could_reverse_is_a_tie():
    lost = "may not survive another draw of the configurations"
    families = {"a": up(0.8), "b": down(0.8), "c": up(0.6), "d": up(0.1)}
    # b is not told apart by the seeds, so its share of draws changes nothing
    shares = {("a", "b"): 0.5, ("a", "c"): 0.94, ("a", "d"): 0.95}
    assert said(shares, **families) == (
        f"a {SCALE}, and b and c cannot be told from it (its lead over c {lost}); "
        "d is clearly behind."
    )
    del families["b"], families["d"]
    assert said(shares, **families) == f"a {SCALE}, but c cannot be told from it (its lead {lost})."


@pytest.mark.parametrize("n", [1, 2, 5])
def test_too_few_replicates_claim_neither_a_tie_nor_an_order(n):
    text = said(a=up(0.8)[:n], b=up(0.4)[:n], c=up(0.1)[:n], remedy="a new run with more")
    assert text == (
        f"a {SCALE}, but {n} replicate{'s'[: n - 1]} {REPEATED} {'are' if n > 1 else 'is'} too few "
        "to tell families apart: it takes 6, in a new run with more."
    )
    assert said(a=[0.8], b=[0.4]).endswith("to tell families apart: it takes 6.")


def test_few_replicates_in_common_are_too_few():
    assert said(a=[0.9, 0.8], b=up(0.4)) == (
        f"a {SCALE}, but it has at most 2 of 6 replicates {REPEATED} in common with another family,"
        " and a verdict takes 6."
    )
    assert said(a={7: 0.9}, b=up(0.4)) == (
        f"a {SCALE}, but no other family was run in a replicate {REPEATED} with it."
    )
    assert said(a=up(0.8), b=up(0.4), c=[0.7], d={9: 0.7}) == (
        f"a {SCALE}, and b is clearly behind; c and d have too few replicates {REPEATED} in common "
        "with it for a verdict."
    )


def test_who_is_better_where_both_were_run_is_said_to_be_ahead_of_the_leader():
    a = [0.3, 0.31, 0.32, 0.3, 0.31, 0.32, 0.9, 0.9, 0.9]
    assert said(a=a, b=[x + 0.1 for x in a[:6]], c=[0.01] * 9) == (
        f"a {SCALE}, but b is clearly ahead of it where both were run; c is clearly behind."
    )


def test_a_single_family_has_no_rival():
    assert "a is the only family" in said(a=up(0.8))


def test_the_control_does_not_read_as_nobody():
    assert said(a=up(0.8), none=up(0.1)).endswith("clearly ahead of the control none.")
    assert said(none=up(0.8), a=down(0.79)).startswith("the control none has the largest")


def test_a_crowd_is_counted():
    crowd = {f"b{i:02}": up(0.7 - i / 100) for i in range(43)}
    text = said(a=up(0.8), aa=down(0.8), **crowd)
    assert "; b00, b01, b02, b03, b04 and 38 others are clearly behind." in text


def test_on_a_run(tmp_path):
    run = load_run(write_synthetic_run(tmp_path / "run", replicates=8).path)
    families = family_hypervolumes(run.points, run.box)
    comparisons = compare_families(families)
    found = standing(families, comparisons)
    assert found.leader == "upgrad/kl_heldout"
    assert "none" in found.behind
    assert (found.shared, found.replicates) == (8, 8)
    assert not standing(families, without_verdict(comparisons)).behind


grid = st.integers(0, 8).map(lambda k: k / 8)  # ties and zeros
tables = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.dictionaries(st.integers(0, 7), grid, min_size=1)
    | st.lists(grid, min_size=7, max_size=8).map(lambda row: dict(enumerate(row)))
    | grid.map(lambda level: {r: level + r / 100 for r in range(8)}),
    min_size=1,
)
shares = st.dictionaries(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")),
    st.sampled_from([0.5, 0.95]),
)


@settings(deadline=None, max_examples=200)
@given(tables, shares)
def test_every_family_is_in_one_group_and_is_named_in_it(table, shares):
    families = volumes(**table)
    comparisons = drawn(compare_families(families), shares)
    found = standing(families, comparisons)
    groups = (found.ahead, found.tied, found.behind, found.undecided)
    assert sorted([found.leader, *sum(groups, ())]) == sorted(families)
    for group in groups:
        assert list(group) == sorted(group, key=lambda name: (-families[name].mean, name))

    pairs = {frozenset((c.first, c.second)): c for c in comparisons}
    for name in families.keys() - {found.leader}:
        pair = pairs.get(frozenset((found.leader, name)))
        common = 0 if pair is None else len(pair.differences)
        assert (name in found.undecided) == (common < SEPARABLE_FROM)
        told = pair is not None and pair.distinguishable
        assert (name in found.behind) == (told and pair.ahead == found.leader)
        assert (name in found.ahead) == (told and pair.ahead == name)
        if name in found.unsettled:
            assert pair.draw_share < 0.95
            assert name in (*found.tied, *found.undecided)

    text = standing_sentence(found, named=8)
    assert text.startswith(f"{found.leader} ")
    plain = re.sub(r"\([^)]*\)", "", text)  # without what terms mean and what a draw could reverse
    if found.shared < SEPARABLE_FROM:
        assert not re.search("behind|ahead|told from", plain)
        return
    assert sorted(re.findall(r"\b[a-h]\b", plain.replace("a verdict", ""))) == sorted(families)
    phrases = {
        found.ahead: "{} (is|are) clearly ahead of it",
        found.tied: "{} cannot be told from it|told from it: {}",
        found.behind: "{} (is|are) clearly behind|clearly ahead of (every other family: )?{}\\.",
        found.undecided: "{} (has|have) too few",
    }
    for group, phrase in phrases.items():
        if group:
            assert re.search(phrase.replace("{}", listing(group, 8)), plain)
